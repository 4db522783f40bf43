"""What the files provider makes of good and of bad input."""

from __future__ import annotations

import csv
import gzip
import json
import math
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.batch import Days, Listing
from resources.prices import Prices
from resources.prices.bars import COLUMNS
from resources.prices.files import Files

ALL = Days(date(1900, 1, 1), date(2100, 1, 1))
LISTINGS = [
    Listing("XNAS:NVDA", "NVDA", "XNAS", "USD"),
    Listing("ARCX:SPY", "SPY", "ARCX", "USD"),
    Listing("XTKS:6857.T", "6857.T", "XTKS", "JPY"),
]
LONG = "ticker,date,open,high,low,close,volume\n"


@pytest.fixture
def fetch(tmp_path):
    """Write files by name, fetch them; keywords configure the provider."""

    def run(files, days=ALL, **config):
        for name, content in files.items():
            if isinstance(content, pa.Table):
                pq.write_table(content, tmp_path / name)
            else:
                (tmp_path / name).write_bytes(
                    content if isinstance(content, bytes) else content.encode()
                )
        config = {"path": str(tmp_path), **config}
        return Prices(provider="files", **config).fetch(LISTINGS, days)

    return run


def rows(batch, *names):
    return [tuple(row[name] for name in names) for row in batch.rows.to_pylist()]


def answers(batch):
    return [(answer.requested, answer.outcome, answer.reason) for answer in batch.answers]


def test_a_long_csv_is_delivered_as_it_stands_with_line_numbers(fetch):
    text = LONG + "NVDA,2025-01-27,124.80,128.40,116.70,118.420,818830000\nABC,2025-01-27,,,,7,\n"
    batch = fetch({"prices.csv": text})
    assert batch.rows.column_names == list(COLUMNS)
    assert batch.rows.to_pylist()[0] == {
        "listing_id": "XNAS:NVDA",
        "ticker": "NVDA",
        "session_date": "2025-01-27",
        "open": "124.80",
        "high": "128.40",
        "low": "116.70",
        "close": "118.420",
        "adj_close": None,
        "volume": "818830000",
        "market_value": None,
        "currency": "USD",
        "exchange_mic": None,
        "basis": "split_adjusted",
        "source": "files",
        "is_provisional": False,
        "is_simulated": False,
        "source_file": "prices.csv",
        "source_row": 2,
    }
    columns = ("listing_id", "open", "close", "volume", "currency", "source_row")
    assert rows(batch, *columns)[1] == ("FILE:ABC", None, "7", None, None, 3)
    assert answers(batch) == [("prices.csv", "delivered", None)]
    assert batch.answers[0].n_rows == 2


def test_header_names_may_differ_in_case_blanks_and_synonyms(fetch):
    text = " Symbol ,Session_Date,CLOSE,Adj Close,Currency\n NVDA ,2025-01-27,118.42,118.41,EUR\n"
    batch = fetch({"a.csv": "\ufeff" + text})
    assert rows(batch, "listing_id", "ticker", "close", "adj_close", "currency") == [
        ("XNAS:NVDA", "NVDA", "118.42", "118.41", "EUR")
    ]


def test_tickers_are_matched_exactly(fetch):
    batch = fetch({"a.csv": "ticker,date,close\nnvda,2025-01-27,118.42\n"})
    assert rows(batch, "listing_id", "ticker") == [("FILE:nvda", "nvda")]


def test_a_row_without_a_ticker_is_kept_for_the_quarantine(fetch):
    batch = fetch({"a.csv": "ticker,date,close\n ,2025-01-27,118.42\n"})
    assert rows(batch, "listing_id", "ticker", "source_row") == [(None, None, 2)]


def test_a_file_per_ticker_takes_the_ticker_from_its_name(fetch):
    text = (
        "Date,Open,High,Low,Close,Adj Close,Volume\n2025-01-27,9100,9200,9000,9185,9185,19020000\n"
    )
    batch = fetch({"6857.T.csv": text, "NVDA.csv.gz": gzip.compress(text.encode())})
    assert rows(batch, "listing_id", "close", "currency", "source_file") == [
        ("XTKS:6857.T", "9185", "JPY", "6857.T.csv"),
        ("XNAS:NVDA", "9185", "USD", "NVDA.csv.gz"),
    ]


def test_the_header_of_yfinance_with_two_tickers_gives_each_its_bars(fetch):
    text = (
        "Price,Close,Close,Volume,Volume\nTicker,NVDA,6857.T,NVDA,6857.T\nDate,,,,\n"
        "2025-01-17,137.71,9158.0,201190000,15080000\n2025-01-20,,9370.0,,11610000\n"
    )
    batch = fetch({"download.csv": text})
    assert rows(batch, "ticker", "session_date", "close", "volume", "source_row") == [
        ("NVDA", "2025-01-17", "137.71", "201190000", 4),
        ("6857.T", "2025-01-17", "9158.0", "15080000", 4),
        ("6857.T", "2025-01-20", "9370.0", "11610000", 5),
    ]


