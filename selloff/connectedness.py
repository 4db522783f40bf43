"""Rolling connectedness of the sets of series: who receives how much of whose shocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from selloff.common_clock import runs_on_one_clock
from selloff.contagion_sets import PROVENANCE, WINDOWS, SeriesSet, series_sets
from selloff.spillover.connectedness import rolling_connectedness
from selloff.spillover.r_squared import rolling_r_squared_connectedness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from selloff.spillover.spillovers import Spillovers

# Industries are 60 and more: no window of a year identifies that many equations.
LEVELS = ("sector", "sector_fund", "region")
LAGS, HORIZON = 1, 10

_CONVENTIONS = (
    "window_from",
    "model",
    "decomposition",
    "window_rows",
    "n_regressed",
    "lags",
    "horizon",
    "synchronization",
    "n_series",
    "is_stable",
    "spectral_radius",
    *PROVENANCE,
)
MEASURES = (
    "series_set",
    "level",
    "session_date",
    "measure",
    "series_name",
    "value",
    "unit",
    *_CONVENTIONS,
)
LINKS = (
    "series_set",
    "level",
    "session_date",
    "source_name",
    "target_name",
    "share",
    "net_pairwise",
    "pairwise_index",
    "influence",
    *_CONVENTIONS,
)


def connectedness(contagion_series: pd.DataFrame, start: date, end: date) -> pd.DataFrame:
    """Return the connectedness measures of every set, window and session asked for.

    Parameters
    ----------
    contagion_series : DataFrame
        Columns of ``core.contagion_series``: whole series up to `end`, since the windows are those
        of the sessions that a set has in common.
    start, end : date
        First and last session asked for, both included.

    Returns
    -------
    DataFrame
        Columns of ``mart.connectedness``. Each row follows from the rows of its window alone: one
        new session costs one window, and equals what the whole history gives.
    """
    parts = [
        _described(rows, each)
        for each in _rolled(contagion_series, start, end)
        for rows in ((_parts(each),) if each.parts else (_measured(each.result),))
    ]
    return _stacked(parts, MEASURES)


def connectedness_links(contagion_series: pd.DataFrame, start: date, end: date) -> pd.DataFrame:
    """Return what every series of a set receives from every other.

    Parameters
    ----------
    contagion_series : DataFrame
        Columns of ``core.contagion_series``.
    start, end : date
        First and last session asked for, both included.

    Returns
    -------
    DataFrame
        Columns of ``mart.connectedness_links``: the pairs behind `connectedness`.
    """
    names = {"date": "session_date", "source": "source_name", "target": "target_name"}
    parts = [
        _described(each.result.links().rename(columns=names), each)
        for each in _rolled(contagion_series, start, end)
        if not each.parts
    ]
    return _stacked(parts, LINKS)


@dataclass(frozen=True, slots=True, eq=False)
class _Rolled:
    """The windows of one size of one set, in a run in which the same series are complete."""

    series: SeriesSet
    result: Spillovers
    looks_back: int
    """Rows before the window on which its synchronization rests; 0 where there is none."""
    parts: dict[str, Spillovers]
    """What the total is made of, by name."""


def _rolled(contagion_series: pd.DataFrame, start: date, end: date) -> Iterator[_Rolled]:
    since, until = pd.Timestamp(start), pd.Timestamp(end)
    known = contagion_series[contagion_series["level"].isin(LEVELS)]
    for series in series_sets(known[known["session_date"] <= until]):
        for window in WINDOWS:
            for part, looks_back in runs_on_one_clock(series, window, since):
                result = rolling_connectedness(
                    part, window=window, lags=LAGS, horizon=HORIZON, since=since, until=until
                )
                yield _Rolled(series, result, looks_back, {})
                if window == WINDOWS[0]:
                    both = rolling_r_squared_connectedness(
                        part, window=window, lags=LAGS, since=since, until=until
                    )
                    parts = {"contemporaneous": both.contemporaneous, "lagged": both.lagged}
                    yield _Rolled(series, both.total, looks_back, parts)


def _measured(result: Spillovers) -> pd.DataFrame:
    """Return the measures of the table, the series named, or none."""
    rows = result.measures().rename(columns={"date": "session_date", "name": "series_name"})
    rows = rows[rows["measure"] != "spectral_radius"]
    is_count = rows["measure"] == "n_net_receivers"
    unit = is_count.map({True: "series", False: "fraction"})
    return rows.assign(series_name=rows["series_name"].fillna(""), unit=unit)


def _parts(each: _Rolled) -> pd.DataFrame:
    """Return the parts of the total alone, a row per window: `total` is one model's only."""
    rows = [
        {"session_date": part.dates, "measure": name, "series_name": "", "value": part.total}
        for name, part in each.parts.items()
    ]
    return pd.concat(map(pd.DataFrame, rows), ignore_index=True).assign(unit="fraction")


def _described(rows: pd.DataFrame, each: _Rolled) -> pd.DataFrame:
    """Add to every row what its window was, how it was measured and what it rests on."""
    how = each.result.conventions
    of_windows = each.series.behind(each.result.dates, how.window + each.looks_back).assign(
        session_date=each.result.dates,
        spectral_radius=each.result.spectral_radius,
        is_stable=None if how.model == "r_squared" else each.result.is_stable,
    )
    found: pd.DataFrame = rows.merge(of_windows, on="session_date")
    return found.assign(
        series_set=each.series.name,
        level=each.series.level,
        model=how.model,
        decomposition=how.decomposition,
        window_rows=how.window,
        n_regressed=how.n_rows,
        lags=how.lags,
        horizon=how.horizon,
        synchronization="vma1" if each.looks_back else "none",
        n_series=len(each.result.names),
    )


def _stacked(parts: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame(columns=list(columns))
    return pd.concat(parts, ignore_index=True)[list(columns)]
