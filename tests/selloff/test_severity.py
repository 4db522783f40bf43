from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.severity import expanding_percentile

SERIES = st.lists(st.floats(-1, 1) | st.just(np.nan), max_size=40).map(
    lambda values: np.array(values, dtype=float)
)


def test_the_worst_so_far_has_one_and_ties_share_their_place():
    found = expanding_percentile(np.array([3.0, 1.0, 3.0, 4.0, 1.0]), minimum=1)
    assert found.tolist() == [1.0, 1 / 2, 1.0, 1.0, 2 / 5]


def test_before_sixty_values_there_is_no_history():
    found = expanding_percentile(np.arange(61.0))
    assert np.isnan(found[:59]).all()
    assert found[59:].tolist() == [1.0, 1.0]


def test_a_missing_value_has_no_place_and_takes_none():
    found = expanding_percentile(np.array([np.nan, 1.0, np.nan, 2.0, 0.0]), minimum=2)
    assert np.isnan(found[:3]).all()
    assert found[3:].tolist() == [1.0, 1 / 3]


def test_a_history_of_nothing_is_refused():
    with pytest.raises(ValueError, match="one value at least"):
        expanding_percentile(np.array([1.0]), minimum=0)


@given(values=SERIES, cut=st.integers(0, 40))
def test_nothing_from_after_a_value_enters_its_own(values, cut):
    whole = expanding_percentile(values, minimum=3)
    np.testing.assert_array_equal(expanding_percentile(values[:cut], minimum=3), whole[:cut])


@given(values=SERIES)
def test_it_is_the_share_of_those_so_far_that_do_not_exceed_it(values):
    found = expanding_percentile(values, minimum=1)
    for row, value in enumerate(values):
        before = values[: row + 1]
        before = before[~np.isnan(before)]
        expected = np.nan if np.isnan(value) else np.mean(before <= value)
        np.testing.assert_allclose(found[row], expected, rtol=1e-15)
