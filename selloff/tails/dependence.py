"""Lower tail dependence: how often one series is at its worst when another is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff.series import matrix
from selloff.tails._windows import parts, rows_of_tail, windows

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TailDependence:
    """Joint lower tails of k series in each of N windows; the first axis of a pair conditions.

    Parameters
    ----------
    names : tuple
        The series.
    dates : Index
        Last row of each window.
    n : int
        Rows of a window.
    days : array of shape (N, k)
        Days on which a series is in its own tail.
    joint_days : array of shape (N, k, k)
        Days on which both are.
    dependence : array of shape (N, k, k)
        Share of the days of the first that are days of the second too, in [0, 1].
    excess : array of shape (N, k, k)
        What of it independent series would not have.
    standard_error : array of shape (N, k, k)
        Of the excess, if the series were independent; 0 of a series with itself.
    p_value : array of shape (N, k, k)
        Chance of as many joint days or more, if they were independent; 1 of a series with itself.
    chi_bar : array of shape (N, k, k)
        In [-1, 1]: 1 where tails coincide ever more often the further out, 0 for independence; NaN
        of series that are in their tails on all days.
    """

    names: tuple[Any, ...]
    dates: pd.Index
    n: int
    days: Counts
    joint_days: Counts
    dependence: Floats
    excess: Floats
    standard_error: Floats
    p_value: Floats
    chi_bar: Floats


def tail_dependence(
    series: pd.DataFrame, quantile: float = 0.05, *, window: int | None = None
) -> TailDependence:
    """Return how often series are in their lower tails together, for all pairs and windows.

    A series is in its tail on the ``m = floor(q n)`` lowest of the n rows of the window, and on
    those equal to the highest of them. With n_i such days of series i, and c_ij of both::

        lambda_ij = c_ij / n_i        excess_ij = lambda_ij - n_j / n
        chi_bar_ij = (log(n_i / n) + log(n_j / n)) / log(c_ij / n) - 1

    If rows were exchangeable and the series independent, c_ij would be hypergeometric: this gives
    the standard error, and the p-value of Fisher's exact test. Volatility that clusters in both
    makes joint days likelier than that: `selloff.tails.coexceedances` tests with clusters kept.

    Parameters
    ----------
    series : DataFrame
        Returns, rows in ascending order of dates.
    quantile : float
        Share q of days in the tail.
    window : int, optional
        Rows of a window, its last included; one window of all rows without it.

    Returns
    -------
    TailDependence
        A window's numbers depend on its rows alone. Without ties n_i / n is m / n, near q.

    Raises
    ------
    SeriesError
        If a series is unfit (`selloff.series.matrix`), or the window too short for the quantile.

    References
    ----------
    Joe (1997), Multivariate Models and Dependence Concepts; Coles, Heffernan and Tawn (1999),
    Dependence Measures for Extreme Value Analyses, Extremes 2(4).

    Examples
    --------
    >>> import pandas as pd
    >>> tech = [-0.05, -0.04, 0.01, 0.02, 0.00, 0.01, 0.03, 0.02, 0.01, 0.02]
    >>> chips = [-0.09, -0.01, 0.02, 0.05, -0.02, 0.0, 0.06, 0.04, 0.03, 0.01]
    >>> found = tail_dependence(pd.DataFrame({"XLK": tech, "SOX": chips}), 0.2)
    >>> found.dependence[0].tolist(), found.excess[0, 0, 1].round(2).item()
    ([[1.0, 0.5], [0.5, 1.0]], 0.3)
    """
    rows = len(series) if window is None else window
    rows_of_tail(rows, quantile)
    values = matrix(series, rows, 2)
    # Rounding must not make 0.05 of 100 rows four days.
    most = int(np.floor(quantile * rows * (1 + 1e-12)))
    seen = windows(values, rows)
    n_windows, k = seen.shape[:2]
    joint = np.empty((n_windows, k, k), dtype=np.int64)
    for some in parts(n_windows, rows * k):
        part = seen[some]
        edge = np.partition(part, most - 1, axis=2)[:, :, most - 1, None]
        # Counts are exact in single precision, and products of it twice as fast.
        low = (part <= edge).astype(np.float32)
        joint[some] = low @ low.swapaxes(1, 2)
    days = np.einsum("nii->ni", joint).copy()
    share = days / rows
    dependence = joint / days[:, :, None]
    error, p_value = _if_independent(joint, days, rows)
    # A series that stands still is in its tail on every day: 0 / 0, no coefficient.
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(share)
        chi_bar = (logs[:, :, None] + logs[:, None, :]) / np.log(joint / rows) - 1
    return TailDependence(
        tuple(series.columns),
        series.index[rows - 1 :],
        rows,
        days,
        joint,
        dependence,
        dependence - share[:, None, :],
        error,
        p_value,
        chi_bar,
    )


def _if_independent(joint: Counts, days: Counts, n: int) -> tuple[Floats, Floats]:
    """Return standard errors of the dependence and chances of as many joint days or more."""
    first, second = np.broadcast_arrays(days[:, :, None], days[:, None, :])
    variance = second / n * (1 - second / n) * (n - first) / (first * max(n - 1, 1))
    error = np.sqrt(variance)
    # Windows share few different counts: each is looked at once.
    packed = (first * (n + 1) + second) * (n + 1) + joint
    different, back = np.unique(packed, return_inverse=True)
    chances = _at_least(
        different % (n + 1), different // (n + 1) ** 2, different // (n + 1) % (n + 1), n
    )
    p_value = chances[back].reshape(joint.shape)
    own = np.arange(joint.shape[1])
    error[:, own, own] = 0.0
    p_value[:, own, own] = 1.0
    return error, p_value


def _at_least(count: Counts, first: Counts, second: Counts, n: int) -> Floats:
    """Return the hypergeometric chance of `count` or more of n rows being in both."""
    from scipy.special import gammaln

    def ways(total: Any, chosen: Any) -> Any:
        return gammaln(total + 1.0) - gammaln(chosen + 1.0) - gammaln(total - chosen + 1.0)

    found = np.empty(len(count))
    for place, (least, one, other) in enumerate(zip(count, first, second, strict=True)):
        start = max(int(least), int(one + other) - n)
        joint = np.arange(start, min(one, other) + 1)
        logs = ways(one, joint) + ways(n - one, other - joint) - ways(n, other)
        found[place] = min(1.0, float(np.exp(logs).sum()))
    return found
