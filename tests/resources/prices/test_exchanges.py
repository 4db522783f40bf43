"""What files say beside prices, market value and exchange, and what follows for a listing."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.batch import Days, Listing
from resources.calendars import is_known
from resources.prices import Prices
from resources.prices.bars import without_zeros
from resources.prices.exchanges import PLACES, completed, mic_of
from resources.reference import Reference
from warehouse.tables.instruments import INSTRUMENTS

ALL = Days(date(1900, 1, 1), date(2100, 1, 1))
LISTINGS = [Listing("XNAS:NVDA", "NVDA", "XNAS", "USD")]
HEADER = "date,symbol,exchange,close,volume,market_cap\n"


@pytest.fixture
def fetch(tmp_path):
    """Write one file, fetch it; return the batch."""

    def run(content, name="prices.csv", **config):
        path = tmp_path / name
        if isinstance(content, pa.Table):
            pq.write_table(content, path)
        else:
            path.write_text(content)
        return Prices(provider="files", path=str(path), **config).fetch(LISTINGS, ALL)

    return run


def said(batch):
    rows = batch.rows.select(["ticker", "market_value", "exchange_mic"]).to_pylist()
    return [tuple(row.values()) for row in rows]


@pytest.mark.parametrize(
    ("written", "mic"),
    [
        ("nasdaq", "XNAS"),
        ("NYSE", "XNYS"),
        (" amex ", "XASE"),
        ("NYSE  Arca", "ARCX"),
        ("XETR", "XETR"),
        ("xtks", "XTKS"),
        ("otc", None),
        ("XXXX", None),
        ("24/5", None),
        ("", None),
        (None, None),
    ],
)
def test_exchanges_are_known_by_name_and_by_code(written, mic):
    assert mic_of(written) == mic


@pytest.mark.parametrize("mic", PLACES)
def test_every_exchange_that_places_a_listing_has_a_calendar(mic):
    assert is_known(mic)


def test_market_value_and_exchange_are_read_beside_the_prices(fetch):
    batch = fetch(HEADER + "2024-06-07,NVDA,nasdaq,1208.88,412385825,2973844800000\n")
    assert said(batch) == [("NVDA", "2973844800000", "XNAS")]
    assert batch.answers[0].reason is None


@pytest.mark.parametrize("name", ["market_value", "Market Cap", "marketcap"])
def test_a_market_value_goes_by_several_names(fetch, name):
    batch = fetch(f"date,symbol,close,{name}\n2024-06-07,NVDA,1208.88,2973844800000\n")
    assert said(batch) == [("NVDA", "2973844800000", None)]


def test_a_market_value_of_0_says_nothing_and_is_counted(fetch):
    rows = "2024-06-07,A,nyse,1,1,0\n2024-06-07,B,nyse,1,1,0.00\n2024-06-07,C,nyse,1,1,7\n"
    batch = fetch(HEADER + rows)
    assert said(batch) == [("A", None, "XNYS"), ("B", None, "XNYS"), ("C", "7", "XNYS")]
    assert batch.answers[0].reason == "taken as not known: market_value '0' in 2 rows"


def test_an_exchange_that_is_a_stranger_is_counted_by_name(fetch):
    rows = "2024-06-07,A,otc,1,1,5\n2024-06-07,B,otc,1,1,5\n2024-06-07,C,,1,1,5\n"
    batch = fetch(HEADER + rows)
    assert [mic for _, _, mic in said(batch)] == [None, None, None]
    assert batch.answers[0].reason == "taken as not known: exchange_mic 'otc' in 2 rows"


def test_a_parquet_file_says_the_same_as_text(fetch):
    table = pa.table(
        {
            "date": pa.array([date(2024, 6, 7)] * 3),
            "symbol": ["NVDA", "ZERO", "NULL"],
            "exchange": pa.array(["nasdaq", "amex", None]).dictionary_encode(),
            "close": [1208.88, 1.0, 1.0],
            "market_cap": [2973844800000.0, 0.0, None],
        }
    )
    batch = fetch(table, "prices.parquet")
    expected = [("NVDA", 2973844800000.0, "XNAS"), ("ZERO", None, "XASE"), ("NULL", None, None)]
    assert said(batch) == expected
    assert batch.answers[0].reason == "taken as not known: market_value '0' in 1 rows"


@given(st.lists(st.one_of(st.none(), st.floats(-1e12, 1e12), st.just(0.0))))
def test_only_zeros_are_dropped_and_their_number_is_right(values):
    kept, counts = without_zeros(pa.chunked_array([pa.array(values, pa.float64())]))
    expected = [value or None for value in values]
    assert kept.to_pylist() == expected
    assert counts["0"] == sum(value == 0 for value in values)


def delivered(*rows):
    names = ("listing_id", "ticker", "currency", "exchange_mic")
    return pa.Table.from_pylist(
        [dict(zip(names, row, strict=True)) for row in rows],
        schema=pa.schema([(name, pa.string()) for name in names]),
    )


def row_of(instruments, listing_id):
    (found,) = [row for row in instruments.to_pylist() if row["listing_id"] == listing_id]
    return found


def test_a_listing_that_only_prices_know_gets_its_place_from_the_exchange():
    found = completed(
        Reference().instruments(),
        delivered(("FILE:ZZZ", "ZZZ", None, "XASE"), ("FILE:YYY", "YYY", "CHF", None)),
    )
    names = ("exchange_mic", "region", "currency", "asset_class", "registered_from", "is_primary")
    placed, unplaced = (row_of(found, f"FILE:{ticker}") for ticker in ("ZZZ", "YYY"))
    assert [placed[n] for n in names] == ["XASE", "US", "USD", "equity", "prices", True]
    assert [unplaced[n] for n in names] == [None, None, "CHF", "equity", "prices", True]
    assert found.column_names == list(INSTRUMENTS.column_names)


def test_what_the_repository_says_of_a_listing_stands():
    known = Reference().instruments()
    found = completed(known, delivered(("XNAS:NVDA", "NVDA", "EUR", "XTKS")))
    assert found.equals(known)


def test_a_user_s_row_without_an_exchange_gets_the_delivered_one(tmp_path):
    (tmp_path / "instruments.csv").write_text(
        "ticker,name,sector,region\nZZZ,Zebra,Energy,EU\nYYY,Yak,,\n"
    )
    known = Reference(prices_path=str(tmp_path)).instruments()
    found = completed(
        known,
        delivered(("FILE:ZZZ", "ZZZ", None, "XNYS"), ("FILE:YYY", "YYY", None, "XNYS")),
    )
    zebra, yak = row_of(found, "FILE:ZZZ"), row_of(found, "FILE:YYY")
    assert [zebra[n] for n in ("exchange_mic", "region", "currency")] == ["XNYS", "EU", "USD"]
    assert [yak[n] for n in ("region", "registered_from")] == ["US", "instruments.csv"]
