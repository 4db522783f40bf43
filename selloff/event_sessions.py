"""Which session of a listing an event falls into: the first of its exchange to close after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import looked_up, stacked

if TYPE_CHECKING:
    import ibis.expr.types as ir

# Without a calendar a bar may be the first after a holiday, but not after a suspension.
PATIENCE_DAYS = 7


def event_sessions(
    events: ir.Table, daily_prices: ir.Table, instruments: ir.Table, sessions: ir.Table
) -> ir.Table:
    """Return each listing's own session of each event, whether it traded in it or not.

    Parameters
    ----------
    events : ibis Table
        `event_id`, `region`, `event_date` (in the calendar of the region) and `started_at` (UTC),
        the close after which the shock came.
    daily_prices, instruments, sessions : ibis Table
        Columns of the core tables of these names.

    Returns
    -------
    ibis Table
        `event_id`, `listing_id`, `session_date`: the first session of the listing's exchange that
        closes after `started_at`; where the exchange or its calendar is unknown, the first bar
        dated within a week from `event_date`.
    """
    places = instruments.select("listing_id", "exchange_mic", place="region")
    venues = places.select("exchange_mic", "place").distinct()
    later = events.inner_join(sessions, sessions.closes_at > events.started_at)
    ahead = venues.inner_join(later, "exchange_mic")
    # A venue of the event's own region may close later on the day before (volatility futures).
    is_before = (ahead.place == ahead.region) & (ahead.session_date < ahead.event_date)
    ahead = ahead.filter(~is_before.fill_null(False))  # noqa: FBT003 - Ibis takes the literal
    # By venue first: paired with every later session, nine thousand listings are millions of rows.
    first = ahead.group_by("event_id", "exchange_mic", "place").aggregate(
        session_date=ahead.session_date.min()
    )
    asked = places.select("listing_id", "exchange_mic", own_place="place")
    placed = first.inner_join(
        asked,
        (first.exchange_mic == asked.exchange_mic, first.place.identical_to(asked.own_place)),
    )
    known = placed.select("event_id", "listing_id", "session_date")
    bars = daily_prices.select("listing_id", "session_date")
    homeless = bars.semi_join(places.anti_join(sessions, "exchange_mic"), "listing_id")
    near = homeless.inner_join(events, homeless.session_date >= events.event_date)
    near = near.filter(near.session_date <= near.event_date + _days(PATIENCE_DAYS))
    guessed = near.group_by("event_id", "listing_id").aggregate(
        session_date=near.session_date.min()
    )
    return stacked(known, guessed)


def with_horizons(events: ir.Table, closes: ir.Table) -> ir.Table:
    """Add until when an event's falls are counted to it: the next close after its last session.

    Parameters
    ----------
    events : ibis Table
        `event_id`, `region` and `last_session_date`.
    closes : ibis Table
        As `selloff.markets.region_closes` gives them.

    Returns
    -------
    ibis Table
        The rows with `horizon` (UTC), the region's first close of the session after
        `last_session_date`; NULL where none is known.
    """
    ahead = events.inner_join(
        closes.select("region", "first_close", next_date="session_date"), "region"
    )
    ahead = ahead.filter(ahead.next_date > ahead.last_session_date)
    limits = ahead.group_by("event_id").aggregate(horizon=ahead.first_close.min())
    return looked_up(events, limits, "event_id")


def _days(number: int) -> ir.IntervalScalar:
    import ibis

    return ibis.interval(days=number)
