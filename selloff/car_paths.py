"""The paths of every event: of the listings that lost most, of sectors, regions and all."""

# ruff: noqa: PD003, PD004 - Ibis, not pandas: its columns know isnull and notnull only

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._ibis import fetched, looked_up, stacked
from selloff.members import members
from selloff.paths import PathWindow, car_path
from selloff.returns import MarketModel

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd
    from numpy.typing import NDArray

# A session in which fewer than half of a portfolio's usual members traded is another portfolio.
LEAST_SHARE = 0.5

# What a series is of; a sector's name stands in every region.
_UNIT = ("grouping", "unit")
_COLUMNS = (
    "event_id",
    "grouping",
    "group_name",
    "day",
    "session_date",
    "n_listings",
    "abnormal_return",
    "cumulative_abnormal_return",
    "standard_error",
    "band_low",
    "band_high",
    "n_estimation",
    "method",
    "n_flagged",
    "has_simulated_inputs",
    "as_of",
)


def car_paths(
    selloff_events: ir.Table,
    selloff_metrics: ir.Table,
    abnormal_returns: ir.Table,
    instruments: ir.Table,
    model: MarketModel | None = None,
    window: PathWindow | None = None,
) -> pd.DataFrame:
    """Return the path of the cumulative abnormal return around every event.

    A path belongs to a ``listing`` (those that lost the most value), or to the equal-weighted
    portfolio of the members of a ``sector`` of the event's region, of a ``region``'s market, or of
    ``all`` of them. A portfolio is a series of its own, held against the same model: its residuals
    hold whatever correlation its members have on one date, so its bands are not narrowed by
    counting members that fell together as independent (the portfolio approach of Brown and Warner,
    1980, with the exact error of the prediction). A variance that the event itself raised is not in
    them.

    Parameters
    ----------
    selloff_events, selloff_metrics, abnormal_returns, instruments : ibis Table
        Columns of the tables of these names.
    model : MarketModel, optional
        Estimation rows before the event, of each series' own sessions.
    window : PathWindow, optional
        Days, level and number of listings.

    Returns
    -------
    DataFrame
        Columns of ``mart.car_paths``, by event, grouping, group and day; returns and errors in log
        points. Days that a series does not have yet have no row, so that nothing in a row is from
        after its `session_date` or, before the event, the event's. A series that cannot be
        estimated has no rows.
    """
    import pandas as pd

    chosen, around = model or MarketModel(), window or PathWindow()
    events = selloff_events.filter(selloff_events.status != "withdrawn").select(
        "event_id", event_region="region", event_date="session_date"
    )
    asked, series = _listings(events, selloff_metrics, abnormal_returns, instruments, around)
    panel = members(abnormal_returns, instruments)
    more, portfolios = _portfolios(events, selloff_metrics, panel)
    asked, series = stacked(asked, more), stacked(series, portfolios)
    series = series.mutate(unit=series.grouping.concat(" ", series.unit))
    asked = asked.mutate(unit=asked.grouping.concat(" ", asked.unit))
    held = fetched(series.order_by("unit", "session_date"))
    units, starts = np.unique(held["unit"].to_numpy(dtype=str), return_index=True)
    stops = np.append(starts, len(held))[1:]  # nothing of nothing: funds have events, but no paths
    ends = dict(zip(units, zip(starts, stops, strict=True), strict=True))
    rows = {name: held[name].to_numpy() for name in held.columns if name not in _UNIT}
    parts = []
    for event in fetched(asked.order_by("event_id", "unit")).itertuples():
        first, last = ends.get(event.unit, (0, 0))
        own = {name: values[first:last] for name, values in rows.items()}
        parts.append(_followed(event, own, chosen, around))
    some = [part for part in parts if part is not None]
    if not some:
        return pd.DataFrame(columns=list(_COLUMNS))
    return pd.DataFrame({name: np.concatenate([part[name] for part in some]) for name in _COLUMNS})


def _listings(
    events: ir.Table,
    selloff_metrics: ir.Table,
    abnormal_returns: ir.Table,
    instruments: ir.Table,
    window: PathWindow,
) -> tuple[ir.Table, ir.Table]:
    """Return the listings of each event that lost the most value, and their series."""
    import ibis

    equities = instruments.filter(instruments.asset_class == "equity")
    rows = selloff_metrics.semi_join(events, "event_id").semi_join(equities, "listing_id")
    order = (
        rows.market_value_lost_usd.isnull(),
        rows.market_value_lost_usd.desc(),
        rows.abnormal_z.isnull(),
        rows.abnormal_z,
        rows.listing_id,
    )
    rows = rows.mutate(place=ibis.row_number().over(group_by="event_id", order_by=order))
    rows = rows.filter(rows.place < window.most)
    asked = rows.select(
        "event_id",
        grouping=ibis.literal("listing"),
        unit="listing_id",
        group_name="listing_id",
        event_date="session_date",
    )
    bars = abnormal_returns.semi_join(rows, "listing_id")
    series = bars.select(
        grouping=ibis.literal("listing"),
        unit="listing_id",
        session_date="session_date",
        y="log_return",
        x="market_log_return",
        n_listings=ibis.literal(1).cast("int64"),
        n_flagged="n_flagged",
        simulated=bars.has_simulated_inputs.cast("int64"),
        as_of="as_of",
    )
    return asked, series


