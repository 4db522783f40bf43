-- In the order of the closes, all regions: who was falling at each.
SELECT closed_at, region, count(*) AS n_falls, min(abnormal_z) AS lowest_z,
  list(ticker ORDER BY abnormal_z, ticker)[:12] AS tickers, max(as_of) AS as_of,
  count(*) OVER () AS n_all
FROM mart.contagion_paths WHERE event_id = $event
GROUP BY ALL ORDER BY closed_at, region LIMIT 12
