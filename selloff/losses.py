"""What each listing lost in an event: return, drawdown, market value, and how severe that was."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

from selloff._ibis import by_listing, looked_up
from selloff.event_sessions import event_sessions
from selloff.late_falls import carried_on, is_new
from selloff.proposed_splits import FLAG
from selloff.recovery import followed, with_outcomes
from selloff.session_falls import with_past_and_future
from selloff.valuation import counted_once, with_losses

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from selloff.history import Days

# Below this many returns a listing has no history that a fall could be severe in.
MINIMUM_HISTORY = 60
# Falls whose losses are computed at once: forty columns of so many take 80 MB.
FALLS_AT_ONCE = 200_000
# Days from an event's session within which every listing's own lies: no exchange is closed longer.
NEAR_DAYS = 31

_BAR = ("listing_id", "session_date")

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
    "overnight_log_return",
    "intraday_log_return",
    "abnormal_return",
    "abnormal_z",
    "abnormal_volume_z",
    "return_severity",
    "abnormal_severity",
    "drawdown",
    "market_value_usd",
    "market_value_lost_usd",
    "abnormal_market_value_lost_usd",
    "is_counted",
    "shares_outstanding",
    "shares_known_on",
    "usd_per_currency",
    "rebound_return",
    "trough_date",
    "trough_return",
    "peak_to_trough_market_value_lost_usd",
    "days_to_recover_half",
    "days_to_recover",
    "observed_through",
    "n_flagged",
    "n_quarantined",
    "has_simulated_inputs",
    "fall_as_of",
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
        count, the exchange rate at the close before or the return is unknown; of several listings
        of a firm each has the whole firm's, so sum over `is_counted` only. The severities are the
        share of the listing's returns (and abnormal z) up to the session that were no lower, 1 for
        its worst so far; NULL below 60 of them. What followed is as `recovery.followed` and
        `with_outcomes` say, and has seen `observed_through`. `n_flagged`, `n_quarantined` and
        `has_simulated_inputs` speak of the bars up to the event, and so does `fall_as_of`; `as_of`
        of those up to `observed_through`. Nothing reaches across an unapplied split: prices on the
        two sides of it are on two bases.
    """
    asked = _asked(selloff_events, daily_prices, abnormal_returns, instruments, sessions)
    history = _history(daily_prices)
    rows = asked.inner_join(history, ("listing_id", "session_date"))
    rows = followed(_with_ranks(rows, abnormal_returns), history)
    known = history.select("listing_id", observed_through="session_date", known_then="known_so_far")
    rows = looked_up(rows, known, ("listing_id", "observed_through"))
    return _measured(rows, instruments, shares_outstanding, fx_rates)


def by_sessions(
    selloff_events: ir.Table,
    daily_prices: ir.Table,
    abnormal_returns: ir.Table,
    instruments: ir.Table,
    sessions: ir.Table,
    shares_outstanding: ir.Table,
    fx_rates: ir.Table,
) -> pa.RecordBatchReader:
    """Return what `selloff_metrics` does, every bar read once in the order of sessions.

    Parameters
    ----------
    selloff_events, daily_prices, abnormal_returns, instruments, sessions, shares_outstanding, \
    fx_rates : ibis Table
        As in `selloff_metrics`.

    Returns
    -------
    pyarrow RecordBatchReader
        The same rows by event, what each cost computed while it is read.
    """
    asked = _asked(selloff_events, daily_prices, abnormal_returns, instruments, sessions)
    others = instruments, shares_outstanding, fx_rates
    return _walked(asked, daily_prices, abnormal_returns, others)


