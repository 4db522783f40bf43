"""R-squared connectedness: what others, today and before, explain of each series' variance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._window_sums import rows_between
from selloff.series import SeriesError, matrix
from selloff.spillover.rolling_fits import LEFT, window_products
from selloff.spillover.spillovers import Conventions, Spillovers

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class RSquared:
    """Connectedness by explained variance, and its two parts, which add up between series.

    Of each, what a row receives is the part of its variance that other series explain; the rest,
    its own past and what nothing explains, is its own share, so that rows sum to one.

    Parameters
    ----------
    total : Spillovers
        Both parts.
    contemporaneous : Spillovers
        Explained by the other series of the same row.
    lagged : Spillovers
        Explained by the other series of the rows before.
    """

    total: Spillovers
    contemporaneous: Spillovers
    lagged: Spillovers


def r_squared_connectedness(series: pd.DataFrame, *, lags: int = 0) -> RSquared:
    """Return what the others explain of each series, over all rows of a frame.

    Each series is regressed on the others of its row and on the lags of all; Genizi's parts of the
    R-squared are, with R the correlations of the regressors and r theirs with the series::

        part_j = sum_l (R^(1/2))_jl^2 ((R^(-1/2) r)_l)^2

    They are not negative, and sum to the R-squared. What is taken of a series' own lags is not
    received from others.

    Parameters
    ----------
    series : DataFrame
        One row per date, ascending; one column per series of returns or volatilities, in any unit.
    lags : int
        p; 0 for the same row only, and then the lagged part is nothing.

    Returns
    -------
    RSquared
        Of one window, dated by its last row. NaN if regressors are combinations of each other.

    Raises
    ------
    SeriesError
        If a value is missing, a column does not move or repeats others, or there are too few rows.

    References
    ----------
    Genizi (1993), Decomposition of R2 in Multiple Regression with Correlated Regressors, Statistica
    Sinica 3; Naeem, Chatziantoniou, Gabauer and Karim (2023), International Review of Financial
    Analysis; Balli, Balli, Dang and Gabauer (2023), Finance Research Letters 57 (lags).

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.bdate_range("2025-01-01", periods=4)
    >>> two = pd.DataFrame({"XLK": [1.0, -1.0, 1.0, -1.0], "XLU": [3.0, 1.0, -1.0, -3.0]}, days)
    >>> found = r_squared_connectedness(two)
    >>> found.total.from_others.round(6).tolist(), round(np.corrcoef(two.T)[0, 1] ** 2, 6)
    ([[0.2, 0.2]], np.float64(0.2))
    """
    return rolling_r_squared_connectedness(series, window=len(series), lags=lags)


def rolling_r_squared_connectedness(
    series: pd.DataFrame, *, window: int, lags: int = 0, since: Any = None, until: Any = None
) -> RSquared:
    """Return what the others explain of each series in the window that ends at each row.

    Each is what `r_squared_connectedness` finds in the window's rows alone.

    Parameters
    ----------
    series : DataFrame
        One row per date, ascending; one column per series of returns or volatilities, in any unit.
    window : int
        Rows of a window, all of them used: ``window - lags`` are regressed.
    lags : int
        p; 0 for the same row only, and then the lagged part is nothing.
    since, until : label of the index, optional
        Only the windows that end from this date, to this date, both included; the same to the last
        bit as without.

    Returns
    -------
    RSquared
        NaN for a window in which regressors do not move or are combinations of each other.

    Raises
    ------
    SeriesError
        If a value is missing, a column never moves or repeats others, or there are too few rows.

    References
    ----------
    As `r_squared_connectedness`.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.bdate_range("2025-01-01", periods=5)
    >>> two = pd.DataFrame({"XLK": [1.0, -1, 1, -1, 1], "XLU": [3.0, 1, -1, -3, 0]}, days)
    >>> rolling_r_squared_connectedness(two, window=4).total.total.round(3).tolist()
    [0.2, 0.029]
    """
    n_series = len(series.columns)
    _refuse(window, n_series, lags)
    values = matrix(series, n_needed=window, n_columns=2)
    first, last = rows_between(series.index, window, since, until)
    n = max(last - first + 1, 0)
    parts = np.empty((2, n, n_series, n_series))
    for at, products in window_products(values, window, lags, first, last):
        parts[:, at] = genizi(_correlations(products), n_series)
    dates = series.index[first : first + n]
    names = tuple(map(str, series.columns))

    def spillovers(received: NDArray[np.float64], detail: str) -> Spillovers:
        how = Conventions("r_squared", "genizi", window, window - lags, lags, 0, detail)
        return Spillovers(names, dates, _filled(received), np.full(n, np.nan), how)

    return RSquared(
        total=spillovers(parts.sum(axis=0), "contemporaneous and lagged"),
        contemporaneous=spillovers(parts[0], "contemporaneous"),
        lagged=spillovers(parts[1], "lagged"),
    )


def genizi(correlations: NDArray[np.float64], n_series: int) -> NDArray[np.float64]:
    """Return Genizi's parts of the R-squared of each series, on the others and on all lags.

    Parameters
    ----------
    correlations : array of shape (n, k (p + 1), k (p + 1))
        Of the lags, nearest first, then of the present.
    n_series : int
        k.

    Returns
    -------
    array of shape (2, n, k, k)
        The contemporaneous parts, then the sum of the lagged ones; rows receive, columns send. The
        contemporaneous diagonal is nothing, the lagged one is the series' own past. NaN where
        regressors are combinations of each other.

    Examples
    --------
    >>> genizi(np.array([[[1.0, 0.5], [0.5, 1.0]]]), 2)[0].tolist()
    [[[0.0, 0.25], [0.25, 0.0]]]
    """
    n, width, _ = correlations.shape
    n_lags = width - n_series
    parts = np.zeros((2, n, n_series, n_series))
    is_fit = np.isfinite(correlations).all(axis=(1, 2))
    some = correlations[is_fit]
    for target in range(n_series):
        others = np.delete(np.arange(width), n_lags + target)
        found = _parts(some[:, others[:, None], others], some[:, others, n_lags + target])
        senders = others[n_lags:] - n_lags
        parts[0, np.flatnonzero(is_fit)[:, None], target, senders] = found[:, n_lags:]
        past = found[:, :n_lags].reshape(len(some), n_lags // n_series, n_series)
        parts[1, is_fit, target] = past.sum(axis=1)
    parts[:, ~(is_fit & np.isfinite(parts).all(axis=(0, 2, 3)))] = np.nan
    return parts


def _parts(
    regressors: NDArray[np.float64], with_target: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return each regressor's part of the R-squared, of shape (n, m)."""
    values, vectors = np.linalg.eigh(regressors)
    values[values[:, 0] < LEFT * values[:, -1]] = np.nan
    roots = np.sqrt(values)
    turned = np.einsum("nji,nj->ni", vectors, with_target) / roots
    root = (vectors * roots[:, None, :]) @ vectors.swapaxes(1, 2)
    weights = np.einsum("nij,nj->ni", vectors, turned) ** 2
    found: NDArray[np.float64] = np.einsum("nij,nj->ni", root**2, weights)
    return found


def _correlations(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the correlations in products of rows; NaN of a column that stands still."""
    sums, count = products[:, 0, 1:], products[:, 0, 0]
    moments = products[:, 1:, 1:] - sums[:, :, None] * sums[:, None, :] / count[:, None, None]
    squares = np.einsum("nii->ni", products)[:, 1:]
    variances = np.einsum("nii->ni", moments)
    deviations = np.sqrt(np.where(variances > LEFT * squares, variances, np.nan))
    found: NDArray[np.float64] = moments / (deviations[:, :, None] * deviations[:, None, :])
    return found


def _filled(received: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put on the diagonal what others leave."""
    places = np.arange(received.shape[1])
    received = received.copy()
    received[:, places, places] = 0.0
    received[:, places, places] = 1 - received.sum(axis=2)
    return received


def _refuse(window: int, n_series: int, lags: int) -> None:
    if lags < 0:
        raise SeriesError(f"{lags} lags, at least 0 are needed")
    # An intercept and k - 1 + k p regressors, one row to judge by, and the lags.
    needed = n_series * (lags + 1) + 1 + lags
    if window < needed:
        raise SeriesError(
            f"{window} rows, at least {needed} are needed for {lags} lags of {n_series} series"
        )
