"""Delta-CoVaR: how much lower the tail of one series lies when another is in distress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff.quantile_regression import (
    quantile_line,
    quantile_regression,
    quantile_standard_errors,
    rolling_quantile_line,
)
from selloff.series import SeriesError, matrix
from selloff.tails._resampling import stationary_rows
from selloff.tails._windows import place, rolling_quantiles, rows_of_tail

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DeltaCoVaR:
    """The tail of a target given a source, estimated once.

    Parameters
    ----------
    source, target : column names
        Whose distress, and whose tail.
    quantile : float
        Of the tail, of both.
    alpha, beta : float
        Line of the target's quantile on the source's return; beta is a ratio.
    value_at_risk, median : float
        Quantile and median of the source's returns: fractions, negative for a loss.
    covar : float
        ``alpha + beta value_at_risk``, a return of the target.
    delta_covar : float
        ``beta (value_at_risk - median)``: negative where distress of the source lowers the tail.
    standard_error : float
        Of `delta_covar`.
    p_value : float
        Two-sided, that there is no such effect.
    n : int
        Rows.
    """

    source: Any
    target: Any
    quantile: float
    alpha: float
    beta: float
    value_at_risk: float
    median: float
    covar: float
    delta_covar: float
    standard_error: float
    p_value: float
    n: int


@dataclass(frozen=True, slots=True)
class Resampling:
    """How standard errors are found by drawing rows again.

    Parameters
    ----------
    draws : int
        Number of draws.
    block : float
        Mean number of neighbouring rows drawn together.
    seed : int
        The same seed, the same errors.
    """

    draws: int = 999
    block: float = 10.0
    seed: int = 0


def delta_covar(
    series: pd.DataFrame,
    source: Any,
    target: Any,
    quantile: float = 0.05,
    *,
    resampling: Resampling | None = None,
) -> DeltaCoVaR:
    """Return how much lower the target's tail lies when the source falls from median to quantile.

    With the quantile line ``Q(r_target | r_source) = alpha + beta r_source`` and the source's
    sample quantile and median (type 7)::

        CoVaR = alpha + beta VaR        Delta-CoVaR = beta (VaR - median)

    With a system for the target this is the contribution of the source; with source and target
    swapped, the exposure of what was the source.

    Parameters
    ----------
    series : DataFrame
        Returns, rows in ascending order of dates.
    source, target : column names
        Two different ones.
    quantile : float
        Share of days in the tail.
    resampling : Resampling, optional
        Draw rows again in blocks, quantiles of the source included, for standard error and p-value.
        Without it the error is that of beta (`quantile_standard_errors`) times the fall, the
        quantiles of the source and the independence of days taken for granted.

    Returns
    -------
    DeltaCoVaR
        In the sign of the returns.

    Raises
    ------
    SeriesError
        If a series is unfit (`selloff.series.matrix`), too short, or the same one twice.

    References
    ----------
    Adrian and Brunnermeier (2016), CoVaR, American Economic Review 106(7).

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> bank = np.linspace(-0.05, 0.05, 41)
    >>> returns = pd.DataFrame({"bank": bank, "system": 0.5 * bank + 0.01 * np.cos(9 * bank)})
    >>> found = delta_covar(returns, "bank", "system", 0.1)
    >>> round(found.value_at_risk, 3), round(found.beta, 2), round(found.delta_covar, 3)
    (-0.04, 0.5, -0.02)
    """
    if source == target:
        raise SeriesError(f"{source} is both source and target")
    pair = [place(series, source), place(series, target)]
    rows_of_tail(len(series), quantile)
    x, y = np.ascontiguousarray(matrix(series.iloc[:, pair], 4, 2).T)
    alpha, beta = (float(each) for each in quantile_line(y, x, quantile))
    low, median = (float(each) for each in np.quantile(x, [quantile, 0.5]))
    change = beta * (low - median)
    if resampling is None:
        error, p_value = _kernel(y, x, (alpha, beta), quantile)
        error *= abs(low - median)
    else:
        error, p_value = _resampled(y, x, quantile, resampling)
    covar = alpha + beta * low
    return DeltaCoVaR(
        source, target, quantile, alpha, beta, low, median, covar, change, error, p_value, len(x)
    )


def _kernel(
    y: Floats, x: Floats, line: tuple[float, float], quantile: float
) -> tuple[float, float]:
    """Return the standard error of the slope, and its p-value by Student's t."""
    from scipy.special import stdtr

    columns = np.column_stack([np.ones_like(x), x])
    error = float(quantile_standard_errors(y, columns, line, quantile)[1])
    return error, float(2 * stdtr(len(x) - 2, -abs(line[1]) / error))