def late_by_sessions(
    tables: tuple[ir.Table, ...], previous: ir.Table, days: Days
) -> pa.RecordBatchReader:
    """Return the falls to which the sessions from a day on add something, and those in them.

    Parameters
    ----------
    tables : tuple of ibis Table
        What `by_sessions` takes.
    previous : ibis Table
        ``mart.selloff_metrics`` as it stood.
    days : range of dates
        From the first session of which anything changed.

    Returns
    -------
    pyarrow RecordBatchReader
        Rows of `by_sessions`: all of them where a session that falls have seen was restated, else
        those of events with a new fall, and those that are followed on (`late_falls`). All bars are
        read where a fall is new: what lies before it is asked of its listing's whole history.
    """
    import pyarrow as pa

    selloff_events, daily_prices, abnormal_returns, instruments, sessions, *others = tables
    if not is_new(previous, days.start):
        return by_sessions(*tables)
    near, behind = (days.start - timedelta(days=n * NEAR_DAYS) for n in (1, 2))
    events = selloff_events.filter(selloff_events.session_date >= near)
    bars, moves = (table.filter(table.session_date >= behind) for table in tables[1:3])
    asked = _asked(events, bars, moves, instruments, sessions)
    # Which listing is counted is a question to all of an event's: one that is new asks it anew.
    grown = asked.anti_join(previous, ("event_id", "listing_id")).select("event_id").distinct()
    asked = asked.semi_join(grown, "event_id")
    fallen = _walked(asked, daily_prices, abnormal_returns, (instruments, *others))
    followed = carried_on(previous.anti_join(grown, "event_id"), daily_prices, days.start)
    schema = fallen.schema
    batches = followed.select(schema.names).cast(schema).to_batches()
    return pa.RecordBatchReader.from_batches(schema, chain(batches, fallen))


def _walked(
    asked: ir.Table,
    daily_prices: ir.Table,
    abnormal_returns: ir.Table,
    others: tuple[ir.Table, ...],
) -> pa.RecordBatchReader:
    """Return what each fall asked for was, what it cost and what followed, by event."""
    import ibis
    import pyarrow as pa

    rows = with_past_and_future(asked, daily_prices, abnormal_returns)
    parts = [_measured(ibis.memtable(part), *others) for part in _by_events(rows)]
    schema = parts[0].schema().to_pyarrow()
    found = (batch for each in parts for batch in each.to_pyarrow().cast(schema).to_batches())
    return pa.RecordBatchReader.from_batches(schema, found)


def _by_events(rows: pa.Table) -> list[pa.Table]:
    """Return whole events together, in parts of about as many falls as are measured at once."""
    import numpy as np
    import pyarrow.compute as pc

    rows = rows.sort_by("event_id")
    counts = pc.value_counts(rows["event_id"].combine_chunks()).field("counts").to_numpy()
    ends = np.cumsum(counts)
    part = (ends - 1) // FALLS_AT_ONCE
    last = np.flatnonzero(np.diff(part, append=-1) != 0)
    stops = ends[last].tolist() or [0]
    return [rows.slice(start, stop - start) for start, stop in pairwise([0, *stops])]


