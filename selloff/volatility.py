"""How much a series moves: volatility estimates from returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def ewma_volatility(returns: NDArray[np.float64], decay: float = 0.94) -> NDArray[np.float64]:
    """Exponentially weighted volatility, each value including its own return.

    ``s2[t] = decay * s2[t-1] + (1 - decay) * r[t]**2``, started with ``s2[0] = r[0]**2``. To ask
    how unusual a return is, divide it by the value of the day before: a crash must not hide
    itself in its own measure.

    Parameters
    ----------
    returns : array of shape (n,)
        Returns in time order, log points or fractions; NaN where there is none.
    decay : float
        Weight of yesterday's variance, between 0 and 1.

    Returns
    -------
    array of shape (n,)
        Volatility in the unit of the returns. A missing return leaves it as it was; before the
        first return it is NaN.

    Raises
    ------
    ValueError
        If `decay` is not between 0 and 1.

    References
    ----------
    J.P. Morgan/Reuters (1996), RiskMetrics Technical Document, 4th ed., section 5.2.
    """
    if not 0 < decay < 1:
        raise ValueError(f"decay must lie between 0 and 1, not {decay}")
    volatility = np.empty(len(returns))
    variance = np.nan
    for row, squared in enumerate(np.square(returns)):
        if np.isnan(variance):
            variance = squared
        elif not np.isnan(squared):
            variance = decay * variance + (1 - decay) * squared
        volatility[row] = variance
    return np.sqrt(volatility)
