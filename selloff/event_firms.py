"""The firms of an event that are compared: those that lost most beyond the market."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis.expr.types as ir

MOST = 10
FIRMS = "firms"

_COLUMNS = (
    "event_id",
    "series_set",
    "level",
    "series_name",
    "region",
    "sector",
    "session_date",
    "closed_at",
    "log_return",
    "market_log_return",
    "market_value_usd",
    "n_flagged",
    "n_quarantined",
    "has_simulated_inputs",
    "as_of",
    "place",
)


def event_firms(
    selloff_events: ir.Table,
    selloff_metrics: ir.Table,
    abnormal_returns: ir.Table,
    instruments: ir.Table,
    sessions: ir.Table,
) -> ir.Table:
    """Return the returns of each event's firms, in their own sessions.

    Parameters
    ----------
    selloff_events, selloff_metrics, abnormal_returns, instruments, sessions : ibis Table
        Columns of the tables of these names.

    Returns
    -------
    ibis Table
        The columns of ``core.contagion_series`` that a set needs, with `event_id` and `place` (0
        for the firm that lost most). Firms of all regions, each counted once; log returns in their
        own currencies.
    """
    import ibis

    lost = selloff_metrics.filter(
        selloff_metrics.is_counted, selloff_metrics.abnormal_market_value_lost_usd > 0
    ).semi_join(selloff_events.filter(selloff_events.status != "withdrawn"), "event_id")
    place = ibis.row_number().over(
        group_by="event_id",
        order_by=(lost.abnormal_market_value_lost_usd.desc(), "listing_id"),
    )
    chosen = lost.mutate(place=place).filter(lambda t: t.place < MOST)
    n_alike = chosen.count().over(group_by=("event_id", "ticker"))
    chosen = chosen.select(
        "event_id",
        "listing_id",
        "sector",
        "region",
        "place",
        # Two exchanges may write two firms alike.
        series_name=(n_alike == 1).ifelse(chosen.ticker, chosen.listing_id),
    )
    places = instruments.select("listing_id", "exchange_mic")
    closes = sessions.select("exchange_mic", "session_date", closed_at="closes_at")
    rows = abnormal_returns.drop("ticker").filter(lambda t: t.log_return.notnull())
    found = rows.inner_join(chosen, "listing_id").inner_join(places, "listing_id")
    found = found.inner_join(closes, ("exchange_mic", "session_date"))
    return found.mutate(
        series_set=ibis.literal(FIRMS),
        level=ibis.literal("listing"),
        market_value_usd=ibis.null("float64"),
        has_simulated_inputs=found.is_simulated,
    ).select(*_COLUMNS)
