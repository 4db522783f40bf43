-- The newest sell-off that still stands, one row with the columns of mart.event_list; none before
-- the first.
SELECT * FROM mart.event_list WHERE is_latest
