"""What series lose when the market falls: per day, over a long fall, in capital and in value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff.series import SeriesError
from selloff.tails._windows import beside, parts, rows_of_tail, windows

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MarginalShortfalls:
    """Mean returns of k series on the days of a market's tail, in each of N windows.

    Parameters
    ----------
    names : tuple
        The series.
    dates : Index
        Last row of each window.
    shortfall : array of shape (N, k)
        Mean return (a fraction, negative for a loss); NaN where no day lies in the tail.
    standard_error : array of shape (N, k)
        Of the mean, days taken for independent; NaN with fewer than two days.
    n_days : array of shape (N,)
        Days in the tail.
    """

    names: tuple[Any, ...]
    dates: pd.Index
    shortfall: Floats
    standard_error: Floats
    n_days: NDArray[np.int64]


def marginal_expected_shortfall(
    series: pd.DataFrame, market: Any, quantile: float = 0.05, *, window: int | None = None
) -> MarginalShortfalls:
    """Return the mean return of each series on the days the market fell below its quantile.

    ``MES_i = mean(r_i | r_m < q)``, with q the quantile (type 7, between two order statistics) of
    the market's returns in the window; a day at the quantile itself is not below it.

    Parameters
    ----------
    series : DataFrame
        Returns, rows in ascending order of dates, one column the market's.
    market : column name
        Whose falls are looked at.
    quantile : float
        Share of days in the tail.
    window : int, optional
        Rows of a window, its last included; one window of all rows without it.

    Returns
    -------
    MarginalShortfalls
        The sign is that of the returns. A window's numbers depend on its rows alone.

    Raises
    ------
    SeriesError
        If a series is unfit (`selloff.series.matrix`), or the window too short for the quantile.

    References
    ----------
    Acharya, Pedersen, Philippon and Richardson (2017), Measuring Systemic Risk, Review of Financial
    Studies 30(1). Type 7 and the strict inequality as in frds 2.4.1.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.date_range("2025-01-24", periods=5)
    >>> returns = pd.DataFrame(
    ...     {"SPY": [0.0, -0.015, 0.009, -0.005, 0.01], "NVDA": [-0.03, -0.17, 0.09, -0.04, 0.0]},
    ...     days,
    ... )
    >>> found = marginal_expected_shortfall(returns, "SPY", 0.4)
    >>> found.names, found.shortfall.round(3).tolist(), found.n_days.tolist()
    (('NVDA',), [[-0.105]], [2])
    """
    rows = len(series) if window is None else window
    most = rows_of_tail(rows, quantile)
    of_market, others, names = beside(series, market, rows)
    falls = windows(of_market, rows)
    shape = (len(falls), len(names))
    shortfall, error = np.empty(shape), np.empty(shape)
    n_days = np.empty(len(falls), dtype=np.int64)
    for some in parts(len(falls), rows + 2 * most * len(names)):
        lowest, is_below = _tail(falls[some], most, quantile)
        inside = np.arange(some.start, some.stop)[:, None] + lowest
        tail = np.where(is_below[..., None], others[inside], 0.0)
        count = is_below.sum(axis=1)
        n = np.where(count > 0, count, np.nan)[:, None]
        mean = tail.sum(axis=1) / n
        away = np.where(is_below[..., None], tail - mean[:, None], 0.0)
        freedom = np.where(n > 1, n - 1, np.nan)
        shortfall[some], n_days[some] = mean, count
        error[some] = np.sqrt((away * away).sum(axis=1) / freedom / n)
    return MarginalShortfalls(names, series.index[rows - 1 :], shortfall, error, n_days)


def _tail(falls: Floats, most: int, quantile: float) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return places of the lowest values of each window in order of time, and which are below q."""
    lowest = np.sort(np.argpartition(falls, most - 1, axis=1)[:, :most], axis=1)
    threshold = np.quantile(falls, quantile, axis=1)[:, None]
    return lowest, np.take_along_axis(falls, lowest, axis=1) < threshold


