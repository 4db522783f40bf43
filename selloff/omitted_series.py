"""Which series were left out of which windows of their set, and why."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from selloff.common_clock import close_apart
from selloff.contagion_sets import WINDOWS, SeriesSet, series_sets
from selloff.series import complete_sets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

OMITTED = (
    "series_set",
    "series_name",
    "window_rows",
    "session_date",
    "last_session_date",
    "n_windows",
    "reason",
    "detail",
    "as_of",
)


def omitted_series(
    contagion_series: pd.DataFrame, windows: tuple[int, ...] = WINDOWS, least: int = 2
) -> pd.DataFrame:
    """Return which series were left out of which windows of their set, and why.

    Parameters
    ----------
    contagion_series : DataFrame
        Columns of ``core.contagion_series``.
    windows : tuple of int
        Rows of the windows.
    least : int
        Series without which a set is not compared.

    Returns
    -------
    DataFrame
        Columns of ``mart.omitted_series``: a row per span of sessions in a row whose windows lack a
        series for one reason. A whole set is left out under an empty `series_name`; with the reason
        ``no_market`` from the measures of its series' tails alone.
    """
    spans = [
        {"series_set": each.name, "window_rows": window, **span}
        for each in series_sets(contagion_series)
        for window in windows
        for span in (*_without(each, window), *_left_out(each, window, least))
    ]
    return pd.DataFrame(spans, columns=list(OMITTED))


def _without(series: SeriesSet, window: int) -> Iterator[dict[str, Any]]:
    """Yield the spans in which each series of a set is left out of its windows."""
    values = series.returns.to_numpy()
    if len(values) < window:
        return
    has = ~np.isnan(values)
    n_seen = np.lib.stride_tricks.sliding_window_view(has, window, axis=0).sum(axis=-1)
    first = np.where(has.any(axis=0), has.argmax(axis=0), len(has))
    starts = np.arange(len(n_seen))[:, None]
    is_in = np.zeros(n_seen.shape, dtype=bool)
    for each in complete_sets(series.returns, window):
        columns = series.returns.columns.isin(each.names)
        is_in[each.first - window + 1 : each.last - window + 2, columns] = True
    causes = np.select(
        # A series that is absent from a common session is no longer waited for.
        [is_in, n_seen == window, first > starts, ~has[window - 1 :] & (n_seen > 0), n_seen > 0],
        ["", "constant", "late", "ended", "missing"],
        "",  # it ended before the window began: no member of the set
    )
    for place, name in enumerate(series.returns.columns):
        for reason, run in _runs(causes[:, place]):
            yield _span(series, window, run) | {
                "series_name": name,
                "reason": reason,
                "detail": f"{n_seen[run.start, place]} of {window} returns",
            }


def _left_out(series: SeriesSet, window: int, least: int) -> Iterator[dict[str, Any]]:
    """Yield the spans in which a set has too few series or rows, or one follows from others."""
    n_rows = len(series.returns)
    # What is synchronized looks back on a window from each row of a window.
    is_apart = close_apart(series.close_hours(series.returns.iloc[:window]))
    n_needed = 2 * window - 1 if is_apart else window
    n_short = min(n_rows, n_needed - 1)
    yield {
        "series_name": "",
        "session_date": series.returns.index[0],
        "last_session_date": series.returns.index[n_short - 1],
        "n_windows": n_short,
        "reason": "too_few_rows",
        "detail": f"{n_rows} common sessions, the first window needs {n_needed}",
        "as_of": series.provenance["as_of"].iloc[:n_short].max(),
    }
    if n_rows < window:
        return
    yield from _without_market(series, window)
    for returns, cause in series.runs(window):
        if cause:
            last = int(series.returns.index.searchsorted(returns.index[-1]))
            run = range(last - len(returns) + 1, last - window + 2)
            yield _span(series, window, run) | {
                "series_name": "",
                "reason": "dependent",
                "detail": cause,
            }
    n_complete = np.zeros(n_rows - window + 1, dtype=int)
    for each in complete_sets(series.returns, window):
        n_complete[each.first - window + 1 : each.last - window + 2] = len(each.names)
    for reason, run in _runs(np.where(n_complete < least, "too_few_series", "")):
        detail = f"{n_complete[run.start]} complete series"
        yield _span(series, window, run) | {
            "series_name": "",
            "reason": reason,
            "detail": detail,
        }


def _without_market(series: SeriesSet, window: int) -> Iterator[dict[str, Any]]:
    """Yield the spans in which nothing is said of the series' tails for want of a market."""
    if series.level == "region":  # a market is held against none
        return
    n_missing = np.convolve(series.market.isna(), np.ones(window, dtype=int), "valid")
    for reason, run in _runs(np.where(n_missing > 0, "no_market", "")):
        yield _span(series, window, run) | {
            "series_name": "",
            "reason": reason,
            "detail": f"the market is missing in {n_missing[run.start]} of {window} sessions",
        }


def _runs(causes: NDArray[Any]) -> Iterator[tuple[str, range]]:
    """Yield each run of equal causes that are not empty, and the windows it spans."""
    changes = np.flatnonzero(causes[1:] != causes[:-1]) + 1
    for start, end in pairwise([0, *changes.tolist(), len(causes)]):
        if causes[start]:
            yield str(causes[start]), range(start, end)


def _span(series: SeriesSet, window: int, run: range) -> dict[str, Any]:
    """Say of a run of windows, by their first rows, on which sessions they end."""
    ends = slice(run.start + window - 1, run.stop + window - 1)
    dates = series.returns.index[ends]
    return {
        "session_date": dates[0],
        "last_session_date": dates[-1],
        "n_windows": len(dates),
        "as_of": series.provenance["as_of"].iloc[ends].max(),
    }
