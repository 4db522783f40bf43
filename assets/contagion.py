"""Contagion: how a sell-off spread from sector to sector, and from listing to listing."""

from __future__ import annotations

from typing import Any

from assets._table import table_asset
from selloff import contagion_paths as paths
from selloff import sector_contagion as sectors
from warehouse.tables.spread import CONTAGION_PATHS, SECTOR_CONTAGION


@table_asset(SECTOR_CONTAGION)
def sector_contagion(
    selloff_events: Any,
    selloff_metrics: Any,
    abnormal_returns: Any,
    instruments: Any,
    sessions: Any,
) -> Any:
    """Say who was the source and who was hit, how hard, when first, and how they moved together."""
    return sectors.sector_contagion(
        selloff_events, selloff_metrics, abnormal_returns, instruments, sessions
    )


@table_asset(CONTAGION_PATHS)
def contagion_paths(
    selloff_events: Any,
    daily_prices: Any,
    abnormal_returns: Any,
    instruments: Any,
    sessions: Any,
    shares_outstanding: Any,
    fx_rates: Any,
) -> Any:
    """Follow every event from listing to listing, in the order of their closes in UTC."""
    return paths.contagion_paths(
        selloff_events,
        daily_prices,
        abnormal_returns,
        instruments,
        sessions,
        shares_outstanding,
        fx_rates,
    )


ASSETS = [sector_contagion, contagion_paths]
