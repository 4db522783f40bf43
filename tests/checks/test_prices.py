"""Judgements on bars by themselves: gaps in the calendar, and quality flags."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from resources.batch import Days
from warehouse.tables import table

BARS = table("core.daily_prices")
SESSIONS = table("core.sessions")
INSTRUMENTS = table("core.instruments")
MEMBERS = ["NVDA", "AMD", "AVGO", "MU", "MSFT"]


@pytest.fixture
def exchange(tables, weekdays):
    """An exchange with its sessions and listings, and a bar for each that is not left out."""

    def open_up(n_sessions=3, missing=(), members=MEMBERS, mic="XNAS"):
        for ticker in members:
            tables.put(INSTRUMENTS, listing_id=f"{mic}:{ticker}", ticker=ticker, exchange_mic=mic)
        for day in weekdays(n_sessions):
            tables.put(SESSIONS, exchange_mic=mic, session_date=day)
            for ticker in members:
                if (ticker, day.day) not in missing:
                    bar(tables, ticker, day, mic=mic)
        return tables

    return open_up


def bar(tables, ticker, day, flags="", mic="XNAS"):
    tables.put(
        BARS,
        listing_id=f"{mic}:{ticker}",
        ticker=ticker,
        session_date=day,
        close=118.42,
        volume=0.0 if "stale" in flags else 1e6,
        quality_flags=flags,
    )


# -- completeness -----------------------------------------------------------------------------


def test_a_bar_in_every_session_is_complete(exchange, verdict):
    found = verdict("every_session_is_present", exchange())
    assert found.passed
    assert found.rows_checked == 15


def test_one_absent_listing_is_a_gap_and_a_warning(exchange, verdict):
    found = verdict("every_session_is_present", exchange(missing={("AMD", 21)}))
    assert not found.passed
    assert found.severity == "WARN"
    assert found.success
    assert found.rows_failed == 1
    assert found.first_failing_rows == [
        {"ticker": "AMD", "exchange_mic": "XNAS", "session_date": "2025-01-21"}
    ]


def test_half_an_exchange_missing_is_the_fault_of_the_source_and_stops_the_run(exchange, verdict):
    gone = {(ticker, 21) for ticker in MEMBERS[:3]}
    found = verdict("every_session_is_present", exchange(missing=gone))
    assert found.severity == "ERROR"
    assert not found.success
    assert found.note == "1 sessions lack half of an exchange or more"
    (session,) = found.first_failing_rows
    assert (session["exchange_mic"], session["session_date"]) == ("XNAS", "2025-01-21")
    assert (session["n_missing"], session["n_expected"]) == (3, 5)


@pytest.mark.parametrize(("at", "severity"), [(60, "WARN"), (-1, "ERROR")])
def test_a_hole_in_a_long_history_is_a_warning_but_not_in_the_newest_session(
    exchange, tables, verdict, weekdays, at, severity
):
    exchange(n_sessions=0)
    days = weekdays(120)
    for day in days:
        tables.put(SESSIONS, exchange_mic="XNAS", session_date=day)
    bars = [
        (f"XNAS:{ticker}", ticker, day, 118.42, "files", "", 1, 0, False)
        for day in days
        for ticker in (MEMBERS if day != days[at] else MEMBERS[:2])
    ]
    tables.con.executemany(
        "INSERT INTO core.daily_prices (listing_id, ticker, session_date, close, source, "
        "quality_flags, n_sources, n_quarantined, is_simulated, split_ratio_after, as_of) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, now()::TIMESTAMP)",
        bars,
    )
    found = verdict("every_session_is_present", tables)
    assert (found.severity, found.rows_failed) == (severity, 3)


def test_of_a_small_exchange_half_may_be_missing_without_stopping_the_run(exchange, verdict):
    small = exchange(members=MEMBERS[:4], missing={(ticker, 21) for ticker in MEMBERS[:4]})
    found = verdict("every_session_is_present", small)
    assert (found.severity, found.rows_failed) == ("WARN", 4)


def test_a_listing_is_missed_from_its_first_bar_on(exchange, verdict):
    found = verdict("every_session_is_present", exchange(missing={("MU", 20), ("MU", 21)}))
    assert found.passed
    assert found.rows_checked == 13


def test_what_stops_trading_is_missed_for_two_weeks_and_then_gone(exchange, verdict, weekdays):
    days = weekdays(25)
    silent = {("MU", day.day) for day in days[5:]}
    tables = exchange(n_sessions=5)
    for day in days[5:]:
        tables.put(SESSIONS, exchange_mic="XNAS", session_date=day)
        for ticker in MEMBERS:
            if (ticker, day.day) not in silent:
                bar(tables, ticker, day)
    found = verdict("every_session_is_present", tables)
    # The last bar is a Friday's; of the 14 days after it ten are sessions.
    assert found.rows_failed == 10


def test_a_session_that_nobody_has_yet_is_not_missing(exchange, verdict):
    tables = exchange()
    tables.put(SESSIONS, exchange_mic="XNAS", session_date=date(2025, 1, 23))
    assert verdict("every_session_is_present", tables).passed


def test_only_the_days_of_the_run_are_asked_for(exchange, verdict):
    tables = exchange(missing={("AMD", 21)})
    wednesday = Days(date(2025, 1, 22), date(2025, 1, 22))
    assert verdict("every_session_is_present", tables, wednesday).passed
    assert not verdict("every_session_is_present", tables, None).passed


def test_the_newest_gaps_are_shown_first(exchange, verdict):
    gaps = {("AMD", 21), ("AVGO", 22)}
    found = verdict("every_session_is_present", exchange(missing=gaps))
    assert [row["ticker"] for row in found.first_failing_rows] == ["AVGO", "AMD"]


# -- quality flags ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "flag"),
    [
        ("jumps_are_corroborated", "jump"),
        ("bars_are_not_stale", "stale"),
        ("bars_are_in_the_calendar", "off_calendar"),
    ],
)
def test_flagged_bars_are_counted_and_the_newest_are_shown(tables, verdict, weekdays, check, flag):
    for day in weekdays(8):
        bar(tables, "ENR.DE", day, flags=f"{flag} provisional" if day.day < 28 else flag)
        bar(tables, "NVDA", day)
    found = verdict(check, tables)
    assert not found.passed
    assert found.severity == "WARN"
    assert found.success
    assert (found.rows_checked, found.rows_failed) == (16, 8)
    assert len(found.first_failing_rows) == 5
    newest = found.first_failing_rows[0]
    assert (newest["ticker"], newest["session_date"]) == ("ENR.DE", "2025-01-29")
    assert newest["quality_flags"] == flag


@pytest.mark.parametrize(
    "check",
    ["jumps_are_corroborated", "bars_are_not_stale", "bars_are_in_the_calendar"],
)
def test_another_flag_is_no_finding(tables, verdict, check):
    bar(tables, "ENR.DE", date(2025, 1, 24), flags="no_volume")
    assert verdict(check, tables).passed


def test_a_flag_outside_the_days_of_the_run_is_not_its_finding(tables, verdict):
    bar(tables, "ENR.DE", date(2025, 1, 24), flags="stale")
    later = Days(date(2025, 1, 27), date(2025, 1, 31))
    found = verdict("bars_are_not_stale", tables, later)
    assert found.passed
    assert found.rows_checked == 0


def test_gaps_of_two_exchanges_are_judged_each_on_its_own_calendar(exchange, verdict):
    tables = exchange()
    tokyo = ["6857.T", "8035.T", "9984.T", "5803.T", "7203.T"]
    gone = {(ticker, 21) for ticker in tokyo}
    exchange(members=tokyo, mic="XTKS", missing=gone)
    found = verdict("every_session_is_present", tables)
    assert found.severity == "ERROR"
    assert [row["exchange_mic"] for row in found.first_failing_rows] == ["XTKS"]


def test_bars_of_tokyo_make_nothing_due_in_new_york(exchange, verdict):
    tables = exchange(n_sessions=2)
    third = date(2025, 1, 22)
    tables.put(INSTRUMENTS, listing_id="XTKS:8035.T", ticker="8035.T", exchange_mic="XTKS")
    for mic in ("XNAS", "XTKS"):
        tables.put(SESSIONS, exchange_mic=mic, session_date=third)
    bar(tables, "8035.T", third, mic="XTKS")
    assert verdict("every_session_is_present", tables).passed


def test_a_session_that_has_not_closed_yet_is_no_gap(exchange, verdict):
    tables = exchange(missing={(ticker, 22) for ticker in MEMBERS[1:]})
    third = date(2025, 1, 22)
    tables.con.execute("DELETE FROM core.sessions WHERE session_date = $day", {"day": third})
    hours = {"opens_at": "2025-01-22 14:30", "closes_at": "2025-01-22 21:00"}
    tables.put(SESSIONS, exchange_mic="XNAS", session_date=third, **hours)
    for now, is_passed in (("2025-01-22T20:59", True), ("2025-01-22T21:00", False)):
        found = verdict("every_session_is_present", tables, now=now)
        assert found.passed is is_passed


def test_a_holiday_of_one_exchange_is_no_gap(exchange, verdict):
    tables = exchange(n_sessions=2)
    third = date(2025, 1, 22)
    tables.put(INSTRUMENTS, listing_id="XTKS:8035.T", ticker="8035.T", exchange_mic="XTKS")
    for day in (third - timedelta(days=1), third):
        tables.put(SESSIONS, exchange_mic="XTKS", session_date=day)
        bar(tables, "8035.T", day, mic="XTKS")
    assert verdict("every_session_is_present", tables).passed
