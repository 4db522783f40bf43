-- One row per sell-off that still stands and listing, newest event first, in each the deepest fall
-- first: figures as numbers, and beside each the same as text.
-- @event_title: The event's title, as in mart.event_list.
-- @label: Name and ticker.
-- @sector: GICS sector; `no sector` where it is not known or there is none.
-- @fall_rank: Place by return among the event's listings of the same asset class; 1 fell deepest.
-- @simple_return_text: simple_return as percent.
-- @abnormal_return_text: abnormal_return with its sign, in log points.
-- @abnormal_z_text: abnormal_z with one decimal.
-- @drawdown_text: drawdown as percent.
-- @market_value_lost_text: market_value_lost_usd in billions.
-- @abnormal_market_value_lost_text: abnormal_market_value_lost_usd in billions.
-- @peak_to_trough_market_value_lost_text: peak_to_trough_market_value_lost_usd in billions.
-- @rebound_return_text: rebound_return as percent.
-- @trough_return_text: trough_return as percent.
-- @recovery_text: Sessions until the whole fall was regained, or that it is not yet.
-- @quality_text: What is to be known of the bars behind the row; empty where nothing.
-- @data_note: Whether the row rests on real bars alone or partly on simulated ones.
-- @is_latest_event: True for the rows of the newest event.
/* Format characters go: one of them turns the text after it round (U+202E). */
SELECT
  l.event_id,
  e.event_title,
  l.ticker,
  regexp_replace(l.name, '\p{Cf}', '', 'g') || ' (' || l.ticker || ')' AS label,
  coalesce(l.sector, 'no sector') AS sector,
  l.region,
  l.asset_class,
  l.session_date,
  rank() OVER (
    PARTITION BY l.event_id, l.asset_class ORDER BY l.simple_return NULLS LAST
  ) AS fall_rank,
  l.simple_return,
  format('{:+.2f}%', 100 * l.simple_return) AS simple_return_text,
  l.abnormal_return,
  format('{:+.3f}', l.abnormal_return) AS abnormal_return_text,
  l.abnormal_z,
  format('{:+.1f}', l.abnormal_z) AS abnormal_z_text,
  l.return_severity,
  l.drawdown,
  format('{:+.1f}%', 100 * l.drawdown) AS drawdown_text,
  l.market_value_lost_usd,
  format('{:,.1f} bn USD', l.market_value_lost_usd / 1e9) AS market_value_lost_text,
  l.abnormal_market_value_lost_usd,
  format('{:,.1f} bn USD', l.abnormal_market_value_lost_usd / 1e9)
    AS abnormal_market_value_lost_text,
  l.peak_to_trough_market_value_lost_usd,
  format('{:,.1f} bn USD', l.peak_to_trough_market_value_lost_usd / 1e9)
    AS peak_to_trough_market_value_lost_text,
  l.rebound_return,
  format('{:+.2f}%', 100 * l.rebound_return) AS rebound_return_text,
  l.trough_date,
  l.trough_return,
  format('{:+.2f}%', 100 * l.trough_return) AS trough_return_text,
  l.days_to_recover_half,
  l.days_to_recover,
  CASE
    WHEN l.simple_return IS NULL THEN NULL
    WHEN l.days_to_recover = 0 THEN 'did not fall'
    WHEN l.days_to_recover = 1 THEN 'in 1 session'
    WHEN l.days_to_recover IS NOT NULL THEN format('in {:d} sessions', l.days_to_recover)
    ELSE strftime(l.observed_through, 'open on %Y-%m-%d')
  END AS recovery_text,
  l.observed_through,
  concat_ws(
    ', ',
    CASE WHEN l.n_flagged > 0 THEN format('{:d} flagged', l.n_flagged) END,
    CASE WHEN l.n_quarantined > 0 THEN format('{:d} quarantined', l.n_quarantined) END
  ) AS quality_text,
  l.is_counted,
  l.data_note,
  e.is_latest AS is_latest_event,
  l.as_of
FROM mart.event_losses AS l
JOIN mart.event_list AS e USING (event_id)
ORDER BY
  e.session_date DESC, NOT e.is_latest, l.event_id, l.simple_return NULLS LAST, l.ticker
