-- The way of those that lost most: the event's close, the lowest, and the last close known.
SELECT m.ticker, i.name, m.session_date, m.simple_return, m.rebound_return, m.trough_date,
  m.trough_return, m.days_to_recover_half, m.days_to_recover, m.observed_through, m.drawdown,
  (
    -- Up to the first session, if any, whose prices are on another basis.
    SELECT arg_max(p.close, p.session_date) / m.previous_close - 1 FROM core.daily_prices AS p
    WHERE p.listing_id = m.listing_id AND NOT EXISTS (
      FROM core.daily_prices AS u
      WHERE u.listing_id = p.listing_id AND u.quality_flags LIKE '%unapplied_split%'
        AND u.session_date > m.session_date AND u.session_date <= p.session_date
    )
  ) AS last_return,
  m.as_of
FROM mart.selloff_metrics AS m
JOIN core.instruments AS i USING (listing_id)
WHERE m.event_id = $event AND i.asset_class = 'equity' AND m.simple_return < 0
  AND m.trough_return IS NOT NULL
ORDER BY m.market_value_lost_usd DESC NULLS LAST, m.simple_return, m.ticker
LIMIT 12
