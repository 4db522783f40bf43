-- One row per event and listing, worst first, ready to chart: names beside the figures.
-- `data_note` says whether the row rests on real bars alone or partly on simulated ones.
-- @event_session_date: First session of the event, in the calendar of its region.
-- @data_note: Whether the row rests on real bars alone or partly on simulated ones.
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
  m.return_severity,
  m.drawdown,
  m.market_value_lost_usd,
  m.abnormal_market_value_lost_usd,
  l.rank_in_listing_so_far,
  l.rank_in_history_so_far,
  m.rebound_return,
  m.trough_date,
  m.trough_return,
  m.peak_to_trough_market_value_lost_usd,
  m.days_to_recover_half,
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
LEFT JOIN mart.market_value_losses AS l
  ON l.listing_id = m.listing_id AND l.session_date = m.session_date
ORDER BY m.event_id, m.simple_return
