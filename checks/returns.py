"""Judgements on returns: whether there is anything to hold the listings against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks._check import Finding, rows_of, table_check
from warehouse.tables.instruments import INSTRUMENTS
from warehouse.tables.returns import MARKET_RETURNS

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

    from resources.batch import Days

_REGIONS = """
SELECT i.region, count(DISTINCT p.listing_id) AS n_listings,
       bool_or(m.region IS NOT NULL) AS has_market
FROM core.daily_prices AS p
JOIN core.instruments AS i USING (listing_id)
LEFT JOIN (SELECT DISTINCT region FROM core.market_returns) AS m ON m.region = i.region
WHERE i.region IS NOT NULL
GROUP BY i.region ORDER BY i.region
"""


@table_check(MARKET_RETURNS, reads=(INSTRUMENTS,))
def every_region_has_a_market(
    con: duckdb.DuckDBPyConnection, _days: Days, _now: datetime
) -> Finding:
    """No region lacks a market: without one its listings have no abnormal return and no event."""
    regions = rows_of(con, _REGIONS)
    bare = [
        {"region": row["region"], "n_listings": row["n_listings"]}
        for row in regions
        if not row["has_market"]
    ]
    note = "deliver the market's ticker (settings.markets) or share counts" if bare else ""
    return Finding(len(regions), len(bare), bare, note=note)


CHECKS = [every_region_has_a_market]
