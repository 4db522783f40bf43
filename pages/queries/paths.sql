-- Cumulated abnormal returns of all members, of the source and of the sector that was hit hardest.
SELECT p.grouping, p.group_name, p.day, p.session_date, p.n_listings, p.abnormal_return,
  p.cumulative_abnormal_return, p.band_low, p.band_high, p.method, p.as_of
FROM mart.car_paths AS p
JOIN mart.selloff_events AS e USING (event_id)
WHERE p.event_id = $event
  AND (
    (p.grouping = 'region' AND p.group_name = e.region)
    OR (p.grouping = 'sector' AND p.group_name IN (e.origin_sector, e.hardest_hit_sector))
  )
  AND p.cumulative_abnormal_return IS NOT NULL
ORDER BY p.grouping, p.group_name = e.origin_sector DESC, p.group_name, p.day
