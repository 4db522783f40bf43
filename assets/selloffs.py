"""Sell-offs: the events found in the data, and what each listing lost in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assets._table import table_asset
from resources.engine.groups import is_spread
from resources.engine.shared import frame_of
from selloff import events, groups, losses, session_groups
from selloff import market_days as market
from selloff.history import since, until
from warehouse.tables.detection import DECLARED_EVENTS, GROUP_RETURNS, MARKET_DAYS
from warehouse.tables.selloffs import SELLOFF_EVENTS, SELLOFF_METRICS

if TYPE_CHECKING:
    from resources.batch import Days
    from resources.reference import Reference
    from resources.settings import Settings


@table_asset(GROUP_RETURNS, daily=False)
def group_returns(
    abnormal_returns: Any,
    market_returns: Any,
    daily_prices: Any,
    instruments: Any,
    shares_outstanding: Any,
    fx_rates: Any,
    previous: Any,
    days: Days | None,
    settings: Settings,
) -> Any:
    """Measure every market, sector and industry in every session, each against its own past."""
    moves, bars = since(abnormal_returns, days, 0), since(daily_prices, days, 1)
    tables = moves, bars, instruments, shares_outstanding, fx_rates
    if is_spread(moves):
        panel = groups.valued_members(*tables)
        sums = frame_of(groups.group_days(panel, market_returns, settings.listing_z))
    else:
        sums = session_groups.group_sums(*tables, market_returns, settings.listing_z)
    return groups.group_returns(sums, past=until(previous, days))


@table_asset(MARKET_DAYS)
def market_days(market_returns: Any, group_returns: Any, settings: Settings) -> Any:
    """Put together what detection asks of a session, and its answer."""
    return market.market_days(
        market_returns.to_pandas(), group_returns.to_pandas(), settings.detection()
    )


@table_asset(DECLARED_EVENTS)
def declared_events(reference: Reference) -> Any:
    """Read the events that the user declares."""
    return reference.declared_events()


@table_asset(SELLOFF_EVENTS)
def selloff_events(
    market_days: Any,
    group_returns: Any,
    abnormal_returns: Any,
    daily_prices: Any,
    instruments: Any,
    sessions: Any,
    declared_events: Any,
    previous: Any,
    settings: Settings,
) -> Any:
    """Find the sell-offs, beside those declared; one that a restatement takes away is withdrawn."""
    return events.selloff_events(
        market_days,
        group_returns,
        abnormal_returns,
        daily_prices,
        instruments,
        sessions,
        declared_events,
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
    previous: Any,
    days: Days | None,
) -> Any:
    """Measure every listing in every event: fall, loss, recovery."""
    markets = selloff_events, daily_prices, abnormal_returns, instruments, sessions
    tables = *markets, shares_outstanding, fx_rates
    if is_spread(daily_prices):
        return losses.selloff_metrics(*tables)
    if days is None:
        return losses.by_sessions(*tables)
    return losses.late_by_sessions(tables, previous, days)


ASSETS = [group_returns, market_days, declared_events, selloff_events, selloff_metrics]
