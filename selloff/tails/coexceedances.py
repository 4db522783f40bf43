"""Coexceedances: how many series fall beyond their quantiles on one day, and if by chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff.resampling import resampled_rows
from selloff.series import SeriesError, matrix
from selloff.tails._windows import rolling_quantiles, rows_of_tail

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

# Days with this many or more are one bucket, as in Bae, Karolyi and Stulz.
MANY = 4
# Draws made at once: 20 of 11 series on 5,000 days are 9 megabytes.
DRAWS_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Coexceedances:
    """Which of k series fell beyond their own past quantile, on each of N days.

    Parameters
    ----------
    names : tuple
        The series.
    dates : Index
        The days: those with a full window before them.
    quantile : float
        Of the window before.
    exceeds : array of shape (N, k)
        Whether a series fell below it.
    count : array of shape (N,)
        How many did.
    bucket : array of shape (N,)
        0, 1, 2, 3, or 4 for four and more.
    """

    names: tuple[Any, ...]
    dates: pd.Index
    quantile: float
    exceeds: NDArray[np.bool_]
    count: Counts
    bucket: Counts


def coexceedances(
    series: pd.DataFrame, quantile: float = 0.05, *, window: int = 250
) -> Coexceedances:
    """Return how many series fell below their own quantile of the rows before, day by day.

    ``C_t = sum_i 1{ r_i,t < q_i(t - window, ..., t - 1) }``, the quantile of type 7.

    Parameters
    ----------
    series : DataFrame
        Returns, rows in ascending order of dates.
    quantile : float
        Share of days beyond it.
    window : int
        Rows before the day's own that its quantiles rest on.

    Returns
    -------
    Coexceedances
        Nothing from after a day enters it.

    Raises
    ------
    SeriesError
        If a series is unfit (`selloff.series.matrix`), there is no row after the first window, or
        the window is too short for the quantile.

    References
    ----------
    Bae, Karolyi and Stulz (2003), A New Approach to Measuring Financial Contagion, Review of
    Financial Studies 16(3).

    Examples
    --------
    >>> import pandas as pd
    >>> tech = [0.01, -0.01, 0.0, 0.02, -0.05, 0.01]
    >>> power = [0.0, 0.01, -0.01, 0.01, -0.04, -0.06]
    >>> found = coexceedances(pd.DataFrame({"XLK": tech, "XLU": power}), 0.25, window=4)
    >>> found.count.tolist(), found.exceeds.tolist()
    ([2, 1], [[True, True], [False, True]])
    """
    rows_of_tail(window, quantile)
    values = matrix(series, window + 1)
    edge = rolling_quantiles(values[:-1], window, quantile)
    exceeds = values[window:] < edge
    count = exceeds.sum(axis=1)
    return Coexceedances(
        tuple(series.columns),
        series.index[window:],
        quantile,
        exceeds,
        count,
        np.minimum(count, MANY),
    )


@dataclass(frozen=True, slots=True)
class CoexceedanceTest:
    """How many days had how many exceedances, beside what independent series would have had.

    Parameters
    ----------
    at_least : array of shape (k,)
        1, 2, ... k: series beyond their quantile.
    days : array of shape (k,)
        Days with as many or more.
    expected_days : array of shape (k,)
        Their mean over the draws.
    p_value : array of shape (k,)
        One-sided: chance of as many such days or more; not adjusted for their number.
    chance : array of shape (k,)
        Chance that a single day has as many or more.
    variance, expected_variance : float
        Of the daily count, and its mean over the draws.
    variance_p_value : float
        One-sided, of one test over all counts.
    n_draws : int
        Draws made.
    """

    at_least: Counts
    days: Counts
    expected_days: Floats
    p_value: Floats
    chance: Floats
    variance: float
    expected_variance: float
    variance_p_value: float
    n_draws: int


def coexceedance_test(
    exceeds: NDArray[np.bool_], *, draws: int = 499, block: float = 10.0, seed: int = 0
) -> CoexceedanceTest:
    """Test whether series fall together more often than their own clusters make likely.

    Each series' days are drawn again by a stationary bootstrap, independently of the others': a
    draw keeps how often and how clustered a series exceeds, and nothing of what it has in common
    with the others. The variance of the daily count is ``sum_i var(E_i) + sum_ij cov(E_i, E_j)``:
    only its second part differs from the draws.

    Parameters
    ----------
    exceeds : array of shape (N, k)
        Which series exceed on which day (`Coexceedances.exceeds`).
    draws : int
        Number of draws B; ``p = (1 + draws with as many or more) / (B + 1)``.
    block : float
        Mean number of days drawn together.
    seed : int
        The same seed, the same p-values.

    Returns
    -------
    CoexceedanceTest

    Raises
    ------
    SeriesError
        If there are fewer than two series, or blocks longer than the days.

    References
    ----------
    Politis and Romano (1994), The Stationary Bootstrap, Journal of the American Statistical
    Association 89.

    Examples
    --------
    >>> import numpy as np
    >>> together = np.repeat((np.arange(200) % 20 == 0)[:, None], 3, axis=1)
    >>> found = coexceedance_test(together, draws=99, block=1.0)
    >>> found.days.tolist(), found.variance_p_value
    ([10, 10, 10], 0.01)
    """
    found = np.asarray(exceeds, dtype=bool)
    n, k = found.shape
    if k < 2:  # noqa: PLR2004 - alone nothing falls together
        raise SeriesError(f"{k} series, at least 2 are needed")
    observed, variance = _days(found.sum(axis=1)[None], k)
    drawn = []
    random = np.random.default_rng(seed)
    for start in range(0, draws, DRAWS_AT_ONCE):
        size = min(DRAWS_AT_ONCE, draws - start)
        count = np.zeros((size, n), dtype=np.int64)
        for column in range(k):
            count += found[resampled_rows(n, size, block, random), column]
        drawn.append(_days(count, k))
    days, variances = (np.concatenate(each) for each in zip(*drawn, strict=True))
    expected = days.mean(axis=0)
    # Equal counts have equal variances but for rounding.
    as_high = int((variances >= variance[0] * (1 - 1e-12)).sum())
    return CoexceedanceTest(
        np.arange(1, k + 1),
        observed[0],
        expected,
        (1 + (days >= observed[0]).sum(axis=0)) / (draws + 1),
        expected / n,
        float(variance[0]),
        float(variances.mean()),
        (1 + as_high) / (draws + 1),
        draws,
    )


def _days(count: Counts, k: int) -> tuple[Counts, Floats]:
    """Return days with 1, 2, ... k exceedances or more, and the variance of the count."""
    at_least = np.stack([(count >= each).sum(axis=1) for each in range(1, k + 1)], axis=1)
    return at_least, count.var(axis=1)
