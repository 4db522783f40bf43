"""Moments of rolling windows are those of the windows one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff._window_sums import are_moving, window_ends, window_moments
from selloff.series import SeriesError
from tests.selloff.network.reference import frame, noise

shapes = st.tuples(st.integers(1, 60), st.integers(1, 4), st.integers(2, 25), st.integers(0, 9))
half_lives = st.none() | st.floats(0.5, 50)


@given(shapes, half_lives)
def test_each_window_has_the_moments_numpy_gives_it(shape, half_life):
    extra, k, window, seed = shape
    values = np.random.default_rng(seed).normal(3.0, 1.0, (window + extra, k))
    ends = np.arange(window - 1, len(values))
    found = window_moments(values, window, ends, half_life)
    weights = None
    if half_life is not None:
        weights = 0.5 ** (np.arange(window)[::-1] / half_life)
    for at, end in enumerate(ends):
        rows = values[end - window + 1 : end + 1]
        means = np.average(rows, axis=0, weights=weights)
        spread = np.cov(rows.T, aweights=weights, ddof=1 if half_life is None else 0)
        assert found.means[at] == pytest.approx(means, rel=1e-12)
        assert found.covariances[at] == pytest.approx(np.atleast_2d(spread), rel=1e-9, abs=1e-13)


@given(shapes, half_lives, st.integers(0, 59))
def test_moments_do_not_depend_on_later_rows_or_other_windows(shape, half_life, at):
    extra, k, window, seed = shape
    values = np.random.default_rng(seed).normal(0.0, 1.0, (window + extra, k))
    ends = np.arange(window - 1, len(values))
    place = min(at, len(ends) - 1)
    whole = window_moments(values, window, ends, half_life)
    alone = window_moments(values[: ends[place] + 1], window, ends[place : place + 1], half_life)
    assert (alone.means[0] == whole.means[place]).all()
    assert (alone.covariances[0] == whole.covariances[place]).all()


@pytest.mark.parametrize("end", [52, 75, 98, 101, 399])
def test_a_crash_leaves_no_rounding_error_in_calm_windows_after_it(end):
    values = np.random.default_rng(1).normal(0.0, 1e-6, (400, 1))
    values[1] = 1e6
    found = window_moments(values, 50, np.array([end]))
    calm = values[end - 49 : end + 1]
    assert found.covariances[0, 0, 0] == pytest.approx(calm.var(ddof=1), rel=1e-12)


def test_a_level_far_from_zero_cancels_nothing():
    values = 1e6 + np.random.default_rng(2).normal(0.0, 1.0, (120, 1))
    found = window_moments(values, 40, np.array([100]))
    assert found.covariances[0, 0, 0] == pytest.approx(values[61:101].var(ddof=1), rel=1e-9)


def test_the_same_value_in_every_row_is_no_movement_whatever_it_is():
    values = np.array([[0.1, 1.0], [0.3, 1.0], [0.3, 2.0], [0.3, 2.0]])
    assert are_moving(values, 3, np.array([2, 3])).tolist() == [[True, True], [False, True]]


def test_windows_end_in_the_dates_asked_for_and_nowhere_else():
    series = noise(10, 1)
    assert window_ends(series, 4).tolist() == [3, 4, 5, 6, 7, 8, 9]
    assert window_ends(series, 4, until="2020-01-05").tolist() == [3, 4]
    assert window_ends(series, 4, series.index[7]).tolist() == [7, 8, 9]
    assert window_ends(series, 4, "2020-01-08", "2020-01-08").tolist() == [7]
    assert window_ends(series, 4, "2020-01-11").tolist() == []
    assert window_ends(series.reset_index(drop=True), 4, since=8).tolist() == [8, 9]


def test_too_few_rows_are_refused_with_the_numbers():
    with pytest.raises(SeriesError, match="3 rows, a window and what is held against it take 4"):
        window_ends(frame(np.ones((3, 1))), 4)
