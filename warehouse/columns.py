"""Quantities that two or more tables speak of, each defined once."""

from __future__ import annotations

from warehouse.contract import Column

# -- who and when ---------------------------------------------------------------------------
LISTING_ID = Column(
    "listing_id",
    "VARCHAR",
    "Permanent key of a listing (`MIC:TICKER` at registration); survives a change of ticker.",
)
TICKER = Column("ticker", "VARCHAR", "Symbol of the listing as its vendor writes it.")
SESSION_DATE = Column(
    "session_date",
    "DATE",
    "Trading session, the exchange's own calendar date.",
)
EXCHANGE_MIC = Column(
    "exchange_mic",
    "VARCHAR",
    "Exchange whose calendar the listing keeps, ISO 10383.",
)
CURRENCY = Column(
    "currency",
    "VARCHAR",
    "Currency of the prices, ISO 4217; NULL for pure index points.",
    nullable=True,
)
REGION = Column(
    "region",
    "VARCHAR",
    "Market region (US, EU, JP ...); NULL where it is not known.",
    nullable=True,
)
SECTOR = Column(
    "sector",
    "VARCHAR",
    "GICS sector; NULL where it is not known.",
    nullable=True,
)
INDUSTRY = Column("industry", "VARCHAR", "GICS sub-industry; NULL where unknown.", nullable=True)
SOURCE = Column("source", "VARCHAR", "Provider that delivered the row: yahoo, files, replay ...")

# -- provenance -----------------------------------------------------------------------------
LOAD_ID = Column("load_id", "VARCHAR", "The load (one run of one ingesting asset).")
AS_OF = Column(
    "as_of",
    "TIMESTAMP",
    "Newest vintage among the inputs of this row.",
    unit="UTC",
)
ROW_HASH = Column(
    "row_hash",
    "VARCHAR",
    "SHA-256 of the delivered values; equal values are not stored twice.",
)
KNOWN_FROM = Column("known_from", "TIMESTAMP", "When this version was fetched.", unit="UTC")
IS_SIMULATED = Column(
    "is_simulated",
    "BOOLEAN",
    "True where the bar comes from the replay's simulation.",
    default="false",
)
HAS_SIMULATED_INPUTS = Column(
    "has_simulated_inputs",
    "BOOLEAN",
    "True where any input of this row is a simulated bar.",
)
N_FLAGGED = Column(
    "n_flagged",
    "BIGINT",
    "Bars with a quality flag among the inputs of this row.",
    unit="bars",
    minimum=0,
)
N_QUARANTINED = Column(
    "n_quarantined",
    "BIGINT",
    "Bars that are quarantined, and so absent, among the inputs of this row.",
    unit="bars",
    minimum=0,
)
OBSERVED_THROUGH = Column(
    "observed_through",
    "DATE",
    "Last session that the outcomes of this row have seen; NULL before any follows the event.",
    nullable=True,
)

# -- bars -----------------------------------------------------------------------------------
OPEN = Column(
    "open",
    "DOUBLE",
    "First price of the session; NULL where not delivered.",
    unit="currency per share",
    nullable=True,
    above=0,
)
HIGH = Column(
    "high",
    "DOUBLE",
    "Highest price of the session; NULL where not delivered.",
    unit="currency per share",
    nullable=True,
    above=0,
)
LOW = Column(
    "low",
    "DOUBLE",
    "Lowest price of the session; NULL where not delivered.",
    unit="currency per share",
    nullable=True,
    above=0,
)
CLOSE = Column(
    "close",
    "DOUBLE",
    "Last price of the session, as delivered (vendors restate it at splits).",
    unit="currency per share",
    above=0,
)
ADJ_CLOSE = Column(
    "adj_close",
    "DOUBLE",
    "The vendor's close adjusted for splits and dividends, if delivered.",
    unit="currency per share",
    nullable=True,
    above=0,
)
VOLUME = Column(
    "volume",
    "DOUBLE",
    "Shares traded; NULL where the instrument has none.",
    unit="shares",
    nullable=True,
    minimum=0,
)

MARKET_VALUE = Column(
    "market_value",
    "DOUBLE",
    "Market value at the close as its vendor states it, of the whole firm even where a line is one "
    "class of it; NULL where not delivered, or delivered as 0.",
    unit="currency",
    nullable=True,
    above=0,
)

