"""What a split that becomes known does to rows that stay, and to what rests on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pyarrow as pa
import pytest

from resources.batch import Days
from resources.warehouse import rebasing, writing
from resources.warehouse.spill import arrow_schema
from warehouse.tables.actions import DIVIDENDS, PROPOSED_SPLITS, SPLITS
from warehouse.tables.instruments import INSTRUMENTS, SHARES_OUTSTANDING
from warehouse.tables.prices import DAILY_PRICES, PRICE_VINTAGES
from warehouse.tables.selloffs import SELLOFF_METRICS
from warehouse.tables.valuation import IMPLIED_SHARES

A, B = "XNAS:A", "XNAS:B"
WEDNESDAY, THURSDAY = date(2025, 1, 22), date(2025, 1, 23)
FRIDAY, MONDAY = date(2025, 1, 24), date(2025, 1, 27)
TUESDAY = date(2025, 1, 28)
KNOWN = datetime.fromisoformat("2025-01-28T22:00")
HELD = ((A, THURSDAY, 10.0), (B, THURSDAY, 50.0), (A, FRIDAY, 12.0), (B, FRIDAY, 51.0))


def rows_of(table, *given):
    """Return rows of a table; what is not given is NULL."""
    return pa.Table.from_pylist(list(given), schema=arrow_schema(table))


def split(listing_id, ex_date, ratio, known=KNOWN):
    return {"listing_id": listing_id, "ex_date": ex_date, "split_ratio": ratio} | {
        "source": "files",
        "as_of": known,
    }


@pytest.fixture
def write(warehouse, now):
    """Make a table, or what of it is not before a day, equal to rows, computed from splits."""

    def run(table, rows, start=None):
        days = Days(start, date.max) if start else None
        return warehouse.materialize(
            table, lambda _con, _days: rows, inputs=[SPLITS], days=days, run_id="run", now=now
        )

    return run


@pytest.fixture
def tell(warehouse, now):
    """Make the known splits equal to those given."""

    def run(*splits):
        rows = rows_of(SPLITS, *splits)
        return warehouse.materialize(
            SPLITS, lambda _con, _days: rows, inputs=[], days=None, run_id="run", now=now
        )

    return run


@pytest.fixture
def bars(write, daily):
    """Write the bars of two sessions, in two listings."""
    write(DAILY_PRICES, daily(*HELD))


@pytest.fixture
def land(warehouse, bar, batch, now):
    """Land a bar of A."""

    def run(day, fetched, basis="split_adjusted"):
        row = bar(listing_id=A, ticker="A", session_date=day, basis=basis, fetched_at=fetched)
        warehouse.land(PRICE_VINTAGES, batch(row), run_id=f"{day}{fetched}", now=now)

    return run


def changed_from(warehouse, query, table):
    sql = "SELECT from_session FROM meta.changes WHERE table_name = ? ORDER BY version DESC LIMIT 1"
    return query(warehouse, sql, table.qualified)[0][0]


def ratios(warehouse, table=DAILY_PRICES):
    with warehouse.reading() as con:
        return rebasing.ratios(con, table)


@pytest.mark.usefixtures("bars")
def test_bars_before_a_split_are_brought_to_its_shares_and_no_others(
    warehouse, tell, write, daily, query
):
    tell(split(A, MONDAY, 4.0))
    write(DAILY_PRICES, daily((A, MONDAY, 3.5), (B, MONDAY, 52.0)), MONDAY)
    sql = "SELECT listing_id, session_date, close, split_ratio_after FROM core.daily_prices "
    assert query(warehouse, f"{sql} ORDER BY session_date, listing_id") == [
        (A, THURSDAY, 2.5, 4.0),
        (B, THURSDAY, 50.0, 1.0),
        (A, FRIDAY, 3.0, 4.0),
        (B, FRIDAY, 51.0, 1.0),
        (A, MONDAY, 3.5, 1.0),
        (B, MONDAY, 52.0, 1.0),
    ]
    assert changed_from(warehouse, query, DAILY_PRICES) == MONDAY


def test_volumes_grow_as_prices_shrink_and_nothing_else_moves(warehouse, tell, write, daily):
    held = daily((A, FRIDAY, 12.0)).to_pylist()[0]
    held |= {"open": 13.0, "high": 14.0, "low": 11.0, "adj_close": 6.0, "volume": 100.0}
    write(DAILY_PRICES, rows_of(DAILY_PRICES, held))
    tell(split(A, MONDAY, 0.5))
    write(DAILY_PRICES, daily((A, MONDAY, 25.0)), MONDAY)
    with warehouse.reading() as con:
        found = con.sql("FROM core.daily_prices ORDER BY session_date").to_arrow_table()
    prices = {"open": 26.0, "high": 28.0, "low": 22.0, "close": 24.0, "adj_close": 12.0}
    assert found.to_pylist()[0] == held | prices | {"volume": 50.0, "split_ratio_after": 0.5}


@pytest.mark.usefixtures("bars")
def test_the_next_run_does_not_bring_them_there_again(warehouse, tell, write, daily, closes):
    tell(split(A, MONDAY, 4.0))
    write(DAILY_PRICES, daily((A, MONDAY, 3.5)), MONDAY)
    assert ratios(warehouse) == {}
    write(DAILY_PRICES, daily((A, TUESDAY, 3.6)), TUESDAY)
    assert closes(warehouse)[:2] == [(A, THURSDAY, 2.5), (A, FRIDAY, 3.0)]


@pytest.mark.usefixtures("bars")
@pytest.mark.parametrize(
    ("tellings", "expected"),
    [
        ([[split(A, MONDAY, 2.0)], [split(A, MONDAY, 2.0), split(A, TUESDAY, 3.0)]], {A: 6.0}),
        ([[split(A, MONDAY, 2.0)], []], {A: 1.0}),
        ([[split(A, MONDAY, 49.0)], [split(A, MONDAY, 7.0)]], {A: 7.0}),
        ([[split(A, MONDAY, 2.0), split(B, MONDAY, 0.1)]], {A: 2.0, B: 0.1}),
    ],
)
def test_changes_since_a_table_was_written_multiply(warehouse, tell, tellings, expected):
    for splits in tellings:
        tell(*splits)
    assert ratios(warehouse) == pytest.approx(expected, rel=1e-15)


@pytest.mark.usefixtures("bars")
def test_a_split_taken_back_takes_the_shares_back(warehouse, tell, write, daily, closes):
    tell(split(A, MONDAY, 4.0))
    write(DAILY_PRICES, daily((A, MONDAY, 3.5)), MONDAY)
    tell()
    write(DAILY_PRICES, daily((A, MONDAY, 3.5)), MONDAY)
    assert closes(warehouse)[0] == (A, THURSDAY, 10.0)


def test_splits_are_stale_from_the_first_ex_date(warehouse, tell, query):
    tell(split(A, MONDAY, 4.0), split(B, TUESDAY, 2.0))
    assert changed_from(warehouse, query, SPLITS) == MONDAY
    tell(split(A, MONDAY, 4.0), split(B, TUESDAY, 3.0))
    assert changed_from(warehouse, query, SPLITS) == TUESDAY


@pytest.mark.usefixtures("bars")
def test_the_same_split_told_by_another_makes_nothing_stale(warehouse, tell, query):
    tell(split(A, MONDAY, 4.0))
    tell(split(A, MONDAY, 4.0) | {"source": "yahoo"}, split(B, TUESDAY, 2.0))
    assert changed_from(warehouse, query, SPLITS) == TUESDAY
    tell(split(A, MONDAY, 4.0), split(B, TUESDAY, 2.0))
    assert changed_from(warehouse, query, SPLITS) == date.max
    assert ratios(warehouse) == {A: 4.0, B: 2.0}


@pytest.mark.parametrize(
    ("day", "fetched", "basis", "expected"),
    [
        # Before the split: it is not in the bar.
        (THURSDAY, "2025-01-24", "split_adjusted", MONDAY),
        (FRIDAY, "2025-01-27T22:00", "split_adjusted", FRIDAY),
        # Delivered since: that bar, and those after it, are in new shares already.
        (FRIDAY, "2025-01-28", "split_adjusted", FRIDAY),
        # As traded: no bar contains a split.
        (FRIDAY, "2025-01-28", "as_traded", MONDAY),
    ],
)
def test_a_bar_that_contains_the_split_already_is_made_anew(
    warehouse, tell, query, land, day, fetched, basis, expected
):
    land(day, datetime.fromisoformat(fetched), basis)
    with warehouse.writing() as con:
        con.execute("UPDATE raw.price_vintages SET known_from = ?", [fetched])
    tell(split(A, MONDAY, 4.0))
    assert changed_from(warehouse, query, SPLITS) == expected


@pytest.mark.usefixtures("bars")
def test_very_many_splits_at_once_make_everything_anew(warehouse, tell, query, monkeypatch):
    monkeypatch.setattr(rebasing, "AT_MOST", 1)
    tell(split(A, MONDAY, 4.0), split(B, TUESDAY, 2.0))
    assert changed_from(warehouse, query, SPLITS) is None
    assert ratios(warehouse) == {}
    with warehouse.reading() as con:
        assert writing.stale_from(con, DAILY_PRICES, [SPLITS]) == date.min


@pytest.mark.usefixtures("bars")
def test_a_table_computed_whole_is_not_brought_anywhere(warehouse, tell, write, daily, closes):
    tell(split(A, MONDAY, 4.0))
    write(DAILY_PRICES, daily((A, THURSDAY, 7.0)))
    assert closes(warehouse) == [(A, THURSDAY, 7.0)]


def count(known_on, shares, ratio):
    return {"listing_id": A, "ticker": "A", "known_on": known_on, "source": "issue"} | {
        "shares_outstanding": shares,
        "split_ratio_after": ratio,
    }


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        # As of its day the same count, to the last digit but one.
        ([count(THURSDAY, 100.0 * (1 + 2e-16), 3.0)], date.max),
        ([count(THURSDAY, 300.0, 1.0)], date.max),
        ([count(THURSDAY, 100.1, 3.0)], THURSDAY),
        ([count(THURSDAY, 100.0, 3.0), count(MONDAY, 5.0, 1.0)], MONDAY),
        ([count(FRIDAY, 100.0, 3.0)], THURSDAY),
    ],
)
def test_what_is_the_same_in_other_shares_makes_nothing_stale(
    warehouse, tell, write, query, others, expected
):
    write(SHARES_OUTSTANDING, rows_of(SHARES_OUTSTANDING, count(THURSDAY, 100.0, 1.0)))
    tell(split(A, MONDAY, 3.0))
    write(SHARES_OUTSTANDING, rows_of(SHARES_OUTSTANDING, *others))
    assert changed_from(warehouse, query, SHARES_OUTSTANDING) == expected
    sql = "SELECT known_on, shares_outstanding FROM core.shares_outstanding ORDER BY 1"
    told = [(one["known_on"], one["shares_outstanding"]) for one in others]
    assert query(warehouse, sql) == sorted(told)


def test_what_is_not_counted_in_shares_is_another_by_the_same_ratio(warehouse, tell, write, query):
    move = {"listing_id": A, "ticker": "A", "ex_date": FRIDAY, "action": "split", "as_of": KNOWN}
    move |= {"split_ratio": 2.0, "price_ratio": 0.5, "evidence": "turnover"}
    whole = replace(PROPOSED_SPLITS, seen_through=None)
    write(whole, rows_of(whole, move))
    tell(split(A, MONDAY, 2.0))
    write(whole, rows_of(whole, move | {"price_ratio": 1.0}))
    assert changed_from(warehouse, query, PROPOSED_SPLITS) == FRIDAY


def test_without_a_split_no_digit_is_let_pass(warehouse, tell, write, query):
    write(SHARES_OUTSTANDING, rows_of(SHARES_OUTSTANDING, count(THURSDAY, 100.0, 1.0)))
    tell(split(B, MONDAY, 3.0))
    other = rows_of(SHARES_OUTSTANDING, count(THURSDAY, 100.0 * (1 + 3e-16), 1.0))
    write(SHARES_OUTSTANDING, other)
    assert changed_from(warehouse, query, SHARES_OUTSTANDING) == THURSDAY


def run_of(first, last, count, listing_id=A):
    return {"listing_id": listing_id, "ticker": "A", "first_session_date": first} | {
        "last_session_date": last,
        "n_sessions": 1,
        "market_value": 1e9,
        "close": 10.0,
        "shares_outstanding": count,
        "adjusted_shares": count,
        "source": "files",
        "as_of": KNOWN,
    }


def test_of_what_was_delivered_all_rows_of_the_listing_are_replaced(warehouse, tell, write, query):
    held = (run_of(THURSDAY, THURSDAY, 1.0), run_of(FRIDAY, FRIDAY, 2.0))
    others = (run_of(THURSDAY, THURSDAY, 5.0, B), run_of(FRIDAY, FRIDAY, 6.0, B))
    write(IMPLIED_SHARES, rows_of(IMPLIED_SHARES, *held, *others))
    tell(split(A, MONDAY, 2.0))
    # Two runs are one in the new shares.
    write(IMPLIED_SHARES, rows_of(IMPLIED_SHARES, run_of(THURSDAY, FRIDAY, 2.0)), MONDAY)
    sql = "SELECT listing_id, first_session_date, adjusted_shares FROM core.implied_shares"
    assert query(warehouse, f"{sql} ORDER BY ALL") == [
        (A, THURSDAY, 2.0),
        (B, THURSDAY, 5.0),
        (B, FRIDAY, 6.0),
    ]


@pytest.mark.usefixtures("bars")
def test_what_was_held_is_read_in_the_shares_of_today(warehouse):
    import ibis

    with warehouse.reading() as con:
        held = ibis.duckdb.from_connection(con).table("daily_prices", database="core")
        now = rebasing.brought(held, DAILY_PRICES, {A: 4.0, B: 1.0}).order_by("listing_id", "close")
        assert now.close.to_pyarrow().to_pylist() == [2.5, 3.0, 50.0, 51.0]
        assert now.columns == held.columns
        assert rebasing.brought(held, IMPLIED_SHARES, {A: 4.0}) is held


def test_tables_in_the_shares_of_today_have_something_to_count_in_them():
    for table in (DAILY_PRICES, SELLOFF_METRICS):
        assert table.in_todays_shares
        assert {column.unit for column in table.columns} >= {"shares", "currency per share"}
    assert not DIVIDENDS.in_todays_shares  # as paid


def instrument(listing_id, **columns):
    usual = {"ticker": "A", "asset_class": "equity", "currency": "USD", "is_primary": True}
    return {"listing_id": listing_id, "registered_from": "prices", **usual, **columns}


def test_a_listing_that_is_new_matters_from_its_first_bar_on(warehouse, write, query, land):
    land(FRIDAY, KNOWN)
    write(INSTRUMENTS, rows_of(INSTRUMENTS, instrument(B)))
    assert changed_from(warehouse, query, INSTRUMENTS) == date.max  # of B there is no bar
    write(INSTRUMENTS, rows_of(INSTRUMENTS, instrument(B), instrument(A)))
    assert changed_from(warehouse, query, INSTRUMENTS) == FRIDAY
    write(INSTRUMENTS, rows_of(INSTRUMENTS, instrument(B), instrument(A, name="Alpha Corp.")))
    assert changed_from(warehouse, query, INSTRUMENTS) == date.max  # it is called by another name
    write(INSTRUMENTS, rows_of(INSTRUMENTS, instrument(B), instrument(A, sector="Energy")))
    assert changed_from(warehouse, query, INSTRUMENTS) == FRIDAY


def fall(event_id, day, close, **columns):
    """Return how A fell on a day; `observed_through` is NULL until anything followed."""
    return {
        "event_id": event_id,
        "listing_id": A,
        "ticker": "A",
        "region": "US",
        "session_date": day,
        "close": close,
        "previous_close": close * 2,
        "drawdown": -0.1,
        "currency": "USD",
        "is_counted": True,
        "shares_outstanding": 100.0,
        "n_flagged": 0,
        "n_quarantined": 0,
        "has_simulated_inputs": False,
        "fall_as_of": KNOWN,
        "as_of": KNOWN,
        **columns,
    }


def test_a_fall_that_is_still_followed_is_the_same_fall_in_other_shares(
    warehouse, tell, write, query
):
    over = fall("e1", WEDNESDAY, 10.0, observed_through=FRIDAY)
    followed = fall("e2", THURSDAY, 12.0), fall("e3", FRIDAY, 16.0)
    write(SELLOFF_METRICS, rows_of(SELLOFF_METRICS, over, *followed))
    tell(split(A, MONDAY, 4.0))
    seen = {"shares_outstanding": 400.0, "observed_through": MONDAY, "rebound_return": 0.1}
    now = (
        fall("e2", THURSDAY, 3.0, previous_close=6.0, **seen),
        fall("e3", FRIDAY, 4.0, previous_close=8.0, **seen),
    )
    write(SELLOFF_METRICS, rows_of(SELLOFF_METRICS, *now), MONDAY)
    sql = "SELECT event_id, close, previous_close, shares_outstanding FROM mart.selloff_metrics"
    assert query(warehouse, f"{sql} ORDER BY 1") == [
        ("e1", 2.5, 5.0, 400.0),
        ("e2", 3.0, 6.0, 400.0),
        ("e3", 4.0, 8.0, 400.0),
    ]
    # What followed is new, the falls are not: bars that are new make stale what looks further.
    assert changed_from(warehouse, query, SELLOFF_METRICS) == MONDAY
