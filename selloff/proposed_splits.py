"""Splits that prices were not adjusted for and nobody told: found, proposed, never applied."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from selloff._ibis import fetched, looked_up, stacked
from selloff._split_moves import (
    BAR,
    LASTING,
    PLACE,
    SIZE_ROWS,
    SMALLEST_RISE,
    bars_of,
    lasting,
    moved,
    steps_of,
    with_usual,
)
from selloff._split_proofs import by_turnover, may_be, unexplained, with_steps
from selloff.history import from_day
from selloff.sources import PRIORITY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import ibis.expr.types as ir

    from selloff.history import Days

FLAG = "unapplied_split"
_COLUMNS = (
    "listing_id",
    "ticker",
    "ex_date",
    "action",
    "split_ratio",
    "price_ratio",
    "share_ratio",
    "shares_changed_on",
    "turnover_ratio",
    "evidence",
    "as_of",
)


@dataclass(frozen=True, slots=True)
class SplitEvidence:
    """What makes a move of the price a split that was not applied.

    The defaults were set on the whole US market of 2023-07 to 2025-02, 3.0 million bars. Of its
    8,534 falls by 30% or more, the share count of 46 went by the inverse of a simple ratio on
    usual turnover (0.4 to 2.2 of it; one of 20:1 on 5.3), and each is a split; five more went by
    such a ratio on 10 to 120 times the usual turnover, and each is a crash with new shares sold.

    Parameters
    ----------
    days : int
        Calendar days by which the share count may go before or after the price. Vendors knew of
        splits up to six sessions early and fourteen late.
    tolerance : float
        Log points by which price and shares may each miss the ratio; at most 0.15 of the ratio's
        own logarithm (2:1: 0.104), and 0.04 for 3:2 and 5:2, which other ratios come close to.
    fall_turnover : float
        Value traded, in usual ones, beyond which a fall is a crash; more for large ratios (x
        ratio / 5): nothing falls to an eighteenth on nine times its usual turnover.
    rise_tolerance, rise_turnover : float
        The same of consolidations: firms that consolidate sell shares, and are traded on the day
        (up to 72 usual turnovers): price and shares must match each other, and the turnover may be
        `rise_turnover` x ratio squared.
    least_turnover : float
        Usual value traded in a session (currency) below which turnover says nothing: warrants
        traded for a few dollars halve every week.
    exact : float
        Relative difference to the ratio where the price alone speaks, its count being unknown or
        unchanged.
    calm : float
        There, the move in root mean squares of a full year (rises: of twenty rows and a quarter of
        this).
    """

    days: int = 22
    tolerance: float = 0.12
    fall_turnover: float = 3.0
    rise_tolerance: float = 0.35
    rise_turnover: float = 1.25
    least_turnover: float = 5_000.0
    exact: float = 0.02
    calm: float = 30.0


def proposed_splits(
    price_vintages: ir.Table,
    quarantined_bars: ir.Table,
    splits: ir.Table,
    implied_shares: ir.Table,
    evidence: SplitEvidence | None = None,
    priority: Sequence[str] = PRIORITY,
) -> ir.Table:
    """Return the splits that prices and market values speak of and no action explains.

    A halved price is what we exist to measure, so a price alone is never enough. With ``shares``
    the share count that market values imply went by the inverse ratio, in one step that lasted, on
    a turnover that no crash has. With ``turnover`` no count moved, but a price that had been calm
    for a year fell to two fifths or less by a simple ratio of at most 10 on at most twice the usual
    turnover, or rose fivefold on at most five times of it: depositary receipts whose ratio changed,
    funds, counts that vendors never mend.

    Evidence may come up to `SplitEvidence.days` after the session: a proposal is known from `as_of`
    on, and until then the move stands as the prices say it. Nothing else that a later session says
    enters.

    Parameters
    ----------
    price_vintages, quarantined_bars, splits, implied_shares : ibis Table
        Columns of ``raw.price_vintages`` and of the core tables of these names.
    evidence : SplitEvidence, optional
        The thresholds; the defaults of `SplitEvidence` without it.
    priority : sequence of str
        Whose bar is taken where several sources have one.

    Returns
    -------
    ibis Table
        Columns of ``core.proposed_splits``, one row per listing and `ex_date`, the first session
        in new shares. `split_ratio` is in new shares per old one, as in a line of
        ``corporate_actions.csv``; `price_ratio` the close over the one before, `share_ratio` the
        implied count over the one before (NULL where none moved), `turnover_ratio` the value traded
        in usual ones.
    """
    chosen = evidence or SplitEvidence()
    rows = moved(bars_of(price_vintages.anti_join(quarantined_bars, BAR), splits, priority))
    moves = with_usual(rows.filter(rows.is_large), rows)
    return _proposed(moves, steps_of(implied_shares), splits, chosen)


def late_proposed_splits(
    price_vintages: ir.Table,
    quarantined_bars: ir.Table,
    splits: ir.Table,
    implied_shares: ir.Table,
    previous: ir.Table,
    days: Days,
    evidence: SplitEvidence | None = None,
) -> ir.Table:
    """Return what `proposed_splits` does, from what it said before some days.

    A move is judged anew where what is new may reach it: a step of the count looks for its move
    among those of `SplitEvidence.days` around it, and a new move there may take it from another,
    twice so many days before. Of a listing whose last count before the days had not lasted yet,
    however long it was halted, all is made anew.

    Parameters
    ----------
    price_vintages, quarantined_bars, splits, implied_shares : ibis Table
        As `proposed_splits` takes them. Neither bars nor counts before the days have changed, of
        the splits none.
    previous : ibis Table
        What `proposed_splits` said before.
    days : range of dates
        Has `start`, the first session of which anything may have changed.
    evidence : SplitEvidence, optional
        As `proposed_splits` takes it.

    Returns
    -------
    ibis Table
        Columns of ``core.proposed_splits``, all rows of it: what was said of earlier moves too.
    """
    chosen = evidence or SplitEvidence()
    first = days.start - timedelta(days=2 * chosen.days)
    since = first - timedelta(days=2 * chosen.days)
    steps = steps_of(implied_shares)
    bars = (price_vintages, quarantined_bars, splits)
    # Known before what is read for them, so that an engine reads their bars alone.
    undecided = _names(_undecided(price_vintages, steps, days.start, chosen))
    asked = _names(_may_be(*bars, steps, since, chosen))
    rows = _rows_since(*bars, since, set(asked) - set(undecided), undecided)
    moves = with_usual(rows.filter(rows.is_large), rows)
    found = _proposed(moves, steps, splits, chosen)
    anew = found.filter((found.ex_date >= first) | found.listing_id.isin(undecided))
    earlier = previous.filter(previous.ex_date < first, ~previous.listing_id.isin(undecided))
    return stacked(earlier.select(*_COLUMNS), anew)


def _names(listings: ir.Table) -> list[str]:
    names: list[str] = fetched(listings)["listing_id"].tolist()
    return sorted(names)


def _undecided(
    price_vintages: ir.Table, steps: ir.Table, start: date, evidence: SplitEvidence
) -> ir.Table:
    """Return the listings with bars from a day on of which an old step may have lasted or not.

    That of the last run before the day, if fewer than three of its sessions are before it.
    """
    import ibis

    # Of a consolidation price and shares may differ most (`_is_consolidation`).
    least = max(math.log(SMALLEST_RISE) - evidence.rise_tolerance, 0.0)
    late = price_vintages.filter(price_vintages.session_date >= start)
    old = steps.filter(
        steps.first_session_date < start - timedelta(days=evidence.days),
        steps.next_date.isnull() | (steps.next_date >= start),
        steps.step.abs() >= least,
    )
    # Of its sessions at most one a day is not before the day.
    n_since = ibis.greatest(old.last_session_date.delta(ibis.date(start), unit="day") + 1, 0)
    short = old.filter(old.n_sessions - n_since < LASTING)
    return short.semi_join(late, "listing_id").select("listing_id").distinct()


def _may_be(
    price_vintages: ir.Table,
    quarantined_bars: ir.Table,
    splits: ir.Table,
    steps: ir.Table,
    since: date,
    evidence: SplitEvidence,
) -> ir.Table:
    """Return the listings with a move since a date that may be a split, by price and counts."""
    recent = from_day(price_vintages, since, 1, lambda t: t.anti_join(quarantined_bars, BAR))
    rows = moved(bars_of(recent, splits))
    moves = rows.filter(rows.is_large, rows.session_date >= since)
    return may_be(moves, lasting(steps), evidence)


def _rows_since(
    price_vintages: ir.Table,
    quarantined_bars: ir.Table,
    splits: ir.Table,
    since: date,
    names: Iterable[str],
    undecided: Iterable[str],
) -> ir.Table:
    """Return bars of some listings since a date and the year before, and all bars of others."""

    def of(listings: Iterable[str]) -> Callable[[ir.Table], ir.Table]:
        known = sorted(listings)
        return lambda t: t.filter(t.listing_id.isin(known)).anti_join(quarantined_bars, BAR)

    # Each of the 250 moves before one is from the close before it.
    recent = from_day(price_vintages, since, SIZE_ROWS + 1, of(names))
    return moved(bars_of(stacked(recent, of(undecided)(price_vintages)), splits))


def _proposed(
    moves: ir.Table, steps: ir.Table, splits: ir.Table, evidence: SplitEvidence
) -> ir.Table:
    """Return the moves that are splits nobody told."""
    import ibis

    judged = moves.filter(moves.usual_turnover >= evidence.least_turnover)
    by_shares = with_steps(judged, lasting(steps), evidence)
    alone = judged.anti_join(by_shares, PLACE)
    found = stacked(by_shares, by_turnover(alone, evidence))
    return unexplained(found, splits).mutate(action=ibis.literal("split")).select(*_COLUMNS)


def with_unapplied_splits(daily_prices: ir.Table, proposed_splits: ir.Table) -> ir.Table:
    """Add the flag ``unapplied_split`` to the bars from which prices are on another basis.

    Parameters
    ----------
    daily_prices, proposed_splits : ibis Table
        Columns of the core tables of these names.

    Returns
    -------
    ibis Table
        The bars; `as_of` of a flagged one is not before the evidence.

    Examples
    --------
    >>> import ibis
    >>> import pandas as pd
    >>> days = pd.to_datetime(["2024-06-07", "2024-06-10"])
    >>> bars = pd.DataFrame({"listing_id": "A", "session_date": days, "quality_flags": ["", "jump"],
    ...     "as_of": days})
    >>> split = pd.DataFrame({"listing_id": "A", "ex_date": days[1:], "as_of": days[1:]})
    >>> flagged = with_unapplied_splits(ibis.memtable(bars), ibis.memtable(split))
    >>> flagged.order_by("session_date").quality_flags.execute().tolist()
    ['', 'jump unapplied_split']
    """
    import ibis

    known = proposed_splits.select("listing_id", session_date="ex_date", told_at="as_of")
    rows = looked_up(daily_prices, known, BAR)
    words = rows.quality_flags.concat(f" {FLAG}").strip()
    return rows.mutate(
        quality_flags=rows.told_at.isnull().ifelse(rows.quality_flags, words),
        as_of=ibis.greatest(rows.as_of, rows.told_at.coalesce(rows.as_of)),
    ).drop("told_at")


def has_unapplied_split(bars: ir.Table) -> ir.BooleanColumn:
    """Whether no return leads to a bar, since prices are on another basis from it on."""
    return bars.quality_flags.contains(FLAG)
