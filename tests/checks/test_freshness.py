"""Are prices recent? Held against each exchange's own sessions, with the clock stopped."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from checks.freshness import prices_are_fresh
from warehouse.tables import table

BARS = table("core.daily_prices")
SESSIONS = table("core.sessions")
INSTRUMENTS = table("core.instruments")
KIND = table("meta.warehouse")
# Closing times in UTC; 2025-01-20 is a holiday in New York.
CLOSES = {
    "XNYS": {17: "21:00", 21: "21:00", 22: "21:00", 23: "21:00"},
    "XTKS": {17: "06:30", 20: "06:30", 21: "06:30", 22: "06:30", 23: "06:30"},
}


def hold(tables, mic, ticker, last):
    """Register a listing whose bars end on that day of January."""
    listing = f"{mic}:{ticker}"
    tables.put(INSTRUMENTS, listing_id=listing, ticker=ticker, exchange_mic=mic)
    for day in (16, last):
        tables.put(BARS, listing_id=listing, ticker=ticker, session_date=date(2025, 1, day))


@pytest.fixture
def verdict(tables, verdicts):
    for mic, closes in CLOSES.items():
        for day, time in closes.items():
            closes_at = datetime.fromisoformat(f"2025-01-{day}T{time}")
            tables.put(
                SESSIONS,
                exchange_mic=mic,
                session_date=closes_at.date(),
                opens_at=closes_at - timedelta(hours=6),
                closes_at=closes_at,
            )

    def at(now):
        return verdicts(prices_are_fresh, tables, now=now)["prices_are_fresh"]

    return at


def test_the_last_settled_session_is_fresh(tables, verdict):
    hold(tables, "XNYS", "ETN", last=22)
    found = verdict("2025-01-23T06:00")
    assert found.passed
    assert found.rows_checked == 1


def test_one_session_behind_is_late(tables, verdict):
    hold(tables, "XNYS", "ETN", last=21)
    found = verdict("2025-01-23T06:00")
    assert not found.passed
    assert (found.severity, found.success) == ("WARN", True)
    assert found.first_failing_rows == [
        {"exchange_mic": "XNYS", "last_session": "2025-01-21", "sessions_behind": 1}
    ]


def test_a_holiday_makes_nobody_late(tables, verdict):
    hold(tables, "XNYS", "ETN", last=17)
    assert verdict("2025-01-21T06:00").passed
    assert verdict("2025-01-22T06:00").first_failing_rows[0]["sessions_behind"] == 1


@pytest.mark.parametrize(("now", "passed"), [("23:59", True), ("2025-01-23T00:00", False)])
def test_a_session_counts_three_hours_after_its_close(tables, verdict, now, passed):
    hold(tables, "XNYS", "ETN", last=21)
    assert verdict(now if "T" in now else f"2025-01-22T{now}").passed is passed


def test_each_exchange_is_held_against_its_own_calendar(tables, verdict):
    hold(tables, "XNYS", "ETN", last=22)
    hold(tables, "XTKS", "8035.T", last=17)
    found = verdict("2025-01-23T06:00")
    assert (found.rows_checked, found.rows_failed) == (2, 1)
    assert found.first_failing_rows == [
        {"exchange_mic": "XTKS", "last_session": "2025-01-17", "sessions_behind": 3}
    ]


def test_a_replay_is_history_and_cannot_be_late(tables, verdict):
    hold(tables, "XNYS", "ETN", last=17)
    tables.put(KIND, kind="replay")
    found = verdict("2026-01-23T06:00")
    assert found.passed
    assert found.note == "this warehouse holds the replay: history cannot be late"


def test_a_warehouse_of_real_data_can_be_late(tables, verdict):
    hold(tables, "XNYS", "ETN", last=17)
    tables.put(KIND, kind="real")
    assert not verdict("2025-01-23T06:00").passed


def test_a_listing_without_an_exchange_is_never_late(tables, verdict):
    tables.put(INSTRUMENTS, listing_id="FILE:ZZZ", ticker="ZZZ")
    tables.put(BARS, listing_id="FILE:ZZZ", ticker="ZZZ", session_date=date(2001, 9, 17))
    assert verdict("2025-01-23T06:00").passed
