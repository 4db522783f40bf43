"""Judgements on reference data: what is listed, under which name, with how many shares."""

from __future__ import annotations

from checks._check import judgements
from checks.catalogue import Check
from selloff.identity import MINIMUM_SOURCES, SESSIONS_WITHOUT_BAR
from warehouse.tables.actions import PROPOSED_SPLITS, SPLITS
from warehouse.tables.instruments import (
    DELISTINGS,
    INSTRUMENTS,
    LISTING_SYMBOLS,
    SHARES_OUTSTANDING,
)
from warehouse.tables.prices import PRICE_VINTAGES
from warehouse.tables.valuation import QUARANTINED_MARKET_VALUES, RAW_SHARES_OUTSTANDING

# Filings carry 1, 100 or 1000 where a class has no count of its own; no listed firm has so few.
FEWEST_SHARES = 100_000
# Microsoft once had 7.43 and 7.70 billion shares on one date (yfinance#1954).
SHARES_TOLERANCE = 0.02
# Buybacks and mergers stay below this between two filings.
SHARES_FACTOR = 3

_FIRMS = """(
SELECT issuer_id, count(*) FILTER (is_primary) AS n_primary, string_agg(ticker, ', ') AS tickers
FROM core.instruments WHERE issuer_id IS NOT NULL GROUP BY issuer_id
)"""
_SYMBOLS = """(
SELECT one.*, EXISTS (
  FROM core.listing_symbols AS other
  WHERE other.symbol = one.symbol AND other.listing_id <> one.listing_id
    AND coalesce(other.valid_from, '0001-01-01') <= coalesce(one.valid_to, '9999-12-31')
    AND coalesce(one.valid_from, '0001-01-01') <= coalesce(other.valid_to, '9999-12-31')
) AS is_shared
FROM core.listing_symbols AS one
)"""
_DELISTED = """(
SELECT d.*, EXISTS (
  FROM raw.price_vintages AS v
  WHERE v.listing_id = d.listing_id AND v.session_date >= d.delisted_on
) AS is_trading
FROM core.delistings AS d
)"""
_COUNTS = """(
SELECT *, shares_outstanding / previous_shares / coalesce((
  SELECT product(split_ratio) FROM (
    SELECT listing_id, ex_date, split_ratio FROM core.splits
    UNION ALL SELECT listing_id, ex_date, split_ratio FROM core.proposed_splits
  ) AS s
  WHERE s.listing_id = counted.listing_id
    AND s.ex_date > counted.previous_known_on AND s.ex_date <= counted.known_on
), 1) AS factor
FROM (
  SELECT *, lag(shares_outstanding) OVER filings AS previous_shares,
    lag(known_on) OVER filings AS previous_known_on
  FROM core.shares_outstanding
  WINDOW filings AS (PARTITION BY listing_id ORDER BY known_on)
) AS counted
)"""
_OF_ONE_DATE = """(
SELECT listing_id, any_value(ticker) AS ticker, share_class, measured_on,
  min(shares_outstanding) AS fewest, max(shares_outstanding) AS most
FROM raw.shares_outstanding GROUP BY listing_id, share_class, measured_on
)"""

OF_INSTRUMENTS = (
    Check(
        name="every_listing_is_classified",
        table=INSTRUMENTS,
        holds="registered_from <> 'prices'",
        doc="No ticker is known from prices alone: an instruments.csv gives it a sector.",
        relation=INSTRUMENTS.qualified,
        named_by=("ticker", "listing_id"),
    ),
    Check(
        name="every_firm_has_one_primary_listing",
        table=INSTRUMENTS,
        holds="n_primary = 1",
        doc="The market value of a firm with several listings is carried by one of them.",
        relation=_FIRMS,
        named_by=("issuer_id", "n_primary", "tickers"),
        failure_modes=(20,),
    ),
)
OF_SYMBOLS = (
    Check(
        name="every_symbol_has_one_listing",
        table=LISTING_SYMBOLS,
        holds="NOT is_shared",
        doc="No symbol belongs to two listings on one day.",
        relation=_SYMBOLS,
        named_by=("symbol", "listing_id", "valid_from", "valid_to"),
        failure_modes=(19,),
    ),
)
OF_DELISTINGS = (
    Check(
        name="delistings_rest_on_evidence",
        table=DELISTINGS,
        holds=f"(n_sources >= {MINIMUM_SOURCES} OR n_sessions >= {SESSIONS_WITHOUT_BAR}) "
        "AND NOT is_trading",
        doc="No listing is taken as gone on the word of one source, or while bars come.",
        relation=_DELISTED,
        named_by=("ticker", "delisted_on", "n_sources", "n_sessions"),
        reads=(PRICE_VINTAGES,),
        failure_modes=(18, 19),
    ),
)
OF_SHARES = (
    Check(
        name="shares_are_plausible",
        table=SHARES_OUTSTANDING,
        holds=f"shares_outstanding >= {FEWEST_SHARES} "
        f"AND coalesce(factor BETWEEN 1.0 / {SHARES_FACTOR} AND {SHARES_FACTOR}, true)",
        doc="No share count is a placeholder, or another one by a factor that no split explains.",
        relation=_COUNTS,
        named_by=("ticker", "known_on", "previous_shares", "shares_outstanding"),
        reads=(SPLITS, PROPOSED_SPLITS),
        failure_modes=(20,),
    ),
)
OF_MARKET_VALUES = (
    Check(
        name="market_values_are_consistent",
        table=QUARANTINED_MARKET_VALUES,
        holds="false",
        doc="No delivered market value implies a share count that the sessions around it deny.",
        relation=QUARANTINED_MARKET_VALUES.qualified,
        named_by=(
            "ticker",
            "first_session_date",
            "source",
            "market_value",
            "count_ratio",
            "reason",
        ),
        failure_modes=(20,),
    ),
)
OF_COUNTS = (
    Check(
        name="share_counts_of_one_date_agree",
        table=RAW_SHARES_OUTSTANDING,
        holds=f"most <= fewest * {1 + SHARES_TOLERANCE}",
        doc=f"No two counts of one class for one date differ by more than {SHARES_TOLERANCE:.0%}.",
        relation=_OF_ONE_DATE,
        named_by=("ticker", "share_class", "measured_on", "fewest", "most"),
        failure_modes=(20,),
    ),
)
JUDGEMENTS = (
    *OF_INSTRUMENTS,
    *OF_SYMBOLS,
    *OF_DELISTINGS,
    *OF_SHARES,
    *OF_MARKET_VALUES,
    *OF_COUNTS,
)

CHECKS = [
    judgements(INSTRUMENTS, OF_INSTRUMENTS),
    judgements(LISTING_SYMBOLS, OF_SYMBOLS),
    judgements(DELISTINGS, OF_DELISTINGS),
    judgements(SHARES_OUTSTANDING, OF_SHARES),
    judgements(QUARANTINED_MARKET_VALUES, OF_MARKET_VALUES),
    judgements(RAW_SHARES_OUTSTANDING, OF_COUNTS),
]
