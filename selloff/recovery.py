"""What followed a fall: the next session, the lowest close, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selloff._ibis import looked_up

if TYPE_CHECKING:
    import ibis.expr.types as ir

# A fall that a listing has not come back from within a month of sessions has its trough there.
TROUGH_SESSIONS = 20

_PAIR = ("event_id", "listing_id")


def with_outcomes(
    rows: ir.Table, history: ir.Table, trough_sessions: int = TROUGH_SESSIONS
) -> ir.Table:
    """Add what followed each fall in the listing's own sessions.

    Everything is held against `previous_close`, the last close before the fall: the event's own
    fall is in every figure. Half of the fall is regained at the middle between `previous_close` and
    `close`. Closes of another `basis` (beyond an unapplied split) are not seen.

    Parameters
    ----------
    rows : ibis Table
        `event_id`, `listing_id`, `session_date`, `row`, `basis`, `close`, `previous_close`,
        `simple_return` (fraction, NULL where no fall is known), `shares_outstanding`,
        `usd_per_currency`.
    history : ibis Table
        Every bar: `listing_id`, `session_date`, `row` (place among the listing's bars), `basis`
        (number of the stretch of comparable prices), `close`.
    trough_sessions : int
        How many sessions after the event the trough may lie.

    Returns
    -------
    ibis Table
        The rows with

        `rebound_return`
            Return of the listing's next session (fraction), NULL without one.
        `trough_date`, `trough_return`
            The first session with the lowest close, from the event's on, up to `trough_sessions`
            later and before the recovery; that close / `previous_close` - 1 (fraction, negative).
            NULL where the listing did not fall.
        `peak_to_trough_market_value_lost_usd`
            Shares x (`previous_close` - lowest close) in USD at the event's rate, positive.
        `days_to_recover_half`, `days_to_recover`
            Sessions until a close that regained half, all of the fall; 0 where it never fell, NULL
            while open.
        `observed_through`
            Last session that the figures have seen; NULL where none followed.

    Raises
    ------
    ValueError
        If `trough_sessions` is negative.

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
    >>> found = with_outcomes(ibis.memtable(fall), ibis.memtable(bars)).execute().iloc[0]
    >>> round(float(found["rebound_return"]), 12), float(found["trough_return"])
    (-0.05, -0.24)
    >>> float(found["peak_to_trough_market_value_lost_usd"])
    240.0
    >>> int(found["days_to_recover_half"]), int(found["days_to_recover"])
    (3, 4)
    """
    if trough_sessions < 0:
        raise ValueError(f"a trough cannot lie {-trough_sessions} sessions before the event")
    ends = history.group_by("listing_id", "basis").aggregate(last=history.session_date.max())
    ways, troughs = _ways_back(rows, history), _troughs(rows, history, trough_sessions)
    rows = looked_up(looked_up(rows, ways, _PAIR), troughs, _PAIR)
    rows = looked_up(rows, ends, ("listing_id", "basis"))
    lowest = (rows.days_to_recover == 0).ifelse(None, rows.trough_close)
    usd = rows.shares_outstanding * rows.usd_per_currency
    follows: Any = rows.last > rows.session_date
    return rows.mutate(
        rebound_return=rows.next_close / rows.close.nullif(0) - 1,
        trough_date=lowest.notnull().ifelse(rows.trough_date, None),
        trough_return=lowest / rows.previous_close.nullif(0) - 1,
        peak_to_trough_market_value_lost_usd=usd * (rows.previous_close - lowest),
        observed_through=follows.ifelse(rows.last, None),
    ).drop("next_close", "trough_close", "last")


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
    """Return the close after each fall, and how long half and all of it took to regain."""
    asked, later = _asked(rows), _bars(history)
    pairs = asked.inner_join(
        later,
        (
            asked.listing_id == later.later_listing,
            asked.basis == later.later_basis,
            asked.row <= later.later_row,
        ),
    )
    days = pairs.later_row - pairs.row
    return pairs.group_by(_PAIR).aggregate(
        next_close=pairs.later_close.max(where=days == 1),
        days_to_recover_half=days.min(
            where=pairs.later_close * 2 >= pairs.previous_close + pairs.close
        ),
        days_to_recover=days.min(where=pairs.later_close >= pairs.previous_close),
    )


def _troughs(rows: ir.Table, history: ir.Table, trough_sessions: int) -> ir.Table:
    """Return the lowest close of each fall before it was regained, and its first session."""
    import ibis

    asked, later = _asked(rows), _bars(history)
    # Twenty equal rows are found by hashing; as a range the engine would form every later pair.
    asked = asked.mutate(days=ibis.range(0, trough_sessions + 1).unnest())
    asked = asked.mutate(asked_row=asked.row + asked.days)
    pairs = asked.inner_join(
        later,
        (
            asked.listing_id == later.later_listing,
            asked.basis == later.later_basis,
            asked.asked_row == later.later_row,
        ),
    )
    so_far = ibis.window(group_by=_PAIR, order_by="days", preceding=None, following=0)
    is_back = (pairs.later_close >= pairs.previous_close).cast("int8")
    under = pairs.mutate(n_back=is_back.sum().over(so_far))
    # The event's own close is among them, whatever came of it.
    under = under.filter((under.n_back == 0) | (under.days == 0))
    # Not the first by close and date: Spark has no aggregate that minds an order.
    under = under.mutate(trough_close=under.later_close.min().over(group_by=_PAIR))
    return under.group_by(*_PAIR, "trough_close").aggregate(
        trough_date=under.later_date.min(where=under.later_close == under.trough_close)
    )
