"""Prices as received (vintages), as kept (daily prices), and what was refused on the way."""

from __future__ import annotations

from warehouse import columns as c
from warehouse.contract import Column, Order, Table

_BAR = (c.OPEN, c.HIGH, c.LOW, c.CLOSE, c.ADJ_CLOSE, c.VOLUME, c.CURRENCY)
_BAR_ORDERS = tuple(
    Order(lesser, greater, tolerance=1e-6)
    for lesser, greater in (
        ("low", "high"),
        ("low", "open"),
        ("open", "high"),
        ("low", "close"),
        ("close", "high"),
    )
)
_PROVISIONAL = Column(
    "is_provisional",
    "BOOLEAN",
    "True where the bar was fetched before the session had settled.",
    default="false",
)

PRICE_VINTAGES = Table(
    layer="raw",
    name="price_vintages",
    doc=(
        "One row per listing, session, source and version: every bar as delivered, append-only. "
        "A fetch that delivers what is already known adds nothing."
    ),
    columns=(
        c.LISTING_ID,
        c.TICKER,
        c.SESSION_DATE,
        *_BAR,
        c.SOURCE,
        _PROVISIONAL,
        c.IS_SIMULATED,
        c.ROW_HASH,
        c.LOAD_ID,
        Column("known_from", "TIMESTAMP", "When this version was fetched.", unit="UTC"),
    ),
    grain=("listing_id", "session_date", "source", "row_hash", "known_from"),
    orders=_BAR_ORDERS,
    versions_of=("listing_id", "session_date", "source"),
)

DAILY_PRICES = Table(
    layer="core",
    name="daily_prices",
    doc="One row per listing and session: the newest vintage of its bar, and our judgements on it.",
    columns=(
        c.LISTING_ID,
        c.TICKER,
        c.SESSION_DATE,
        *_BAR,
        c.SOURCE,
        Column(
            "quality_flags",
            "VARCHAR",
            "Judgements on the bar, sorted words separated by spaces (stale, jump, no_volume, "
            "off_calendar, provisional); empty where there are none. A flagged bar is kept.",
        ),
        c.IS_SIMULATED,
        c.AS_OF,
    ),
    grain=("listing_id", "session_date"),
    orders=_BAR_ORDERS,
    partition="session_date",
)

FETCHES = Table(
    layer="raw",
    name="fetches",
    doc="One row per load and thing asked for: what the provider answered.",
    columns=(
        c.LOAD_ID,
        Column("asset", "VARCHAR", "The table that the load fills."),
        Column("requested", "VARCHAR", "The ticker, file or address that was asked for."),
        Column(
            "outcome",
            "VARCHAR",
            "What came of it.",
            one_of=("delivered", "no_data", "failed"),
        ),
        Column("reason", "VARCHAR", "Why no data came, or how it failed.", nullable=True),
        Column("n_rows", "BIGINT", "Rows delivered, before the contract.", unit="rows", minimum=0),
        Column("fetched_at", "TIMESTAMP", "When the answer came.", unit="UTC"),
    ),
    grain=("load_id", "asset", "requested"),
)

QUARANTINE = Table(
    layer="raw",
    name="quarantine",
    doc="One row per refused input row: nothing that was delivered is lost silently.",
    columns=(
        Column("quarantine_id", "VARCHAR", "SHA-256 of file, row, payload and reason."),
        Column("table_name", "VARCHAR", "The table that the row was meant for."),
        Column("source_file", "VARCHAR", "File or address the row came from.", nullable=True),
        Column(
            "source_row",
            "BIGINT",
            "Line of a text file (the header is 1), else row from 1.",
            nullable=True,
        ),
        Column("reason", "VARCHAR", "Every cause of refusal, separated by '; '."),
        Column("payload", "VARCHAR", "The row as delivered, JSON."),
        c.LOAD_ID,
        Column("quarantined_at", "TIMESTAMP", "When it was first refused.", unit="UTC"),
    ),
    grain=("quarantine_id",),
    versions_of=("quarantine_id",),
)
