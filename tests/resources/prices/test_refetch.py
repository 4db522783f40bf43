"""Whether what vendors may have restated is asked for again, and nothing else."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.batch import Days, Listing
from resources.prices.refetch import (
    RECENT_SESSIONS,
    TURNS,
    Held,
    history,
    windows,
    with_new_actions,
)
from warehouse.tables.actions import CORPORATE_ACTIONS
from warehouse.tables.prices import PRICE_VINTAGES

FIRST = date(2023, 12, 1)
MONDAY = Days(date(2025, 1, 27), date(2025, 1, 27))
LISTINGS = [Listing(f"XNAS:L{n}", f"L{n}", "XNAS", "USD") for n in range(400)]
HELD = Held({each.listing_id: FIRST for each in LISTINGS})


def asked(listings, days, held):
    return {
        one.listing_id: span for span, each in windows(listings, days, held).items() for one in each
    }


def weekdays(first, n):
    days = (first + timedelta(days=k) for k in range(2 * n))
    return [day for day in days if day.weekday() < 5][:n]


def test_an_empty_warehouse_asks_for_the_days_alone():
    assert windows(LISTINGS, MONDAY, Held()) == {MONDAY: LISTINGS}


def test_the_last_ten_sessions_come_again():
    spans = asked(LISTINGS, MONDAY, HELD)
    # Ten sessions of New York up to 2025-01-27: the 9th of January (mourning) and the 20th
    # (Martin Luther King) had none.
    recent = Days(date(2025, 1, 13), MONDAY.end)
    assert Counter(spans.values()).most_common(1)[0][0] == recent
    assert set(spans.values()) == {recent, Days(FIRST, MONDAY.end)}


def test_a_listing_that_is_held_for_less_is_asked_for_no_more():
    late = Held({"XNAS:L0": date(2025, 1, 23), "XNAS:L1": date(2025, 1, 23)})
    spans = asked(LISTINGS[:2], MONDAY, late)
    assert set(spans.values()) == {Days(date(2025, 1, 23), MONDAY.end)}


def test_a_new_listing_gets_the_history_that_the_others_have():
    spans = asked([*LISTINGS[:1], Listing("XNAS:NEW", "NEW", "XNAS", "USD")], MONDAY, HELD)
    assert spans["XNAS:NEW"] == Days(FIRST, MONDAY.end)


def test_a_range_longer_than_the_window_is_asked_for_whole():
    year = Days(date(2024, 2, 1), date(2025, 1, 27))
    assert max(span.start for span in asked(LISTINGS, year, HELD).values()) == year.start


def test_an_exchange_without_a_calendar_is_asked_two_weeks_back():
    odd = Listing("FILE:ODD", "ODD", None, None)
    starts = {
        asked([odd], Days(day, day), Held({"FILE:ODD": FIRST}))["FILE:ODD"].start - day
        for day in weekdays(date(2025, 1, 6), TURNS)
    }
    assert timedelta(days=-14) in starts


@settings(max_examples=10, deadline=None)
@given(st.dates(date(2024, 3, 1), date(2026, 12, 31)))
def test_every_listing_has_its_turn_once_in_twenty_weekdays(first):
    turns = Counter()
    for day in weekdays(first, TURNS):
        spans = asked(LISTINGS, Days(day, day), HELD)
        turns.update(name for name, span in spans.items() if span.start == FIRST)
    assert turns == dict.fromkeys(HELD.first, 1)


def test_the_turns_are_spread_over_the_days():
    per_day = [
        sum(span.start == FIRST for span in asked(LISTINGS, Days(day, day), HELD).values())
        for day in weekdays(date(2025, 1, 6), TURNS)
    ]
    assert sum(per_day) == len(LISTINGS)
    assert max(per_day) <= 2 * len(LISTINGS) / TURNS


def actions(*rows):
    names = ("listing_id", "ex_date", "action")
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows])


def test_a_listing_with_an_action_that_is_new_is_named():
    split, paid = ("XNAS:L1", date(2025, 1, 27), "split"), ("XNAS:L2", FIRST, "dividend")
    held = Held(HELD.first, frozenset({paid}))
    assert with_new_actions(LISTINGS, actions(split, paid), held) == [LISTINGS[1]]
    assert with_new_actions(LISTINGS, actions(paid), held) == []
    assert with_new_actions(LISTINGS, None, held) == []


def test_a_listing_without_a_history_needs_none_again():
    split = actions(("XNAS:L1", date(2025, 1, 27), "split"))
    assert with_new_actions(LISTINGS, split, Held()) == []
    assert history(LISTINGS[1], MONDAY, HELD) == Days(FIRST, MONDAY.end)


@pytest.fixture
def con():
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA raw")
        for table in (PRICE_VINTAGES, CORPORATE_ACTIONS):
            con.execute(table.ddl())
        yield con


def test_what_is_held_is_read_from_the_raw_tables(con):
    con.execute("""
        INSERT INTO raw.price_vintages BY NAME
        SELECT 'XNAS:MU' AS listing_id, 'MU' AS ticker, day AS session_date, 91.11 AS close,
          'split_adjusted' AS basis, 'yahoo' AS source, false AS is_provisional,
          false AS is_simulated, 'h' AS row_hash, 'l' AS load_id, now()::TIMESTAMP AS known_from
        FROM (VALUES (DATE '2025-01-24'), (DATE '2025-01-27')) AS d(day)
    """)
    con.execute("""
        INSERT INTO raw.corporate_actions BY NAME
        SELECT 'XNAS:MU' AS listing_id, 'MU' AS ticker, DATE '2025-01-13' AS ex_date,
          'dividend' AS action, 0.115 AS amount, 'USD' AS currency, 'split_adjusted' AS basis,
          'yahoo' AS source, 'h' AS row_hash, 'l' AS load_id, now()::TIMESTAMP AS known_from
    """)
    assert Held.of(con) == Held(
        {"XNAS:MU": date(2025, 1, 24)},
        frozenset({("XNAS:MU", date(2025, 1, 13), "dividend")}),
    )


def test_ten_sessions_are_a_fortnight_and_a_holiday_at_the_most():
    assert RECENT_SESSIONS == 10
    for day in weekdays(date(2024, 12, 20), 15):
        spans = asked(LISTINGS[:1], Days(day, day), HELD).values()
        (start,) = {span.start for span in spans} - {FIRST} or {day}
        assert timedelta(0) <= day - start <= timedelta(days=18)
