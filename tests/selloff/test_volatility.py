from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.volatility import ewma_volatility

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
