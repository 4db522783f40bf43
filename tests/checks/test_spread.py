"""Judgements on how events spread: a source that is none, a path without it, orders with gaps."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from checks.spread import JUDGEMENTS
from warehouse.tables import table

EVENTS = table("mart.selloff_events")
SECTORS = table("mart.sector_contagion")
PATHS = table("mart.contagion_paths")
MONDAY = date(2025, 1, 27)
SOURCE = "the_source_is_the_origin_and_lost_most"


def put_event(tables, **values):
    usual = {
        "event_id": "e",
        "session_date": MONDAY,
        "last_session_date": MONDAY,
        "status": "detected",
        "origin_sector": "Chips",
        "worst_listing_id": "XNAS:NVDA",
    }
    tables.put(EVENTS, **(usual | values))


def put_sectors(tables, source, **lost):
    for sector, value in lost.items():
        named = {"event_id": "e", "sector": sector, "is_source": sector == source, "hit_rank": 1}
        tables.put(SECTORS, **named, abnormal_market_value_lost_usd=value)


@pytest.mark.parametrize(
    ("source", "lost", "is_caught"),
    [
        ("Chips", {"Chips": 6e11, "Power": 4e10}, False),
        ("Chips", {"Chips": 6e11, "Power": 7e11}, True),
        ("Chips", {"Chips": 6e11 * (1 - 1e-12), "Power": 6e11}, False),
        ("Power", {"Chips": 4e10, "Power": 6e11}, True),
        (None, {"Chips": 6e11, "Power": 4e10}, True),
    ],
)
def test_another_source_than_the_origin_or_a_larger_loss_is_told(
    tables, verdict, source, lost, is_caught
):
    put_event(tables)
    put_sectors(tables, source, **lost)
    found = verdict(SOURCE, tables)
    assert (found.severity, found.rows_checked, found.passed) == ("WARN", 1, not is_caught)
    if is_caught:
        assert found.first_failing_rows[0]["origin_sector"] == "Chips"


@pytest.mark.parametrize("values", [{"status": "withdrawn"}, {"origin_sector": None}])
def test_events_without_an_origin_and_withdrawn_ones_are_not_asked(tables, verdict, values):
    put_event(tables, **values)
    put_sectors(tables, None, Chips=6e11)
    assert verdict(SOURCE, tables).rows_checked == 0


def put_path(tables, **orders):
    for name, (order, hour) in orders.items():
        tables.put(
            PATHS,
            event_id="e",
            listing_id=f"XNAS:{name}",
            ticker=name,
            hit_order=order,
            closed_at=datetime.fromisoformat(f"2025-01-27T{hour:02}:00"),
            link="source" if name == "NVDA" else "same_sector",
        )


@pytest.mark.parametrize(
    ("names", "values", "is_caught"),
    [
        (("NVDA", "AVGO"), {}, False),
        (("AVGO",), {}, True),
        ((), {"status": "withdrawn"}, False),
        (("AVGO",), {"worst_listing_id": None}, False),
    ],
)
def test_a_path_without_its_source_is_told(tables, verdict, names, values, is_caught):
    put_event(tables, **values)
    put_path(tables, **dict.fromkeys(names, (1, 21)))
    found = verdict("the_source_is_on_the_path", tables)
    assert found.passed is not is_caught
    if is_caught:
        assert found.first_failing_rows[0]["worst_listing_id"] == "XNAS:NVDA"


@pytest.mark.parametrize(
    ("orders", "is_caught"),
    [
        ({"T": (1, 6), "G": (2, 16), "NVDA": (3, 21), "AVGO": (3, 21)}, False),
        ({"T": (1, 6), "NVDA": (3, 21)}, True),
        ({"T": (1, 6), "G": (1, 16), "NVDA": (2, 21)}, True),
    ],
)
def test_orders_with_gaps_or_of_two_closes_are_told(tables, verdict, orders, is_caught):
    put_path(tables, **orders)
    assert verdict("orders_are_consecutive", tables).passed is not is_caught


@pytest.mark.parametrize("check", JUDGEMENTS)
def test_a_judgement_without_events_passes(tables, verdict, check):
    assert verdict(check.name, tables).passed
    assert check.doc.endswith(".")
