"""How series move with the market: on all days, on those it falls, on those it rises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from selloff._rolling import slope_of_sums
from selloff.series import SeriesError
from selloff.tails._windows import beside, parts, windows

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Side = Literal["all", "fall", "rise"]
    Threshold = Literal["mean", "zero"]

# A slope through two days is those two days.
FEWEST_DAYS = 3


@dataclass(frozen=True, slots=True)
class MarketBetas:
    """Slopes of k series on the market, in each of N windows.

    Parameters
    ----------
    names : tuple
        The series.
    dates : Index
        Last row of each window.
    beta : array of shape (N, k)
        A ratio; NaN with fewer than three days, or where the market is constant over them.
    n_days : array of shape (N,)
        Days the slope rests on.
    """

    names: tuple[Any, ...]
    dates: pd.Index
    beta: Floats
    n_days: NDArray[np.int64]


def market_betas(
    series: pd.DataFrame,
    market: Any,
    side: Side = "fall",
    *,
    threshold: Threshold = "mean",
    window: int | None = None,
) -> MarketBetas:
    """Return the slope of each series on the market's returns, on one side of a threshold.

    ``beta = cov(r_i, r_m | r_m < c) / var(r_m | r_m < c)``, ``>`` for the rises. With c the mean of
    the market's returns in the window these are the betas of Ang, Chen and Xing; with c = 0 they
    are PerformanceAnalytics' bear and bull betas, and the `downside_beta` of
    `selloff.volatility`.

    Parameters
    ----------
    series : DataFrame
        Returns, rows in ascending order of dates, one column the market's.
    market : column name
        On whose returns the slopes are taken.
    side : {"fall", "rise", "all"}
        Days looked at: below the threshold, above it, or all.
    threshold : {"mean", "zero"}
        What a fall is told from a rise by.
    window : int, optional
        Rows of a window, its last included; one window of all rows without it.

    Returns
    -------
    MarketBetas
        A window's numbers depend on its rows alone.

    Raises
    ------
    SeriesError
        If a series is unfit (`selloff.series.matrix`), the window too short, or a word not known.

    References
    ----------
    Ang, Chen and Xing (2006), Downside Risk, Review of Financial Studies 19(4).

    Examples
    --------
    >>> import pandas as pd
    >>> market = [-0.03, -0.02, -0.01, 0.01, 0.02, 0.03]
    >>> bank = [-0.06, -0.04, -0.02, 0.01, 0.02, 0.03]
    >>> returns = pd.DataFrame({"SPY": market, "JPM": bank})
    >>> [market_betas(returns, "SPY", side).beta.round(6).item() for side in ("fall", "rise")]
    [2.0, 1.0]
    """
    _refuse_words(side, threshold)
    rows = len(series) if window is None else window
    if rows < FEWEST_DAYS:
        raise SeriesError(f"{rows} rows, at least {FEWEST_DAYS} are needed for a slope")
    of_market, others, names = beside(series, market, rows)
    x, y = windows(of_market, rows), windows(others, rows)
    beta = np.empty((len(x), len(names)))
    n_days = np.empty(len(x), dtype=np.int64)
    for some in parts(len(x), 4 * rows):
        is_day = _days(x[some], side, threshold)
        count = is_day.sum(axis=1)
        n_days[some] = count
        n = np.where(count >= FEWEST_DAYS, count, np.nan)[:, None]
        # About the means of the window: what is left of the sums is little, and so is its rounding.
        moves = np.where(is_day, x[some] - x[some].mean(axis=1, keepdims=True), 0.0)
        sum_x, sum_xx = moves.sum(axis=1)[:, None], (moves * moves).sum(axis=1)[:, None]
        for column in range(len(names)):
            own = np.where(is_day, y[some, column], 0.0)
            sum_y, sum_xy = own.sum(axis=1)[:, None], (own * moves).sum(axis=1)[:, None]
            beta[some, column] = slope_of_sums(n, sum_x, sum_y, sum_xx, sum_xy)[:, 0]
    return MarketBetas(names, series.index[rows - 1 :], beta, n_days)


def _days(market: Floats, side: Side, threshold: Threshold) -> NDArray[np.bool_]:
    """Return which days of each window lie on that side of the threshold."""
    if side == "all":
        return np.ones(market.shape, dtype=bool)
    level = market.mean(axis=1, keepdims=True) if threshold == "mean" else 0.0
    found: NDArray[np.bool_] = market < level if side == "fall" else market > level
    return found


def _refuse_words(side: str, threshold: str) -> None:
    if side not in {"all", "fall", "rise"}:
        raise SeriesError(f"the side {side!r} is none of all, fall, rise")
    if threshold not in {"mean", "zero"}:
        raise SeriesError(f"the threshold {threshold!r} is neither mean nor zero")
