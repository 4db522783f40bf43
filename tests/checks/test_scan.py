"""The catalogue as SQL: what is counted, what is shown of it, and in how many passes."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import scan as scanning
from checks.catalogue import Check, contract, unique
from checks.scan import newest_vintage, rows_of, scan
from warehouse.tables import TABLES, table

PRICES = table("core.daily_prices")
MONDAY = date(2025, 1, 27)


def statement(name, holds, **values):
    plain = {"relation": PRICES.qualified, "named_by": ("ticker", "session_date")}
    return Check(name=name, table=PRICES, holds=holds, doc="It holds.", **{**plain, **values})


def put(tables, *closes, ticker="NVDA", first=MONDAY):
    for number, close in enumerate(closes):
        names = {"listing_id": f"XNAS:{ticker}", "ticker": ticker}
        tables.put(PRICES, **names, session_date=first + timedelta(days=number), close=close)


@pytest.fixture
def queries(monkeypatch):
    """Every query that a scan runs."""
    seen = []

    def noted(con, sql, values=None):
        seen.append(sql)
        return rows_of(con, sql, values)

    monkeypatch.setattr(scanning, "rows_of", noted)
    return seen


def test_a_statement_is_counted_over_all_rows_and_null_is_no_violation(unguarded):
    put(unguarded, 1.0, -1.0, None, -2.0, 0.0)
    found = scan(unguarded.con, [statement("close_is_positive", "close > 0")])["close_is_positive"]
    assert (found.n_rows, found.n_violations) == (5, 3)


def test_statements_about_the_same_rows_are_counted_in_one_pass(unguarded, queries):
    put(unguarded, 1.0, 2.0)
    checks = [statement(f"rule_{place}", f"close > {-place}") for place in range(2)]
    assert [found.n_violations for found in scan(unguarded.con, checks).values()] == [0, 0]
    assert len(queries) == 1


def test_whatever_fails_is_named_in_one_further_pass(unguarded, queries):
    put(unguarded, 1.0, 2.0)
    checks = [statement(f"close_is_above_{low}", f"close > {low}") for low in (0, 1, 2)]
    assert [found.n_violations for found in scan(unguarded.con, checks).values()] == [0, 1, 2]
    assert len(queries) == 2


def test_the_order_is_that_of_the_statements_whichever_rows_they_are_about(unguarded):
    other = "(SELECT * FROM core.daily_prices WHERE close > 1)"
    checks = [
        statement("b", "true"),
        statement("a", "true", relation=other),
        statement("c", "true"),
    ]
    put(unguarded, 1.0, 2.0)
    found = scan(unguarded.con, checks)
    assert list(found) == ["b", "a", "c"]
    assert [each.n_rows for each in found.values()] == [2, 1, 2]


def test_the_newest_five_rows_are_named_by_their_keys(unguarded):
    put(unguarded, *[-1.0] * 4)
    put(unguarded, *[-1.0] * 4, ticker="AMD")
    sample = scan(unguarded.con, [statement("good", "close > 0")])["good"].sample_keys
    assert [(row["ticker"], row["session_date"].day) for row in sample] == [
        ("AMD", 30),
        ("NVDA", 30),
        ("AMD", 29),
        ("NVDA", 29),
        ("AMD", 28),
    ]


def test_rows_without_a_session_are_named_in_the_order_of_their_keys(unguarded):
    put(unguarded, *[-1.0] * 3, ticker="NVDA")
    put(unguarded, -1.0, ticker="AMD")
    check = statement("good", "close > 0", named_by=("ticker",))
    sample = scan(unguarded.con, [check])["good"].sample_keys
    assert [row["ticker"] for row in sample] == ["AMD", "NVDA", "NVDA", "NVDA"]


def test_a_row_without_a_key_is_named_too(unguarded):
    put(unguarded, -1.0, ticker=None)
    sample = scan(unguarded.con, [statement("good", "close > 0")])["good"].sample_keys
    assert sample == [{"ticker": None, "session_date": MONDAY}]


def test_only_the_values_that_a_query_names_are_bound(unguarded):
    put(unguarded, 1.0, 2.0, 3.0)
    some = "(SELECT * FROM core.daily_prices WHERE session_date >= $start)"
    check = statement("good", "close < 3", relation=some)
    values = {"start": date(2025, 1, 28), "end": date.max, "now": None}
    found = scan(unguarded.con, [check, statement("any", "true")], values)
    assert (found["good"].n_rows, found["good"].n_violations) == (2, 1)
    assert found["any"].n_rows == 3


@pytest.mark.parametrize(("severity", "is_error"), [("ERROR", True), ("WARN", False)])
def test_a_severity_is_that_of_the_statement(unguarded, severity, is_error):
    found = scan(unguarded.con, [statement("any", "true", severity=severity)])["any"]
    assert found.is_error is is_error


def test_an_empty_table_breaks_nothing_but_that_it_has_rows(tables):
    for one in TABLES:
        found = scan(tables.con, contract(one, may_be_empty=False))
        failed = {name: each for name, each in found.items() if each.n_violations}
        assert set(failed) == {"table_is_not_empty"}
        assert failed["table_is_not_empty"].note == f"{one.qualified} has no rows"


def test_a_table_with_rows_is_not_empty(unguarded):
    put(unguarded, 1.0)
    found = scan(unguarded.con, contract(PRICES, may_be_empty=False))["table_is_not_empty"]
    assert (found.n_rows, found.n_violations, found.note) == (1, 0, "")


KEYS = st.tuples(st.sampled_from([None, "a", "b"]), st.sampled_from([None, 1.0, -0.0, 0.0]))


@given(st.lists(KEYS, max_size=12))
def test_rows_are_twins_where_all_their_keys_are_equal(keys):
    named = [key for key in keys if key != (None, None)]
    expected = sum(count for key in set(named) if (count := named.count(key)) > 1)
    with closing(duckdb.connect()) as con:
        con.execute("CREATE SCHEMA core")
        con.execute("CREATE TABLE core.daily_prices (ticker VARCHAR, close DOUBLE)")
        if keys:
            con.executemany("INSERT INTO core.daily_prices VALUES (?, ?)", keys)
        found = scan(con, [unique(PRICES, ("ticker", "close"))])["grain_is_unique"]
    assert (found.n_rows, found.n_violations) == (len(keys), expected)
    assert bool(found.sample_keys) == bool(expected)


def test_a_shared_hash_makes_no_twins(unguarded, monkeypatch):
    put(unguarded, 1.0, 2.0, 2.0)
    twins = scanning._twins

    def colliding(relation, keys):
        return twins(relation, keys).replace(f"hash({', '.join(keys)})", "1")

    monkeypatch.setattr(scanning, "_twins", colliding)
    found = scan(unguarded.con, [unique(PRICES, ("ticker", "close"))])["grain_is_unique"]
    assert found.n_violations == 2
    assert found.sample_keys == [{"ticker": "NVDA", "close": 2.0, "n_rows": 2}]


def test_the_newest_vintage_is_that_of_the_tables_own_rows(tables):
    assert newest_vintage(tables.con, PRICES) is None
    for hour in (22, 21):
        as_of = datetime(2025, 1, 27, hour)  # noqa: DTZ001 - TIMESTAMP columns are naive UTC
        tables.put(PRICES, listing_id=f"XNAS:{hour}", as_of=as_of)
    assert newest_vintage(tables.con, PRICES).hour == 22
    known_from = datetime.fromisoformat("2025-01-28T01:00")
    tables.put(table("raw.price_vintages"), listing_id="XNAS:NVDA", known_from=known_from)
    assert newest_vintage(tables.con, table("raw.price_vintages")) == known_from
    assert newest_vintage(tables.con, table("core.instruments")) is None


def test_infinity_and_nothing_are_shown_as_they_are(unguarded):
    put(unguarded, math.inf, -math.inf)
    check = statement("finite", "isfinite(close)", named_by=("close", "open"))
    sample = scan(unguarded.con, [check])["finite"].sample_keys
    assert sample == [{"close": -math.inf, "open": None}, {"close": math.inf, "open": None}]


def test_statements_of_one_name_are_one_finding(unguarded):
    check = statement("any", "true")
    assert list(scan(unguarded.con, [check, replace(check, holds="false")])) == ["any"]
