"""Delta-CoVaR of all pairs of series, row by row over the last rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff.quantile_regression import quantile_standard_errors, rolling_quantile_line
from selloff.series import matrix
from selloff.tails._windows import (
    parts,
    place,
    rolling_quantiles,
    rows_of_tail,
    two_sided,
    windows,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RollingDeltaCoVaR:
    """The tails of targets given sources, in each of N windows.

    Parameters
    ----------
    dates : Index
        Last row of each window.
    sources, targets : tuple
        Names of S and T series.
    alpha, beta, delta_covar : array of shape (N, S, T)
        As in `selloff.tails.covar.DeltaCoVaR`; NaN where source and target are the same, and where
        the source is constant in the window.
    value_at_risk, median : array of shape (N, S)
        As in `DeltaCoVaR`.
    standard_error, p_value : array of shape (N, S, T)
        As in `DeltaCoVaR`, by the kernel; NaN where not asked for.
    """

    dates: pd.Index
    sources: tuple[Any, ...]
    targets: tuple[Any, ...]
    alpha: Floats
    beta: Floats
    delta_covar: Floats
    value_at_risk: Floats
    median: Floats
    standard_error: Floats
    p_value: Floats


def rolling_delta_covar(
    series: pd.DataFrame,
    window: int,
    quantile: float = 0.05,
    *,
    sources: Sequence[Any] | None = None,
    targets: Sequence[Any] | None = None,
    with_errors: bool = False,
) -> RollingDeltaCoVaR:
    """Return Delta-CoVaR of every source and target over the last `window` rows, at each row.

    Parameters
    ----------
    series : DataFrame
        Returns, rows in ascending order of dates.
    window : int
        Rows of a window, its last included.
    quantile : float
        Share of days in the tail.
    sources, targets : sequence of column names, optional
        All without them.
    with_errors : bool
        Whether to find standard errors too, which takes half as long again.

    Returns
    -------
    RollingDeltaCoVaR
        Of the full windows; each line is what `delta_covar` finds in its rows, to the last bit.

    Raises
    ------
    SeriesError
        If a series is unfit, a name not there, or the window too short for the quantile.

    References
    ----------
    Adrian and Brunnermeier (2016), CoVaR, American Economic Review 106(7).

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> bank = np.linspace(-0.05, 0.05, 41)
    >>> returns = pd.DataFrame({"bank": bank, "system": 0.5 * bank + 0.01 * np.cos(9 * bank)})
    >>> found = rolling_delta_covar(returns, 40, 0.1, sources=["bank"], targets=["system"])
    >>> found.delta_covar.round(2).ravel().tolist()
    [-0.02, -0.02]
    """
    rows_of_tail(window, quantile)
    names = list(series.columns)
    come = [place(series, name) for name in (names if sources is None else sources)]
    go = [place(series, name) for name in (names if targets is None else targets)]
    values = matrix(series, window, 2)
    n_windows = len(values) - window + 1
    low = rolling_quantiles(values[:, come], window, quantile)
    median = rolling_quantiles(values[:, come], window, 0.5)
    lines = np.full((2, n_windows, len(come), len(go)), np.nan)
    error = np.full(lines.shape[1:], np.nan)
    pairs = [(s, t) for s in range(len(come)) for t in range(len(go)) if come[s] != go[t]]
    if pairs:
        s, t = np.array(pairs).T
        y, x = values[:, np.array(go)[t]].T, values[:, np.array(come)[s]].T
        found = rolling_quantile_line(y, x, window, quantile, since=window - 1)
        lines[:, :, s, t] = np.stack(found).swapaxes(1, 2)
    for first, second in pairs if with_errors else []:
        pair = values[:, [come[first], go[second]]]
        error[:, first, second] = _errors(pair, lines[:, :, first, second], window, quantile)
    fall = (low - median)[:, :, None]
    return RollingDeltaCoVaR(
        series.index[window - 1 :],
        tuple(names[each] for each in come),
        tuple(names[each] for each in go),
        lines[0],
        lines[1],
        lines[1] * fall,
        low,
        median,
        error * np.abs(fall),
        two_sided(lines[1] / error, window - 2),
    )


def _errors(pair: Floats, lines: Floats, window: int, quantile: float) -> Floats:
    """Return the standard error of the slope in each window of a source and a target."""
    seen = windows(pair, window)
    found = np.full(len(seen), np.nan)
    usable = np.flatnonzero(np.isfinite(lines[1]))
    for part in parts(len(usable), 4 * window):
        some = usable[part]
        columns = np.ones((len(some), window, 2))
        columns[:, :, 1] = seen[some, 0]
        line = lines[:, some].T
        found[some] = quantile_standard_errors(seen[some, 1], columns, line, quantile)[:, 1]
    return found
