"""Which moves of a price are splits: what share counts, turnover and known splits say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selloff._ibis import stacked
from selloff._split_moves import PLACE, SIZE_ROWS

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from selloff.proposed_splits import SplitEvidence

_LEAST_ROWS = 20


def with_steps(moves: ir.Table, steps: ir.Table, evidence: SplitEvidence) -> ir.Table:
    """Return the moves that a step of the share count answers, each step with its best move."""
    import ibis

    near = _near(moves, steps, evidence)
    near = near.mutate(share_multiple=ibis.greatest(near.share_ratio, near.share_ratio.pow(-1)))
    near = near.mutate(ratio=_simple(near.multiple, near.share_multiple, evidence.tolerance))
    fits = near.is_fall.ifelse(_is_split(near, evidence), _is_consolidation(near, evidence))
    fitting = near.filter(fits)
    miss = (fitting.multiple / fitting.share_multiple).ln().abs()
    order = (miss, fitting.distance, fitting.ex_date)
    fitting = fitting.mutate(
        place=ibis.row_number().over(group_by=("listing_id", "shares_changed_on"), order_by=order)
    ).filter(lambda t: t.place == 0)
    again = ibis.row_number().over(group_by=PLACE, order_by=("distance", "shares_changed_on"))
    best = fitting.mutate(again=again).filter(lambda t: t.again == 0)
    return _told(best, "shares", ibis.greatest(best.known_from, best.seen_at))


def may_be(moves: ir.Table, steps: ir.Table, evidence: SplitEvidence) -> ir.Table:
    """Return the listings of moves of which what was usual before them may make splits."""
    by_price = _by_price(moves, evidence)
    simple = by_price.filter(by_price.is_simple)
    listings = _near(moves, steps, evidence).select("listing_id")
    return stacked(listings, simple.select("listing_id")).distinct()


def _near(moves: ir.Table, steps: ir.Table, evidence: SplitEvidence) -> ir.Table:
    """Return the moves beside each step of the count that went the other way in those days."""
    pairs = moves.inner_join(steps, "listing_id")
    pairs = pairs.mutate(
        distance=(pairs.shares_changed_on.delta(pairs.session_date, unit="day")).abs()
    )
    return pairs.filter(pairs.is_fall == (pairs.share_ratio > 1), pairs.distance <= evidence.days)


def _by_price(moves: ir.Table, evidence: SplitEvidence) -> ir.Table:
    """Add the simple ratio nearest to a move, and whether the move is that, and large enough."""
    rated = moves.mutate(ratio=_simple(moves.multiple, moves.multiple, evidence.tolerance))
    is_large = rated.is_fall.ifelse(rated.ratio.between(2.5, 10), rated.ratio >= 5)  # noqa: PLR2004
    is_near = (rated.multiple / rated.ratio - 1).abs() <= evidence.exact
    # Of a rise the nearest ratio will do.
    return rated.mutate(is_simple=is_large & (is_near | ~rated.is_fall))


def _simple(multiple: Any, share_multiple: Any, room: float) -> Any:
    """Return the ratio that price and share count mean: 3/2, 5/2 or a whole number.

    A count within 1% of a whole number is that number, if the price agrees; else the middle of the
    two, which both moved on their own, is rounded.
    """
    import ibis

    whole = share_multiple.round().cast("float64")
    is_whole = (
        ((share_multiple - whole).abs() <= whole * 0.01)
        & (whole >= 2)  # noqa: PLR2004 - 2:1
        & ((multiple / whole).ln().abs() <= room)
    )
    middle = (multiple * share_multiple).sqrt()
    halves = (middle * 2).round().cast("float64") / 2
    return ibis.cases(
        (is_whole, whole),
        (halves.isin((1.5, 2.5)), halves),
        else_=middle.round().cast("float64"),
    )


def _is_split(pairs: ir.Table, evidence: SplitEvidence) -> ir.BooleanColumn:
    """Whether a fall and a rise of the share count are one split."""
    import ibis

    log = pairs.ratio.ln()
    room = ibis.least(evidence.tolerance, log * 0.15)
    room = pairs.ratio.isin((1.5, 2.5)).ifelse(0.04, room)
    by_price = (pairs.multiple.ln() - log).abs()
    by_shares = (pairs.share_multiple.ln() - log).abs()
    most = evidence.fall_turnover * ibis.greatest(1.0, pairs.ratio / 5)
    return (
        (pairs.ratio >= 1.5)  # noqa: PLR2004 - 3:2
        & (by_price <= room)
        & (by_shares <= room)
        & (pairs.turnover_ratio <= most)
    )


def _is_consolidation(pairs: ir.Table, evidence: SplitEvidence) -> ir.BooleanColumn:
    """Whether a rise and a fall of the share count are one consolidation."""
    miss = (pairs.multiple / pairs.share_multiple).ln().abs()
    most = evidence.rise_turnover * pairs.ratio * pairs.ratio
    return (
        (pairs.ratio >= 2)  # noqa: PLR2004 - 1:2
        & (miss <= evidence.rise_tolerance)
        & (pairs.turnover_ratio <= most)
    )


def by_turnover(moves: ir.Table, evidence: SplitEvidence) -> ir.Table:
    """Return the moves without a step of the share count that are no trading either."""
    import ibis

    rated = _by_price(moves, evidence)
    sized = rated.filter(rated.is_simple).mutate(
        sizes=rated.size.abs() / rated.usual_size.nullif(0)
    )
    fall = (
        (sized.n_rows >= SIZE_ROWS)
        & (sized.sizes >= evidence.calm)
        & (sized.turnover_ratio <= 2)  # noqa: PLR2004 - twice the usual
        & (sized.usual_turnover >= evidence.least_turnover * 100)
    )
    rise = (
        (sized.n_rows >= _LEAST_ROWS)
        & (sized.sizes >= evidence.calm / 4)
        & (sized.turnover_ratio <= 5)  # noqa: PLR2004 - five times the usual
    )
    found = sized.filter(sized.is_fall.ifelse(fall, rise)).mutate(
        share_ratio=ibis.null("float64"), shares_changed_on=ibis.null("date")
    )
    return _told(found, "turnover", found.known_from)


def _told(found: ir.Table, evidence: str, as_of: Any) -> ir.Table:
    """Return what a proposal says of itself."""
    import ibis

    return found.select(
        *PLACE,
        "ticker",
        "price_ratio",
        "share_ratio",
        "shares_changed_on",
        "turnover_ratio",
        split_ratio=found.is_fall.ifelse(found.ratio, found.ratio.pow(-1)),
        evidence=ibis.literal(evidence),
        as_of=as_of,
    )


def unexplained(found: ir.Table, splits: ir.Table) -> ir.Table:
    """Leave out what a known split explains: the prices are then wrong in another way."""
    import ibis

    known = splits.select("listing_id", known_date="ex_date", known_ratio="split_ratio")
    pairs = found.inner_join(known, "listing_id")
    near = pairs.known_date.between(
        pairs.ex_date - ibis.interval(days=7), pairs.ex_date + ibis.interval(days=7)
    )
    same = (pairs.known_ratio / pairs.split_ratio).ln().abs() <= 0.1  # noqa: PLR2004 - one ratio
    return found.anti_join(pairs.filter(near & same), PLACE)
