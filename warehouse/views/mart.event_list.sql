-- One row per sell-off that still stands (none that a restatement took away), newest first, ready
-- to list: a title, what the market did, what was lost, who was hit hardest, how much was written.
-- @event_title: Date, reach and region of the event, with its name or the sector it came from.
-- @session_date: Its first session, in the calendar of its region.
-- @market_return_text: market_return as percent.
-- @firms_fallen_text: How many of how many members fell abnormally.
-- @market_value_lost_text: market_value_lost_usd in billions; NULL where no share count was known.
-- @abnormal_market_value_lost_text: abnormal_market_value_lost_usd in billions.
-- @hardest_hit_ticker: Of the listing that lost most beyond what the market explains; NULL where
-- none has a known value.
-- @hardest_hit_label: Its name and ticker.
-- @n_articles: Articles that tell of it; 0 where there are none. [articles]
-- @n_claims: Claims of those articles; 0 where there are none. [claims]
-- @n_supported: Claims that the prices bear out as stated. [claims]
-- @data_note: Whether the event rests on real bars alone or partly on simulated ones.
-- @is_latest: True for one event, the newest; of one day the one furthest beyond its threshold.
/* Format characters go: one of them turns the text after it round (U+202E). */
SELECT
  e.event_id,
  strftime(e.session_date, '%Y-%m-%d')
  || CASE
    WHEN e.last_session_date > e.session_date
    THEN strftime(e.last_session_date, ' to %Y-%m-%d')
    ELSE ''
  END
  || ': ' || replace(e.scope, '_', '-') || ' sell-off, ' || e.region
  || coalesce(
    ' (' || regexp_replace(coalesce(e.event_name, e.origin_sector), '\p{Cf}', '', 'g') || ')', ''
  ) AS event_title,
  e.session_date,
  e.last_session_date,
  e.region,
  e.scope,
  e.status,
  e.origin_sector,
  e.hardest_hit_sector,
  e.market,
  e.market_return,
  format('{:+.2f}%', 100 * e.market_return) AS market_return_text,
  e.market_severity,
  e.sector_severity,
  e.n_falling,
  e.n_listings,
  format('{:d} of {:d}', e.n_falling, e.n_listings) AS firms_fallen_text,
  e.breadth,
  e.market_value_lost_usd,
  format('{:,.1f} bn USD', e.market_value_lost_usd / 1e9) AS market_value_lost_text,
  e.abnormal_market_value_lost_usd,
  format('{:,.1f} bn USD', e.abnormal_market_value_lost_usd / 1e9)
    AS abnormal_market_value_lost_text,
  i.ticker AS hardest_hit_ticker,
  regexp_replace(i.name, '\p{Cf}', '', 'g') || ' (' || i.ticker || ')' AS hardest_hit_label,
  coalesce(v.n_articles, 0) AS n_articles,
  coalesce(v.n_claims, 0) AS n_claims,
  coalesce(v.n_supported, 0) AS n_supported,
  CASE
    WHEN e.has_simulated_inputs
    THEN 'event-day prices real; history before 2025-01-17 simulated'
    ELSE 'all prices as delivered'
  END AS data_note,
  row_number() OVER (
    ORDER BY e.session_date DESC, e.threshold_multiple DESC NULLS LAST, e.event_id
  ) = 1 AS is_latest,
  e.as_of
FROM mart.selloff_events AS e
LEFT JOIN core.instruments AS i ON i.listing_id = e.worst_listing_id
LEFT JOIN mart.event_coverage AS v ON v.event_id = e.event_id
WHERE e.status <> 'withdrawn'
ORDER BY e.session_date DESC, e.threshold_multiple DESC NULLS LAST, e.event_id
