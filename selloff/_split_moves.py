"""The moves of prices that may be splits, the steps of share counts that may answer them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import by_listing, looked_up
from selloff.adjustments import missing_ratio
from selloff.sources import PRIORITY, newest_of_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir

BAR = ("listing_id", "session_date")
PLACE = ("listing_id", "ex_date")
# A fall to two thirds at least, 4% more or less; a consolidation of two into one at least.
SMALLEST_FALL, SMALLEST_RISE = 1.43, 1.7
TURNOVER_ROWS, SIZE_ROWS = 20, 250
LASTING = 3
# Logarithms are added up as whole numbers, which are the same in any order of the rows: a last
# digit that changes from run to run would make stale all that rests on a proposal.
_WHOLE = 1e15


def bars_of(versions: ir.Table, splits: ir.Table, priority: Sequence[str] = PRIORITY) -> ir.Table:
    """Return close and turnover of the newest version of every bar, first source first."""
    versions = versions.select(
        *BAR, "ticker", "close", "volume", "basis", "source", "known_from", "row_hash"
    )
    rated = missing_ratio(newest_of_first(versions, BAR, priority), splits)
    return rated.select(
        *BAR,
        "ticker",
        "known_from",
        close=rated.close / rated.missing_ratio,
        turnover=(rated.close * rated.volume).nullif(0),
    )


def moved(bars: ir.Table) -> ir.Table:
    """Add to bars their number, what the price did since the one before, and whether it is much."""
    import ibis

    ratio = bars.close / bars.close.lag().over(by_listing()).nullif(0)
    rows = bars.mutate(
        row=ibis.row_number().over(by_listing()),
        price_ratio=ratio.nullif(0),  # to nothing is no split
    )
    is_large = (rows.price_ratio <= 1 / SMALLEST_FALL) | (rows.price_ratio >= SMALLEST_RISE)
    return rows.mutate(
        size=rows.price_ratio.ln(),
        is_large=is_large,
        is_fall=rows.price_ratio < 1,
        multiple=ibis.greatest(rows.price_ratio, rows.price_ratio.pow(-1)),
    )


def with_usual(large: ir.Table, rows: ir.Table) -> ir.Table:
    """Add to large moves what was usual before them.

    Parameters
    ----------
    large, rows : ibis Table
        Some of the bars that `moved` gives, and at least the 250 before each of them.
    """
    found = looked_up(large, _usual(large, rows), ("listing_id", "row"))
    return found.mutate(
        ex_date=found.session_date, turnover_ratio=found.turnover / found.usual_turnover
    )


def _usual(large: ir.Table, rows: ir.Table) -> ir.Table:
    """Return what was usual in the rows before each large move.

    Three bars in a thousand move so far: windows over all of them took three quarters of the time.
    """
    asked = large.select("listing_id", "row")
    behind = rows.select("listing_id", "turnover", "size", past_row="row")
    pairs = asked.inner_join(
        behind,
        (
            asked.listing_id == behind.listing_id,
            behind.past_row < asked.row,
            behind.past_row >= asked.row - SIZE_ROWS,
        ),
    )
    is_near = (pairs.past_row >= pairs.row - TURNOVER_ROWS) & pairs.turnover.notnull()
    whole = (pairs.turnover.ln() * _WHOLE).round().cast("int64")
    logs = whole.sum(where=is_near) / is_near.sum().nullif(0) / _WHOLE
    return pairs.group_by("listing_id", "row").aggregate(
        # The mean of logarithms, since one busy day would lift any other mean of twenty.
        usual_turnover=logs.exp(),
        usual_size=(pairs.size * pairs.size).mean().sqrt(),
        n_rows=pairs.size.count(),
    )


def steps_of(implied_shares: ir.Table) -> ir.Table:
    """Return the runs whose count differs from that of the run before.

    Adds `step` and `next_step`, the logarithms of the count over the one before and of the next
    over the count, and `next_date`, the first session of the next run.
    """
    import ibis

    runs = ibis.window(group_by="listing_id", order_by="first_session_date")
    log = implied_shares.adjusted_shares.ln()
    steps = implied_shares.mutate(
        step=log - log.lag().over(runs),
        next_step=log.lead().over(runs) - log,
        next_date=implied_shares.first_session_date.lead().over(runs),
    )
    return steps.filter(steps.step.notnull())


def lasting(steps: ir.Table) -> ir.Table:
    """Return the steps of the implied counts that lasted, or may last still.

    A wrong market value makes two steps within a session or two, there and back: the first is
    nearer to what was before than to what comes after, and does not count.
    """
    lasts = (
        steps.next_step.isnull()
        | (steps.n_sessions >= LASTING)
        | (steps.next_step.abs() * 2 < steps.step.abs())
    )
    return steps.filter(lasts).select(
        "listing_id",
        shares_changed_on="first_session_date",
        share_ratio=steps.step.exp(),
        seen_at="as_of",
    )
