"""Reference data: instruments, their names and symbols, exchange sessions."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from assets._table import table_asset
from resources.batch import Days
from resources.prices.exchanges import completed, of_one_firm
from selloff import identity
from selloff.issuers import issuers
from warehouse.tables.instruments import (
    DELISTINGS,
    INSTRUMENT_ALIASES,
    INSTRUMENTS,
    LISTING_SYMBOLS,
    SESSIONS,
)

if TYPE_CHECKING:
    from resources.calendars import Calendars
    from resources.clock import Clock
    from resources.reference import Reference


@table_asset(INSTRUMENTS)
def instruments(reference: Reference, price_vintages: Any, implied_shares: Any) -> Any:
    """Classify every listing; one that only the prices know has what its exchange says of it."""
    delivered = price_vintages.group_by("listing_id").agg(
        ticker=price_vintages.ticker.max(),
        currency=price_vintages.currency.max(),
        exchange_mic=price_vintages.exchange_mic.argmax(price_vintages.session_date),
        turnover=(price_vintages.close * price_vintages.volume).mean(),
    )
    speakers = issuers(implied_shares, delivered.select("listing_id", "turnover")).to_pyarrow()
    known = completed(reference.instruments(), delivered.drop("turnover").to_pyarrow())
    return of_one_firm(known, dict(zip(*speakers.to_pydict().values(), strict=True)))


@table_asset(LISTING_SYMBOLS)
def listing_symbols(reference: Reference) -> Any:
    """Read the dated symbols under which listings were traded."""
    return reference.symbols()


@table_asset(DELISTINGS)
def delistings(fetches: Any, price_vintages: Any, sessions: Any, instruments: Any) -> Any:
    """Say which listings have ceased to trade, on the evidence of more than one source."""
    return identity.delistings(fetches, price_vintages, sessions, instruments)


@table_asset(INSTRUMENT_ALIASES)
def instrument_aliases(reference: Reference, instruments: Any) -> Any:
    """Read the dated names of listings; those without any get the short form of their own."""
    import pyarrow as pa

    from selloff.aliases import aliases_from_names

    own = reference.aliases()
    firms = instruments.filter(instruments.asset_class == "equity").to_pyarrow()
    derived = aliases_from_names(firms, own)
    return pa.concat_tables([own, derived.select(own.column_names).cast(own.schema)])


@table_asset(SESSIONS)
def sessions(calendars: Calendars, clock: Clock, instruments: Any, price_vintages: Any) -> Any:
    """List every exchange's sessions, from the year before the first bar to this year's end."""
    first = price_vintages.session_date.min().to_pyarrow().as_py()
    last = price_vintages.session_date.max().to_pyarrow().as_py()
    today = clock.now().date()
    mics = instruments.exchange_mic.to_pyarrow().drop_null().to_pylist()
    span = Days(date((first or today).year - 1, 1, 1), date(max(last or today, today).year, 12, 31))
    return calendars.sessions(mics, span)


ASSETS = [
    instruments,
    listing_symbols,
    delistings,
    instrument_aliases,
    sessions,
]
