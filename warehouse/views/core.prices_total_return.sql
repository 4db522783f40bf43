-- Prices of a total return: adjusted for every split known and every dividend since, reinvested at
-- the close before its ex-date. `dividend_factor` is ours, `vendor_factor` is adj_close / close of
-- the vendor: where they differ, one of them does not know a dividend.
-- @dividend_factor: Product over the later dividends of 1 - amount / close before; makes a bar
-- one of a total return. [factor]
-- @vendor_factor: adj_close / close as the vendor delivered them. [factor]
SELECT
  listing_id,
  p.ticker,
  session_date,
  p.open * f.dividend_factor AS open,
  p.high * f.dividend_factor AS high,
  p.low * f.dividend_factor AS low,
  p.close * f.dividend_factor AS close,
  p.currency,
  p.source,
  p.quality_flags,
  f.dividend_factor,
  f.vendor_factor,
  p.as_of
FROM core.daily_prices AS p
JOIN core.adjustment_factors AS f USING (listing_id, session_date)
