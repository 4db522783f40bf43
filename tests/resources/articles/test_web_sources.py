"""GDELT, the SEC and Yahoo's news through the real client code, against servers on loopback."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from resources.articles.filings import Filings
from resources.articles.gathering import gathered
from resources.articles.gdelt import Gdelt
from resources.articles.yahoo_news import YahooNews
from resources.prices.yahoo import client
from resources.web import Pace, Patience, Web, WebError
from tests.fake_yahoo.answers import Article as News
from tests.resources.fake_web import FAULTS, Reply, serving

NOW = datetime.fromisoformat("2025-01-28T12:00")
QUICK = {"pause": 0.001, "longest": 0.01}
REPORT = (
    "<html><body><article><h1>Current report</h1><p>Item 7.01. The company states that its shares "
    "fell 17% on Monday and that it knows of no reason for it beyond what was published.</p>"
    "</article></body></html>"
)


@pytest.fixture
def fake():
    with serving() as server:
        yield server


def web(source, tries=2):
    patience = Patience(Pace(1000.0), tries=tries, **QUICK)
    return Web(source, patience=patience, seconds=0.5, clock=lambda: NOW)


def listed(*entries):
    return Reply(json.dumps({"articles": list(entries)}).encode())


ENTRY = {
    "url": "https://daily.example/chips",
    "title": "Nvidia shares fall 17% on Monday as chip stocks plunge",
    "seendate": "20250127T213000Z",
    "domain": "daily.example",
    "language": "English",
}


def only(source):
    batch = gathered([source])
    (answer,) = batch.answers
    return batch, answer


def test_gdelt_gives_titles_with_the_moment_it_saw_them(fake):
    source = Gdelt(["nvidia"], web("gdelt"), fake.set("/doc", listed(ENTRY)))
    batch, answer = only(source)
    (row,) = batch.rows.to_pylist()
    assert (row["title"], row["source"]) == (ENTRY["title"], "daily.example")
    assert row["published_at"] == datetime.fromisoformat("2025-01-27T21:30")
    assert (row["language"], row["location"]) == ("en", ENTRY["url"])
    assert (answer.outcome, answer.n_rows, answer.source) == ("delivered", 1, "gdelt")
    assert "query=nvidia" in fake.asked[0]
    assert "mode=artlist" in fake.asked[0]


def test_an_entry_without_a_title_or_date_is_a_reject_and_the_others_are_kept(fake):
    broken = [{**ENTRY, "title": ""}, {**ENTRY, "seendate": "yesterday"}, "nonsense"]
    source = Gdelt(["nvidia"], web("gdelt"), fake.set("/doc", listed(*broken, ENTRY)))
    batch, answer = only(source)
    assert batch.rows.num_rows == answer.n_rows == 1
    assert [reject.source_row for reject in batch.rejects] == [1, 2, 3]
    assert all(reject.reason for reject in batch.rejects)


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"Please limit requests to one every 5 seconds", "rate_limited"),
        (b"Your query was too short or too long.", "malformed"),
        (b'{"articles": 3}', "malformed"),
        (b"[1, 2]", "malformed"),
    ],
)
def test_gdelt_tells_of_its_troubles_with_status_200(fake, body, cause):
    _, answer = only(Gdelt(["x"], web("gdelt"), fake.set("/doc", Reply(body))))
    assert (answer.outcome, answer.cause) == ("failed", cause)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_passes_is_asked_again(fake, name):
    address = fake.set("/doc", FAULTS[name], listed(ENTRY))
    _, answer = only(Gdelt(["x"], web("gdelt", tries=3), address))
    assert (answer.outcome, answer.n_tries) == ("delivered", 2)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_stays_is_named(fake, name):
    _, answer = only(Gdelt(["x"], web("gdelt"), fake.set("/doc", FAULTS[name])))
    assert (answer.outcome, answer.cause) == ("failed", name)


def test_no_articles_is_a_fact_and_no_failure(fake):
    _, answer = only(Gdelt(["x"], web("gdelt"), fake.set("/doc", Reply(b"{}"))))
    assert (answer.outcome, answer.cause) == ("no_data", "no_data")


def submissions(*reports):
    columns = ("form", "accessionNumber", "primaryDocument", "acceptanceDateTime", "items")
    recent = {name: [report[i] for report in reports] for i, name in enumerate(columns)}
    return Reply(json.dumps({"filings": {"recent": recent}}).encode())


@pytest.fixture
def sec(fake):
    def source(*tickers, reports, document=None):
        directory = {"0": {"cik_str": 1045810, "ticker": "NVDA"}}
        fake.set("/directory", Reply(json.dumps(directory).encode()))
        fake.set("/submissions/0001045810", submissions(*reports))
        for report in reports:
            path = f"/doc/1045810/{report[1].replace('-', '')}/{report[2]}"
            fake.set(path, document or Reply(REPORT.encode()))
        return Filings(
            list(tickers),
            web("sec"),
            fake.address + "/directory",
            fake.address + "/submissions/{cik:010d}",
            fake.address + "/doc/{cik}/{folder}/{name}",
        )

    return source


EIGHT_K = ("8-K", "0001045810-25-000007", "report.htm", "2025-01-27T16:05:12-05:00", "7.01")


def test_a_current_report_is_dated_by_its_acceptance_and_kept_whole(sec):
    others = [("10-K", "0001045810-25-000001", "annual.htm", "2025-01-20T16:00:00-05:00", "")]
    batch = gathered([sec("NVDA", reports=[*others, EIGHT_K])])
    (row,) = batch.rows.to_pylist()
    assert row["published_at"] == datetime.fromisoformat("2025-01-27T21:05:12")
    assert (row["published_from"], row["source"], row["is_whole"]) == ("field", "SEC", True)
    assert row["title"] == "NVDA 8-K 7.01"
    assert "fell 17% on Monday" in row["text"]
    assert [answer.outcome for answer in batch.answers] == ["delivered"]


def test_the_newest_reports_are_read_and_no_more(sec, fake):
    reports = [
        ("8-K", f"0001045810-25-00000{day}", f"r{day}.htm", f"2025-01-0{day}T12:00:00Z", "8.01")
        for day in range(1, 9)
    ]
    gathered([sec("NVDA", reports=reports)])
    read = [asked.rpartition("/")[2] for asked in fake.asked if asked.startswith("/doc/")]
    assert read == ["r8.htm", "r7.htm", "r6.htm", "r5.htm", "r4.htm"]


def test_a_firm_the_sec_does_not_know_is_named_and_the_others_go_on(sec):
    batch = gathered([sec("XXXX", "NVDA", reports=[EIGHT_K])])
    known = {answer.requested: (answer.outcome, answer.cause) for answer in batch.answers}
    assert known["sec: XXXX"] == ("failed", "unknown_ticker")
    assert batch.rows.num_rows == 1


def test_a_report_that_cannot_be_read_is_an_answer_with_its_cause(sec):
    batch = gathered([sec("NVDA", reports=[EIGHT_K], document=Reply(b"<html></html>"))])
    (answer,) = batch.answers
    assert (answer.outcome, answer.cause, batch.rows.num_rows) == ("failed", "malformed", 0)


@pytest.fixture
def news_of(fake_yahoo, real_yfinance):
    """Return the source; the session of an earlier test would lead to that test's server."""
    del fake_yahoo, real_yfinance
    client._session.cache_clear()
    patience = Patience(Pace(1000.0), tries=2, **QUICK)
    return lambda *tickers: YahooNews(list(tickers), patience=patience)


