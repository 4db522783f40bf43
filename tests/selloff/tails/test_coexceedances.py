"""Coexceedances against plain loops, and their test against worlds of known dependence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.resampling import resampled_rows
from selloff.series import SeriesError
from selloff.tails.coexceedances import coexceedance_test, coexceedances
from tests.selloff.tails.worlds import frame, noise


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 2]))
def test_each_day_is_judged_by_the_quantiles_of_the_rows_before(seed, ticks):
    series = noise(seed, 80, 5, ticks)
    found = coexceedances(series, 0.1, window=30)
    for place, day in enumerate(found.dates):
        at = series.index.get_loc(day)
        edge = series.iloc[at - 30 : at].quantile(0.1)
        assert found.exceeds[place].tolist() == (series.iloc[at] < edge).tolist()
    assert found.count.tolist() == found.exceeds.sum(axis=1).tolist()
    assert found.bucket.max() <= 4
    assert len(found.dates) == 50


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_the_future_changes_no_exceedance(seed, back):
    series = noise(seed, 90)
    whole = coexceedances(series, 0.1, window=30)
    cut = coexceedances(series.iloc[: 90 - back], 0.1, window=30)
    np.testing.assert_array_equal(cut.exceeds, whole.exceeds[: len(cut.dates)])


def test_a_common_shock_is_found_in_every_series():
    series = noise(3, 100, 6)
    series.iloc[80] = -0.5
    found = coexceedances(series, window=60)
    assert found.count[20] == 6
    assert found.bucket[20] == 4


def test_series_with_a_common_factor_fall_together_more_often_than_by_chance():
    found = coexceedances(noise(4, 900, 6), window=100)
    tested = coexceedance_test(found.exceeds, draws=99)
    assert tested.days[3] > 3 * tested.expected_days[3]
    assert tested.p_value[3] == tested.variance_p_value == 0.01
    assert tested.variance > tested.expected_variance
    np.testing.assert_allclose(tested.chance, tested.expected_days / 800)


def test_independent_series_are_seldom_found_dependent_even_with_clusters():
    random = np.random.default_rng(5)
    small = 0
    for seed in range(60):
        # Each series has calm and turmoil of its own, in spells of 20 days.
        wild = np.repeat(random.choice([1.0, 3.0], (20, 4)), 20, axis=0)
        exceeds = wild * random.normal(size=(400, 4)) < -3
        small += coexceedance_test(exceeds, draws=39, block=20, seed=seed).variance_p_value <= 0.05
    assert small <= 8


def test_expected_days_of_independent_series_are_binomial():
    from scipy.stats import binom

    exceeds = np.random.default_rng(6).random((2_000, 5)) < 0.1
    tested = coexceedance_test(exceeds, draws=199, block=1.0)
    rate = exceeds.mean()
    np.testing.assert_allclose(
        tested.expected_days[:3], 2_000 * binom.sf([0, 1, 2], 5, rate), rtol=0.05
    )


def test_drawn_rows_are_neighbours_in_blocks_of_the_length_asked_for():
    rows = resampled_rows(500, 200, 10, np.random.default_rng(7))
    follows = (np.diff(rows, axis=1) % 500 == 1).mean()
    assert follows == pytest.approx(0.9, abs=0.01)
    assert np.bincount(rows.ravel(), minlength=500).min() > 0
    alone = resampled_rows(50, 3, 1, np.random.default_rng(7))
    assert alone.min() >= 0
    assert alone.max() < 50


def test_the_same_seed_gives_the_same_p_values():
    exceeds = np.random.default_rng(8).random((300, 3)) < 0.1
    one, other = (coexceedance_test(exceeds, draws=45, seed=4) for _ in range(2))
    np.testing.assert_array_equal(one.p_value, other.p_value)
    assert one.n_draws == 45


def test_what_cannot_be_counted_or_drawn_is_refused():
    with pytest.raises(SeriesError, match="60 rows, at least 61 are needed"):
        coexceedances(noise(1, 60), window=60)
    with pytest.raises(SeriesError, match="1 series, at least 2 are needed"):
        coexceedance_test(np.ones((50, 1), bool))
    with pytest.raises(SeriesError, match=r"blocks of 0\.5 rows, at least 1 is needed"):
        coexceedance_test(np.ones((50, 2), bool), block=0.5)


def test_a_frame_of_one_series_counts_its_own_exceedances():
    values = np.r_[np.linspace(-0.01, 0.01, 40), -0.1][:, None]
    assert coexceedances(frame(values), window=40).count.tolist() == [1]


def test_as_many_days_as_always_are_no_evidence():
    tested = coexceedance_test(np.ones((40, 3), bool), draws=19)
    assert tested.p_value.tolist() == [1, 1, 1]
    assert tested.variance_p_value == 1
