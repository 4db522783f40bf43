"""Share counts that delivered market values imply: value over price, where both are of one day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import by_listing, factors_after, product_after, stacked
from selloff.adjustments import missing_ratio
from selloff.history import rows_at
from selloff.sources import PRIORITY, newest_of_first

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import ibis.expr.types as ir

    from selloff.history import Days

_BAR = ("listing_id", "session_date")
# Of 2.5 million sessions of US listings the count is that of the session before within 1e-6 in all
# but 2.0%, within this in all but 1.3%: rounded values and prices lie between the two.
_SAME = 1e-4
_COLUMNS = (
    "listing_id",
    "ticker",
    "first_session_date",
    "last_session_date",
    "n_sessions",
    "market_value",
    "close",
    "shares_outstanding",
    "adjusted_shares",
    "source",
    "as_of",
)


def implied_shares(
    price_vintages: ir.Table,
    quarantined_bars: ir.Table,
    splits: ir.Table,
    priority: Sequence[str] = PRIORITY,
) -> ir.Table:
    """Return the runs of sessions over which market values imply the same share count.

    The count is ``market value / close``, both as traded in the same session. Splits that are known
    do not end a run. Sessions without a market value are passed over.

    Parameters
    ----------
    price_vintages, quarantined_bars, splits : ibis Table
        Columns of ``raw.price_vintages``, ``core.quarantined_bars`` and ``core.splits``.
    priority : sequence of str
        Whose bar is taken where several sources have a market value.

    Returns
    -------
    ibis Table
        Columns of ``core.implied_shares``, one row per listing and first session of a run:
        `market_value` and `close` (currency, as traded) and `shares_outstanding` (shares of that
        day, of the whole firm where the value is) of the first session; `adjusted_shares`, the
        count in the shares after every known split.

    Examples
    --------
    >>> import ibis
    >>> import pandas as pd
    >>> days = pd.to_datetime(["2024-06-06", "2024-06-07", "2024-06-10"])
    >>> bars = pd.DataFrame({"listing_id": "A", "ticker": "A", "session_date": days,
    ...     "close": [100.0, 99.0, 98.0], "market_value": [1000.0, 990.0, 1960.0],
    ...     "basis": "as_traded", "source": "files", "row_hash": "", "known_from": days})
    >>> none = pd.DataFrame({"listing_id": [""], "session_date": days[:1], "ex_date": days[:1],
    ...     "split_ratio": [2.0]})
    >>> runs = implied_shares(*(ibis.memtable(frame) for frame in (bars, none, none)))
    >>> runs.order_by("first_session_date").select("n_sessions", "shares_outstanding").execute()
       n_sessions  shares_outstanding
    0           2                10.0
    1           1                20.0
    """
    bars = _stated(price_vintages, quarantined_bars)
    return _runs(_counted(newest_of_first(bars, _BAR, priority), splits))


def late_implied_shares(
    price_vintages: ir.Table,
    quarantined_bars: ir.Table,
    splits: ir.Table,
    previous: ir.Table,
    days: Days,
    priority: Sequence[str] = PRIORITY,
) -> ir.Table:
    """Return the runs of `implied_shares` that reach into some days, from those held before.

    A run is carried on from its last session before the days, whose count is computed again; no
    other session before them is read, but where a run was held that reached into them and its
    sessions before must be counted.

    Parameters
    ----------
    price_vintages, quarantined_bars, splits : ibis Table
        As `implied_shares` takes them. Of the bars those before the days have not changed, of the
        splits none.
    previous : ibis Table
        What `implied_shares` said before.
    days : range of dates
        Has `start`, the first session of which anything may have changed.
    priority : sequence of str
        As `implied_shares` takes it.

    Returns
    -------
    ibis Table
        Columns of ``core.implied_shares``: every run with a session from the start on, and the last
        one before it of each listing with such a bar. Together with the runs of `previous` that
        ended before the start and are not among them, it is what `implied_shares` says.
    """
    recent = price_vintages.filter(price_vintages.session_date >= days.start)
    tails = _tails(price_vintages, quarantined_bars, previous, days.start)
    ends = tails.select("listing_id", session_date="last_session_date")
    behind = _stated(rows_at(price_vintages, ends, days.start), quarantined_bars)
    bars = stacked(_stated(recent, quarantined_bars), behind)
    runs = _runs(_counted(newest_of_first(bars, _BAR, priority), splits))
    # The session before the days begins a run here, since nothing is before it.
    lengths = runs.filter(runs.first_session_date < days.start).select(
        "listing_id", until_date="last_session_date", n_more=runs.n_sessions - 1
    )
    grown = tails.inner_join(lengths, "listing_id")
    grown = grown.mutate(
        last_session_date=grown.until_date, n_sessions=grown.n_sessions + grown.n_more
    )
    begun = runs.filter(runs.first_session_date >= days.start)
    return stacked(grown.select(*_COLUMNS), begun)


def _tails(
    price_vintages: ir.Table, quarantined_bars: ir.Table, previous: ir.Table, start: date
) -> ir.Table:
    """Return the last run before a day of each listing with a bar since, as it stood on the day."""
    # Versions are never deleted: a run that reached beyond the day has one there, if only one that
    # is kept out now.
    since = price_vintages.filter(
        price_vintages.session_date >= start, price_vintages.market_value.notnull()
    )
    begun = previous.filter(previous.first_session_date < start)
    begun = begun.semi_join(since, "listing_id")
    newest = begun.group_by("listing_id").aggregate(
        first_session_date=begun.first_session_date.max()
    )
    tails = begun.semi_join(newest, ("listing_id", "first_session_date"))
    reaching = tails.filter(tails.last_session_date >= start)
    before = price_vintages.filter(price_vintages.session_date < start)
    within = _stated(before, quarantined_bars).inner_join(
        reaching.select("listing_id", "first_session_date"), "listing_id"
    )
    within = within.filter(within.session_date >= within.first_session_date)
    counts = within.group_by("listing_id").aggregate(
        last_session_date=within.session_date.max(), n_sessions=within.session_date.nunique()
    )
    cut = reaching.drop("last_session_date", "n_sessions").inner_join(counts, "listing_id")
    return stacked(tails.filter(tails.last_session_date < start), cut)


def _stated(versions: ir.Table, quarantined_bars: ir.Table) -> ir.Table:
    """Return the versions of bars that have a market value and are not kept out."""
    stated = versions.filter(versions.market_value.notnull())
    return stated.anti_join(quarantined_bars, _BAR)


def _runs(counts: ir.Table) -> ir.Table:
    """Return the runs of counts that follow on one another unchanged."""
    import ibis

    before = counts.mutate(
        previous_count=counts.adjusted_shares.lag().over(by_listing()),
        previous_date=counts.session_date.lag().over(by_listing()),
        row=ibis.row_number().over(by_listing()),
    )
    change = (before.adjusted_shares / before.previous_count.nullif(0) - 1).abs()
    starts = before.filter(before.previous_count.isnull() | (change > _SAME))
    ends = counts.group_by("listing_id").aggregate(
        end_date=counts.session_date.max(), n_rows=counts.count()
    )
    runs = starts.inner_join(ends, "listing_id")
    last = runs.previous_date.lead().over(by_listing()).coalesce(runs.end_date)
    n_sessions = runs.row.lead().over(by_listing()).coalesce(runs.n_rows) - runs.row
    return runs.mutate(
        first_session_date=runs.session_date, last_session_date=last, n_sessions=n_sessions
    ).select(*_COLUMNS)


def _counted(bars: ir.Table, splits: ir.Table) -> ir.Table:
    """Add the counts as of the day and after every known split."""
    ratios = factors_after(splits, "split_ratio")
    rated = product_after(bars, ratios, lambda t: t.session_date, "later_ratio")
    rated = missing_ratio(rated, splits)
    # The price as delivered contains the later splits that it does not miss.
    close = rated.close * rated.later_ratio / rated.missing_ratio
    shares = rated.market_value / close.nullif(0)
    return rated.select(
        *_BAR,
        "ticker",
        "market_value",
        "source",
        close=close,
        shares_outstanding=shares,
        adjusted_shares=shares * rated.later_ratio,
        as_of=rated.known_from,
    )
