"""What the views for BI show of events and claims, worked out by hand from a few rows."""

from __future__ import annotations

from datetime import date

import pytest

from resources.answers import fetch
from warehouse.tables import table
from warehouse.views import views

DAY, EARLIER = date(2025, 1, 27), date(2024, 8, 5)


@pytest.fixture
def ask(tables):
    """Return a way to ask the views."""
    for statement in views().values():
        tables.con.execute(statement)
    for listing, ticker, name, kind in (
        ("XNAS:NVDA", "NVDA", "NVIDIA Corporation", "equity"),
        ("XNYS:VRT", "VRT", "Vertiv\u202e Holdings Co", "equity"),
        ("XNAS:NEW", "NEW", "Newly Listed", "equity"),
        ("ARCX:SPY", "SPY", "SPDR S&P 500 ETF Trust", "etf"),
    ):
        tables.put(
            table("core.instruments"),
            listing_id=listing,
            ticker=ticker,
            name=name,
            asset_class=kind,
            registered_from="repository",
        )
    return lambda sql: fetch(tables.con, sql)


@pytest.fixture
def put_event(tables):
    """Return a way to write an event of one session, in the US."""

    def put(event_id, day=DAY, **more):
        given = {
            "last_session_date": day,
            "worst_session_date": day,
            "region": "US",
            "scope": "sector",
            "status": "detected",
            "detected_by": "breadth",
            "threshold_multiple": 2.0,
        }
        row = {"event_id": event_id, "session_date": day, **given, **more}
        tables.put(table("mart.selloff_events"), **row)

    return put


@pytest.fixture
def put_loss(tables):
    """Return a way to write what a listing lost in an event."""

    def put(listing, value, event="chips", **more):
        given = {
            "event_id": event,
            "listing_id": listing,
            "ticker": listing.partition(":")[2],
            "session_date": DAY,
            "simple_return": value,
            "observed_through": date(2025, 2, 3),
        }
        tables.put(table("mart.selloff_metrics"), **{**given, **more})

    return put


# -- events ---------------------------------------------------------------------------------


def test_an_event_is_listed_with_figures_and_the_same_as_text(ask, put_event, tables):
    put_event(
        "chips",
        origin_sector="Information Technology",
        market_return=-0.01414,
        n_falling=10,
        n_listings=18,
        market_value_lost_usd=1_083_064_500_000.0,
        worst_listing_id="XNAS:NVDA",
        has_simulated_inputs=True,
    )
    tables.put(
        table("mart.event_coverage"), event_id="chips", n_articles=3, n_independent_sources=2
    )
    (row,) = ask("FROM mart.event_list")
    assert row["event_title"] == "2025-01-27: sector sell-off, US (Information Technology)"
    assert (row["market_return"], row["market_return_text"]) == (-0.01414, "-1.41%")
    assert row["firms_fallen_text"] == "10 of 18"
    assert row["market_value_lost_text"] == "1,083.1 bn USD"
    assert row["hardest_hit_label"] == "NVIDIA Corporation (NVDA)"
    assert row["n_articles"] == 3
    assert row["data_note"] == "event-day prices real; history before 2025-01-17 simulated"


def test_what_is_not_known_of_an_event_stays_empty_and_no_articles_are_none(ask, put_event):
    put_event("bare")
    (row,) = ask("FROM mart.event_list")
    assert row["event_title"] == "2025-01-27: sector sell-off, US"
    assert row["market_return_text"] is None
    assert row["market_value_lost_text"] is None
    assert row["hardest_hit_label"] is None
    assert (row["n_articles"], row["n_claims"], row["n_supported"]) == (0, 0, 0)
    assert row["data_note"] == "all prices as delivered"


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ({"scope": "single_name"}, "2025-01-27: single-name sell-off, US"),
        ({"last_session_date": date(2025, 1, 29)}, "2025-01-27 to 2025-01-29: sector sell-off, US"),
        (
            {"event_name": "DeepSeek", "origin_sector": "Energy"},
            "2025-01-27: sector sell-off, US (DeepSeek)",
        ),
    ],
)
def test_a_title_tells_when_how_far_where_and_under_which_name(ask, put_event, given, title):
    put_event("chips", **given)
    assert ask("SELECT event_title FROM mart.event_list") == [{"event_title": title}]


def test_the_newest_event_that_was_not_withdrawn_is_the_latest(ask, put_event):
    put_event("old", EARLIER)
    put_event("new", DAY)
    put_event("gone", date(2025, 2, 3), status="withdrawn")
    events = ask("SELECT event_id, is_latest FROM mart.event_list")
    assert events == [
        {"event_id": "new", "is_latest": True},
        {"event_id": "old", "is_latest": False},
    ]
    assert ask("SELECT event_id FROM mart.latest_event") == [{"event_id": "new"}]


