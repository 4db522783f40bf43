"""Shortfalls against plain loops, closed forms and their identities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from selloff.series import SeriesError
from selloff.tails.shortfalls import (
    long_run_shortfall_of_beta,
    marginal_expected_shortfall,
    market_value_at_risk,
    srisk,
    system_srisk,
)
from tests.selloff.tails.worlds import frame, noise


def test_shortfall_of_a_normal_factor_model_is_its_closed_form():
    random = np.random.default_rng(1)
    market = 0.01 * random.standard_normal(200_000)
    firm = 1.3 * market + 0.02 * random.standard_normal(200_000)
    found = marginal_expected_shortfall(frame(np.column_stack([market, firm])), "S0")
    # E(beta m | m < q) = -beta sigma phi(z) / 5%.
    expected = -1.3 * 0.01 * norm.pdf(norm.ppf(0.05)) / 0.05
    assert abs(found.shortfall[0, 0] - expected) < 4 * found.standard_error[0, 0]
    assert found.n_days[0] == 10_000
    assert found.standard_error[0, 0] < 0.0003


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.1, 0.25]), st.sampled_from([None, 2]))
def test_rolling_shortfalls_are_those_of_a_plain_loop(seed, quantile, ticks):
    series = noise(seed, 90, 3, ticks)
    found = marginal_expected_shortfall(series, "S1", quantile, window=40)
    for place in range(0, 51, 5):
        rows = series.iloc[place : place + 40]
        tail = rows[rows["S1"] < rows["S1"].quantile(quantile)][["S0", "S2"]]
        assert len(tail) == found.n_days[place]
        np.testing.assert_allclose(found.shortfall[place], tail.mean(), atol=1e-15)
        np.testing.assert_allclose(found.standard_error[place], tail.sem(), atol=1e-15)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_the_future_changes_no_shortfall(seed, back):
    series = noise(seed, 90)
    whole = marginal_expected_shortfall(series, "S0", window=30)
    cut = marginal_expected_shortfall(series.iloc[: 90 - back], "S0", window=30)
    alone = marginal_expected_shortfall(series.iloc[60 - back : 90 - back], "S0")
    np.testing.assert_array_equal(cut.shortfall, whole.shortfall[: len(cut.shortfall)])
    np.testing.assert_array_equal(cut.standard_error, whole.standard_error[: len(cut.shortfall)])
    np.testing.assert_array_equal(alone.shortfall[0], cut.shortfall[-1])
    assert alone.dates[0] == cut.dates[-1]


def test_days_at_the_quantile_itself_are_not_in_the_tail():
    market = [-0.05, -0.02, -0.02, 0.0, 0.01]
    found = marginal_expected_shortfall(
        frame(np.c_[market, [-0.2, -0.1, 0.3, 0.1, 0.05]]), "S0", 0.4
    )
    assert (found.n_days[0], found.shortfall[0, 0]) == (1, -0.2)
    assert np.isnan(found.standard_error[0, 0])


def test_a_tail_without_days_has_no_shortfall():
    market = [-0.02] * 4 + [0.01]
    found = marginal_expected_shortfall(frame(np.c_[market, [0.1, 0.2, 0.3, 0.1, 0.05]]), "S0", 0.4)
    assert found.n_days[0] == 0
    assert np.isnan(found.shortfall[0, 0])


def test_a_window_too_short_for_the_quantile_is_refused_with_the_numbers():
    with pytest.raises(
        SeriesError, match=r"19 rows, at least 20 are needed for the quantile 0\.05"
    ):
        marginal_expected_shortfall(noise(1), "S0", window=19)


def test_a_market_that_is_not_there_is_named():
    with pytest.raises(SeriesError, match="no series is named SPY; there are S0, S1"):
        marginal_expected_shortfall(noise(1, k=2), "SPY")


def test_a_series_with_the_beta_of_the_market_falls_as_far():
    assert long_run_shortfall_of_beta(1.0, 0.25) == pytest.approx(0.25, abs=1e-15)
    assert long_run_shortfall_of_beta([0.5, -1.0], 0.75).tolist() == [0.5, -3.0]
    with pytest.raises(SeriesError, match="a fall of 40 is not between 0 and 1"):
        long_run_shortfall_of_beta(1.0, 40)


def test_capital_shortfall_is_known_only_where_debt_is():
    found = srisk([900.0, np.nan, 100.0], [100.0, 100.0, 100.0], [0.5, 0.5, 0.0])
    np.testing.assert_allclose(found, [26.0, np.nan, -84.0])
    assert system_srisk(found) == pytest.approx(26.0)
    np.testing.assert_allclose(market_value_at_risk([100.0, np.nan], 0.5), [50.0, np.nan])


def test_capital_shortfall_is_the_ratio_of_what_the_firm_owns_after_the_fall_less_its_equity():
    debt, value, fallen, ratio = 900.0, 100.0, 0.3, 0.08
    equity = value * (1 - fallen)
    assert srisk(debt, value, fallen, ratio) == pytest.approx(ratio * (debt + equity) - equity)


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ((-1.0, 1.0, 0.1), "a debt of -1 is negative"),
        ((1.0, -2.0, 0.1), "a market value of -2 is negative"),
        ((1.0, 1.0, 0.1, 8.0), "a capital ratio of 8.0 is not between 0 and 1"),
    ],
)
def test_what_no_firm_can_have_is_refused(arguments, cause):
    with pytest.raises(SeriesError, match=cause):
        srisk(*arguments)
