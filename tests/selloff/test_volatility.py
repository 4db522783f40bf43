from __future__ import annotations

import statistics
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.volatility import downside_beta, ewma_volatility, extreme_move_z, robust_z

REFERENCE = Path(__file__).parents[2] / "../shared/reference/event_study"

finite = st.floats(-0.5, 0.5, allow_nan=False).filter(lambda r: r == 0 or abs(r) > 1e-6)


def test_the_recursion_starts_with_the_first_squared_return():
    sigma = ewma_volatility(np.array([0.02, -0.01, 0.0]))
    second = 0.94 * 0.02**2 + 0.06 * 0.01**2
    assert sigma == pytest.approx([0.02, second**0.5, (0.94 * second) ** 0.5], rel=1e-14)


def test_a_missing_return_leaves_the_volatility_as_it_was():
    sigma = ewma_volatility(np.array([np.nan, 0.03, np.nan, 0.03]))
    assert np.isnan(sigma[0])
    assert sigma[1:] == pytest.approx([0.03, 0.03, 0.03], rel=1e-14)


def test_no_returns_have_no_volatility():
    assert len(ewma_volatility(np.array([]))) == 0


@pytest.mark.parametrize("decay", [0.0, 1.0, -0.5, 94.0])
def test_a_decay_that_is_no_weight_is_refused(decay):
    with pytest.raises(ValueError, match="between 0 and 1"):
        ewma_volatility(np.array([0.01]), decay)


@given(st.lists(finite, min_size=1, max_size=60), st.floats(0.5, 0.99))
def test_it_equals_the_explicit_weighted_sum(returns, decay):
    squares = np.square(returns)
    last = len(returns) - 1
    weights = np.array([decay ** (last - k) * ((1 - decay) if k else 1) for k in range(last + 1)])
    expected = np.sqrt(weights @ squares)
    assert ewma_volatility(np.array(returns), decay)[-1] == pytest.approx(expected, rel=1e-9)


@given(st.lists(finite, min_size=2, max_size=40), finite)
def test_a_later_return_changes_no_earlier_value(returns, other):
    changed = [*returns[:-1], other]
    before = ewma_volatility(np.array(returns))[:-1]
    assert np.array_equal(before, ewma_volatility(np.array(changed))[:-1])


@pytest.mark.skipif(not REFERENCE.exists(), reason="needs ../shared/reference, not in the clone")
def test_it_equals_the_reference_made_with_pandas():
    import pandas as pd

    prices = pd.read_csv(REFERENCE / "inputs/prices_wide.csv", index_col="date")
    expected = pd.read_csv(REFERENCE / "expected/drawdown_vol/pandas_ewma94_sigma.csv", index_col=0)
    names = [name for name in expected.columns if name in prices]
    assert names
    for name in names:
        returns = np.diff(np.log(prices[name].to_numpy()))
        want = expected[name].dropna().to_numpy()
        assert ewma_volatility(returns)[-len(want) :] == pytest.approx(want, rel=1e-12)


def test_many_series_are_as_good_as_one():
    returns = np.random.default_rng(3).normal(0, 0.01, (3, 120))
    returns[1, 40:50] = np.nan
    market = np.random.default_rng(4).normal(0, 0.01, (3, 120))
    for measure in (ewma_volatility, extreme_move_z, robust_z):
        alone = [measure(row) for row in returns]
        assert np.array_equal(measure(returns), alone, equal_nan=True)
    alone = [downside_beta(r, x, 60, 20) for r, x in zip(returns, market, strict=True)]
    assert np.array_equal(downside_beta(returns, market, 60, 20), alone, equal_nan=True)


def test_an_extreme_move_is_held_against_the_volatility_of_the_day_before():
    returns = np.append(np.full(40, 0.01), -0.08)
    assert extreme_move_z(returns)[-1] == pytest.approx(-8, rel=1e-12)


def test_extreme_moves_need_their_burn_in_and_a_volatility():
    returns = np.append(np.nan, np.full(40, 0.01))
    assert np.isnan(extreme_move_z(returns)).tolist() == [True] * 31 + [False] * 10
    assert np.isnan(extreme_move_z(np.append(np.zeros(40), -0.1))).all()


@given(st.lists(finite, min_size=2, max_size=60), st.integers(1, 30))
def test_robust_z_is_median_and_median_absolute_deviation_of_the_rows_before(returns, rows):
    found = robust_z(np.array(returns), rows, minimum=1)
    for row, value in enumerate(returns):
        window = returns[max(0, row - rows) : row]
        center = statistics.median(window) if window else 0
        scale = 1.4826 * statistics.median(abs(r - center) for r in window) if window else 0
        if scale > 1e-10:
            assert found[row] == pytest.approx((value - center) / scale, rel=1e-9, abs=1e-9)
        else:
            assert np.isnan(found[row])


def test_one_crash_before_does_not_hide_the_next_from_the_robust_z():
    returns = np.tile([0.01, -0.01, 0.02, -0.02], 30)
    crashed = np.append(returns, [-0.5, -0.3])
    # With the crash the median is -0.01, and half of the returns lie within 0.02 of it.
    expected = [-0.5 / (1.4826 * 0.015), -0.29 / (1.4826 * 0.02)]
    assert robust_z(crashed)[-2:].tolist() == pytest.approx(expected, rel=1e-12)
    assert extreme_move_z(crashed)[-1] > -3


def test_missing_returns_have_no_robust_z_and_do_not_count():
    returns = np.random.default_rng(5).normal(0, 0.01, 100)
    returns[::2] = np.nan
    found = robust_z(returns, minimum=20)
    assert np.isnan(found[::2]).all()
    assert np.isnan(found[1::2]).tolist() == [True] * 20 + [False] * 30


def test_downside_beta_is_the_slope_where_the_market_fell():
    random = np.random.default_rng(6)
    market = random.normal(0, 0.01, 200)
    returns = np.where(market < 0, 2.0, 0.5) * market + random.normal(0, 0.001, 200)
    found = downside_beta(returns, market, rows=120, minimum=20)
    before = slice(199 - 120, 199)
    fell = market[before] < 0
    slope, _ = np.polyfit(market[before][fell], returns[before][fell], 1)
    assert found[199] == pytest.approx(slope, rel=1e-9)
    assert slope == pytest.approx(2, abs=0.1)


def test_downside_beta_needs_falls_that_differ():
    falls = np.full(100, -0.01)
    assert np.isnan(downside_beta(falls, falls)).all()
    rises = np.linspace(0.01, 0.02, 100)
    assert np.isnan(downside_beta(rises, rises)).all()
    market = np.where(np.arange(100) % 2, 0.01, np.linspace(-0.02, -0.01, 100))
    known = ~np.isnan(downside_beta(market, market, minimum=10))
    # The tenth fall is that of row 18.
    assert np.flatnonzero(known)[0] == 19


@given(st.lists(finite, min_size=3, max_size=40), finite)
def test_a_later_return_changes_no_earlier_measure(returns, other):
    one, changed = np.array(returns), np.array([*returns[:-1], other])
    for measure in (
        lambda r: extreme_move_z(r, burn_in=2),
        lambda r: robust_z(r, 10, 2),
        lambda r: downside_beta(r, r, 10, 3),
    ):
        assert np.array_equal(measure(one)[:-1], measure(changed)[:-1], equal_nan=True)
