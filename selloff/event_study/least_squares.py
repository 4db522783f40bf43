"""Ordinary least squares of many events at once, over the valid pairs of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selloff.returns import NOISE_SIGMA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# A regressor of which the others leave less than this share is taken for a copy of them.
COLLINEAR_SHARE = 1e-10


class Regression(NamedTuple):
    """Fitted coefficients of N events on M regressors and an intercept.

    Parameters
    ----------
    n : array of shape (N,)
        Rows in which everything is finite.
    n_responses : array of shape (N,)
        Rows in which the response is finite.
    mean : array of shape (N,)
        Mean of the response over the valid rows; 0 where nothing is centred.
    means : array of shape (N, M)
        Means of the regressors; 0 where nothing is centred.
    root : array of shape (N, M, M)
        Lower Cholesky factor of the regressors' products about their means.
    slopes : array of shape (N, M)
        Coefficients; NaN where the regressors are collinear.
    error_squares, squares : array of shape (N,)
        Sum of squares of the residuals, and of the response about its mean.
    is_collinear : bool array of shape (N,)
        Whether a regressor does not move, or follows from the others.
    """

    n: NDArray[np.int64]
    n_responses: NDArray[np.int64]
    mean: NDArray[np.float64]
    means: NDArray[np.float64]
    root: NDArray[np.float64]
    slopes: NDArray[np.float64]
    error_squares: NDArray[np.float64]
    squares: NDArray[np.float64]
    is_collinear: NDArray[np.bool_]


def least_squares(
    response: NDArray[np.float64],
    regressors: Sequence[NDArray[np.float64]],
    *,
    is_centred: bool = True,
) -> Regression:
    """Regress each row of a response on the same rows of the regressors.

    The normal equations of centred variables, and one step of refinement on their residuals, which
    leaves what a QR decomposition would: a relative error of about ``eps * condition``.

    Parameters
    ----------
    response : array of shape (N, n_rows)
        NaN where missing. Overwritten: about its mean, 0 where the pair is not valid.
    regressors : sequence of M arrays of shape (N, n_rows)
        As the response.
    is_centred : bool
        Whether there is an intercept.

    Returns
    -------
    Regression
        NaN throughout where no row is valid.

    References
    ----------
    Bjorck (1996), Numerical Methods for Least Squares Problems, section 2.9.3 (refinement).

    Examples
    --------
    >>> x = np.array([[1.0, 2.0, 3.0, np.nan]])
    >>> fit = least_squares(2 * x + 1, [x.copy()])
    >>> fit.slopes.tolist(), fit.mean.tolist(), fit.n.tolist()
    ([[2.0]], [5.0], [3])
    """
    n, n_responses, means = _centred(response, regressors, is_centred=is_centred)
    inner = np.empty((len(response), len(regressors), len(regressors)))
    for j, one in enumerate(regressors):
        for k, other in enumerate(regressors[: j + 1]):
            inner[:, j, k] = inner[:, k, j] = _products(one, other)
    root, is_collinear = _factored(inner, n)
    slopes = np.zeros((len(response), len(regressors)))
    squares = _products(response, response)
    for _ in range(2 if regressors else 0):
        left = np.stack([_products(one, response) for one in regressors], axis=1)
        step = _solved(root, left)
        slopes += step
        for j, one in enumerate(regressors):
            response -= step[:, j, None] * one
    return Regression(
        n=n,
        n_responses=n_responses,
        mean=means[:, 0],
        means=means[:, 1:],
        root=root,
        slopes=slopes,
        error_squares=_products(response, response),
        squares=squares,
        is_collinear=is_collinear,
    )


def whitened(root: NDArray[np.float64], away: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``root^(-1) x``: its squared length is the variance of the prediction at x.

    Parameters
    ----------
    root : array of shape (N, M, M)
        Lower factors.
    away : array of shape (N, n_rows, M)
        Regressors of rows, from their means.

    Returns
    -------
    array of shape (N, n_rows, M)
        NaN where a regressor is missing.

    Examples
    --------
    >>> whitened(np.array([[[2.0]]]), np.array([[[6.0], [-1.0]]])).ravel().tolist()
    [3.0, -0.5]
    """
    found = np.empty_like(away)
    for j in range(root.shape[1]):
        known = (root[:, None, j, :j] * found[:, :, :j]).sum(axis=2)
        found[:, :, j] = (away[:, :, j] - known) / root[:, j, j, None]
    return found


def _products(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of products of each row."""
    found: NDArray[np.float64] = np.einsum("ij,ij->i", one, other)
    return found


def _centred(
    response: NDArray[np.float64], regressors: Sequence[NDArray[np.float64]], *, is_centred: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Centre all variables in place over the valid rows, 0 elsewhere; return counts and means."""
    variables = [response, *regressors]
    n = n_responses = np.full(len(response), response.shape[1])
    sums = np.stack([one.sum(axis=1) for one in variables], axis=1)
    valid = None
    if not np.isfinite(sums).all():
        valid = np.isfinite(response)
        n_responses = valid.sum(axis=1)
        for one in regressors:
            valid &= np.isfinite(one)
        n = valid.sum(axis=1)
        sums = np.stack([one.sum(axis=1, where=valid) for one in variables], axis=1)
    means = sums / np.where(n > 0, n, np.nan)[:, None] if is_centred else np.zeros_like(sums)
    for at, one in enumerate(variables):
        if is_centred:
            np.subtract(one, means[:, at, None], out=one)
        if valid is not None:
            one[~valid] = 0.0
    return n, n_responses, means


def _factored(
    inner: NDArray[np.float64], n: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return lower Cholesky factors, NaN where there is none, and where that is."""
    size = inner.shape[1]
    root = np.zeros_like(inner)
    is_collinear = np.zeros(len(inner), dtype=bool)
    for j in range(size):
        rest = inner[:, j, j] - _products(root[:, j, :j], root[:, j, :j])
        is_known = (inner[:, j, j] > n * NOISE_SIGMA**2) & (rest > COLLINEAR_SHARE * inner[:, j, j])
        is_collinear |= ~is_known
        root[:, j, j] = np.sqrt(np.where(is_known, rest, np.nan))
        for i in range(j + 1, size):
            known = _products(root[:, i, :j], root[:, j, :j])
            root[:, i, j] = (inner[:, i, j] - known) / root[:, j, j]
    return root, is_collinear


def _solved(root: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve ``root root' x = right`` for each event."""
    found = whitened(root, right[:, None, :])[:, 0, :]
    for j in reversed(range(root.shape[1])):
        known = _products(root[:, j + 1 :, j], found[:, j + 1 :])
        found[:, j] = (found[:, j] - known) / root[:, j, j]
    return found
