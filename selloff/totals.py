"""What an event cost in all: sums over markets, regions and sectors, each firm once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import looked_up, stacked
from selloff.members import members
from selloff.valuation import counted_once

if TYPE_CHECKING:
    import ibis.expr.types as ir

UNKNOWN = "unknown"

_GROUP = ("event_id", "grouping", "group_name")
_COLUMNS = (
    *_GROUP,
    "n_firms",
    "n_unknown",
    "market_value_usd",
    "market_value_lost_usd",
    "abnormal_market_value_lost_usd",
    "gross_market_value_lost_usd",
    "gross_market_value_gained_usd",
    "peak_to_trough_market_value_lost_usd",
    "largest_listing_id",
    "largest_share_of_loss",
    "observed_through",
    "n_flagged",
    "n_quarantined",
    "has_simulated_inputs",
    "as_of",
)
_CARRIED = (
    "event_id",
    "listing_id",
    "market_value_usd",
    "market_value_lost_usd",
    "abnormal_market_value_lost_usd",
    "peak_to_trough_market_value_lost_usd",
    "observed_through",
    "n_flagged",
    "n_quarantined",
    "has_simulated_inputs",
    "as_of",
)


def loss_totals(
    selloff_events: ir.Table, selloff_metrics: ir.Table, instruments: ir.Table
) -> ir.Table:
    """Return what each event cost, summed over equities with each firm counted once.

    Four groupings, each complete in itself. ``all``: every firm, in whatever region; ``region`` and
    ``sector``: the same firms, by the region or sector of the listing that carries the firm's
    value (`unknown` where it is not known), so that they add up to ``all``; ``market``: the members
    of the market of the event's own region, counted among themselves (a firm whose primary listing
    is elsewhere counts here with its listing here), which is what detection counts.

    Parameters
    ----------
    selloff_events, selloff_metrics, instruments : ibis Table
        Columns of the tables of these names.

    Returns
    -------
    ibis Table
        Columns of ``mart.loss_totals``. Losses are USD, positive when value was lost;
        `market_value_lost_usd` is the gross loss less the gross gain; sums are NULL where no
        firm's loss is known. `n_unknown` counts the firms without one. The loss from peak to
        trough is the sum of each firm's own, whose days differ.

    Examples
    --------
    >>> import ibis
    >>> import pandas as pd
    >>> day = pd.Timestamp("2025-01-27")
    >>> events = pd.DataFrame({"event_id": ["e"], "region": ["US"]})
    >>> lost = pd.DataFrame({"event_id": "e", "listing_id": ["A", "A2", "B"],
    ...     "session_date": day, "sector": ["Chips", "Chips", "Food"], "region": "US",
    ...     "is_counted": [True, False, True], "market_value_usd": [900.0, 900.0, 500.0],
    ...     "market_value_lost_usd": [90.0, 95.0, -10.0], "abnormal_market_value_lost_usd": 1.0,
    ...     "peak_to_trough_market_value_lost_usd": 99.0, "observed_through": day, "n_flagged": 0,
    ...     "n_quarantined": 0, "has_simulated_inputs": False, "as_of": day})
    >>> listed = pd.DataFrame({"listing_id": ["A", "A2", "B"], "issuer_id": ["a", "a", None],
    ...     "is_primary": [True, False, True], "asset_class": "equity", "region": "US",
    ...     "sector": ["Chips", "Chips", "Food"], "industry": None, "currency": "USD",
    ...     "constituent_from": day})
    >>> found = loss_totals(*(ibis.memtable(each) for each in (events, lost, listed)))
    >>> found = found.order_by("grouping", "group_name").execute()
    >>> found[["group_name", "market_value_lost_usd", "n_firms"]].to_numpy().tolist()
    [['all', 80.0, 2], ['US', 80.0, 2], ['US', 80.0, 2], ['Chips', 90.0, 1], ['Food', -10.0, 1]]
    """
    import ibis

    equities = instruments.filter(instruments.asset_class == "equity")
    rows = selloff_metrics.semi_join(equities, "listing_id")
    counted = rows.filter(rows.is_counted)
    groups = {
        "all": ibis.literal("all"),
        "region": counted.region.coalesce(UNKNOWN),
        "sector": counted.sector.coalesce(UNKNOWN),
    }
    parts = [
        counted.select(*_CARRIED, grouping=ibis.literal(grouping), group_name=name)
        for grouping, name in groups.items()
    ]
    parts.append(_of_markets(selloff_events, rows, instruments))
    return _summed(stacked(*parts)).select(*_COLUMNS)


def _of_markets(selloff_events: ir.Table, rows: ir.Table, instruments: ir.Table) -> ir.Table:
    """Return the members of the market of each event's region, each firm once among them."""
    import ibis

    places = selloff_events.select("event_id", event_region="region")
    asked = rows.select("event_id", "listing_id", "session_date")
    inside = members(asked, instruments).inner_join(places, "event_id")
    inside = inside.filter(inside.region == inside.event_region)
    held = rows.select(*_CARRIED).inner_join(
        inside.select("event_id", "listing_id", group_name="event_region"),
        ("event_id", "listing_id"),
    )
    once = counted_once(held, instruments, ("event_id",), "market_value_usd")
    return once.filter(once.is_counted).select(
        *_CARRIED, grouping=ibis.literal("market"), group_name="group_name"
    )


def _summed(rows: ir.Table) -> ir.Table:
    """Sum each group, and name the firm that lost most in it."""
    lost = rows.market_value_lost_usd
    is_known = lost.notnull()
    totals = rows.group_by(_GROUP).aggregate(
        n_firms=is_known.ifelse(1, 0).sum(),
        n_unknown=is_known.ifelse(0, 1).sum(),
        market_value_usd=rows.market_value_usd.sum(where=is_known),
        market_value_lost_usd=lost.sum(),
        largest_loss=lost.max(),
        abnormal_market_value_lost_usd=rows.abnormal_market_value_lost_usd.sum(),
        gross_market_value_lost_usd=lost.clip(lower=0).sum(),
        gross_market_value_gained_usd=(-lost).clip(lower=0).sum(),
        peak_to_trough_market_value_lost_usd=rows.peak_to_trough_market_value_lost_usd.sum(),
        observed_through=rows.observed_through.max(),
        n_flagged=rows.n_flagged.sum(),
        n_quarantined=rows.n_quarantined.sum(),
        has_simulated_inputs=rows.has_simulated_inputs.cast("int64").sum() > 0,
        as_of=rows.as_of.max(),
    )
    named = looked_up(totals, _largest(rows, totals), _GROUP)
    share = named.largest_loss / named.gross_market_value_lost_usd.nullif(0)
    return named.mutate(
        largest_share_of_loss=named.largest_listing_id.notnull().ifelse(share, None)
    )


def _largest(rows: ir.Table, totals: ir.Table) -> ir.Table:
    """Return who lost most in each group, of equals the first by name.

    Found by the loss: four million rows put in order took four seconds.
    """
    losses = totals.filter(totals.largest_loss > 0).select(*_GROUP, "largest_loss")
    losers = rows.filter(rows.market_value_lost_usd > 0)
    most = losers.inner_join(losses, _GROUP).filter(
        lambda t: t.market_value_lost_usd == t.largest_loss
    )
    return most.group_by(_GROUP).aggregate(largest_listing_id=most.listing_id.min())
