-- Prices and volumes as they were on the day, in the shares of the day: adjusted for nothing.
SELECT
  listing_id,
  p.ticker,
  session_date,
  p.open * f.split_ratio_after AS open,
  p.high * f.split_ratio_after AS high,
  p.low * f.split_ratio_after AS low,
  p.close * f.split_ratio_after AS close,
  p.volume / f.split_ratio_after AS volume,
  p.currency,
  p.source,
  p.quality_flags,
  f.split_ratio_after,
  p.as_of
FROM core.daily_prices AS p
JOIN core.adjustment_factors AS f USING (listing_id, session_date)
