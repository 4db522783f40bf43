SELECT grouping, group_name, window_start, window_end, test, mean_abnormal, statistic, p_value,
  adjusted_p_value, n, note, observed_through, as_of
FROM mart.event_study_tests
WHERE event_id = $event AND is_headline AND measure = 'return' AND model = 'market_model'
  AND grouping IN ('region', 'sector') AND statistic IS NOT NULL
  AND (window_start, window_end) IN ((0, 0), (0, 1), (0, 5))
ORDER BY grouping, group_name, window_start, window_end, test DESC