def long_run_shortfall_of_beta(betas: ArrayLike, fall: float = 0.4) -> Floats:
    """Return the share of its value that a series loses when the market falls by `fall`.

    ``LRMES = 1 - exp(beta log(1 - fall))``: log returns in proportion to the market's, with no
    residual. The approximation that V-Lab publishes for a fall of 40% in six months; simulated
    paths (`selloff.tails.long_run`) need no proportion.

    Parameters
    ----------
    betas : array
        Slopes on the market's log returns, such as ``rho_t sigma_i,t / sigma_m,t``; NaN unknown.
    fall : float
        Of the market, a positive fraction below one.

    Returns
    -------
    array of that shape
        A loss, as a positive fraction of value; negative for a negative beta, NaN unknown.

    Raises
    ------
    SeriesError
        If the fall is not between 0 and 1.

    References
    ----------
    Acharya, Engle and Richardson (2012), American Economic Review 102(3); Brownlees and Engle
    (2017), SRISK, Review of Financial Studies 30(1).

    Examples
    --------
    >>> long_run_shortfall_of_beta([0.0, 1.0, 2.0]).round(4).tolist()
    [0.0, 0.4, 0.64]
    """
    if not 0 < fall < 1:
        raise SeriesError(f"a fall of {fall} is not between 0 and 1: it is a fraction")
    return np.asarray(-np.expm1(np.asarray(betas, np.float64) * np.log1p(-fall)), np.float64)


def market_value_at_risk(market_value: ArrayLike, long_run_shortfall: ArrayLike) -> Floats:
    """Return the market value expected to be lost in a long fall of the market: ``W LRMES``.

    What can honestly be said where debt is not known.

    Parameters
    ----------
    market_value : array
        W, in any currency.
    long_run_shortfall : array
        LRMES, a positive fraction for a loss.

    Returns
    -------
    array
        In that currency, positive for a loss; NaN where either is.

    Raises
    ------
    SeriesError
        If a market value is negative.

    Examples
    --------
    >>> market_value_at_risk([3000.0, 500.0], [0.5, 0.1]).tolist()
    [1500.0, 50.0]
    """
    value = _not_negative(market_value, "market value")
    return np.asarray(value * np.asarray(long_run_shortfall, np.float64), np.float64)


def srisk(
    debt: ArrayLike,
    market_value: ArrayLike,
    long_run_shortfall: ArrayLike,
    capital_ratio: float = 0.08,
) -> Floats:
    """Return the capital that a firm would lack in a long fall of the market.

    ``SRISK = k D - (1 - k) (1 - LRMES) W``

    Parameters
    ----------
    debt : array
        Book value D of the liabilities; NaN where it is not known.
    market_value : array
        W, in the currency of the debt.
    long_run_shortfall : array
        LRMES, a positive fraction for a loss.
    capital_ratio : float
        Share k of its assets that a firm has to hold as equity.

    Returns
    -------
    array
        In that currency: positive where capital is lacking, negative where there is some to spare;
        NaN where debt, value or shortfall is.

    Raises
    ------
    SeriesError
        If the ratio is not between 0 and 1, or a debt or a market value negative.

    References
    ----------
    Brownlees and Engle (2017), SRISK: A Conditional Capital Shortfall Measure of Systemic Risk,
    Review of Financial Studies 30(1).

    Examples
    --------
    >>> srisk([900.0, float("nan")], [100.0, 100.0], 0.5).round(6).tolist()
    [26.0, nan]
    """
    if not 0 < capital_ratio < 1:
        raise SeriesError(f"a capital ratio of {capital_ratio} is not between 0 and 1")
    owed, value = _not_negative(debt, "debt"), _not_negative(market_value, "market value")
    kept = 1 - np.asarray(long_run_shortfall, np.float64)
    return np.asarray(capital_ratio * owed - (1 - capital_ratio) * kept * value, np.float64)


def system_srisk(shortfalls: ArrayLike) -> Floats:
    """Return the capital that all firms together would lack: the sum over those that lack some.

    What one firm has to spare does not help another.

    Parameters
    ----------
    shortfalls : array of shape (..., n_firms)
        SRISK of firms (`srisk`); NaN where it is not known.

    Returns
    -------
    array of shape (...)
        Sum of the positive ones; NaN where that of no firm is known.

    Examples
    --------
    >>> system_srisk([[26.0, -11.0, float("nan")], [float("nan")] * 3]).tolist()
    [26.0, nan]
    """
    values = np.asarray(shortfalls, np.float64)
    total = np.where(values > 0, values, 0.0).sum(axis=-1)
    return np.asarray(np.where(np.isnan(values).all(axis=-1), np.nan, total), np.float64)


def _not_negative(values: ArrayLike, name: str) -> Floats:
    numbers = np.asarray(values, np.float64)
    if (numbers < 0).any():
        raise SeriesError(f"a {name} of {numbers[numbers < 0][0]:g} is negative")
    return numbers
