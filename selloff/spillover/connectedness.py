"""The public face: connectedness of a frame of series, once or in rolling windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._window_sums import rows_between
from selloff.series import SeriesError, matrix
from selloff.spillover.decompositions import decomposed
from selloff.spillover.rolling_fits import rolling_fits
from selloff.spillover.spillovers import Conventions, Spillovers
from selloff.spillover.vector_autoregression import fit, refuse_window, spectral_radius

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd


def connectedness(
    series: pd.DataFrame,
    *,
    lags: int = 1,
    horizon: int = 10,
    decomposition: str = "generalized",
) -> Spillovers:
    """Return who receives what from whom, over all rows of a frame.

    A vector autoregression with intercept, and the shares of its forecast error variance (the
    formulas are in `decompositions`). Nothing is scaled or centred in advance.

    Parameters
    ----------
    series : DataFrame
        One row per date, ascending; one column per series: volatilities or returns, in any unit.
    lags : int
        p.
    horizon : int
        Terms H of the moving average that are summed, h = 0 .. H - 1.
    decomposition : str
        `generalized`, `orthogonalized` (the order of the columns matters), `joint` or
        `extended_joint`.

    Returns
    -------
    Spillovers
        Of one window, dated by its last row.

    Raises
    ------
    SeriesError
        If a value is missing, a column does not move or repeats others, or there are too few rows.
    ValueError
        If there is no such decomposition, or no term.

    References
    ----------
    Diebold and Yilmaz (2012), International Journal of Forecasting 28(1), table 2 of which it
    reproduces.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.bdate_range("2025-01-01", periods=300)
    >>> random = np.random.default_rng(1)
    >>> market = random.standard_normal((300, 1))
    >>> own = random.standard_normal((300, 3))
    >>> found = connectedness(pd.DataFrame(market + own, days, ["XLK", "XLF", "XLU"]))
    >>> found.total.round(2).tolist(), found.is_stable.tolist()
    ([0.29], [True])
    """
    values = matrix(series, n_columns=2)
    refuse_window(len(values), values.shape[1], lags)
    found = fit(values, lags)
    coefficients, covariance = found.coefficients[None], found.covariance[None]
    return Spillovers(
        names=tuple(map(str, series.columns)),
        dates=series.index[-1:],
        shares=decomposed(coefficients, covariance, horizon, decomposition),
        spectral_radius=spectral_radius(coefficients),
        conventions=_conventions(len(values), lags, horizon, decomposition),
    )


def rolling_connectedness(  # noqa: PLR0913 - the eighth leaves out what costs most
    series: pd.DataFrame,
    *,
    window: int,
    lags: int = 1,
    horizon: int = 10,
    decomposition: str = "generalized",
    since: Any = None,
    until: Any = None,
    has_radius: bool = True,
) -> Spillovers:
    """Return who receives what from whom in the window that ends at each row.

    Each is what `connectedness` finds in the window's rows alone: nothing after its date counts.

    Parameters
    ----------
    series : DataFrame
        One row per date, ascending; one column per series: volatilities or returns, in any unit.
    window : int
        Rows of a window, all of them used: ``window - lags`` are regressed.
    lags : int
        p.
    horizon : int
        Terms H of the moving average that are summed, h = 0 .. H - 1.
    decomposition : str
        `generalized`, `orthogonalized` (the order of the columns matters), `joint` or
        `extended_joint`.
    since, until : label of the index, optional
        Only the windows that end from this date, to this date, both included. They are the same to
        the last bit as without, as long as the frame begins in the same row: a new day costs one
        window.
    has_radius : bool
        Whether to find the spectral radius of each window, which takes three times as long as the
        shares; NaN without.

    Returns
    -------
    Spillovers
        NaN for a window in which a column or a lag is constant, or is determined by others to
        1e-12 of its squares; `unfit_windows` says which. Unstable windows are kept: see
        `Spillovers.is_stable`.

    Raises
    ------
    SeriesError
        If a value is missing, a column never moves or repeats others, or there are too few rows.
    ValueError
        If there is no such decomposition, or no term.

    References
    ----------
    Diebold and Yilmaz (2012), International Journal of Forecasting 28(1), section 3.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.bdate_range("2025-01-01", periods=300)
    >>> random = np.random.default_rng(1)
    >>> own = random.standard_normal((300, 3))
    >>> series = pd.DataFrame(random.standard_normal((300, 1)) + own, days, ["XLK", "XLF", "XLU"])
    >>> found = rolling_connectedness(series, window=250)
    >>> len(found.dates), found.total[[0, -1]].round(2).tolist()
    (51, [0.33, 0.35])
    >>> today = rolling_connectedness(series, window=250, since=days[-1])
    >>> today.total.tolist() == found.total[-1:].tolist()
    True
    """
    refuse_window(window, len(series.columns), lags)
    values = matrix(series, n_needed=window, n_columns=2)
    first, last = rows_between(series.index, window, since, until)
    n, k = max(last - first + 1, 0), values.shape[1]
    shares, radius = np.empty((n, k, k)), np.full(n, np.nan)
    for at, found in rolling_fits(values, window, lags, first, last):
        shares[at] = decomposed(found.coefficients, found.covariance, horizon, decomposition)
        if has_radius:
            radius[at] = spectral_radius(found.coefficients)
    return Spillovers(
        names=tuple(map(str, series.columns)),
        dates=series.index[first : first + n],
        shares=shares,
        spectral_radius=radius,
        conventions=_conventions(window, lags, horizon, decomposition),
    )


def unfit_windows(series: pd.DataFrame, found: Spillovers) -> Iterator[tuple[Any, str]]:
    """Yield which windows could not be estimated, and why.

    Parameters
    ----------
    series : DataFrame
        The frame that the windows are of.
    found : Spillovers
        What was found in it.

    Yields
    ------
    date : label of the index
        Last row of the window.
    str
        Which column it was, and what is wrong with it.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.bdate_range("2025-01-01", periods=40)
    >>> series = pd.DataFrame(np.random.default_rng(1).random((40, 2)), days, ["XLK", "XLC"])
    >>> series.loc[days[:30], "XLC"] = 0.5
    >>> found = rolling_connectedness(series, window=30, until=days[29])
    >>> [cause for _, cause in unfit_windows(series, found)]
    ['XLC is constant from 2025-01-01 to 2025-02-11']
    """
    window = found.conventions.window
    ends = series.index.get_indexer(found.dates) + 1
    for place in np.flatnonzero(np.isnan(found.shares).any(axis=(1, 2))).tolist():
        date, end = found.dates[place], int(ends[place])
        try:
            matrix(series.iloc[end - window : end])
        except SeriesError as error:
            yield date, str(error)
        else:
            lags = found.conventions.lags
            cause = f"a series or its lags 1 to {lags} are constant, or a combination of others,"
            yield date, f"{cause} in the regression"


def _conventions(window: int, lags: int, horizon: int, decomposition: str) -> Conventions:
    return Conventions(
        model="var",
        decomposition=decomposition,
        window=window,
        n_rows=window - lags,
        lags=lags,
        horizon=horizon,
    )