def test_of_events_of_one_day_the_one_furthest_beyond_its_threshold_is_the_latest(ask, put_event):
    put_event("a", threshold_multiple=1.5)
    put_event("b", threshold_multiple=3.7)
    put_event("c", threshold_multiple=None, status="declared", detected_by="")
    listed = ask("SELECT event_id FROM mart.event_list")
    assert [row["event_id"] for row in listed] == ["b", "a", "c"]
    assert ask("SELECT event_id FROM mart.latest_event") == [{"event_id": "b"}]


# -- instruments ----------------------------------------------------------------------------


def test_an_instrument_stands_under_its_name_with_its_figures_as_text(ask, put_event, put_loss):
    put_event("chips")
    put_loss(
        "XNAS:NVDA",
        -0.16968,
        sector="Information Technology",
        abnormal_return=-0.1582,
        abnormal_z=-5.04,
        drawdown=-0.2075,
        market_value_lost_usd=592_658_000_000.0,
        rebound_return=0.0893,
        n_flagged=2,
    )
    (row,) = ask("FROM mart.event_instruments")
    assert row["label"] == "NVIDIA Corporation (NVDA)"
    assert (row["simple_return"], row["simple_return_text"]) == (-0.16968, "-16.97%")
    assert (row["abnormal_return_text"], row["abnormal_z_text"]) == ("-0.158", "-5.0")
    assert row["drawdown_text"] == "-20.8%"
    assert row["market_value_lost_text"] == "592.7 bn USD"
    assert row["rebound_return_text"] == "+8.93%"
    assert row["quality_text"] == "2 flagged"
    assert row["is_latest_event"]


def test_instruments_are_ranked_within_their_asset_class_and_event(ask, put_event, put_loss):
    put_event("chips")
    put_event("old", EARLIER)
    put_loss("XNAS:NVDA", -0.17)
    put_loss("XNYS:VRT", -0.30)
    put_loss("ARCX:SPY", -0.01)
    put_loss("XNAS:NEW", None)
    put_loss("XNAS:NVDA", -0.06, event="old", session_date=EARLIER)
    rows = ask("SELECT event_id, ticker, fall_rank FROM mart.event_instruments")
    assert [tuple(row.values()) for row in rows] == [
        ("chips", "VRT", 1),
        ("chips", "NVDA", 2),
        ("chips", "SPY", 1),
        ("chips", "NEW", 3),
        ("old", "NVDA", 1),
    ]


def test_an_instrument_without_a_sector_or_figures_is_shown_with_what_is_known(
    ask, put_event, put_loss
):
    put_event("chips")
    put_loss("XNAS:NEW", None)
    (row,) = ask("FROM mart.event_instruments")
    assert row["sector"] == "no sector"
    assert row["simple_return_text"] is None
    assert row["recovery_text"] is None
    assert row["quality_text"] == ""


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (None, "open on 2025-02-03"),
        (0, "did not fall"),
        (1, "in 1 session"),
        (4, "in 4 sessions"),
    ],
)
def test_a_recovery_reads_as_words(ask, put_event, put_loss, days, text):
    put_event("chips")
    put_loss("XNAS:NVDA", -0.17, days_to_recover=days)
    assert ask("SELECT recovery_text FROM mart.event_instruments") == [{"recovery_text": text}]


def test_the_instruments_of_a_withdrawn_event_are_not_shown(ask, put_event, put_loss):
    put_event("gone", status="withdrawn")
    put_loss("XNAS:NVDA", -0.17, event="gone")
    assert ask("FROM mart.event_instruments") == []


def test_a_character_that_turns_text_round_is_not_shown(ask, put_event, put_loss):
    put_event("chips", event_name="Ch\u202eips", worst_listing_id="XNYS:VRT")
    put_loss("XNYS:VRT", -0.30)
    (row,) = ask("FROM mart.event_instruments")
    assert row["label"] == "Vertiv Holdings Co (VRT)"
    assert row["event_title"] == "2025-01-27: sector sell-off, US (Chips)"
    (row,) = ask("FROM mart.latest_event")
    assert row["hardest_hit_label"] == "Vertiv Holdings Co (VRT)"


# -- sectors --------------------------------------------------------------------------------


def test_the_heat_map_shows_sectors_by_day_from_five_before_to_twenty_after(ask, put_event, tables):
    put_event("chips")
    for day in (-6, -5, 0, 20, 21):
        for grouping, name in (("sector", "Utilities"), ("listing", "XNYS:VRT")):
            tables.put(
                table("mart.car_paths"),
                event_id="chips",
                grouping=grouping,
                group_name=name,
                day=day,
                abnormal_return=-0.1824,
                cumulative_abnormal_return=-0.2,
                band_low=-0.3,
                band_high=-0.1,
            )
    rows = ask("SELECT sector, day, day_text, abnormal_return_text FROM mart.sector_heat_map")
    assert [tuple(row.values()) for row in rows] == [
        ("Utilities", -5, "-5", "-0.182"),
        ("Utilities", 0, "+0", "-0.182"),
        ("Utilities", 20, "+20", "-0.182"),
    ]
