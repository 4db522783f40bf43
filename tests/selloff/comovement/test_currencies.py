from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.comovement.currencies import in_common_currency
from selloff.series import SeriesError

CURRENCIES = {"US": "USD", "JP": "JPY", "DE": "EUR"}
MONEY = ("JPY", "EUR")


def world(seed, rows=60):
    """Return local log returns with holidays, rates with gaps, prices and all rates."""
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2025-01-01", periods=rows)
    prices = pd.DataFrame(np.exp(rng.normal(0, 0.01, (rows, 3)).cumsum(axis=0)), days, CURRENCIES)
    prices = prices.where(rng.random(prices.shape) > 0.15)
    steps = rng.normal(0, 0.01, (rows, 2)).cumsum(axis=0)
    rates = pd.DataFrame(np.exp(steps), days, MONEY).where(rng.random((rows, 2)) > 0.2)
    rates.iloc[0] = 1.0
    returns = prices.apply(lambda own: np.log(own.dropna()).diff()).reindex(days)
    return returns, rates, prices


@given(st.integers(0, 500))
def test_returns_are_those_of_prices_in_the_common_currency(seed):
    returns, rates, prices = world(seed)
    found = in_common_currency(returns, rates, CURRENCIES, patience=30)
    for name, currency in CURRENCIES.items():
        rate = 1.0 if currency == "USD" else rates[currency].ffill()
        # A first return needs a session before it, which returns alone do not name.
        sessions = returns[name].dropna().index
        expected = np.log((prices[name] * rate).loc[sessions]).diff()
        if currency == "USD":
            expected = returns[name].dropna()
        np.testing.assert_allclose(found[name].loc[sessions], expected, atol=1e-13)
        assert found[name].isna().loc[returns.index.difference(sessions)].all()


@given(st.integers(0, 500), st.integers(5, 59))
def test_later_rates_change_nothing(seed, rows):
    returns, rates, _ = world(seed)
    whole = in_common_currency(returns, rates, CURRENCIES, patience=30)
    early = in_common_currency(returns.iloc[:rows], rates.iloc[:rows], CURRENCIES, patience=30)
    np.testing.assert_array_equal(whole.iloc[:rows], early)


def test_a_devaluation_is_the_fall_that_an_owner_abroad_sees():
    days = pd.bdate_range("2015-01-14", periods=3)
    local = pd.DataFrame({"CH": [0.0, -0.09, -0.06]}, days)
    rates = pd.DataFrame({"CHF": [0.98, 1.19, 1.165]}, days)
    found = in_common_currency(local, rates, {"CH": "CHF"})
    assert found["CH"].iloc[1] == pytest.approx(-0.09 + np.log(1.19 / 0.98))


def test_what_cannot_be_converted_is_named():
    returns, rates, _ = world(1)
    with pytest.raises(SeriesError, match="DE has no currency"):
        in_common_currency(returns, rates, {"US": "USD", "JP": "JPY"})
    with pytest.raises(SeriesError, match="DE is in CHF, for which there are no rates"):
        in_common_currency(returns, rates, CURRENCIES | {"DE": "CHF"})
    with pytest.raises(SeriesError, match=r"rate of JPY is -1\.0"):
        in_common_currency(returns, rates.assign(JPY=-1.0), CURRENCIES)
    with pytest.raises(SeriesError, match="not in ascending order"):
        in_common_currency(returns, rates.iloc[::-1], CURRENCIES)
    stale = rates.assign(JPY=rates["JPY"].where(np.arange(60) < 20))
    with pytest.raises(SeriesError, match=r"JP has a session on 2025-0.* no JPY rate for 7 days"):
        in_common_currency(returns, stale, CURRENCIES)
    with pytest.raises(SeriesError, match="no JPY rate"):
        in_common_currency(returns, rates.iloc[10:], CURRENCIES)
