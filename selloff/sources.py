"""Several sources of one bar: which one counts, and whether the others say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import alone_and_several, stacked

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir

PRIORITY = ("files", "yahoo", "eastmoney", "replay")
"""Who is believed first: what was put there by hand, then vendors, the simulation last. A source
that is not named comes after all of them, by name."""

TOLERANCE = 0.001
"""Relative difference of two closes, or of a ratio from 1, beyond which it is no small matter.
Of 163,845 pairs of closes in one basis of the S&P 500 in 2024 and 2025, 156,386 agreed within
rounding, one lay between that and this, and the rest differed by a split or a spin-off."""

# Vendors deliver 32-bit floats: a relative noise of 6e-8, twice that between two of them.
_FLOAT_NOISE = 1e-6
_DECIMALS = (2, 3, 4, 5)


def rank(source: ir.StringColumn, priority: Sequence[str] = PRIORITY) -> ir.IntegerColumn:
    """Return the place of each source in the priority, from 0; all unknown ones share the last."""
    return source.cases(
        *((name, place) for place, name in enumerate(priority)), else_=len(priority)
    )


def first_in_priority(
    rows: ir.Table, keys: Sequence[str], priority: Sequence[str], *ties: str
) -> ir.Table:
    """Return one row per key: of the first source in priority, then by name, then by `ties`."""
    import ibis

    order = (rank(rows.source, priority), "source", *ties)
    place = ibis.row_number().over(group_by=keys, order_by=order)
    return rows.mutate(place=place).filter(lambda t: t.place == 0).drop("place")


def newest_of_first(
    versions: ir.Table, keys: Sequence[str], priority: Sequence[str] = PRIORITY
) -> ir.Table:
    """Return one version per key: the newest one of the first source in priority."""
    import ibis

    alone, several = alone_and_several(versions, keys)
    order = (
        rank(several.source, priority),
        several.source,
        several.known_from.desc(),
        several.row_hash,
    )
    place = ibis.row_number().over(group_by=keys, order_by=order)
    chosen = several.mutate(place=place).filter(lambda t: t.place == 0)
    return stacked(alone, chosen.drop("place"))


def rounding(price: ir.FloatingColumn) -> ir.FloatingColumn:
    """Return what a price may be off by for having been rounded, in the unit of the price.

    Half a unit of its last decimal place, of which a price has two at least: 24.5 may be 24.496.
    A price with more than five decimals was computed, not rounded, and is off by float noise only.
    """
    import ibis

    noise = price.abs() * _FLOAT_NOISE
    found: ir.FloatingColumn = ibis.cases(
        *(
            ((price - price.round(digits)).abs() <= noise, 0.5 * 10.0**-digits + noise)
            for digits in _DECIMALS
        ),
        else_=noise,
    )
    return found


def agree(one: ir.FloatingColumn, other: ir.FloatingColumn) -> ir.BooleanColumn:
    """Whether two prices are one price, rounded: they differ by half a unit of the coarser."""
    import ibis

    return (one - other).abs() <= ibis.greatest(rounding(one), rounding(other))


def reconciled(
    bars: ir.Table, priority: Sequence[str] = PRIORITY, tolerance: float = TOLERANCE
) -> ir.Table:
    """Put the sources of each bar beside the one that is chosen.

    Only the sources' own closes in the same basis are compared: a close adjusted for dividends
    says something else (see `return_spreads` for that). A provisional bar is no close yet: it is
    compared with nothing.

    Parameters
    ----------
    bars : ibis Table
        The newest version of every source, split-adjusted (`adjustments.split_adjusted`).
    priority : sequence of str
        Whose bar is chosen where several have one.
    tolerance : float
        Relative to the chosen close, the difference that is a conflict (fraction).

    Returns
    -------
    ibis Table
        The bars' columns; `place` (0 is chosen); `agrees`, true where the close is the chosen one
        within rounding, the chosen one included; `conflicts`, true beyond rounding and tolerance.
        What lies between neither agrees nor conflicts.
    """
    import ibis

    ordered = ibis.window(
        group_by=("listing_id", "session_date"),
        order_by=(rank(bars.source, priority), "source"),
    )
    placed = bars.mutate(
        place=ibis.row_number().over(ordered),
        chosen_close=bars.close.first().over(ordered),
        chosen_is_provisional=bars.is_provisional.first().over(ordered),
    )
    settled = ~(placed.is_provisional | placed.chosen_is_provisional)
    is_same = agree(placed.close, placed.chosen_close)
    is_far = (placed.close - placed.chosen_close).abs() > placed.chosen_close * tolerance
    return placed.select(
        *bars.columns,
        "place",
        agrees=(placed.place == 0) | (settled & is_same),
        conflicts=settled & ~is_same & is_far,
    )


def return_spreads(bars: ir.Table) -> ir.Table:
    """Say how far the sources' total returns of a session lie apart.

    Returns can be compared where closes cannot: a constant factor, as every adjustment is between
    two ex-dates, leaves them alone. A source that gives no adjusted close gives its price return,
    so that a spread says: one source went ex-dividend and another did not tell, or the two speak
    of different listings (a ticker that was used again).

    Parameters
    ----------
    bars : ibis Table
        One version per listing, session and `source`: `close` or `adj_close` (currency per share).

    Returns
    -------
    ibis Table
        `listing_id`, `session_date`, `n_sources` (with a return since the same session before),
        `lowest_return`, `highest_return` and `spread` (fractions), where there are two or more.
    """
    import ibis

    worth = bars.select(
        "listing_id", "session_date", "source", worth=bars.adj_close.coalesce(bars.close)
    )
    before = ibis.window(group_by=("listing_id", "source"), order_by="session_date")
    moved = worth.mutate(
        simple_return=worth.worth / worth.worth.lag().over(before).nullif(0) - 1,
        since=worth.session_date.lag().over(before),
    ).filter(lambda t: t.simple_return.notnull())
    latest = moved.since.max().over(group_by=("listing_id", "session_date"))
    grouped = (
        moved.mutate(latest=latest)
        .filter(lambda t: t.since == t.latest)
        .group_by("listing_id", "session_date")
        .aggregate(
            n_sources=lambda t: t.count(),
            lowest_return=lambda t: t.simple_return.min(),
            highest_return=lambda t: t.simple_return.max(),
        )
    )
    return grouped.filter(grouped.n_sources > 1).mutate(
        spread=grouped.highest_return - grouped.lowest_return
    )
