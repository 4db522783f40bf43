"""Reference data: what is listed where, under which names, when it trades, how many shares."""

from __future__ import annotations

from warehouse import columns as c
from warehouse.contract import Column, Order, Table

_VALID = (
    Column("valid_from", "DATE", "First date of use; NULL when always.", nullable=True),
    Column("valid_to", "DATE", "Last date of use; NULL while it lasts.", nullable=True),
)

INSTRUMENTS = Table(
    layer="core",
    name="instruments",
    doc="One row per listing: what it is and where it trades.",
    columns=(
        c.LISTING_ID,
        c.TICKER,
        Column("name", "VARCHAR", "Name of the issuer or fund.", nullable=True),
        Column("aliases", "VARCHAR", "Other names in texts, separated by '; '.", nullable=True),
        Column(
            "asset_class",
            "VARCHAR",
            "What kind of thing is listed.",
            one_of=("equity", "etf", "index", "fx"),
        ),
        c.EXCHANGE_MIC.but(nullable=True),
        c.CURRENCY,
        c.SECTOR,
        c.INDUSTRY,
        c.REGION,
        Column(
            "sector_proxy",
            "VARCHAR",
            "Ticker of the fund that stands for the sector.",
            nullable=True,
        ),
        Column(
            "constituent_from",
            "DATE",
            "First date in the index behind the region's market (US: S&P 500), over whose "
            "constituents breadth and sectors are counted; NULL where it is none.",
            nullable=True,
        ),
        Column(
            "issuer_id",
            "VARCHAR",
            "The firm, the same for all its share classes and depositary receipts; NULL where the "
            "listing is the only one of its firm.",
            nullable=True,
        ),
        Column(
            "is_primary",
            "BOOLEAN",
            "True for the listing that carries its firm's market value where it is present.",
            default="true",
        ),
        Column(
            "registered_from",
            "VARCHAR",
            "Where the row comes from.",
            one_of=("repository", "instruments.csv", "prices"),
        ),
    ),
    effective_with_bars=True,
    outcomes=("name", "aliases"),
    grain=("listing_id",),
)

LISTING_SYMBOLS = Table(
    layer="core",
    name="listing_symbols",
    doc=(
        "One row per listing and symbol it was traded under, with the dates: at any date a symbol "
        "belongs to one listing. Listings outside core.instruments stand here for symbols that "
        "were theirs before."
    ),
    columns=(
        c.LISTING_ID,
        Column("symbol", "VARCHAR", "Symbol on the exchange, as its vendor writes it."),
        *_VALID,
    ),
    grain=("listing_id", "symbol", "valid_from"),
    orders=(Order("valid_from", "valid_to"),),
)

DELISTINGS = Table(
    layer="core",
    name="delistings",
    doc=(
        "One row per listing that has ceased to trade, as far as the evidence goes today: never on "
        "the word of one source, and gone again once a bar comes."
    ),
    columns=(
        c.LISTING_ID,
        c.TICKER,
        Column(
            "delisted_on", "DATE", "First session after its last bar in which its exchange traded."
        ),
        Column(
            "evidence",
            "VARCHAR",
            "sources: two sources or more know it no longer; sessions: many sessions without a "
            "bar while its exchange traded.",
            one_of=("sources", "sessions"),
        ),
        Column(
            "n_sources",
            "BIGINT",
            "Sources whose newest answer since then is that there is no such ticker, or no bar.",
            unit="sources",
            minimum=0,
        ),
        Column(
            "n_sessions",
            "BIGINT",
            "Sessions since then in which half of its exchange's other listings had a bar.",
            unit="sessions",
            minimum=1,
        ),
        c.AS_OF,
    ),
    grain=("listing_id",),
)

INSTRUMENT_ALIASES = Table(
    layer="core",
    name="instrument_aliases",
    doc="One row per name that a text may use for a listing, with the dates it was in use.",
    columns=(
        c.LISTING_ID,
        c.TICKER,
        Column("alias", "VARCHAR", "The name, matched with case and at word boundaries."),
        Column(
            "alias_kind",
            "VARCHAR",
            "What the name is: the firm's or index's own, a product's, or a person's.",
            one_of=("company", "product", "person"),
        ),
        Column(
            "needs_cue",
            "BOOLEAN",
            "True for names that are also words (Arm, Meta): a cue must stand beside them.",
        ),
        *_VALID,
    ),
    grain=("listing_id", "alias"),
    orders=(Order("valid_from", "valid_to"),),
)

SHARES_OUTSTANDING = Table(
    layer="core",
    name="shares_outstanding",
    doc="One row per listing and date at which its share count became known.",
    columns=(
        c.LISTING_ID,
        c.TICKER,
        Column("known_on", "DATE", "Date from which the count was known."),
        c.SHARES_OUTSTANDING.but(
            nullable=False,
            doc="Shares outstanding of the whole firm (GOOGL: both classes; TSM, ASML: all "
            "ordinary shares through one line, in units of that line).",
        ),
        c.SPLIT_RATIO_AFTER.but(
            doc="Product of the ratios of the splits after the day for which the count was stated: "
            "times it, the count is in the shares that core.daily_prices quote.",
            default="1",
        ),
        c.SOURCE.but(doc="Where the count comes from."),
    ),
    grain=("listing_id", "known_on"),
    effective_from="known_on",
)

SESSIONS = Table(
    layer="core",
    name="sessions",
    doc="One row per exchange and trading session: when it opened and closed.",
    columns=(
        c.EXCHANGE_MIC,
        c.SESSION_DATE,
        Column("opens_at", "TIMESTAMP", "Opening of the session.", unit="UTC"),
        Column("closes_at", "TIMESTAMP", "Closing of the session.", unit="UTC"),
        Column("is_half_day", "BOOLEAN", "True where the session closed early."),
    ),
    grain=("exchange_mic", "session_date"),
    orders=(Order("opens_at", "closes_at"),),
)
