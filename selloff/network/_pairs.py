"""Whether the past of one series helps to predict another, for all ordered pairs and windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selloff.series import NOISE

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Of lags whose variance the others explain but for this share, nothing can be said.
COLLINEAR_SHARE = 1e-10


class Pairs(NamedTuple):
    """Regressions of windows, each of k x k ordered pairs: [..., source, target].

    Parameters
    ----------
    wald, f : array of shape (..., k, k)
        Newey-West Wald statistic and classical F; NaN for a series and itself, and where lags are
        collinear.
    coefficient, standard_error : array of shape (..., k, k)
        Sum of the coefficients of the source's lags, and its Newey-West standard error.
    """

    wald: NDArray[np.float64]
    f: NDArray[np.float64]
    coefficient: NDArray[np.float64]
    standard_error: NDArray[np.float64]


def n_parameters(lags: int) -> int:
    """Return the coefficients of a pair's regression: an intercept, own lags, the source's lags.

    Examples
    --------
    >>> n_parameters(1)
    3
    """
    return 2 * lags + 1


def regressed(values: NDArray[np.float64], lags: int, bandwidth: int) -> Pairs:
    """Regress each series on its own lags and, one after the other, on those of each other one.

    What an intercept and the target's own lags explain is taken out of the target and of all lags
    of the sources (Frisch and Waugh): p coefficients are then left of 2 p + 1, and their sandwich
    is the block of the full one.

    Parameters
    ----------
    values : array of shape (N, n + lags, k), or (n + lags, k)
        Returns of N windows, or of one.
    lags, bandwidth : int
        Lags p of target and source, and L of the covariance.

    Returns
    -------
    Pairs
        Of the N windows, or of the one.

    Examples
    --------
    >>> leader = np.array([1.0, -1.0, 2.0, 0.0, -2.0, 1.0, -1.0, 0.0])
    >>> follower = np.array([0.5, 1.1, -0.9, 2.1, 0.1, -2.1, 0.9, -1.1])
    >>> found = regressed(np.stack([leader, follower], axis=1), lags=1, bandwidth=0)
    >>> round(float(found.coefficient[0, 1]), 2)
    1.06
    """
    if values.ndim == 2:  # noqa: PLR2004 - rows and series
        return Pairs(*(each[0] for each in regressed(values[None], lags, bandwidth)))
    target, rest, spread = _partialled(values, lags)
    inner = rest @ rest.swapaxes(-1, -2)
    outer = (rest @ target[:, :, None, :, None])[..., 0]
    unknown = _are_collinear(inner, spread)
    inner[unknown] = np.eye(lags)
    slopes = np.linalg.solve(inner, outer[..., None])
    errors = target[:, :, None, :] - (slopes.swapaxes(-1, -2) @ rest)[..., 0, :]
    n = errors.shape[-1]
    freedom = n - n_parameters(lags)
    variance = (errors * errors).sum(axis=-1) / freedom
    rest *= errors[..., None, :]
    meat = _bartlett(rest, bandwidth) * (n / freedom)
    unknown |= _are_collinear(meat, np.diagonal(meat, axis1=-2, axis2=-1))
    meat[unknown] = np.eye(lags)
    weights = np.linalg.solve(inner, np.ones((lags, 1)))
    error_variance = (weights.swapaxes(-1, -2) @ meat @ weights)[..., 0, 0]
    wald = (outer * np.linalg.solve(meat, outer[..., None])[..., 0]).sum(axis=-1)
    variance[unknown] = np.nan
    f = (slopes[..., 0] * outer).sum(axis=-1) / lags / variance
    found = (wald, f, slopes.sum(axis=(-1, -2)), np.sqrt(error_variance))
    return Pairs(*(np.where(unknown, np.nan, each).swapaxes(1, 2) for each in found))


def _partialled(
    values: NDArray[np.float64], lags: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Take an intercept and each target's own lags out of it and of every source's lags.

    Returns
    -------
    target : array of shape (N, k, n)
        What is left of each target.
    rest : array of shape (N, k, k, lags, n)
        What is left, beside each target, of each source's lags; 0 where the target's own lags are
        collinear.
    spread : array of shape (N, 1, k, lags)
        Squares of the lags about their means, infinite for one that does not move.
    """
    rows = values.swapaxes(1, 2)
    n_windows, width, n = rows.shape
    n -= lags
    # [window, series, lag, row], about the mean.
    past = np.stack([rows[..., lags - lag : lags - lag + n] for lag in range(1, lags + 1)], axis=2)
    level = np.square(past).sum(axis=-1)
    past -= past.mean(axis=-1, keepdims=True)
    spread = np.square(past).sum(axis=-1)
    spread[spread <= NOISE**2 * level] = np.inf
    basis, triangle = np.linalg.qr(past.swapaxes(-1, -2))
    unexplained = np.square(np.diagonal(triangle, axis1=-2, axis2=-1))
    is_usable = (unexplained > COLLINEAR_SHARE * spread).all(axis=-1)
    target = rows[..., lags:] - rows[..., lags:].mean(axis=-1, keepdims=True)
    across = basis.swapaxes(-1, -2)
    target -= ((target[:, :, None, :] @ basis) @ across)[:, :, 0]
    every = past.reshape(n_windows, 1, width * lags, n)
    rest = every - (every @ basis) @ across
    rest *= is_usable[..., None, None]
    return target, rest.reshape(n_windows, width, width, lags, n), spread[:, None]


def _are_collinear(products: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return whether eliminating one row after the other leaves too little of one's spread."""
    left = products.copy()
    found = np.zeros(left.shape[:-2], dtype=bool)
    for at in range(left.shape[-1]):
        unexplained = left[..., at, at]
        found |= ~(unexplained > COLLINEAR_SHARE * spread[..., at])
        shares = left[..., at, :] / np.where(found, np.inf, unexplained)[..., None]
        left -= shares[..., :, None] * left[..., at, None, :]
    return found


def _bartlett(scores: NDArray[np.float64], bandwidth: int) -> NDArray[np.float64]:
    """Return the products of scores summed with Bartlett's weights, positive semidefinite.

    With L the bandwidth and G_h the sum of ``s_t s_{t-h}'``::

        G_0 + sum_{h=1..L} (1 - h/(L+1)) (G_h + G_h') = sum_t c_t c_t' / (L + 1)
        c_t = s_t + ... + s_{t+L}, over all t at which one of them exists
    """
    *shape, n = scores.shape
    sums = np.zeros((*shape, n + bandwidth))
    for lag in range(bandwidth + 1):
        sums[..., lag : lag + n] += scores
    found: NDArray[np.float64] = sums @ sums.swapaxes(-1, -2) / (bandwidth + 1)
    return found
