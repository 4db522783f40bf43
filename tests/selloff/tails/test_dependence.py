"""Tail dependence against plain counts, scipy's exact test and known copulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact, hypergeom

from selloff.series import SeriesError
from selloff.tails.dependence import tail_dependence
from tests.selloff.tails.worlds import frame, noise


def test_independent_series_have_no_excess_beyond_its_standard_error():
    random = np.random.default_rng(1)
    found = tail_dependence(frame(random.normal(size=(40_000, 6))), 0.05)
    pairs = ~np.eye(6, dtype=bool)
    z = found.excess[0][pairs] / found.standard_error[0][pairs]
    assert np.abs(z).max() < 3.5
    assert np.abs(found.chi_bar[0][pairs]).max() < 0.05


def test_standard_error_is_the_spread_over_independent_samples():
    random = np.random.default_rng(2)
    values = random.normal(size=(2_000 * 60, 2))
    found = tail_dependence(frame(values), 0.1, window=60)
    apart = slice(None, None, 60)
    excess, error = found.excess[apart, 0, 1], found.standard_error[apart, 0, 1]
    assert excess.std() == pytest.approx(error.mean(), rel=0.06)
    assert abs(excess.mean()) < 4 * error.mean() / np.sqrt(len(excess))
    assert (found.p_value[apart, 0, 1] <= 0.05).mean() <= 0.06


def test_a_student_copula_has_its_published_dependence():
    from scipy.stats import t

    # lambda = 2 t_{v+1}(-sqrt((v + 1)(1 - r)/(1 + r))): Embrechts, McNeil and Straumann (2002).
    random = np.random.default_rng(3)
    common = np.sqrt(2 / random.chisquare(2, 400_000))[:, None]
    values = common * random.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 400_000)
    limit = 2 * t.cdf(-np.sqrt(3 * 0.5 / 1.5), 3)
    found = tail_dependence(frame(values), 0.005)
    assert found.dependence[0, 0, 1] == pytest.approx(limit, abs=0.04)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.1, 0.3]), st.sampled_from([None, 2]))
def test_windows_hold_the_counts_of_a_plain_loop(seed, quantile, ticks):
    series = noise(seed, 80, 3, ticks)
    found = tail_dependence(series, quantile, window=40)
    for place in range(0, 41, 8):
        rows = series.iloc[place : place + 40]
        low = rows.apply(lambda one: one <= one.nsmallest(int(quantile * 40 + 1e-9)).max())
        both = (low["S0"] & low["S2"]).sum()
        assert found.days[place].tolist() == low.sum().tolist()
        assert found.joint_days[place, 0, 2] == both
        first, second = low["S0"].sum(), low["S2"].sum()
        assert found.dependence[place, 0, 2] == both / first
        table = [[both, first - both], [second - both, 40 - first - second + both]]
        theirs = fisher_exact(table, "greater").pvalue
        assert found.p_value[place, 0, 2] == pytest.approx(theirs, rel=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_the_future_changes_no_dependence(seed, back):
    series = noise(seed, 90)
    whole = tail_dependence(series, 0.1, window=30)
    cut = tail_dependence(series.iloc[: 90 - back], 0.1, window=30)
    for name in ("joint_days", "excess", "standard_error", "p_value", "chi_bar"):
        np.testing.assert_array_equal(getattr(cut, name), getattr(whole, name)[: len(cut.dates)])


def test_opposite_series_are_never_in_their_tails_together():
    values = np.random.default_rng(5).normal(size=100)
    found = tail_dependence(frame(np.c_[values, -values + 1e-6 * values**2]), 0.1)
    assert found.joint_days[0, 0, 1] == 0
    assert found.excess[0, 0, 1] == pytest.approx(-0.1)
    assert found.chi_bar[0, 0, 1] == -1
    assert found.p_value[0, 0, 1] == pytest.approx(1)


def test_a_series_depends_on_itself_entirely():
    found = tail_dependence(noise(6), 0.05)
    own = np.arange(4)
    assert (found.dependence[0, own, own] == 1).all()
    np.testing.assert_allclose(found.chi_bar[0, own, own], 1)
    assert (found.p_value[0, own, own] == 1).all()


def test_five_percent_of_a_hundred_rows_are_five():
    assert tail_dependence(noise(7, 100, 2), 0.05).days.tolist() == [[5, 5]]
    assert tail_dependence(noise(7, 100, 2), 0.29).days.tolist() == [[29, 29]]


def test_a_window_without_a_day_in_the_tail_is_refused():
    with pytest.raises(
        SeriesError, match=r"19 rows, at least 20 are needed for the quantile 0\.05"
    ):
        tail_dependence(noise(1), window=19)


def test_ties_widen_the_tail_and_what_independent_series_would_share():
    # Two lowest of ten: of the first series three, as the second lowest is there twice.
    first = [-3.0, -2, -2, 1, 2, 3, 4, 5, 6, 7]
    second = [-3.0, 1, 2, -2, 3, 4, 5, 6, 7, 9]
    found = tail_dependence(frame(np.c_[first, second]), 0.2)
    assert found.days.tolist() == [[3, 2]]
    np.testing.assert_allclose(found.excess[0], [[0.7, 1 / 3 - 0.2], [0.5 - 0.3, 0.8]])
    for one, other, joint in ((0, 1, 3), (1, 0, 2)):
        spread = hypergeom(10, 3, 2).std() / joint
        assert found.standard_error[0, one, other] == pytest.approx(spread, rel=1e-12)
