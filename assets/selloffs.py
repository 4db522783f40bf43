"""Sell-offs: the events found in the data, and what each listing lost in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assets._table import table_asset
from selloff import events, losses
from warehouse.tables.selloffs import SELLOFF_EVENTS, SELLOFF_METRICS

if TYPE_CHECKING:
    from resources.settings import Settings


@table_asset(SELLOFF_EVENTS)
def selloff_events(
    abnormal_returns: Any,
    market_returns: Any,
    daily_prices: Any,
    instruments: Any,
    sessions: Any,
    shares_outstanding: Any,
    fx_rates: Any,
    previous: Any,
    settings: Settings,
) -> Any:
    """Find the sell-offs; one that a restatement takes away stays, withdrawn."""
    return events.selloff_events(
        abnormal_returns,
        market_returns,
        daily_prices,
        instruments,
        sessions,
        shares_outstanding,
        fx_rates,
        previous.to_pandas(),
        settings.detection(),
    )


@table_asset(SELLOFF_METRICS)
def selloff_metrics(
    selloff_events: Any,
    daily_prices: Any,
    abnormal_returns: Any,
    instruments: Any,
    sessions: Any,
    shares_outstanding: Any,
    fx_rates: Any,
) -> Any:
    """Measure every listing in every event: fall, loss, recovery."""
    return losses.selloff_metrics(
        selloff_events,
        daily_prices,
        abnormal_returns,
        instruments,
        sessions,
        shares_outstanding,
        fx_rates,
    )


ASSETS = [selloff_events, selloff_metrics]
