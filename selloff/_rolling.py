"""The few rolling idioms that the array functions here share; the last axis is time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from selloff.returns import NOISE_SHARE, NOISE_SIGMA

if TYPE_CHECKING:
    from numpy.typing import NDArray


def above_noise(sigma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a scale to divide by, NaN where it is rounding noise."""
    return np.where(sigma > NOISE_SIGMA, sigma, np.nan)


def before(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the value of the row before; NaN in the first."""
    shifted = np.full(values.shape, np.nan)
    shifted[..., 1:] = values[..., :-1]
    return shifted


def window_sums(values: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    """Return the sums over the last `rows` values, with zeros before the first; NaN spreads.

    Running sums within blocks of as many rows, from their beginning and from their end: each window
    is the end of one block and the beginning of the next. Nothing is subtracted, so an early crash
    leaves no rounding error in calm windows, as it does in differences of running sums.
    """
    n = values.shape[-1]
    n_blocks = 1 + -(-n // rows)
    padded = np.zeros((*values.shape[:-1], n_blocks * rows))
    padded[..., rows : rows + n] = values
    blocks = padded.reshape(*values.shape[:-1], n_blocks, rows)
    sums = np.cumsum(blocks[..., 1:, :], axis=-1)
    sums[..., :-1] += np.cumsum(blocks[..., :-1, :0:-1], axis=-1)[..., ::-1]
    return sums.reshape(*values.shape[:-1], -1)[..., :n]


def slope_of_sums(
    n: NDArray[np.float64],
    sum_x: NDArray[np.float64],
    sum_y: NDArray[np.float64],
    sum_xx: NDArray[np.float64],
    sum_xy: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the least-squares slope of y on x; NaN where n is, or where x moves by rounding."""
    s_xx = sum_xx - sum_x * sum_x / n
    s_xx = np.where(s_xx > sum_xx * NOISE_SHARE, s_xx, np.nan)
    beta: NDArray[np.float64] = (sum_xy - sum_x * sum_y / n) / s_xx
    return beta
