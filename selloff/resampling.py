"""Rows drawn again with their neighbours, so that calm and turmoil stay in clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selloff.series import SeriesError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def resampled_rows(
    n_rows: int, draws: int, mean_block: float, random: np.random.Generator
) -> NDArray[np.int64]:
    """Return which rows each draw takes, in order.

    Parameters
    ----------
    n_rows : int
        Rows to draw from, and to draw.
    draws : int
        Number of draws.
    mean_block : float
        Each row follows the one drawn before it with probability ``1 - 1 / mean_block``, the first
        follows the last; otherwise it is any.
    random : numpy Generator
        Source of chance.

    Returns
    -------
    array of shape (draws, n_rows)
        Row numbers.

    Raises
    ------
    SeriesError
        If blocks are shorter than a row.

    References
    ----------
    Politis and Romano (1994), The Stationary Bootstrap, JASA 89.

    Examples
    --------
    >>> resampled_rows(5, 1, 1e9, np.random.default_rng(1)).tolist()
    [[2, 3, 4, 0, 1]]
    """
    if not mean_block >= 1:
        raise SeriesError(f"blocks of {mean_block:g} rows, at least 1 is needed")
    starts = random.integers(0, n_rows, (draws, n_rows))
    if mean_block == 1:
        return starts
    is_new = random.random((draws, n_rows)) < 1 / mean_block
    is_new[:, 0] = True
    places = np.arange(n_rows)
    since = np.maximum.accumulate(np.where(is_new, places, 0), axis=1)
    rows: NDArray[np.int64] = (np.take_along_axis(starts, since, axis=1) + places - since) % n_rows
    return rows