def _asked(
    selloff_events: ir.Table,
    daily_prices: ir.Table,
    abnormal_returns: ir.Table,
    instruments: ir.Table,
    sessions: ir.Table,
) -> ir.Table:
    """Return each listing's session in each event that stands, with its bar and its return."""
    events = selloff_events.filter(selloff_events.status != "withdrawn").select(
        "event_id", "region", "started_at", event_date="session_date"
    )
    bars = daily_prices.select(
        "listing_id", "ticker", "session_date", "open", "close", bar_currency="currency"
    )
    moves = abnormal_returns.select(
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
    targets = event_sessions(events, daily_prices, instruments, sessions)
    return targets.inner_join(bars, _BAR).inner_join(moves, _BAR)


def _history(daily_prices: ir.Table) -> ir.Table:
    """Return each bar with what the listing's bars up to it say."""
    import ibis

    so_far = by_listing(preceding=None, following=0)
    flagged = (daily_prices.quality_flags != "").cast("int64")
    rebased = daily_prices.quality_flags.contains(FLAG).cast("int64")
    bars = daily_prices.select(
        "listing_id",
        "session_date",
        "close",
        row=ibis.row_number().over(by_listing()),
        previous_close=daily_prices.close.lag().over(by_listing()),
        basis=rebased.sum().over(so_far),
        known_so_far=daily_prices.as_of.max().over(so_far),
        n_flagged=flagged.sum().over(so_far),
        n_quarantined=daily_prices.n_quarantined.sum().over(so_far),
        simulated=daily_prices.is_simulated.cast("int64").max().over(so_far),
    )
    same_basis = ibis.window(
        group_by=("listing_id", "basis"), order_by="session_date", preceding=None, following=0
    )
    return bars.mutate(highest_close=bars.close.max().over(same_basis))


def _with_ranks(rows: ir.Table, abnormal_returns: ir.Table) -> ir.Table:
    """Count the listing's returns up to the fall, and those that were no lower."""
    asked = rows.select(
        "event_id", "listing_id", "session_date", "simple_return", own_z="abnormal_z"
    )
    past = abnormal_returns.select(
        past_listing="listing_id",
        past_date="session_date",
        past_return="simple_return",
        past_z="abnormal_z",
    )
    pairs = asked.inner_join(
        past, (asked.listing_id == past.past_listing, asked.session_date >= past.past_date)
    )
    counts = pairs.group_by("event_id", "listing_id").aggregate(
        n_returns=pairs.past_return.count(),
        n_no_lower=(pairs.past_return >= pairs.simple_return).ifelse(1, 0).sum(),
        n_z=pairs.past_z.count(),
        n_z_no_lower=(pairs.past_z >= pairs.own_z).ifelse(1, 0).sum(),
    )
    return looked_up(rows, counts, ("event_id", "listing_id"))


def _measured(
    rows: ir.Table, instruments: ir.Table, shares_outstanding: ir.Table, fx_rates: ir.Table
) -> ir.Table:
    """Say of each fall, with what lies before and after it, what it was and what it cost."""
    rows = _with_fall(rows, instruments)
    valued = with_losses(rows, shares_outstanding, fx_rates)
    counted = counted_once(valued, instruments, ("event_id",), "market_value_usd")
    return _with_vintage(with_outcomes(_with_severity(counted))).select(*_COLUMNS)


def _with_fall(rows: ir.Table, instruments: ir.Table) -> ir.Table:
    """Add what the listing is, and its fall by night, by day and from its height."""
    import ibis

    known = instruments.select("listing_id", "sector", "region", usual_currency="currency")
    rows = rows.inner_join(known, "listing_id")
    is_fall = rows.simple_return.notnull()
    before = is_fall.ifelse(rows.previous_close.nullif(0), None)
    return rows.mutate(
        currency=ibis.coalesce(rows.bar_currency, rows.usual_currency),
        overnight_log_return=(rows.open / before).nullif(0).ln(),
        intraday_log_return=(rows.close / rows.open.nullif(0)).nullif(0).ln(),
        drawdown=rows.close / rows.highest_close.nullif(0) - 1,
        has_simulated_inputs=rows.model_is_simulated | (rows.simulated > 0),
    )


def _with_severity(rows: ir.Table) -> ir.Table:
    """Add how the fall stands in the listing's own history up to that session."""

    def share(value: Any, n_no_lower: Any, n: Any) -> Any:
        is_known = value.notnull() & (n >= MINIMUM_HISTORY)
        return is_known.ifelse(n_no_lower.cast("float64") / n.nullif(0), None)

    return rows.mutate(
        return_severity=share(rows.simple_return, rows.n_no_lower, rows.n_returns),
        abnormal_severity=share(rows.abnormal_z, rows.n_z_no_lower, rows.n_z),
    )


def _with_vintage(rows: ir.Table) -> ir.Table:
    """Add the newest vintage of the fall's own figures, and of what followed."""
    import ibis

    rows = rows.mutate(
        fall_as_of=ibis.greatest(
            rows.known_so_far, rows.model_as_of, ibis.coalesce(rows.rate_as_of, rows.known_so_far)
        )
    )
    seen = ibis.coalesce(rows.known_then, rows.fall_as_of)
    return rows.mutate(as_of=ibis.greatest(rows.fall_as_of, seen))
