-- One row per set of series and window: how connected it was in its newest session, and where that
-- stands in its own past. `percentile` is the share of the sessions so far, with as many series and
-- as long a window, whose corrected total was no higher; NULL before 60 of them. Totals of windows
-- of different length or number of series do not compare: independent series have one above 0, the
-- higher the fewer sessions each has.
WITH totals AS (
  SELECT
    series_set,
    level,
    window_rows,
    session_date,
    window_from,
    n_series,
    is_stable,
    max(value) FILTER (measure = 'total') AS total,
    max(value) FILTER (measure = 'corrected_total') AS corrected_total,
    bool_or(has_simulated_inputs) AS has_simulated_inputs,
    max(as_of) AS as_of
  FROM mart.connectedness
  WHERE
    model = 'var' AND decomposition = 'generalized' AND measure IN ('total', 'corrected_total')
  GROUP BY ALL
),
newest AS (
  FROM totals
  QUALIFY session_date = max(session_date) OVER (PARTITION BY series_set, window_rows)
),
past AS (
  SELECT
    n.series_set,
    n.window_rows,
    count(t.corrected_total) AS n_past,
    count(*) FILTER (t.corrected_total <= n.corrected_total) AS n_lower
  FROM newest AS n
  JOIN totals AS t USING (series_set, window_rows, n_series)
  GROUP BY ALL
),
nets AS (
  SELECT
    series_set,
    window_rows,
    session_date,
    arg_max(series_name, value) AS strongest_sender,
    max(value) AS strongest_sender_net,
    arg_min(series_name, value) AS strongest_receiver,
    min(value) AS strongest_receiver_net
  FROM mart.connectedness
  WHERE model = 'var' AND decomposition = 'generalized' AND measure = 'net'
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
  s.strongest_sender,
  s.strongest_sender_net,
  s.strongest_receiver,
  s.strongest_receiver_net,
  n.is_stable,
  n.has_simulated_inputs,
  n.as_of
FROM newest AS n
JOIN past AS p USING (series_set, window_rows)
LEFT JOIN nets AS s USING (series_set, window_rows, session_date)
ORDER BY n.series_set, n.window_rows DESC
