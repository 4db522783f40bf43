SELECT
  e.event_id, e.session_date, e.last_session_date, e.region, e.scope, e.status, e.event_name,
  e.market, e.market_return, e.market_severity, e.breadth, e.origin_sector, e.market_value_lost_usd,
  i.ticker AS worst_ticker, coalesce(v.n_articles, 0) AS n_articles
FROM mart.selloff_events AS e
LEFT JOIN core.instruments AS i ON i.listing_id = e.worst_listing_id
LEFT JOIN mart.event_coverage AS v USING (event_id)
WHERE e.status <> 'withdrawn'
ORDER BY e.session_date DESC, e.event_id
