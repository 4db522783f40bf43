"""When things happen: schedules at given instants, jobs as chosen, the settings of the instance."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
import yaml

import automation
from resources.batch import Days
from resources.calendars import Calendars
from warehouse.tables import table

ROOT = Path(__file__).parents[1]
BARS = table("core.daily_prices")
INSTRUMENTS = table("core.instruments")
US = ["XNYS", "XNAS", "ARCX", "CMES"]
# Half past five in New York, seven in Berlin and five in Tokyo on a Monday in January.
MONDAY = {
    "after_us_close": "2025-01-27T17:30",
    "after_europe_close": "2025-01-27T19:00",
    "after_tokyo_close": "2025-01-27T17:00",
}
PLACES = {"after_us_close": "XNYS", "after_europe_close": "XETR", "after_tokyo_close": "XTKS"}
SCHEDULES = {schedule.name: schedule for schedule in automation.SCHEDULES}


@pytest.fixture(autouse=True)
def _no_provider_is_chosen(monkeypatch):
    monkeypatch.delenv("SELLOFF_PRICES", raising=False)


@pytest.fixture
def tick(tables):
    """Evaluate a schedule at a local time, in a warehouse of whatever bars were put there."""

    def at(name, local):
        schedule = SCHEDULES[name]
        instant = datetime.fromisoformat(local).replace(
            tzinfo=ZoneInfo(schedule.execution_timezone)
        )
        with dg.build_schedule_context(
            scheduled_execution_time=instant,
            resources={"warehouse": tables, "calendars": Calendars()},
        ) as context:
            found = schedule.evaluate_tick(context)
        return found.run_requests[0] if found.run_requests else found.skip_message

    return at


def hold(tables, mic, ticker, last):
    """Register a listing that has bars up to a date."""
    listing = f"{mic}:{ticker}"
    tables.put(INSTRUMENTS, listing_id=listing, ticker=ticker, exchange_mic=mic)
    for day in (last - timedelta(days=1), last):
        tables.put(BARS, listing_id=listing, ticker=ticker, session_date=day)


def days_of(request):
    return Days.of_run(request.tags)


# -- schedules --------------------------------------------------------------------------------


def test_everything_ships_stopped():
    stopped = {"STOPPED"}
    assert {one.default_status.value for one in automation.SCHEDULES} == stopped
    assert {one.default_status.value for one in automation.SENSORS} == stopped


@pytest.mark.parametrize("name", MONDAY)
@pytest.mark.parametrize("day", ["2025-01-27", "2025-07-14"])
def test_a_schedule_ticks_an_hour_and_a_half_after_the_close_in_winter_and_in_summer(name, day):
    schedule = SCHEDULES[name]
    minute, hour, *rest = schedule.cron_schedule.split()
    assert rest == ["*", "*", "1-5"]
    zone = ZoneInfo(schedule.execution_timezone)
    ticks_at = datetime.fromisoformat(f"{day}T{int(hour):02}:{minute:0>2}").replace(tzinfo=zone)
    closes_at = Calendars().closes_at(PLACES[name], date.fromisoformat(day))
    assert ticks_at - closes_at == timedelta(hours=1, minutes=30)


def test_each_market_is_followed_in_its_own_time_zone():
    zones = {name: SCHEDULES[name].execution_timezone for name in MONDAY}
    assert zones == {
        "after_us_close": "America/New_York",
        "after_europe_close": "Europe/Berlin",
        "after_tokyo_close": "Asia/Tokyo",
    }


def test_on_a_normal_day_one_session_is_fetched_for_the_market_that_closed(tables, tick):
    hold(tables, "XNYS", "ETN", date(2025, 1, 24))
    request = tick("after_us_close", MONDAY["after_us_close"])
    # The weekend is asked for as well: it costs nothing and leaves no hole.
    assert days_of(request) == Days(date(2025, 1, 25), date(2025, 1, 27))
    exchanges = request.run_config["ops"]["raw__price_vintages"]["config"]["exchanges"]
    assert exchanges == US
    assert request.run_key == "after_us_close 2025-01-27"


@pytest.mark.parametrize(
    ("name", "local", "reason"),
    [
        ("after_us_close", "2025-01-20T17:30", "XNYS and XNAS and ARCX closed on 2025-01-20"),
        ("after_europe_close", "2025-12-26T19:00", "XETR and XAMS closed on 2025-12-26"),
        ("after_tokyo_close", "2025-02-11T17:00", "XTKS closed on 2025-02-11"),
    ],
)
def test_a_holiday_is_skipped_with_its_reason(tick, name, local, reason):
    skipped = tick(name, local)
    assert skipped.startswith(reason)
    assert skipped.endswith("no session to fetch")


def test_a_holiday_of_one_of_two_exchanges_is_not_skipped(tables, tick):
    hold(tables, "XETR", "SIE.DE", date(2025, 5, 30))
    request = tick("after_europe_close", "2025-06-09T19:00")  # Whit Monday: both trade
    assert days_of(request).end == date(2025, 6, 9)


def test_every_session_missed_since_the_last_success_is_caught_up(tables, tick):
    hold(tables, "XNAS", "NVDA", date(2025, 1, 17))
    request = tick("after_us_close", MONDAY["after_us_close"])
    assert days_of(request) == Days(date(2025, 1, 18), date(2025, 1, 27))


def test_the_exchange_that_is_furthest_behind_decides_what_is_caught_up(tables, tick):
    hold(tables, "XNAS", "NVDA", date(2025, 1, 24))
    hold(tables, "XNYS", "ETN", date(2025, 1, 22))
    request = tick("after_us_close", MONDAY["after_us_close"])
    assert days_of(request) == Days(date(2025, 1, 23), date(2025, 1, 27))


def test_what_other_markets_have_is_no_success_of_this_one(tables, tick):
    hold(tables, "XNAS", "NVDA", date(2025, 1, 27))
    hold(tables, "XTKS", "8035.T", date(2025, 1, 22))
    request = tick("after_tokyo_close", MONDAY["after_tokyo_close"])
    assert days_of(request) == Days(date(2025, 1, 23), date(2025, 1, 27))


def test_a_second_run_on_the_same_day_fetches_that_day_again(tables, tick):
    hold(tables, "XNAS", "NVDA", date(2025, 1, 27))
    request = tick("after_us_close", MONDAY["after_us_close"])
    assert days_of(request) == Days(date(2025, 1, 27), date(2025, 1, 27))


@pytest.mark.parametrize("name", MONDAY)
def test_the_first_run_ever_brings_the_history_that_the_market_model_needs(tick, name):
    days = days_of(tick(name, MONDAY[name]))
    assert (days.end - days.start).days == 420
    n_sessions = Calendars().sessions([PLACES[name]], days).num_rows
    assert n_sessions > 260 + 11


def test_scheduled_runs_ask_yahoo_unless_another_provider_is_chosen(tick, monkeypatch):
    config = tick("after_us_close", MONDAY["after_us_close"]).run_config
    assert config["resources"] == {"price_provider": {"config": {"provider": "yahoo"}}}
    monkeypatch.setenv("SELLOFF_PRICES", "files")
    assert "resources" not in tick("after_us_close", MONDAY["after_us_close"]).run_config


@pytest.mark.parametrize("name", MONDAY)
def test_what_a_schedule_asks_for_is_valid_configuration_of_its_job(tick, name, defs):
    request = tick(name, MONDAY[name])
    job = defs.resolve_job_def(SCHEDULES[name].job_name)
    said = dg.validate_run_config(job, request.run_config)
    asked = said["ops"]["raw__price_vintages"]["config"]["exchanges"]
    assert PLACES[name] in asked
    assert said["resources"]["price_provider"]["config"]["provider"] == "yahoo"


def test_every_exchange_that_we_have_listings_on_is_followed_by_one_schedule(tick, defs):
    followed = [
        mic
        for name in MONDAY
        for mic in tick(name, MONDAY[name]).run_config["ops"]["raw__price_vintages"]["config"][
            "exchanges"
        ]
    ]
    held = {listing.exchange_mic for listing in defs.resources["reference"].listings()}
    assert len(followed) == len(set(followed))
    assert held <= set(followed)


def test_old_things_go_on_sundays_when_that_is_switched_on(tmp_path):
    import os

    from resources.clock import Clock
    from resources.warehouse import Warehouse

    sunday = SCHEDULES["every_sunday"]
    assert (sunday.cron_schedule, sunday.job_name) == ("0 8 * * 0", "remove_old_things")
    assert sunday.default_status is dg.DefaultScheduleStatus.STOPPED
    leftover = tmp_path / "spill" / "tmpabcd1234.parquet"
    leftover.parent.mkdir()
    leftover.write_bytes(b"x")
    os.utime(leftover, (0, 0))
    result = automation.remove_old_things.execute_in_process(
        resources={
            "warehouse": Warehouse(path=str(tmp_path / "selloff.duckdb")),
            "clock": Clock(fixed_at="2025-01-28T12:00"),
        }
    )
    assert result.success
    assert not leftover.exists()


def test_freshness_is_looked_at_every_morning(defs):
    morning = SCHEDULES["every_morning"]
    assert (morning.cron_schedule, morning.execution_timezone) == ("0 6 * * *", "UTC")
    assert morning.job_name == "check_freshness"
    instant = datetime(2025, 1, 25, 6, tzinfo=UTC)
    assert isinstance(
        morning(dg.build_schedule_context(scheduled_execution_time=instant)), dg.RunRequest
    )
    job = defs.resolve_job_def("check_freshness")
    assert list(job.graph.node_dict) == ["core__daily_prices_prices_are_fresh"]


# -- jobs -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def defs():
    from definitions import defs

    return defs


def selected(defs, name):
    keys = defs.resolve_job_def(name).asset_layer.selected_asset_keys
    return {key.to_user_string() for key in keys}


def checks(defs, name):
    graph = defs.resolve_job_def(name).asset_layer.asset_graph
    return {key.name for key in graph.asset_check_keys}


def test_the_daily_job_and_the_backfill_run_everything(defs):
    graph = defs.resolve_asset_graph()
    every = {key.to_user_string() for key in graph.executable_asset_keys}
    assert {"raw/corporate_actions", "meta/data_docs", "meta/event_pages"} < every
    assert selected(defs, "daily") == every
    assert selected(defs, "range_backfill") == every


def test_markets_that_close_before_new_york_stop_at_core(defs):
    found = selected(defs, "core_only")
    assert {key.partition("/")[0] for key in found} == {"raw", "core"}
    assert "core/abnormal_returns" in found
    assert found == {key for key in selected(defs, "daily") if key[:4] in {"raw/", "core"}}
    assert SCHEDULES["after_tokyo_close"].job_name == "core_only"
    assert SCHEDULES["after_europe_close"].job_name == "core_only"
    assert SCHEDULES["after_us_close"].job_name == "daily"


def test_a_run_over_history_is_not_asked_whether_it_is_fresh(defs):
    for name in ("daily", "core_only", "range_backfill"):
        assert "prices_are_fresh" not in checks(defs, name)
        assert "every_session_is_present" in checks(defs, name)
    assert checks(defs, "check_freshness") == {"prices_are_fresh"}


def test_reading_articles_touches_no_prices(defs):
    assert selected(defs, "read_articles") == {
        *("raw/articles", "core/documents", "core/mentions", "core/claims", "core/article_tones"),
        *("mart/claim_checks", "mart/source_records", "mart/event_articles"),
        *("mart/event_coverage", "mart/mention_bursts", "meta/data_docs", "meta/releases"),
        "meta/event_pages",
    }


def test_publishing_by_hand_fetches_and_computes_nothing(defs):
    assert selected(defs, "publish") == {"meta/releases", "meta/event_pages"}


def test_only_the_backfill_says_that_it_is_one():
    tagged = {job.name for job in automation.JOBS if "selloff/backfill" in job.tags}
    assert tagged == {"range_backfill"}


# -- the instance -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def settings():
    return yaml.safe_load((ROOT / "dagster.yaml").read_text())


def test_one_run_at_a_time_works_on_the_warehouse(settings):
    (limit,) = settings["run_queue"]["tag_concurrency_limits"]
    assert limit == {"key": "selloff/warehouse", "value": "core", "limit": 1}
    assert all(limit["key"] in job.tags for job in automation.JOBS)
    assert {job.tags[limit["key"]] for job in automation.JOBS} == {limit["value"]}


def test_no_run_lasts_longer_than_an_hour(settings):
    assert settings["run_monitoring"]["enabled"]
    assert {job.tags["dagster/max_runtime"] for job in automation.JOBS} == {"3600"}


def test_the_settings_load_as_an_instance_that_keeps_its_files_and_its_counsel(tmp_path):
    from dagster._core.instance.ref import InstanceRef

    reference = InstanceRef.from_dir(str(tmp_path), config_dir=str(ROOT))
    kept_in = Path(reference.storage_data.config_dict["base_dir"])
    assert kept_in.parts[0] == ".dagster"
    assert reference.settings["telemetry"] == {"enabled": False}
    assert set(reference.settings["retention"]) == {"schedule", "sensor"}


def test_what_dagster_stores_is_ignored_by_git():
    ignored = (ROOT / ".gitignore").read_text().split()
    assert ".dagster/" in ignored
