"""The path of one series around one event: cumulative abnormal returns with confidence bands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selloff.returns import NOISE_SHARE, NOISE_SIGMA, MarketModel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class PathWindow:
    """Which days a path has, and how wide its bands are.

    Parameters
    ----------
    before, after : int
        Days before and after the event's own session, day 0.
    level : float
        Coverage of the bands (fraction).
    most : int
        Listings with a path of their own per event: those that lost the most value.
    """

    before: int = 5
    after: int = 20
    level: float = 0.95
    most: int = 100

    def __post_init__(self) -> None:
        if min(self.before, self.after, self.most) < 0 or not 0 < self.level < 1:
            raise ValueError(f"days and listings are counted, a level lies in (0, 1): {self}")


class CarPath(NamedTuple):
    """One series around one event; arrays over its rows from day -before to +after.

    Parameters
    ----------
    days : array of shape (n_rows,)
        Rows relative to the event, 0 for its own; rows that the series does not have are absent.
    abnormal : array of shape (n_rows,)
        Abnormal returns (log points); NaN where the pair is not valid.
    car : array of shape (n_rows,)
        Cumulative abnormal return since the last row before the event (log points): 0 on day -1,
        the sum from day 0 after it, and before it less the sum of the days in between.
    standard_error : array of shape (n_rows,)
        Of `car`, exact under the model; 0 on day -1.
    low, high : array of shape (n_rows,)
        Ends of the confidence band.
    n_estimation : int
        Valid pairs behind the model.
    """

    days: NDArray[np.int64]
    abnormal: NDArray[np.float64]
    car: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n_estimation: int


def car_path(
    returns: ArrayLike,
    market: ArrayLike,
    event: int,
    model: MarketModel | None = None,
    window: PathWindow | None = None,
) -> CarPath | None:
    r"""Follow one series around an event, against a market model frozen before it.

    With L valid rows of market returns x cumulated, n estimation rows of mean m and sum of squared
    deviations Sxx, and residual sigma s on n - 2 degrees of freedom::

        Var(CAR) = s^2 (L + L^2 / n + (sum(x) - L m)^2 / Sxx)

    Re-estimating the model from day to day would let the fall itself into the expectation.

    Parameters
    ----------
    returns, market : array of shape (n_rows,)
        Log returns of the series and of its market, row by row; NaN where there is none.
    event : int
        Row of the event.
    model : MarketModel, optional
        Estimation rows before the event and their least number; [-260, -11] and 200 without it.
    window : PathWindow, optional
        Days and level; [-5, +20] and 95% without it.

    Returns
    -------
    CarPath or None
        None where the event row has no pair, too few estimation rows have one, or the market did
        not move in them.

    References
    ----------
    Campbell, Lo and MacKinlay (1997), The Econometrics of Financial Markets, section 4.4. The
    base on day -1 is that of event-study regressions: Freyaldenhoven, Hansen, Perez Perez and
    Shapiro (2021), Visualization, Identification, and Estimation in the Linear Panel Event-Study
    Design, NBER working paper 29170.

    Examples
    --------
    >>> market = [0.01, -0.01, 0.02, -0.02, 0.01, 0.0, 0.0, 0.0]
    >>> returns = [0.012, -0.008, 0.018, -0.022, 0.01, -0.1, 0.03, 0.02]
    >>> path = car_path(returns, market, 5, MarketModel(5, 2, 4), PathWindow(before=1, after=2))
    >>> path.days.tolist()
    [-1, 0, 1, 2]
    >>> path.car.round(4).tolist()
    [0.0, -0.1, -0.07, -0.05]
    >>> (path.high - path.low).round(4).tolist()
    [0.0, 0.0272, 0.0422, 0.0558]
    """
    from scipy import stats

    chosen, around = model or MarketModel(), window or PathWindow()
    y, x = np.asarray(returns, dtype=float), np.asarray(market, dtype=float)
    valid = np.isfinite(y) & np.isfinite(x)
    fit = _fitted(y, x, valid, event, chosen)
    if fit is None or not valid[event]:
        return None
    rows = np.arange(max(event - around.before, 0), min(event + around.after + 1, len(y)))
    days, there = rows - event, valid[rows]
    abnormal = np.where(there, y[rows] - fit.alpha - fit.beta * x[rows], np.nan)
    car = _since_before(days, np.where(there, abnormal, 0.0))
    length = np.abs(_since_before(days, there.astype(float)))
    away = np.abs(_since_before(days, np.where(there, x[rows] - fit.mean_x, 0.0)))
    error = fit.sigma * np.sqrt(length + length**2 / fit.n + away**2 / fit.s_xx)
    width = float(stats.t.ppf((1 + around.level) / 2, fit.n - 2)) * error
    return CarPath(days, abnormal, car, error, car - width, car + width, fit.n)


class _Fit(NamedTuple):
    """A market model and what the error of its predictions is made of."""

    alpha: float
    beta: float
    sigma: float
    n: int
    mean_x: float
    s_xx: float


def _fitted(
    y: NDArray[np.float64],
    x: NDArray[np.float64],
    valid: NDArray[np.bool_],
    event: int,
    model: MarketModel,
) -> _Fit | None:
    """Fit the model on the valid estimation rows, where they are enough and the market moved."""
    rows = np.arange(max(event - model.first, 0), max(event - model.last + 1, 0))
    rows = rows[valid[rows]]
    n = len(rows)
    if n < model.minimum:
        return None
    mean_x, mean_y = float(x[rows].mean()), float(y[rows].mean())
    dx, dy = x[rows] - mean_x, y[rows] - mean_y
    s_xx = float(dx @ dx)
    if s_xx <= max(float(x[rows] @ x[rows]) * NOISE_SHARE, n * NOISE_SIGMA**2):
        return None
    beta = float(dx @ dy) / s_xx
    residual = dy - beta * dx
    variance = float(residual @ residual) / (n - 2)
    floor = max(float(y[rows] @ y[rows]) / n * NOISE_SHARE, NOISE_SIGMA**2)
    sigma = 0.0 if variance <= floor else float(np.sqrt(variance))
    return _Fit(mean_y - beta * mean_x, beta, sigma, n, mean_x, s_xx)


def _since_before(days: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cumulate from day 0 on; before it, less what lies between a day and the event."""
    earlier, later = values[days < 0], values[days >= 0]
    between = np.concatenate((np.cumsum(earlier[::-1])[::-1], [0.0]))[1:]
    return np.concatenate((0.0 - between[: len(earlier)], np.cumsum(later)))
