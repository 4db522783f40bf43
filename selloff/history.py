"""How much of a panel a late slice needs: the rows before it that its windows look back on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    import ibis.expr.types as ir


def since(panel: ir.Table, start: date, rows: int) -> ir.Table:
    """Return a panel from a session on, with each listing's last sessions before it.

    Rows, not days, since a listing that was halted for a year looks back a year further.

    Parameters
    ----------
    panel : ibis Table
        With `listing_id` and `session_date`; several rows per listing and session are kept
        together (versions of a bar).
    start : datetime.date
        First session of the slice.
    rows : int
        Sessions before it to keep, per listing.

    Returns
    -------
    ibis Table
        The columns of `panel`; everything where `start` lies before the first session.
    """
    import ibis

    before = panel.filter(lambda t: t.session_date < start)
    age = ibis.dense_rank().over(group_by="listing_id", order_by=ibis.desc("session_date"))
    kept = before.mutate(age=age).filter(lambda t: t.age < rows).drop("age")
    return panel.filter(lambda t: t.session_date >= start).union(kept)
