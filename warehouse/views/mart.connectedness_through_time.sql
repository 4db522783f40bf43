-- One row per set of series, window and session: how much of the series' variance came from each
-- other, and which of them sent most. Totals of windows of different length or number of series do
-- not compare.
-- @series_label: The set of series and the length of its window, as a chart names the line.
-- @total: Mean over the series of what each receives from the others; NULL where the window's
-- regressions have no solution. [fraction]
-- @corrected_total: The same where 1 is the most possible for so many series. [fraction]
-- @corrected_total_text: corrected_total as percent.
-- @strongest_sender: Series that sends most to the others, less what it receives.
-- @strongest_sender_net: What it sends less what it receives. [fraction]
-- @strongest_receiver: Series that receives most from the others, less what it sends.
-- @strongest_receiver_net: What it sends less what it receives; negative. [fraction]
-- @is_newest: True for the newest session of the set and window.
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
  t.series_set,
  format('{}, {:d} sessions', t.series_set, t.window_rows) AS series_label,
  t.level,
  t.window_rows,
  t.session_date,
  t.window_from,
  t.n_series,
  t.total,
  t.corrected_total,
  format('{:.1f}%', 100 * t.corrected_total) AS corrected_total_text,
  n.strongest_sender,
  n.strongest_sender_net,
  n.strongest_receiver,
  n.strongest_receiver_net,
  t.session_date = max(t.session_date) OVER (PARTITION BY t.series_set, t.window_rows)
    AS is_newest,
  t.is_stable,
  t.has_simulated_inputs,
  t.as_of
FROM totals AS t
LEFT JOIN nets AS n USING (series_set, window_rows, session_date)
ORDER BY t.series_set, t.window_rows DESC, t.session_date
