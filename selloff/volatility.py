"""How much a series moves, and how unusual a move is: estimates from returns.

Every function takes arrays whose last axis is time, one series or many at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selloff._rolling import above_noise, before, slope_of_sums, window_sums
from selloff.quality import MAD_TO_SIGMA

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Windows sorted together: four megabytes at 250 rows, which stay in the cache.
_SORTED_TOGETHER = 2_000


def ewma_volatility(returns: NDArray[np.float64], decay: float = 0.94) -> NDArray[np.float64]:
    """Exponentially weighted volatility, each value including its own return.

    ``s2[t] = decay * s2[t-1] + (1 - decay) * r[t]**2``, started with ``s2[0] = r[0]**2``. To ask
    how unusual a return is, divide it by the value of the day before: a crash must not hide
    itself in its own measure.

    Parameters
    ----------
    returns : array of shape (..., n)
        Returns in time order, log points or fractions; NaN where there is none.
    decay : float
        Weight of yesterday's variance, between 0 and 1.

    Returns
    -------
    array of shape (..., n)
        Volatility in the unit of the returns, per session. A missing return leaves it as it was;
        before the first return it is NaN.

    Raises
    ------
    ValueError
        If `decay` is not between 0 and 1.

    References
    ----------
    J.P. Morgan/Reuters (1996), RiskMetrics Technical Document, 4th ed., section 5.2.

    Examples
    --------
    >>> ewma_volatility(np.array([0.02, -0.01])).round(6).tolist()
    [0.02, 0.019545]
    """
    if not 0 < decay < 1:
        raise ValueError(f"decay must lie between 0 and 1, not {decay}")
    # Time first: each step is then one run over memory, however many series there are.
    squares = np.moveaxis(np.square(np.asarray(returns, dtype=float)), -1, 0).copy()
    is_missing = np.isnan(squares)
    variance = np.full(squares.shape[1:], np.nan)
    for row, squared in enumerate(squares):
        moved = decay * variance + (1 - decay) * squared
        moved = np.where(np.isnan(variance), squared, moved)
        variance = np.where(is_missing[row], variance, moved)
        squares[row] = variance
    volatility: NDArray[np.float64] = np.sqrt(np.moveaxis(squares, 0, -1))
    return volatility


def extreme_move_z(
    returns: NDArray[np.float64], decay: float = 0.94, burn_in: int = 30
) -> NDArray[np.float64]:
    """Return each return over the EWMA volatility of the session before.

    Parameters
    ----------
    returns : array of shape (..., n)
        Returns in time order, log points or fractions; NaN where there is none.
    decay : float
        Weight of yesterday's variance (`ewma_volatility`).
    burn_in : int
        Returns before a row without which it has no z.

    Returns
    -------
    array of shape (..., n)
        Standard deviations, negative when the price falls; NaN where there is no return, too few
        came before it, or the volatility is rounding noise.

    Examples
    --------
    >>> extreme_move_z(np.array([0.02, -0.02, -0.1]), burn_in=2).round(2).tolist()
    [nan, nan, -5.0]
    """
    moves = np.asarray(returns, dtype=float)
    is_settled = np.cumsum(~np.isnan(moves), axis=-1) > burn_in
    z: NDArray[np.float64] = moves / above_noise(before(ewma_volatility(moves, decay)))
    return np.where(is_settled, z, np.nan)


def robust_z(
    returns: NDArray[np.float64], rows: int = 250, minimum: int = 60, last: int | None = None
) -> NDArray[np.float64]:
    """Return each return's distance from the median of the rows before, in robust sigmas.

    ``(r - median) / (1.4826 MAD)``, with median and median absolute deviation of the returns in the
    `rows` rows before: one earlier crash does not hide the next.

    Parameters
    ----------
    returns : array of shape (..., n)
        Returns in time order, log points or fractions; NaN where there is none.
    rows : int
        Rows before the row's own that are looked at.
    minimum : int
        Returns among them without which there is no z.
    last : int, optional
        Rows at the end that are asked for; all without it. Those before them are NaN.

    Returns
    -------
    array of shape (..., n)
        Standard deviations, negative for falls; NaN where there is no return, too few came before
        it, or half of them and more are alike to within rounding.

    References
    ----------
    Iglewicz, Hoaglin (1993), How to Detect and Handle Outliers, ASQC Quality Press.

    Examples
    --------
    >>> robust_z(np.array([0.01, 0.03, -0.01, 0.0, -0.2]), minimum=4).round(2).tolist()
    [nan, nan, nan, nan, -13.83]
    """
    moves = np.asarray(returns, dtype=float)
    series = moves.reshape(-1, moves.shape[-1])
    known = (~np.isnan(series)).astype(float)
    n_before = np.nan_to_num(before(window_sums(known, rows))).astype(np.int64)
    is_asked = (n_before >= minimum) & (known == 1)
    is_asked[:, : 0 if last is None else -last] = False
    padded = np.pad(series, ((0, 0), (rows, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, rows, axis=-1)
    found = np.full(series.shape, np.nan)
    asked = np.argwhere(is_asked)
    for first in range(0, len(asked), _SORTED_TOGETHER):
        here = tuple(asked[first : first + _SORTED_TOGETHER].T)
        center, scale = _medians(windows[here], n_before[here])
        found[here] = (series[here] - center) / scale
    return found.reshape(moves.shape)


def _medians(
    windows: NDArray[np.float64], n: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the median and the robust sigma of the n values that are in each window.

    The windows are overwritten. Sorting them twice takes a tenth of the time of NumPy's selection,
    which has no vector instructions along rows.
    """
    windows.sort(axis=-1)  # NaN last
    center = _middle(windows, n)
    np.subtract(windows, center[:, None], out=windows)
    np.abs(windows, out=windows)
    windows.sort(axis=-1)
    return center, above_noise(MAD_TO_SIGMA * _middle(windows, n))


