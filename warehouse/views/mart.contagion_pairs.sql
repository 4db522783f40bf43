-- One row per event, set of series and ordered pair: whether the two moved closer than the source's
-- variance explains, and what one receives of the other's shocks, in columns side by side.
-- `has_moved_closer`: the shift is a rise, and significant among all pairs of the set (false
-- discovery rate 5%; NULL where the source's variance did not rise); `pair_shift_detectable` is the
-- smallest rise that Forbes and Rigobon's test finds in four cases of five: smaller ones may pass
-- unseen. The sessions after begin with the event's first, up to 21.
-- Spillovers after are those of the 100 sessions that end with them, most of which lie before it.
-- @event_session_date: First session of the event, in the calendar of its region.
-- @pair_correlation_before: Correlation of the two over up to 250 sessions before the event.
-- [correlation]
-- @pair_correlation_after: The same over up to 21 sessions from the event's first on.
-- [correlation]
-- @pair_correlation_shift: The rise, after adjusting for that of the source's variance; negative
-- where they moved apart. [correlation]
-- @pair_shift_p_value: One-sided probability of such a rise, for the false discovery rate among
-- all pairs of the set; NULL where the source's variance did not rise. [fraction]
-- @pair_shift_detectable: Rise that the test finds in four cases of five: a smaller one may pass
-- unseen. [correlation]
-- @has_moved_closer: True where the shift is a rise and significant at a false discovery rate of
-- 5%.
-- @n_before_shift: Sessions before the event that the shift is computed from. [sessions]
-- @n_after_shift: Sessions from the event's first on that it is computed from. [sessions]
-- @spillover_share_before: Share of the target's forecast error variance that came from the
-- source's shocks in the 100 sessions before. [fraction]
-- @spillover_share_after: The same in the 100 sessions that end with the sessions after.
-- [fraction]
-- @net_pairwise_before: spillover_share_before less that of the opposite direction. [fraction]
-- @net_pairwise_after: spillover_share_after less that of the opposite direction. [fraction]
-- @prediction: Statistic of the test whether the source's past predicts the target beyond its
-- own (Granger). [ratio]
-- @adjusted_prediction_p_value: Probability of such a statistic without prediction, for the
-- false discovery rate among all pairs of the set. [fraction]
-- @delta_covar_before: How much deeper the target's tail lies when the source is in its own,
-- before the event (delta CoVaR). [log points]
SELECT
  m.event_id,
  e.session_date AS event_session_date,
  m.series_set,
  m.level,
  m.source_name,
  m.target_name,
  m.is_origin,
  max(m.value) FILTER (m.measure = 'correlation' AND m.period = 'before') AS pair_correlation_before,
  max(m.value) FILTER (m.measure = 'correlation' AND m.period = 'after') AS pair_correlation_after,
  max(m.value) FILTER (m.measure = 'correlation_shift') AS pair_correlation_shift,
  max(m.adjusted_p_value) FILTER (m.measure = 'correlation_shift') AS pair_shift_p_value,
  max(m.detectable) FILTER (m.measure = 'correlation_shift') AS pair_shift_detectable,
  pair_correlation_shift > 0 AND pair_shift_p_value <= 0.05 AS has_moved_closer,
  max(m.n_before) FILTER (m.measure = 'correlation_shift') AS n_before_shift,
  max(m.n_observations) FILTER (m.measure = 'correlation_shift') AS n_after_shift,
  max(m.value) FILTER (m.measure = 'spillover_share' AND m.period = 'before')
    AS spillover_share_before,
  max(m.value) FILTER (m.measure = 'spillover_share' AND m.period = 'after')
    AS spillover_share_after,
  max(m.value) FILTER (m.measure = 'net_pairwise' AND m.period = 'before') AS net_pairwise_before,
  max(m.value) FILTER (m.measure = 'net_pairwise' AND m.period = 'after') AS net_pairwise_after,
  max(m.value) FILTER (m.measure = 'granger') AS prediction,
  max(m.adjusted_p_value) FILTER (m.measure = 'granger') AS adjusted_prediction_p_value,
  max(m.value) FILTER (m.measure = 'delta_covar') AS delta_covar_before,
  max(m.observed_through) AS observed_through,
  bool_or(m.has_simulated_inputs) AS has_simulated_inputs,
  max(m.as_of) AS as_of
FROM mart.contagion_measures AS m
JOIN mart.selloff_events AS e USING (event_id)
WHERE m.source_name <> m.target_name
GROUP BY ALL
ORDER BY
  m.event_id, m.series_set, m.is_origin DESC, pair_shift_p_value, m.source_name, m.target_name
