"""Connectedness in the tails: vector autoregressions of quantiles instead of means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._window_sums import rows_between
from selloff.quantile_regression import quantile_regression, refuse_quantile
from selloff.series import NOISE, SeriesError, matrix
from selloff.spillover.decompositions import generalized
from selloff.spillover.spillovers import Conventions, Spillovers
from selloff.spillover.vector_autoregression import refuse_window, spectral_radius

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

# Values of regressors solved at once: 2 megabytes, of 11 series over 250 rows 7 windows.
CELLS = 262_144


@dataclass(frozen=True, slots=True)
class _Model:
    quantile: float
    lags: int
    is_centred: bool


def quantile_connectedness(  # noqa: PLR0913 - the eighth decides what tails mean
    series: pd.DataFrame,
    *,
    quantile: float,
    lags: int = 1,
    horizon: int = 10,
    window: int | None = None,
    since: Any = None,
    until: Any = None,
    is_centred: bool = False,
) -> Spillovers:
    """Return connectedness in a vector autoregression of a quantile.

    Each equation is a quantile regression on an intercept and the lags of all series, E its
    residuals, in the field **not centred**::

        (c, B) = argmin sum_t rho(y_t - c - B z_t)      S = E'E / n

    B and S are decomposed as those of a vector autoregression are.

    Beware of tails: at the quantile 0.05 nineteen of twenty errors have one sign, and the product
    of their means enters S as if it were covariance. Four *independent* normal series so have a
    total of 0.61 at 0.05 and at 0.95, and of nothing at the median; the volatilities of Diebold and
    Yilmaz (2012) have 0.65, 0.17 and 0.65. From centred errors the latter have 0.16, 0.17, 0.17.

    Parameters
    ----------
    series : DataFrame
        One row per date, ascending; one column per series, without gaps.
    quantile : float
        Between 0 and 1: 0.05 for the lower tail.
    lags : int
        Lags p.
    horizon : int
        Terms summed, h = 0 .. horizon - 1.
    window : int, optional
        Rows of a window, of which the first p are only regressors; all rows without it.
    since, until : date, optional
        Only windows that end from the one to the other, both included; they are the same to the
        last bit as among all others.
    is_centred : bool
        Whether S is the covariance of the errors about their mean, so that independent series have
        no connectedness at any quantile. The field's is not.

    Returns
    -------
    Spillovers
        Generalized shares. NaN in a window in which the lags of a column are constant or a
        combination of the others, or its rows are all met exactly.

    Raises
    ------
    SeriesError
        If the quantile is no fraction, a series is unfit, or a window has too few rows.

    References
    ----------
    Chatziantoniou, Gabauer and Stenfors (2021), Interest Rate Swaps and the Transmission Mechanism
    of Monetary Policy: A Quantile Connectedness Approach, Economics Letters 204, 109891; Ando,
    Greenwood-Nimmo and Shin (2022), Quantile Connectedness, Management Science 68(4), 2401-2431.
    Centring is ours.

    Examples
    --------
    >>> import pandas as pd
    >>> random = np.random.default_rng(7)
    >>> days = pd.bdate_range("2024-01-02", periods=300)
    >>> apart = pd.DataFrame(random.normal(0, 0.01, (300, 2)), days, ["XLK", "XLU"])
    >>> quantile_connectedness(apart, quantile=0.05).total.round(2).tolist()
    [0.36]
    >>> quantile_connectedness(apart, quantile=0.05, is_centred=True).total.round(2).tolist()
    [0.01]
    """
    model = _Model(quantile, lags, is_centred)
    return _spillovers(series, model, horizon, window, (since, until))


def _spillovers(
    series: pd.DataFrame, model: _Model, horizon: int, window: int | None, span: tuple[Any, Any]
) -> Spillovers:
    refuse_quantile(model.quantile)
    lags, k = model.lags, len(series.columns)
    length = len(series) if window is None else window
    refuse_window(length, k, lags)
    values = matrix(series, length, n_columns=2)
    first, last = rows_between(series.index, length, *span)
    ends = np.arange(first, last + 1)
    coefficients, covariance = _fitted(values, ends, length, model)
    shares = generalized(coefficients, covariance, horizon)
    radius = spectral_radius(coefficients)
    detail = f"quantile {model.quantile:g}, errors {'' if model.is_centred else 'not '}centred"
    how = Conventions("quantile_var", "generalized", length, length - lags, lags, horizon, detail)
    return Spillovers(tuple(map(str, series.columns)), series.index[ends], shares, radius, how)


def _fitted(
    values: NDArray[np.float64], ends: NDArray[np.int64], window: int, model: _Model
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    k, lags = values.shape[1], model.lags
    coefficients = np.full((len(ends), k, k * lags), np.nan)
    covariance = np.full((len(ends), k, k), np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(values, window, axis=0)
    step = max(1, CELLS // (window * k * (1 + k * lags)))
    for start in range(0, len(ends), step):
        some = slice(start, start + step)
        rows = windows[ends[some] - window + 1].swapaxes(1, 2)
        coefficients[some], covariance[some] = _solved(rows, model)
    return coefficients, covariance


def _solved(
    rows: NDArray[np.float64], model: _Model
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Regress in windows (n, rows, k); one that has no solution is left NaN, and alone."""
    n, length, k = rows.shape
    lags = model.lags
    lagged = [rows[:, lags - lag : length - lag] for lag in range(1, lags + 1)]
    design = np.concatenate([np.ones((n, length - lags, 1)), *lagged], axis=2)
    response = rows[:, lags:]
    try:
        found = quantile_regression(response.swapaxes(1, 2), design[:, None], model.quantile)
    except SeriesError:
        if n == 1:
            return np.full((1, k, k * lags), np.nan), np.full((1, k, k), np.nan)
        halves = (_solved(half, model) for half in (rows[: n // 2], rows[n // 2 :]))
        coefficients, covariance = (np.concatenate(pair) for pair in zip(*halves, strict=True))
        return coefficients, covariance
    errors = response - design @ found.swapaxes(1, 2)
    # A series whose every row is met has errors of rounding, and no share of anything.
    is_met = (errors**2).sum(axis=1) <= NOISE**2 * (response**2).sum(axis=1)
    found[is_met.any(axis=1)] = errors[is_met.any(axis=1)] = np.nan
    if model.is_centred:
        errors -= errors.mean(axis=1, keepdims=True)
    return found[:, :, 1:], errors.swapaxes(1, 2) @ errors / (length - lags)
