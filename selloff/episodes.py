"""Sessions that belong together: neighbouring sell-offs of a market, markets that fell at once."""

# ruff: noqa: PD004 - Ibis, not pandas: its columns know notnull only

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

_WIDTHS = {"single_name": 0, "industry": 1, "sector": 2, "market": 3}
_NAMES = list(_WIDTHS)


def numbered(market_days: ir.Table) -> ir.Table:
    """Add each session's `position` in its region, from 0, and the `previous_date`.

    Parameters
    ----------
    market_days : ibis Table
        Columns of ``mart.market_days``.

    Returns
    -------
    ibis Table
        The rows, with both.
    """
    import ibis

    region = ibis.window(group_by="region", order_by="session_date")
    return market_days.mutate(
        position=ibis.row_number().over(region),
        previous_date=market_days.session_date.lag().over(region),
    )


def episodes(days: ir.Table, gap: int = 1) -> ir.Table:
    """Join neighbouring detected sessions of a region; figures are those of the first.

    Falls of single names are joined name by name, and never with those of a group or a market: a
    firm's bad day before a crash is not the crash.

    Parameters
    ----------
    days : ibis Table
        As `numbered` gives them.
    gap : int
        Sessions without a sell-off that may lie between two of one episode.

    Returns
    -------
    ibis Table
        One row per episode: the first session's columns, `first_scope` (its scope),
        `last_session_date`, `worst_session_date` (the largest `threshold_multiple`; the first of
        equals), `n_sessions` (detected ones) and, over all its sessions, `scope` (the widest),
        `threshold_multiple`, `has_simulated_inputs` and `as_of`.
    """
    import ibis

    hit = days.filter(days.scope.notnull())
    is_single = hit.scope == "single_name"
    hit = hit.mutate(
        subject=is_single.ifelse(hit.worst_listing_id, ""),
        width=hit.scope.cases(*_WIDTHS.items(), else_=0),
    )
    keys = ("region", "subject")
    in_order = ibis.window(group_by=keys, order_by="session_date")
    until = ibis.window(group_by=keys, order_by="session_date", preceding=None, following=0)
    before = hit.position.lag().over(in_order)
    hit = hit.mutate(is_first=(hit.position - before <= gap + 1).ifelse(0, 1).fill_null(1))
    hit = hit.mutate(episode=hit.is_first.sum().over(until))
    by_fall = ibis.window(
        group_by=(*keys, "episode"), order_by=(hit.threshold_multiple.desc(), "session_date")
    )
    hit = hit.mutate(place=ibis.row_number().over(by_fall))
    spans = hit.group_by(*keys, "episode").aggregate(
        last_session_date=hit.session_date.max(),
        worst_session_date=hit.session_date.min(where=hit.place == 0),
        n_sessions=hit.count(),
        widest=hit.width.max(),
        most=hit.threshold_multiple.max(),
        n_simulated_sessions=hit.has_simulated_inputs.cast("int64").sum(),
        newest=hit.as_of.max(),
    )
    first = hit.filter(hit.is_first == 1).inner_join(spans, (*keys, "episode"))
    return first.mutate(
        first_scope=first.scope,
        scope=first.widest.cases(*((at, name) for name, at in _WIDTHS.items()), else_="market"),
        threshold_multiple=first.most,
        has_simulated_inputs=first.n_simulated_sessions > 0,
        as_of=first.newest,
    )


def with_global_scope(events: pd.DataFrame) -> pd.DataFrame:
    """Widen the scope of market sell-offs that one shock can explain in several regions.

    Parameters
    ----------
    events : DataFrame
        `region`, `scope`, `started_at` (UTC, the region's close before the event) and `closed_at`
        (UTC, its close in the event's first session).

    Returns
    -------
    DataFrame
        The rows, `scope` ``global`` where the time from one to the other overlaps with that of
        another region's market: the shock may lie in both.

    Examples
    --------
    >>> import pandas as pd
    >>> times = pd.to_datetime(["2024-08-02 06:00", "2024-08-02 20:00", "2024-09-03 20:00"])
    >>> frame = pd.DataFrame({"region": ["JP", "US", "US"], "scope": "market"})
    >>> frame = frame.assign(started_at=times, closed_at=times + pd.Timedelta(days=3))
    >>> with_global_scope(frame)["scope"].tolist()
    ['global', 'global', 'market']
    """
    markets = events[events["scope"] == "market"]
    starts, ends = (
        markets[name].to_numpy("datetime64[us]") for name in ("started_at", "closed_at")
    )
    regions = markets["region"].to_numpy(object)
    overlap = (starts[:, None] < ends[None, :]) & (starts[None, :] < ends[:, None])
    elsewhere = regions[:, None] != regions[None, :]
    together = markets.index[(overlap & elsewhere).any(axis=1)]
    return events.assign(
        scope=np.where(events.index.isin(together), "global", events["scope"].to_numpy(object))
    )