def test_a_column_map_names_what_is_not_recognised(fetch):
    text = "day,name,last\n2025-01-27,NVDA,118.42\n"
    columns = {"session_date": "day", "ticker": "name", "close": "last"}
    batch = fetch({"a.csv": text}, columns=columns)
    assert rows(batch, "listing_id", "session_date", "close") == [
        ("XNAS:NVDA", "2025-01-27", "118.42")
    ]


def test_the_range_is_closed_and_unreadable_dates_are_kept(fetch):
    dates = ["2025-01-23", "2025-01-24", "2025-01-27", "2025-01-28", "27/01/2025", "2025-02-30", ""]
    text = "ticker,date,close\n" + "".join(f"NVDA,{day},1\n" for day in dates)
    batch = fetch({"a.csv": text}, Days(date(2025, 1, 24), date(2025, 1, 27)))
    assert rows(batch, "session_date", "source_row") == [
        ("2025-01-24", 3),
        ("2025-01-27", 4),
        ("27/01/2025", 6),
        ("2025-02-30", 7),
        (None, 8),
    ]


def test_a_range_without_rows_is_no_data(fetch):
    day = date(2025, 3, 3)
    batch = fetch({"a.csv": "ticker,date,close\nNVDA,2025-01-27,1\n"}, Days(day, day))
    reason = "a.csv: no row wanted between 2025-03-03 and 2025-03-03"
    assert answers(batch) == [("a.csv", "no_data", reason)]
    assert batch.rows.num_rows == 0
    assert batch.rows.column_names == list(COLUMNS)


def test_values_that_break_the_contract_pass_through_for_the_quarantine(fetch):
    text = "ticker,date,close,volume\nNVDA,2025-01-27,-1,inf\nNVDA,2025-01-27,abc,0\n"
    batch = fetch({"a.csv": text})
    assert rows(batch, "close", "volume") == [("-1", "inf"), ("abc", "0")]
    assert batch.rejects == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("ticker,date,open\nNVDA,2025-01-27,1\n", "no column 'close'; it has: ticker, date, open"),
        ("ticker,close\nNVDA,1\n", "no column 'date'; it has: ticker, close"),
        ("", "empty file"),
        ("\n\n", "empty file"),
        ("ticker,date,close", "only a header, no row"),
        ("ticker,date,close\n\n\n", "only a header, no row"),
        ("Price,Close\nTicker,SPY\nDate,\n", "only a header, no row"),
        ("date,close,Close\n2025-01-27,1,2\n", "columns named more than once: close"),
        (b"date,close\n2025-01-27,\xff\xfe\n", "not UTF-8 text"),
        (b"date,close\n" + b"2025-01-27,1\n" * 9999 + b"2025-01-27,\xff\n", "invalid UTF8 data"),
        ("<!DOCTYPE html>\n<p>gone</p>\n", "no column 'date'; it has: <!DOCTYPE html>"),
        ("date,close\n2025-01-27\n1,2,3\n", "every row was refused"),
    ],
)
def test_a_bad_csv_fails_in_one_line_and_the_good_file_lands(fetch, content, reason):
    batch = fetch({"bad.csv": content, "good.csv": "ticker,date,close\nNVDA,2025-01-27,1\n"})
    bad, good = batch.answers
    assert (bad.requested, bad.outcome, bad.n_rows) == ("bad.csv", "failed", 0)
    assert bad.reason.startswith("bad.csv: ")
    assert reason in bad.reason
    assert "\n" not in bad.reason
    assert (good.outcome, good.n_rows) == ("delivered", 1)
    assert batch.rows.num_rows == 1


def test_a_gzip_file_that_breaks_off_fails_as_a_whole(fetch):
    whole = gzip.compress((LONG + "NVDA,2025-01-27,1,1,1,1,1\n" * 5000).encode())
    batch = fetch({"a.csv.gz": whole[:-20]})
    assert batch.answers[0].outcome == "failed"
    assert "a.csv.gz: Compressed file ended" in batch.answers[0].reason
    assert batch.rows.num_rows == 0


