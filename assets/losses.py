"""What sell-offs cost: every loss with its rank, the sums of each event, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assets._table import table_asset
from selloff import car_paths as paths
from selloff import records, totals
from selloff.history import around, begun
from selloff.paths import PathWindow
from warehouse.tables.losses import CAR_PATHS, LOSS_TOTALS, MARKET_VALUE_LOSSES

if TYPE_CHECKING:
    from resources.batch import Days

WINDOW = PathWindow()


@table_asset(MARKET_VALUE_LOSSES, daily=False)
def market_value_losses(
    daily_prices: Any,
    abnormal_returns: Any,
    instruments: Any,
    shares_outstanding: Any,
    fx_rates: Any,
    previous: Any,
    days: Days | None,
) -> Any:
    """Rank every loss of market value in its listing's, its region's and the whole history."""
    known = instruments, shares_outstanding, fx_rates
    return records.market_value_losses(daily_prices, abnormal_returns, *known, previous, days)


@table_asset(LOSS_TOTALS)
def loss_totals(selloff_events: Any, selloff_metrics: Any, instruments: Any) -> Any:
    """Sum what every event cost, each firm once."""
    return totals.loss_totals(selloff_events, selloff_metrics, instruments)


@table_asset(CAR_PATHS, reach=WINDOW.after)
def car_paths(
    selloff_events: Any,
    selloff_metrics: Any,
    abnormal_returns: Any,
    instruments: Any,
    days: Days | None,
) -> Any:
    """Follow the cumulative abnormal return around every event, with its bands."""
    events, moves = begun(selloff_events, days), around(abnormal_returns, days)
    return paths.car_paths(events, selloff_metrics, moves, instruments, window=WINDOW)


ASSETS = [market_value_losses, loss_totals, car_paths]
