"""The current bar of every listing and session: the newest vintage, with our judgements on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff.quality import Judgement, quality_flags

if TYPE_CHECKING:
    import ibis.expr.types as ir

_COLUMNS = (
    "listing_id",
    "ticker",
    "session_date",
    "open",
    "high",
    "low",
    "close",
    "adj_close",
    "volume",
    "currency",
    "source",
    "quality_flags",
    "is_simulated",
    "as_of",
)


def newest_vintages(price_vintages: ir.Table) -> ir.Table:
    """Return the newest version of every bar.

    Parameters
    ----------
    price_vintages : ibis Table
        Columns of ``raw.price_vintages``; any number of versions per listing and session.

    Returns
    -------
    ibis Table
        The same columns, one row per listing and session: the largest `known_from`, then the
        first `source`, then the first `row_hash`, so that the choice never depends on row order.
    """
    import ibis

    age = ibis.row_number().over(
        group_by=("listing_id", "session_date"),
        order_by=(price_vintages.known_from.desc(), "source", "row_hash"),
    )
    return price_vintages.mutate(age=age).filter(lambda t: t.age == 0).drop("age")


def daily_prices(
    price_vintages: ir.Table,
    sessions: ir.Table,
    instruments: ir.Table,
    thresholds: Judgement | None = None,
) -> ir.Table:
    """Return the current bar of every listing and session, with `quality_flags`.

    Parameters
    ----------
    price_vintages, sessions, instruments : ibis Table
        Columns of ``raw.price_vintages``, ``core.sessions`` and ``core.instruments``. A flag looks
        back `Judgement.jump_rows` + 1 rows of its listing: give that much history before the
        first session wanted, and filter the result by `session_date`.
    thresholds : Judgement, optional
        When a bar is suspicious; the defaults of `Judgement` without it.

    Returns
    -------
    ibis Table
        Columns of ``core.daily_prices``. Prices are in the listing's currency, as delivered;
        `as_of` is the version's `known_from` (UTC). Every bar is kept, flagged or not.
    """
    bars = newest_vintages(price_vintages).rename(as_of="known_from")
    flags = quality_flags(bars, sessions, instruments, thresholds or Judgement())
    return flags.select(*_COLUMNS)
