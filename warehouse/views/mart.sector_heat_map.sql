-- One row per sell-off that still stands, sector of its region and session around it (-5 to +20, or
-- as far as bars reach): how abnormally its members moved, in the mean and added up from the event
-- on. Expected is what the market model frozen before the event says: the model that moves with the
-- days would take the fall itself for usual.
-- @event_title: The event's title, as in mart.event_list.
-- @sector: GICS sector of the event's region.
-- @abnormal_return: Mean over the sector's members of the log return less the expectation of the
-- model frozen before the event; NULL without a market return. [log points]
-- @day_text: day with its sign.
-- @abnormal_return_text: abnormal_return with its sign, in log points.
-- @cumulative_abnormal_return_text: cumulative_abnormal_return with its sign, in log points.
-- @is_latest_event: True for the rows of the newest event.
SELECT
  p.event_id,
  e.event_title,
  p.group_name AS sector,
  p.day,
  format('{:+d}', p.day) AS day_text,
  p.session_date,
  p.n_listings,
  p.abnormal_return,
  format('{:+.3f}', p.abnormal_return) AS abnormal_return_text,
  p.cumulative_abnormal_return,
  format('{:+.3f}', p.cumulative_abnormal_return) AS cumulative_abnormal_return_text,
  p.n_flagged,
  p.has_simulated_inputs,
  e.is_latest AS is_latest_event,
  p.as_of
FROM mart.car_paths AS p
JOIN mart.event_list AS e USING (event_id)
WHERE p.grouping = 'sector' AND p.day BETWEEN -5 AND 20
ORDER BY e.session_date DESC, NOT e.is_latest, p.event_id, p.group_name, p.day
