"""Prices: as delivered, and as kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets._table import table_asset
from resources.batch import Answer, Batch, Days
from selloff import prices
from selloff.history import since
from warehouse.tables.prices import DAILY_PRICES, PRICE_VINTAGES

if TYPE_CHECKING:
    from resources.calendars import Calendars
    from resources.prices import Prices
    from resources.reference import Reference

# 250 returns for the robust sigma of a jump, the return before them, and a few to spare.
FLAG_HISTORY = 260


class FetchConfig(dg.Config):
    """What a run asks its provider for."""

    exchanges: list[str] = []  # noqa: RUF012 - pydantic copies defaults
    """MICs to fetch; empty for all. A run after Tokyo's close need not ask for New York."""


@table_asset(PRICE_VINTAGES, daily=True, config=FetchConfig)
def price_vintages(
    price_provider: Prices,
    reference: Reference,
    calendars: Calendars,
    days: Days,
    config: FetchConfig,
) -> Batch:
    """Fetch the bars of the days from the configured provider, if any exchange was open."""
    wanted = set(config.exchanges)
    listings = [
        listing for listing in reference.listings() if not wanted or listing.exchange_mic in wanted
    ]
    mics = {listing.exchange_mic for listing in listings if listing.exchange_mic}
    if not calendars.sessions(mics, days).num_rows:
        return _closed(days)
    batch = price_provider.fetch(listings, days)
    kept = batch.of(listings) if wanted else batch
    rejects = [*kept.rejects, *reference.rejects()]
    return replace(kept, kind=price_provider.kind, rejects=rejects)


@table_asset(DAILY_PRICES)
def daily_prices(price_vintages: Any, sessions: Any, instruments: Any, days: Days) -> Any:
    """Keep the newest vintage of every bar, with our judgements on it."""
    recent = since(price_vintages, days.start, FLAG_HISTORY)
    return prices.daily_prices(recent, sessions, instruments)


def _closed(days: Days) -> Batch:
    """Return the empty batch of dates on which nothing traded."""
    import pyarrow as pa

    reason = f"every exchange was closed from {days.start} to {days.end}"
    answer = Answer("all listings", "no_data", reason, 0, datetime.now(UTC).replace(tzinfo=None))
    nothing = pa.table(
        {"source_file": pa.array([], pa.string()), "source_row": pa.array([], pa.int64())}
    )
    return Batch(rows=nothing, answers=[answer])


ASSETS = [price_vintages, daily_prices]
