"""Sell-offs found in the data: which sessions, where they came from, who was hit hardest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selloff._ibis import fetched, looked_up
from selloff.declared import placed, with_declared
from selloff.detection import Detection
from selloff.episodes import episodes, numbered, with_global_scope
from selloff.markets import region_closes
from selloff.members import members
from selloff.origins import with_first, with_groups

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

_COLUMNS = (
    "event_id",
    "session_date",
    "last_session_date",
    "worst_session_date",
    "n_sessions",
    "started_at",
    "scope",
    "region",
    "origin_sector",
    "origin_industry",
    "hardest_hit_sector",
    "worst_listing_id",
    "first_listing_id",
    "first_region",
    "first_fell_at",
    "market",
    "market_return",
    "market_z",
    "market_severity",
    "sector_severity",
    "breadth",
    "breadth_by_value",
    "n_falling",
    "n_listings",
    "market_value_lost_usd",
    "abnormal_market_value_lost_usd",
    "abnormal_share_lost",
    "threshold_multiple",
    "detected_by",
    "status",
    "declared_id",
    "event_name",
    "note",
    "n_flagged",
    "n_quarantined",
    "has_simulated_inputs",
    "as_of",
)
_SESSION = ("region", "session_date")


def selloff_events(  # noqa: PLR0913, PLR0917 - seven tables, the table before, the thresholds
    market_days: ir.Table,
    group_returns: ir.Table,
    abnormal_returns: ir.Table,
    daily_prices: ir.Table,
    instruments: ir.Table,
    sessions: ir.Table,
    declared_events: ir.Table,
    previous: pd.DataFrame,
    thresholds: Detection | None = None,
) -> pd.DataFrame:
    """Return the sell-offs of every region: those found in the data, and those a user declared.

    What was detected in each session stands in ``mart.market_days`` (`selloff.detection`);
    neighbouring sessions are one event here (`selloff.episodes`).

    Parameters
    ----------
    market_days, group_returns, abnormal_returns, daily_prices, instruments, sessions, \
    declared_events : ibis Table
        Columns of the tables of these names.
    previous : DataFrame
        ``mart.selloff_events`` as it stood; may be empty. An event keeps the identity it has there
        as long as region and first session agree; one that is no longer found stays with status
        ``withdrawn``.
    thresholds : Detection, optional
        What counts; the defaults of `Detection` without it.

    Returns
    -------
    DataFrame
        Columns of ``mart.selloff_events`` in order of session and region; NaN and None are NULL.
        Figures are those of the first session; `scope` and `threshold_multiple` the widest and the
        largest of all. Losses are USD, positive when value was lost, each firm counted once; no
        sector that gained is an `origin_sector`. An event both detected and declared is detected,
        with its `declared_id`.
    """
    found = event_rows(
        market_days,
        group_returns,
        abnormal_returns,
        daily_prices,
        instruments,
        sessions,
        declared_events,
        thresholds or Detection(),
    )
    return remembered(named(fetched(found)), previous)


def event_rows(  # noqa: PLR0913, PLR0917 - seven tables and the thresholds
    market_days: ir.Table,
    group_returns: ir.Table,
    abnormal_returns: ir.Table,
    daily_prices: ir.Table,
    instruments: ir.Table,
    sessions: ir.Table,
    declared_events: ir.Table,
    chosen: Detection,
) -> ir.Table:
    """Return the events as an expression, before `named` gives each its scope and identity.

    Parameters
    ----------
    market_days, group_returns, abnormal_returns, daily_prices, instruments, sessions, \
    declared_events : ibis Table
        As for `selloff_events`.
    chosen : Detection
        What counts.

    Returns
    -------
    ibis Table
        One row per event, in no order.
    """
    days = numbered(market_days)
    told = placed(declared_events, days, region_closes(instruments, sessions))
    found = with_declared(episodes(days, chosen.gap), told, days)
    found = _with_start(found, instruments, sessions)
    found = _with_doubts(found, abnormal_returns, daily_prices, instruments)
    placed_events = with_groups(found, group_returns)
    return with_first(placed_events, abnormal_returns, instruments, sessions, chosen.listing_z)


def _with_start(found: ir.Table, instruments: ir.Table, sessions: ir.Table) -> ir.Table:
    """Add `started_at`: the close, before the first session, of the exchange that counts.

    Beside it `closed_at`, the region's last close in the first session, and `key`, which event it
    is. Declared news has its own moment.
    """
    import ibis

    asked = found.select("market", *_SESSION).distinct()
    places = instruments.select("exchange_mic", market="ticker")
    closes = sessions.select("exchange_mic", "closes_at", close_date="session_date")
    quoted = asked.inner_join(places, "market").inner_join(closes, "exchange_mic")
    quoted = quoted.filter(quoted.close_date < quoted.session_date)
    of_market = quoted.group_by(_SESSION).aggregate(market_closed_at=quoted.closes_at.max())
    closes = region_closes(instruments, sessions)
    nearby = closes.select("region", "first_close", close_date="session_date")
    regional = asked.inner_join(nearby, "region")
    regional = regional.filter(regional.close_date < regional.session_date)
    of_region = regional.group_by(_SESSION).aggregate(region_closed_at=regional.first_close.max())
    ends = closes.select(*_SESSION, "last_close")
    rows = looked_up(looked_up(found, of_market, _SESSION), of_region, _SESSION)
    rows = looked_up(rows, ends, _SESSION)
    # Without any calendar all that is known is that the day of the last session was over.
    next_day = ibis.interval(days=1)
    return rows.mutate(
        key=rows.region.concat("|", rows.session_date.cast("string"), "|", rows.subject),
        closed_at=ibis.coalesce(rows.last_close, (rows.session_date + next_day).cast("timestamp")),
        started_at=ibis.coalesce(
            rows.happened_at,
            rows.market_closed_at,
            rows.region_closed_at,
            (rows.previous_date + next_day).cast("timestamp"),
            rows.session_date.cast("timestamp"),
        ),
    )


def _with_doubts(
    found: ir.Table, abnormal_returns: ir.Table, daily_prices: ir.Table, instruments: ir.Table
) -> ir.Table:
    """Count the doubtful bars of the region's members, in each first session and the one before."""
    # The doubtful alone: the others add nothing, and are all but a few of them.
    is_flagged = daily_prices.quality_flags != ""
    bars = daily_prices.filter(is_flagged | (daily_prices.n_quarantined > 0)).select(
        "listing_id",
        "session_date",
        flagged=is_flagged.cast("int64"),
        quarantined="n_quarantined",
    )
    days = found.select(*_SESSION).distinct()
    # The sessions first, of which there are few: who is a member is counted session by session.
    moves = abnormal_returns.semi_join(days, "session_date")
    rows = members(moves, instruments).semi_join(days, _SESSION)
    rows = rows.select(*_SESSION, "listing_id", "previous_session_date")
    before = bars.select(
        "listing_id",
        previous_session_date="session_date",
        flagged_before="flagged",
        quarantined_before="quarantined",
    )
    rows = looked_up(rows, bars, ("listing_id", "session_date"))
    rows = looked_up(rows, before, ("listing_id", "previous_session_date"))
    sums = rows.group_by(_SESSION).aggregate(
        flagged=(rows.flagged.fill_null(0) + rows.flagged_before.fill_null(0)).sum(),
        quarantined=(rows.quarantined.fill_null(0) + rows.quarantined_before.fill_null(0)).sum(),
    )
    found = looked_up(found.drop("n_flagged", "n_quarantined"), sums, _SESSION)
    return found.mutate(
        n_flagged=found.flagged.fill_null(0), n_quarantined=found.quarantined.fill_null(0)
    )


