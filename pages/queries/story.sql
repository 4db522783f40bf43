FROM mart.event_stories WHERE event_id = $event
