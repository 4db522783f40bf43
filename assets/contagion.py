"""Contagion: how a sell-off spread from sector to sector."""

from __future__ import annotations

from typing import Any

from assets._table import table_asset
from selloff import sector_contagion as sectors
from warehouse.tables.selloffs import SECTOR_CONTAGION


@table_asset(SECTOR_CONTAGION)
def sector_contagion(
    selloff_events: Any,
    selloff_metrics: Any,
    abnormal_returns: Any,
    instruments: Any,
    sessions: Any,
) -> Any:
    """Measure every sector in every event: depth, breadth, order, comovement with the origin."""
    return sectors.sector_contagion(
        selloff_events, selloff_metrics, abnormal_returns, instruments, sessions
    )


ASSETS = [sector_contagion]
