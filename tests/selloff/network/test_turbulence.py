"""Turbulence: a day is held against the days before it, and against nothing else.

Figures of others: R `mahalanobis` on sectors11_sim.csv, SystemicRisk f5e9b48 under Octave (the
parity module compares their files).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.network.turbulence import full_sample_turbulence, turbulence
from selloff.series import SeriesError
from tests.selloff.network.reference import frame, needs_reference, noise, sectors

MEASURES = ["turbulence", "magnitude", "correlation_surprise"]


@needs_reference
def test_the_last_day_against_the_251_before_it_is_rs():
    found = turbulence(sectors(), window=251, since="2024-04-26").iloc[-1]
    assert found["turbulence"] * 11 == pytest.approx(10.930984772846116, rel=1e-12)


@given(st.integers(0, 50), st.integers(1, 4))
def test_each_day_is_as_far_away_as_a_plain_inverse_says(seed, k):
    series = noise(20, k, seed)
    found = turbulence(series, window=12)
    values = series.to_numpy()
    for day in range(12, 20):
        before = values[day - 12 : day]
        spread = np.cov(before.T).reshape(k, k)
        away = values[day] - before.mean(axis=0)
        distance = away @ np.linalg.inv(spread) @ away
        alone = (away**2 / np.diag(spread)).sum()
        row = found.loc[series.index[day], MEASURES]
        assert row.tolist() == pytest.approx([distance / k, alone / k, distance / alone], rel=1e-9)


def test_of_normal_returns_the_mean_and_the_p_values_are_the_known_ones():
    k, n = 4, 30
    found = turbulence(noise(20_000, k, seed=3), window=n)
    expected = (n**2 - 1) / (n * (n - k - 2))
    assert found["turbulence"].mean() == pytest.approx(expected, rel=0.02)
    for level in (0.01, 0.05, 0.5):
        # Four standard errors of a share over 20,000 days, which overlapping windows hardly widen.
        allowed = 4 * np.sqrt(level * (1 - level) / 20_000)
        assert (found["p_value"] <= level).mean() == pytest.approx(level, abs=allowed)


def test_a_day_in_a_direction_the_series_never_took_is_a_correlation_surprise():
    random = np.random.default_rng(5)
    market = random.normal(0, 0.01, (101, 1))
    values = market + random.normal(0, 0.001, (101, 2))
    values -= values[:100].mean(axis=0)
    values[100] = [0.01, -0.01]
    apart = turbulence(frame(values), window=100)
    values[100] = [0.01, 0.01]
    together = turbulence(frame(values), window=100)
    assert apart["magnitude"].iloc[0] == pytest.approx(together["magnitude"].iloc[0])
    assert apart["correlation_surprise"].iloc[0] > 20
    assert together["correlation_surprise"].iloc[0] < 1


def test_of_one_series_there_is_no_correlation_to_be_surprised_at():
    found = turbulence(noise(40, 1), window=20)
    assert (found["correlation_surprise"] == 1).all()
    assert (found["turbulence"] == found["magnitude"]).all()


def test_the_day_itself_is_not_in_what_it_is_held_against():
    series = noise(60, 3)
    fallen = series.copy()
    fallen.iloc[50] = -0.5
    found, calm = turbulence(fallen, window=20), turbulence(series, window=20)
    # In its own sample of 20 rows no day is farther away than 19^2 / 20.
    assert found["turbulence"].loc[series.index[50]] * 3 > 100 * 19**2 / 20
    before = series.index[20:50]
    pd.testing.assert_frame_equal(found.loc[before], calm.loc[before], check_exact=True)


@given(st.integers(0, 30), st.integers(12, 59))
def test_cutting_the_future_off_changes_no_day(seed, cut):
    series = noise(60, 3, seed)
    known = turbulence(series.iloc[: cut + 1], window=12)
    whole = turbulence(series, window=12)[: series.index[cut]]
    pd.testing.assert_frame_equal(known, whole, check_exact=True)


@given(st.integers(0, 30), st.integers(0, 59), st.integers(0, 59))
def test_days_asked_for_are_the_same_to_the_last_bit(seed, one, other):
    series = noise(60, 3, seed)
    since, until = series.index[min(one, other)], series.index[max(one, other)]
    whole = turbulence(series, window=12)[since:until]
    some = turbulence(series, window=12, since=since, until=until)
    pd.testing.assert_frame_equal(some, whole, check_exact=True)


@given(st.permutations(range(4)), st.floats(0.01, 1e4), st.floats(-1, 1))
def test_neither_order_nor_unit_nor_level_of_the_series_matters(order, unit, level):
    series = noise(40, 4)
    turned = series.iloc[:, order] * [unit, 1, 1, 1] + level
    found, plain = (turbulence(each, window=20)[MEASURES] for each in (turned, series))
    np.testing.assert_allclose(found, plain, rtol=1e-6)


def test_a_series_that_stands_still_is_named_by_a_flag_and_takes_no_other_day_along():
    series = noise(60, 3)
    series.iloc[20:36, 1] = 0.0123
    found = turbulence(series, window=10)
    # Rows 20 to 35 are the same: the ten rows before day 30 are, and those before day 36 are still.
    still = series.index[30:37].tolist()
    assert found.index[found["is_singular"]].tolist() == still
    assert found.loc[still, [*MEASURES, "p_value"]].isna().all(axis=None)
    assert found.drop(still).notna().all(axis=None)


def test_a_series_that_follows_from_the_others_in_a_window_has_no_distance_there():
    series = noise(60, 3)
    series.iloc[20:36, 2] = series.iloc[20:36, 0] - 2 * series.iloc[20:36, 1]
    found = turbulence(series, window=10)
    assert found.index[found["is_singular"]].tolist() == series.index[30:37].tolist()
    # What volatility alone explains is known all the same.
    assert found["magnitude"].notna().all()


@given(st.integers(0, 30), st.integers(5, 40), st.integers(1, 4))
def test_with_hindsight_the_mean_is_known_whatever_the_returns(seed, n_rows, k):
    found = full_sample_turbulence(noise(n_rows, k, seed))
    assert found["turbulence"].mean() == pytest.approx((n_rows - 1) / n_rows)


def test_what_cannot_be_estimated_is_refused_with_its_cause():
    series = noise(30, 3)
    with pytest.raises(SeriesError, match=r"windows of 5 rows, at least 6 .* for 3 series"):
        turbulence(series, window=5)
    with pytest.raises(SeriesError, match=r"30 rows, a window and what is held .* take 31"):
        turbulence(series, window=30)
    with pytest.raises(SeriesError, match="S1 is missing"):
        turbulence(series.assign(S1=np.nan), window=10)
    with pytest.raises(SeriesError, match="3 rows, more are needed for 3 series"):
        full_sample_turbulence(series.head(3))
