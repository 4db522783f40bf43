"""What a load did to bars already known: restated, corrected, revised, or moved unexplained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import looked_up, stacked
from selloff.adjustments import missing_ratio
from selloff.sources import TOLERANCE, rounding

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from selloff.history import Days

_BAR = ("listing_id", "source", "session_date")
_LOAD = ("listing_id", "source", "load_id")
_COLUMNS = (
    "listing_id",
    "ticker",
    "source",
    "load_id",
    "kind",
    "n_changed",
    "n_known",
    "first_session_date",
    "last_session_date",
    "ratio",
    "ratio_spread",
    "expected_ratio",
    "as_of",
)


def restatements(price_vintages: ir.Table, splits: ir.Table) -> ir.Table:
    """Say of every load what it did to the bars that it replaced.

    A bar moved where its close changed by more than rounding; a provisional bar that settled did
    not move, it was no close yet.

    ``restatement``
        Bars moved, and every bar that changed went by the splits between its two versions.
    ``unexplained``
        Two bars or more moved, all of them by one ratio within rounding, further than `TOLERANCE`
        from 1, and none known between the first and the last of them stayed. A change of unit
        (x100, x1000), or of basis.
    ``revision``
        At most one bar changed beside those that settled.
    ``correction``
        Everything else: scattered.

    Parameters
    ----------
    price_vintages, splits : ibis Table
        Columns of ``raw.price_vintages`` and ``core.splits``.

    Returns
    -------
    ibis Table
        Columns of ``core.restatements``, one row per listing, source and load that replaced
        versions known before. `ratio` and `ratio_spread` are of the bars that moved, or of all
        that changed where none moved; `n_known` counts from the first changed bar to the last.
    """
    loads = _known_between(_loads(_changes(price_vintages, splits)), price_vintages)
    is_explained = (loads.n_moved > 0) & (loads.n_fitting == loads.n_changed - loads.n_settled)
    is_block = (loads.n_moved > 1) & (loads.n_moved == loads.n_between)
    # Each bar leaves its ratio some room; one ratio is in the room of all.
    is_one = (loads.lower_bound <= loads.upper_bound) & ((loads.ratio - 1).abs() > TOLERANCE)
    is_single = loads.n_changed - loads.n_settled <= 1
    kind = is_explained.ifelse(
        "restatement",
        (is_block & is_one).ifelse("unexplained", is_single.ifelse("revision", "correction")),
    )
    expected = is_explained.ifelse(loads.expected_ratio, None)
    return loads.mutate(kind=kind, expected_ratio=expected).select(*_COLUMNS)


def late_restatements(
    price_vintages: ir.Table, splits: ir.Table, previous: ir.Table, days: Days
) -> ir.Table:
    """Return what `restatements` says of loads with a change in some days, from what it said.

    A load lands at once and is known after all that were there: what it did stays done, and one
    not told of yet changed nothing before the days.

    Parameters
    ----------
    price_vintages, splits : ibis Table
        As `restatements` takes them. Of the versions those before the days have not changed, of
        the splits none.
    previous : ibis Table
        What `restatements` said before.
    days : range of dates
        Has `start`, the first session of which there may be a new version.

    Returns
    -------
    ibis Table
        Columns of ``core.restatements``. Together with the loads of `previous` that changed
        nothing from the start on, it is what `restatements` says.
    """
    recent = price_vintages.filter(price_vintages.session_date >= days.start)
    told = previous.filter(previous.last_session_date >= days.start)
    return stacked(told, restatements(recent, splits).anti_join(previous, _LOAD))


def _changes(price_vintages: ir.Table, splits: ir.Table) -> ir.Table:
    """Return every version that replaced one, beside what it replaced."""
    import ibis

    counted = price_vintages.group_by(_BAR).aggregate(n_versions=price_vintages.count())
    several = price_vintages.semi_join(counted.filter(counted.n_versions > 1), _BAR)
    known = missing_ratio(several, splits)
    before = ibis.window(group_by=_BAR, order_by=("known_from", "row_hash"))
    versions = known.mutate(
        old_close=known.close.lag().over(before),
        old_missing_ratio=known.missing_ratio.lag().over(before),
        settled=known.is_provisional.lag().over(before),
    )
    changes = versions.filter(versions.old_close.notnull())
    return _measured(changes.mutate(expected=changes.missing_ratio / changes.old_missing_ratio))


def _measured(changes: ir.Table) -> ir.Table:
    """Add the ratio of each change, its room, and whether it moved and was to be expected."""
    new_slack, old_slack = rounding(changes.close), rounding(changes.old_close)
    ratio = changes.close / changes.old_close.nullif(0)
    slack = new_slack + old_slack * changes.expected
    moved = ((changes.close - changes.old_close).abs() > new_slack + old_slack) & ~changes.settled
    return changes.mutate(
        ratio=ratio,
        room=(new_slack + old_slack * ratio) / changes.old_close.nullif(0),
        moved=moved,
        fits=~changes.settled
        & ((changes.close - changes.old_close * changes.expected).abs() <= slack),
    )


def _loads(changes: ir.Table) -> ir.Table:
    """Return one row per load: what changed, and how far the ratios agree."""
    c = changes
    found = c.group_by(_LOAD).aggregate(
        ticker=c.ticker.argmax(c.known_from),
        n_changed=c.count(),
        n_settled=c.settled.sum(),
        n_moved=c.moved.sum(),
        n_fitting=c.fits.sum(),
        first_session_date=c.session_date.min(),
        last_session_date=c.session_date.max(),
        first_moved=c.session_date.min(where=c.moved),
        last_moved=c.session_date.max(where=c.moved),
        lowest=c.ratio.min(where=c.moved).coalesce(c.ratio.min()),
        highest=c.ratio.max(where=c.moved).coalesce(c.ratio.max()),
        lower_bound=(c.ratio - c.room).max(where=c.moved),
        upper_bound=(c.ratio + c.room).min(where=c.moved),
        expected_ratio=c.expected.min(where=c.moved),
        loaded_at=c.known_from.min(),
        as_of=c.known_from.max(),
    )
    # Medians only where there is more than one: of five million single changes they took a minute.
    several = c.semi_join(found.filter(found.n_changed > 1), _LOAD)
    medians = several.group_by(_LOAD).aggregate(
        ratio=several.moved.ifelse(several.ratio, None).median().coalesce(several.ratio.median())
    )
    rated = looked_up(found, medians, _LOAD)
    ratio = rated.ratio.coalesce(rated.lowest)
    return rated.mutate(ratio=ratio, ratio_spread=(rated.highest - rated.lowest) / ratio)


def _known_between(loads: ir.Table, price_vintages: ir.Table) -> ir.Table:
    """Add how many bars were known before, of the changed span and of the span that moved."""
    several = loads.filter(loads.n_changed > 1)
    asked = price_vintages.semi_join(several, ("listing_id", "source"))
    bars = asked.group_by(_BAR).aggregate(first_known=asked.known_from.min())
    pairs = several.inner_join(
        bars,
        [
            several.listing_id == bars.listing_id,
            several.source == bars.source,
            bars.session_date >= several.first_session_date,
            bars.session_date <= several.last_session_date,
            bars.first_known < several.loaded_at,
        ],
    )
    counts = pairs.group_by(_LOAD).aggregate(
        n_known=pairs.count(),
        n_between=pairs.session_date.between(pairs.first_moved, pairs.last_moved).sum(),
    )
    counted = looked_up(loads, counts, _LOAD)
    # The span of a single change is the bar itself.
    return counted.mutate(
        n_known=counted.n_known.coalesce(1), n_between=counted.n_between.coalesce(1)
    )
