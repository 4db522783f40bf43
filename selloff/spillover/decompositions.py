"""Forecast error variances taken apart into shares of shocks, for many models at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selloff.spillover.vector_autoregression import responses

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def generalized(
    coefficients: NDArray[np.float64], covariance: NDArray[np.float64], horizon: int
) -> NDArray[np.float64]:
    """Return the generalized decomposition, which knows no order of the series.

    ``N_ij = sum_{h<H} (Psi_h S)_ij^2 / s_jj``, each row divided by its sum. The error variance that
    a textbook divides by, and the scale of S, cancel in that.

    Parameters
    ----------
    coefficients : array of shape (n, k, k p)
        A_1 .. A_p side by side.
    covariance : array of shape (n, k, k)
        S, of the residuals.
    horizon : int
        Terms H, h = 0 .. H - 1.

    Returns
    -------
    array of shape (n, k, k)
        Rows receive, columns send; each row sums to one. NaN where coefficients are.

    References
    ----------
    Pesaran and Shin (1998), Economics Letters 58(1); Diebold and Yilmaz (2012), International
    Journal of Forecasting 28(1).

    Examples
    --------
    >>> none = np.zeros((1, 2, 2))
    >>> generalized(none, np.array([[[1.0, 0.5], [0.5, 1.0]]]), 10).round(4).tolist()
    [[[0.8, 0.2], [0.2, 0.8]]]
    """
    numerators = _squares(responses(coefficients, covariance, horizon))
    numerators /= _diagonal(covariance)[:, None, :]
    return _to_one(numerators)


def orthogonalized(
    coefficients: NDArray[np.float64], covariance: NDArray[np.float64], horizon: int
) -> NDArray[np.float64]:
    """Return the decomposition into the shocks of a Cholesky factor; the first series goes first.

    ``sum_{h<H} (Psi_h L)_ij^2``, L L' = S, each row divided by its sum. Another order of the series
    gives other shares.

    Parameters
    ----------
    coefficients : array of shape (n, k, k p)
        A_1 .. A_p side by side.
    covariance : array of shape (n, k, k)
        S, of the residuals.
    horizon : int
        Terms H, h = 0 .. H - 1.

    Returns
    -------
    array of shape (n, k, k)
        Rows receive, columns send; each row sums to one. NaN where the covariance is not positive
        definite.

    References
    ----------
    Sims (1980), Econometrica 48(1); Diebold and Yilmaz (2009), Economic Journal 119.

    Examples
    --------
    >>> none = np.zeros((1, 2, 2))
    >>> orthogonalized(none, np.array([[[1.0, 0.5], [0.5, 1.0]]]), 10).round(4).tolist()
    [[[1.0, 0.0], [0.25, 0.75]]]
    """
    return _to_one(_squares(responses(coefficients, factor(covariance), horizon)))


def joint(
    coefficients: NDArray[np.float64], covariance: NDArray[np.float64], horizon: int
) -> NDArray[np.float64]:
    """Return the joint decomposition: what all the others together explain of each series.

    The joint share of the others is, with M_i the identity without column i::

        F_i = sum_h e_i'Psi_h S M_i (M_i'S M_i)^-1 M_i'S Psi_h' e_i / sum_h (Psi_h S Psi_h')_ii
            = 1 - sum_h (Psi_h)_ii^2 / (K_ii sum_h (Psi_h S Psi_h')_ii)          K = S^-1

    The second line, from the rank-one form of the inverse, is what is computed. The shares between
    series are the generalized ones times one number, ``mean F / mean from``.

    Parameters
    ----------
    coefficients : array of shape (n, k, k p)
        A_1 .. A_p side by side.
    covariance : array of shape (n, k, k)
        S, of the residuals.
    horizon : int
        Terms H, h = 0 .. H - 1.

    Returns
    -------
    array of shape (n, k, k)
        Rows receive, columns send. On the diagonal ``1 - F_i``; the whole sums to k, a row does not
        sum to one.

    References
    ----------
    Lastrapes and Wiesen (2021), The Joint Spillover Index, Economic Modelling 94.

    Examples
    --------
    >>> none = np.zeros((1, 2, 2))
    >>> joint(none, np.array([[[1.0, 0.5], [0.5, 1.0]]]), 10).round(4).tolist()
    [[[0.75, 0.25], [0.25, 0.75]]]
    """
    own, shares, received = _joint_parts(coefficients, covariance, horizon)
    scale = _part((1 - own).sum(axis=1), received.sum(axis=1))
    return _with_own(shares * scale[:, None, None], own)


def extended_joint(
    coefficients: NDArray[np.float64], covariance: NDArray[np.float64], horizon: int
) -> NDArray[np.float64]:
    """Return the joint decomposition with a scale for each row, so that each sums to one.

    The shares between series are the generalized ones times ``F_i / from_i``, F_i as in `joint`.

    Parameters
    ----------
    coefficients : array of shape (n, k, k p)
        A_1 .. A_p side by side.
    covariance : array of shape (n, k, k)
        S, of the residuals.
    horizon : int
        Terms H, h = 0 .. H - 1.

    Returns
    -------
    array of shape (n, k, k)
        Rows receive, columns send; each row sums to one.

    References
    ----------
    Balcilar, Gabauer and Umar (2021), Crude Oil Futures Contracts and Commodity Markets, Resources
    Policy 73.

    Examples
    --------
    >>> none = np.zeros((1, 2, 2))
    >>> extended_joint(none, np.array([[[1.0, 0.5], [0.5, 1.0]]]), 10).round(4).tolist()
    [[[0.75, 0.25], [0.25, 0.75]]]
    """
    own, shares, received = _joint_parts(coefficients, covariance, horizon)
    return _with_own(shares * _part(1 - own, received)[:, :, None], own)


BY_NAME: dict[
    str, Callable[[NDArray[np.float64], NDArray[np.float64], int], NDArray[np.float64]]
] = {
    "generalized": generalized,
    "orthogonalized": orthogonalized,
    "joint": joint,
    "extended_joint": extended_joint,
}


def decomposed(
    coefficients: NDArray[np.float64],
    covariance: NDArray[np.float64],
    horizon: int,
    decomposition: str = "generalized",
) -> NDArray[np.float64]:
    """Return the shares of a decomposition by its name.

    Parameters
    ----------
    coefficients : array of shape (n, k, k p)
        A_1 .. A_p side by side.
    covariance : array of shape (n, k, k)
        Of the residuals.
    horizon : int
        Terms H, h = 0 .. H - 1.
    decomposition : str
        `generalized`, `orthogonalized`, `joint` or `extended_joint`.

    Returns
    -------
    array of shape (n, k, k)
        Rows receive, columns send.

    Raises
    ------
    ValueError
        If there is no decomposition of that name.

    Examples
    --------
    >>> none, alone = np.zeros((1, 2, 2)), np.eye(2)[None]
    >>> decomposed(none, alone, 10, "joint").tolist()
    [[[1.0, 0.0], [0.0, 1.0]]]
    """
    if decomposition not in BY_NAME:
        known = ", ".join(BY_NAME)
        raise ValueError(f"{decomposition!r} is no decomposition of forecast errors: {known}")
    return BY_NAME[decomposition](coefficients, covariance, horizon)


def factor(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Cholesky factor of each matrix, NaN for those that are not positive definite.

    Parameters
    ----------
    matrices : array of shape (n, k, k)
        Symmetric.

    Returns
    -------
    array of shape (n, k, k)
        Lower triangles. One bad matrix costs time, and none of the others.

    Examples
    --------
    >>> factor(np.array([[[4.0]], [[-1.0]]])).ravel().tolist()
    [2.0, nan]
    """
    try:
        lower = np.asarray(np.linalg.cholesky(matrices), np.float64)
    except np.linalg.LinAlgError:
        if len(matrices) == 1:
            return np.full(matrices.shape, np.nan)
        half = len(matrices) // 2
        lower = np.concatenate([factor(matrices[:half]), factor(matrices[half:])])
    return lower


def _joint_parts(
    coefficients: NDArray[np.float64], covariance: NDArray[np.float64], horizon: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the own joint share, the generalized shares, and what rows receive of the latter."""
    n, k, _ = coefficients.shape
    averages = responses(coefficients, np.broadcast_to(np.eye(k), (n, k, k)), horizon)
    moved = averages @ covariance[:, None]
    variance = np.einsum("nhij,nhij->ni", moved, averages)
    own_squared = np.einsum("nhii,nhii->ni", averages, averages)
    own = own_squared / (_inverse_diagonal(covariance) * variance)
    numerators = _squares(moved) / _diagonal(covariance)[:, None, :]
    shares = _to_one(numerators)
    received = np.where(np.eye(k, dtype=bool), 0.0, shares).sum(axis=2)
    return own, shares, received


def _inverse_diagonal(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the diagonal of the inverse; NaN where the matrix is not positive definite."""
    lower = factor(covariance)
    lower[np.isnan(lower[:, 0, 0])] = np.nan
    unit = np.broadcast_to(np.eye(lower.shape[1]), lower.shape)
    found: NDArray[np.float64] = (np.linalg.solve(lower, unit) ** 2).sum(axis=1)
    return found


def _diagonal(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.diagonal(matrices, axis1=1, axis2=2)
    return found


def _squares(terms: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.einsum("nhij,nhij->nij", terms, terms)
    return found


def _to_one(numerators: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = numerators / numerators.sum(axis=2, keepdims=True)
    return found


def _part(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide; nothing of nothing is nothing."""
    part = np.where(np.isnan(below), np.nan, 0.0)
    np.divide(above, below, out=part, where=below > 0)
    return part


def _with_own(between: NDArray[np.float64], own: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put the own shares on the diagonal."""
    places = np.arange(own.shape[1])
    between[:, places, places] = own
    return between
