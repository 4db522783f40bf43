FROM mart.event_contagion WHERE event_id = $event ORDER BY hit_rank NULLS LAST, sector