def test_yahoo_lists_title_summary_and_address(fake_yahoo, news_of):
    at = int(datetime(2025, 1, 27, 21, 30, tzinfo=UTC).timestamp())
    piece = News(
        "Nvidia falls", "https://daily.example/a", at, "Shares of Nvidia fell 17%.", "Daily"
    )
    fake_yahoo.news["NVDA"] = [piece]
    batch, answer = only(news_of("NVDA"))
    (row,) = batch.rows.to_pylist()
    assert (row["title"], row["source"]) == ("Nvidia falls", "Daily")
    assert row["text"] == "Nvidia falls\n\nShares of Nvidia fell 17%."
    assert row["published_at"] == datetime.fromisoformat("2025-01-27T21:30")
    assert (answer.outcome, answer.n_rows, answer.source) == ("delivered", 1, "yahoo")
    assert answer.client.startswith("yfinance")


def test_a_ticker_without_news_is_a_fact(news_of):
    _, answer = only(news_of("NVDA"))
    assert (answer.outcome, answer.cause) == ("no_data", "no_data")


DEEP = b"[" * 200_000


@pytest.mark.parametrize("body", [DEEP, b'{"articles": {"a": 1}}', b"3"])
def test_whatever_gdelt_answers_is_one_malformed_answer(fake, body):
    _, answer = only(Gdelt(["x"], web("gdelt"), fake.set("/doc", Reply(body))))
    assert (answer.outcome, answer.cause) == ("failed", "malformed")