def test_an_unreadable_parquet_file_fails_and_csv_and_parquet_land_together(fetch):
    good = pa.table({"ticker": ["SPY"], "date": [date(2025, 1, 27)], "close": [599.37]})
    text = "ticker,date,close\nNVDA,2025-01-27,118.42\n"
    batch = fetch({"bad.parquet": b"nothing", "c.csv": text, "good.parquet": good})
    assert [answer.outcome for answer in batch.answers] == ["failed", "delivered", "delivered"]
    assert "bad.parquet: Parquet" in batch.answers[0].reason
    assert rows(batch, "ticker", "session_date", "close") == [
        ("NVDA", "2025-01-27", "118.42"),
        ("SPY", "2025-01-27", "599.37"),
    ]


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"ticker": ["A"], "date": [date(2025, 1, 27)]}, "no column 'close'; it has: ticker, date"),
        ({"ticker": [], "date": [], "close": []}, "only a header, no row"),
        ({"date": [date(2025, 1, 27)], "close": [[1.0]]}, "column 'close' holds list"),
        ({"date": [1.5], "close": [1.0]}, "column 'session_date' holds double"),
    ],
)
def test_a_bad_parquet_table_fails_with_its_cause(fetch, table, reason):
    batch = fetch({"bad.parquet": pa.table(table)})
    assert batch.answers[0].outcome == "failed"
    assert f"bad.parquet: {reason}" in batch.answers[0].reason


def test_ragged_lines_are_refused_with_line_and_payload(fetch):
    text = (
        "ticker,date,close\r\nNVDA,2025-01-27,1\r\n\r\nNVDA,2025-01-28\r\n"
        "NVDA,2025-01-29,2\r\nNVDA,2025-01-30,3,4\r\nNVDA,2025-01-31,5"
    )
    batch = fetch({"a.csv": text})
    assert rows(batch, "session_date", "source_row") == [
        ("2025-01-27", 2),
        ("2025-01-29", 5),
        ("2025-01-31", 7),
    ]
    assert [(r.source_file, r.source_row, r.reason) for r in batch.rejects] == [
        ("a.csv", 4, "2 fields, the header has 3"),
        ("a.csv", 6, "4 fields, the header has 3"),
    ]
    assert [json.loads(r.payload) for r in batch.rejects] == [
        "NVDA,2025-01-28",
        "NVDA,2025-01-30,3,4",
    ]


def test_line_numbers_hold_beyond_the_first_block(fetch):
    lines = [f"NVDA,2025-01-27,{number}" for number in range(2, 200_002)]
    lines[150_000] = "ragged"
    batch = fetch({"a.csv": "ticker,date,close\n" + "\n".join(lines)})
    assert batch.rows.num_rows == 199_999
    assert batch.rows["close"].cast(pa.int64()).to_pylist() == batch.rows["source_row"].to_pylist()
    assert batch.rejects[0].source_row == 150_002


def test_parquet_types_and_row_numbers_are_kept(tmp_path):
    table = pa.table(
        {
            "symbol": pa.array(["NVDA", "SPY", "NVDA"]).dictionary_encode(),
            "date": pa.array([date(2025, 1, 24), date(2025, 1, 27), date(2025, 1, 28)]),
            "close": pa.array([142.62, math.nan, math.inf], pa.float32()),
            "volume": pa.array([1, 2, None], pa.int64()),
            "currency": ["", "USD", None],
            "source": ["theirs"] * 3,
        }
    )
    path = tmp_path / "a.parquet"
    pq.write_table(table, path, row_group_size=2)
    days = Days(date(2025, 1, 27), date(2025, 1, 31))
    batch = Prices(provider="files", path=str(path)).fetch(LISTINGS, days)
    names = ("ticker", "session_date", "close", "volume", "currency", "source", "source_row")
    assert rows(batch, *names) == [
        ("SPY", date(2025, 1, 27), None, 2.0, "USD", "files", 2),
        ("NVDA", date(2025, 1, 28), math.inf, None, "USD", "files", 3),
    ]


def test_parquet_stamps_become_the_date_at_the_exchange(fetch):
    midnight_in_new_york = datetime(2025, 1, 27, 5, tzinfo=UTC)
    midnight_in_tokyo = datetime(2025, 1, 26, 15, tzinfo=UTC)
    stamps = pa.array([midnight_in_new_york, midnight_in_tokyo], pa.timestamp("us", "UTC"))
    table = pa.table({"ticker": ["NVDA", "6857.T"], "date": stamps, "close": [1.0, 2.0]})
    batch = fetch({"a.parquet": table})
    assert rows(batch, "ticker", "session_date") == [
        ("NVDA", "2025-01-27"),
        ("6857.T", "2025-01-27"),
    ]


