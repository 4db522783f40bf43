SELECT bool_or(is_simulated) AS is_simulated,
  min(session_date) FILTER (NOT is_simulated) AS real_from
FROM core.daily_prices
