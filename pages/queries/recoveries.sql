-- The way of those that lost most: the event's close, the lowest, and the last close known.
WITH fell AS (
  SELECT m.*, i.name
  FROM mart.selloff_metrics AS m
  JOIN core.instruments AS i USING (listing_id)
  WHERE m.event_id = $event AND i.asset_class = 'equity' AND m.simple_return < 0
    AND m.trough_return IS NOT NULL
  ORDER BY m.market_value_lost_usd DESC NULLS LAST, m.simple_return, m.ticker
  LIMIT 12
), bars AS (
  -- Of these few alone: asked of every listing of the event, twenty years took 14 s a page.
  SELECT p.listing_id, p.session_date, p.close,
    p.session_date > f.session_date AND p.quality_flags LIKE '%unapplied_split%' AS is_rebased
  FROM core.daily_prices AS p JOIN fell AS f USING (listing_id)
  WHERE p.session_date >= (SELECT min(session_date) FROM fell) AND p.session_date >= f.session_date
), bases AS (
  -- Up to the first session, if any, whose prices are on another basis.
  SELECT listing_id, min(session_date) FILTER (is_rebased) AS rebased_on FROM bars GROUP BY ALL
), ends AS (
  SELECT listing_id, arg_max(close, session_date) AS last_close
  FROM bars JOIN bases USING (listing_id)
  WHERE rebased_on IS NULL OR session_date < rebased_on GROUP BY ALL
)
SELECT f.ticker, f.name, f.session_date, f.simple_return, f.rebound_return, f.trough_date,
  f.trough_return, f.days_to_recover_half, f.days_to_recover, f.observed_through, f.drawdown,
  e.last_close / f.previous_close - 1 AS last_return, f.as_of
FROM fell AS f LEFT JOIN ends AS e USING (listing_id)
ORDER BY f.market_value_lost_usd DESC NULLS LAST, f.simple_return, f.ticker
