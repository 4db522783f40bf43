"""Which symbols were whose when, and which listings are one firm's, against published records."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path

import pytest

from resources.reference import Reference

SHARED = Path(__file__).parents[3] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared is absent")
MEMBERSHIP = SHARED / "reference" / "sp500_ticker_start_end.csv"
EVER = (date.min, date.max)


@pytest.fixture
def stated(tmp_path):
    """Return the reference with an `instruments.csv` of that text beside the prices."""

    def write(text):
        (tmp_path / "instruments.csv").write_text(text, "utf-8")
        return Reference(prices_path=str(tmp_path))

    return write


def owner(reference, symbol, day):
    """Return the listings that had a symbol on a day."""
    return [
        row["listing_id"]
        for row in reference.symbols().to_pylist()
        if row["symbol"] == symbol
        and (row["valid_from"] or EVER[0]) <= day <= (row["valid_to"] or EVER[1])
    ]


def firms(reference):
    return {row["listing_id"]: row for row in reference.instruments().to_pylist()}


@pytest.mark.parametrize(
    ("symbol", "day", "listings"),
    [
        # Meta Platforms took the symbol of a fund on 2022-06-09; nobody had it in between.
        ("FB", date(2022, 6, 8), ["XNAS:META"]),
        ("META", date(2022, 6, 9), ["XNAS:META"]),
        ("META", date(2022, 3, 1), []),
        ("META", date(2022, 1, 28), ["ARCX:METV"]),
        ("METV", date(2022, 1, 31), ["ARCX:METV"]),
        # The Bank of New York Mellon took the symbol of a dissolved BlackRock trust.
        ("BNY", date(2025, 1, 27), ["XNYS:BNY"]),
        ("BK", date(2025, 1, 27), ["XNYS:BK"]),
        ("BK", date(2026, 5, 20), ["XNYS:BK"]),
        ("BNY", date(2026, 5, 21), ["XNYS:BK"]),
        # Until Alphabet's class C came, its class A was GOOG.
        ("GOOG", date(2014, 4, 2), ["XNAS:GOOGL"]),
        ("GOOG", date(2014, 4, 3), ["XNAS:GOOG"]),
        ("GOOGL", date(2014, 4, 3), ["XNAS:GOOGL"]),
        # Two firms each: Dell Inc. went private, Constellation Energy Group was merged.
        ("DELL", date(2013, 10, 1), ["XNAS:DELL"]),
        ("DELL", date(2025, 1, 27), ["XNYS:DELL"]),
        ("CEG", date(2012, 3, 1), ["XNYS:CEG"]),
        ("CEG", date(2025, 1, 27), ["XNAS:CEG"]),
        # What was never renamed has its ticker for ever.
        ("NVDA", date(1999, 1, 22), ["XNAS:NVDA"]),
    ],
)
def test_a_symbol_is_whose_it_was_that_day(symbol, day, listings):
    assert owner(Reference(), symbol, day) == listings


def test_no_symbol_belongs_to_two_listings_on_one_day():
    spans = {}
    for row in Reference().symbols().to_pylist():
        span = (row["valid_from"] or EVER[0], row["valid_to"] or EVER[1])
        spans.setdefault(row["symbol"], []).append(span)
    for symbol, times in spans.items():
        for (start, end), (other_start, other_end) in combinations(times, 2):
            assert end < other_start or other_end < start, symbol


def test_every_instrument_has_its_own_ticker_today():
    today = date(2026, 6, 1)
    for row in Reference().instruments().to_pylist():
        assert owner(Reference(), row["ticker"], today) == [row["listing_id"]]


@needs_shared
@pytest.mark.parametrize(
    ("symbol", "last"), [("FB", date(2022, 6, 8)), ("DELL", date(2013, 10, 29))]
)
def test_a_symbol_ends_in_the_index_where_it_ends_here(symbol, last):
    with MEMBERSHIP.open(encoding="utf-8") as file:
        ends = [row["end_date"] for row in csv.DictReader(file) if row["ticker"] == symbol]
    ended = date.fromisoformat(ends[0])
    terms = Reference().symbols().to_pylist()
    assert last in {row["valid_to"] for row in terms if row["symbol"] == symbol}
    assert last <= ended <= last + timedelta(days=1)


@needs_shared
def test_the_bank_took_its_new_symbol_when_the_screener_says():
    import duckdb

    path = SHARED / "reference" / "us_symbols.parquet"
    seen = duckdb.sql(
        f"SELECT symbol, min(first_seen), max(last_seen) FROM '{path}' "
        "WHERE upper(name) LIKE '%NEW YORK MELLON%' OR symbol IN ('FB', 'META') GROUP BY symbol"
    ).fetchall()
    dates = {symbol: (first, last) for symbol, first, last in seen}
    assert owner(Reference(), "BK", dates["BK"][1]) == ["XNYS:BK"]
    assert owner(Reference(), "BK", dates["BNY"][0]) == []
    assert owner(Reference(), "BNY", dates["BNY"][0]) == ["XNYS:BK"]
    assert owner(Reference(), "FB", dates["FB"][1]) == ["XNAS:META"]
    assert owner(Reference(), "META", dates["META"][0]) == ["XNAS:META"]


@needs_shared
def test_a_renamed_listing_is_in_the_index_since_its_first_symbol_was():
    with MEMBERSHIP.open(encoding="utf-8") as file:
        entered = {row["ticker"]: row["start_date"] for row in csv.DictReader(file)}
    assert str(firms(Reference())["XNAS:META"]["constituent_from"]) == entered["FB"]


def test_a_ticker_the_user_gives_to_a_listing_is_that_listings_alone(stated):
    reference = stated("listing_id,ticker\nMINE:1,BNY\nXNAS:NVDA,FB\n")
    for day in (date(2025, 1, 27), date(2026, 6, 1)):
        assert owner(reference, "BNY", day) == ["MINE:1"]
        assert owner(reference, "FB", day) == ["XNAS:NVDA"]
    assert owner(reference, "BK", date(2025, 1, 27)) == ["XNYS:BK"]


def test_a_listing_under_another_id_keeps_its_dated_symbols(stated):
    reference = stated("listing_id,ticker\nMINE:2,META\n")
    assert owner(reference, "FB", date(2020, 1, 2)) == ["MINE:2"]
    assert owner(reference, "META", date(2021, 12, 1)) == ["ARCX:METV"]
    assert owner(reference, "META", date(2025, 1, 27)) == ["MINE:2"]


def test_a_ticker_without_dates_is_named_once():
    terms = Counter(
        (row["listing_id"], row["symbol"], row["valid_from"])
        for row in Reference().symbols().to_pylist()
    )
    assert set(terms.values()) == {1}
    assert owner(Reference(), "METV", date(2025, 1, 27)) == ["ARCX:METV"]
    assert "ARCX:METV" not in firms(Reference())


def test_share_classes_and_receipts_of_one_firm_name_it_and_one_is_primary():
    rows = firms(Reference())
    issuers = {}
    for listing_id, row in rows.items():
        if row["issuer_id"]:
            issuers.setdefault(row["issuer_id"], {})[listing_id] = row["is_primary"]
    assert issuers["alphabet"] == {"XNAS:GOOGL": True, "XNAS:GOOG": False}
    assert issuers["asml"] == {"XAMS:ASML.AS": True, "XNAS:ASML": False}
    assert all(sum(primary.values()) == 1 for primary in issuers.values())
    assert all(row["is_primary"] for row in rows.values() if row["issuer_id"] is None)


@needs_shared
def test_listings_with_one_filer_are_one_firm():
    path = SHARED / "reference" / "constituents_2024-12-27.csv"
    with path.open(encoding="utf-8") as file:
        filers = {row["Symbol"]: row["CIK"] for row in csv.DictReader(file)}
    by_filer = {}
    for row in firms(Reference()).values():
        if row["ticker"] in filers:
            by_filer.setdefault(filers[row["ticker"]], []).append(row["issuer_id"])
    shared = [issuers for issuers in by_filer.values() if len(issuers) > 1]
    assert shared == [["alphabet", "alphabet"]]


def test_a_receipt_that_the_user_adds_to_a_firm_is_not_primary_unless_stated(stated):
    reference = stated(
        "listing_id,ticker,issuer_id,is_primary\n"
        "MINE:ADR,SMNEY,siemens-energy,\nMINE:TW,2330.TW,tsmc,true\n,TSM,,false\nMINE:X,X,,\n"
    )
    rows = firms(reference)
    assert rows["XETR:ENR.DE"]["is_primary"] is True
    assert rows["MINE:ADR"]["is_primary"] is False
    assert (rows["MINE:TW"]["is_primary"], rows["XNYS:TSM"]["is_primary"]) == (True, False)
    assert rows["XNYS:TSM"]["issuer_id"] == "tsmc"
    assert (rows["MINE:X"]["issuer_id"], rows["MINE:X"]["is_primary"]) == (None, True)
    assert reference.rejects() == []
