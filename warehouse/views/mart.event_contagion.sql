-- One row per event and sector of its region, hardest hit first: who was the source, who was hit,
-- when it first fell, and whether it moved closer to the source; names beside the figures.
-- Net spillover is what the sector sends to the other sectors less what it receives, in the 100
-- sessions before the event and in the 100 that end 20 sessions after its first. Correlations are
-- those with the source in mart.contagion_pairs: up to 250 sessions before, 21 from the first on;
-- NULL for the source itself, and where too little is known. Both are of sectors, equally weighted.
-- @event_session_date: First session of the event, in the calendar of its region.
-- @adjusted_p_value: Probability of such a mean abnormal return if the event did nothing to the
-- sector, for the false discovery rate among the event's sectors. [fraction]
-- @hardest_hit_ticker: Symbol of the member with the lowest abnormal z.
-- @hardest_hit_name: Its issuer.
-- @pair_correlation_before: Correlation with the source over up to 250 sessions before the
-- event; NULL for the source itself. [correlation]
-- @pair_correlation_after: The same over up to 21 sessions from the event's first on.
-- [correlation]
-- @has_moved_closer: True where correlation_shift is a rise and significant at a false discovery
-- rate of 5%.
-- @data_note: Whether the row rests on real bars alone or partly on simulated ones.
WITH nets AS (
  SELECT
    event_id,
    series_set,
    source_name,
    max(value) FILTER (period = 'before') AS net_spillover_before,
    max(value) FILTER (period = 'after') AS net_spillover_after
  FROM mart.contagion_measures
  WHERE measure = 'net'
  GROUP BY ALL
)
SELECT
  s.event_id,
  e.session_date AS event_session_date,
  e.region,
  e.scope,
  e.status,
  s.sector,
  s.role,
  s.hit_rank,
  s.n_members,
  s.mean_abnormal_return,
  s.value_weighted_abnormal_return,
  s.adjusted_p_value,
  s.abnormal_market_value_lost_usd,
  i.ticker AS hardest_hit_ticker,
  i.name AS hardest_hit_name,
  s.hardest_hit_abnormal_z,
  s.first_falling_at,
  s.first_falling_region,
  n.net_spillover_before,
  n.net_spillover_after,
  p.pair_correlation_before,
  p.pair_correlation_after,
  p.pair_correlation_shift AS correlation_shift,
  p.pair_shift_p_value AS correlation_shift_p_value,
  p.pair_shift_detectable AS correlation_shift_detectable,
  p.has_moved_closer,
  s.observed_through,
  s.n_flagged,
  s.n_quarantined,
  CASE
    WHEN s.has_simulated_inputs
    THEN 'event-day prices real; history before 2025-01-17 simulated'
    ELSE 'all prices as delivered'
  END AS data_note,
  greatest(s.as_of, coalesce(p.as_of, s.as_of)) AS as_of
FROM mart.sector_contagion AS s
JOIN mart.selloff_events AS e USING (event_id)
LEFT JOIN core.instruments AS i ON i.listing_id = s.hardest_hit_listing_id
LEFT JOIN nets AS n
  ON n.event_id = s.event_id
  AND n.series_set = e.region || ' sectors'
  AND n.source_name = s.sector
LEFT JOIN mart.contagion_pairs AS p
  ON p.event_id = s.event_id
  AND p.series_set = e.region || ' sectors'
  AND p.is_origin
  AND p.target_name = s.sector
ORDER BY s.event_id, s.hit_rank, s.sector
