"""Which bars are kept out of core, why, and when they come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import looked_up, newest, product, stacked
from selloff.adjustments import split_adjusted
from selloff.sources import PRIORITY, TOLERANCE, reconciled

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir

_BAR = ("listing_id", "session_date")
_CASE = (
    "quarantine_id",
    "listing_id",
    "ticker",
    "session_date",
    "kind",
    "reason",
    "payload",
    "first_seen_at",
    "as_of",
)
# Beyond the fourth decimal of a price there is float noise, and a noisy case would be a new one
# with every fetch.
_SHOWN_DECIMALS = 4


def quarantined_bars(
    price_vintages: ir.Table,
    splits: ir.Table,
    restatements: ir.Table,
    quarantine: ir.Table,
    quarantine_decisions: ir.Table,
    *,
    priority: Sequence[str] = PRIORITY,
    tolerance: float = TOLERANCE,
) -> ir.Table:
    """Return the bars that are kept out, each with one case.

    ``conflict``
        The newest versions of two sources, settled and in one basis, differ by more than rounding
        and `tolerance`. Other values are another case.
    ``contract``
        What came of the bar was refused, and nothing in order has come from any source: a broken
        row takes no good one away that was delivered before it. A release has no effect: what is
        refused cannot be put in, only delivered or landed anew.
    ``restatement``
        A load moved the history of the listing by one ratio that no split explains: every bar of
        the listing is out, under the newest such load. It ends when the ratios of these loads
        multiply to 1 (the vendor went back), when a split becomes known that explains them (they
        are no longer unexplained then), or when they are released.

    A released case is not in the table; a rejected one stays in it while its values do.

    Parameters
    ----------
    price_vintages, splits, restatements, quarantine, quarantine_decisions : ibis Table
        Columns of ``raw.price_vintages``, ``core.splits``, ``core.restatements``,
        ``raw.quarantine`` and ``raw.quarantine_decisions``.
    priority : sequence of str
        The source whose close the others are compared with.
    tolerance : float
        Difference of two closes, relative to the chosen one, that is a conflict (fraction).

    Returns
    -------
    ibis Table
        Columns of ``core.quarantined_bars``, one row per listing and session; where a bar has
        several cases, a rejected one before the others, then by kind.
    """
    import ibis

    decided = newest(
        quarantine_decisions.mutate(known_from="decided_at", row_hash="decision"), "quarantine_id"
    ).select("quarantine_id", "decision")
    found = (
        _conflicts(price_vintages, splits, priority, tolerance),
        _refused(price_vintages, quarantine),
        _unexplained(price_vintages, restatements, decided),
    )
    cases = stacked(*(each.select(*_CASE) for each in found))
    judged = looked_up(cases, decided, "quarantine_id")
    judged = judged.mutate(is_rejected=judged.decision.coalesce("") == "rejected")
    kept = judged.filter((judged.kind == "contract") | (judged.decision.coalesce("") != "released"))
    order = (ibis.desc("is_rejected"), "kind", "quarantine_id")
    place = ibis.row_number().over(group_by=_BAR, order_by=order)
    first = kept.mutate(place=place).filter(lambda t: t.place == 0)
    return first.select(*_CASE[:-2], "is_rejected", *_CASE[-2:])


def _conflicts(
    price_vintages: ir.Table, splits: ir.Table, priority: Sequence[str], tolerance: float
) -> ir.Table:
    """Return the bars on which sources disagree, with what each of them says, as traded."""
    # The listings first: to count the sources of 47.7 million bars took more than 2 GB.
    several = _of_several_sources(_of_several_sources(price_vintages, "listing_id"), *_BAR)
    bars = reconciled(split_adjusted(newest(several, *_BAR, "source"), splits), priority, tolerance)
    # As traded, so that the case stays the same when a split restates every source.
    close = (bars.close * bars.later_ratio).round(_SHOWN_DECIMALS).cast("string")
    said = bars.mutate(said=_quoted(bars.source).concat(": ", close))
    cases = said.group_by(_BAR).aggregate(
        ticker=said.ticker.min(where=said.place == 0),
        payload=said.said.group_concat(", ", order_by=said.source),
        names=said.source.group_concat(", ", order_by=said.source),
        is_conflict=said.conflicts.any(),
        first_seen_at=said.known_from.max(),
        as_of=said.known_from.max(),
    )
    return _named(
        cases.filter(cases.is_conflict).mutate(
            kind=_text("conflict"),
            reason=_text("the closes disagree: ").concat(cases.names),
            payload=_text("{").concat(cases.payload, "}"),
        ),
        "session_date",
    )


def _of_several_sources(price_vintages: ir.Table, *thing: str) -> ir.Table:
    """Return the bars of the things (listings, bars) that more than one source tells of."""
    source = price_vintages.source
    named = price_vintages.group_by(thing).aggregate(first=source.min(), last=source.max())
    return price_vintages.semi_join(named.filter(named.first != named.last), thing)


def _refused(price_vintages: ir.Table, quarantine: ir.Table) -> ir.Table:
    """Return the bars of which nothing in order has ever come."""
    refused = quarantine.filter(
        quarantine.table_name == "raw.price_vintages",
        quarantine.listing_id.notnull(),
        quarantine.session_date.notnull(),
        quarantine.resolved_at.isnull(),
    ).mutate(kind=_text("contract"), as_of=quarantine.first_seen_at)
    cases = refused.anti_join(price_vintages, _BAR)
    listed = price_vintages.semi_join(cases, "listing_id")
    known = listed.group_by("listing_id").aggregate(ticker=listed.ticker.argmax(listed.known_from))
    named = looked_up(cases, known, "listing_id")
    # Of a listing without a single bar only the key is known: `MIC:TICKER` at registration.
    return named.mutate(ticker=named.ticker.coalesce(named.listing_id.split(":")[1]))


def _unexplained(price_vintages: ir.Table, restatements: ir.Table, decided: ir.Table) -> ir.Table:
    """Return every bar of the listings that a load moved by a ratio which nothing explains."""
    moves = restatements.filter(restatements.kind == "unexplained")
    shown = moves.ratio.round(_SHOWN_DECIMALS + 2).cast("string")
    parts = {"source": _quoted(moves.source), "load_id": _quoted(moves.load_id), "ratio": shown}
    fields = [_text(f'"{name}": ').concat(value) for name, value in parts.items()]
    cases = _named(
        moves.mutate(
            kind=_text("restatement"),
            reason=_text("the history was multiplied without an action, by ").concat(shown),
            payload=_text("{").concat(fields[0], ", ", fields[1], ", ", fields[2], "}"),
            first_seen_at=moves.as_of,
            known_from=moves.as_of,
            row_hash=moves.load_id,
        )
    )
    released = decided.filter(decided.decision == "released")
    standing = cases.anti_join(released, "quarantine_id")
    moved = standing.group_by("listing_id", "source").aggregate(net=product(standing.ratio))
    away = moved.filter((moved.net - 1).abs() > TOLERANCE)
    last = newest(standing.semi_join(away, ("listing_id", "source")), "listing_id")
    listed = price_vintages.semi_join(last, "listing_id")
    bars = listed.group_by(_BAR).aggregate(ticker=listed.ticker.argmax(listed.known_from))
    return bars.inner_join(last.drop("ticker"), "listing_id")


def _named(cases: ir.Table, *more: str) -> ir.Table:
    """Add `quarantine_id`, the SHA-256 of kind, listing, payload and `more`."""
    parts = [cases[name].cast("string") for name in ("listing_id", "payload", *more)]
    content = cases.kind
    for part in parts:
        content = content.concat("|", part)
    return cases.mutate(quarantine_id=content.hexdigest("sha256"))


def _text(value: str) -> ir.StringScalar:
    import ibis

    return ibis.literal(value)


def _quoted(text: ir.StringColumn) -> ir.StringColumn:
    """Return text as a JSON string."""
    inner = text.replace("\\", "\\\\").replace('"', '\\"')
    return _text('"').concat(inner, '"')
