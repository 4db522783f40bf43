"""The absorption ratio: what moves as one is absorbed by one, and nobody looks ahead.

Figures of others: R `eigen`, frds 2.4.1 and SystemicRisk f5e9b48 under Octave, on the last 252
rows of sectors11_sim.csv (the parity module compares their files).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.network.absorption import (
    absorption_ratio,
    absorption_shift,
    eigenvalues,
    n_absorbing,
)
from selloff.series import SeriesError
from tests.selloff.network.reference import frame, needs_reference, noise, sectors


@needs_reference
@pytest.mark.parametrize(
    ("share", "theirs"),
    [
        (0.1, 0.60319852829338838),
        (0.2, 0.65837073076813457),
        (0.4, 0.75720916519211956),
        (0.6, 0.88309481167906778),
    ],
)
def test_the_ratios_of_three_peers_are_reproduced(share, theirs):
    found = absorption_ratio(sectors().tail(252), window=252, share=share)
    assert found.tolist() == [pytest.approx(theirs, rel=1e-12)]


def test_at_least_one_eigenvector_absorbs_where_frds_takes_none():
    # frds 2.4.1 rounds 0.1 x 3 to no eigenvector and returns 0.
    three = noise(50, 3)
    assert n_absorbing(3, 0.1) == 1
    assert absorption_ratio(three, window=50, share=0.1).iloc[0] > 1 / 3
    assert absorption_ratio(three, window=50, share=1.0).iloc[0] == 1.0


@pytest.mark.parametrize(
    ("n_series", "share", "counted"), [(11, 0.2, 2), (10, 0.25, 3), (51, 0.2, 10), (2, 1.0, 2)]
)
def test_halves_are_rounded_up(n_series, share, counted):
    assert n_absorbing(n_series, share) == counted


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01, 20])
def test_what_is_no_share_is_refused(share):
    with pytest.raises(ValueError, match=f"not {share}"):
        n_absorbing(11, share)


def test_of_one_factor_and_equal_noise_the_population_value_is_found():
    # Each series is a market of variance 3 and noise of variance 1: the largest of k eigenvalues is
    # 3k + 1, the others are 1.
    random = np.random.default_rng(7)
    market = random.normal(0, np.sqrt(3), (60_000, 1))
    series = frame(market + random.normal(0, 1, (60_000, 5)))
    found = absorption_ratio(series, window=60_000, share=0.2)
    assert found.iloc[0] == pytest.approx(16 / 20, abs=0.003)


def test_correlation_counts_a_volatile_series_no_more_than_another():
    calm = noise(300, 4)
    wild = calm.assign(S0=calm["S0"] * 50)
    by_correlation = [
        absorption_ratio(each, window=300, basis="correlation").iloc[0] for each in (calm, wild)
    ]
    assert by_correlation[0] == pytest.approx(by_correlation[1], rel=1e-12)
    assert absorption_ratio(wild, window=300).iloc[0] > 0.99


@given(st.integers(0, 30), st.integers(2, 5), st.none() | st.floats(2, 40))
def test_the_eigenvalues_add_up_to_the_variances(seed, k, half_life):
    series = noise(20, k, seed)
    found = eigenvalues(series, window=20, half_life=half_life).to_numpy()[0]
    weights = None if half_life is None else 0.5 ** (np.arange(20)[::-1] / half_life)
    spread = np.cov(series.T, aweights=weights, ddof=1 if half_life is None else 0)
    assert (np.diff(found) <= 0).all()
    assert found.sum() == pytest.approx(np.trace(spread), rel=1e-10)
    assert np.prod(found) == pytest.approx(np.linalg.det(spread), rel=1e-6)


@given(
    st.integers(0, 30),
    st.integers(12, 59),
    st.none() | st.just(5.0),
    st.sampled_from(["covariance", "correlation"]),
)
def test_cutting_the_future_off_changes_no_ratio(seed, cut, half_life, basis):
    series = noise(60, 3, seed)
    options = {"window": 12, "half_life": half_life, "basis": basis}
    whole = absorption_ratio(series, **options)
    known = absorption_ratio(series.iloc[: cut + 1], **options)
    assert (known == whole[: series.index[cut]]).all()
    shifts = [absorption_shift(each, 2, 5) for each in (known, whole[: series.index[cut]])]
    pd.testing.assert_series_equal(*shifts, check_exact=True)


@given(st.integers(0, 30), st.integers(0, 59), st.integers(0, 59))
def test_windows_asked_for_are_the_same_to_the_last_bit(seed, one, other):
    series = noise(60, 3, seed)
    since, until = series.index[min(one, other)], series.index[max(one, other)]
    whole = absorption_ratio(series, window=12)[since:until]
    some = absorption_ratio(series, window=12, since=since, until=until)
    pd.testing.assert_series_equal(some, whole, check_exact=True)


@given(st.permutations(range(4)))
def test_the_order_of_the_series_does_not_matter(order):
    series = noise(40, 4)
    whole = absorption_ratio(series, window=20)
    turned = absorption_ratio(series.iloc[:, order], window=20)
    np.testing.assert_allclose(turned, whole, rtol=1e-12)


def test_a_series_that_stands_still_has_no_correlation_and_no_variance():
    series = noise(60, 3)
    series.iloc[20:35, 1] = 0.0123
    by_correlation = absorption_ratio(series, window=10, basis="correlation")
    still = series.index[29:35]
    assert by_correlation[by_correlation.isna()].index.tolist() == still.tolist()
    others = absorption_ratio(series[["S0", "S2"]], window=10, share=0.5)
    found = absorption_ratio(series, window=10)
    assert found.notna().all()
    np.testing.assert_allclose(found[still], others[still], rtol=1e-12)


def test_where_nothing_moves_nothing_is_absorbed():
    series = noise(40, 2)
    series.iloc[10:30] = 0.0
    found = absorption_ratio(series, window=10)
    assert found.isna().sum() == 11


def test_the_shift_is_in_standard_deviations_of_the_long_window():
    ratio = pd.Series([0.5, 0.6, 0.4, 0.5, 0.9])
    found = absorption_shift(ratio, short=2, long=4)
    assert found.isna().tolist() == [True, True, True, False, False]
    assert found[4] == pytest.approx((0.7 - 0.6) / np.std([0.6, 0.4, 0.5, 0.9], ddof=1))


def test_there_is_no_shift_without_a_long_window_a_ratio_or_a_change():
    assert absorption_shift(pd.Series([0.5, 0.6]), 2, 3).isna().all()
    gap = absorption_shift(pd.Series([0.5, np.nan, 0.4, 0.5, 0.6]), 1, 3)
    assert gap.isna().tolist() == [True, True, True, True, False]
    assert absorption_shift(pd.Series([0.1] * 9), 1, 3).isna().all()
    with pytest.raises(ValueError, match="short window"):
        absorption_shift(pd.Series([0.5]), 5, 5)


def test_what_cannot_be_estimated_is_refused_with_its_cause():
    series = noise(30, 3)
    with pytest.raises(SeriesError, match="windows of 3 rows, more than 3"):
        absorption_ratio(series, window=3)
    with pytest.raises(SeriesError, match="30 rows, at least 500"):
        absorption_ratio(series)
    with pytest.raises(SeriesError, match="S1 is missing"):
        absorption_ratio(series.assign(S1=np.nan), window=10)
    # Equal to (1 + d) / (1 - d) for weights d^s without end: here d = 1/2, 3.0 rows.
    with pytest.raises(SeriesError, match=r"half-life of 1 a window is worth 3\.0 rows"):
        absorption_ratio(series, window=30, half_life=1)
    with pytest.raises(ValueError, match="half-life is positive, not 0"):
        absorption_ratio(series, window=10, half_life=0)
    with pytest.raises(ValueError, match="not robust"):
        absorption_ratio(series, window=10, basis="robust")
