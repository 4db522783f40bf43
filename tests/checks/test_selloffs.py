"""Judgements on events: not too many, and none that was declared is lost."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from checks import selloffs
from warehouse.tables import table

EVENTS = table("mart.selloff_events")
DAYS = table("mart.market_days")
DECLARED = table("core.declared_events")
START = date(2024, 1, 1)


def enter(tables, name, day, **values):
    usual = {"region": "US", "status": "detected", "n_falling": 0, "scope": "market"}
    tables.put(EVENTS, **{"event_id": name, "session_date": day, **usual, **values})


@pytest.fixture
def sessions(tables):
    """Return 300 sessions of the US."""
    days = [START + timedelta(days=n) for n in range(300)]
    for day in days:
        tables.put(DAYS, region="US", session_date=day)
    return days


@pytest.mark.parametrize(
    ("last", "status", "n_failed"),
    [(249, "detected", 1), (250, "detected", 0), (249, "withdrawn", 0), (249, "declared", 0)],
)
def test_a_thirteenth_event_within_250_sessions_is_a_warning(
    tables, verdict, sessions, last, status, n_failed
):
    for number in range(12):
        enter(tables, f"event-{number}", sessions[number])
    enter(tables, "one-more", sessions[last], status=status)
    found = verdict("selloffs_are_rare", tables)
    assert found.rows_failed == n_failed
    if n_failed:
        assert found.severity == "WARN"
        (row,) = found.first_failing_rows
        assert (row["region"], row["session_date"], row["n_events"]) == (
            "US",
            str(sessions[249]),
            13,
        )


@pytest.mark.parametrize(
    ("declared_id", "status", "is_lost"),
    [
        ("a", "detected", False),
        ("a", "declared", False),
        ("a", "withdrawn", True),
        ("b", "declared", True),
    ],
)
def test_a_declared_event_without_bars_is_a_warning(
    tables, verdict, sessions, declared_id, status, is_lost
):
    tables.put(DECLARED, declared_id="a", region="US", session_date=sessions[3], scope="market")
    enter(tables, "event", sessions[3], declared_id=declared_id, status=status)
    found = verdict("every_declared_event_is_there", tables)
    assert found.rows_failed == int(is_lost)
    if is_lost:
        assert found.first_failing_rows[0]["declared_id"] == "a"


def test_the_judgements_warn_and_never_stop_a_run():
    assert {check.severity for check in selloffs.JUDGEMENTS} == {"WARN"}
