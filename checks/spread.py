"""Judgements on how events spread: sources that two computations disagree on, broken orders."""

from __future__ import annotations

from checks._check import judgements
from checks.catalogue import Check
from warehouse.tables.selloffs import SELLOFF_EVENTS
from warehouse.tables.spread import CONTAGION_PATHS, SECTOR_CONTAGION

# Sums of some hundred floats, in another order.
TOLERANCE = 1e-9

_SOURCES = """(
SELECT e.event_id, e.session_date, e.origin_sector,
  any_value(s.sector) FILTER (s.is_source) AS source_sector,
  max(s.abnormal_market_value_lost_usd) FILTER (s.is_source) AS lost,
  max(s.abnormal_market_value_lost_usd) AS most_lost
FROM mart.selloff_events AS e JOIN mart.sector_contagion AS s USING (event_id)
WHERE e.status <> 'withdrawn' AND e.origin_sector IS NOT NULL
GROUP BY e.event_id, e.session_date, e.origin_sector
)"""
_STARTS = """(
SELECT e.event_id, e.session_date, e.worst_listing_id, EXISTS (
  FROM mart.contagion_paths AS p
  WHERE p.event_id = e.event_id AND p.listing_id = e.worst_listing_id AND p.link = 'source'
) AS is_there
FROM mart.selloff_events AS e
WHERE e.status <> 'withdrawn' AND e.worst_listing_id IS NOT NULL
)"""
_ORDERS = """(
SELECT event_id, min(hit_order) AS first, max(hit_order) AS last,
  count(DISTINCT hit_order) AS n_orders, count(DISTINCT closed_at) AS n_closes
FROM mart.contagion_paths GROUP BY event_id
)"""

OF_SECTORS = (
    Check(
        name="the_source_is_the_origin_and_lost_most",
        table=SECTOR_CONTAGION,
        holds=(
            "coalesce(source_sector, '') = origin_sector "
            f"AND lost >= most_lost - abs(most_lost) * {TOLERANCE!r}"
        ),
        doc="An event's origin sector is its source, and no other sector lost more.",
        relation=_SOURCES,
        named_by=("event_id", "origin_sector", "source_sector", "lost", "most_lost"),
        reads=(SELLOFF_EVENTS,),
    ),
)
OF_PATHS = (
    Check(
        name="the_source_is_on_the_path",
        table=CONTAGION_PATHS,
        holds="is_there",
        doc="The listing that lost the event most value stands on its path, as the source.",
        relation=_STARTS,
        named_by=("event_id", "session_date", "worst_listing_id"),
        reads=(SELLOFF_EVENTS,),
    ),
    Check(
        name="orders_are_consecutive",
        table=CONTAGION_PATHS,
        holds="first = 1 AND last = n_orders AND n_orders = n_closes",
        doc="The closes of an event are numbered from 1 without a gap, each once.",
        relation=_ORDERS,
        named_by=("event_id", "first", "last", "n_closes"),
    ),
)
JUDGEMENTS = (*OF_SECTORS, *OF_PATHS)

CHECKS = [judgements(SECTOR_CONTAGION, OF_SECTORS), judgements(CONTAGION_PATHS, OF_PATHS)]
