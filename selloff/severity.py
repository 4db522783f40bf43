"""How severe a day is: its place in the history that was known on that day."""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Below this many values the largest so far is no record: one in sixty is a fall of once a quarter.
MINIMUM_HISTORY = 60


def expanding_percentile(
    values: NDArray[np.float64], minimum: int = MINIMUM_HISTORY
) -> NDArray[np.float64]:
    """Return, for each value, the share of the values up to and including it that do not exceed it.

    ``p[t] = #{s <= t: v[s] <= v[t]} / #{s <= t}``, over the values that are there. Give losses (or
    returns with their sign turned), so that the worst day so far has 1. Nothing from after a value
    enters its own: the history grows, and is never looked at as a whole.

    Parameters
    ----------
    values : array of shape (n,)
        One series in time order, larger where more severe; NaN where there is none.
    minimum : int
        Values, the own among them, before which there is no history to be held against.

    Returns
    -------
    array of shape (n,)
        Fractions in (0, 1]; NaN where the value is missing or fewer than `minimum` are known.

    Raises
    ------
    ValueError
        If `minimum` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> expanding_percentile(np.array([0.01, 0.03, np.nan, 0.02, 0.05]), minimum=2)
    array([       nan, 1.        ,        nan, 0.66666667, 1.        ])
    """
    if minimum < 1:
        raise ValueError(f"a percentile needs one value at least, not {minimum}")
    found = np.full(len(values), np.nan)
    known: list[float] = []
    for row, value in enumerate(np.asarray(values, dtype=float).tolist()):
        if np.isnan(value):
            continue
        insort(known, value)
        if len(known) >= minimum:
            found[row] = bisect_right(known, value) / len(known)
    return found
