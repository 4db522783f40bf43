"""Periods: the calm and the turmoil that a test of a shift compares, cut out of a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from selloff.series import SeriesError, matrix, unfit

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray

# Fisher's transform has a standard error with more rows than this.
FEWEST = 4

Period = Any  # a slice of the index's labels, or a boolean per row


class Periods(NamedTuple):
    """The rows of the two periods, series in columns, as floats."""

    stable: NDArray[np.float64]
    turmoil: NDArray[np.float64]


def periods(
    series: pd.DataFrame,
    stable: Period,
    turmoil: Period,
    filtered: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
) -> Periods:
    """Cut two periods without a common row out of a frame of returns.

    Parameters
    ----------
    series : DataFrame
        Returns as fractions; rows are dates in ascending order, columns are series.
    stable, turmoil : slice or boolean array
        A slice of labels, both ends included, or one boolean per row of `series`.
    filtered : callable, optional
        Makes residuals of the returns, a frame on some of the same dates; the periods are cut out
        of these. By default the returns are taken as they are.

    Returns
    -------
    Periods
        Shapes (n_stable, n_series) and (n_turmoil, n_series).

    Raises
    ------
    SeriesError
        If a value is missing (`selloff.series.matrix`), the periods share rows, or one of them has
        fewer than four or a series that does not move.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.date_range("2025-01-20", periods=9)
    >>> rng = np.random.default_rng(1)
    >>> both = pd.DataFrame(rng.normal(0, 0.01, (9, 2)), days, ["US", "JP"])
    >>> parts = periods(both, slice(None, "2025-01-24"), slice("2025-01-25", None))
    >>> parts.stable.shape, parts.turmoil.shape
    ((5, 2), (4, 2))
    """
    left = series if filtered is None else filtered(series)
    values = matrix(left)
    rows = [_rows(series, period) for period in (stable, turmoil)]
    if left is not series:
        places = series.index.get_indexer(left.index)
        if (places < 0).any():
            raise SeriesError(f"the residuals have a date that the series lack: {left.index[0]} on")
        rows = [each[places] for each in rows]
    shared = int((rows[0] & rows[1]).sum())
    if shared:
        raise SeriesError(f"the stable and the turmoil period share {shared} rows")
    found = Periods(values[rows[0]], values[rows[1]])
    for name, part in zip(("stable", "turmoil"), found, strict=True):
        if len(part) < FEWEST:
            raise SeriesError(f"the {name} period has {len(part)} rows, at least 4 are needed")
        for cause in unfit(left.loc[left.index[rows[name == "turmoil"]]], part):
            raise SeriesError(f"{cause}, in the {name} period")
    return found


def _rows(series: pd.DataFrame, period: Period) -> NDArray[np.bool_]:
    """Return a boolean per row."""
    found = np.zeros(len(series), dtype=bool)
    if isinstance(period, slice):
        found[series.index.slice_indexer(period.start, period.stop)] = True
        return found
    given = np.asarray(period)
    if given.shape != found.shape or given.dtype != bool:
        raise SeriesError(f"a period is one boolean per row: {len(series)}, not {given.shape}")
    return given


def place_of(series: pd.DataFrame, source: Any) -> int:
    """Return the column of the source, or say that there is none.

    Parameters
    ----------
    series : DataFrame
        Columns are series.
    source : label
        The one looked for.

    Raises
    ------
    SeriesError
        If there is none of this name; the message lists those that there are.

    Examples
    --------
    >>> import pandas as pd
    >>> place_of(pd.DataFrame({"US": [0.01], "JP": [0.02]}), "JP")
    1
    """
    names = list(series.columns)
    if source not in names:
        raise SeriesError(f"no series is named {source}; there are {', '.join(map(str, names))}")
    return names.index(source)


def moments(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the standard deviations (divisor n - 1) and the correlations of columns.

    Parameters
    ----------
    values : array of shape (n, k)
        Finite numbers, no column constant (`periods`).

    Returns
    -------
    array of shape (k,), array of shape (k, k)

    Examples
    --------
    >>> deviations, correlations = moments(np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]))
    >>> deviations.tolist(), round(float(correlations[0, 1]), 12)
    ([1.0, 2.0], 1.0)
    """
    around = values - values.mean(axis=0)
    scale = np.sqrt((around**2).sum(axis=0))
    around /= scale
    return scale / np.sqrt(len(values) - 1), around.T @ around