def test_requested_tickers_are_the_only_ones_and_each_gets_an_answer(fetch):
    text = "ticker,date,close\nNVDA,2025-01-27,1\nSPY,2025-02-03,2\nAAPL,2025-01-27,3\n"
    days = Days(date(2025, 1, 27), date(2025, 1, 27))
    batch = fetch({"a.csv": text}, days, tickers=["NVDA", "SPY", "NOPE"])
    assert rows(batch, "ticker") == [("NVDA",)]
    assert answers(batch)[1:] == [
        ("NVDA", "delivered", None),
        ("SPY", "no_data", "no row between 2025-01-27 and 2025-01-27"),
        ("NOPE", "failed", "unknown_ticker: no file has a row for NOPE"),
    ]


def test_a_folder_ignores_instruments_and_other_files(fetch):
    text = "ticker,date,close\nNVDA,2025-01-27,1\n"
    batch = fetch({"instruments.csv": "ticker,sector\n", "README.md": "#", "P.CSV": text})
    assert answers(batch) == [("P.CSV", "delivered", None)]


def test_a_place_without_a_table_file_is_a_failure(fetch, tmp_path):
    kinds = "(.csv, .csv.gz, .parquet)"
    batch = fetch({"instruments.csv": "ticker,sector\n"})
    assert answers(batch)[0][1:] == (
        "failed",
        f"{tmp_path.name}: the folder holds no table file {kinds}",
    )
    batch = fetch({"a.txt": "x"}, path=str(tmp_path / "a.txt"))
    assert answers(batch) == [("a.txt", "failed", f"a.txt: not a table file {kinds}")]
    batch = fetch({}, path=str(tmp_path / "gone"))
    assert answers(batch) == [("gone", "failed", "gone: no such file or folder")]


def test_coverage_spans_all_readable_files(fetch, tmp_path):
    later = pa.table({"date": [date(2025, 2, 28)], "close": [1.0]})
    text = "date,close\n2024-12-02 00:00:00+00:00,1\nnonsense,2\n"
    fetch({"A.csv": text, "B.parquet": later, "C.csv": ""})
    prices = Prices(provider="files", path=str(tmp_path))
    assert prices.coverage() == Days(date(2024, 12, 2), date(2025, 2, 28))
    assert Prices(provider="files", path=str(tmp_path / "C.csv")).coverage() is None


names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=6)
prices = st.floats(0.01, 1e6, allow_nan=False)
bars = st.tuples(
    names,
    st.dates(date(1990, 1, 1), date(2030, 1, 1)),
    st.none() | prices,
    prices,
    st.none() | st.integers(0, 10**12),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(bars, min_size=1, max_size=30))
def test_what_is_written_as_csv_and_as_parquet_comes_back(tmp_path, table):
    header = ("ticker", "date", "open", "close", "volume")
    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *table])
    columns = dict(zip(header, zip(*table, strict=True), strict=True))
    arrays = {name: pa.array(values) for name, values in columns.items()}
    pq.write_table(pa.table(arrays), tmp_path / "a.parquet", row_group_size=7)
    for name in ("a.csv", "a.parquet"):
        found = Prices(provider="files", path=str(tmp_path / name)).fetch([], ALL).rows
        assert found["ticker"].to_pylist() == list(columns["ticker"])
        dates = [date.fromisoformat(str(day)) for day in found["session_date"].to_pylist()]
        assert dates == list(columns["date"])
        for number in ("open", "close", "volume"):
            values = [None if v is None else float(v) for v in found[number].to_pylist()]
            assert values == list(columns[number])


def test_the_basis_of_the_prices_is_what_the_user_says(tmp_path):
    (tmp_path / "NVDA.csv").write_text("Date,Close\n2024-06-07,1208.88\n")
    days = Days(date(2024, 6, 7), date(2024, 6, 7))
    for basis in ("as_traded", "split_adjusted"):
        rows = Files(str(tmp_path), basis=basis).fetch([], days).rows
        assert rows["basis"].to_pylist() == [basis]


def test_a_time_without_a_zone_is_read_in_the_zone_that_the_user_names(tmp_path):
    # 19:30 in New York on Sunday is Monday morning in Tokyo.
    (tmp_path / "6857.T.csv").write_text("Date,Close\n2025-01-26 19:30:00,9185\n")
    tokyo = [Listing("XTKS:6857", "6857.T", "XTKS", "JPY")]
    days = Days(date(2025, 1, 20), date(2025, 1, 31))
    found = {
        zone: Files(str(tmp_path), zone=zone).fetch(tokyo, days).rows["session_date"].to_pylist()
        for zone in ("", "America/New_York", "Asia/Tokyo")
    }
    assert found == {
        "": ["2025-01-26"],
        "America/New_York": ["2025-01-27"],
        "Asia/Tokyo": ["2025-01-26"],
    }
