"""What turns a price into market value: share counts and exchange rates, as received and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assets._table import table_asset
from resources.shares import share_classes as classes
from selloff import fx, market_values, shares
from selloff import implied_shares as runs
from selloff.history import with_whole
from warehouse.tables.instruments import SHARES_OUTSTANDING
from warehouse.tables.valuation import (
    FX_RATES,
    IMPLIED_SHARES,
    QUARANTINED_MARKET_VALUES,
    RAW_FX_RATES,
    RAW_SHARES_OUTSTANDING,
    SHARE_CLASSES,
)

if TYPE_CHECKING:
    from resources.batch import Batch, Days
    from resources.reference import Reference
    from resources.valuation import Valuation
    from resources.warehouse import Warehouse


@table_asset(RAW_SHARES_OUTSTANDING, daily=True)
def raw_shares_outstanding(
    valuation_source: Valuation, reference: Reference, warehouse: Warehouse, days: Days
) -> Batch:
    """Read the repository's share counts, ask for those not known, and in turn for all others."""
    known = warehouse.listings_in(RAW_SHARES_OUTSTANDING)
    return valuation_source.share_counts(reference, days, known)


@table_asset(SHARE_CLASSES)
def share_classes() -> Any:
    """Read which classes and receipts a listing's line stands for."""
    return classes()


@table_asset(RAW_FX_RATES, daily=True)
def raw_fx_rates(valuation_source: Valuation, days: Days) -> Batch:
    """Ask for the official exchange rates of the days."""
    return valuation_source.fx_rates(days)


@table_asset(IMPLIED_SHARES)
def implied_shares(
    price_vintages: Any,
    quarantined_bars: Any,
    splits: Any,
    previous: Any,
    days: Days | None,
    rebased: list[str],
) -> Any:
    """Divide delivered market values by their prices."""
    tables = (price_vintages, quarantined_bars, splits)
    if days is None:
        return runs.implied_shares(*tables)
    late = runs.late_implied_shares(*tables, previous, days)
    return with_whole(late, runs.implied_shares, tables, rebased)


@table_asset(QUARANTINED_MARKET_VALUES)
def quarantined_market_values(implied_shares: Any, splits: Any, proposed_splits: Any) -> Any:
    """Name the market values that imply a count which nothing else confirms."""
    return market_values.quarantined_market_values(implied_shares, splits, proposed_splits)


@table_asset(SHARES_OUTSTANDING)
def shares_outstanding(
    raw_shares_outstanding: Any,
    share_classes: Any,
    splits: Any,
    implied_shares: Any,
    proposed_splits: Any,
) -> Any:
    """Keep the counts as they became known; where none was stated, what market values imply."""
    stated = shares.shares_outstanding(raw_shares_outstanding, share_classes, splits)
    implied = market_values.implied_counts(implied_shares, splits, proposed_splits)
    return market_values.with_implied_counts(stated, implied)


@table_asset(FX_RATES)
def fx_rates(raw_fx_rates: Any, daily_prices: Any, instruments: Any) -> Any:
    """Keep the pairs among the prices, else the official rates."""
    return fx.fx_rates(raw_fx_rates, daily_prices, instruments)


ASSETS = [
    raw_shares_outstanding,
    raw_fx_rates,
    share_classes,
    implied_shares,
    quarantined_market_values,
    shares_outstanding,
    fx_rates,
]
