"""Returns: of each region's market, and of every listing against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assets._table import table_asset
from resources.engine.groups import is_spread
from selloff import markets, returns, session_returns
from selloff.history import since
from selloff.returns import MarketModel
from warehouse.tables.returns import ABNORMAL_RETURNS, MARKET_RETURNS

if TYPE_CHECKING:
    from resources.batch import Days
    from resources.settings import Settings

MODEL = MarketModel()


@table_asset(MARKET_RETURNS)
def market_returns(
    daily_prices: Any,
    instruments: Any,
    sessions: Any,
    shares_outstanding: Any,
    settings: Settings,
) -> Any:
    """Follow each region's market, with yesterday's volatility and today's z."""
    levels = markets.market_levels(
        daily_prices,
        instruments,
        sessions,
        shares_outstanding,
        settings.markets,
        settings.default_region,
    )
    return markets.market_returns(levels.to_pandas())


@table_asset(ABNORMAL_RETURNS)
def abnormal_returns(
    daily_prices: Any, market_returns: Any, instruments: Any, days: Days, settings: Settings
) -> Any:
    """Hold every listing's return against its market model."""
    if is_spread(daily_prices):
        recent = since(daily_prices, days, MODEL.first + 1)
        known = (market_returns, instruments, MODEL, settings.default_region)
        return returns.abnormal_returns(recent, *known)
    return session_returns.abnormal_returns(
        daily_prices, market_returns, instruments, MODEL, settings.default_region, days.start
    )


ASSETS = [market_returns, abnormal_returns]
