"""One vector autoregression: its fit, its moving average, its stability, and how many lags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selloff.series import SeriesError

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Below this share of its largest singular value a direction of the regressors is rounding noise.
RANK = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class VectorAutoregression:
    """A fit of ``y_t = c + A_1 y_{t-1} + ... + A_p y_{t-p} + e_t`` by least squares.

    Parameters
    ----------
    intercept : array of shape (k,)
        c, in the unit of the series.
    coefficients : array of shape (k, k p)
        A_1 .. A_p side by side: row i is the equation of series i.
    covariance : array of shape (k, k)
        ``E'E / n`` of the n residuals, not corrected for degrees of freedom: the correction cancels
        in every share.
    residuals : array of shape (n, k)
        E, in the unit of the series.
    """

    intercept: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]
    residuals: NDArray[np.float64]


def rows_needed(n_series: int, lags: int) -> int:
    """Return the rows of a window below which its residuals have no covariance of full rank.

    ``p`` rows are lags, an equation has ``1 + k p`` coefficients, and k residual rows must be left:
    ``p + 1 + k p + k``.

    Parameters
    ----------
    n_series, lags : int
        k and p.

    Returns
    -------
    int
        Rows.

    Examples
    --------
    >>> rows_needed(11, 4)
    60
    """
    return lags + 1 + n_series * lags + n_series


def refuse_window(window: int, n_series: int, lags: int) -> None:
    """Refuse a window that is too short for its parameters, and a model without lags.

    Parameters
    ----------
    window, n_series, lags : int
        Rows, k and p.

    Raises
    ------
    SeriesError
        With the numbers.

    Examples
    --------
    >>> refuse_window(40, 11, 4)
    Traceback (most recent call last):
    ...
    selloff.series.SeriesError: 40 rows, at least 60 are needed for 4 lags of 11 series
    """
    if lags < 1:
        raise SeriesError(f"{lags} lags, at least 1 is needed")
    needed = rows_needed(n_series, lags)
    if window < needed:
        raise SeriesError(
            f"{window} rows, at least {needed} are needed for {lags} lags of {n_series} series"
        )


def regressors(values: NDArray[np.float64], lags: int) -> NDArray[np.float64]:
    """Return the lags of each row side by side, nearest first.

    Parameters
    ----------
    values : array of shape (T, k)
        Series, in time order.
    lags : int
        p; may be 0.

    Returns
    -------
    array of shape (T - p, k p)
        Row i holds ``y_{t-1} .. y_{t-p}`` of t = p + i.

    Examples
    --------
    >>> regressors(np.array([[1.0], [2.0], [3.0], [4.0]]), 2).tolist()
    [[2.0, 1.0], [3.0, 2.0]]
    """
    n = len(values) - lags
    none = np.empty((n, 0))
    return np.hstack([none, *(values[lags - j : lags - j + n] for j in range(1, lags + 1))])


def fit(values: NDArray[np.float64], lags: int) -> VectorAutoregression:
    """Fit a vector autoregression with an intercept by least squares.

    The singular value decomposition of the centred, scaled regressors is used, which squares no
    condition number: this is what the fast fits of many windows (`rolling_fits`) are held against.

    Parameters
    ----------
    values : array of shape (T, k)
        Series in time order, finite (`selloff.series.matrix`).
    lags : int
        p.

    Returns
    -------
    VectorAutoregression
        Of T - p rows.

    Raises
    ------
    SeriesError
        If there are too few rows, or the lags are linear combinations of each other.

    References
    ----------
    Luetkepohl (2005), New Introduction to Multiple Time Series Analysis, section 3.2.

    Examples
    --------
    >>> found = fit(np.array([[1.0], [0.6], [0.4], [0.3], [0.25]]), 1)
    >>> found.intercept.round(6).tolist(), found.coefficients.round(6).tolist()
    ([0.1], [[0.5]])
    """
    refuse_window(len(values), values.shape[1], lags)
    x, y = regressors(values, lags), values[lags:]
    x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
    x, y = x - x_mean, y - y_mean
    scale = np.linalg.norm(x, axis=0)
    if not scale.all():
        raise SeriesError("a series does not move in the rows that are lags")
    slopes, _, rank, _ = np.linalg.lstsq(x / scale, y, rcond=RANK)
    if rank < x.shape[1]:
        raise SeriesError(
            f"{x.shape[1]} lags of series have rank {rank}: some are combinations of the others"
        )
    slopes /= scale[:, None]
    residuals = y - x @ slopes
    return VectorAutoregression(
        intercept=y_mean - x_mean @ slopes,
        coefficients=np.ascontiguousarray(slopes.T),
        covariance=residuals.T @ residuals / len(y),
        residuals=residuals,
    )


def responses(
    coefficients: NDArray[np.float64], impact: NDArray[np.float64], horizon: int
) -> NDArray[np.float64]:
    """Return what an impact has become h rows later, for many models at once.

    ``Psi_h S`` with ``Psi_0 = I``, ``Psi_h = sum_{j=1..min(h,p)} A_j Psi_{h-j}``: the moving
    average of the autoregression times the impact S, found without the former.

    Parameters
    ----------
    coefficients : array of shape (n, k, k p)
        A_1 .. A_p side by side.
    impact : array of shape (n, k, m)
        S: the covariance, a factor of it, or the identity (which gives the moving average).
    horizon : int
        Terms H.

    Returns
    -------
    array of shape (n, H, k, m)
        Term h = H - 1 - i at place i: **latest first**. Sums over h need no order.

    Raises
    ------
    ValueError
        If there is no term.

    Examples
    --------
    >>> halved, unit = np.array([[[0.5]]]), np.ones((1, 1, 1))
    >>> responses(halved, unit, 3).ravel().tolist()
    [0.25, 0.5, 1.0]
    """
    if horizon < 1:
        raise ValueError(f"a horizon of {horizon} terms, at least 1 is needed")
    n, k, columns = coefficients.shape
    lags, m = columns // k, impact.shape[2]
    # Latest first, so that the p terms a new one is made of are one block, in the order of the A_j;
    # the terms before the impact are zero.
    terms = np.zeros((n, (horizon + lags - 1) * k, m))
    at = (horizon - 1) * k
    terms[:, at : at + k] = impact
    for start in range(at - k, -1, -k):
        before = terms[:, start + k : start + k + columns]
        np.matmul(coefficients, before, out=terms[:, start : start + k])
    return terms[:, : horizon * k].reshape(n, horizon, k, m)


def moving_average(coefficients: NDArray[np.float64], horizon: int) -> NDArray[np.float64]:
    """Return the moving-average terms Psi_0 .. Psi_{H-1} of a vector autoregression.

    Parameters
    ----------
    coefficients : array of shape (k, k p)
        A_1 .. A_p side by side.
    horizon : int
        Terms H.

    Returns
    -------
    array of shape (H, k, k)
        In order, the identity first.

    Examples
    --------
    >>> moving_average(np.array([[0.5, 0.2], [0.0, 0.5]]), 3).round(2).tolist()
    [[[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.2], [0.0, 0.5]], [[0.25, 0.2], [0.0, 0.25]]]
    """
    unit = np.eye(len(coefficients))[None]
    return responses(coefficients[None], unit, horizon)[0, ::-1]


def spectral_radius(coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest modulus of the companion matrix's eigenvalues, for many models at once.

    Parameters
    ----------
    coefficients : array of shape (n, k, k p)
        A_1 .. A_p side by side.

    Returns
    -------
    array of shape (n,)
        Below one the model is stable; NaN where a coefficient is not finite.

    Examples
    --------
    >>> spectral_radius(np.array([[[0.5, 0.5]], [[1.0, 0.5]]])).round(3).tolist()
    [1.0, 1.366]
    """
    n, k, columns = coefficients.shape
    found = np.full(n, np.nan)
    is_finite = np.isfinite(coefficients).all(axis=(1, 2))
    companion = np.zeros((int(is_finite.sum()), columns, columns))
    companion[:, :k] = coefficients[is_finite]
    companion[:, k:, :-k] = np.eye(columns - k)
    found[is_finite] = np.abs(np.linalg.eigvals(companion)).max(axis=1)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class LagChoice:
    """How well each number of lags does, and which each criterion takes.

    Parameters
    ----------
    aic, hq, bic, fpe : array of shape (largest,)
        Akaike's, Hannan and Quinn's, and Schwarz's criterion, and the final prediction error, of 1,
        2, .. lags.
    """

    aic: NDArray[np.float64]
    hq: NDArray[np.float64]
    bic: NDArray[np.float64]
    fpe: NDArray[np.float64]

    def best(self, criterion: str = "bic") -> int:
        """Return the number of lags at which a criterion is least.

        Parameters
        ----------
        criterion : str
            `aic`, `hq`, `bic` or `fpe`.

        Returns
        -------
        int
            From 1; the fewest of those that are equal.

        Examples
        --------
        >>> none = np.zeros(3)
        >>> LagChoice(aic=np.array([3.0, 1.0, 2.0]), hq=none, bic=none, fpe=none).best("aic")
        2
        """
        return int(np.argmin(getattr(self, criterion))) + 1


