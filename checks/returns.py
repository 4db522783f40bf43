"""Judgements on returns: whether there is anything to hold the listings against."""

from __future__ import annotations

from checks._check import judgements
from checks.catalogue import Check
from warehouse.tables.instruments import INSTRUMENTS
from warehouse.tables.returns import MARKET_RETURNS

_REGIONS = """(
SELECT i.region, count(DISTINCT p.listing_id) AS n_listings,
  bool_or(m.region IS NOT NULL) AS has_market
FROM core.daily_prices AS p
JOIN core.instruments AS i USING (listing_id)
LEFT JOIN (SELECT DISTINCT region FROM core.market_returns) AS m ON m.region = i.region
WHERE i.region IS NOT NULL
GROUP BY i.region
)"""

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

CHECKS = [judgements(MARKET_RETURNS, JUDGEMENTS)]
