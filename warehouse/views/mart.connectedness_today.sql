-- One row per set of series and window: how connected it was in its newest session, and where that
-- stands in its own past. `percentile` is the share of the sessions so far, with as many series and
-- as long a window, whose corrected total was no higher; NULL before 60 of them. Totals of windows
-- of different length or number of series do not compare: independent series have one above 0, the
-- higher the fewer sessions each has.
-- @percentile: Share of the sessions so far, with as many series and as long a window, whose
-- corrected total was no higher; NULL before 60 of them. [fraction]
-- @n_past: Sessions it was ranked among, the newest included. [sessions]
WITH past AS (
  SELECT
    n.series_set,
    n.window_rows,
    count(t.corrected_total) AS n_past,
    count(*) FILTER (t.corrected_total <= n.corrected_total) AS n_lower
  FROM mart.connectedness_through_time AS n
  JOIN mart.connectedness_through_time AS t USING (series_set, window_rows, n_series)
  WHERE n.is_newest
  GROUP BY ALL
)
SELECT
  n.series_set,
  n.level,
  n.window_rows,
  n.session_date,
  n.window_from,
  n.n_series,
  n.total,
  n.corrected_total,
  CASE WHEN p.n_past >= 60 THEN p.n_lower / p.n_past END AS percentile,
  p.n_past,
  n.strongest_sender,
  n.strongest_sender_net,
  n.strongest_receiver,
  n.strongest_receiver_net,
  n.is_stable,
  n.has_simulated_inputs,
  n.as_of
FROM mart.connectedness_through_time AS n
JOIN past AS p USING (series_set, window_rows)
WHERE n.is_newest
ORDER BY n.series_set, n.window_rows DESC
