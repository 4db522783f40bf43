"""Who speaks for a region's market: the constituents of its index, as far as they are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ibis.expr.types as ir

# The S&P 500 is one in 18 of the lines traded in the US; a list of the few constituents that
# happen to be known speaks for nobody else.
MINIMUM_INDEX_SHARE = 0.03


def is_index(constituents: Any, equities: Any) -> Any:
    """Say whether so many constituents of an index speak for a market of so many equities.

    Parameters
    ----------
    constituents, equities : array or Ibis column
        How many of them have a row in the session.

    Examples
    --------
    >>> is_index(49, 55), is_index(49, 9065), is_index(0, 0)
    (True, False, False)
    """
    return (constituents > 0) & (constituents >= equities * MINIMUM_INDEX_SHARE)


def members(abnormal_returns: ir.Table, instruments: ir.Table) -> ir.Table:
    """Return the abnormal returns of the equities over which a region's market is counted.

    A listing counts from the day it entered the index. Where hardly any constituent of a region
    has a row in a session (no index is known, or a few of its names beside a whole market), all of
    the region's equities count: depositary receipts and names from outside the index would else
    count a foreign or a second market's fall as this one's breadth.

    Parameters
    ----------
    abnormal_returns, instruments : ibis Table
        Columns of the core tables of these names.

    Returns
    -------
    ibis Table
        The columns of `abnormal_returns` with `sector` and `industry` (NULL where unknown),
        `region` and `usual_currency` of the listing.
    """
    equities = instruments.filter(instruments.asset_class == "equity", instruments.region.notnull())
    known = equities.select(
        "listing_id",
        "sector",
        "industry",
        "region",
        "constituent_from",
        usual_currency="currency",
    )
    rows = abnormal_returns.inner_join(known, "listing_id")
    rows = rows.mutate(is_constituent=(rows.constituent_from <= rows.session_date).fill_null(False))  # noqa: FBT003 - Ibis takes the literal
    # Counted beside and joined back: a window would sort the whole panel for it.
    counts = rows.group_by("region", "session_date").aggregate(
        constituents=rows.is_constituent.ifelse(1, 0).sum(), equities=rows.count()
    )
    rows = rows.inner_join(counts, ("region", "session_date"))
    has_index = is_index(rows.constituents, rows.equities)
    return rows.filter(rows.is_constituent | ~has_index).drop(
        "constituent_from", "is_constituent", "constituents", "equities"
    )
