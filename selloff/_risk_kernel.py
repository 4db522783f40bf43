"""The risk measures of arrays of bars, shape (n_listings, n_rows), by how far they look back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selloff import range_volatility as ranges
from selloff import volatility
from selloff._rolling import above_noise, before, window_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selloff.risk_measures import Windows

PRICES = ("open", "high", "low", "close", "log_return")
COUNTS = ("n_flagged", "n_quarantined")


def measures(
    bars: dict[str, NDArray[np.float64]], windows: Windows
) -> dict[str, NDArray[np.float64]]:
    """Return every measure of these bars, arrays of shape (n_listings, n_rows)."""
    r, x = bars["log_return"], bars["market_log_return"]
    return {
        **range_measures(bars, windows),
        **recursive_measures(r, windows),
        **long_measures(r, x, windows),
    }


def range_measures(
    bars: dict[str, NDArray[np.float64]], windows: Windows
) -> dict[str, NDArray[np.float64]]:
    """Return what looks back on `range_rows` bars and the close before them."""
    o, h, low, c, r = (bars[name] for name in PRICES)
    n = windows.range_rows
    # No gap leads from one basis to another; within the bar its prices agree.
    linked = np.where(bars["is_rebased"] == 1, np.nan, o)
    range_bars = o, h, low, c
    linked_bars = linked, h, low, c
    return {
        "overnight_log_return": ranges.overnight_returns(linked, c),
        "intraday_log_return": ranges.intraday_returns(o, c),
        "close_volatility": ranges.close_volatility(r, n),
        "parkinson_volatility": ranges.parkinson_volatility(h, low, n),
        "garman_klass_volatility": ranges.garman_klass_volatility(*range_bars, n),
        "rogers_satchell_volatility": ranges.rogers_satchell_volatility(*range_bars, n),
        "garman_klass_yang_zhang_volatility": ranges.garman_klass_yang_zhang_volatility(
            *linked_bars, n
        ),
        "yang_zhang_volatility": ranges.yang_zhang_volatility(*linked_bars, n),
        **{name: window_sums(np.nan_to_num(bars[name]), n) for name in COUNTS},
    }


def recursive_measures(
    returns: NDArray[np.float64], windows: Windows
) -> dict[str, NDArray[np.float64]]:
    """Return what looks back on all returns, or on `EWMA_ROWS` of them."""
    sigma = before(volatility.ewma_volatility(returns, windows.decay))
    return {
        "ewma_sigma": above_noise(sigma),
        "extreme_move_z": volatility.extreme_move_z(returns, windows.decay, windows.burn_in),
    }


def long_measures(
    returns: NDArray[np.float64],
    market: NDArray[np.float64],
    windows: Windows,
    last: int | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Return what looks back on the `long_rows` before each row, or each of the last."""
    n = windows.long_rows
    return {
        "robust_z": volatility.robust_z(returns, n, windows.minimum_returns, last),
        "downside_beta": volatility.downside_beta(returns, market, n, windows.minimum_falls),
    }
