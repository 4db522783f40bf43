"""Prices as received (vintages) and as kept (daily prices), and what was asked for them."""

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
        c.MARKET_VALUE,
        c.EXCHANGE_MIC.but(
            nullable=True,
            doc="Exchange that the delivery names, ISO 10383; NULL where it names none.",
        ),
        c.BASIS,
        c.SOURCE,
        _PROVISIONAL,
        c.IS_SIMULATED,
        c.ROW_HASH,
        c.LOAD_ID,
        c.KNOWN_FROM,
    ),
    grain=("listing_id", "session_date", "source", "row_hash", "known_from"),
    orders=_BAR_ORDERS,
    versions_of=("listing_id", "session_date", "source"),
)

DAILY_PRICES = Table(
    layer="core",
    name="daily_prices",
    doc=(
        "One row per listing and session: the newest vintage of its bar from the first source in "
        "priority, adjusted for every split known, and our judgements on it."
    ),
    columns=(
        c.LISTING_ID,
        c.TICKER,
        c.SESSION_DATE,
        *_BAR,
        c.SPLIT_RATIO_AFTER,
        c.SOURCE,
        Column(
            "quality_flags",
            "VARCHAR",
            "Judgements on the bar, sorted words separated by spaces (stale, jump, no_volume, "
            "off_calendar, provisional, unapplied_split: no return leads to the bar, see "
            "core.proposed_splits); empty where there are none. A flagged bar is kept.",
        ),
        Column(
            "n_sources",
            "BIGINT",
            "Sources whose closes agree with this one within rounding, itself included.",
            unit="sources",
            minimum=1,
        ),
        c.N_QUARANTINED.but(
            doc="Bars of the listing that are quarantined, between the row before and this one."
        ),
        c.IS_SIMULATED,
        c.AS_OF,
    ),
    in_todays_shares=True,
    grain=("listing_id", "session_date"),
    orders=_BAR_ORDERS,
    partition="session_date",
)

FETCHES = Table(
    layer="raw",
    name="fetches",
    doc="One row per load, source and thing asked for: what the provider answered.",
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
        Column(
            "cause",
            "VARCHAR",
            "Why no data came, in one word: rate_limited, outage, truncated, timeout (asked again, "
            "in vain), unknown_ticker, wrong_symbol, malformed (permanent), no_data ...",
            nullable=True,
        ),
        Column("reason", "VARCHAR", "The cause in one line.", nullable=True),
        Column("n_rows", "BIGINT", "Rows delivered, before the contract.", unit="rows", minimum=0),
        Column("n_tries", "BIGINT", "How often it was asked.", minimum=0, default="1"),
        Column("request", "VARCHAR", "What was sent, without cookies or keys.", nullable=True),
        Column("client", "VARCHAR", "Library and version that asked.", nullable=True),
        Column(
            "payload_sha256",
            "VARCHAR",
            "The answer as it came, kept under this name in `payloads/` beside the warehouse.",
            nullable=True,
        ),
        c.SOURCE.but(default="'unknown'"),
        Column("fetched_at", "TIMESTAMP", "When the answer came.", unit="UTC"),
    ),
    grain=("load_id", "asset", "source", "requested"),
)
