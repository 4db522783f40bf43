"""Synchronization: returns of markets as if they had closed together, by a moving average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from selloff.comovement.clocks import close_hours_of
from selloff.series import SeriesError, matrix

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from selloff.comovement.clocks import Closes

Sides = Literal["clocks", "both"]
# The iteration gains about a digit in two rounds where it converges; 500 are for the brink.
TOLERANCE, MOST_ROUNDS = 1e-13, 500
# Windows worked on at once: 256 of 250 rows and 33 series are 17 MB.
AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Synchronization:
    """A moving average fitted to returns, and what follows from it.

    Parameters
    ----------
    returns : DataFrame
        Synchronized returns, fractions; NaN where nothing may be published.
    innovations : DataFrame
        What each return held that those of the date before did not announce.
    moving_average : DataFrame
        M: rows follow, columns lead.
    innovation_covariance : DataFrame
        S.
    rounds : int
        Of the iteration until it stood still.
    is_stable : bool
        Whether it converged to an S that is a covariance and an M that can be inverted.
    """

    returns: pd.DataFrame
    innovations: pd.DataFrame
    moving_average: pd.DataFrame
    innovation_covariance: pd.DataFrame
    rounds: int
    is_stable: bool


@dataclass(frozen=True, slots=True)
class RollingSynchronization:
    """Synchronized returns of each date by what was known on it.

    Parameters
    ----------
    returns : DataFrame
        Synchronized returns, fractions; NaN before the first window is full.
    is_stable : Series of bool
        Whether the window's moving average converged and can be inverted; False before.
    """

    returns: pd.DataFrame
    is_stable: pd.Series


def synchronized(
    series: pd.DataFrame, closes: Closes, *, training: int | None = None, sides: Sides = "clocks"
) -> Synchronization:
    r"""Estimate what returns would have been had all markets closed when the last of them does.

    Returns follow a vector moving average of order one, of moments G0 and G1::

        r_t = m + e_t + M e_(t-1)        G1 = M S        G0 = S + M S M'

    solved by iterating ``S = G0 - G1 S^-1 G1'`` from G0. ``M e_t`` is what the markets that closed
    late on date t announce for the next date of those that closed early; the synchronized return is
    ``r*_t = m + (I + M) e_t``. Its covariance is ``G0 + G1 + G1'``: with `sides` "clocks" its
    correlations are those of `selloff.comovement.clocks.lead_lag_correlations`.

    Parameters
    ----------
    series : DataFrame
        Returns as fractions on common sessions; rows are dates in ascending order.
    closes : mapping of label to time or float
        Closing times of the series in UTC, as `datetime.time` or as hours in [0, 24).
    training : int, optional
        First rows that m and M are estimated on; rows up to there are not published. By default all
        rows: then every row knows of every other.
    sides : {"clocks", "both"}
        "clocks" takes for zero what no clock explains: in G1 all but the covariance of a market
        with the date before of one that closes *later*. "both" takes G1 as it is.

    Returns
    -------
    Synchronization
        An unstable one is returned as it is, and flagged.

    Raises
    ------
    SeriesError
        If a series has no closing time, a value is missing, or there are fewer than 2 k + 10 rows
        to estimate on for k series.

    Notes
    -----
    Not identified: spillover from a late market to an early one's next date is taken for the clock,
    and so becomes correlation. What is left in synchronized returns at lag one is not proof of
    the absence of contagion (`selloff.comovement.spillover_coefficients` uses the hours instead).

    References
    ----------
    Burns, Engle and Mezrich (1998), Correlations and Volatilities of Asynchronous Data, Journal of
    Derivatives 5(4), 7-18.

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(4)
    >>> night, day, own = rng.normal(0, 0.01, (3, 3001))  # news before and after Tokyo's close
    >>> us, jp = (night + day)[1:], (night[1:] + day[:-1] + own[1:])
    >>> both = pd.DataFrame({"US": us, "JP": jp}, pd.bdate_range("2013-01-02", periods=3000))
    >>> found = synchronized(both, {"US": 21.0, "JP": 6.0})
    >>> found.is_stable, round(float(both.corr().loc["US", "JP"]), 1)
    (True, 0.4)
    >>> round(float(found.returns.corr().loc["US", "JP"]), 1)
    0.8
    >>> found.moving_average.loc["JP"].round(1).tolist()
    [0.6, -0.3]
    """
    import pandas as pd

    hours = close_hours_of(series.columns, closes)
    known = len(series) if training is None else training
    values = _checked(series, known)
    is_kept = _kept(hours, sides)
    fitted = _fit(values[None, :known], is_kept)
    mean, average = values[:known].mean(axis=0), fitted.average[0]
    innovations = np.empty_like(values)
    last = np.zeros(len(hours))
    for row, centred in enumerate(values - mean):
        last = innovations[row] = centred - average @ last
    returns = mean + innovations @ (np.eye(len(hours)) + average).T
    if training is not None:
        returns[:training] = innovations[:training] = np.nan
    names = series.columns
    return Synchronization(
        returns=pd.DataFrame(returns, series.index, names),
        innovations=pd.DataFrame(innovations, series.index, names),
        moving_average=pd.DataFrame(average, names, names),
        innovation_covariance=pd.DataFrame(fitted.covariance[0], names, names),
        rounds=int(fitted.rounds[0]),
        is_stable=bool(fitted.is_stable[0]),
    )


def rolling_synchronized(
    series: pd.DataFrame, closes: Closes, *, window: int, sides: Sides = "clocks"
) -> RollingSynchronization:
    """Synchronize the returns of each date by a moving average fitted on the rows up to it.

    The formulas are those of `synchronized`; of each window the return of its last row is
    published. The innovations of a window begin with its first row.

    Parameters
    ----------
    series : DataFrame
        Returns as fractions on common sessions; rows are dates in ascending order.
    closes : mapping of label to time or float
        Closing times of the series in UTC, as `datetime.time` or as hours in [0, 24).
    window : int
        Rows of a window, that of the date included.
    sides : {"clocks", "both"}
        Which lagged covariances count: see `synchronized`.

    Returns
    -------
    RollingSynchronization
        Unstable windows are published where their numbers are finite, and flagged.

    Raises
    ------
    SeriesError
        If a series has no closing time, a value is missing, or a window has fewer than 2 k + 10
        rows for k series, or more than there are.

    References
    ----------
    Burns, Engle and Mezrich (1998), Journal of Derivatives 5(4), 7-18.

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(4)
    >>> night, day, own = rng.normal(0, 0.01, (3, 1001))
    >>> us, jp = (night + day)[1:], (night[1:] + day[:-1] + own[1:])
    >>> both = pd.DataFrame({"US": us, "JP": jp}, pd.bdate_range("2021-01-04", periods=1000))
    >>> found = rolling_synchronized(both, {"US": 21.0, "JP": 6.0}, window=250)
    >>> int(found.is_stable.sum()), round(float(found.returns.corr().loc["US", "JP"]), 1)
    (751, 0.8)
    """
    import pandas as pd
    from numpy.lib.stride_tricks import sliding_window_view

    hours = close_hours_of(series.columns, closes)
    values = _checked(series, window)
    is_kept = _kept(hours, sides)
    windows = sliding_window_view(values, window, axis=0).transpose(0, 2, 1)
    returns = np.full_like(values, np.nan)
    is_stable = np.zeros(len(values), dtype=bool)
    for first in range(0, len(windows), AT_ONCE):
        part = windows[first : first + AT_ONCE]
        place = slice(first + window - 1, first + window - 1 + len(part))
        fitted = _fit(part, is_kept)
        returns[place] = _last(part, fitted.average)
        is_stable[place] = fitted.is_stable
    return RollingSynchronization(
        returns=pd.DataFrame(returns, series.index, series.columns),
        is_stable=pd.Series(is_stable, series.index, name="is_stable"),
    )


class _Fitted(NamedTuple):
    """Moving averages of windows: M, S, rounds of the iteration, and whether all is well."""

    average: NDArray[np.float64]
    covariance: NDArray[np.float64]
    rounds: NDArray[np.int64]
    is_stable: NDArray[np.bool_]


def _checked(series: pd.DataFrame, rows: int) -> NDArray[np.float64]:
    k = len(series.columns)
    if rows < 2 * k + 10:
        raise SeriesError(f"{rows} rows, at least {2 * k + 10} are needed for {k} series")
    return matrix(series, n_needed=rows, n_columns=2)


def _kept(hours: NDArray[np.float64], sides: Sides) -> NDArray[np.bool_]:
    """Return which covariances of a row with the date before of a column count."""
    if sides == "both":
        return np.ones((len(hours), len(hours)), dtype=bool)
    if sides != "clocks":
        raise ValueError(f"sides is 'clocks' or 'both', not {sides!r}")
    return np.asarray(hours[None, :] > hours[:, None])


def _fit(windows: NDArray[np.float64], is_kept: NDArray[np.bool_]) -> _Fitted:
    """Fit windows, shape (n_windows, n_rows, k), each by itself whatever stands beside it."""
    centred = windows - windows.mean(axis=1, keepdims=True)
    n = windows.shape[1]
    now = centred.transpose(0, 2, 1) @ centred / n
    lagged = (centred[:, 1:].transpose(0, 2, 1) @ centred[:, :-1] / n) * is_kept
    covariance = now.copy()
    rounds = np.zeros(len(windows), dtype=np.int64)
    left, is_lost = np.arange(len(windows)), np.zeros(len(windows), dtype=bool)
    for _ in range(MOST_ROUNDS):
        solved = np.linalg.solve(covariance[left], lagged[left].transpose(0, 2, 1))
        fresh = now[left] - lagged[left] @ solved
        # Without a solution the iteration leaves the covariances: the last one is kept.
        lost = ~(np.diagonal(fresh, axis1=1, axis2=2) > 0).all(axis=1)
        is_lost[left[lost]] = True
        scale = np.abs(now[left]).max(axis=(1, 2))
        moved = np.abs(fresh - covariance[left]).max(axis=(1, 2)) > TOLERANCE * scale
        covariance[left[~lost]] = fresh[~lost]
        rounds[left] += 1
        left = left[moved & ~lost]
        if not len(left):
            break
    average = np.linalg.solve(covariance, lagged.transpose(0, 2, 1)).transpose(0, 2, 1)
    is_stable = (
        ~is_lost
        & (rounds < MOST_ROUNDS)
        & (np.linalg.eigvalsh(covariance).min(axis=1) > 0)
        & (np.abs(np.linalg.eigvals(average)).max(axis=1) < 1)
    )
    return _Fitted(average, covariance, rounds, is_stable)


def _last(windows: NDArray[np.float64], average: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the synchronized return of each window's last row."""
    mean = windows.mean(axis=1)
    innovation = np.zeros_like(mean)
    with np.errstate(over="ignore", invalid="ignore"):  # unstable windows may leave all bounds
        for row in range(windows.shape[1]):
            told = (average @ innovation[:, :, None])[:, :, 0]
            innovation = windows[:, row] - mean - told
        told = (average @ innovation[:, :, None])[:, :, 0]
        found: NDArray[np.float64] = mean + innovation + told
    return found
