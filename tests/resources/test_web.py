"""How public sources are asked: pace, patience, causes; against a server on loopback."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import pytest
import requests

from resources.batch import Reject
from resources.web import Pace, Patience, Web, WebError, named
from tests.resources.fake_web import FAULTS, Kept, Reply, serving

NOW = datetime.fromisoformat("2025-01-28T12:00")
GOOD = Reply(b"1 2 3")


@pytest.fixture
def fake():
    with serving() as running:
        yield running


def web(**changed):
    patience = Patience(Pace(1000), tries=3, pause=0.001)
    return Web(
        **{"source": "test", "patience": patience, "seconds": 0.5, "clock": lambda: NOW, **changed}
    )


def numbers(body):
    if not body[:1].isdigit():
        raise WebError("malformed", "no numbers")
    return [{"number": int(word)} for word in body.split()], []


def ask(fake, *replies, read=numbers, **changed):
    return web(**changed).ask("numbers", fake.set("/numbers", *replies), read)


def test_a_document_is_read_and_its_answer_leads_back_to_it(fake):
    kept = Kept()
    found = ask(fake, GOOD, payloads=kept, agent="selloff someone@example.org")
    assert found.rows == [{"number": 1}, {"number": 2}, {"number": 3}]
    said = found.answer
    assert (said.requested, said.outcome, said.reason, said.cause) == (
        "numbers",
        "delivered",
        None,
        None,
    )
    assert (said.n_rows, said.n_tries, said.fetched_at, said.source) == (3, 1, NOW, "test")
    assert said.request == fake.address + "/numbers"
    assert said.client == f"requests {requests.__version__}"
    assert kept.bodies == {said.payload_sha256: (b"1 2 3", said.request, said.client, NOW)}
    assert fake.agents == ["selloff someone@example.org"]


def test_without_a_keeper_nothing_is_kept(fake):
    assert ask(fake, GOOD).answer.payload_sha256 is None


@pytest.mark.parametrize("cause", FAULTS)
def test_a_fault_that_passes_is_asked_again(fake, cause):
    found = ask(fake, FAULTS[cause], FAULTS[cause], GOOD)
    assert (found.answer.outcome, found.answer.n_tries, fake.count("/numbers")) == (
        "delivered",
        3,
        3,
    )


@pytest.mark.parametrize("cause", FAULTS)
def test_a_fault_that_stays_is_named_after_the_last_try(fake, cause):
    said = ask(fake, FAULTS[cause]).answer
    assert (said.outcome, said.cause, said.n_tries, said.n_rows) == ("failed", cause, 3, 0)
    assert said.reason.startswith(f"{cause}: ")
    assert said.request == fake.address + "/numbers"
    assert fake.count("/numbers") == 3


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (Reply(b"", 404), "not_found"),
        (Reply(b"", 403), "refused"),
        (Reply(b"", 302, {"Location": "http://127.0.0.1:1/"}), "refused"),
        (Reply(b"<html>", 200), "malformed"),
    ],
)
def test_a_fault_that_stays_by_its_nature_is_asked_once(fake, reply, cause):
    said = ask(fake, reply).answer
    assert (said.outcome, said.cause, said.n_tries) == ("failed", cause, 1)
    assert len(fake.asked) == 1


@pytest.mark.parametrize("status", [500, 502, 520])
def test_every_server_error_is_an_outage(fake, status):
    assert ask(fake, Reply(b"", status)).answer.cause == "outage"


def test_a_source_that_is_not_there_is_an_outage():
    with serving() as gone:
        address = gone.address
    assert web().ask("numbers", address, numbers).answer.cause == "outage"


def test_what_cannot_be_read_is_kept_all_the_same(fake):
    kept = Kept()
    said = ask(fake, FAULTS["outage"], Reply(b"<html>"), payloads=kept).answer
    assert kept.bodies[said.payload_sha256][0] == b"<html>"
    assert said.n_tries == 2


def test_too_much_is_refused(fake):
    said = ask(fake, Reply(b"1" * 1001), max_bytes=1000).answer
    assert (said.cause, said.reason) == ("refused", "refused: more than 1,000 bytes")


def test_a_document_without_rows_is_a_fact(fake):
    said = ask(fake, GOOD, read=lambda _body: ([], [])).answer
    assert (said.outcome, said.cause) == ("no_data", "no_data")


def test_a_document_of_nothing_but_refused_rows_says_so(fake):
    bad = Reject("file", 1, "bad", "{}")
    found = ask(fake, GOOD, read=lambda _body: ([], [bad]))
    assert found.answer.reason == "no rows, and 1 that were refused"
    assert found.rejects == [bad]


def test_a_source_that_wants_more_quiet_than_we_have_is_left_alone(fake):
    patience = Patience(Pace(1000), longest=0.5)
    said = ask(fake, Reply(b"", 429, {"Retry-After": "1"}), patience=patience).answer
    assert (said.cause, said.n_tries, len(fake.asked)) == ("rate_limited", 1, 1)


def test_a_date_of_retry_counts_as_no_wish(fake):
    asked_for = {"Retry-After": "Fri, 31 Dec 2027 23:59:59 GMT"}
    assert ask(fake, Reply(b"", 429, asked_for), GOOD).answer.n_tries == 2


class Time:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    stopped = Time()
    monkeypatch.setattr("resources.web.time", stopped)
    return stopped


def test_requests_keep_their_distance(clock):
    pace = Pace(8)
    passed = []
    for _ in range(5):
        pace.wait()
        passed.append(clock.now)
    assert passed == [0, 0.125, 0.25, 0.375, 0.5]


def test_after_a_rate_limit_nobody_asks_for_as_long_as_it_says(clock):
    patience = Patience(Pace(1000), pause=0.0)
    limits = [WebError("rate_limited", "http 429", 7.0)]

    def limited_once():
        if limits:
            raise limits.pop()
        return clock.now

    assert patience.ask(limited_once) == (7.0, 2)
    patience.pace.hold(5.0)
    assert patience.ask(lambda: clock.now) == (12.0, 1)


class Watched(Pace):
    """A pace that tells for how long it was held."""

    def hold(self, seconds):
        self.held = seconds
        super().hold(seconds)


@pytest.mark.parametrize(("cause", "held"), [("rate_limited", 7.0), ("outage", None)])
def test_a_rate_limit_holds_everybody_and_an_outage_nobody_else(clock, cause, held):
    pace = Watched(1000)

    def failing():
        raise WebError(cause, "not now", 7.0)

    with pytest.raises(WebError, match="not now"):
        Patience(pace, tries=2, pause=0.0).ask(failing)
    assert getattr(pace, "held", None) == held
    assert clock.now == pytest.approx(7.0, abs=0.01)


def test_the_pauses_double_and_differ(clock):
    begun = []

    def failing():
        begun.append(clock.now)
        raise WebError("outage", "down")

    with pytest.raises(WebError, match="down") as caught:
        Patience(Pace(1e9), tries=4, pause=1.0).ask(failing)
    assert caught.value.n_tries == 4
    pauses = [late - early for early, late in pairwise(begun)]
    assert [round(pause / low, 6) for pause, low in zip(pauses, (1, 2, 4), strict=True)] != [1] * 3
    assert all(low / 2 <= pause <= low * 1.5 for pause, low in zip(pauses, (1, 2, 4), strict=True))


def test_a_transport_that_says_nothing_is_named_by_its_kind():
    assert str(named(requests.ConnectionError())) == "outage: ConnectionError"
