"""What turns a price into market value: share counts as filed, exchange rates as quoted."""

from __future__ import annotations

from warehouse import columns as c
from warehouse.contract import Column, Table

_RATE_CURRENCY = Column(
    "currency", "VARCHAR", "Currency that the rate prices, ISO 4217 (GBp: a hundredth of GBP)."
)

RAW_SHARES_OUTSTANDING = Table(
    layer="raw",
    name="shares_outstanding",
    doc=(
        "One row per listing, share class, date, source and version: every share count as "
        "delivered, append-only."
    ),
    columns=(
        c.LISTING_ID,
        c.TICKER,
        Column(
            "share_class",
            "VARCHAR",
            "Class as the filing names it; 'all' for a count of the whole firm.",
            default="'all'",
        ),
        Column("measured_on", "DATE", "Date for which the count was stated."),
        Column(
            "filed_on",
            "DATE",
            "Date on which it was filed; NULL where the source does not say.",
            nullable=True,
        ),
        c.SHARES_OUTSTANDING.but(nullable=False, doc="Shares outstanding of that class."),
        c.SOURCE,
        c.ROW_HASH,
        c.LOAD_ID,
        c.KNOWN_FROM,
    ),
    grain=(
        "listing_id",
        "share_class",
        "measured_on",
        "filed_on",
        "source",
        "row_hash",
        "known_from",
    ),
    versions_of=("listing_id", "share_class", "measured_on", "filed_on", "source"),
)

SHARE_CLASSES = Table(
    layer="core",
    name="share_classes",
    doc="One row per listing and class of its firm, where the line is not simply its one class.",
    columns=(
        c.LISTING_ID,
        Column("share_class", "VARCHAR", "Class as filings name it."),
        Column(
            "units_per_share",
            "DOUBLE",
            "Units of the listing's line that one share of the class stands for (TSM: 0.2).",
            unit="units per share",
            above=0,
        ),
    ),
    grain=("listing_id", "share_class"),
)

_FIRST = Column("first_session_date", "DATE", "First session with that count.")
_LAST = Column("last_session_date", "DATE", "Last session with that count.")
_VALUE = c.MARKET_VALUE.but(nullable=False, doc="Market value of the first session, as delivered.")
_IMPLIED = c.SHARES_OUTSTANDING.but(
    nullable=False, doc="Market value over close, in shares of the first session."
)

IMPLIED_SHARES = Table(
    layer="core",
    name="implied_shares",
    doc=(
        "One row per listing and run of sessions over which delivered market values imply the same "
        "share count."
    ),
    columns=(
        c.LISTING_ID,
        c.TICKER,
        _FIRST,
        _LAST,
        Column("n_sessions", "BIGINT", "Sessions that said so.", unit="sessions", minimum=1),
        _VALUE,
        c.CLOSE.but(doc="Close of the first session, as traded."),
        _IMPLIED,
        c.SHARES_OUTSTANDING.but(
            name="adjusted_shares", nullable=False, doc="The count after every split known."
        ),
        c.SOURCE,
        c.AS_OF,
    ),
    is_row_wise=True,
    grain=("listing_id", "first_session_date"),
    effective_from="last_session_date",
    seen_through="last_session_date",
)

QUARANTINED_MARKET_VALUES = Table(
    layer="core",
    name="quarantined_market_values",
    doc=(
        "One row per listing and run of sessions whose delivered market value gives no share count."
    ),
    columns=(
        c.LISTING_ID,
        c.TICKER,
        _FIRST.but(doc="First session that is left out."),
        _LAST.but(doc="Last day for which that value stands."),
        _VALUE,
        _IMPLIED,
        c.SHARES_OUTSTANDING.but(
            name="usual_shares",
            nullable=False,
            doc="The lasting count before, else after, in the same shares.",
        ),
        Column(
            "count_ratio", "DOUBLE", "The implied count over the usual one.", unit="ratio", above=0
        ),
        Column(
            "reason",
            "VARCHAR",
            "returned: the count went back within 22 days (a wrong value, or one that knew of a "
            "split early or late); unconfirmed: the newest count, off by half or more, which fewer "
            "than three sessions have said, or a first one that the lasting one denies.",
            one_of=("returned", "unconfirmed"),
        ),
        c.SOURCE,
        c.AS_OF,
    ),
    grain=("listing_id", "first_session_date"),
)

RAW_FX_RATES = Table(
    layer="raw",
    name="fx_rates",
    doc="One row per currency, day, source and version: every rate as delivered, append-only.",
    columns=(
        _RATE_CURRENCY,
        c.RATE_DATE,
        c.USD_PER_CURRENCY,
        c.SOURCE,
        c.ROW_HASH,
        c.LOAD_ID,
        c.KNOWN_FROM,
    ),
    grain=("currency", "rate_date", "source", "row_hash", "known_from"),
    versions_of=("currency", "rate_date", "source"),
)

FX_RATES = Table(
    layer="core",
    name="fx_rates",
    doc="One row per currency and day: its price in USD.",
    columns=(
        _RATE_CURRENCY,
        c.RATE_DATE,
        c.USD_PER_CURRENCY,
        c.SOURCE.but(doc="Where the rate comes from: a pair of the prices, or a rate source."),
        c.AS_OF,
    ),
    grain=("currency", "rate_date"),
    effective_from="rate_date",
)
