-- One row per event and listing, worst first, ready to chart: names beside the figures.
-- `data_note` says whether the row rests on real bars alone or partly on simulated ones.
SELECT
  m.event_id,
  e.session_date AS event_session_date,
  e.scope,
  e.status,
  m.ticker,
  i.name,
  m.sector,
  m.region,
  i.asset_class,
  m.session_date,
  m.simple_return,
  m.abnormal_return,
  m.abnormal_z,
  m.drawdown,
  m.market_value_lost_usd,
  m.days_to_recover,
  m.observed_through,
  m.n_flagged,
  m.n_quarantined,
  m.is_counted,
  CASE
    WHEN m.has_simulated_inputs
    THEN 'event-day prices real; history before 2025-01-17 simulated'
    ELSE 'all prices as delivered'
  END AS data_note,
  m.as_of
FROM mart.selloff_metrics AS m
JOIN mart.selloff_events AS e USING (event_id)
JOIN core.instruments AS i USING (listing_id)
ORDER BY m.event_id, m.simple_return
