"""Returns of series that close at different hours, as if all closed together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff.comovement.synchronization import rolling_synchronized, synchronized
from selloff.series import SeriesError, complete_sets

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from selloff.contagion_sets import SeriesSet

SIMULTANEOUS = 2.0
"""Hours within which closes count as one moment."""
FEWEST = 2
"""Series without which there is nothing to compare."""


def close_apart(hours: dict[str, float]) -> bool:
    """Say whether closes lie so far apart that one date is not one moment.

    Examples
    --------
    >>> close_apart({"US": 21.0, "JP": 6.5}), close_apart({"XLK": 21.0, "XLU": 21.0})
    (True, False)
    """
    return bool(hours) and max(hours.values()) - min(hours.values()) >= SIMULTANEOUS


def on_one_clock(returns: pd.DataFrame, hours: dict[str, float]) -> pd.DataFrame | None:
    """Return the returns as if all closed together, or None where there is no need or no way."""
    if not close_apart(hours):
        return None
    try:
        found = synchronized(returns, hours)
    except SeriesError:
        return None
    return found.returns if found.is_stable else None


def runs_on_one_clock(
    series: SeriesSet, window: int, since: pd.Timestamp
) -> Iterator[tuple[pd.DataFrame, int]]:
    """Yield each run of complete windows of a set that reaches a date, on one clock.

    Parameters
    ----------
    series : SeriesSet
        The set.
    window : int
        Rows of a window.
    since : Timestamp
        Runs that end before it are left out.

    Yields
    ------
    DataFrame, int
        Returns as `SeriesSet.complete` has them, and on how many rows before its window each
        measure rests: none where all close together; else each row was brought to the clock of the
        last by the window up to it. Rows whose moving average has no inverse are in no window.
    """
    for part in series.complete(window):
        if len(part.columns) < FEWEST or part.index[-1] < since:
            continue
        hours = series.close_hours(part.iloc[:window])
        if not close_apart(hours):
            yield part, 0
        elif len(part) >= 2 * window - 1:
            yield from ((run, window - 1) for run in _moved(part, window, hours, since))


def _moved(
    part: pd.DataFrame, window: int, hours: dict[str, float], since: pd.Timestamp
) -> Iterator[pd.DataFrame]:
    # All rows, whichever days are asked for: the last digits of window sums depend on where a frame
    # begins, and that is after the last row whose moving average has no inverse.
    found = rolling_synchronized(part, hours, window=window)
    moved = found.returns[found.is_stable].reindex(part.index[window - 1 :])
    for each in complete_sets(moved, window):
        run = moved.iloc[each.first - window + 1 : each.last + 1]
        if len(each.names) == len(run.columns) and run.index[-1] >= since:
            yield run
