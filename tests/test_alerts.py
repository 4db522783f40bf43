"""What is said to people: new sell-offs, failed runs, dropped articles; and by which way."""

from __future__ import annotations

import http.server
import json
import logging
import socket
import threading
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from types import SimpleNamespace

import dagster as dg
import pytest

from automation import dropped_articles, failed_runs, new_selloffs
from resources.alerts import Alerts
from resources.articles import Articles
from resources.clock import Clock
from resources.warehouse import WarehouseError
from warehouse.tables import table

EVENTS = table("mart.selloff_events")
SESSIONS = table("core.sessions")
RELEASES = table("meta.releases")
# The five sessions up to the evening of 2025-01-28; the 20th was a holiday.
RECENT = (22, 23, 24, 27, 28)
EVENING = "2025-01-28T22:30"
LOG = logging.getLogger("alerts under test")


class Ears:
    """Takes alerts and remembers them."""

    def __init__(self):
        self.heard = []

    def send(self, text, log):
        self.heard.append((text, log))


@pytest.fixture
def release(tables):
    """A published release with ten sessions, and a way to enter what it found."""
    for day in (14, 15, 16, 17, 21, *RECENT, 29):
        closes_at = datetime.fromisoformat(f"2025-01-{day}T21:00")
        tables.put(
            SESSIONS,
            exchange_mic="XNYS",
            session_date=closes_at.date(),
            opens_at=closes_at,
            closes_at=closes_at,
        )

    published = []

    def enter(name="sector-us", day=27, multiple=1.7, *, last=None, backfill=None, **values):
        first = date(2025, 1, day)
        values |= {"last_session_date": date(2025, 1, last) if last else first}
        tables.con.execute(f"DELETE FROM {EVENTS.qualified} WHERE event_id = ?", [name])
        tables.put(
            EVENTS,
            event_id=name,
            session_date=first,
            threshold_multiple=multiple,
            region="US",
            scope="sector",
            market_return=-0.0141,
            breadth=0.22,
            **values,
        )
        if backfill is not None:
            published_at = datetime.fromisoformat("2025-01-28T22:00") + timedelta(
                minutes=len(published)
            )
            published.append(published_at)
            tables.put(
                RELEASES,
                release_id=str(published_at),
                published_at=published_at,
                is_backfill=backfill,
            )

    return SimpleNamespace(tables=tables, enter=enter)


@pytest.fixture
def sensed(release):
    """Evaluate the sensor; return what was heard and the cursor it leaves."""

    def sense(cursor=None, now=EVENING, error=None):
        ears = Ears()

        @contextmanager
        def reading_release():
            if error:
                raise error
            yield release.tables.con

        with dg.build_sensor_context(
            cursor=cursor,
            resources={
                "warehouse": SimpleNamespace(reading_release=reading_release),
                "alerts": ears,
                "clock": Clock(fixed_at=now),
            },
        ) as context:
            found = new_selloffs.evaluate_tick(context)
        return [text for text, _ in ears.heard], found.cursor, found.skip_message

    return sense


# -- new sell-offs ----------------------------------------------------------------------------


def test_a_new_sell_off_is_told_once(release, sensed):
    release.enter()
    heard, cursor, _ = sensed()
    (text,) = heard
    assert text == (
        "sell-off sector-us: US sector on 2025-01-27, 1.70 x threshold, market -1.41%, "
        "22% of listings falling"
    )
    again, _, _ = sensed(cursor)
    assert again == []


def test_a_worse_one_is_told_again_at_each_multiple_of_the_threshold(release, sensed):
    cursor, told = None, []
    for multiple in (1.2, 1.9, 2.0, 2.9, 4.1, 3.0):
        release.enter(multiple=multiple)
        heard, cursor, _ = sensed(cursor)
        told.append(len(heard))
    assert told == [1, 0, 1, 0, 1, 0]


def test_two_sell_offs_are_two_alerts(release, sensed):
    release.enter("market-us", day=24)
    release.enter("sector-us", day=27)
    heard, cursor, _ = sensed()
    assert [text.split()[1] for text in heard] == ["market-us:", "sector-us:"]
    assert sensed(cursor)[0] == []


@pytest.mark.parametrize(("day", "n_alerts"), [(22, 1), (21, 0), (14, 0)])
def test_only_the_last_five_sessions_are_news(release, sensed, day, n_alerts):
    release.enter(day=day)
    assert len(sensed()[0]) == n_alerts


def test_an_older_episode_that_goes_on_is_news(release, sensed):
    release.enter(day=17, last=27)
    assert len(sensed()[0]) == 1


def test_a_session_that_has_not_closed_yet_does_not_push_another_out(release, sensed):
    release.enter(day=22)
    assert len(sensed(now="2025-01-29T20:59")[0]) == 1
    assert len(sensed(now="2025-01-29T21:00")[0]) == 0


def test_a_backfill_alerts_nobody_not_even_later(release, sensed):
    release.enter(backfill=True)
    heard, cursor, _ = sensed()
    assert heard == []
    release.enter(backfill=False)
    assert sensed(cursor)[0] == []