def _portfolios(
    events: ir.Table, selloff_metrics: ir.Table, panel: ir.Table
) -> tuple[ir.Table, ir.Table]:
    """Return the portfolios that each event is asked of, and the mean returns of their members."""
    import ibis

    pairs = panel.filter(panel.log_return.notnull(), panel.market_log_return.notnull())
    # Once over the panel; the coarser portfolios are sums of these.
    cells = pairs.group_by("region", "sector", "session_date").aggregate(
        sum_y=pairs.log_return.sum(),
        sum_x=pairs.market_log_return.sum(),
        n_listings=pairs.count(),
        n_flagged=pairs.n_flagged.sum(),
        simulated=pairs.has_simulated_inputs.cast("int64").max(),
        as_of=pairs.as_of.max(),
    )
    units = {"all": ibis.literal("all"), "region": cells.region, "sector": _in(cells)}
    series = [
        cells.mutate(grouping=ibis.literal(grouping), unit=unit)
        .filter(lambda t: t.unit.notnull())
        .group_by(*_UNIT, "session_date")
        .aggregate(
            y=lambda t: t.sum_y.sum() / t.n_listings.sum().cast("float64").nullif(0),
            x=lambda t: t.sum_x.sum() / t.n_listings.sum().cast("float64").nullif(0),
            n_listings=lambda t: t.n_listings.sum(),
            n_flagged=lambda t: t.n_flagged.sum(),
            simulated=lambda t: t.simulated.max(),
            as_of=lambda t: t.as_of.max(),
        )
        for grouping, unit in units.items()
    ]
    starts = selloff_metrics.filter(selloff_metrics.region.notnull())
    starts = starts.group_by("event_id", "region").aggregate(event_date=starts.session_date.min())
    own = looked_up(
        events.mutate(region=events.event_region).drop("event_date"), starts, ("event_id", "region")
    )
    places = cells.filter(cells.sector.notnull()).select("region", "sector").distinct()
    sectors = own.inner_join(places, "region")
    regions = starts.semi_join(events, "event_id")
    asked = [
        rows.select(
            "event_id", "event_date", grouping=ibis.literal(grouping), unit=unit, group_name=name
        )
        for grouping, rows, unit, name in (
            ("all", events, ibis.literal("all"), ibis.literal("all")),
            ("region", regions, regions.region, regions.region),
            ("sector", sectors, _in(sectors), sectors.sector),
        )
    ]
    return stacked(*asked), stacked(*series)


def _in(rows: ir.Table) -> ir.StringColumn:
    """Name a sector with its region."""
    return rows.region.concat(" ", rows.sector)


def _followed(
    event: Any, rows: dict[str, NDArray[Any]], model: MarketModel, window: PathWindow
) -> dict[str, NDArray[Any]] | None:
    """Return the path of one series around one event, with what it rests on."""
    event_date = np.datetime64(event.event_date)
    at = int(np.searchsorted(rows["session_date"], event_date))
    if at == len(rows["session_date"]) or rows["session_date"][at] != event_date:
        return None
    kept = rows["n_listings"] >= rows["n_listings"][at] * LEAST_SHARE
    rows, at = {name: values[kept] for name, values in rows.items()}, int(kept[:at].sum())
    path = car_path(rows["y"], rows["x"], at, model, window)
    if path is None:
        return None
    first, shown = max(at - model.first, 0), at + path.days
    so_far = {
        name: np.maximum.accumulate(rows[name][first : shown[-1] + 1])[shown - first]
        for name in ("simulated", "as_of")
    }
    return {
        "event_id": np.full(len(shown), event.event_id),
        "grouping": np.full(len(shown), event.grouping),
        "group_name": np.full(len(shown), event.group_name),
        "day": path.days,
        "session_date": rows["session_date"][shown],
        "n_listings": rows["n_listings"][shown],
        "abnormal_return": path.abnormal,
        "cumulative_abnormal_return": path.car,
        "standard_error": path.standard_error,
        "band_low": path.low,
        "band_high": path.high,
        "n_estimation": np.full(len(shown), path.n_estimation),
        "method": np.full(
            len(shown), "market_model" if event.grouping == "listing" else "portfolio"
        ),
        "n_flagged": rows["n_flagged"][shown],
        "has_simulated_inputs": so_far["simulated"] > 0,
        "as_of": so_far["as_of"],
    }
