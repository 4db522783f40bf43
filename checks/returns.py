"""Judgements on returns: whether there is anything to hold the listings against."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from checks._check import NEEDS, judgements, key, record, results
from checks.catalogue import Check
from checks.scan import Finding, newest_vintage, rows_of
from warehouse.tables.instruments import INSTRUMENTS
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.returns import MARKET_RETURNS

if TYPE_CHECKING:
    import duckdb

NAME = "configured_markets_are_in_the_data"
_REGIONS = """(
SELECT i.region, count(DISTINCT p.listing_id) AS n_listings,
  bool_or(m.region IS NOT NULL) AS has_market
FROM core.daily_prices AS p
JOIN core.instruments AS i USING (listing_id)
LEFT JOIN (SELECT DISTINCT region FROM core.market_returns) AS m ON m.region = i.region
WHERE i.region IS NOT NULL
GROUP BY i.region
)"""

_MARKETS = """
SELECT i.region, coalesce(any_value(m.market), 'nothing') AS market
FROM (SELECT DISTINCT listing_id FROM core.daily_prices) AS p
JOIN core.instruments AS i USING (listing_id)
LEFT JOIN (
  SELECT region, arg_max(market, session_date) AS market FROM core.market_returns GROUP BY region
) AS m ON m.region = i.region
WHERE i.region IS NOT NULL GROUP BY i.region ORDER BY i.region
"""

# Without a market a region's listings have no abnormal return, and no event.
JUDGEMENTS = (
    Check(
        name="every_region_has_a_market",
        table=MARKET_RETURNS,
        holds="has_market",
        doc="Every region has a market: its ticker (settings.markets), or one of share counts.",
        relation=_REGIONS,
        named_by=("region", "n_listings"),
        reads=(INSTRUMENTS,),
    ),
)


@dg.asset_check(
    asset=key(MARKET_RETURNS),
    name=NAME,
    description="Every ticker that is configured to stand for a market has bars.",
    additional_deps=[key(DAILY_PRICES)],
    required_resource_keys={*NEEDS, "settings"},
)
def configured_markets_are_in_the_data(context: dg.AssetCheckExecutionContext) -> Any:
    """Warn where a region is held against its members since its configured ticker has no bar."""
    markets = context.resources.settings.markets
    with context.resources.warehouse.reading() as con:
        found = missing_markets(con, markets)
        as_of = newest_vintage(con, MARKET_RETURNS)
    record(context, MARKET_RETURNS, {NAME: found}, as_of)
    return results(MARKET_RETURNS, {NAME: found})[0]


def missing_markets(con: "duckdb.DuckDBPyConnection", markets: Mapping[str, str]) -> Finding:
    """Return the regions with data whose configured ticker has no bar, and their market instead."""
    held = {row["ticker"] for row in rows_of(con, "SELECT DISTINCT ticker FROM core.daily_prices")}
    configured = [
        {**row, "ticker": markets[row["region"]]}
        for row in rows_of(con, _MARKETS)
        if row["region"] in markets
    ]
    missing = [row for row in configured if row["ticker"] not in held]
    said = "; ".join(
        f"no bar of {row['ticker']}: {row['region']} is held against {row['market']}"
        for row in missing
    )
    return Finding(len(configured), len(missing), missing, note=said)


CHECKS = [judgements(MARKET_RETURNS, JUDGEMENTS), configured_markets_are_in_the_data]
