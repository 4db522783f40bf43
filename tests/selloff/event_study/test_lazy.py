"""Rows that are computed when they are asked for read like an array."""

from __future__ import annotations

import numpy as np
import pytest

from selloff.event_study.lazy import Lazy, chosen, one_after_another

ROWS = np.arange(12.0).reshape(6, 2)


def lazy(asked=None):
    def compute(some):
        if asked is not None:
            asked.append(some)
        return ROWS[some]

    return Lazy(compute, ROWS.shape)


@pytest.mark.parametrize(
    "key", [slice(1, 3), slice(None), np.array([4, 0]), 2, (slice(None), 1), ROWS[:, 0] > 3]
)
def test_a_key_finds_what_it_finds_in_an_array(key):
    np.testing.assert_array_equal(lazy()[key], ROWS[key])


def test_only_what_is_asked_for_is_computed():
    asked = []
    lazy(asked)[2:4]
    assert asked == [slice(2, 4)]


def test_it_turns_into_an_array():
    rows = lazy()
    assert len(rows) == 6
    np.testing.assert_array_equal(np.asarray(rows), ROWS)
    assert np.asarray(rows, dtype=np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="without computing"):
        np.array(rows, copy=False)


def test_some_rows_in_another_order():
    some = chosen(lazy(), np.array([5, 1, 3]))
    np.testing.assert_array_equal(some[1:], ROWS[[1, 3]])
    np.testing.assert_array_equal(chosen(some, np.array([2]))[:], ROWS[[3]])


def test_parts_follow_each_other():
    rows = one_after_another([ROWS[:1], lazy(), chosen(ROWS, np.array([0]))])
    whole = np.concatenate([ROWS[:1], ROWS, ROWS[:1]])
    assert rows.shape == whole.shape
    for key in (slice(None), slice(2, 4), np.array([7, 0, 3]), slice(0, 0)):
        np.testing.assert_array_equal(rows[key], whole[key])
