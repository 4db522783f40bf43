"""Drawdowns of one series, from a plain array of its prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Episodes(NamedTuple):
    """Falls of one series, in time order; every array has shape (n_episodes,).

    Parameters
    ----------
    peak, trough, recovery : array of int
        Rows of the high before the fall, of the (first) lowest value, and of the first value at or
        above the high again; -1 where that has not come.
    depth : array of float
        Value at the trough over that at the peak, less 1 (fraction in [-1, 0)).
    """

    peak: NDArray[np.int64]
    trough: NDArray[np.int64]
    recovery: NDArray[np.int64]
    depth: NDArray[np.float64]


def drawdowns(closes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each close is below the highest one so far.

    Parameters
    ----------
    closes : array of shape (..., n)
        Positive prices or index levels in time order; NaN where there is none.

    Returns
    -------
    array of shape (..., n)
        ``close / highest close so far - 1``: a fraction in [-1, 0], zero at a new high, NaN where
        the close is missing.

    Examples
    --------
    >>> drawdowns(np.array([100.0, 80.0, 90.0, 120.0])).round(2).tolist()
    [0.0, -0.2, -0.1, 0.0]
    """
    prices = np.asarray(closes, dtype=float)
    highest: NDArray[np.float64] = np.fmax.accumulate(prices, axis=-1)
    fallen: NDArray[np.float64] = prices / highest - 1
    return fallen


def episodes(closes: NDArray[np.float64]) -> Episodes:
    """Return the drawdown episodes of one series.

    An episode begins at a close that no earlier one exceeds, and ends at the next such close; only
    those with a lower close in between are returned.

    Parameters
    ----------
    closes : array of shape (n,)
        Positive prices or index levels in time order, none missing.

    Returns
    -------
    Episodes
        Rows and depths; the last may be open.

    Raises
    ------
    ValueError
        If a close is missing: rows could not be counted.

    Examples
    --------
    >>> found = episodes(np.array([100.0, 80.0, 90.0, 120.0, 60.0]))
    >>> found.peak.tolist(), found.trough.tolist(), found.recovery.tolist()
    ([0, 3], [1, 4], [3, -1])
    >>> found.depth.round(2).tolist()
    [-0.2, -0.5]
    """
    prices = np.asarray(closes, dtype=float)
    if np.isnan(prices).any():
        raise ValueError("a close is missing: leave such rows out first")
    highs = np.flatnonzero(prices >= np.maximum.accumulate(prices))
    ends = np.append(highs[1:], len(prices))
    falls = np.flatnonzero(ends - highs > 1)
    troughs = [highs[i] + int(np.argmin(prices[highs[i] : ends[i]])) for i in falls]
    peak, trough = highs[falls], np.array(troughs, dtype=np.int64)
    recovery = np.where(ends[falls] < len(prices), ends[falls], -1)
    return Episodes(peak, trough, recovery, prices[trough] / prices[peak] - 1)


def epsilon_drawdowns(log_prices: NDArray[np.float64], epsilon: float) -> Episodes:
    """Return the falls of one series, rebounds up to a tolerance ignored.

    A fall goes on until the series has risen by more than `epsilon` from its lowest value, a rise
    until it has fallen by more than that from its highest. With 0 these are runs of consecutive
    falls; with a multiple of the daily volatility, those that a few quiet days do not interrupt.
    Unlike a drawdown episode, a fall need not start from an all-time high.

    Parameters
    ----------
    log_prices : array of shape (n,)
        Logarithms of prices in time order, none missing.
    epsilon : float
        Tolerance in log points, not negative.

    Returns
    -------
    Episodes
        `recovery` is the row at which the rebound exceeded the tolerance, which is when the trough
        became known; -1 while it has not.

    Raises
    ------
    ValueError
        If a value is missing, or `epsilon` is negative.

    References
    ----------
    Johansen, Sornette (2010), Shocks, Crashes and Bubbles in Financial Markets, Brussels Economic
    Review 53, 201-253.

    Examples
    --------
    >>> prices = np.log([100.0, 90.0, 91.0, 80.0, 95.0])
    >>> found = epsilon_drawdowns(prices, 0.05)
    >>> found.peak.tolist(), found.trough.tolist(), found.depth.round(2).tolist()
    ([0], [3], [-0.2])
    """
    values = np.asarray(log_prices, dtype=float)
    if np.isnan(values).any() or not epsilon >= 0:
        raise ValueError("epsilon drawdowns need every value, and a tolerance of zero or more")
    found: list[tuple[int, int, int]] = []
    peak = trough = 0
    for row, value in enumerate(values):
        if trough == peak and value >= values[peak]:  # rising, or level
            peak = trough = row
        elif value < values[trough]:
            # Within a rise a dip up to the tolerance is no fall yet: its low is a candidate.
            trough = row
        elif value - values[trough] > epsilon or value >= values[peak]:
            if values[peak] - values[trough] > epsilon:
                found.append((peak, trough, row))
            peak = trough = row
    if values.size and values[peak] - values[trough] > epsilon:
        found.append((peak, trough, -1))
    rows = np.array(found, dtype=np.int64).reshape(-1, 3)
    depth = np.expm1(values[rows[:, 1]] - values[rows[:, 0]])
    return Episodes(rows[:, 0], rows[:, 1], rows[:, 2], depth)
