-- Every case in quarantine with what became of it: rows refused on landing, bars kept out of core,
-- and what was decided by hand about cases that are gone.
WITH decided AS (
  SELECT quarantine_id, arg_max(decision, decided_at) AS decision, arg_max(note, decided_at) AS note,
    arg_max(subject, decided_at) AS subject, max(decided_at) AS decided_at
  FROM raw.quarantine_decisions GROUP BY quarantine_id
), cases AS (
  SELECT quarantine_id, 'contract' AS kind, table_name, listing_id, session_date,
    1 AS n_rows, source, source_file, source_row, reason, payload, first_seen_at, last_seen_at,
    resolved_at
  FROM raw.quarantine
  UNION ALL BY NAME
  SELECT quarantine_id, any_value(kind) AS kind, 'core.daily_prices' AS table_name,
    any_value(listing_id) AS listing_id, min(session_date) AS session_date, count(*) AS n_rows,
    any_value(reason) AS reason, arg_min(payload, session_date) AS payload,
    min(first_seen_at) AS first_seen_at, max(as_of) AS last_seen_at
  FROM core.quarantined_bars WHERE kind <> 'contract' GROUP BY quarantine_id
)
SELECT quarantine_id,
  CASE
    WHEN decision IS NOT NULL THEN decision
    WHEN resolved_at IS NOT NULL THEN 'resolved'
    ELSE 'open'
  END AS resolution,
  kind, table_name, listing_id, session_date, n_rows, source, source_file, source_row,
  coalesce(reason, subject) AS reason, payload, first_seen_at, last_seen_at,
  coalesce(decided_at, resolved_at) AS resolved_at, note
FROM cases FULL JOIN decided USING (quarantine_id)
