"""What each listing lost in an event: return, drawdown, market value, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selloff._ibis import by_listing, looked_up, stacked
from selloff.valuation import counted_once, with_losses

if TYPE_CHECKING:
    import ibis.expr.types as ir

# Without a calendar a bar may be the first after a holiday, but not after a suspension.
PATIENCE_DAYS = 7

_COLUMNS = (
    "event_id",
    "listing_id",
    "ticker",
    "sector",
    "region",
    "session_date",
    "previous_session_date",
    "close",
    "previous_close",
    "currency",
    "simple_return",
    "abnormal_return",
    "abnormal_z",
    "abnormal_volume_z",
    "drawdown",
    "market_value_lost_usd",
    "abnormal_market_value_lost_usd",
    "is_counted",
    "shares_outstanding",
    "shares_known_on",
    "usd_per_currency",
    "days_to_recover",
    "observed_through",
    "n_flagged",
    "n_quarantined",
    "has_simulated_inputs",
    "as_of",
)


def selloff_metrics(
    selloff_events: ir.Table,
    daily_prices: ir.Table,
    abnormal_returns: ir.Table,
    instruments: ir.Table,
    sessions: ir.Table,
    shares_outstanding: ir.Table,
    fx_rates: ir.Table,
) -> ir.Table:
    """Return how every listing fell in its own first session after each detected event began.

    That session is the first of the listing's exchange to close after the event's `started_at`;
    where the exchange or its calendar is unknown, the first bar dated within a week from the
    event's session. A listing that did not trade in it has no row. Every figure is seeded with the
    listing's last close before it, so the event's own fall is always in.

    Parameters
    ----------
    selloff_events, daily_prices, abnormal_returns, instruments, sessions, shares_outstanding, \
    fx_rates : ibis Table
        Columns of the tables of these names; the bars in full history, for the prior highs.

    Returns
    -------
    ibis Table
        Columns of ``mart.selloff_metrics``. `drawdown` (fraction, zero or negative) is against the
        highest close so far. Losses are USD, positive when value was lost, NULL where the share
        count or the exchange rate was unknown at the close before; of several listings of a firm
        each has the whole firm's, so sum over `is_counted` only. `days_to_recover` counts the
        listing's bars until a close at or above `previous_close`; NULL while open. Outcomes have
        seen `observed_through`. `n_flagged`, `n_quarantined` and `has_simulated_inputs` speak of
        the bars up to the event, `as_of` of every bar of the listing.
    """
    events = selloff_events.filter(selloff_events.status != "withdrawn").select(
        "event_id", "region", "started_at", event_date="session_date"
    )
    history = _history(daily_prices)
    targets = _targets(events, history, instruments, sessions)
    rows = targets.inner_join(history, ("listing_id", "session_date"))
    rows = _with_models(rows, abnormal_returns, instruments)
    valued = with_losses(rows, shares_outstanding, fx_rates)
    counted = counted_once(valued, instruments, ("event_id",), "market_value_usd")
    return _with_outcomes(counted, history, daily_prices).select(*_COLUMNS)


def _history(daily_prices: ir.Table) -> ir.Table:
    """Return each bar with what the listing's bars up to it say."""
    import ibis

    so_far = by_listing(preceding=None, following=0)
    flagged = (daily_prices.quality_flags != "").cast("int64")
    return daily_prices.select(
        "listing_id",
        "ticker",
        "session_date",
        "close",
        "currency",
        row=ibis.row_number().over(by_listing()),
        previous_close=daily_prices.close.lag().over(by_listing()),
        highest_close=daily_prices.close.max().over(so_far),
        n_flagged=flagged.sum().over(so_far),
        n_quarantined=daily_prices.n_quarantined.sum().over(so_far),
        simulated=daily_prices.is_simulated.cast("int64").max().over(so_far),
    )


def _targets(
    events: ir.Table, history: ir.Table, instruments: ir.Table, sessions: ir.Table
) -> ir.Table:
    """Return `event_id`, `listing_id` and the listing's own session of the event."""
    import ibis

    later = events.inner_join(sessions, sessions.closes_at > events.started_at)
    places = instruments.select("listing_id", "exchange_mic", place="region")
    ahead = places.inner_join(later, "exchange_mic")
    # A venue of the event's own region may close later on the day before (volatility futures).
    is_before = (ahead.place == ahead.region) & (ahead.session_date < ahead.event_date)
    ahead = ahead.filter(~is_before.fill_null(False))  # noqa: FBT003 - Ibis takes the literal
    known = ahead.group_by("event_id", "listing_id").aggregate(
        session_date=ahead.session_date.min()
    )
    bars = history.select("listing_id", "session_date")
    homeless = bars.semi_join(places.anti_join(sessions, "exchange_mic"), "listing_id")
    near = homeless.inner_join(
        events,
        (
            homeless.session_date >= events.event_date,
            homeless.session_date <= events.event_date + ibis.interval(days=PATIENCE_DAYS),
        ),
    )
    guessed = near.group_by("event_id", "listing_id").aggregate(
        session_date=near.session_date.min()
    )
    return stacked(known, guessed)


def _with_models(rows: ir.Table, abnormal_returns: ir.Table, instruments: ir.Table) -> ir.Table:
    """Add returns, the model's figures and what the listing is."""
    import ibis

    measured = abnormal_returns.select(
        "listing_id",
        "session_date",
        "previous_session_date",
        "simple_return",
        "abnormal_return",
        "abnormal_z",
        "abnormal_volume_z",
        model_is_simulated="has_simulated_inputs",
        model_as_of="as_of",
    )
    rows = rows.inner_join(measured, ("listing_id", "session_date"))
    known = instruments.select("listing_id", "sector", "region", usual_currency="currency")
    rows = rows.inner_join(known, "listing_id")
    return rows.mutate(
        currency=ibis.coalesce(rows.currency, rows.usual_currency),
        drawdown=rows.close / rows.highest_close.nullif(0) - 1,
        has_simulated_inputs=rows.model_is_simulated | (rows.simulated > 0),
    )


def _with_outcomes(rows: ir.Table, history: ir.Table, daily_prices: ir.Table) -> ir.Table:
    """Add what followed the event, and the newest vintage that any of it rests on."""
    import ibis

    later = history.select(later_listing="listing_id", later_row="row", later_close="close")
    asking = rows.select("event_id", "listing_id", "row", "previous_close")
    back = asking.inner_join(
        later,
        (
            asking.listing_id == later.later_listing,
            later.later_row >= asking.row,
            later.later_close >= asking.previous_close,
        ),
    )
    recovered = back.group_by("event_id", "listing_id").aggregate(
        days_to_recover=(back.later_row - back.row).min()
    )
    ends = daily_prices.group_by("listing_id").aggregate(
        last_session=daily_prices.session_date.max(), newest=daily_prices.as_of.max()
    )
    rows = looked_up(rows, recovered, ("event_id", "listing_id"))
    rows = rows.inner_join(ends, "listing_id")
    follows: Any = rows.last_session > rows.session_date
    return rows.mutate(
        observed_through=follows.ifelse(rows.last_session, None),
        as_of=ibis.greatest(
            rows.newest, rows.model_as_of, ibis.coalesce(rows.rate_as_of, rows.newest)
        ),
    )