def test_what_the_next_daily_run_finds_is_told_though_a_backfill_came_before(release, sensed):
    release.enter("market-us", day=24, backfill=True)
    _, cursor, _ = sensed()
    release.enter("sector-us", day=27, backfill=False)
    heard, _, _ = sensed(cursor)
    assert [text.split()[1] for text in heard] == ["sector-us:"]


@pytest.mark.parametrize("values", [{"has_simulated_inputs": True}, {"status": "withdrawn"}])
def test_simulated_and_withdrawn_events_alert_nobody(release, sensed, values):
    release.enter(**values)
    assert sensed()[0] == []


def test_before_the_first_release_the_sensor_says_why_it_waits(sensed):
    heard, cursor, reason = sensed(error=WarehouseError("nothing is published yet"))
    assert heard == []
    assert cursor is None
    assert reason == "nothing is published yet"


# -- failed runs ------------------------------------------------------------------------------


def test_a_failed_run_is_told_with_its_job_and_its_step():
    @dg.op
    def fetching():
        raise ValueError("the source is gone\nand more lines")

    @dg.job(name="daily")
    def job():
        fetching()

    ears = Ears()
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, raise_on_error=False)
        context = dg.build_run_status_sensor_context(
            sensor_name="failed_runs",
            dagster_event=result.get_run_failure_event(),
            dagster_instance=instance,
            dagster_run=result.dagster_run,
        ).for_run_failure()
        failed_runs(context, alerts=ears)
    ((text, _),) = ears.heard
    assert text.startswith("run daily failed: ")
    assert "fetching" in text
    assert "\n" not in text


# -- dropped articles -------------------------------------------------------------------------


def looked_at(folder, cursor=None):
    with dg.build_sensor_context(
        cursor=cursor, resources={"article_source": Articles(path=str(folder))}
    ) as context:
        found = dropped_articles.evaluate_tick(context)
    return found.run_requests[0] if found.run_requests else found.skip_message, found.cursor


def test_a_new_article_is_read_once(tmp_path):
    (tmp_path / "first.txt").write_text("Nvidia fell.")
    request, cursor = looked_at(tmp_path)
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == cursor
    skipped, same = looked_at(tmp_path, cursor)
    assert skipped == f"1 files in {tmp_path}, none new"
    assert same == cursor


def test_a_changed_a_second_and_a_deeper_article_are_read(tmp_path):
    article = tmp_path / "first.txt"
    article.write_text("Nvidia fell.")
    _, cursor = looked_at(tmp_path)
    article.write_text("Nvidia fell by 17 percent.")
    request, changed = looked_at(tmp_path, cursor)
    assert isinstance(request, dg.RunRequest)
    (tmp_path / "wire").mkdir()
    (tmp_path / "wire" / "second.txt").write_text("Broadcom fell too.")
    request, deeper = looked_at(tmp_path, changed)
    assert isinstance(request, dg.RunRequest)
    assert len({cursor, changed, deeper}) == 3


def test_hidden_files_and_an_empty_folder_start_nothing(tmp_path):
    (tmp_path / ".part").write_text("half an artic")
    skipped, cursor = looked_at(tmp_path)
    assert skipped == f"0 files in {tmp_path}, none new"
    assert cursor is None


def test_without_a_drop_folder_the_sensor_says_how_to_name_one():
    skipped, _ = looked_at("")
    assert "SELLOFF_ARTICLES_PATH" in skipped


# -- the way out ------------------------------------------------------------------------------


@pytest.fixture
def hook():
    """A web hook on this machine; it answers with the status that its path names."""
    received = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.headers["Content-Type"], json.loads(body)))
            if self.path == "/hang-up":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(int(self.path.lstrip("/")))
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_address[1]}", received=received)
        server.shutdown()


def test_an_alert_is_logged_and_posted_as_json(hook, caplog):
    Alerts(webhook=f"{hook.url}/200").send("sell-off sector-us", LOG)
    assert hook.received == [("application/json", {"text": "sell-off sector-us"})]
    assert caplog.messages == ["sell-off sector-us"]


def test_without_a_web_hook_the_log_is_enough(caplog):
    Alerts().send("sell-off sector-us", LOG)
    assert caplog.messages == ["sell-off sector-us"]


@pytest.mark.parametrize("path", ["404", "500", "hang-up"])
def test_a_web_hook_that_fails_is_logged_and_nothing_else(hook, caplog, path):
    Alerts(webhook=f"{hook.url}/{path}").send("sell-off", LOG)
    assert len(hook.received) == 1
    alert, failure = caplog.records
    assert alert.message == "sell-off"
    assert failure.levelname == "ERROR"
    assert failure.message.startswith("the webhook did not take the alert: ")


@pytest.mark.parametrize(
    ("webhook", "complaint"),
    [
        ("http://127.0.0.1:1/hook", "the webhook did not take the alert: "),
        ("http://[half", "the webhook did not take the alert: "),
        ("file:///etc/passwd", "the webhook is no http address"),
        ("hooks.example/1", "the webhook is no http address"),
    ],
)
def test_an_address_that_cannot_take_an_alert_is_logged(caplog, webhook, complaint):
    Alerts(webhook=webhook).send("sell-off", LOG)
    assert caplog.messages[0] == "sell-off"
    assert caplog.messages[1].startswith(complaint)
