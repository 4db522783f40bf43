"""How an event reads in a terminal."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from rich.console import Console

from terminal import fetch, show_event
from warehouse.tables import table
from warehouse.views import views

DAY = date(2025, 1, 27)
EVENT = {
    "event_id": "sector-us",
    "session_date": DAY,
    "last_session_date": DAY,
    "worst_session_date": DAY,
    "n_sessions": 1,
    "scope": "sector",
    "region": "US",
    "market": "SPY",
    "market_return": -0.0141,
    "market_z": -1.6,
    "market_severity": 0.96,
    "breadth": 0.22,
    "origin_sector": "Information Technology",
    "sector_severity": 1.0,
    "hardest_hit_sector": "Utilities",
    "market_value_lost_usd": 1.083e12,
    "threshold_multiple": 1.5,
    "detected_by": "breadth sector",
    "status": "detected",
}


@pytest.fixture
def shown(tables):
    """Return a function that shows an event with these values and gives the lines."""
    for statement in views().values():
        tables.con.execute(statement)
    listed = {"currency": "USD", "asset_class": "equity", "registered_from": "repository"}
    tables.put(table("core.instruments"), listing_id="XNAS:NVDA", ticker="NVDA", **listed)
    tables.put(table("core.instruments"), listing_id="XTKS:6857.T", ticker="6857.T", **listed)

    def show(**values):
        tables.put(table("mart.selloff_events"), **{**EVENT, **values})
        (found,) = fetch(tables.con, "FROM mart.selloff_events")
        target = Console(width=300)
        with target.capture() as told:
            show_event(target, tables.con, found)
        return told.get().splitlines()

    return show


def test_an_event_is_told_by_when_how_far_where_and_by_what(shown):
    lines = shown()
    assert lines[1] == (
        "2025-01-27  sector sell-off in US  (detected by breadth, sector, 1.50 times the threshold)"
    )
    assert lines[2] == (
        "SPY -1.41%, z -1.60 (severity 96%), 22% of members falling; origin Information "
        "Technology (severity 100%), hardest hit Utilities; 1,083.0 bn USD lost"
    )
    assert lines[3] == "All prices as delivered."


def test_where_it_showed_first_and_what_lost_most_are_named_by_their_tickers(shown):
    lines = shown(
        first_listing_id="XTKS:6857.T",
        first_region="JP",
        first_fell_at=datetime.fromisoformat("2025-01-27T06:30"),
        worst_listing_id="XNAS:NVDA",
    )
    assert lines[3] == ("first 6857.T in JP, 2025-01-27 06:30:00 UTC; largest abnormal loss NVDA")


def test_a_declared_event_has_its_name_and_needs_no_figures(shown):
    lines = shown(
        status="declared",
        event_name="FOMC",
        declared_id="fed",
        detected_by=None,
        threshold_multiple=None,
        market_severity=None,
        sector_severity=None,
        origin_sector=None,
        hardest_hit_sector=None,
        market_value_lost_usd=None,
        breadth=None,
    )
    assert lines[1] == "2025-01-27  sector sell-off in US: FOMC  (declared)"
    assert lines[2] == (
        "SPY -1.41%, z -1.60; origin unknown, hardest hit unknown; no share count known by then"
    )


def test_a_longer_event_that_was_also_declared_says_both(shown):
    lines = shown(
        last_session_date=date(2025, 1, 29), n_sessions=2, declared_id="a", scope="single_name"
    )
    assert lines[1].startswith(
        "2025-01-27 to 2025-01-29  single-name sell-off in US  (detected and"
    )


def test_the_headline_tests_stand_beside_the_fall_and_no_other_does(shown, tables):
    tested = {
        "event_id": "sector-us",
        "measure": "return",
        "model": "market_model",
        "grouping": "region",
        "group_name": "US",
        "window_start": 0,
        "window_end": 0,
        "n": 18,
        "mean_abnormal": -0.0865,
    }
    rows = (
        {"test": "kolari_pynnonen", "is_headline": True, "statistic": -2.458, "p_value": 0.025},
        {"test": "grank_t", "is_headline": True, "statistic": -2.355, "p_value": 0.0193},
        {"test": "patell", "is_headline": False, "statistic": -15.4, "p_value": 0.0},
        {"test": "grank_t", "is_headline": True, "statistic": 4.0, "p_value": 0.1, "window_end": 5},
    )
    for row in rows:
        tables.put(table("mart.event_study_tests"), **{**tested, **row})
    assert shown()[3] == (
        "mean abnormal log return of 18 members -0.0865: Kolari-Pynnönen t -2.46 (p 0.025), "
        "GRANK-T -2.35 (p 0.019)"
    )
