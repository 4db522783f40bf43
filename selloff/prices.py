"""The current bar of every listing and session: which version of it, and our judgements on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import alone_and_several, looked_up, newest, stacked
from selloff.adjustments import split_adjusted
from selloff.history import behind
from selloff.quality import Judgement, quality_flags
from selloff.sources import PRIORITY, reconciled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import ibis.expr.types as ir

# 250 returns for the robust sigma of a jump, the return before them, and a few to spare.
FLAG_HISTORY = 260
# Sessions up to which bars are judged beside what was kept: each is paired with a year before it.
FEW_SESSIONS = 20
_BAR = ("listing_id", "session_date")
_BESIDE = ("market_value", "exchange_mic")
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
    "split_ratio_after",
    "source",
    "quality_flags",
    "n_sources",
    "n_quarantined",
    "is_simulated",
    "as_of",
)


def daily_prices(
    price_vintages: ir.Table,
    quarantined_bars: ir.Table,
    splits: ir.Table,
    sessions: ir.Table,
    instruments: ir.Table,
    thresholds: Judgement | None = None,
    priority: Sequence[str] = PRIORITY,
) -> ir.Table:
    """Return the current bar of every listing and session that is not quarantined.

    Of every source the newest version, and of the sources the first in priority, brought to every
    split given, so that a split moves no return wherever the versions around it were fetched.

    Parameters
    ----------
    price_vintages, quarantined_bars, splits, sessions, instruments : ibis Table
        Columns of ``raw.price_vintages``, ``core.quarantined_bars``, ``core.splits``,
        ``core.sessions`` and ``core.instruments``. A flag looks back `Judgement.jump_rows` + 1
        rows of its listing: give that much history of the vintages before the first session
        wanted, everything of the others, and filter the result by `session_date`.
    thresholds : Judgement, optional
        When a bar is suspicious; the defaults of `Judgement` without it.
    priority : sequence of str
        Whose bar is taken where several sources have one.

    Returns
    -------
    ibis Table
        Columns of ``core.daily_prices``. Prices are in the listing's currency; `as_of` is the
        version's `known_from` (UTC). `n_sources` counts the sources whose close agrees within
        rounding, `n_quarantined` the quarantined bars since the row before, for a first row all
        before it. A flagged bar is kept.
    """
    bars = _current(price_vintages, quarantined_bars, splits, priority)
    counted = _gaps_counted(bars, bars, quarantined_bars)
    flags = quality_flags(counted, sessions, instruments, thresholds or Judgement())
    return flags.select(*_COLUMNS)


def late_daily_prices(
    price_vintages: ir.Table,
    quarantined_bars: ir.Table,
    splits: ir.Table,
    sessions: ir.Table,
    instruments: ir.Table,
    previous: ir.Table,
    start: date,
) -> ir.Table:
    """Return what `daily_prices` does of the days from a date on, given what was kept before it.

    A flag asks the rows before for two numbers: to choose and adjust their versions again, with
    all columns, took 40 CPU seconds of a day of 9,000 listings.

    Parameters
    ----------
    price_vintages : ibis Table
        The versions of the days wanted.
    quarantined_bars, splits, sessions, instruments : ibis Table
        As `daily_prices` takes them.
    previous : ibis Table
        Columns of ``core.daily_prices``, right up to the day before.
    start : date
        The first day wanted.
    """
    bars = _current(price_vintages, quarantined_bars, splits, PRIORITY)
    names = (*_BAR, "close", "volume")
    known = behind(previous.select(*names), price_vintages, start, FLAG_HISTORY)
    known = stacked(known, bars.select(*names))
    counted = _gaps_counted(bars, known, quarantined_bars)
    flags = quality_flags(counted, sessions, instruments, Judgement(), known)
    return flags.select(*_COLUMNS)


def _current(
    price_vintages: ir.Table,
    quarantined_bars: ir.Table,
    splits: ir.Table,
    priority: Sequence[str],
) -> ir.Table:
    """Return the version of each clean bar that counts, on the basis of every split given."""
    import ibis

    # In their order: Ibis drops two columns in any, and generated SQL must not change by itself.
    versions = price_vintages.select(*(n for n in price_vintages.columns if n not in _BESIDE))
    clean = versions.anti_join(quarantined_bars, _BAR)
    alone, several = alone_and_several(clean, _BAR)
    single = split_adjusted(alone, splits).mutate(n_sources=ibis.literal(1, "int64"))
    told = reconciled(split_adjusted(newest(several, *_BAR, "source"), splits), priority)
    n_sources = told.agrees.sum().over(group_by=_BAR)
    chosen = told.mutate(n_sources=n_sources).filter(lambda t: t.place == 0)
    bars = stacked(single, chosen)
    return bars.rename(as_of="known_from", split_ratio_after="later_ratio")


def _gaps_counted(bars: ir.Table, known: ir.Table, quarantined_bars: ir.Table) -> ir.Table:
    """Add `n_quarantined`: the quarantined bars between the row before, of those known, and it."""
    import ibis

    out = quarantined_bars.select(*_BAR).semi_join(known, "listing_id")
    beside = known.semi_join(out, "listing_id")
    both = beside.select(*_BAR, is_out=False).union(out.mutate(is_out=True))
    ordered = ibis.window(group_by="listing_id", order_by="session_date")
    upto = ibis.window(group_by="listing_id", order_by="session_date", following=0)
    total = both.mutate(total=both.is_out.sum().over(upto)).filter(lambda t: ~t.is_out)
    counts = total.mutate(
        n_quarantined=total.total - total.total.lag().over(ordered).coalesce(0)
    ).select(*_BAR, "n_quarantined")
    counted = looked_up(bars, counts, _BAR)
    return counted.mutate(n_quarantined=counted.n_quarantined.coalesce(0))
