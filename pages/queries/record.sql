-- How far the record of losses goes back before the event: a rank without that says nothing.
SELECT min(l.session_date) AS since, count(*) AS n_losses
FROM mart.market_value_losses AS l
JOIN mart.selloff_events AS e ON l.session_date < e.session_date
WHERE e.event_id = $event