def test_a_full_list_says_that_there_may_be_more(fake):
    entries = [{**ENTRY, "title": f"Nvidia shares fall, story {n}"} for n in range(250)]
    _, answer = only(Gdelt(["x"], web("gdelt"), fake.set("/doc", listed(*entries))))
    assert answer.n_rows == 250
    assert "there may be more" in answer.reason


UNEVEN = {"form": ["8-K", "8-K"], "accessionNumber": ["1"], "primaryDocument": ["a"]}
RECENT = {"form": ["8-K"], "accessionNumber": ["1"], "primaryDocument": ["a"], "items": [""]}


@pytest.mark.parametrize(
    "filings",
    [None, {"recent": UNEVEN}]
    + [{"recent": {**RECENT, "acceptanceDateTime": [at]}} for at in ("soon", None)],
)
def test_a_list_of_filings_that_cannot_be_read_is_malformed(sec, fake, filings):
    source = sec("NVDA", reports=[])
    fake.set("/submissions/0001045810", Reply(json.dumps({"filings": filings}).encode()))
    (answer,) = gathered([source]).answers
    assert (answer.outcome, answer.cause) == ("failed", "malformed")


@pytest.mark.parametrize("body", [DEEP, b'{"0": {"cik_str": "abc", "ticker": "NVDA"}}'])
def test_a_directory_that_cannot_be_read_is_malformed(sec, fake, body):
    source = sec("NVDA", reports=[EIGHT_K])
    fake.set("/directory", Reply(body))
    (answer,) = gathered([source]).answers
    assert (answer.outcome, answer.cause) == ("failed", "malformed")


@pytest.mark.parametrize(
    "stream", [None, 3, [{"content": {"title": "A", "pubDate": "soon"}}, {"content": {}}]]
)
def test_news_that_cannot_be_read_stops_nothing(stream):
    from resources.articles.gathering import guarded
    from resources.articles.yahoo_news import _read

    body = json.dumps({"data": {"tickerStream": {"stream": stream}}}).encode()
    if isinstance(stream, list):
        articles, rejects = guarded(_read)(body)
        assert (articles, len(rejects)) == ([], 2)
    else:
        with pytest.raises(WebError, match="malformed"):
            guarded(_read)(body)


def test_a_source_that_breaks_ends_itself_alone(fake):
    class Broken:
        def deliveries(self):
            yield from ()
            raise ZeroDivisionError("nobody thought of it")

    good = Gdelt(["nvidia"], web("gdelt"), fake.set("/doc", listed(ENTRY)))
    batch = gathered([Broken(), good])
    assert batch.rows.num_rows == 1
    assert [answer.outcome for answer in batch.answers] == ["failed", "delivered"]
