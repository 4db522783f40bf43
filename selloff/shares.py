"""Share counts of the whole firm, from the day each became known."""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Any

from selloff._ibis import factors_after, looked_up, product_after

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir

PRIORITY = ("sec", "yahoo")
"""Sources of counts, the one that wins first; all others (the repository's) come after, by name."""

# How many counts before are asked: a wrong one among them decides nothing.
_MEMORY = 3
_COLUMNS = ("listing_id", "ticker", "known_on", "measured_on", "shares_outstanding", "source")


def shares_outstanding(
    raw_shares_outstanding: ir.Table,
    share_classes: ir.Table,
    splits: ir.Table,
    *,
    priority: Sequence[str] = PRIORITY,
    max_jump: float = 3.0,
) -> ir.Table:
    """Return one share count per listing and day on which one became known.

    A count is known on the day it was filed, else on the day it was fetched. Of the classes of a
    firm only a complete set makes a count. What a source says of an earlier date than it had
    spoken of before is no news. On a day with several sources the first in `priority` counts. A
    count is left out where it differs from more than half of the three before it by a factor of
    more than `max_jump`, all in today's shares: a unit error, or one class for the whole firm. A
    level that lasts is believed at its third statement.

    Parameters
    ----------
    raw_shares_outstanding : ibis Table
        Columns of ``raw.shares_outstanding``: every version of every count, in shares of its class.
        Counts of the class ``all`` are in units of the listing's line.
    share_classes : ibis Table
        Columns of ``core.share_classes``. `units_per_share` is the units of the listing's line that
        one share of the class stands for (TSM: 0.2, since a depositary receipt is five shares).
    splits : ibis Table
        Columns of ``core.splits``: what brings a count to the basis of ``core.daily_prices``.
    priority : sequence of str
        Names of sources.
    max_jump : float
        A factor above 1.

    Returns
    -------
    ibis Table
        Columns of ``core.shares_outstanding``.
    """
    import ibis

    known = _news(_whole_firms(_newest(raw_shares_outstanding), share_classes))
    ranks = [(known.source == name, rank) for rank, name in enumerate(priority)]
    rank = ibis.cases(*ranks, else_=len(priority)) if ranks else ibis.literal(0)
    place = ibis.row_number().over(
        group_by=("listing_id", "known_on"),
        order_by=(rank, known.measured_on.desc(), known.source, known.shares_outstanding),
    )
    chosen = known.mutate(place=place).filter(lambda t: t.place == 0).select(*_COLUMNS)
    return _plausible(chosen, splits, max_jump)


def _newest(rows: ir.Table) -> ir.Table:
    """Return the newest version of every count, with the day on which it was known."""
    import ibis

    version = ibis.row_number().over(
        group_by=("listing_id", "share_class", "measured_on", "filed_on", "source"),
        order_by=(rows.known_from.desc(), rows.row_hash),
    )
    newest = rows.mutate(version=version).filter(lambda t: t.version == 0)
    return newest.mutate(known_on=newest.filed_on.coalesce(newest.known_from.date()))


def _whole_firms(rows: ir.Table, share_classes: ir.Table) -> ir.Table:
    """Return counts of whole firms in units of the listing's line."""
    classes = share_classes.group_by("listing_id").aggregate(n_classes=share_classes.count())
    ratios = share_classes.select("listing_id", "share_class", "units_per_share")
    mapped = looked_up(
        looked_up(rows, ratios, ("listing_id", "share_class")), classes, "listing_id"
    )
    is_whole = mapped.units_per_share.isnull() & (mapped.share_class == "all")
    is_class = mapped.units_per_share.notnull()
    units = mapped.shares_outstanding * mapped.units_per_share
    found = mapped.group_by("listing_id", "source", "known_on", "measured_on").aggregate(
        ticker=mapped.ticker.max(),
        whole=mapped.shares_outstanding.max(where=is_whole),
        summed=units.sum(where=is_class),
        n_found=is_class.sum(),
        n_classes=mapped.n_classes.max(),
    )
    complete = (found.n_found == found.n_classes).ifelse(found.summed, None)
    counted = found.mutate(shares_outstanding=found.whole.coalesce(complete))
    return counted.filter(counted.shares_outstanding.notnull())


def _news(counts: ir.Table) -> ir.Table:
    """Return the counts that speak of a later date than their source did before."""
    import ibis

    earlier = ibis.window(
        group_by=("listing_id", "source"),
        order_by=("known_on", "measured_on"),
        preceding=(None, 1),
    )
    spoken = counts.mutate(spoken_of=counts.measured_on.max().over(earlier))
    return spoken.filter(spoken.spoken_of.isnull() | (spoken.measured_on > spoken.spoken_of))


def _plausible(counts: ir.Table, splits: ir.Table, max_jump: float) -> ir.Table:
    """Add the splits after each count, and leave out the counts that no split explains."""
    import ibis

    spans = factors_after(splits, "split_ratio")
    scaled = product_after(counts, spans, lambda t: t.measured_on, "split_ratio_after")
    scaled = scaled.mutate(today=scaled.shares_outstanding * scaled.split_ratio_after)
    in_time = ibis.window(group_by="listing_id", order_by="known_on")
    before = [scaled.today.lag(age).over(in_time) for age in range(1, _MEMORY + 1)]
    agreeing = [
        scaled.today.between(count / max_jump, count * max_jump).cast("int8") for count in before
    ]
    n_before = _total([count.notnull().cast("int8") for count in before])
    n_agreeing = _total([one.coalesce(0) for one in agreeing])
    judged = scaled.mutate(is_usual=n_agreeing * 2 >= n_before)
    return judged.filter(judged.is_usual).select(
        "listing_id", "ticker", "known_on", "shares_outstanding", "split_ratio_after", "source"
    )


def _total(counts: list[Any]) -> Any:
    return functools.reduce(operator.add, counts)
