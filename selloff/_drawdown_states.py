"""Where each listing stood before some session: what its falls are carried on from.

Not here: what a fall is (`selloff.drawdowns`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import by_listing, looked_up, stacked
from selloff.history import from_day
from selloff.proposed_splits import has_unapplied_split

if TYPE_CHECKING:
    from datetime import date

    import ibis.expr.types as ir

_COLUMNS = (
    "listing_id",
    "ticker",
    "session_date",
    "close",
    "currency",
    "quality_flags",
    "is_simulated",
    "n_quarantined",
    "as_of",
    "flagged",
    "step",
)


def carried(daily_prices: ir.Table, previous: ir.Table, start: date) -> ir.Table:
    """Return the bars from a session on, and before them what says how each listing stood there.

    Where a listing was below its high, three bars stand for all since that high, if its low is
    known from before: peak, trough and the last. They are made of what was held of the fall. Else
    come its own bars since the high, which are one where the last bar was the high itself.

    Parameters
    ----------
    daily_prices : ibis Table
        Columns of ``core.daily_prices`` with `flagged`, in full history; every close is known.
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

    before = daily_prices.filter(daily_prices.session_date < start)
    under = previous.filter(
        previous.peak_date < start,
        (previous.outcome == "open") | (previous.observed_through >= start),
    )
    falls = stacked(under, _reopened(before, previous, start))
    # Whoever was not below its high had just made it.
    highs = from_day(daily_prices.anti_join(falls, "listing_id"), start, 1)
    highs = highs.filter(highs.session_date < start)
    seen = falls.filter(falls.observed_through >= start)
    asked = stacked(
        seen.select("listing_id", since="peak_date"),
        highs.select("listing_id", since="session_date"),
    )
    sums = _sums(before, asked)
    is_known = falls.trough_date < start
    unknown = seen.filter(seen.trough_date >= start).select("listing_id", since="peak_date")
    own = before.inner_join(unknown, "listing_id")
    own = own.filter(own.session_date >= own.since).select(*before.columns)
    later = daily_prices.filter(daily_prices.session_date >= start)
    return stacked(
        _three(falls.filter(is_known), sums, start),
        _first_resting_on_all(stacked(own, highs), sums),
        later.mutate(step=ibis.literal(1)).select(*_COLUMNS),
    )


def _reopened(before: ir.Table, previous: ir.Table, start: date) -> ir.Table:
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
    last = before.semi_join(broken, "listing_id").group_by("listing_id")
    last = last.aggregate(observed_through=lambda t: t.session_date.max())
    return broken.semi_join(last, ("listing_id", "observed_through"))


def _sums(before: ir.Table, asked: ir.Table) -> ir.Table:
    """Gather the bars before the start of some listings, since a day and since their basis."""
    changes = before.filter(has_unapplied_split(before))
    changes = changes.group_by("listing_id").aggregate(basis_from=changes.session_date.max())
    asked = looked_up(asked, changes, "listing_id")
    rows = before.inner_join(asked, "listing_id")
    rows = rows.filter(rows.basis_from.isnull() | (rows.session_date >= rows.basis_from))
    inside = (rows.session_date >= rows.since).cast("int64")
    return rows.group_by("listing_id").aggregate(
        known=rows.as_of.max(),
        simulated=rows.is_simulated.cast("int64").max(),
        n_bars=inside.sum(),
        last_date=rows.session_date.max(),
        flagged_since=(rows.flagged * inside).sum(),
        quarantined_since=(rows.n_quarantined * inside).sum(),
    )


def _first_resting_on_all(bars: ir.Table, sums: ir.Table) -> ir.Table:
    """Let the first bar of each listing be as old and as simulated as all before it."""
    import ibis

    placed = looked_up(bars.mutate(place=ibis.row_number().over(by_listing())), sums, "listing_id")
    is_first = placed.place == 0
    return placed.mutate(
        as_of=is_first.ifelse(placed.known, placed.as_of),
        is_simulated=is_first.ifelse(placed.simulated > 0, placed.is_simulated),
        step=ibis.literal(1),
    ).select(*_COLUMNS)


def _three(falls: ir.Table, sums: ir.Table, start: date) -> ir.Table:
    """Return peak, trough and last bar of falls, as they stood before the start."""
    import ibis

    found = looked_up(falls, sums, "listing_id")
    found = found.mutate(
        last_date=(found.observed_through < start).ifelse(found.observed_through, found.last_date),
        n_before=ibis.coalesce(found.n_bars - 1, found.sessions_under_water),
        quality_flags=ibis.literal(""),
    )
    peak = found.mutate(
        session_date=found.peak_date,
        close=found.peak_close,
        is_simulated=ibis.coalesce(found.simulated > 0, found.has_simulated_inputs),
        n_quarantined=ibis.coalesce(found.quarantined_since, found.n_quarantined),
        as_of=ibis.coalesce(found.known, found.as_of),
        flagged=ibis.coalesce(found.flagged_since, found.n_flagged),
        step=ibis.literal(0, "int64"),
    )
    low = peak.mutate(
        close=found.trough_close,
        is_simulated=False,
        n_quarantined=0,
        as_of=ibis.null("timestamp"),
        flagged=0,
    )
    trough = low.mutate(session_date=low.trough_date, step=low.sessions_to_trough)
    last = low.mutate(session_date=low.last_date, step=low.n_before - low.sessions_to_trough)
    last = last.filter(last.session_date > last.trough_date)
    return stacked(*(each.select(*_COLUMNS) for each in (peak, trough, last)))
