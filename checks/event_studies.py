"""Judgements on event studies: whether an event was tested at all, and on whom."""

from __future__ import annotations

from checks._check import judgements
from checks.catalogue import Check
from warehouse.tables.event_studies import DROPPED_OBSERVATIONS, EVENT_STUDY_TESTS
from warehouse.tables.selloffs import SELLOFF_EVENTS

# With more of the members left out, what is tested is no longer the market.
LEFT_OUT_SHARE = 0.5

_EVENTS = """(
SELECT e.event_id, e.session_date, t.event_id IS NOT NULL AS is_tested
FROM mart.selloff_events AS e
LEFT JOIN (
  SELECT DISTINCT event_id FROM mart.event_study_tests WHERE is_headline AND grouping = 'region'
) AS t USING (event_id)
WHERE e.status <> 'withdrawn'
)"""
_OBSERVED = """(
SELECT coalesce(t.event_id, d.event_id) AS event_id, coalesce(n_tested, 0) AS n_tested,
  coalesce(n_dropped, 0) AS n_dropped, reasons
FROM (
  SELECT event_id, count(*) AS n_tested FROM mart.event_study_tests
  WHERE grouping = 'listing' AND window_start = 0 AND window_end = 0 GROUP BY event_id
) AS t
FULL JOIN (
  SELECT event_id, count(*) AS n_dropped, string_agg(DISTINCT reason, ', ' ORDER BY reason)
    AS reasons
  FROM mart.dropped_observations WHERE reason <> 'overlapping_events' GROUP BY event_id
) AS d USING (event_id)
)"""

OF_TESTS = (
    Check(
        name="every_event_is_tested",
        table=EVENT_STUDY_TESTS,
        holds="is_tested",
        doc="Every sell-off has a headline test: enough of its members have 200 sessions before.",
        relation=_EVENTS,
        named_by=("event_id", "session_date"),
        reads=(SELLOFF_EVENTS,),
    ),
)
OF_OBSERVATIONS = (
    Check(
        name="most_members_are_judged",
        table=DROPPED_OBSERVATIONS,
        holds=f"n_dropped <= {LEFT_OUT_SHARE} * (n_tested + n_dropped)",
        doc="No event study leaves out more than half of the members of the markets.",
        relation=_OBSERVED,
        named_by=("event_id", "n_tested", "n_dropped", "reasons"),
        reads=(EVENT_STUDY_TESTS,),
    ),
)

CHECKS = [
    judgements(EVENT_STUDY_TESTS, OF_TESTS),
    judgements(DROPPED_OBSERVATIONS, OF_OBSERVATIONS),
]
