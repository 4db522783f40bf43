from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from selloff.aliases import alias_of, aliases_from_names

SYMBOLS = Path(__file__).parents[4] / "shared" / "data" / "reference" / "us_symbols.parquet"


@pytest.mark.parametrize(
    ("name", "alias"),
    [
        ("NVIDIA Corporation Common Stock", "NVIDIA"),
        ("Oracle Corp", "Oracle"),
        ("Alphabet Inc. Class A", "Alphabet"),
        ("ASML Holding N.V. - New York Registry Shares", "ASML"),
        ("The Coca-Cola Company", "Coca-Cola"),
        ("Eli Lilly and Company", "Eli Lilly"),
        ("Advanced Micro Devices, Inc.", "Advanced Micro Devices"),
        ("Arm Holdings plc", "Arm"),
        ("Some Semiconductor ETF", None),
        ("Some Acquisition Corp. Warrant", None),
        ("Inc.", None),
        ("", None),
    ],
)
def test_a_registered_name_gives_what_texts_call_the_firm(name, alias):
    assert alias_of(name) == alias


def instruments(*rows):
    names = ("listing_id", "ticker", "name")
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows])


def test_a_word_a_short_name_and_a_shared_name_need_a_cue():
    table = instruments(
        ("X:ORCL", "ORCL", "Oracle Corp"),
        ("X:HPQ", "HPQ", "HP Inc."),
        ("X:AA", "AA", "Twosome Inc. Class A"),
        ("X:AB", "AB", "Twosome Inc. Class B"),
        ("X:NVDA", "NVDA", "Nvidia Corp"),
    )
    found = aliases_from_names(table).to_pylist()
    assert [row["needs_cue"] for row in found] == [True, True, True, True, False]


def test_a_listing_with_names_of_its_own_gets_no_other():
    table = instruments(("X:ORCL", "ORCL", "Oracle Corp"), ("X:NVDA", "NVDA", "Nvidia Corp"))
    own = pa.table({"listing_id": ["X:ORCL"], "alias": ["Oracle"]})
    assert aliases_from_names(table, own)["ticker"].to_pylist() == ["NVDA"]


def test_a_name_registered_in_capitals_is_found_as_texts_write_it():
    found = aliases_from_names(instruments(("X:NVDA", "NVDA", "NVIDIA Corporation")))
    assert found["alias"].to_pylist() == ["NVIDIA", "Nvidia"]


def test_a_listing_without_a_name_gets_no_alias():
    table = pa.table({"listing_id": ["a"], "ticker": ["A"], "name": pa.array([None], pa.string())})
    assert aliases_from_names(table).num_rows == 0


@pytest.mark.skipif(not SYMBOLS.is_file(), reason="../shared is absent")
def test_a_whole_market_gets_names_of_which_few_are_shared():
    rows = pq.read_table(SYMBOLS, columns=["symbol", "name"]).to_pylist()
    newest = {row["symbol"]: row["name"] for row in rows}
    table = instruments(*((f"X:{symbol}", symbol, name) for symbol, name in newest.items()))
    aliases = aliases_from_names(table)["alias"].to_pylist()
    assert len(aliases) > 5_000
    assert len(set(aliases)) > len(aliases) / 2
