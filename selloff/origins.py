"""Where a sell-off came from: the sector that lost most, and where it showed first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import looked_up

if TYPE_CHECKING:
    import ibis.expr.types as ir

# A sector of one listing is that listing's news; two make a sector's mean.
MINIMUM_SECTOR = 2

_SESSION = ("region", "session_date")


def with_groups(found: ir.Table, group_returns: ir.Table) -> ir.Table:
    """Add the sector and the industry an event came from, and the sector it hit hardest.

    Parameters
    ----------
    found : ibis Table
        Events with `region` and `session_date`.
    group_returns : ibis Table
        Columns of ``core.group_returns``.

    Returns
    -------
    ibis Table
        The rows with `origin_sector` and `origin_industry` (the largest abnormal market value lost
        in the session; NULL where none lost any or no value is known), `sector_severity` (of the
        origin sector) and `hardest_hit_sector` (the lowest mean abnormal return; one of two
        listings at least, where there is one). Ties go by name.
    """
    import ibis

    groups = group_returns.semi_join(found, _SESSION)
    losing = groups.filter(groups.abnormal_market_value_lost_usd > 0)
    turn = ibis.row_number().over(
        group_by=(*_SESSION, "grouping"),
        order_by=(losing.abnormal_market_value_lost_usd.desc(), "group_name"),
    )
    origins = losing.mutate(turn=turn).filter(lambda t: t.turn == 0)
    sector = origins.filter(origins.grouping == "sector").select(
        *_SESSION, origin_sector="group_name", sector_severity="severity"
    )
    industry = origins.filter(origins.grouping == "industry").select(
        *_SESSION, origin_industry="group_name"
    )
    falling = groups.filter(
        groups.grouping == "sector", groups.equal_weighted_abnormal_return.notnull()
    )
    lonely = (falling.n_members >= MINIMUM_SECTOR).ifelse(0, 1)
    turn = ibis.row_number().over(
        group_by=_SESSION, order_by=(lonely, "equal_weighted_abnormal_return", "group_name")
    )
    hardest = falling.mutate(turn=turn).filter(lambda t: t.turn == 0)
    hardest = hardest.select(*_SESSION, hardest_hit_sector="group_name")
    for part in (sector, industry, hardest):
        found = looked_up(found, part, _SESSION)
    return found


def with_first(
    found: ir.Table,
    abnormal_returns: ir.Table,
    instruments: ir.Table,
    sessions: ir.Table,
    listing_z: float = -2.0,
) -> ir.Table:
    """Add the listing, and its region, in which an event showed first by UTC closing time.

    Parameters
    ----------
    found : ibis Table
        Events with `key` (which one it is), `started_at` and `closed_at` (UTC, the region's close
        before the event, and in its first session), `scope`, `origin_sector` and
        `worst_listing_id`.
    abnormal_returns, instruments, sessions : ibis Table
        Columns of the core tables of these names.
    listing_z : float
        Abnormal z at or below which a listing is falling.

    Returns
    -------
    ibis Table
        The rows with `first_listing_id`, `first_region` and `first_fell_at` (UTC): of the equities
        of the origin sector, of any region (without one, all equities; of a single name, its firm's
        listings), that one which was falling at the earliest close after `started_at` and up to
        `closed_at`; of equals the lowest abnormal z. NULL without a calendar, or where none fell.
    """
    import ibis

    places = instruments.filter(instruments.asset_class == "equity").select(
        "listing_id", "exchange_mic", "sector", "issuer_id", place="region"
    )
    closes = sessions.select("exchange_mic", "session_date", "closes_at")
    asked = found.select(
        "key", "started_at", "closed_at", "scope", "origin_sector", "worst_listing_id"
    )
    firms = instruments.select(worst_listing_id="listing_id", worst_issuer="issuer_id")
    asked = looked_up(asked, firms, "worst_listing_id")
    near = asked.inner_join(
        closes, (closes.closes_at > asked.started_at, closes.closes_at <= asked.closed_at)
    )
    falling = abnormal_returns.filter(abnormal_returns.abnormal_z <= listing_z)
    falling = falling.select("listing_id", "session_date", "abnormal_z").inner_join(
        places, "listing_id"
    )
    rows = near.inner_join(falling, ("exchange_mic", "session_date"))
    is_firm = (rows.listing_id == rows.worst_listing_id) | (
        rows.issuer_id == rows.worst_issuer
    ).fill_null(False)  # noqa: FBT003 - Ibis takes the literal
    is_group = rows.origin_sector.isnull() | (rows.sector == rows.origin_sector)
    is_single = rows.scope == "single_name"
    rows = rows.filter((is_single & is_firm) | (~is_single & is_group))
    turn = ibis.row_number().over(
        group_by="key", order_by=("closes_at", "abnormal_z", "listing_id")
    )
    first = rows.mutate(turn=turn).filter(lambda t: t.turn == 0)
    first = first.select(
        "key",
        first_listing_id="listing_id",
        first_region="place",
        first_fell_at="closes_at",
    )
    return looked_up(found, first, "key")