def named(rows: pd.DataFrame) -> pd.DataFrame:
    """Give each event its scope beside the other regions', and its identity.

    Parameters
    ----------
    rows : DataFrame
        As `event_rows` gives them.

    Returns
    -------
    DataFrame
        Columns of ``mart.selloff_events``. The identity is what the event was on its first day:
        scope, region, origin (of a single name the listing, of declared events their own id), day.
    """
    rows = with_global_scope(rows)
    origins = rows["origin_sector"].fillna("unknown")
    is_single = rows["first_scope"] == "single_name"
    origins = origins.where(~is_single, rows["worst_listing_id"].fillna("unknown"))
    origins = rows["declared_id"].where(rows["status"] == "declared", origins)
    days = rows["session_date"].astype(str).str[:10]
    parts = [rows["first_scope"], rows["region"], origins]
    event_id = parts[0].map(_slug)
    for part in (*parts[1:], days):
        event_id = event_id + "-" + part.map(_slug)
    return rows.assign(event_id=event_id)[list(_COLUMNS)]


def _slug(name: str) -> str:
    """Write a name in lower case with hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def remembered(found: pd.DataFrame, previous: pd.DataFrame) -> pd.DataFrame:
    """Keep the identity of events already known, and those that are no longer found.

    Parameters
    ----------
    found, previous : DataFrame
        Columns of ``mart.selloff_events``: what the data show now, and what the table held.

    Returns
    -------
    DataFrame
        The events found, each with the `event_id` that its region and first session had before,
        and behind them the vanished ones with status ``withdrawn``; by session and region.
    """
    import pandas as pd

    if previous.empty:
        return found.sort_values(["session_date", "region"], ignore_index=True)
    known = {
        (region, pd.Timestamp(day)): event_id
        for region, day, event_id in zip(
            previous["region"], previous["session_date"], previous["event_id"], strict=True
        )
    }
    keys = zip(found["region"], found["session_date"], found["event_id"], strict=True)
    names = [known.get((region, pd.Timestamp(day)), own) for region, day, own in keys]
    kept = found.assign(event_id=names)
    gone = previous[~previous["event_id"].isin(names)].assign(status="withdrawn")
    if kept.empty:
        both = gone[list(_COLUMNS)]
    else:
        both = pd.concat([kept, gone[list(_COLUMNS)].astype(kept.dtypes.to_dict())])
    return both.sort_values(["session_date", "region", "status"], ignore_index=True)
