"""Splits that prices were not adjusted for and nobody told: found, proposed, never applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selloff._ibis import by_listing, looked_up, stacked
from selloff.adjustments import missing_ratio
from selloff.sources import PRIORITY, newest_of_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir

FLAG = "unapplied_split"
_BAR = ("listing_id", "session_date")
_PLACE = ("listing_id", "ex_date")
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
# A fall to two thirds at least, 4% more or less; a consolidation of two into one at least.
_SMALLEST_FALL, _SMALLEST_RISE = 1.43, 1.7
_TURNOVER_ROWS, _SIZE_ROWS, _LEAST_ROWS = 20, 250, 20
_LASTING = 3


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
    import ibis

    chosen = evidence or SplitEvidence()
    bars = _bars(price_vintages.anti_join(quarantined_bars, _BAR), splits, priority)
    moves = _moves(bars).filter(lambda t: t.usual_turnover >= chosen.least_turnover)
    by_shares = _with_steps(moves, _steps(implied_shares), chosen)
    alone = moves.anti_join(by_shares, _PLACE)
    found = stacked(by_shares, _by_turnover(alone, chosen))
    return _unexplained(found, splits).mutate(action=ibis.literal("split")).select(*_COLUMNS)


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
    rows = looked_up(daily_prices, known, _BAR)
    words = rows.quality_flags.concat(f" {FLAG}").strip()
    return rows.mutate(
        quality_flags=rows.told_at.isnull().ifelse(rows.quality_flags, words),
        as_of=ibis.greatest(rows.as_of, rows.told_at.coalesce(rows.as_of)),
    ).drop("told_at")


def has_unapplied_split(bars: ir.Table) -> ir.BooleanColumn:
    """Whether no return leads to a bar, since prices are on another basis from it on."""
    return bars.quality_flags.contains(FLAG)


def _bars(versions: ir.Table, splits: ir.Table, priority: Sequence[str]) -> ir.Table:
    """Return close and turnover of the newest version of every bar, first source first."""
    versions = versions.select(
        *_BAR, "ticker", "close", "volume", "basis", "source", "known_from", "row_hash"
    )
    rated = missing_ratio(newest_of_first(versions, _BAR, priority), splits)
    return rated.select(
        *_BAR,
        "ticker",
        "known_from",
        close=rated.close / rated.missing_ratio,
        turnover=(rated.close * rated.volume).nullif(0),
    )


def _moves(bars: ir.Table) -> ir.Table:
    """Return the moves that may be splits, with what was usual before them."""
    import ibis

    ratio = bars.close / bars.close.lag().over(by_listing()).nullif(0)
    moved = bars.mutate(
        row=ibis.row_number().over(by_listing()),
        price_ratio=ratio.nullif(0),  # to nothing is no split
    )
    moved = moved.mutate(size=moved.price_ratio.ln())
    is_large = (moved.price_ratio <= 1 / _SMALLEST_FALL) | (moved.price_ratio >= _SMALLEST_RISE)
    large = looked_up(moved.filter(is_large), _usual(moved, is_large), ("listing_id", "row"))
    return large.mutate(
        ex_date=large.session_date,
        is_fall=large.price_ratio < 1,
        multiple=ibis.greatest(large.price_ratio, large.price_ratio.pow(-1)),
        turnover_ratio=large.turnover / large.usual_turnover,
    )


def _usual(moved: ir.Table, is_large: ir.BooleanValue) -> ir.Table:
    """Return what was usual in the rows before each large move.

    Three bars in a thousand move so far: windows over all of them took three quarters of the time.
    """
    asked = moved.filter(is_large).select("listing_id", "row")
    behind = moved.select("listing_id", "turnover", "size", past_row="row")
    pairs = asked.inner_join(
        behind,
        (
            asked.listing_id == behind.listing_id,
            behind.past_row < asked.row,
            behind.past_row >= asked.row - _SIZE_ROWS,
        ),
    )
    is_near = pairs.past_row >= pairs.row - _TURNOVER_ROWS
    return pairs.group_by("listing_id", "row").aggregate(
        # The mean of logarithms, since one busy day would lift any other mean of twenty.
        usual_turnover=pairs.turnover.ln().mean(where=is_near).exp(),
        usual_size=(pairs.size * pairs.size).mean().sqrt(),
        n_rows=pairs.size.count(),
    )


def _steps(implied_shares: ir.Table) -> ir.Table:
    """Return the steps of the implied counts that lasted, or may last still.

    A wrong market value makes two steps within a session or two, there and back: the first is
    nearer to what was before than to what comes after, and does not count.
    """
    import ibis

    runs = ibis.window(group_by="listing_id", order_by="first_session_date")
    log = implied_shares.adjusted_shares.ln()
    steps = implied_shares.mutate(
        step=log - log.lag().over(runs), next_step=log.lead().over(runs) - log
    )
    lasts = (
        steps.next_step.isnull()
        | (steps.n_sessions >= _LASTING)
        | (steps.next_step.abs() * 2 < steps.step.abs())
    )
    return steps.filter(steps.step.notnull(), lasts).select(
        "listing_id",
        shares_changed_on="first_session_date",
        share_ratio=steps.step.exp(),
        seen_at="as_of",
    )


def _with_steps(moves: ir.Table, steps: ir.Table, evidence: SplitEvidence) -> ir.Table:
    """Return the moves that a step of the share count answers, each step with its best move."""
    import ibis

    pairs = moves.inner_join(steps, "listing_id")
    pairs = pairs.mutate(
        share_multiple=ibis.greatest(pairs.share_ratio, pairs.share_ratio.pow(-1)),
        distance=(pairs.shares_changed_on.delta(pairs.ex_date, unit="day")).abs(),
    )
    near = pairs.filter(pairs.is_fall == (pairs.share_ratio > 1), pairs.distance <= evidence.days)
    near = near.mutate(ratio=_simple(near.multiple, near.share_multiple, evidence.tolerance))
    fits = near.is_fall.ifelse(_is_split(near, evidence), _is_consolidation(near, evidence))
    fitting = near.filter(fits)
    miss = (fitting.multiple / fitting.share_multiple).ln().abs()
    order = (miss, fitting.distance, fitting.ex_date)
    fitting = fitting.mutate(
        place=ibis.row_number().over(group_by=("listing_id", "shares_changed_on"), order_by=order)
    ).filter(lambda t: t.place == 0)
    again = ibis.row_number().over(group_by=_PLACE, order_by=("distance", "shares_changed_on"))
    best = fitting.mutate(again=again).filter(lambda t: t.again == 0)
    return _told(best, "shares", ibis.greatest(best.known_from, best.seen_at))


def _simple(multiple: Any, share_multiple: Any, room: float) -> Any:
    """Return the ratio that price and share count mean: 3/2, 5/2 or a whole number.

    A count within 1% of a whole number is that number, if the price agrees; else the middle of the
    two, which both moved on their own, is rounded.
    """
    import ibis

    whole = share_multiple.round().cast("float64")
    is_whole = (
        ((share_multiple - whole).abs() <= whole * 0.01)
        & (whole >= 2)  # noqa: PLR2004 - 2:1
        & ((multiple / whole).ln().abs() <= room)
    )
    middle = (multiple * share_multiple).sqrt()
    halves = (middle * 2).round().cast("float64") / 2
    return ibis.cases(
        (is_whole, whole),
        (halves.isin((1.5, 2.5)), halves),
        else_=middle.round().cast("float64"),
    )


def _is_split(pairs: ir.Table, evidence: SplitEvidence) -> ir.BooleanColumn:
    """Whether a fall and a rise of the share count are one split."""
    import ibis

    log = pairs.ratio.ln()
    room = ibis.least(evidence.tolerance, log * 0.15)
    room = pairs.ratio.isin((1.5, 2.5)).ifelse(0.04, room)
    by_price = (pairs.multiple.ln() - log).abs()
    by_shares = (pairs.share_multiple.ln() - log).abs()
    most = evidence.fall_turnover * ibis.greatest(1.0, pairs.ratio / 5)
    return (
        (pairs.ratio >= 1.5)  # noqa: PLR2004 - 3:2
        & (by_price <= room)
        & (by_shares <= room)
        & (pairs.turnover_ratio <= most)
    )


def _is_consolidation(pairs: ir.Table, evidence: SplitEvidence) -> ir.BooleanColumn:
    """Whether a rise and a fall of the share count are one consolidation."""
    miss = (pairs.multiple / pairs.share_multiple).ln().abs()
    most = evidence.rise_turnover * pairs.ratio * pairs.ratio
    return (
        (pairs.ratio >= 2)  # noqa: PLR2004 - 1:2
        & (miss <= evidence.rise_tolerance)
        & (pairs.turnover_ratio <= most)
    )


def _by_turnover(moves: ir.Table, evidence: SplitEvidence) -> ir.Table:
    """Return the moves without a step of the share count that are no trading either."""
    import ibis

    ratio = _simple(moves.multiple, moves.multiple, evidence.tolerance)
    sized = moves.mutate(ratio=ratio, sizes=moves.size.abs() / moves.usual_size.nullif(0))
    is_exact = (sized.multiple / sized.ratio - 1).abs() <= evidence.exact
    fall = (
        is_exact
        & sized.ratio.between(2.5, 10)
        & (sized.n_rows >= _SIZE_ROWS)
        & (sized.sizes >= evidence.calm)
        & (sized.turnover_ratio <= 2)  # noqa: PLR2004 - twice the usual
        & (sized.usual_turnover >= evidence.least_turnover * 100)
    )
    rise = (
        (sized.ratio >= 5)  # noqa: PLR2004 - fivefold
        & (sized.n_rows >= _LEAST_ROWS)
        & (sized.sizes >= evidence.calm / 4)
        & (sized.turnover_ratio <= 5)  # noqa: PLR2004 - five times the usual
    )
    found = sized.filter(sized.is_fall.ifelse(fall, rise)).mutate(
        share_ratio=ibis.null("float64"), shares_changed_on=ibis.null("date")
    )
    return _told(found, "turnover", found.known_from)


def _told(found: ir.Table, evidence: str, as_of: Any) -> ir.Table:
    """Return what a proposal says of itself."""
    import ibis

    return found.select(
        *_PLACE,
        "ticker",
        "price_ratio",
        "share_ratio",
        "shares_changed_on",
        "turnover_ratio",
        split_ratio=found.is_fall.ifelse(found.ratio, found.ratio.pow(-1)),
        evidence=ibis.literal(evidence),
        as_of=as_of,
    )


def _unexplained(found: ir.Table, splits: ir.Table) -> ir.Table:
    """Leave out what a known split explains: the prices are then wrong in another way."""
    import ibis

    known = splits.select("listing_id", known_date="ex_date", known_ratio="split_ratio")
    pairs = found.inner_join(known, "listing_id")
    near = pairs.known_date.between(
        pairs.ex_date - ibis.interval(days=7), pairs.ex_date + ibis.interval(days=7)
    )
    same = (pairs.known_ratio / pairs.split_ratio).ln().abs() <= 0.1  # noqa: PLR2004 - one ratio
    return found.anti_join(pairs.filter(near & same), _PLACE)
