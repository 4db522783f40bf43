"""Betas that rest on several sessions of the market, each by its textbook formula."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.event_study.events import TOLERABLE, Windows
from selloff.event_study.models import CONSTANT_MEAN, MARKET_MODEL
from selloff.event_study.nonsynchronous import Dimson, ScholesWilliams, TradeToTrade
from selloff.event_study.panels import panel_of_prices
from selloff.event_study.sample import window
from selloff.event_study.studies import study
from tests.selloff.event_study.model_worlds import WINDOWS, world

seeds = st.integers(0, 2**32 - 1)
few = settings(deadline=None, max_examples=10)


def same(ours, theirs, rtol=1e-9):
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=1e-15, equal_nan=True)


def rows_of(found, event, reach):
    """Return an event's response and the market around each of its inner estimation rows."""
    listing, day = found.events.loc[event]
    y, x = found.returns[listing].to_numpy(), found.market.to_numpy()
    row = found.returns.index.get_loc(day)
    inside = np.arange(row - 70 + reach, row - 5 - reach)
    around = np.stack([x[inside + k] for k in range(-reach, reach + 1)])
    valid = np.isfinite(y[inside]) & np.isfinite(around).all(axis=0)
    days = np.arange(row - 3, row + 5)
    return y[inside][valid], around[:, valid], y[days], x[days]


def judged(studied, at, expected):
    """Hold an event against (alpha, beta, beta's error over sigma, y, x, event y, event x)."""
    alpha, beta, spread, y, x, event_y, event_x = expected
    sample, n = studied.sample, len(y)
    sigma = np.sqrt(np.sum((y - alpha - beta * x) ** 2) / (n - 2))
    same(sample.abnormal[at], event_y - alpha - beta * event_x)
    same(sample.sigma[at], sigma)
    assert sample.n_estimation[at] == n
    assert sample.n_parameters[at] == 2
    width = 1 + 1 / n + (event_x - x.mean()) ** 2 * spread**2
    same(1 + (sample.loadings[at] ** 2).sum(axis=1), width)
    same(studied.fits[["alpha", "market"]].iloc[at], [alpha, beta], rtol=1e-8)


@given(seed=seeds, share=st.sampled_from([0.0, 0.1]))
@few
def test_scholes_williams_divides_the_sum_of_three_slopes(seed, share):
    found = world(seed, share_missing=share)
    studied = found.study(ScholesWilliams())
    for at, event in enumerate(studied.events.index):
        y, around, event_y, event_x = rows_of(found, event, 1)
        slopes = [np.cov(y, x)[0, 1] / np.var(x, ddof=1) for x in around]
        rho = np.corrcoef(around[0], around[1])[0, 1]
        beta, x = sum(slopes) / (1 + 2 * rho), around[1]
        z = around.sum(axis=0)
        spread = np.sqrt(np.sum((z - z.mean()) ** 2)) / abs(np.sum((z - z.mean()) * (x - x.mean())))
        judged(studied, at, (y.mean() - beta * x.mean(), beta, spread, y, x, event_y, event_x))


@pytest.mark.parametrize(("reach", "is_weighted"), [(1, False), (1, True), (2, False), (5, False)])
@given(seed=seeds, share=st.sampled_from([0.0, 0.05]))
@few
def test_dimson_adds_up_slopes_regressed_together(reach, is_weighted, seed, share):
    found = world(seed, share_missing=share)
    studied = found.study(Dimson(reach, is_weighted))
    for at, event in enumerate(studied.events.index):
        y, around, event_y, event_x = rows_of(found, event, reach)
        weights = np.ones(2 * reach + 1)
        if is_weighted:
            rho = np.corrcoef(around[0], around[1])[0, 1]
            weights[[0, 2]] = (1 + rho) / (1 + 2 * rho)
        design = np.c_[np.ones(len(y)), around.T]
        beta = weights @ np.linalg.lstsq(design, y, rcond=None)[0][1:]
        spread = np.sqrt(weights @ np.linalg.inv(design.T @ design)[1:, 1:] @ weights)
        x = around[reach]
        judged(studied, at, (y.mean() - beta * x.mean(), beta, spread, y, x, event_y, event_x))


def late(seed, n_rows=1300):
    """Return a world whose listing follows the market half at once, half a session later."""
    found = world(seed, n_rows=n_rows, n_listings=1)
    x = found.market
    noise = np.random.default_rng(seed).normal(0, 0.002, n_rows)
    found.returns["L0"] = 0.8 * x + 0.7 * x.shift().fillna(0) + noise
    found.events = found.events.iloc[:1].assign(session_date=found.returns.index[-10])
    return found


@pytest.mark.parametrize(
    "model", [ScholesWilliams(), Dimson(), Dimson(1, has_fowler_rorke_weights=True), Dimson(2)]
)
def test_the_beta_of_a_late_listing_is_found_where_the_market_models_is_too_low(model):
    found, windows = late(1), Windows(first=-1250, last=-11)
    beta = found.study(model, windows).fits["market"].item()
    assert beta == pytest.approx(1.5, abs=0.06)
    assert found.study(MARKET_MODEL, windows).fits["market"].item() < 0.95


