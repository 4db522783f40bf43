"""The sums of every group in every session, about a year of a large market at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import fetched
from selloff._spans import spans
from selloff.groups import group_days, valued_members

if TYPE_CHECKING:
    from datetime import date

    import ibis.expr.types as ir
    import pandas as pd

# Rows summed at once. A session's sums rest on that session and the closes before it alone. Of five
# million rows with their closes an engine held to 2 GB spills 1.4 GB; to put the expression into
# words again takes 2 s of processor time, as half a million rows do.
ROWS_AT_ONCE = 2_500_000


def group_sums(
    abnormal_returns: ir.Table,
    daily_prices: ir.Table,
    instruments: ir.Table,
    shares_outstanding: ir.Table,
    fx_rates: ir.Table,
    market_returns: ir.Table,
    listing_z: float = -2.0,
) -> pd.DataFrame:
    """Return what `selloff.groups.group_days` does of all of a panel, some sessions at a time.

    Parameters
    ----------
    abnormal_returns, daily_prices, instruments, shares_outstanding, fx_rates, market_returns
        Columns of the core tables of these names; the bars at least as far back as the closes
        before the returns.
    listing_z : float
        Abnormal z at or below which a listing is falling.

    Returns
    -------
    DataFrame
        As `group_days`, in order of sessions by the part; of each session the same as if all had
        been asked at once.
    """
    import pandas as pd

    others = instruments, shares_outstanding, fx_rates
    parts = []
    runs = spans(abnormal_returns, ROWS_AT_ONCE)
    for run in runs if len(runs) > 1 else [None]:
        moves, bars = _of(abnormal_returns, daily_prices, run)
        panel = valued_members(moves, bars, *others)
        parts.append(fetched(group_days(panel, market_returns, listing_z)))
    return pd.concat(parts, ignore_index=True)


def _of(
    moves: ir.Table, bars: ir.Table, run: tuple[date, date] | None
) -> tuple[ir.Table, ir.Table]:
    """Return the returns of some sessions, and the bars from their closes before on."""
    if run is None:
        return moves, bars
    first, last = run
    moves = moves.filter(moves.session_date.between(first, last))
    before = moves.previous_session_date.min().to_pyarrow().as_py() or first
    return moves, bars.filter(bars.session_date.between(before, last))
