"""Nothing escapes the comparison, and the comparison sees what it is for."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tests.selloff.spark.comparing import difference, frame_of
from tests.selloff.spark.inventory import APART, CASES, INSIDE, public


def test_every_public_expression_is_asked_is_part_of_one_that_is_or_has_a_reason():
    assert set(CASES) | set(INSIDE) | APART == public()
    assert not set(CASES) & (set(INSIDE) | APART)
    assert set(INSIDE.values()) <= set(CASES)


DAYS = pd.to_datetime(["2025-01-24", "2025-01-27"])


def rows(values, **columns):
    return frame_of(pd.DataFrame({"day": DAYS, "value": values, **columns}))


def test_rows_in_another_order_and_values_within_a_billionth_are_equal():
    one = rows([0.1, -0.17], name=["A", None])
    other = rows([0.1 + 9e-10, -0.17], name=["A", None])
    assert difference(one, other.iloc[::-1]) is None


@pytest.mark.parametrize("value", [0.1 + 2e-9, np.nan, np.inf])
def test_a_value_that_is_off_missing_or_infinite_is_a_difference(value):
    assert difference(rows([0.1, -0.17]), rows([value, -0.17])).startswith("value: ")
    assert difference(rows([value, -0.17]), rows([0.1, -0.17])).startswith("value: ")


def test_large_values_are_held_relative_to_their_size():
    assert difference(rows([6e11, 1.0]), rows([6e11 + 100, 1.0])) is None
    assert "1 rows" in difference(rows([6e11, 1.0]), rows([6e11 + 1e4, 1.0]))


def test_another_key_another_column_and_a_row_less_are_differences():
    one = rows([0.1, 0.2], name=["A", "B"])
    assert difference(one, rows([0.1, 0.2], name=["A", "C"])) == "name: 'B', 'C'"
    assert difference(one, rows([0.1, 0.2])) == "columns ['name']"
    assert difference(one, one.iloc[:1]) == "2 and 1 rows"
    assert difference(one, rows([0.1, 0.2], name=["A", None])) is not None


def test_engines_may_count_in_other_types():
    whole = pa.table({"n": pa.array([1, None, 3], pa.int32())})
    exact = pa.table({"n": pa.array([Decimal(1), None, Decimal(3)], pa.decimal128(38, 0))})
    assert difference(frame_of(whole), frame_of(exact)) is None
    assert frame_of(whole.to_batches()[0])["n"].isna().tolist() == [False, True, False]


def test_what_has_no_time_is_not_the_first_of_times():
    one = rows([0.1, 0.2], at=pd.to_datetime(["2025-01-27", None]))
    other = rows([0.1, 0.2], at=pd.to_datetime(["2025-01-27", "1970-01-01"]))
    assert difference(one, one.copy()) is None
    assert difference(one, other).startswith("at: ")
