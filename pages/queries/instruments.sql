-- The largest losses of value and the most unusual falls, as many as a page holds.
SELECT *, count(*) OVER () AS n_instruments
FROM mart.event_losses
WHERE event_id = $event
QUALIFY
  row_number() OVER (ORDER BY market_value_lost_usd DESC NULLS LAST, simple_return, ticker)
    <= $most // 2
  OR row_number() OVER (ORDER BY abnormal_z NULLS LAST, simple_return, ticker) <= $most // 2
ORDER BY simple_return, ticker
LIMIT $most
