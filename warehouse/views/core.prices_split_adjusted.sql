-- Prices in the shares of the newest session: adjusted for every split known, for no dividend.
SELECT
  listing_id,
  ticker,
  session_date,
  open,
  high,
  low,
  close,
  volume,
  currency,
  source,
  quality_flags,
  as_of
FROM core.daily_prices
