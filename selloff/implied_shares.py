"""Share counts that delivered market values imply: value over price, where both are of one day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import by_listing, factors_after, product_after
from selloff.adjustments import missing_ratio
from selloff.sources import PRIORITY, newest_of_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir

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
    import ibis

    stated = price_vintages.filter(price_vintages.market_value.notnull())
    counts = _counted(
        newest_of_first(stated.anti_join(quarantined_bars, _BAR), _BAR, priority), splits
    )
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
