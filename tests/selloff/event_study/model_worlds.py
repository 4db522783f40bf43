"""Small worlds of returns, and each event computed alone and plainly from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from selloff.event_study.events import TOLERABLE, Windows
from selloff.event_study.panels import Panel, panel_of_returns
from selloff.event_study.studies import Study, study

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOWS = Windows(first=-70, last=-6, event_first=-3, event_last=4, minimum=20)
FACTORS = ["mktrf", "smb", "hml", "mom", "rmw", "cma", "rf"]


@dataclass
class World:
    """Returns of listings, of their market and of factors, and events among them."""

    returns: pd.DataFrame
    market: pd.Series
    factors: pd.DataFrame
    events: pd.DataFrame

    def panel(self, **more) -> Panel:
        return panel_of_returns(self.returns, self.market, self.factors, **more)

    def study(self, model, windows=WINDOWS, tolerate=TOLERABLE, **more) -> Study:
        return study(self.panel(**more), self.events, model, windows, tolerate)


def world(seed: int, n_rows: int = 130, n_listings: int = 5, share_missing: float = 0.0) -> World:
    """Return a world of correlated returns; two events per listing, on any day."""
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2024-01-01", periods=n_rows)
    names = [f"L{number}" for number in range(n_listings)]
    factors = pd.DataFrame(rng.normal(0, 0.01, (n_rows, 7)), index=days, columns=FACTORS)
    factors["rf"] = abs(factors["rf"]) / 50
    market = factors["mktrf"] + factors["rf"]
    betas = rng.uniform(0.3, 2, n_listings)
    noise = rng.normal(0, 0.015, (n_rows, n_listings))
    returns = pd.DataFrame(noise + np.outer(market, betas), index=days, columns=names)
    returns = returns.mask(rng.random(returns.shape) < share_missing)
    market = market.mask(rng.random(n_rows) < share_missing / 4)
    rows = rng.integers(75, n_rows - 6, 2 * n_listings)
    events = pd.DataFrame({"listing_id": names * 2, "session_date": days[rows]})
    return World(returns, market, factors, events)


class Plain(NamedTuple):
    """One event by textbook formulas."""

    abnormal: NDArray
    covariance: NDArray
    sigma: float
    n: int
    coefficients: NDArray
    residuals: NDArray


def plain(response: NDArray, regressors: NDArray, row: int, windows: Windows = WINDOWS) -> Plain:
    """Compute one event by dense least squares on the valid rows.

    The response has one value per row, the regressors one row each, intercept included.
    """
    inside = np.arange(row + windows.first, row + windows.last + 1)
    around = np.arange(row + windows.event_first, row + windows.event_last + 1)
    y, x = response[inside], regressors[inside]
    valid = np.isfinite(y) & np.isfinite(x).all(axis=1)
    q, r = np.linalg.qr(x[valid])
    coefficients = np.linalg.solve(r, q.T @ y[valid])
    residuals = y - x @ coefficients
    n = int(valid.sum())
    sigma = np.sqrt(np.sum(residuals[valid] ** 2) / (n - x.shape[1]))
    inverse = np.linalg.inv(x[valid].T @ x[valid])
    events = regressors[around]
    covariance = sigma**2 * (np.eye(len(around)) + events @ inverse @ events.T)
    abnormal = response[around] - events @ coefficients
    return Plain(abnormal, covariance, sigma, n, coefficients, residuals)