def _middle(ranked: NDArray[np.float64], n: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean of the one or two middle values of the first n of each sorted row."""
    row = np.arange(len(ranked))
    middle: NDArray[np.float64] = (ranked[row, (n - 1) // 2] + ranked[row, n // 2]) / 2
    return middle


def downside_beta(
    returns: NDArray[np.float64],
    market: NDArray[np.float64],
    rows: int = 250,
    minimum: int = 50,
) -> NDArray[np.float64]:
    """Return the slope of returns on the market's, over sessions in which the market fell.

    Parameters
    ----------
    returns, market : array of shape (..., n)
        Returns in time order over the same sessions, in one unit; NaN where there is none.
    rows : int
        Rows before the row's own that are looked at.
    minimum : int
        Sessions among them, with both returns and a negative one of the market, without which
        there is no beta.

    Returns
    -------
    array of shape (..., n)
        The beta known before each session (a ratio); NaN with too few sessions, or where the
        market's falls differ by rounding only.

    References
    ----------
    Ang, Chen, Xing (2006), Downside Risk, Review of Financial Studies 19, 1191-1239; they take the
    market's mean for the threshold, here it is zero.

    Examples
    --------
    >>> market = np.array([-0.01, 0.02, -0.02, -0.03, 0.0])
    >>> downside_beta(1.5 * market, market, minimum=3).round(6).tolist()
    [nan, nan, nan, nan, 1.5]
    """
    y, x = np.asarray(returns, dtype=float), np.asarray(market, dtype=float)
    is_pair = (x < 0) & ~np.isnan(y)
    x, y = np.where(is_pair, x, 0.0), np.where(is_pair, y, 0.0)
    count, sum_x, sum_y, sum_xx, sum_xy = (
        before(window_sums(values, rows)) for values in (is_pair.astype(float), x, y, x * x, x * y)
    )
    n = np.where(count >= minimum, count, np.nan)
    return slope_of_sums(n, sum_x, sum_y, sum_xx, sum_xy)
