"""What followed a fall: the next session, the lowest close, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selloff._ibis import looked_up, stacked

if TYPE_CHECKING:
    import ibis.expr.types as ir

# A fall that a listing has not come back from within a month of sessions has its trough there.
TROUGH_SESSIONS = 20
# Bars of a listing that are passed over together: about the root of twenty years of sessions.
STRETCH = 64

_PAIR = ("event_id", "listing_id")


def followed(rows: ir.Table, history: ir.Table, trough_sessions: int = TROUGH_SESSIONS) -> ir.Table:
    """Add what followed each fall in the listing's own sessions.

    Closes of another `basis` (beyond an unapplied split) are not seen.

    Parameters
    ----------
    rows : ibis Table
        `event_id`, `listing_id`, `session_date`, `row`, `basis`, `close`, `previous_close` (the
        last close before the fall), `simple_return` (fraction, NULL where no fall is known).
    history : ibis Table
        Every bar: `listing_id`, `session_date`, `row` (place among the listing's bars), `basis`
        (number of the stretch of comparable prices), `close`.
    trough_sessions : int
        How many sessions after the event the trough may lie.

    Returns
    -------
    ibis Table
        The rows with

        `next_close`
            Of the listing's next session, NULL without one.
        `trough_date`, `trough_close`
            The first session with the lowest close, from the event's on, up to `trough_sessions`
            later and before the recovery; and that close.
        `days_to_recover_half`, `days_to_recover`
            Sessions until a close that regained half (the middle between `previous_close` and
            `close`), all of the fall; 0 where it never fell, NULL while open.
        `observed_through`
            Last session that the figures have seen: the one that regained all of the fall, later
            ones say nothing more, and the listing's last while it is open; NULL where none
            followed.

    Raises
    ------
    ValueError
        If `trough_sessions` is negative.
    """
    if trough_sessions < 0:
        raise ValueError(f"a trough cannot lie {-trough_sessions} sessions before the event")
    import ibis

    ends = history.group_by("listing_id", "basis").aggregate(last=history.session_date.max())
    ways = _ways_back(rows, history)
    troughs = _troughs(rows, ways, history, trough_sessions)
    rows = looked_up(looked_up(rows, ways, _PAIR), troughs, _PAIR)
    rows = looked_up(rows, ends, ("listing_id", "basis"))
    # A listing that never fell has only its next session to show.
    done = ibis.greatest(rows.back_date, ibis.coalesce(rows.next_date, rows.back_date))
    seen = rows.back_date.isnull().ifelse(rows.last, done)
    follows: Any = rows.last > rows.session_date
    seen_rows = rows.mutate(observed_through=follows.ifelse(seen, None))
    return seen_rows.drop("next_date", "back_date", "last")


def with_outcomes(rows: ir.Table) -> ir.Table:
    """Add how far each fall went and what it came to, from what followed it.

    Everything is held against `previous_close`, the last close before the fall: the event's own
    fall is in every figure.

    Parameters
    ----------
    rows : ibis Table
        As `followed` gives them, with `shares_outstanding` and `usd_per_currency`.

    Returns
    -------
    ibis Table
        The rows, `trough_date` NULL where the listing did not fall, with

        `rebound_return`
            Return of the listing's next session (fraction), NULL without one.
        `trough_return`
            The lowest close / `previous_close` - 1 (fraction, negative). NULL where the listing did
            not fall.
        `peak_to_trough_market_value_lost_usd`
            Shares x (`previous_close` - lowest close) in USD at the event's rate, positive.

    Examples
    --------
    >>> import ibis
    >>> import pandas as pd
    >>> closes = [100.0, 80.0, 76.0, 85.0, 91.0, 101.0]
    >>> days = pd.date_range("2025-01-24", periods=6)
    >>> bars = pd.DataFrame({"listing_id": "A", "session_date": days, "row": range(6), "basis": 0,
    ...     "close": closes})
    >>> fall = bars.iloc[[1]].assign(event_id="e", previous_close=100.0, simple_return=-0.2,
    ...     shares_outstanding=10.0, usd_per_currency=1.0)
    >>> found = with_outcomes(followed(ibis.memtable(fall), ibis.memtable(bars))).execute().iloc[0]
    >>> round(float(found["rebound_return"]), 12), float(found["trough_return"])
    (-0.05, -0.24)
    >>> float(found["peak_to_trough_market_value_lost_usd"])
    240.0
    >>> int(found["days_to_recover_half"]), int(found["days_to_recover"])
    (3, 4)
    """
    import ibis

    lowest = (rows.days_to_recover == 0).ifelse(None, rows.trough_close)
    usd = rows.shares_outstanding * rows.usd_per_currency
    # The fall's own return may have been computed in other shares: to the last digit not lower.
    low = ibis.least(lowest / rows.previous_close.nullif(0) - 1, rows.simple_return)
    return rows.mutate(
        rebound_return=rows.next_close / rows.close.nullif(0) - 1,
        trough_date=lowest.notnull().ifelse(rows.trough_date, None),
        trough_return=lowest.notnull().ifelse(low, None),
        peak_to_trough_market_value_lost_usd=usd * (rows.previous_close - lowest),
    )


def _asked(rows: ir.Table) -> ir.Table:
    """Return the falls that are known, with the columns that all questions need."""
    known = rows.filter(rows.simple_return.notnull())
    return known.select(*_PAIR, "row", "basis", "close", "previous_close")


def _bars(history: ir.Table) -> ir.Table:
    """Return the bars under names of their own."""
    return history.select(
        later_listing="listing_id",
        later_basis="basis",
        later_row="row",
        later_date="session_date",
        later_close="close",
    )


def _ways_back(rows: ir.Table, history: ir.Table) -> ir.Table:
    """Return how long half and all of each fall took to regain, and the session that did.

    Every later bar of every fall would be looked at: of 86 events in twenty years of ten thousand
    listings 1.9 thousand million. A stretch of bars whose highest close is too low is passed over.
    """
    asked, later = _asked(rows), _bars(history)
    asked = asked.mutate(stretch=asked.row // STRETCH)
    later = later.mutate(later_stretch=later.later_row // STRETCH)
    tops = later.group_by("later_listing", "later_basis", "later_stretch").aggregate(
        top=later.later_close.max()
    )
    ahead = asked.inner_join(tops, (*_same_prices(asked, tops), asked.stretch < tops.later_stretch))
    firsts = ahead.group_by(_PAIR).aggregate(
        half=ahead.later_stretch.min(where=_is_half(ahead, ahead.top)),
        all=ahead.later_stretch.min(where=ahead.top >= ahead.previous_close),
    )
    asked = looked_up(asked, firsts, _PAIR)
    looked_at = stacked(*(asked.mutate(place=asked[name]) for name in ("stretch", "half", "all")))
    looked_at = looked_at.filter(looked_at.place.notnull()).distinct()
    pairs = looked_at.inner_join(
        later,
        (
            *_same_prices(looked_at, later),
            looked_at.place == later.later_stretch,
            looked_at.row <= later.later_row,
        ),
    )
    days, is_back = pairs.later_row - pairs.row, pairs.later_close >= pairs.previous_close
    return pairs.group_by(_PAIR).aggregate(
        days_to_recover_half=days.min(where=_is_half(pairs, pairs.later_close)),
        days_to_recover=days.min(where=is_back),
        back_date=pairs.later_date.min(where=is_back),
    )


def _is_half(rows: ir.Table, close: Any) -> Any:
    """Whether a close has regained half of the fall."""
    return close * 2 >= rows.previous_close + rows.close


def _same_prices(asked: ir.Table, later: ir.Table) -> tuple[Any, ...]:
    """Return what joins a fall with bars of its listing that are comparable with it."""
    return asked.listing_id == later.later_listing, asked.basis == later.later_basis


def _troughs(rows: ir.Table, ways: ir.Table, history: ir.Table, trough_sessions: int) -> ir.Table:
    """Return the lowest close of each fall before it was regained, and the bar after the fall."""
    import ibis

    asked, later = looked_up(_asked(rows), ways, _PAIR), _bars(history)
    # Twenty equal rows are found by hashing; as a range the engine would form every later pair.
    # The next session is asked for too, wherever the trough may lie.
    asked = asked.mutate(days=ibis.range(0, max(trough_sessions, 1) + 1).unnest())
    asked = asked.mutate(asked_row=asked.row + asked.days)
    pairs = asked.inner_join(
        later, (*_same_prices(asked, later), asked.asked_row == later.later_row)
    )
    # The event's own close is among them, whatever came of it.
    is_under = (pairs.days == 0) | (
        (pairs.days <= trough_sessions)
        & (pairs.days_to_recover.isnull() | (pairs.days < pairs.days_to_recover))
    )
    # Not the first by close and date: Spark has no aggregate that minds an order.
    lowest = pairs.group_by(_PAIR).aggregate(
        trough_close=pairs.later_close.min(where=is_under),
        next_close=pairs.later_close.max(where=pairs.days == 1),
        next_date=pairs.later_date.max(where=pairs.days == 1),
    )
    under = pairs.filter(is_under).select(*_PAIR, "later_date", trough_close="later_close")
    found = under.semi_join(lowest, (*_PAIR, "trough_close"))
    dates = found.group_by(_PAIR).aggregate(trough_date=found.later_date.min())
    return looked_up(lowest, dates, _PAIR)
