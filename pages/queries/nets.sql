SELECT m.source_name AS sector, m.value AS net, m.window_from, m.window_to, m.method, m.is_stable
FROM mart.contagion_measures AS m
JOIN mart.selloff_events AS e USING (event_id)
WHERE m.event_id = $event AND m.series_set = e.region || ' sectors'
  AND m.measure = 'net' AND m.period = 'after' AND m.value IS NOT NULL
ORDER BY net DESC, sector
