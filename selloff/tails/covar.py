"""Delta-CoVaR: how much lower the tail of one series lies when another is in distress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff.quantile_regression import (
    quantile_line,
    quantile_regression,
    quantile_standard_errors,
)
from selloff.resampling import resampled_rows
from selloff.series import SeriesError, matrix
from selloff.tails._windows import place, rows_of_tail, two_sided

if TYPE_CHECKING:
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
    columns = np.column_stack([np.ones_like(x), x])
    error = quantile_standard_errors(y, columns, line, quantile)[1]
    return float(error), float(two_sided(line[1] / error, len(x) - 2))


def _resampled(y: Floats, x: Floats, quantile: float, how: Resampling) -> tuple[float, float]:
    """Return standard error and p-value from the spread of Delta-CoVaR over draws."""
    rows = resampled_rows(len(x), how.draws, how.block, np.random.default_rng(how.seed))
    drawn = x[rows]
    low, median = np.quantile(drawn, [quantile, 0.5], axis=1)
    change = quantile_line(y[rows], drawn, quantile).slope * (low - median)
    side = min(int((change >= 0).sum()), int((change <= 0).sum()))
    return float(change.std(ddof=1)), min(1.0, 2 * (side + 1) / (how.draws + 1))


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
