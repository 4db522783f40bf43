"""Bars recorded under the symbol of their day: whose they were when a symbol was handed on."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from resources.batch import Days
from resources.prices import Prices
from resources.prices.bars import complete, of_the_day
from resources.reference import Reference

SPAN = Days(date(2021, 1, 1), date(2025, 12, 31))


def whose(ticker, *days):
    """Return the listings that bars of a symbol belong to, by the repository's own dates."""
    delivered = pa.table({"ticker": [ticker] * len(days), "session_date": list(days)})
    listings = {each.ticker: each for each in Reference().listings()}
    bars = complete(delivered, listings, "files")
    return of_the_day(bars, Reference().symbols())["listing_id"].to_pylist()


def test_meta_was_a_fund_then_nobody_and_is_meta_platforms():
    days = ("2022-01-28", "2022-03-01", "2022-06-08", "2022-06-09", "2025-01-27")
    assert whose("META", *days) == [
        "ARCX:METV",
        "FILE:META",
        "FILE:META",
        "XNAS:META",
        "XNAS:META",
    ]
    assert whose("FB", "2022-06-08", "2022-06-09") == ["XNAS:META", "FILE:FB"]


def test_dates_may_come_as_dates():
    assert whose("META", date(2022, 6, 9)) == ["XNAS:META"]


def test_a_symbol_that_was_never_handed_on_stays_with_its_listing():
    assert whose("NVDA", "1999-01-22", "2025-01-27") == ["XNAS:NVDA", "XNAS:NVDA"]
    assert whose("ZZZZ", "2025-01-27") == ["FILE:ZZZZ"]


@pytest.mark.parametrize(
    ("symbols", "listings"),
    [
        ("today", ["XNAS:META", "XNAS:META", "FILE:FB"]),
        ("of_the_day", ["ARCX:METV", "XNAS:META", "XNAS:META"]),
    ],
)
def test_files_are_read_as_the_user_says_they_were_recorded(tmp_path, symbols, listings):
    lines = ["ticker,date,close", "META,2022-01-28,14.5", "META,2025-01-27,659.88"]
    (tmp_path / "bars.csv").write_text("\n".join([*lines, "FB,2022-01-28,301.71"]) + "\n")
    prices = Prices(provider="files", path=str(tmp_path), symbols=symbols)
    rows = prices.fetch(Reference().listings(), SPAN).rows
    assert rows["listing_id"].to_pylist() == listings
    assert rows["ticker"].to_pylist() == ["META", "META", "FB"]


def test_an_unknown_way_of_recording_is_refused(tmp_path):
    prices = Prices(provider="files", path=str(tmp_path), symbols="dated")
    with pytest.raises(ValueError, match="unknown symbols 'dated'; there are: today, of_the_day"):
        prices.refuse_misuse()
