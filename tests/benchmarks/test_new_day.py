"""The last session of a market is taken out once, and the cost of the day is put in a table."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.new_day import apart, table, years


@pytest.fixture
def market(tmp_path):
    """A market of two files: sessions 1 to 3 of two listings, and 4 to 5."""
    prices = tmp_path / "prices"
    prices.mkdir()
    (prices / "instruments.csv").write_text("ticker\nA\nB\n")
    for number, days in enumerate(((1, 2, 3), (4, 5))):
        dates = [date(2025, 1, day) for day in days for _ in "AB"]
        bars = pa.table({"date": pa.array(dates, pa.date32()), "symbol": ["A", "B"] * len(days)})
        pq.write_table(bars, prices / f"bars_{number:02d}.parquet")
    return tmp_path


def test_the_last_session_comes_alone_and_is_taken_out_once(market):
    for _ in range(2):
        day, last = apart(market)
        assert last == "2025-01-05"
        assert pq.read_table(day / "bars.parquet")["symbol"].to_pylist() == ["A", "B"]
        assert (day / "instruments.csv").exists()
        left = pq.read_table(market / "prices" / "bars_01.parquet")
        assert set(left["date"].to_pylist()) == {date(2025, 1, 4)}


def test_every_year_has_a_folder_of_its_own_with_its_sessions(market):
    apart(market)
    found = years(market)
    assert [(first, last) for _, first, last in found] == [
        ("2025-01-01", "2025-01-03"),
        ("2025-01-04", "2025-01-04"),
    ]
    for folder, *_ in [*found, *years(market)]:
        assert len(list(folder.glob("*.parquet"))) == 1
        assert (folder / "instruments.csv").exists()


def test_the_table_has_the_dearest_steps_and_the_slope_against_history():
    cheap, dear = [0.1, 0.1, 100.0], [2.0, 4.0, 300.0]
    found = {
        1_000: {"a__cheap": cheap, "a__dear": dear, "all": [3.0, 4.1, 300.0]},
        10_000: {"a__cheap": cheap, "a__dear": [20.0, 40.0, 300.0], "all": [30.0, 41.0, 300.0]},
    }
    lines = table(found).splitlines()
    assert lines[0] == "| CPU s of a day, at bars | 1,000 | 10,000 | slope |"
    assert lines[2:] == [
        "| all steps | 4.10 | 41.00 | 1.00 |",
        "| a.dear | 4.00 | 40.00 | 1.00 |",
        "| a.cheap | 0.10 | 0.10 | 0.00 |",
        "| all steps, wall s | 3 | 30 | 1.00 |",
        "| peak MB | 300 | 300 | 0.00 |",
    ]


def test_a_single_size_has_no_slope():
    assert "| 4.10 |  |" in table({1_000: {"all": [3.0, 4.1, 300.0]}})
