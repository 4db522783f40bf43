"""Rows drawn again with their neighbours, so that calm and turmoil stay in clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selloff.series import SeriesError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def stationary_rows(
    n: int, block: float, draws: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Return rows in blocks of random length, (draws, n): a stationary bootstrap.

    Each row is the one after the row before, the first after the last, or with probability
    ``1 / block`` any row at all (Politis and Romano, 1994, JASA 89).
    """
    if not 1 <= block <= n:
        raise SeriesError(f"blocks of {block} rows do not fit {n} rows")
    is_new = random.random((draws, n)) < 1 / block
    is_new[:, 0] = True
    anywhere = random.integers(0, n, (draws, n))
    rows = np.arange(n)
    since = np.maximum.accumulate(np.where(is_new, rows, 0), axis=1)
    begun = np.take_along_axis(anywhere, since, axis=1)
    found: NDArray[np.int64] = (begun + rows - since) % n
    return found
