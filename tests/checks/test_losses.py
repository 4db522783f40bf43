"""Judgements on losses: what no firm can have lost, and sums that disagree."""

from __future__ import annotations

from datetime import date

import pytest

from checks.losses import JUDGEMENTS
from warehouse.tables import table

LOSSES = table("mart.market_value_losses")
METRICS = table("mart.selloff_metrics")
TOTALS = table("mart.loss_totals")
EVENTS = table("mart.selloff_events")
BARS = table("core.daily_prices")
FRIDAY, MONDAY = date(2025, 1, 24), date(2025, 1, 27)


def put_loss(tables, **values):
    usual = {
        "ticker": "NVDA",
        "listing_id": "XNAS:NVDA",
        "previous_session_date": FRIDAY,
        "session_date": MONDAY,
        "shares_known_on": FRIDAY,
        "simple_return": -0.17,
        "market_value_usd": 3.5e12,
        "market_value_lost_usd": 5.9e11,
    }
    tables.put(LOSSES, **(usual | values))


@pytest.mark.parametrize(("value", "is_caught"), [(3.5e12, False), (5.6e13, True)])
def test_a_value_sixteen_times_too_large_is_none_of_a_firm(tables, verdict, value, is_caught):
    put_loss(tables, market_value_usd=value)
    found = verdict("values_are_those_of_a_firm", tables)
    assert (found.severity, found.rows_checked, found.passed) == ("WARN", 1, not is_caught)


@pytest.mark.parametrize(
    ("value", "simple", "is_caught"),
    [(3e12, -0.9, True), (3e12, -0.17, False), (2e10, -0.5, True), (9e9, -0.7, False)],
)
def test_a_large_firm_that_loses_half_is_more_likely_split(
    tables, verdict, value, simple, is_caught
):
    put_loss(tables, market_value_usd=value, market_value_lost_usd=1e9, simple_return=simple)
    found = verdict("large_firms_do_not_lose_half", tables)
    assert found.passed is not is_caught
    if is_caught:
        assert found.first_failing_rows[0]["ticker"] == "NVDA"


@pytest.mark.parametrize(
    ("flags", "day", "is_caught"),
    [
        ("unapplied_split", MONDAY, True),
        ("jump unapplied_split", MONDAY, True),
        ("jump", MONDAY, False),
        ("unapplied_split", FRIDAY, False),
    ],
)
def test_no_loss_is_taken_across_a_split(tables, verdict, flags, day, is_caught):
    put_loss(tables)
    tables.put(BARS, listing_id="XNAS:NVDA", session_date=day, quality_flags=flags)
    assert verdict("no_loss_spans_an_unapplied_split", tables).passed is not is_caught


@pytest.mark.parametrize(
    ("rank", "flags", "is_caught"),
    [(1, "jump", True), (20, "stale", True), (21, "jump", False), (None, "jump", False)],
)
def test_the_largest_losses_stand_on_clean_bars(tables, verdict, rank, flags, is_caught):
    put_loss(tables, is_counted=rank is not None)
    for larger in range(1, rank or 1):
        lost = {"market_value_lost_usd": 6e11 + larger, "is_counted": True}
        put_loss(tables, listing_id=f"XNAS:L{larger}", **lost)
    tables.put(BARS, listing_id="XNAS:NVDA", session_date=FRIDAY, quality_flags=flags)
    assert verdict("largest_losses_rest_on_clean_bars", tables).passed is not is_caught


@pytest.mark.parametrize(("lost", "is_caught"), [(5.9e11, False), (5.8e11, True), (None, False)])
def test_one_loss_is_one_figure_in_both_tables(tables, verdict, lost, is_caught):
    put_loss(tables)
    named = {"event_id": "e", "listing_id": "XNAS:NVDA", "session_date": MONDAY, "drawdown": -0.2}
    tables.put(METRICS, **named, market_value_lost_usd=lost)
    found = verdict("a_loss_is_the_same_in_both_tables", tables)
    assert (found.rows_checked, found.passed) == (1, not is_caught)


def put_totals(tables, **lost):
    for key, value in lost.items():
        grouping, _, name = key.partition("_")
        tables.put(
            TOTALS,
            event_id="e",
            grouping=grouping,
            group_name=name or grouping,
            market_value_lost_usd=value,
            gross_market_value_lost_usd=abs(value),
        )


@pytest.mark.parametrize(
    ("lost", "is_caught"),
    [
        ({"all": 3.0, "region_US": 1.0, "region_JP": 2.0, "sector_Chips": 3.0}, False),
        ({"all": 3.0, "region_US": 1.0, "sector_Chips": 3.0}, True),
        ({"all": 3.0, "region_US": 3.0, "sector_Chips": 3.0, "sector_Food": 1.0}, True),
    ],
)
def test_groups_that_do_not_add_up_are_told(tables, verdict, lost, is_caught):
    put_totals(tables, **lost)
    assert verdict("groups_add_up", tables).passed is not is_caught


@pytest.mark.parametrize(
    ("said", "status", "is_caught"),
    [(3.0, "detected", False), (4.0, "detected", True), (4.0, "withdrawn", False)],
)
def test_a_market_lost_what_its_event_says(tables, verdict, said, status, is_caught):
    put_totals(tables, market_US=3.0)
    days = {"session_date": MONDAY, "last_session_date": MONDAY}
    tables.put(EVENTS, event_id="e", market_value_lost_usd=said, status=status, **days)
    assert verdict("the_market_lost_what_its_event_says", tables).passed is not is_caught


@pytest.mark.parametrize("check", JUDGEMENTS)
def test_a_judgement_without_losses_passes(tables, verdict, check):
    assert verdict(check.name, tables).passed
    assert check.doc.endswith(".")