def _resampled(y: Floats, x: Floats, quantile: float, how: Resampling) -> tuple[float, float]:
    """Return standard error and p-value from the spread of Delta-CoVaR over draws."""
    rows = stationary_rows(len(x), how.block, how.draws, np.random.default_rng(how.seed))
    drawn = x[rows]
    low, median = np.quantile(drawn, [quantile, 0.5], axis=1)
    change = quantile_line(y[rows], drawn, quantile).slope * (low - median)
    side = min(int((change >= 0).sum()), int((change <= 0).sum()))
    return float(change.std(ddof=1)), min(1.0, 2 * (side + 1) / (how.draws + 1))


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
        As in `DeltaCoVaR`; NaN where source and target are the same, and where the source is
        constant in the window.
    value_at_risk, median : array of shape (N, S)
        As in `DeltaCoVaR`.
    """

    dates: pd.Index
    sources: tuple[Any, ...]
    targets: tuple[Any, ...]
    alpha: Floats
    beta: Floats
    delta_covar: Floats
    value_at_risk: Floats
    median: Floats


def rolling_delta_covar(
    series: pd.DataFrame,
    window: int,
    quantile: float = 0.05,
    *,
    sources: Sequence[Any] | None = None,
    targets: Sequence[Any] | None = None,
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

    Returns
    -------
    RollingDeltaCoVaR
        Of the full windows; each is what `delta_covar` finds in its rows, to the last bit.

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
    pairs = [(s, t) for s in range(len(come)) for t in range(len(go)) if come[s] != go[t]]
    if pairs:
        s, t = np.array(pairs).T
        y, x = values[:, np.array(go)[t]].T, values[:, np.array(come)[s]].T
        found = rolling_quantile_line(y, x, window, quantile, since=window - 1)
        lines[:, :, s, t] = np.stack(found).swapaxes(1, 2)
    return RollingDeltaCoVaR(
        series.index[window - 1 :],
        tuple(names[each] for each in come),
        tuple(names[each] for each in go),
        lines[0],
        lines[1],
        lines[1] * (low - median)[:, :, None],
        low,
        median,
    )


@dataclass(frozen=True, slots=True)
class StateCoVaR:
    """The tail of a target given a source and the state of markets before, day by day.

    Parameters
    ----------
    source, target : column names
        Whose distress, and whose tail.
    dates : Index
        N days: all but the first `lag`.
    alpha, beta : float
        Intercept and slope on the source.
    gamma : array of shape (n_states,)
        Slopes on the states, in the order of their columns.
    value_at_risk, median, covar, delta_covar : array of shape (N,)
        Fractions, negative for a loss.
    """

    source: Any
    target: Any
    dates: pd.Index
    alpha: float
    beta: float
    gamma: Floats
    value_at_risk: Floats
    median: Floats
    covar: Floats
    delta_covar: Floats


def delta_covar_given_states(
    series: pd.DataFrame,
    states: pd.DataFrame,
    source: Any,
    target: Any,
    quantile: float = 0.05,
    *,
    lag: int = 1,
) -> StateCoVaR:
    """Return Delta-CoVaR day by day, as it changes with the state of markets before.

    Three quantile regressions, with the states M of `lag` rows before::

        VaR_t    = Q_q (r_source | M)        median_t = Q_.5(r_source | M)
        CoVaR_t  = alpha + gamma M + beta VaR_t,   from  Q_q(r_target | M, r_source)
        Delta-CoVaR_t = beta (VaR_t - median_t)

    Parameters
    ----------
    series : DataFrame
        Returns, rows in ascending order of dates.
    states : DataFrame
        State variables (volatility index, spreads, changes of yields) on the same dates.
    source, target : column names
        Two different ones.
    quantile : float
        Share of days in the tail.
    lag : int
        Rows from a state to the return it explains.

    Returns
    -------
    StateCoVaR
        The coefficients rest on all rows given: only the last day is what was known on it.

    Raises
    ------
    SeriesError
        If a column is unfit, the dates differ, or there are too few rows.

    References
    ----------
    Adrian and Brunnermeier (2016), CoVaR, American Economic Review 106(7), section III.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> t = np.arange(60)
    >>> returns = pd.DataFrame({"bank": 0.02 * np.sin(2.4 * t), "system": 0.01 * np.cos(1.7 * t)})
    >>> returns["system"] += 0.5 * returns["bank"]
    >>> calm = pd.DataFrame({"fear": 20 + 5 * np.sin(0.7 * t)})
    >>> found = delta_covar_given_states(returns, calm, "bank", "system", 0.1)
    >>> round(found.beta, 1), len(found.dates), bool(found.delta_covar[-1] < 0)
    (0.5, 59, True)
    """
    if source == target:
        raise SeriesError(f"{source} is both source and target")
    if not series.index.equals(states.index):
        raise SeriesError("returns and states do not have the same dates")
    if lag < 0:
        raise SeriesError(f"a lag of {lag} rows would look ahead")
    rows_of_tail(len(series), quantile)
    needed = len(states.columns) + lag + 3
    x, y = matrix(series.iloc[:, [place(series, source), place(series, target)]], needed, 2)[lag:].T
    before = matrix(states, needed)[: len(states) - lag]
    given = np.column_stack([np.ones(len(before)), before])
    low = given @ quantile_regression(x, given, quantile)
    median = given @ quantile_regression(x, given, 0.5)
    b = quantile_regression(y, np.column_stack([given, x]), quantile)
    return StateCoVaR(
        source,
        target,
        series.index[lag:],
        float(b[0]),
        float(b[-1]),
        b[1:-1],
        low,
        median,
        given @ b[:-1] + b[-1] * low,
        b[-1] * (low - median),
    )
