"""Drawdowns: every fall below a high, and how much every listing moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assets._table import table_asset
from resources.engine.groups import in_groups, is_spread
from selloff import drawdowns
from selloff import risk_measures as risk
from warehouse.tables.drawdowns import DRAWDOWN_EPISODES, RISK_MEASURES

if TYPE_CHECKING:
    from resources.batch import Days


@table_asset(RISK_MEASURES)
def risk_measures(daily_prices: Any, abnormal_returns: Any, days: Days) -> Any:
    """Measure how volatile each listing is, and how unusual each of its moves."""
    if is_spread(daily_prices):
        rows = risk.bars(daily_prices, abnormal_returns, days.start)
        return in_groups(rows, "listing_id", risk.of_bars, RISK_MEASURES, days.start)
    return risk.risk_measures(daily_prices, abnormal_returns, days.start)


@table_asset(DRAWDOWN_EPISODES)
def drawdown_episodes(
    daily_prices: Any,
    instruments: Any,
    shares_outstanding: Any,
    fx_rates: Any,
    previous: Any,
    days: Days | None,
) -> Any:
    """Find every fall of every listing below its highest close, and what was lost in it."""
    tables = (daily_prices, instruments, shares_outstanding, fx_rates)
    if days is None:
        return drawdowns.drawdown_episodes(*tables)
    return drawdowns.late_drawdown_episodes(*tables, previous, days)


ASSETS = [risk_measures, drawdown_episodes]
