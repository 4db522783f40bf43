"""How the members of each sector moved on average, session by session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff.members import members

if TYPE_CHECKING:
    import ibis.expr.types as ir


def sector_panel(abnormal_returns: ir.Table, instruments: ir.Table) -> ir.Table:
    """Return the members of each region's market whose sector is known.

    Parameters
    ----------
    abnormal_returns, instruments : ibis Table
        Columns of the core tables of these names; the returns of any sessions.

    Returns
    -------
    ibis Table
        As `selloff.members.members` gives them.
    """
    return members(abnormal_returns, instruments).filter(lambda t: t.sector.notnull())


def sector_days(abnormal_returns: ir.Table, instruments: ir.Table) -> ir.Table:
    """Return the mean moves of each sector's members in each session.

    Parameters
    ----------
    abnormal_returns, instruments : ibis Table
        As for `sector_panel`.

    Returns
    -------
    ibis Table
        `region`, `sector`, `session_date`; `mean_return` and `mean_abnormal_return` (log points),
        `mean_z`, each over the members that have one, NULL where none has; `as_of`, the newest
        vintage of the members with a return.
    """
    panel = sector_panel(abnormal_returns, instruments)
    return panel.group_by("region", "sector", "session_date").aggregate(
        mean_return=panel.log_return.mean(),
        mean_abnormal_return=panel.abnormal_return.mean(),
        mean_z=panel.abnormal_z.mean(),
        as_of=panel.as_of.max(where=panel.log_return.notnull()),
    )
