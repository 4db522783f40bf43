-- What the checks of the newest run found against the data.
SELECT table_name, check_name, severity, n_rows, n_violations, sample_keys, checked_at
FROM meta.dq_results
WHERE NOT is_passed AND run_id = (SELECT arg_max(run_id, checked_at) FROM meta.dq_results)
ORDER BY severity, table_name, check_name
