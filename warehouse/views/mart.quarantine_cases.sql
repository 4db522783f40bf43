-- One row per case of refusal, newest first: what it spoke of, why, and whether that is settled.
-- What was delivered itself stands in raw.quarantine.
-- @session_date: Session it spoke of, the first of several; NULL where it named none.
-- @last_session_date: The last of them.
-- @label: Name and ticker of the listing; NULL where the row named none that is known.
-- @kind: contract: the row breaks its table's contract; conflict: sources disagree; restatement:
-- the listing's history changed by a constant ratio without an action.
-- @reason: Why it was refused.
-- @case_status: open: waits for a decision or a better row; resolved: a later load brought it in
-- order; released or rejected: decided by hand.
/* Format characters go: one of them turns the text after it round (U+202E). */
WITH decided AS (
  SELECT quarantine_id, arg_max(decision, decided_at) AS decision
  FROM raw.quarantine_decisions
  GROUP BY quarantine_id
),
cases AS (
  SELECT
    quarantine_id,
    table_name,
    listing_id,
    session_date,
    session_date AS last_session_date,
    'contract' AS kind,
    reason,
    first_seen_at,
    resolved_at
  FROM raw.quarantine
  UNION ALL
  SELECT
    quarantine_id,
    'core.daily_prices',
    any_value(listing_id),
    min(session_date),
    max(session_date),
    any_value(kind),
    any_value(reason),
    min(first_seen_at),
    NULL
  FROM core.quarantined_bars
  WHERE quarantine_id NOT IN (SELECT quarantine_id FROM raw.quarantine)
  GROUP BY quarantine_id
)
SELECT
  c.quarantine_id,
  c.table_name,
  c.listing_id,
  regexp_replace(i.name, '\p{Cf}', '', 'g') || ' (' || i.ticker || ')' AS label,
  c.session_date,
  c.last_session_date,
  c.kind,
  regexp_replace(c.reason, '\p{Cf}', '', 'g') AS reason,
  CASE
    WHEN d.decision IS NOT NULL THEN d.decision
    WHEN c.resolved_at IS NOT NULL THEN 'resolved'
    ELSE 'open'
  END AS case_status,
  c.first_seen_at,
  c.resolved_at
FROM cases AS c
LEFT JOIN decided AS d USING (quarantine_id)
LEFT JOIN core.instruments AS i USING (listing_id)
ORDER BY c.first_seen_at DESC, c.quarantine_id
