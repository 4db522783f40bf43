"""Vector autoregressions of every window of a panel, from sums that are never subtracted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selloff.spillover.decompositions import factor
from selloff.spillover.vector_autoregression import regressors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# A regressor of whose squares less than this is left, once the ones before it are taken out, is
# taken for a combination of them: products of rows resolve about 1e-15 of the squares.
LEFT = 1e-12


class Fits(NamedTuple):
    """Vector autoregressions of n windows.

    Parameters
    ----------
    coefficients : array of shape (n, k, k p)
        A_1 .. A_p side by side; NaN for a window in which they cannot be told apart.
    covariance : array of shape (n, k, k)
        ``E'E / n_rows`` of the residuals; NaN likewise.
    """

    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]


def window_products(
    values: NDArray[np.float64], window: int, lags: int, first: int, last: int
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Yield ``Z'Z`` of windows, Z of rows ``[1, y_{t-1} .. y_{t-p}, y_t]``.

    Every n = window - lags rows there is an anchor. A window's n regression rows hold exactly one,
    and its sum is that of the rows before the anchor, added up backwards from there, and that of
    the rows from the anchor on (two stacks): nothing is ever subtracted. Values are taken relative
    to the anchor's, which is inside the window, so that a level costs no digits; with an intercept
    in the model nothing else changes. What a window gives depends on its own rows and on where its
    anchor stands, never on which other windows are asked for.

    Parameters
    ----------
    values : array of shape (T, k)
        Series in time order, finite.
    window : int
        Rows of a window, lags included.
    lags : int
        p; may be 0.
    first, last : int
        The windows wanted: those that end in these rows, both included.

    Yields
    ------
    slice
        Places among the windows wanted.
    array of shape (n_chunk, 1 + k (p + 1), 1 + k (p + 1))
        Their products; at most `window` of them at a time.

    Examples
    --------
    Relative to the third value, 4, the rows 2, 4 are -2, 0; then the rows 4, 8 are 0, 4.

    >>> y = np.array([[1.0], [2.0], [4.0], [8.0]])
    >>> [(at.start, each.tolist()) for at, each in window_products(y, 2, 0, 2, 3)]
    [(0, [[[2.0, -2.0], [-2.0, 4.0]], [[2.0, 4.0], [4.0, 16.0]]])]
    """
    n = window - lags
    start, stop = first - window + 1, last - window + 2
    low = start
    while low < stop:
        anchor = -(-low // n) * n
        high = min(anchor + 1, stop)
        # Rows of the panel that the windows of this anchor touch, relative to the anchor's.
        rows = values[low : high - 1 + window] - values[anchor + lags]
        z = np.hstack([np.ones((len(rows) - lags, 1)), regressors(rows, lags), rows[lags:]])
        before = _running(z[: anchor - low][::-1])[::-1]
        after = _running(z[anchor - low :])
        # Window s sums the rows s .. s + n - 1; the last of them, from the anchor on, is one of
        # the n places n - (anchor - s).
        sums = after[low + n - 1 - anchor : high + n - 1 - anchor]
        sums[: len(before)] += before[: len(sums)]
        yield slice(low - start, high - start), sums
        low = high


def _running(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums of the products of rows, up to each row.

    A loop: numpy's cumulative sum along the first axis takes six times as long on large products.
    """
    n, width = z.shape
    sums = np.empty((n, width, width))
    if n:
        np.multiply.outer(z[0], z[0], out=sums[0])
    product = np.empty((width, width))
    for row in range(1, n):
        np.multiply.outer(z[row], z[row], out=product)
        np.add(sums[row - 1], product, out=sums[row])
    return sums


def solved(products: NDArray[np.float64], n_series: int) -> Fits:
    """Return the vector autoregressions that products of rows hold.

    With the products in the order intercept, lags, present, and ``L L' = Z'Z``: the covariance is
    ``L_yy L_yy' / n``, and the coefficients solve ``L_xx' B = L_yx'``; one factor gives both.

    Parameters
    ----------
    products : array of shape (n, 1 + k (p + 1), 1 + k (p + 1))
        ``Z'Z``, its first element the number of rows.
    n_series : int
        k.

    Returns
    -------
    Fits
        NaN for products from which nothing can be solved.

    Examples
    --------
    >>> z = np.array([[1, 1.0, 0.6], [1, 0.6, 0.4], [1, 0.4, 0.3], [1, 0.3, 0.3]])
    >>> solved((z.T @ z)[None], 1).coefficients.round(6).tolist()
    [[[0.452174]]]
    """
    lower = factor(products)
    split = products.shape[1] - n_series
    upper = np.ascontiguousarray(lower[:, :split, :split].swapaxes(1, 2))
    right = np.ascontiguousarray(lower[:, split:, :split].swapaxes(1, 2))
    present = lower[:, split:, split:]
    is_unfit = _is_unfit(lower)
    upper[is_unfit] = np.eye(split)
    coefficients = np.linalg.solve(upper, right)[:, 1:].swapaxes(1, 2)
    covariance = present @ present.swapaxes(1, 2)
    covariance /= products[:, :1, :1]
    fits = Fits(np.ascontiguousarray(coefficients), covariance)
    for each in fits:
        each[is_unfit] = np.nan
    return fits


def _is_unfit(lower: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return where a column, less its mean, is all but a combination of those before it."""
    left = np.diagonal(lower, axis1=1, axis2=2)[:, 1:] ** 2
    squares = np.einsum("nij,nij->ni", lower[:, 1:, 1:], lower[:, 1:, 1:])
    # NaN, where there is no factor, is not fit either.
    fit: NDArray[np.bool_] = (left > LEFT * squares).all(axis=1)
    return ~fit


def rolling_fits(
    values: NDArray[np.float64], window: int, lags: int, first: int, last: int
) -> Iterator[tuple[slice, Fits]]:
    """Yield the vector autoregressions of the windows that end in the rows from first to last.

    Parameters
    ----------
    values : array of shape (T, k)
        Series in time order, finite.
    window : int
        Rows of a window, lags included: window - lags rows are regressed.
    lags : int
        p.
    first, last : int
        Rows at which the first and the last window end, both included.

    Yields
    ------
    slice
        Places among the windows wanted.
    Fits
        Of those windows; equal to the last bit whichever other windows are asked for.

    Examples
    --------
    >>> y = np.array([[1.0], [0.6], [0.4], [0.3], [0.3], [0.35]])
    >>> [found.coefficients.round(6).ravel().tolist() for _, found in rolling_fits(y, 5, 1, 4, 5)]
    [[0.452174], [0.25]]
    """
    for at, products in window_products(values, window, lags, first, last):
        yield at, solved(products, values.shape[1])
