-- Every loss of market value with its rank in all of a history, as the last session sees it: the
-- largest loss on record has `rank_in_history = 1`. A rank as of its day is in the table itself.
-- @rank_in_listing: Rank among all losses of the listing, up to `observed_through`; 1 is the largest.
-- @rank_in_region: Rank among all losses of firms of the region; NULL where the row is not counted.
-- @rank_in_history: Rank among all losses of all firms; NULL where the row is not counted.
-- @observed_through: Last session that the ranks in all of a history have seen.
SELECT
  l.*,
  rank() OVER (PARTITION BY l.listing_id ORDER BY l.market_value_lost_usd DESC) AS rank_in_listing,
  CASE
    WHEN l.is_counted
    THEN rank() OVER (PARTITION BY l.is_counted, l.region ORDER BY l.market_value_lost_usd DESC)
  END AS rank_in_region,
  CASE
    WHEN l.is_counted
    THEN rank() OVER (PARTITION BY l.is_counted ORDER BY l.market_value_lost_usd DESC)
  END AS rank_in_history,
  (SELECT max(session_date) FROM core.abnormal_returns) AS observed_through
FROM mart.market_value_losses AS l
