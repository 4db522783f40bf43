-- The bars of the event's first sessions that were judged unusual, or kept out.
SELECT m.ticker, m.session_date, p.quality_flags, m.n_flagged, m.n_quarantined,
  count(*) OVER () AS n_all
FROM mart.selloff_metrics AS m
LEFT JOIN core.daily_prices AS p USING (listing_id, session_date)
WHERE m.event_id = $event AND (p.quality_flags <> '' OR m.n_quarantined > 0)
ORDER BY m.ticker LIMIT 60
