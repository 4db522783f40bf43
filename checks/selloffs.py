"""Judgements on the events: so many that the thresholds must be wrong, so few that one is lost."""

from __future__ import annotations

from checks._check import judgements
from checks.catalogue import Check
from warehouse.tables.detection import DECLARED_EVENTS, MARKET_DAYS
from warehouse.tables.selloffs import SELLOFF_EVENTS

# Of any 250 sessions of the US, 2023-07 to 2025-02, none has more than 8
# (docs/decisions/0018-detection.md).
SESSIONS = 250
MOST_EVENTS = 12

_CROWDED = f"""(
WITH days AS (
  SELECT region, session_date,
    row_number() OVER (PARTITION BY region ORDER BY session_date) AS position
  FROM mart.market_days
)
SELECT event_id, region, session_date, count(*) OVER (
  PARTITION BY region ORDER BY position RANGE BETWEEN {SESSIONS - 1} PRECEDING AND CURRENT ROW
) AS n_events
FROM mart.selloff_events JOIN days USING (region, session_date)
WHERE status = 'detected'
)"""
_DECLARED = """(
SELECT d.*, EXISTS (
  FROM mart.selloff_events AS e
  WHERE e.declared_id = d.declared_id AND e.status <> 'withdrawn'
) AS is_event
FROM core.declared_events AS d
)"""

JUDGEMENTS = (
    Check(
        name="selloffs_are_rare",
        table=SELLOFF_EVENTS,
        holds=f"n_events <= {MOST_EVENTS}",
        doc=f"No region has more than {MOST_EVENTS} detected events within {SESSIONS} sessions.",
        relation=_CROWDED,
        named_by=("region", "session_date", "n_events"),
        reads=(MARKET_DAYS,),
    ),
    Check(
        name="every_declared_event_is_there",
        table=SELLOFF_EVENTS,
        holds="is_event",
        doc="Every declared event is one: there are bars in its session, and no other has it.",
        relation=_DECLARED,
        named_by=("declared_id", "region", "session_date", "happened_at"),
        reads=(DECLARED_EVENTS,),
    ),
)

CHECKS = [judgements(SELLOFF_EVENTS, JUDGEMENTS)]
