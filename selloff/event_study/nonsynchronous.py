"""Betas of listings that do not trade when the market does: late closes, thin trading, halts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selloff.event_study._fits import (
    Errors,
    Explaining,
    Fit,
    enough,
    judged,
    refused,
    sample_of,
    series,
)
from selloff.event_study._rows import Span, blocks
from selloff.event_study.events import Reason
from selloff.event_study.lazy import Lazy
from selloff.event_study.least_squares import Regression, least_squares, whitened
from selloff.event_study.panels import MARKET
from selloff.returns import NOISE_SIGMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from selloff.event_study._rows import Placed
    from selloff.event_study.lazy import Some


@dataclass(frozen=True, slots=True)
class ScholesWilliams:
    r"""Scholes and Williams' beta from simple slopes on the market before, on and after the day.

    With b_k the slope of a simple regression on the market's return k sessions later, and rho the
    market's first autocorrelation, over the estimation rows but the first and the last::

        beta  = (b_(-1) + b_0 + b_(+1)) / (1 + 2 rho)      alpha = mean(y) - beta * mean(x)

    It is the instrumental estimator with the three-session sum z of the market's return, hence the
    loadings: ``1 / sqrt(n)`` and ``(x_t - mean(x)) * sqrt(Szz) / Sxz``. s is that of the residuals
    ``y - alpha - beta x`` on n - 2 degrees of freedom.

    Parameters
    ----------
    name : str
        Name, as tables carry it.

    References
    ----------
    Scholes and Williams (1977), Estimating betas from nonsynchronous data, JFE 5, 309-327;
    Fowler and Rorke (1983), JFE 12, 279-283.

    Examples
    --------
    >>> import pandas as pd
    >>> from selloff.event_study.events import Windows
    >>> from selloff.event_study.panels import panel_of_returns
    >>> from selloff.event_study.studies import study
    >>> rng = np.random.default_rng(1)
    >>> market = pd.Series(rng.normal(0, 0.01, 1000))
    >>> late = 0.8 * market + 0.7 * market.shift() + rng.normal(0, 0.001, 1000)
    >>> panel = panel_of_returns(pd.DataFrame({"SAP.DE": late}), market)
    >>> asked = pd.DataFrame({"listing_id": ["SAP.DE"], "session_date": [950]})
    >>> days = Windows(first=-900)
    >>> study(panel, asked, ScholesWilliams(), days).fits["market"].round(1).tolist()
    [1.5]
    """

    name: str = "scholes_williams"

    def fit(self, placed: Placed) -> Fit:
        """Estimate each event on its estimation rows, and judge its event rows.

        Parameters
        ----------
        placed : Placed
            Events on a frame that has the series `market`.

        Returns
        -------
        Fit
            A row is valid where the return and the market's of three sessions are finite.

        Raises
        ------
        ValueError
            If there is no `market`, or the least number of pairs leaves no residual.
        """
        return _fit(placed, 1, _scholes_williams)


@dataclass(frozen=True, slots=True)
class Dimson:
    r"""Dimson's beta: the sum of the slopes on the market around the day, regressed on together.

    ``y = a + sum over k of b_k x_(t+k)`` for k from -`reach` to `reach`, over the estimation rows
    that have all of them within; ``beta = sum of w_k b_k`` and ``alpha = mean(y) - beta *
    mean(x)``. The weights are 1, or Fowler and Rorke's for one lead and lag: 1 on the day and
    ``(1 + rho) / (1 + 2 rho)`` on its neighbours. Loadings are ``1 / sqrt(n)`` and ``(x_t -
    mean(x)) * sqrt(w' (Z'Z)^(-1) w)``, Z the regressors about their means; s is that of the
    residuals ``y - alpha - beta x`` on n - 2 degrees of freedom.

    Parameters
    ----------
    reach : int
        Leads, and lags.
    has_fowler_rorke_weights : bool
        Whether the slopes are weighted.
    name : str
        Name, as tables carry it.

    References
    ----------
    Dimson (1979), Risk measurement when shares are subject to infrequent trading, JFE 7, 197-226;
    Fowler and Rorke (1983), JFE 12, 279-283.

    Examples
    --------
    >>> import pandas as pd
    >>> from selloff.event_study.events import Windows
    >>> from selloff.event_study.panels import panel_of_returns
    >>> from selloff.event_study.studies import study
    >>> rng = np.random.default_rng(1)
    >>> market = pd.Series(rng.normal(0, 0.01, 1000))
    >>> late = 0.8 * market + 0.7 * market.shift() + rng.normal(0, 0.001, 1000)
    >>> panel = panel_of_returns(pd.DataFrame({"SAP.DE": late}), market)
    >>> asked = pd.DataFrame({"listing_id": ["SAP.DE"], "session_date": [950]})
    >>> days = Windows(first=-900)
    >>> study(panel, asked, Dimson(), days).fits["market"].round(1).tolist()
    [1.5]
    """

    reach: int = 1
    has_fowler_rorke_weights: bool = False
    name: str = "dimson"

    def __post_init__(self) -> None:
        if self.reach < 1 or (self.has_fowler_rorke_weights and self.reach != 1):
            raise ValueError(f"at least one lead and lag; one for weights, not {self.reach}")

    def fit(self, placed: Placed) -> Fit:
        """Estimate each event on its estimation rows, and judge its event rows.

        Parameters
        ----------
        placed : Placed
            Events on a frame that has the series `market`.

        Returns
        -------
        Fit
            A row is valid where the return and the market's of all sessions are finite.

        Raises
        ------
        ValueError
            If there is no `market`, or the least number of pairs leaves no residual.
        """
        enough(placed.windows, 2 + 2 * self.reach)
        return _fit(placed, self.reach, self._beta)

    def _beta(
        self, response: NDArray[np.float64], markets: list[NDArray[np.float64]]
    ) -> Regression:
        """Return the regression whose slope is the weighted sum of multiple slopes."""
        y, *around = complete = _complete(response, markets)
        weights = np.ones((len(response), len(markets)))
        if self.has_fowler_rorke_weights:
            rho = _autocorrelation(*around[:2])
            weights[:, 0] = weights[:, 2] = (1 + rho) / (1 + 2 * rho)
        found = least_squares(y.copy(), [one.copy() for one in around])
        load = whitened(found.root, weights[:, None, :])[:, 0]
        beta, spread = (weights * found.slopes).sum(axis=1), np.sqrt((load * load).sum(axis=1))
        single = _with_beta(complete, beta, spread)
        return single._replace(is_collinear=found.is_collinear)


def _scholes_williams(
    response: NDArray[np.float64], markets: list[NDArray[np.float64]]
) -> Regression:
    """Return the regression whose slope is Scholes and Williams'."""
    y, *around = complete = _complete(response, markets)
    rho = _autocorrelation(*around[:2])
    slopes = [least_squares(y.copy(), [one.copy()]).slopes[:, 0] for one in around]
    own = least_squares(around[1].copy(), [np.sum(around, axis=0)])
    # The slope of x on z times the root of Szz is Sxz / sqrt(Szz).
    spread = 1 / np.abs(own.slopes[:, 0] * own.root[:, 0, 0])
    return _with_beta(complete, np.sum(slopes, axis=0) / (1 + 2 * rho), spread)


