"""Series: frames of returns side by side, made fit for methods that need a full matrix.

Belongs here: what every matrix method asks of its input (`matrix`), which sessions a group of
series has in common (`common_sessions`), and which series are complete in which windows
(`complete_sets`). Does not belong here: any measure.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

# Below this share of its largest value a standard deviation is rounding noise, not movement.
NOISE = 1e-12
# Rows a series may be absent before the others no longer wait for it (two weeks: longer than any
# exchange's holidays).
PATIENCE = 10


class SeriesError(ValueError):
    """A frame of series that no estimate can come from; the message names column and cause."""


def matrix(series: pd.DataFrame, n_needed: int = 2, n_columns: int = 1) -> NDArray[np.float64]:
    """Return the values of a frame of series, or say which of them is unfit, and why.

    Parameters
    ----------
    series : DataFrame
        One row per date, in ascending order; one column per series.
    n_needed : int
        Rows below which nothing can be estimated.
    n_columns : int
        Series below which there is nothing to compare.

    Returns
    -------
    ndarray
        Shape (n_rows, n_series), finite, no column constant; the caller's own.

    Raises
    ------
    SeriesError
        If dates repeat or fall, names repeat, a column holds no numbers, a value is missing or
        infinite, a column is constant or a multiple of another, or there are too few rows or
        columns. The message names the column, the date and the numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.date_range("2025-01-27", periods=3)
    >>> matrix(pd.DataFrame({"XLK": [0.01, -0.05, 0.02], "XLU": [0.0, -0.02, 0.01]}, days)).shape
    (3, 2)
    >>> matrix(pd.DataFrame({"XLK": [0.01, -0.05, 0.02], "XLC": [0.0, 0.0, 0.0]}, days))
    Traceback (most recent call last):
    ...
    selloff.series.SeriesError: XLC is constant from 2025-01-27 to 2025-01-29
    """
    _refuse_disorder(series)
    if len(series.columns) < n_columns:
        raise SeriesError(f"{len(series.columns)} series, at least {n_columns} are needed")
    # A copy, though it be contiguous: pandas lends its own memory, read-only.
    values = np.array(_numbers(series), order="C")
    for cause in unfit(series, values):
        raise SeriesError(cause)
    if len(values) < n_needed:
        raise SeriesError(f"{_span(series)}: {len(values)} rows, at least {n_needed} are needed")
    _refuse_twins(series, values)
    return values


def unfit(series: pd.DataFrame, values: NDArray[np.float64]) -> Iterator[str]:
    """Yield why a column cannot be used, for each that cannot.

    Parameters
    ----------
    series : DataFrame
        Its labels name columns and dates.
    values : array of the shape of `series`
        Its numbers, NaN where there is none.

    Yields
    ------
    str
        First of columns with missing or infinite values, then of constant ones.

    Examples
    --------
    >>> import pandas as pd
    >>> series = pd.DataFrame({"XLK": [0.01, 0.01], "XLU": [None, 0.02]}, ["Mon", "Tue"])
    >>> next(unfit(series, series.to_numpy(float)))
    'XLU is missing or infinite in 1 of 2 rows, first on Mon'
    """
    finite = np.isfinite(values)
    for place in np.flatnonzero(~finite.all(axis=0)).tolist():
        gaps = np.flatnonzero(~finite[:, place])
        yield (
            f"{series.columns[place]} is missing or infinite in {len(gaps)} of {len(values)} rows, "
            f"first on {_day(series.index[int(gaps[0])])}"
        )
    for place in np.flatnonzero(finite.all(axis=0) & _is_constant(values)).tolist():
        yield f"{series.columns[place]} is constant {_span(series)}"


def _is_constant(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    if not len(values):
        return np.zeros(values.shape[1], dtype=bool)
    span = values.max(axis=0) - values.min(axis=0)
    found: NDArray[np.bool_] = span <= NOISE * np.abs(values).max(axis=0)
    return found


def _numbers(series: pd.DataFrame) -> NDArray[np.float64]:
    for name, kind in series.dtypes.items():
        if kind.kind not in "fiub":
            raise SeriesError(f"{name} holds {kind}, not numbers")
    return series.to_numpy(dtype=np.float64, na_value=np.nan)


def _refuse_disorder(series: pd.DataFrame) -> None:
    if not series.columns.is_unique:
        twice = series.columns[series.columns.duplicated()][0]
        raise SeriesError(f"two series are named {twice}")
    if not series.index.is_unique:
        raise SeriesError(f"{_day(series.index[series.index.duplicated()][0])} stands there twice")
    if not series.index.is_monotonic_increasing:
        raise SeriesError("the dates are not in ascending order")


def _refuse_twins(series: pd.DataFrame, values: NDArray[np.float64]) -> None:
    """Refuse a column that the ones before it explain entirely: no matrix of it has an inverse."""
    scaled = values - values.mean(axis=0)
    scaled /= np.linalg.norm(scaled, axis=0)
    left = np.abs(np.diag(np.linalg.qr(scaled, mode="r")))
    if len(values) > values.shape[1] and left.min() < NOISE**0.75:
        name = series.columns[int(np.argmin(left))]
        raise SeriesError(f"{name} is a linear combination of the other series {_span(series)}")


def _day(label: Any) -> str:
    return str(label)[:10] if hasattr(label, "year") else str(label)


def _span(series: pd.DataFrame) -> str:
    if not len(series):
        return "without rows"
    return f"from {_day(series.index[0])} to {_day(series.index[-1])}"


def common_sessions(series: pd.DataFrame, patience: int = PATIENCE) -> pd.DataFrame:
    """Return log returns between the sessions that all the series of the time have in common.

    A session that one of them lacks (a holiday there) is left out, and what the others did in it is
    added to their next common session: nothing is filled with a zero return, which would bias every
    volatility down. A series is waited for from its first session until it has been absent for
    `patience` sessions; whether it is depends on nothing from after the session.

    Parameters
    ----------
    series : DataFrame
        Log returns, each since that series' own session before; NaN where it has none. Dates
        ascend.
    patience : int
        Sessions of absence after which a series is no longer waited for.

    Returns
    -------
    DataFrame
        The same columns on the common sessions; NaN before a series began and after it ended.

    Raises
    ------
    SeriesError
        If dates or names repeat, dates fall, or a column holds no numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.to_datetime(["2025-01-24", "2025-01-27", "2025-01-28", "2025-02-03"])
    >>> both = pd.DataFrame(
    ...     {"US": [0.0, -0.015, 0.009, -0.008], "CN": [0.01, 0.004, None, -0.03]}, days
    ... )
    >>> common_sessions(both)["US"].round(3).tolist()
    [0.0, -0.015, 0.001]
    """
    _refuse_disorder(series)
    values = _numbers(series)
    has = np.isfinite(values)
    rows = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(has, rows, -patience - 1), axis=0)
    is_awaited = rows - last < patience
    is_common = np.all(has | ~is_awaited, axis=1) & np.any(has, axis=1)
    # What a series did since its common session before belongs to its own next one: to everybody's
    # next one, the last returns before a long absence would be lost.
    is_own = is_common[:, None] & has
    turn = np.minimum.accumulate(np.where(is_own, rows, len(rows))[::-1], axis=0)[::-1]
    sums = np.zeros((len(rows) + 1, values.shape[1]))
    np.add.at(sums, (turn, np.arange(values.shape[1])), np.where(has, values, 0.0))
    sums = np.where(is_own, sums[:-1], np.nan)[is_common]
    found: pd.DataFrame = series.loc[is_common]
    return found.assign(**dict(zip(series.columns, sums.T, strict=True)))


@dataclass(frozen=True, slots=True)
class CompleteSet:
    """Consecutive windows in which the same series are complete.

    Parameters
    ----------
    names : tuple of str
        The series, in the order of the frame.
    first, last : int
        Rows at which the first and the last of the windows end, both included.
    """

    names: tuple[str, ...]
    first: int
    last: int


def complete_sets(series: pd.DataFrame, window: int) -> list[CompleteSet]:
    """Return which series are complete, and move, in the windows that end at each row.

    Parameters
    ----------
    series : DataFrame
        Returns on common sessions (`common_sessions`).
    window : int
        Rows of a window, at least two.

    Returns
    -------
    list of CompleteSet
        In time order; windows in which no series is complete are in none of them. Which set a
        window belongs to depends on the rows of that window alone.

    Raises
    ------
    SeriesError
        If dates or names repeat, a column holds no numbers, or a window has fewer than two rows.

    Examples
    --------
    >>> import pandas as pd
    >>> late = pd.DataFrame(
    ...     {"XLK": [0.01, -0.05, 0.02, 0.03], "XLC": [None, 0.01, 0.02, -0.01]},
    ...     pd.date_range("2018-06-18", periods=4),
    ... )
    >>> [(each.names, each.first, each.last) for each in complete_sets(late, 2)]
    [(('XLK',), 1, 1), (('XLK', 'XLC'), 2, 3)]
    """
    if window < 2:  # noqa: PLR2004 - a single row does not move
        raise SeriesError(f"a window of {window} rows, at least 2 are needed")
    _refuse_disorder(series)
    values = _numbers(series)
    values = np.where(np.isfinite(values), values, np.nan)
    if len(values) < window:
        return []
    ends = np.arange(window - 1, len(values))
    gaps = np.vstack([np.zeros(values.shape[1]), np.cumsum(~np.isfinite(values), axis=0)])
    is_complete = gaps[window:] == gaps[:-window]
    # A series that stands still moves in no row of the window after its first.
    moves = np.zeros_like(values, dtype=bool)
    moves[1:] = np.abs(np.diff(values, axis=0)) > 0
    steps = np.vstack([np.zeros(values.shape[1]), np.cumsum(moves, axis=0)])
    is_complete &= steps[window:] > steps[1 : len(values) - window + 2]
    found = []
    for members, run in groupby(ends, key=lambda end: tuple(is_complete[end - window + 1])):
        places = list(run)
        if any(members):
            names = tuple(series.columns[np.array(members)])
            found.append(CompleteSet(names, int(places[0]), int(places[-1])))
    return found
