"""Many tests at once: what is left of their p-values when some were bound to be small."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values so that rejecting those up to q keeps the false discovery rate at most q.

    The k-th smallest of m becomes the least ``p_j m / j`` over j >= k, at most 1. Holds for
    independent tests and for positively dependent ones, as those of names on one day are.

    Parameters
    ----------
    p_values : array of any shape
        Raw p-values, over all that was looked at: names, days, or both; NaN where there is none.

    Returns
    -------
    array of that shape
        Adjusted p-values, never below the raw ones; NaN stays NaN and counts for nothing.

    Raises
    ------
    ValueError
        If a p-value is not between 0 and 1.

    References
    ----------
    Benjamini and Hochberg (1995), Controlling the False Discovery Rate, Journal of the Royal
    Statistical Society B 57(1).

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, float("nan"), 0.03]).round(4).tolist()
    [0.03, 0.04, nan, 0.04]
    """
    raw = np.asarray(p_values, float)
    some = np.isfinite(raw)
    known = raw[some]
    if not ((known >= 0) & (known <= 1)).all():
        raise ValueError("a p-value lies between 0 and 1")
    adjusted = np.full(raw.shape, np.nan)
    order = np.argsort(known)
    count = len(known)
    stepped = known[order] * (count / np.arange(1, count + 1))
    least = np.minimum.accumulate(stepped[::-1])[::-1]
    back = np.empty(count)
    back[order] = np.minimum(least, 1.0)
    adjusted[some] = back
    return adjusted
