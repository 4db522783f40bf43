"""Volume and volatility, judged as returns are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from selloff.event_study import models
from selloff.event_study.activity import log_turnover, market_mean, volatility
from selloff.event_study.panels import panel_of_returns
from selloff.event_study.sample import window
from selloff.event_study.studies import study
from tests.selloff.event_study.model_worlds import WINDOWS, world


def test_turnover_is_in_percent_of_the_shares_before_the_logarithm():
    assert log_turnover(2e6, 1e8) == pytest.approx(np.log(2), rel=1e-9)
    # A day without a trade: 0.000255 of 100 million shares, in percent.
    assert log_turnover(0, 1e8) == pytest.approx(np.log(2.55e-10), rel=1e-12)


def test_what_is_unknown_or_impossible_has_no_turnover():
    volume = np.array([1e6, np.nan, -1, 1e6, 1e6])
    shares = np.array([np.nan, 1e8, 1e8, 0, -5])
    assert np.isnan(log_turnover(volume, shares)).all()
    assert log_turnover([0, 1]).tolist() == [0, np.log(2)]


def test_the_markets_activity_is_the_mean_of_those_known():
    figures = np.array([[1.0, 2, 6], [np.nan, 2, 4], [np.nan, 2, np.nan]])
    np.testing.assert_array_equal(market_mean(figures), [3, 3, np.nan])
    np.testing.assert_array_equal(market_mean(figures, minimum=3), [3, np.nan, np.nan])


def test_a_tenfold_volume_is_found_by_the_same_models():
    rng = np.random.default_rng(1)
    days, names = pd.bdate_range("2024-01-01", periods=120), ["A", "B", "C", "D"]
    common = rng.normal(0, 0.2, (120, 1))
    volume = 1e6 * np.exp(common + rng.normal(0, 0.1, (120, 4)))
    volume[100, 0] *= 10
    figures = log_turnover(volume, np.full(4, 1e8))
    market = pd.Series(market_mean(figures[:, 1:]), index=days)
    panel = panel_of_returns(pd.DataFrame(figures, days, names), market)
    asked = pd.DataFrame({"listing_id": ["A"], "session_date": [days[100]]})
    for model, noise in ((models.CONSTANT_MEAN, 0.7), (models.MARKET_MODEL, 0.4)):
        found = window(study(panel, asked, model, WINDOWS).sample, 0, 0)
        assert found.car[0] == pytest.approx(np.log(10), abs=noise)
        assert found.scar[0] > 7


@pytest.mark.parametrize(
    "model", [models.RAW, models.MARKET_MODEL, models.FAMA_FRENCH_3], ids=lambda one: one.name
)
def test_volatility_is_the_squared_standardised_abnormal_return_less_one(model):
    of_returns = world(2, share_missing=0.1).study(model).sample
    found = volatility(of_returns)
    for row, day in enumerate(range(-3, 5)):
        u = window(of_returns, day, day).scar ** 2
        np.testing.assert_allclose(found.abnormal[:, row], u - 1, rtol=1e-9)
        np.testing.assert_allclose(found.returns[:, row], u, rtol=1e-9)
    rows = np.asarray(found.residuals)
    expected = (np.asarray(of_returns.residuals) / of_returns.sigma[:, None]) ** 2 - 1
    np.testing.assert_allclose(rows, expected, rtol=1e-12)
    np.testing.assert_allclose(found.sigma, np.nanstd(expected, axis=1, ddof=1), rtol=1e-12)
    assert (found.degrees_of_freedom == found.n_estimation - 1).all()
    np.testing.assert_array_equal(found.positions, of_returns.positions)


def test_a_wild_day_has_abnormal_volatility_whatever_its_sign():
    for sign in (-1, 1):
        found = world(3, n_listings=1)
        day = found.events["session_date"].iloc[0]
        found.events = found.events.iloc[:1]
        found.returns.loc[day, "L0"] += sign * 0.3
        sample = volatility(found.study(models.MARKET_MODEL).sample)
        assert window(sample, 0, 0).scar[0] > 20