def lag_choice(values: NDArray[np.float64], largest: int) -> LagChoice:
    """Judge 1, 2, .. lags, all on the same rows.

    With n rows after the first `largest`, ``ln det(E'E / n) + c_n (p k^2 + k) / n``, where c_n is 2
    (AIC), 2 ln ln n (HQ) or ln n (BIC). To choose for a date, give the rows up to that date: a
    choice from the full sample, as pyconnectedness makes it, looks ahead.

    Parameters
    ----------
    values : array of shape (T, k)
        Series in time order, finite.
    largest : int
        Most lags to consider.

    Returns
    -------
    LagChoice
        As R `vars::VARselect(type = "const")`.

    Raises
    ------
    SeriesError
        If there are too few rows for so many lags.

    References
    ----------
    Luetkepohl (2005), New Introduction to Multiple Time Series Analysis, section 4.3.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> lag_choice(random.standard_normal((200, 2)).cumsum(axis=0), 4).best("bic")
    1
    """
    k, n = values.shape[1], len(values) - largest
    log_determinant, fpe = np.empty(largest), np.empty(largest)
    lags = np.arange(1, largest + 1)
    for p in lags.tolist():
        covariance = fit(values[largest - p :], p).covariance
        log_determinant[p - 1] = np.linalg.slogdet(covariance)[1]
        count = p * k + 1
        fpe[p - 1] = ((n + count) / (n - count)) ** k * np.exp(log_determinant[p - 1])
    penalty = (lags * k**2 + k) / n
    return LagChoice(
        aic=log_determinant + 2 * penalty,
        hq=log_determinant + 2 * np.log(np.log(n)) * penalty,
        bic=log_determinant + np.log(n) * penalty,
        fpe=fpe,
    )
