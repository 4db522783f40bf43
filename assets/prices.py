"""Prices: as delivered, and as kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets._table import spec, table_asset
from resources.batch import Answer, Batch, Days
from resources.configuration import exchange_problems, price_problems, refuse
from selloff import adjustments, prices
from selloff import proposed_splits as unapplied
from selloff import quarantine as kept_out
from selloff import restatements as history
from selloff.history import n_sessions, since, with_whole
from warehouse.tables.actions import (
    CORPORATE_ACTIONS,
    DIVIDENDS,
    PROPOSED_SPLITS,
    RESTATEMENTS,
    SPLITS,
)
from warehouse.tables.prices import DAILY_PRICES, FETCHES, PRICE_VINTAGES
from warehouse.tables.quarantine import QUARANTINE, QUARANTINE_DECISIONS, QUARANTINED_BARS

if TYPE_CHECKING:
    from resources.calendars import Calendars
    from resources.prices import Prices
    from resources.reference import Reference
    from resources.warehouse import Warehouse


class FetchConfig(dg.Config):
    """What a run asks its provider for."""

    exchanges: list[str] = []  # noqa: RUF012 - pydantic copies defaults
    """MICs to fetch; empty for all. A run after Tokyo's close need not ask for New York."""


@table_asset(PRICE_VINTAGES, daily=True, config=FetchConfig, beside=(CORPORATE_ACTIONS,))
def price_vintages(
    price_provider: Prices,
    reference: Reference,
    calendars: Calendars,
    warehouse: Warehouse,
    days: Days,
    config: FetchConfig,
) -> Batch:
    """Fetch the bars of the days, and what vendors may have restated, if any exchange was open."""
    wanted = set(config.exchanges)
    known = reference.listings()
    refuse([*price_problems(price_provider, known), *exchange_problems(wanted, known)])
    listings = [listing for listing in known if not wanted or listing.exchange_mic in wanted]
    mics = {listing.exchange_mic for listing in listings if listing.exchange_mic}
    if not calendars.sessions(mics, days).num_rows:
        return _closed(days)
    batch = price_provider.fetch(listings, days, warehouse.held())
    kept = batch.of(listings) if wanted else batch
    rejects = [*kept.rejects, *reference.rejects()]
    return replace(kept, kind=price_provider.kind, rejects=rejects)


@table_asset(SPLITS)
def splits(corporate_actions: Any) -> Any:
    """Keep the newest version of every split, from the first source in priority."""
    return adjustments.splits(corporate_actions)


@table_asset(DIVIDENDS)
def dividends(corporate_actions: Any, splits: Any) -> Any:
    """Keep the newest version of every distribution, as paid."""
    return adjustments.dividends(corporate_actions, splits)


@table_asset(RESTATEMENTS)
def restatements(
    price_vintages: Any, splits: Any, previous: Any, days: Days | None, rebased: list[str]
) -> Any:
    """Say what every load did to bars already known."""
    tables = (price_vintages, splits)
    if days is None:
        return history.restatements(*tables)
    late = history.late_restatements(*tables, previous, days)
    return with_whole(late, history.restatements, tables, rebased)


@table_asset(QUARANTINED_BARS)
def quarantined_bars(
    price_vintages: Any,
    splits: Any,
    restatements: Any,
    quarantine: Any,
    quarantine_decisions: Any,
) -> Any:
    """Keep out of core what sources disagree on, what changed unexplained, what is broken."""
    return kept_out.quarantined_bars(
        price_vintages, splits, restatements, quarantine, quarantine_decisions
    )


@table_asset(PROPOSED_SPLITS)
def proposed_splits(
    price_vintages: Any,
    quarantined_bars: Any,
    splits: Any,
    implied_shares: Any,
    previous: Any,
    days: Days | None,
    rebased: list[str],
) -> Any:
    """Find the splits that prices were not adjusted for, and propose them."""
    tables = (price_vintages, quarantined_bars, splits, implied_shares)
    if days is None:
        return unapplied.proposed_splits(*tables)
    late = unapplied.late_proposed_splits(*tables, previous, days)
    return with_whole(late, unapplied.proposed_splits, tables, rebased)


@table_asset(DAILY_PRICES)
def daily_prices(
    price_vintages: Any,
    quarantined_bars: Any,
    splits: Any,
    proposed_splits: Any,
    sessions: Any,
    instruments: Any,
    previous: Any,
    days: Days,
) -> Any:
    """Keep the newest vintage of every bar, with our judgements on it."""

    def known(bars: Any) -> Any:
        # No judgement on a bar looks ahead: of a slice in the middle what comes later is not read.
        return bars.filter(bars.session_date <= days.end)

    others = (quarantined_bars, splits, sessions, instruments)
    if n_sessions(price_vintages, days) > prices.FEW_SESSIONS:
        bars = prices.daily_prices(since(price_vintages, days, prices.FLAG_HISTORY, known), *others)
    else:
        wanted = known(price_vintages.filter(price_vintages.session_date >= days.start))
        bars = prices.late_daily_prices(wanted, *others, previous, days.start)
    return unapplied.with_unapplied_splits(bars, proposed_splits)


def _closed(days: Days) -> Batch:
    """Return the empty batch of dates on which nothing traded."""
    import pyarrow as pa

    reason = f"every exchange was closed from {days.start} to {days.end}"
    answer = Answer("all listings", "no_data", reason, 0, datetime.now(UTC).replace(tzinfo=None))
    nothing = pa.table(
        {"source_file": pa.array([], pa.string()), "source_row": pa.array([], pa.int64())}
    )
    return Batch(rows=nothing, answers=[answer])


BOOKS = [spec(table, []) for table in (FETCHES, QUARANTINE, QUARANTINE_DECISIONS)]
"""What is written on the way, and by hand: no step of a run fills them."""

ASSETS = [
    price_vintages,
    splits,
    dividends,
    restatements,
    quarantined_bars,
    proposed_splits,
    daily_prices,
    *BOOKS,
]
