"""Range volatilities by hand, on gaps in the data, and on prices that do not move."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff import range_volatility as ranges
from selloff._rolling import window_sums

ESTIMATORS = {
    "garman_klass": ranges.garman_klass_volatility,
    "rogers_satchell": ranges.rogers_satchell_volatility,
    "garman_klass_yang_zhang": ranges.garman_klass_yang_zhang_volatility,
    "yang_zhang": ranges.yang_zhang_volatility,
}


@st.composite
def bars(draw):
    """Draw opens, highs, lows and closes that agree with one another."""
    n = draw(st.integers(8, 40))
    number = st.floats(-0.1, 0.1)
    steps = [np.array(draw(st.lists(number, min_size=n, max_size=n))) for _ in range(4)]
    opens = 50 * np.exp(np.cumsum(steps[0]))
    closes = opens * np.exp(steps[1])
    highs = np.maximum(opens, closes) * np.exp(np.abs(steps[2]))
    lows = np.minimum(opens, closes) * np.exp(-np.abs(steps[3]))
    return opens, highs, lows, closes


@settings(deadline=None)
@given(bars())
def test_they_are_the_textbooks_formulas(prices):
    n = 5
    o, h, low, c = (np.log(values).tolist() for values in prices)
    last = range(len(o) - n, len(o))
    klass = [(h[t] - low[t]) ** 2 / 2 - (2 * math.log(2) - 1) * (c[t] - o[t]) ** 2 for t in last]
    satchell = [(h[t] - c[t]) * (h[t] - o[t]) + (low[t] - c[t]) * (low[t] - o[t]) for t in last]
    night = [o[t] - c[t - 1] for t in last]
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    expected = {
        "garman_klass": statistics.fmean(klass),
        "rogers_satchell": statistics.fmean(satchell),
        "garman_klass_yang_zhang": statistics.fmean(klass)
        + statistics.fmean(gap * gap for gap in night),
        "yang_zhang": statistics.variance(night)
        + k * statistics.variance([c[t] - o[t] for t in last])
        + (1 - k) * statistics.fmean(satchell),
    }
    for name, estimate in ESTIMATORS.items():
        found = estimate(*prices, rows=n)[-1]
        assert found == pytest.approx(math.sqrt(252 * max(expected[name], 0)), rel=1e-9, abs=1e-7)
    parkinson = statistics.fmean((h[t] - low[t]) ** 2 for t in last) / (4 * math.log(2))
    found = ranges.parkinson_volatility(prices[1], prices[2], rows=n)[-1]
    assert found == pytest.approx(math.sqrt(252 * parkinson), rel=1e-9, abs=1e-7)


@settings(deadline=None)
@given(bars(), st.sampled_from([0.5, 4.0, 100.0]))
def test_scaling_prices_changes_nothing(prices, factor):
    for estimate in ESTIMATORS.values():
        one = estimate(*prices, rows=5)
        other = estimate(*(values * factor for values in prices), rows=5)
        assert np.allclose(one, other, rtol=1e-7, atol=1e-6, equal_nan=True)


@settings(deadline=None)
@given(bars(), st.integers(6, 8))
def test_a_later_bar_changes_no_earlier_value(prices, n):
    for estimate in ESTIMATORS.values():
        whole = estimate(*prices, rows=5)[:n]
        part = estimate(*(values[:n] for values in prices), rows=5)
        assert np.array_equal(whole, part, equal_nan=True)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_price_that_was_not_delivered_leaves_its_windows_without_a_figure(name):
    random = np.random.default_rng(1)
    closes = 50 * np.exp(np.cumsum(random.normal(0, 0.01, 30)))
    opens = closes * np.exp(random.normal(0, 0.005, 30))
    highs, lows = np.maximum(opens, closes) * 1.01, np.minimum(opens, closes) * 0.99
    opens[12] = np.nan
    found = ESTIMATORS[name](opens, highs, lows, closes, rows=5)
    first = 4 if name in {"garman_klass", "rogers_satchell"} else 5
    assert np.flatnonzero(np.isnan(found)).tolist() == [*range(first), 12, 13, 14, 15, 16]
    nothing = np.full(30, np.nan)
    assert np.isnan(ESTIMATORS[name](nothing, nothing, nothing, closes, rows=5)).all()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_prices_that_do_not_move_have_a_volatility_of_zero(name):
    still = np.full(30, 7.7)
    assert ESTIMATORS[name](still, still, still, still, rows=5)[5:].tolist() == [0.0] * 25
    assert ranges.parkinson_volatility(still, still, rows=5)[4:].tolist() == [0.0] * 26
    assert ranges.close_volatility(np.zeros(30), rows=5)[3:].tolist() == [0.0] * 27


def test_constant_growth_has_no_close_volatility_left_of_rounding():
    returns = np.diff(np.log(1.01 ** np.arange(60.0)))
    assert ranges.close_volatility(returns, rows=20)[18:].tolist() == [0.0] * 41


def test_a_close_above_its_own_high_by_the_vendors_rounding_is_no_error():
    still = np.full(10, 100.0)
    found = ranges.rogers_satchell_volatility(still, still, still, still * (1 + 6e-8), rows=5)
    assert found[4:].tolist() == [0.0] * 6


def test_a_price_of_zero_or_below_is_none():
    closes = np.array([5.0, 0.0, -1.0, 5.0])
    assert np.isnan(ranges.intraday_returns(closes, closes)).tolist() == [False, True, True, False]


def test_the_gap_and_the_day_make_the_whole_move():
    opens, closes = np.array([10.0, 8.0, 9.0]), np.array([10.0, 9.0, 7.0])
    whole = ranges.overnight_returns(opens, closes) + ranges.intraday_returns(opens, closes)
    assert whole[1:].tolist() == pytest.approx([math.log(0.9), math.log(7 / 9)], rel=1e-14)


def test_twenty_closes_have_nineteen_returns():
    returns = np.append(np.nan, np.random.default_rng(2).normal(0, 0.02, 19))
    found = ranges.close_volatility(returns)
    assert np.isnan(found[:-1]).all()
    expected = statistics.stdev(returns[1:].tolist()) * math.sqrt(252)
    assert found[-1] == pytest.approx(expected, rel=1e-12)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=40), st.integers(1, 45))
def test_window_sums_are_sums_over_windows(values, rows):
    found = window_sums(np.array(values, float), rows)
    expected = [sum(values[max(0, t - rows + 1) : t + 1]) for t in range(len(values))]
    assert found.tolist() == expected


def test_an_early_crash_leaves_no_rounding_in_a_calm_window():
    values = np.append(1e8, np.full(20, 1e-9))
    assert window_sums(values, 5)[-1] == pytest.approx(5e-9, rel=1e-14)