def test_leads_and_lags_make_sense():
    with pytest.raises(ValueError, match="at least one lead and lag"):
        Dimson(0)
    with pytest.raises(ValueError, match="one for weights, not 2"):
        Dimson(2, has_fowler_rorke_weights=True)
    with pytest.raises(ValueError, match="too few for 12 parameters"):
        world(1).study(Dimson(5), Windows(first=-70, last=-6, minimum=13))


def prices_of(found, gaps=()):
    """Return closes of a listing and of its market; NaN in the rows of `gaps`."""
    closes = 100 * np.exp(found.returns.cumsum())
    closes.iloc[list(gaps)] = np.nan
    return closes, 5000 * np.exp(found.market.cumsum())


def traded(found, gaps=(), model=None, rows=WINDOWS):
    closes, market = prices_of(found, gaps)
    spanning = panel_of_prices(closes, market, spans_gaps=True)
    return study(spanning, found.events, model or TradeToTrade(), rows, TOLERABLE)


@given(seed=seeds)
@few
def test_where_every_session_has_a_trade_it_is_the_market_model(seed):
    found = world(seed)
    one, two = traded(found), traded(found, model=MARKET_MODEL)
    same(one.sample.abnormal, two.sample.abnormal, rtol=1e-7)
    same(one.sample.sigma, two.sample.sigma)
    for rows in ((0, 0), (-3, 4), (1, 3)):
        errors = [window(each.sample, *rows).standard_error for each in (one, two)]
        same(*errors)
    same(np.asarray(one.sample.residuals), np.asarray(two.sample.residuals), rtol=1e-6)


@given(seed=seeds)
@few
def test_returns_over_gaps_are_weighed_by_their_sessions(seed):
    rng = np.random.default_rng(seed)
    found = world(seed, n_listings=1)
    day = 110
    found.events = pd.DataFrame({"listing_id": ["L0"], "session_date": [found.returns.index[day]]})
    gaps = np.unique(np.r_[rng.integers(30, 100, 15), day - 1, day + 1, day + 2])
    studied = traded(found, gaps)
    closes, market = (np.log(each.to_numpy().ravel()) for each in prices_of(found, gaps))
    trades = np.flatnonzero(np.isfinite(closes))
    y, n, x = np.full((3, len(closes)), np.nan)
    y[trades[1:]], n[trades[1:]] = np.diff(closes[trades]), np.diff(trades)
    x[trades[1:]] = np.diff(market[trades])
    inside = np.intersect1d(trades, np.arange(day - 70, day - 5))
    design = np.c_[np.sqrt(n), x / np.sqrt(n)][inside]
    response = (y / np.sqrt(n))[inside]
    fit = np.linalg.lstsq(design, response, rcond=None)[0]
    residuals = response - design @ fit
    sigma = np.sqrt(residuals @ residuals / (len(inside) - 2))
    around = np.arange(day - 3, day + 5)
    same(studied.sample.abnormal[0], (y - fit[0] * n - fit[1] * x)[around], rtol=1e-7)
    same(studied.sample.sigma[0], sigma)
    same(np.asarray(studied.sample.residuals)[0][inside - day + 70], residuals, rtol=1e-6)
    assert studied.sample.n_estimation.tolist() == [len(inside)]
    valid = np.intersect1d(around, trades)
    events = np.c_[n, x][valid]
    inverse = np.linalg.inv(design.T @ design)
    dense = sigma**2 * (np.diag(n[valid]) + events @ inverse @ events.T)
    same(window(studied.sample, -3, 4).standard_error[0] ** 2, dense.sum())
    same(studied.fits[["alpha", "market"]].iloc[0], fit, rtol=1e-7)


def test_a_fall_behind_closed_doors_is_in_the_sum_when_trading_resumes():
    found = world(3, n_listings=1)
    day = found.returns.index[100]
    found.events = pd.DataFrame({"listing_id": ["L0"], "session_date": [day]})
    found.returns.loc[day, "L0"] -= 0.4
    spanned = window(traded(found, [100, 101]).sample, -1, 3).car[0]
    assert spanned < -0.3
    closes, market = prices_of(found, [100, 101])
    kept = study(panel_of_prices(closes, market), found.events, CONSTANT_MEAN, WINDOWS, TOLERABLE)
    assert window(kept.sample, -1, 3).car[0] > -0.1


def test_a_market_that_is_missing_between_two_trades_makes_no_pair():
    found = world(4, n_listings=1)
    found.events = pd.DataFrame({"listing_id": ["L0"], "session_date": [found.returns.index[100]]})
    closes, market = prices_of(found, [59])
    market.iloc[59] = np.nan  # no return of the market on 59 and 60, of the listing on 59
    spanning = panel_of_prices(closes, market, spans_gaps=True)
    studied = study(spanning, found.events, TradeToTrade(), WINDOWS, TOLERABLE)
    assert studied.sample.n_estimation.tolist() == [63]
    closes, market = prices_of(found)
    market.iloc[100] = np.nan
    spanning = panel_of_prices(closes, market, spans_gaps=True)
    with pytest.raises(ValueError, match="1 no_benchmark"):
        study(spanning, found.events, TradeToTrade(), WINDOWS)


def test_returns_that_end_at_gaps_are_refused():
    with pytest.raises(ValueError, match="returns that span gaps"):
        world(1).study(TradeToTrade())
