"""Where each listing stood before some session: what its falls are carried on from.

Not here: what a fall is (`selloff.drawdowns`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import looked_up, stacked
from selloff.history import from_day
from selloff.proposed_splits import has_unapplied_split

if TYPE_CHECKING:
    from datetime import date

    import ibis.expr.types as ir

_BARS = (
    "ticker",
    "close",
    "currency",
    "quality_flags",
    "is_simulated",
    "n_quarantined",
    "as_of",
)
_COLUMNS = ("listing_id", "session_date", *_BARS, "flagged", "step")
_STATES = (*_COLUMNS, "is_state")


def carried(daily_prices: ir.Table, previous: ir.Table, start: date) -> ir.Table:
    """Return the bars from a session on, and before them what says how each listing stood there.

    Where a listing was below its high, three bars stand for all since that high, if its low is
    known from before: peak, trough and the last. They are made of what was held of the fall. Else
    come its own bars since the high, which are one where the last bar was the high itself.

    Parameters
    ----------
    daily_prices : ibis Table
        Columns of ``core.daily_prices``, in full history; every close is known.
    previous : ibis Table
        ``mart.drawdown_episodes`` as it was held, right as to all sessions before the start.
    start : datetime.date
        The first session that may have changed.

    Returns
    -------
    ibis Table
        `_COLUMNS`: those of bars, and `step`, sessions since the bar before (of the first it says
        nothing). The first bar of each listing counts the flags of the bars it stands for, and is
        as old and as simulated as any of the bars before the start that it rests on. Of listings
        whose held falls end before the start, only those with a bar from it on.
    """
    import ibis

    under = previous.filter(
        previous.peak_date < start,
        (previous.outcome == "open") | (previous.observed_through >= start),
    )
    falls = stacked(under, _reopened(daily_prices, previous, start))
    # Whoever was not below its high had just made it.
    last = from_day(daily_prices, start, 1)
    highs = last.filter(last.session_date < start).anti_join(falls, "listing_id")
    unknown = falls.filter(falls.trough_date >= start).select("listing_id", since="peak_date")
    own = _before(daily_prices, start, *_BARS).inner_join(unknown, "listing_id")
    own = own.filter(own.session_date >= own.since)
    one = ibis.literal(1)
    behind = stacked(
        _three(falls.filter(falls.trough_date < start), daily_prices, start),
        _flagged(own).mutate(step=one, is_state=own.session_date == own.since).select(*_STATES),
        _flagged(highs).mutate(step=one, is_state=ibis.literal(True)).select(*_STATES),  # noqa: FBT003 - Ibis takes the literal
    )
    # A high rests on every bar that it is higher than.
    placed = looked_up(behind, _resting(daily_prices, start), "listing_id")
    placed = placed.mutate(
        as_of=placed.is_state.ifelse(placed.known, placed.as_of),
        is_simulated=placed.is_state.ifelse(placed.simulated > 0, placed.is_simulated),
    )
    later = daily_prices.filter(daily_prices.session_date >= start)
    later = _flagged(later).mutate(step=one)
    return stacked(placed.select(*_COLUMNS), later.select(*_COLUMNS))


def _before(daily_prices: ir.Table, start: date, *names: str) -> ir.Table:
    """Return columns of the bars before the start, by an expression of their own for each use.

    One that is used twice an engine computes once, and keeps: here nearly all bars there are.
    """
    some = daily_prices.select("listing_id", "session_date", *names)
    return some.filter(some.session_date < start)


def _flagged(bars: ir.Table) -> ir.Table:
    return bars.mutate(flagged=(bars.quality_flags != "").cast("int64"))


def _reopened(daily_prices: ir.Table, previous: ir.Table, start: date) -> ir.Table:
    """Return the falls that were broken off after the last bar before the start.

    What broke them off may have been taken back. Only the newest falls of listings can be such,
    and those seldom are: bars are looked at for next to none.
    """
    earlier = previous.filter(previous.peak_date < start)
    broken = earlier.filter(earlier.outcome == "broken_off", earlier.observed_through < start)
    newest = earlier.semi_join(broken, "listing_id").group_by("listing_id")
    broken = broken.semi_join(
        newest.aggregate(peak_date=lambda t: t.peak_date.max()), ("listing_id", "peak_date")
    )
    last = _before(daily_prices, start).semi_join(broken, "listing_id").group_by("listing_id")
    last = last.aggregate(observed_through=lambda t: t.session_date.max())
    return broken.semi_join(last, ("listing_id", "observed_through"))


def _resting(daily_prices: ir.Table, start: date) -> ir.Table:
    """Return the newest vintage of each listing's bars since its basis, and if any is simulated.

    Of all listings: with those alone that are asked for it takes as long.
    """
    import ibis

    found = _maxima(_before(daily_prices, start, "as_of", "is_simulated"))
    flags = _before(daily_prices, start, "quality_flags")
    changes = flags.filter(has_unapplied_split(flags)).group_by("listing_id")
    changes = changes.aggregate(basis_from=lambda t: t.session_date.max())
    known = changes.to_pyarrow()["listing_id"].to_pylist()
    if not known:
        return found
    # By name, and only where there are any: else an engine reads all bars once more for them.
    rows = _before(daily_prices, start, "is_simulated", "as_of")
    rows = rows.filter(rows.listing_id.isin(known)).inner_join(changes, "listing_id")
    since = _maxima(rows.filter(rows.session_date >= rows.basis_from))
    both = looked_up(found, since.rename(later="known", now="simulated"), "listing_id")
    return both.mutate(
        known=ibis.coalesce(both.later, both.known),
        simulated=ibis.coalesce(both.now, both.simulated),
    )


def _maxima(bars: ir.Table) -> ir.Table:
    return bars.group_by("listing_id").aggregate(
        known=bars.as_of.max(), simulated=bars.is_simulated.cast("int64").max()
    )


def _three(falls: ir.Table, daily_prices: ir.Table, start: date) -> ir.Table:
    """Return peak, trough and last bar of falls, as they stood before the start."""
    import ibis

    seen = falls.filter(falls.observed_through >= start).select("listing_id", since="peak_date")
    inside = _before(daily_prices, start, "quality_flags", "n_quarantined")
    inside = _flagged(inside.inner_join(seen, "listing_id"))
    inside = inside.filter(inside.session_date >= inside.since)
    sums = inside.group_by("listing_id").aggregate(
        n_bars=inside.count(),
        last_date=inside.session_date.max(),
        flagged=inside.flagged.sum(),
        quarantined=inside.n_quarantined.sum(),
    )
    found = looked_up(falls, sums, "listing_id")
    found = found.mutate(
        last_date=ibis.coalesce(found.last_date, found.observed_through),
        n_before=ibis.coalesce(found.n_bars - 1, found.sessions_under_water),
        quality_flags=ibis.literal(""),
    )
    peak = found.mutate(
        session_date=found.peak_date,
        close=found.peak_close,
        is_simulated=found.has_simulated_inputs,
        n_quarantined=ibis.coalesce(found.quarantined, found.n_quarantined),
        flagged=ibis.coalesce(found.flagged, found.n_flagged),
        step=ibis.literal(0, "int64"),
        # Of the vintage of its bars: the one held is also a rate's, on which no later fall rests.
        is_state=True,
    )
    low = peak.mutate(
        close=found.trough_close,
        is_simulated=False,
        n_quarantined=0,
        as_of=ibis.null("timestamp"),
        flagged=0,
        is_state=False,
    )
    trough = low.mutate(session_date=low.trough_date, step=low.sessions_to_trough)
    last = low.mutate(session_date=low.last_date, step=low.n_before - low.sessions_to_trough)
    last = last.filter(last.session_date > last.trough_date)
    return stacked(*(each.select(*_STATES) for each in (peak, trough, last)))
