"""What is in order is written as it comes, what is not is put in order; rows are the same."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.warehouse.ordering import InOrder
from resources.warehouse.spill import Spill
from warehouse.contract import Column, Table

rows = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["", "a", "ab", "b", "é"])), max_size=8
)
TABLE = Table(
    layer="core",
    name="moves",
    doc="Rows for a test.",
    columns=(
        Column("name", "VARCHAR", "Who."),
        Column("day", "DATE", "When."),
        Column("value", "DOUBLE", "What.", unit="ratio"),
    ),
    grain=("name", "day"),
    partition="day",
)


def batches(found, size):
    schema = pa.schema([("day", pa.int64()), ("name", pa.string())])
    for start in range(0, len(found), size):
        days, names = zip(*found[start : start + size], strict=True)
        yield pa.record_batch([pa.array(days), pa.array(names)], schema=schema)


@given(rows, st.integers(1, 4))
def test_rows_are_in_order_where_each_comes_after_the_one_before(found, size):
    order = InOrder(["day", "name"])
    for batch in batches(found, size):
        order.see(batch)
    keys = [(day, name.encode()) for day, name in found]
    assert order.holds == all(a < b for a, b in pairwise(keys))


@pytest.mark.parametrize("days", [[None], [1, None], [None, 1]])
def test_a_missing_value_is_in_no_order(days):
    order = InOrder(["day"])
    order.see(pa.record_batch([pa.array(days, pa.int64())], names=["day"]))
    assert not order.holds


def test_a_table_lies_by_partition_first_and_then_by_grain():
    assert TABLE.order == ("day", "name")


def stream(days, names):
    days = [dt.date(2025, 1, day) for day in days]
    schema = pa.schema([("name", pa.string()), ("day", pa.date32()), ("value", pa.float64())])
    parts = [
        pa.record_batch([[name], [day], [0.0]], schema=schema)
        for day, name in zip(days, names, strict=True)
    ]
    return pa.RecordBatchReader.from_batches(schema, parts)


@pytest.mark.parametrize("limit", [0, 2**20])
def test_a_result_knows_its_order_in_memory_and_in_a_file(tmp_path, monkeypatch, limit):
    monkeypatch.setattr("resources.warehouse.spill.IN_MEMORY_BYTES", limit)
    for days, is_ordered in (([1, 1, 2], True), ([2, 1, 1], False), ([1, 2, 2], False)):
        with Spill(tmp_path, TABLE) as kept:
            kept.keep(None, stream(days, ["a", "b", "a"]))
            assert kept.is_ordered is is_ordered
    with Spill(tmp_path, TABLE) as kept:
        kept.keep(None, stream([], []).read_all())
        assert not kept.is_ordered
