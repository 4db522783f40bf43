SELECT count(*) FILTER (m.simple_return < 0) AS n_fell,
  count(*) FILTER (m.simple_return < 0 AND m.days_to_recover_half IS NOT NULL) AS n_half,
  count(*) FILTER (m.simple_return < 0 AND m.days_to_recover IS NOT NULL) AS n_all,
  max(m.observed_through) AS observed_through
FROM mart.selloff_metrics AS m
JOIN core.instruments AS i USING (listing_id)
JOIN mart.selloff_events AS e USING (event_id)
WHERE m.event_id = $event AND i.asset_class = 'equity' AND m.region = e.region
