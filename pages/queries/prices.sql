-- The market and the equities that lost most, as fractions of the last close before the event.
WITH worst AS (
  SELECT m.listing_id, m.ticker, m.session_date AS event_date, m.previous_close,
    row_number() OVER (
      ORDER BY m.market_value_lost_usd DESC NULLS LAST, m.simple_return, m.ticker
    ) AS place
  FROM mart.selloff_metrics AS m
  JOIN core.instruments AS i USING (listing_id)
  WHERE m.event_id = $event AND i.asset_class = 'equity' AND m.previous_close > 0
    AND m.simple_return < 0 AND (m.is_counted OR m.market_value_lost_usd IS NULL)
),
market AS (
  SELECT i.listing_id, i.ticker, e.session_date AS event_date,
    (
      SELECT arg_max(p.close, p.session_date) FROM core.daily_prices AS p
      WHERE p.listing_id = i.listing_id AND p.session_date < e.session_date
        AND p.session_date >= e.session_date - 60  -- as far back as is drawn
    ) AS previous_close,
    0 AS place
  FROM mart.selloff_events AS e
  JOIN core.instruments AS i ON i.ticker = e.market
  WHERE e.event_id = $event
),
chosen AS (
  SELECT * FROM market WHERE previous_close > 0
  UNION ALL
  SELECT * FROM worst WHERE place <= 6 AND ticker NOT IN (SELECT ticker FROM market)
),
numbered AS (
  SELECT c.ticker, c.place, p.session_date, p.close / c.previous_close - 1 AS change, p.as_of,
    row_number() OVER (PARTITION BY c.ticker ORDER BY p.session_date) AS n,
    p.session_date >= c.event_date AS is_after
  FROM chosen AS c
  JOIN core.daily_prices AS p USING (listing_id)
  WHERE p.session_date BETWEEN c.event_date - 60 AND c.event_date + 60
    -- Bounds of the whole event too: by them the engine passes over the other years.
    AND p.session_date >= (SELECT min(event_date) FROM chosen) - 60
    AND p.session_date <= (SELECT max(event_date) FROM chosen) + 60
)
SELECT ticker, place, session_date, change, as_of,
  n - min(n) FILTER (is_after) OVER (PARTITION BY ticker) AS session
FROM numbered
QUALIFY session BETWEEN -15 AND 20
ORDER BY place, session
