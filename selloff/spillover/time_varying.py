"""Connectedness of a vector autoregression whose coefficients move from row to row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selloff.spillover.bands import PERIODS, by_band
from selloff.spillover.decompositions import decomposed
from selloff.spillover.forgetting_filter import FORGETTING, Path, State, follow, initial_state
from selloff.spillover.spillovers import Conventions, Spillovers

if TYPE_CHECKING:
    import pandas as pd

    from selloff.spillover.priors import Prior

# Rows decomposed at once: their responses, `horizon` times the shares, stay within a few megabytes.
ROWS = 256


def time_varying_connectedness(
    series: pd.DataFrame,
    *,
    training: int,
    lags: int = 1,
    horizon: int = 10,
    forgetting: tuple[float, float] = FORGETTING,
    prior: str | Prior = "minnesota",
    decomposition: str = "generalized",
) -> Spillovers:
    """Return connectedness at each row from the end of a training block, without a window.

    The level, the prior and the first error covariance come from the training block. The filter
    (`forgetting_filter.follow`) runs from the first row, publishes from the block's last one on,
    and takes each row from what was known before it: no number changes when rows are added. The
    field's standard looks ahead: it takes the mean and the first covariance of all rows, and by
    default the prior too.

    For one new day go on from the state of a path instead of filtering everything again::

        path = follow(series, state)
        today = path_connectedness(path, horizon)

    Parameters
    ----------
    series : DataFrame
        One row per date, ascending; one column per series, without gaps.
    training : int
        Rows of the training block, at whose end the first number is published; the field takes 200.
        With a prior of one's own it may be 0: then every row is published.
    lags : int
        Lags p.
    horizon : int
        Terms summed, h = 0 .. horizon - 1.
    forgetting : tuple of float
        Weight of a row against the next one, for the coefficients and for the error covariance.
    prior : str or Prior
        "minnesota", "uninformative", "least_squares" (`selloff.spillover.priors`), or one's own.
    decomposition : str
        `generalized`, `orthogonalized`, `joint` or `extended_joint` (`decompositions`).

    Returns
    -------
    Spillovers
        One entry per row from the last one of the training block. Where the filter's coefficients
        would explode (spectral radius of 1 or above, flagged) the shares are those of the
        coefficients before.

    Raises
    ------
    SeriesError
        If the training block is too short, a value is missing, or a covariance has no inverse.

    References
    ----------
    Antonakakis, Chatziantoniou and Gabauer (2020), Refined Measures of Dynamic Connectedness Based
    on Time-Varying Parameter Vector Autoregressions, JRFM 13(4), 84; Koop and Korobilis (2014), A
    New Index of Financial Conditions, European Economic Review 71, 101-116.

    Examples
    --------
    >>> import pandas as pd
    >>> random = np.random.default_rng(7)
    >>> common, own = random.normal(0, 0.01, (300, 1)), random.normal(0, 0.01, (300, 2))
    >>> own[:200] *= 3
    >>> days = pd.bdate_range("2024-01-02", periods=300)
    >>> two = pd.DataFrame(common + own, days, ["XLK", "XLU"])
    >>> found = time_varying_connectedness(two, training=100)
    >>> len(found.dates), found.total[[100, -1]].round(2).tolist()
    (201, [0.07, 0.17])
    """
    state = initial_state(series, training=training, lags=lags, forgetting=forgetting, prior=prior)
    return path_connectedness(follow(series, state), horizon, decomposition)


def path_connectedness(
    path: Path, horizon: int = 10, decomposition: str = "generalized"
) -> Spillovers:
    """Return the connectedness at the rows of a path that may be published.

    Parameters
    ----------
    path : Path
        Of `follow`.
    horizon : int
        Terms summed, h = 0 .. horizon - 1.
    decomposition : str
        `generalized`, `orthogonalized`, `joint` or `extended_joint`.

    Returns
    -------
    Spillovers
        One entry per row from the last one of the training block.

    Examples
    --------
    >>> import pandas as pd
    >>> random = np.random.default_rng(7)
    >>> days = pd.bdate_range("2024-01-02", periods=60)
    >>> two = pd.DataFrame(random.normal(0, 0.01, (60, 2)), days, ["XLK", "XLU"])
    >>> whole = time_varying_connectedness(two, training=40)
    >>> yesterday = follow(two[:59], initial_state(two, training=40)).state
    >>> today = path_connectedness(follow(two, yesterday))
    >>> len(today.dates), bool((today.shares == whole.shares[-1:]).all())
    (1, True)
    """
    some = _published(path)
    coefficients, covariance = path.coefficients[some], path.error_covariance[some]
    shares = np.empty(covariance.shape)
    for start in range(0, len(shares), ROWS):
        at = slice(start, start + ROWS)
        shares[at] = decomposed(coefficients[at], covariance[at], horizon, decomposition)
    return Spillovers(
        tuple(map(str, path.state.names)),
        path.dates[some],
        shares,
        path.spectral_radius[some],
        conventions(path.state, horizon, decomposition),
    )


def path_bands(path: Path, periods: tuple[float, ...] = PERIODS) -> dict[str, Spillovers]:
    """Return the connectedness of each frequency band at the rows that may be published.

    Parameters
    ----------
    path : Path
        Of `follow`.
    periods : tuple of float
        Where bands end, in rows, ascending, above 2.

    Returns
    -------
    dict
        As `bands.by_band`: one table per band, which add up to the table at an infinite horizon.

    References
    ----------
    Chatziantoniou, Gabauer and Gupta (2021), Integration and Risk Transmission in the Market for
    Crude Oil: A Time-Varying Parameter Frequency Connectedness Approach, University of Pretoria
    Working Paper 202147.

    Examples
    --------
    >>> import pandas as pd
    >>> random = np.random.default_rng(7)
    >>> days = pd.bdate_range("2024-01-02", periods=60)
    >>> two = pd.DataFrame(random.normal(0, 0.01, (60, 2)), days, ["XLK", "XLU"])
    >>> path = follow(two, initial_state(two, training=40))
    >>> tables = path_bands(path, periods=(5.0,))
    >>> whole = path_connectedness(path, horizon=200)
    >>> both = tables["2 to 5"].shares + tables["over 5"].shares
    >>> bool(abs(both - whole.shares).max() < 1e-12)
    True
    """
    some = _published(path)
    return by_band(
        path_connectedness(path, 1), path.coefficients[some], path.error_covariance[some], periods
    )


def _published(path: Path) -> slice:
    """Return which rows of a path are at or after the last one of the training block."""
    first = path.state.n_rows - len(path.dates)
    return slice(max(0, path.state.training - 1 - first), None)


def conventions(state: State, horizon: int, decomposition: str = "generalized") -> Conventions:
    """Return how shares were made from a state; no window is cut, so that it counts no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = np.random.default_rng(7).normal(0, 0.01, (60, 2))
    >>> state = initial_state(pd.DataFrame(rows, columns=["XLK", "XLU"]), training=40)
    >>> conventions(state, 10).detail
    'forgetting 0.99 and 0.96, minnesota prior, 40 training rows'
    """
    weights = " and ".join(f"{weight:g}" for weight in state.forgetting)
    detail = f"forgetting {weights}, {state.label} prior, {state.training} training rows"
    return Conventions("tvp_var", decomposition, 0, 0, state.lags, horizon, detail)
