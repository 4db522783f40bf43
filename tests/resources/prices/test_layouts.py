"""Of a Parquet file only what may hold the days asked for is read, and nothing less."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.batch import Days
from resources.prices import Prices

FIRST = date(2025, 1, 6)


@pytest.fixture
def read(monkeypatch):
    """Note which row groups are read."""
    groups = []
    plain = pq.ParquetFile.read_row_group

    def noted(self, group, *given, **named):
        groups.append(group)
        return plain(self, group, *given, **named)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", noted)
    return groups


def written(folder, dates, *, size=2, kind=None, **how):
    """Write bars in row groups of a size; return the provider of them."""
    tickers = [f"T{place}" for place in range(len(dates))]
    columns = {"ticker": tickers, "date": pa.array(dates, kind), "close": [1.0] * len(dates)}
    table = pa.table(columns)
    pq.write_table(table, folder / "bars.parquet", row_group_size=size, **how)
    return folder


def provider(folder, **config):
    return Prices(provider="files", path=str(folder), **config)


def day(number):
    return FIRST + timedelta(days=number)


def found(folder, start, end, **config):
    """Return the row numbers delivered for some days."""
    batch = provider(folder, **config).fetch([], Days(day(start), day(end)))
    return batch.rows["source_row"].to_pylist()


def test_only_row_groups_that_may_hold_the_days_are_read(tmp_path, read):
    folder = written(tmp_path, [day(number) for number in range(10)])
    assert found(folder, 3, 4) == [4, 5]
    assert read == [1, 2]


def test_a_group_that_ends_or_begins_with_a_day_asked_for_is_read(tmp_path, read):
    folder = written(tmp_path, [day(number) for number in range(6)], size=3)
    assert found(folder, 2, 3) == [3, 4]
    assert read == [0, 1]


@pytest.mark.parametrize(
    ("dates", "how"),
    [
        ([day(0), None, day(9)], {}),
        ([day(0), day(1), day(9)], {"write_statistics": False}),
        ([datetime.combine(day(at), time(23), UTC) for at in (0, 1, 9)], {}),
        (["2025-01-06", "nonsense", "2025-01-15"], {}),
    ],
    ids=["a row without a date", "no statistics", "moments", "text"],
)
def test_what_may_hold_a_day_or_a_broken_row_is_read(tmp_path, read, dates, how):
    folder = written(tmp_path, dates, **how)
    found(folder, 9, 12)
    assert read == [0, 1]


def test_a_row_without_a_date_is_delivered_with_any_day(tmp_path):
    folder = written(tmp_path, [day(0), None, day(9)])
    assert found(folder, 9, 9) == [2, 3]


def test_a_file_without_a_row_of_the_days_says_so(tmp_path, read):
    folder = written(tmp_path, [day(0), day(1)])
    batch = provider(folder).fetch([], Days(day(5), day(6)))
    reason = f"bars.parquet: no row wanted between {day(5)} and {day(6)}"
    assert [(each.outcome, each.reason) for each in batch.answers] == [("no_data", reason)]
    assert not read


def test_a_ticker_asked_for_by_name_is_known_from_other_days(tmp_path):
    folder = written(tmp_path, [day(number) for number in range(4)])
    batch = provider(folder, tickers=["T0", "gone"]).fetch([], Days(day(3), day(3)))
    causes = {each.requested: each.cause for each in batch.answers}
    assert causes["T0"] is None
    assert causes["gone"] == "unknown_ticker"


def test_the_span_of_a_file_is_known_without_reading_it(tmp_path, read):
    folder = written(tmp_path, [day(5), day(2), day(7)])
    assert provider(folder).coverage() == Days(day(2), day(7))
    assert not read


@pytest.mark.parametrize("how", [{}, {"write_statistics": False}])
def test_the_span_is_that_of_the_rows_where_the_file_does_not_say_it(tmp_path, how):
    folder = written(tmp_path, [None, day(2), day(7)], **how)
    assert provider(folder).coverage() == Days(day(2), day(7))


@given(
    numbers=st.lists(st.none() | st.integers(0, 12), min_size=1, max_size=20),
    size=st.integers(1, 5),
    ends=st.tuples(st.integers(0, 12), st.integers(0, 12)).map(sorted),
)
def test_the_rows_of_the_days_come_with_their_numbers(tmp_path_factory, numbers, size, ends):
    dates = [None if number is None else day(number) for number in numbers]
    folder = written(tmp_path_factory.mktemp("bars"), dates, size=size, kind=pa.date32())
    expected = [
        place
        for place, number in enumerate(numbers, start=1)
        if number is None or ends[0] <= number <= ends[1]
    ]
    assert found(folder, *ends) == expected
