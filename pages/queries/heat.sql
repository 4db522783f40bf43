SELECT p.group_name AS sector, p.day, p.abnormal_return, p.n_listings, p.as_of
FROM mart.car_paths AS p
WHERE p.event_id = $event AND p.grouping = 'sector' AND p.day BETWEEN -3 AND 7
  AND p.abnormal_return IS NOT NULL
ORDER BY
  min(p.abnormal_return) FILTER (p.day = 0) OVER (PARTITION BY p.group_name) NULLS LAST,
  p.group_name, p.day
