-- One row per check: what it found when it last ran; failures first, then warnings, then by table.
-- @layer: Layer of the table.
-- @check_text: The statement that was held against the table, in words.
-- @status: passed, warning (the rows are kept, flagged) or failed (the contract is broken).
-- @status_order: 1 failed, 2 warning, 3 passed, for sorting.
-- @finding_text: How many of how many rows contradict it.
-- @sample_text: sample_keys to read, without its braces and quotation marks; empty without any.
/* Format characters go: one of them turns the text after it round (U+202E). */
SELECT
  split_part(table_name, '.', 1) AS layer,
  table_name,
  check_name,
  replace(check_name, '_', ' ') AS check_text,
  CASE WHEN is_passed THEN 'passed' WHEN severity = 'WARN' THEN 'warning' ELSE 'failed' END
    AS status,
  CASE WHEN is_passed THEN 3 WHEN severity = 'WARN' THEN 2 ELSE 1 END AS status_order,
  is_passed,
  severity,
  n_rows,
  n_violations,
  format('{:,d} of {:,d}', n_violations, n_rows) AS finding_text,
  sample_keys,
  regexp_replace(
    replace(coalesce(sample_keys, ''), '}, {', '; '), '[\[\]{}"\p{Cf}]', '', 'g'
  ) AS sample_text,
  as_of,
  checked_at,
  run_id
FROM meta.dq_results
QUALIFY
  row_number() OVER (PARTITION BY table_name, check_name ORDER BY checked_at DESC, run_id DESC) = 1
ORDER BY status_order, table_name, check_name
