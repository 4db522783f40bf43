"""What the measures of tails share: a market among series, windows, and parts that fit a cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from selloff.quantile_regression import refuse_quantile
from selloff.series import SeriesError, matrix

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Numbers held at once: four megabytes.
CELLS_AT_ONCE = 524_288


def place(series: pd.DataFrame, name: Any) -> int:
    """Return the place of a column, or say which there are."""
    if name not in series.columns:
        raise SeriesError(f"no series is named {name}; there are {', '.join(map(str, series))}")
    return list(series.columns).index(name)


def beside(
    series: pd.DataFrame, market: Any, n_needed: int
) -> tuple[Floats, Floats, tuple[Any, ...]]:
    """Return the market's returns (n,), those of the others (n, k), and their names."""
    at = place(series, market)
    values = matrix(series, n_needed, 2)
    names = tuple(name for name in series.columns if name != market)
    return values[:, at], np.delete(values, at, axis=1), names


def rows_of_tail(window: int, quantile: float) -> int:
    """Return how many of the rows may lie below their quantile; refuse where that is none."""
    refuse_quantile(quantile)
    if window * min(quantile, 1 - quantile) < 1:
        needed = int(np.ceil(1 / min(quantile, 1 - quantile)))
        raise SeriesError(
            f"{window} rows, at least {needed} are needed for the quantile {quantile}"
        )
    return int((window - 1) * quantile) + 1


def windows(values: Floats, window: int) -> Floats:
    """Return views of all full windows of rows: (n_windows, ..., window)."""
    return np.lib.stride_tricks.sliding_window_view(values, window, axis=0)


def parts(n_windows: int, cells: int) -> Iterator[slice]:
    """Yield windows to hold at once, where each takes so many cells."""
    step = max(1, CELLS_AT_ONCE // cells)
    for start in range(0, n_windows, step):
        yield slice(start, min(start + step, n_windows))


def rolling_quantiles(values: Floats, window: int, quantile: float) -> Floats:
    """Return the quantiles (type 7) of the last `window` rows: (n - window + 1, k)."""
    seen = windows(values, window)
    found = np.empty(seen.shape[:-1])
    for some in parts(len(found), window * int(np.prod(seen.shape[1:-1]))):
        found[some] = np.quantile(seen[some], quantile, axis=-1)
    return found


def two_sided(t: Any, freedom: int) -> Floats:
    """Return the two-sided p-values of Student's t; NaN stays NaN."""
    from scipy.special import stdtr

    return np.asarray(2 * stdtr(freedom, -np.abs(t)), np.float64)