def _with_beta(
    complete: list[NDArray[np.float64]], beta: NDArray[np.float64], spread: NDArray[np.float64]
) -> Regression:
    """Return the regression on the market of the day with another slope in its place.

    Parameters
    ----------
    complete : list of array of shape (N, n_rows)
        The response, then the market's returns around the day. Overwritten.
    beta : array of shape (N,)
        The slope.
    spread : array of shape (N,)
        Its standard error, over sigma.
    """
    found = least_squares(complete[0], [complete[len(complete) // 2]])
    # Residuals of least squares are orthogonal to the market: what another slope adds is exact.
    off = (found.slopes[:, 0] - beta) * found.root[:, 0, 0]
    return found._replace(
        slopes=beta[:, None],
        root=1 / spread[:, None, None],
        error_squares=found.error_squares + off * off,
    )


def _complete(
    response: NDArray[np.float64], markets: list[NDArray[np.float64]]
) -> list[NDArray[np.float64]]:
    """Return copies with NaN in every row in which anything is missing."""
    gap = np.where(np.isfinite(np.sum(markets, axis=0) + response), 0.0, np.nan)
    return [one + gap for one in (response, *markets)]


def _autocorrelation(before: NDArray[np.float64], on: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the correlation of the market's return with that of the session before."""
    found = least_squares(on.copy(), [before.copy()])
    rho: NDArray[np.float64] = found.slopes[:, 0] * found.root[:, 0, 0] / np.sqrt(found.squares)
    return rho


def _fit(
    placed: Placed,
    reach: int,
    estimate: Callable[[NDArray[np.float64], list[NDArray[np.float64]]], Regression],
) -> Fit:
    """Judge events by a beta that rests on the market's returns of several sessions."""
    enough(placed.windows, 2)
    returns = Span(placed, placed.frame.returns)
    market = Span(placed, series(placed.frame, MARKET))
    inner = slice(reach, placed.windows.n_estimation - reach)
    parts = []
    with np.errstate(invalid="ignore", divide="ignore"):
        for some in blocks(len(placed.row)):
            response, on = returns.estimation(some)[:, inner], market.estimation(some)
            around = [np.roll(on, -k, axis=1)[:, inner] for k in range(-reach, reach + 1)]
            found = estimate(response, around)
            parts.append(found._replace(n_responses=np.isfinite(response).sum(axis=1)))
    found = Regression(*map(np.concatenate, zip(*parts, strict=True)))
    moves = found.squares > found.n * NOISE_SIGMA**2
    return judged(placed, Explaining((MARKET,), (market,)), found, moves)


class _Trades(NamedTuple):
    """Returns from trade to trade, and what goes with them, listing by listing."""

    sessions: NDArray[np.float64]
    market: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TradeToTrade:
    r"""The market model on returns from one trade to the next, however many sessions that is.

    With y the log return since the last trade n sessions ago and x the market's over the same
    sessions, ``y / sqrt(n) = alpha sqrt(n) + beta x / sqrt(n) + e``, so that e has one variance,
    and ``AR = y - alpha n - beta x``. Its variance is n times that of a session: the loadings are
    those of the regressors (n, x), and on each event row one more of its own, ``sqrt(n - 1)``.
    Residuals of the sample are the e, per session. Rows without a trade are missing.

    Parameters
    ----------
    name : str
        Name, as tables carry it.

    References
    ----------
    Maynes and Rumsey (1993), Conducting event studies with thinly traded stocks, JBF 17, 145-157.

    Examples
    --------
    >>> import pandas as pd
    >>> from selloff.event_study.events import Windows
    >>> from selloff.event_study.panels import panel_of_prices
    >>> from selloff.event_study.studies import study
    >>> rng = np.random.default_rng(1)
    >>> market = pd.Series(np.exp(rng.normal(0, 0.01, 300).cumsum()))
    >>> closes = market**1.5 * np.exp(rng.normal(0, 0.001, 300).cumsum())
    >>> traded = pd.DataFrame({"A": closes.where(rng.random(300) < 0.8)})
    >>> traded.loc[280:281, "A"] = closes.loc[280:281]
    >>> panel = panel_of_prices(traded, market, spans_gaps=True)
    >>> asked = pd.DataFrame({"listing_id": ["A"], "session_date": [281]})
    >>> study(panel, asked, TradeToTrade()).fits["market"].round(1).tolist()
    [1.5]
    """

    name: str = "trade_to_trade"

    def fit(self, placed: Placed) -> Fit:
        """Estimate each event on its estimation rows, and judge its event rows.

        Parameters
        ----------
        placed : Placed
            Events on a frame of log returns that span gaps, with the series `market`.

        Returns
        -------
        Fit
            A row is valid where there was a trade, one before it, and a return of the market in
            every session between.

        Raises
        ------
        ValueError
            If the returns do not span gaps, or there is no `market`.
        """
        if not placed.frame.spans_gaps:
            raise ValueError("trade to trade needs returns that span gaps: panel_of_prices")
        enough(placed.windows, 2)
        trades = _trades(placed.frame.returns, series(placed.frame, MARKET))
        spans = tuple(Span(placed, one) for one in (placed.frame.returns, *trades))
        parts = []
        for some in blocks(len(placed.row)):
            y, n, x = _per_session(*(span.estimation(some) for span in spans))
            parts.append(least_squares(y, [n, x], is_centred=False))
        found = Regression(*map(np.concatenate, zip(*parts, strict=True)))
        return _traded(placed, spans, found)


def _trades(returns: NDArray[np.float64], market: NDArray[np.float64]) -> _Trades:
    """Count the sessions since the last trade, and add up the market's returns over them."""
    is_trade = np.isfinite(returns)
    rows = np.arange(returns.shape[1])
    latest = np.maximum.accumulate(np.where(is_trade, rows, -1), axis=1)
    last = np.concatenate([np.full((len(returns), 1), -1), latest[:, :-1]], axis=1)
    sessions = np.where(is_trade & (last >= 0), rows - last, np.nan)
    gap = np.isnan(market)

    def since(values: NDArray[np.float64]) -> NDArray[np.float64]:
        total = np.broadcast_to(np.cumsum(values, axis=-1), returns.shape)
        return total - np.take_along_axis(total, np.maximum(last, 0), axis=1)

    moved = since(np.where(gap, 0.0, market))
    is_known = np.isfinite(sessions) & (since(gap.astype(np.float64)) == 0)
    return _Trades(sessions, np.where(is_known, moved, np.nan))


def _per_session(
    y: NDArray[np.float64], n: NDArray[np.float64], x: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return what is regressed, with the error's variance that of one session."""
    root = np.sqrt(n)
    return y / root, root, x / root


def _traded(placed: Placed, spans: tuple[Span, ...], found: Regression) -> Fit:
    """Judge events by a regression from trade to trade."""
    y, n, x = (span.event() for span in spans)
    alpha, beta = found.slopes.T
    expected = alpha[:, None] * n + beta[:, None] * x
    own = np.sqrt(n - 1)[:, :, None] * np.eye(placed.windows.n_rows)
    loads = whitened(found.root, np.stack([n, x], axis=2))
    with np.errstate(invalid="ignore", divide="ignore"):
        sigma = np.sqrt(found.error_squares / (found.n - 2))

    def residuals(some: Some) -> NDArray[np.float64]:
        left, root, around = _per_session(*(span.estimation(some) for span in spans))
        left -= alpha[some, None] * root + beta[some, None] * around
        return left

    errors = Errors(sigma, found.n, 2, np.concatenate([loads, own], axis=2))
    rows = Lazy(residuals, (len(placed.row), placed.windows.n_estimation))
    sample = sample_of(placed, y, y - expected, errors, rows)
    rejected = refused(placed, found, found.squares > found.n * NOISE_SIGMA**2)
    day = -placed.windows.event_first
    rejected.add(np.isfinite(n[:, day]) & ~np.isfinite(x[:, day]), Reason.NO_BENCHMARK)
    nothing = np.full(len(found.n), np.nan)
    return Fit(sample, {"alpha": alpha, MARKET: beta}, nothing, rejected)
