"""Which exchange date a stamp means."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from resources.batch import Days
from resources.prices.dates import is_within, readable, session_of, sessions_of


@pytest.mark.parametrize(
    ("stamp", "mic", "session"),
    [
        ("2025-01-27", None, "2025-01-27"),
        (" 2025-01-27 ", None, "2025-01-27"),
        ("2025-01-27 16:00:00", "XNYS", "2025-01-27"),
        ("2026-06-01 09:00:00+09:00", "XTKS", "2026-06-01"),
        ("2024-12-02 00:00:00+00:00", "XNYS", "2024-12-02"),
        ("2018-11-01 04:00:00+00:00", "XNYS", "2018-11-01"),
        ("2025-01-26T15:00:00Z", "XTKS", "2025-01-27"),
        ("2025-01-26T23:00:00Z", "XETR", "2025-01-27"),
        ("2025-01-27T02:00:00Z", "XNAS", "2025-01-26"),
        ("2025-01-26T15:00:00Z", None, "2025-01-26"),
        ("2025-01-26T15:00:00Z", "NOWHERE", "2025-01-26"),
    ],
)
def test_a_stamp_means_the_date_at_its_exchange(stamp, mic, session):
    assert session_of(stamp, mic) == session


@pytest.mark.parametrize(
    "stamp", ["27/01/2025", "20250127", "2025-02-30", "2025-01-27 soon", "2025-01-27 25:00", ""]
)
def test_what_is_no_iso_date_is_left_for_the_contract(stamp):
    assert session_of(stamp, "XNYS") == stamp
    assert readable(stamp) is None


def test_a_column_is_read_row_by_row_with_each_rows_exchange():
    stamps = pa.chunked_array([["2025-01-26T15:00:00Z"] * 2, [None, "2025-01-26T15:00:00Z"]])
    mics = pa.array(["XTKS", "XNYS", "XNYS", None])
    found = sessions_of(stamps, mics).to_pylist()
    assert found == ["2025-01-27", "2025-01-26", None, "2025-01-26"]


def test_real_dates_and_local_stamps_keep_their_day():
    mics = pa.array(["XNYS"])
    dates = pa.chunked_array([pa.array([date(2025, 1, 27)])])
    assert sessions_of(dates, mics).to_pylist() == [date(2025, 1, 27)]
    # 2025-01-27 00:00 in Tokyo.
    instants = pa.chunked_array([pa.array([1737903600], pa.timestamp("s", "Asia/Tokyo"))])
    assert sessions_of(instants, mics).to_pylist() == ["2025-01-27"]


def test_rows_without_a_readable_date_are_never_outside():
    days = Days(date(2025, 1, 24), date(2025, 1, 27))
    texts = pa.array(["2025-01-23", "2025-01-24", "2025-01-27", "2025-01-28", "nonsense", None])
    assert is_within(texts, days).to_pylist() == [False, True, True, False, True, True]
    dates = pa.chunked_array([pa.array([date(2025, 1, 23), date(2025, 1, 27), None])])
    assert is_within(dates, days).to_pylist() == [False, True, True]
