SELECT
  e.*,
  w.ticker AS worst_ticker, w.name AS worst_name,
  f.ticker AS first_ticker, f.name AS first_name
FROM mart.selloff_events AS e
LEFT JOIN core.instruments AS w ON w.listing_id = e.worst_listing_id
LEFT JOIN core.instruments AS f ON f.listing_id = e.first_listing_id
WHERE e.event_id = $event
