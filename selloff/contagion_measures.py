"""Contagion around every event: each pair of each set, by every measure of the battery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from selloff.contagion_battery import measured
from selloff.contagion_sets import PROVENANCE, SeriesSet, series_sets
from selloff.event_windows import Around, around

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS = (
    "event_id",
    "series_set",
    "level",
    "source_name",
    "target_name",
    "is_origin",
    "measure",
    "period",
    "value",
    "value_standard_error",
    "lower",
    "upper",
    "unit",
    "p_value",
    "adjusted_p_value",
    "n_observations",
    "n_before",
    "detectable",
    "window_from",
    "window_to",
    "window_rows",
    "lags",
    "horizon",
    "synchronization",
    "quantile",
    "bandwidth",
    "draws",
    "is_stable",
    "method",
    "observed_through",
    *PROVENANCE,
)
_USUAL: dict[str, Any] = {
    "value_standard_error": None,
    "lower": None,
    "upper": None,
    "n_before": None,
    "detectable": None,
    "window_rows": None,
    "lags": 0,
    "horizon": 0,
    "synchronization": None,
    "quantile": None,
    "bandwidth": None,
    "draws": None,
    "is_stable": None,
}


def contagion_measures(
    selloff_events: pd.DataFrame, contagion_series: pd.DataFrame, event_firms: pd.DataFrame
) -> pd.DataFrame:
    """Return what every measure says of every pair of series around every event.

    Parameters
    ----------
    selloff_events : DataFrame
        Columns of ``mart.selloff_events``.
    contagion_series : DataFrame
        Columns of ``core.contagion_series``.
    event_firms : DataFrame
        As `selloff.event_firms` gives them.

    Returns
    -------
    DataFrame
        Columns of ``mart.contagion_measures``. What is said of `before` uses no row from the event
        on; what follows it has seen `observed_through`. Sets with fewer than 60 sessions before the
        event, or without two complete series, are not measured.
    """
    events = selloff_events[selloff_events["status"] != "withdrawn"]
    sets = series_sets(contagion_series)
    firms = dict(list(event_firms.groupby("event_id")))
    parts = [
        _described(each, measured(each))
        for event in events.to_dict("records")
        for each in _around(event, sets, firms.get(event["event_id"]))
    ]
    found = [part for part in parts if len(part)]
    if not found:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(found, ignore_index=True)[list(COLUMNS)]


def _around(
    event: dict[Any, Any], sets: list[SeriesSet], firms: pd.DataFrame | None
) -> Iterator[Around]:
    """Yield what the sets of the event's region, those of all regions and its firms offer."""
    started_at = pd.Timestamp(event["started_at"])
    asked = [(each, _origin(event, each)) for each in sets if each.region in {"", event["region"]}]
    if firms is not None:
        most = firms.sort_values("place")["series_name"].iloc[0]
        asked += [(each, str(most)) for each in series_sets(firms)]
    for series, origin in asked:
        found = around(series, event["event_id"], started_at, origin)
        if found is not None:
            yield found


def _origin(event: dict[Any, Any], series: SeriesSet) -> str:
    """Return the series of a set in which an event began, or nothing."""
    if series.level == "region":
        return str(event["region"])
    if series.level == "industry":
        return str(event["origin_industry"] or "")
    sector = event["origin_sector"]
    return next((name for name, own in series.sectors.items() if own == sector), "")


def _described(each: Around, rows: pd.DataFrame) -> pd.DataFrame:
    """Add to every row which event, set and window it is of, and what that rests on."""
    if rows.empty:
        return rows
    given = rows.reindex(columns=[*rows.columns, *(_USUAL.keys() - set(rows.columns))])
    given = given.astype({"synchronization": object})  # a column that nobody gave holds numbers
    whole = {"before": each.n_before, "after": len(each.after), "shift": len(each.returns)}
    ends = dict.fromkeys(whole, each.returns.index[-1])
    ends["before"] = each.returns.index[each.n_before - 1]
    clocks = dict.fromkeys(whole, each.synchronization)
    clocks["before"] = each.synchronization_before
    rows = given.assign(
        **{name: given[name].fillna(usual) for name, usual in _USUAL.items() if usual is not None},
        window_rows=given["window_rows"].fillna(given["period"].map(whole)).astype(int),
        window_to=given["period"].map(ends),
        synchronization=given["synchronization"].fillna(given["period"].map(clocks)),
    )
    rests = pd.concat(
        [
            each.series.behind(pd.Index([end]), int(n)).assign(window_to=end, window_rows=int(n))
            for end, n in rows[["window_to", "window_rows"]].drop_duplicates().to_numpy()
        ]
    )
    found = rows.merge(rests, on=["window_to", "window_rows"])
    return found.assign(
        event_id=each.event_id,
        series_set=each.series.name,
        level=each.series.level,
        # A measure of the whole set has no source, which is not an origin that is not known.
        is_origin=(found["source_name"] == each.origin) & (found["source_name"] != ""),
        observed_through=found["window_to"].where(found["period"] != "before"),
    )
