-- Of each pair the direction in which more goes than comes back.
SELECT m.source_name, m.target_name, m.net_pairwise_after AS value, m.net_pairwise_before,
  m.observed_through, m.as_of
FROM mart.contagion_pairs AS m
JOIN mart.selloff_events AS e USING (event_id)
WHERE m.event_id = $event AND m.series_set = e.region || ' sectors'
  AND m.net_pairwise_after > 0
ORDER BY value DESC, m.source_name, m.target_name
