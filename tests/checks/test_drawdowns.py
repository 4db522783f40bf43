"""Judgements on drawdowns and measures of risk: possible, and yet more likely wrong."""

from __future__ import annotations

from datetime import date

import pytest

from warehouse.tables import table

BARS = table("core.daily_prices")
MEASURES = table("core.risk_measures")
EPISODES = table("mart.drawdown_episodes")


def fall(tables, ticker, depth, outcome="open", sessions=40):
    tables.put(
        EPISODES,
        listing_id=f"X:{ticker}",
        ticker=ticker,
        peak_date=date(2025, 1, 2),
        trough_date=date(2025, 1, 9),
        observed_through=date(2025, 1, 20),
        peak_close=100.0,
        trough_close=100.0 * (1 + depth),
        depth=depth,
        outcome=outcome,
        sessions_under_water=sessions,
        sessions_to_trough=1,
    )


def test_an_open_drawdown_beyond_99_percent_is_a_warning(tables, verdict):
    fall(tables, "GONE", -0.995)
    fall(tables, "LOW", -0.98)
    fall(tables, "BACK", -0.995, "recovered")
    fall(tables, "SPLIT", -0.995, "broken_off")
    found = verdict("open_drawdowns_are_believable", tables)
    assert (found.severity, found.rows_checked, found.rows_failed) == ("WARN", 4, 1)
    assert found.first_failing_rows[0]["ticker"] == "GONE"


@pytest.mark.parametrize(
    ("depth", "outcome", "sessions", "is_caught"),
    [
        (-0.6, "recovered", 2, True),
        (-0.6, "recovered", 4, False),
        (-0.4, "recovered", 2, False),
        (-0.6, "open", 2, False),
    ],
)
def test_half_of_the_value_lost_and_back_within_days_is_a_warning(
    tables, verdict, depth, outcome, sessions, is_caught
):
    fall(tables, "A", depth, outcome, sessions)
    assert verdict("no_drawdown_is_a_spike", tables).passed != is_caught


def measured(tables, weekdays, stale, **measures):
    """Put twenty bars, some of them stale, and the measures of the last."""
    for number, day in enumerate(weekdays(20)):
        flags = "jump stale" if number < stale else ""
        tables.put(BARS, listing_id="X:A", ticker="A", session_date=day, quality_flags=flags)
    last = {"listing_id": "X:A", "ticker": "A", "session_date": weekdays(20)[-1], "drawdown": 0.0}
    tables.put(MEASURES, **last, **measures)


@pytest.mark.parametrize(("stale", "is_caught"), [(9, False), (10, True)])
def test_a_volatility_of_stale_bars_is_a_warning(tables, verdict, weekdays, stale, is_caught):
    measured(tables, weekdays, stale, close_volatility=0.01)
    found = verdict("volatility_is_of_prices_that_trade", tables)
    assert found.passed != is_caught
    assert found.rows_checked == 1


@pytest.mark.parametrize(
    ("close", "ranged", "is_caught"),
    [
        (0.3, 0.25, False),
        (0.3, 3.0, True),
        (0.3, 0.05, True),
        (0.3, None, False),
        (None, 0.3, False),
        (0.01, 0.3, False),
    ],
)
def test_ranges_of_another_unit_than_the_closes_are_a_warning(
    tables, verdict, weekdays, close, ranged, is_caught
):
    measured(tables, weekdays, 0, close_volatility=close, parkinson_volatility=ranged)
    assert verdict("ranges_agree_with_closes", tables).passed != is_caught