BASIS = Column(
    "basis",
    "VARCHAR",
    "How the prices are adjusted: split_adjusted for every split up to `known_from`, or as_traded.",
    one_of=("split_adjusted", "as_traded"),
    default="'split_adjusted'",
)

# -- corporate actions ----------------------------------------------------------------------
EX_DATE = Column(
    "ex_date",
    "DATE",
    "First session that trades without the dividend, or in the new shares.",
)
SPLIT_RATIO = Column(
    "split_ratio",
    "DOUBLE",
    "New shares for each old one: 10 for a 10:1 split, 0.1 for a 1:10 consolidation.",
    unit="new shares per old share",
    above=0,
)
SPLIT_RATIO_AFTER = Column(
    "split_ratio_after",
    "DOUBLE",
    "Product of the ratios of the splits known after the session: the shares of today that one "
    "share was as it was traded.",
    unit="new shares per old share",
    above=0,
)
AMOUNT = Column(
    "amount",
    "DOUBLE",
    "Cash per share, in the shares of the day on which it was fetched.",
    unit="currency per share",
    above=0,
)

# -- exchange rates -------------------------------------------------------------------------
RATE_DATE = Column("rate_date", "DATE", "Day of the exchange rate.")
USD_PER_CURRENCY = Column(
    "usd_per_currency",
    "DOUBLE",
    "Price of one unit of the currency.",
    unit="USD per unit of currency",
    above=0,
)

# -- returns --------------------------------------------------------------------------------
SIMPLE_RETURN = Column(
    "simple_return",
    "DOUBLE",
    "close / previous close - 1; negative when the price falls.",
    unit="fraction",
    nullable=True,
)
LOG_RETURN = Column(
    "log_return",
    "DOUBLE",
    "ln(close / previous close); negative when the price falls.",
    unit="log points",
    nullable=True,
)
DRAWDOWN = Column(
    "drawdown",
    "DOUBLE",
    "close / highest close so far - 1; zero at a new high.",
    unit="fraction",
    maximum=0,
    minimum=-1,
)
ABNORMAL_RETURN = Column(
    "abnormal_return",
    "DOUBLE",
    "Log return minus the market model's expectation from rows [-260,-11].",
    unit="log points",
    nullable=True,
)
ABNORMAL_Z = Column(
    "abnormal_z",
    "DOUBLE",
    "Abnormal return over its prediction-error-corrected residual sigma.",
    unit="standard deviations",
    nullable=True,
)
ABNORMAL_VOLUME_Z = Column(
    "abnormal_volume_z",
    "DOUBLE",
    "ln(volume + 1 share as traded) against its mean on rows [-260,-11], over the prediction "
    "sigma.",
    unit="standard deviations",
    nullable=True,
)
MARKET = Column(
    "market",
    "VARCHAR",
    "What stands for the region's market: a ticker, or how it was built.",
    nullable=True,
)

# -- events ---------------------------------------------------------------------------------
EVENT_ID = Column(
    "event_id",
    "VARCHAR",
    "Scope, origin and first session of the event; stable while it grows.",
)
SHARES_OUTSTANDING = Column(
    "shares_outstanding",
    "DOUBLE",
    "Shares outstanding; NULL where unknown, never guessed.",
    unit="shares",
    nullable=True,
    above=0,
)
MARKET_VALUE_LOST_USD = Column(
    "market_value_lost_usd",
    "DOUBLE",
    "Shares x (previous close - close) in USD; positive when value was lost.",
    unit="USD",
    nullable=True,
)
MARKET_VALUE_USD = Column(
    "market_value_usd",
    "DOUBLE",
    "Shares x previous close in USD: the whole firm's value at the close before.",
    unit="USD",
    nullable=True,
    above=0,
)
ABNORMAL_MARKET_VALUE_LOST_USD = Column(
    "abnormal_market_value_lost_usd",
    "DOUBLE",
    "-(exp(abnormal return) - 1) x market value at the close before; positive when lost.",
    unit="USD",
    nullable=True,
)
IS_COUNTED = Column(
    "is_counted",
    "BOOLEAN",
    "True for the one listing that carries its firm's market value: sum losses over these rows "
    "only.",
)
SHARES_KNOWN_ON = Column(
    "shares_known_on",
    "DATE",
    "Date of the share count used, never after the close before.",
    nullable=True,
)
