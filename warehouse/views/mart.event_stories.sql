-- One row per event that articles tell of: what it was, how it was reported, and what of that
-- the prices bear out.
-- @first_source: Publisher of the first article to name one of its listings.
-- @first_title: Its headline.
-- @first_location: Its address or file.
-- @n_supported: Claims of its articles that the prices bear out as stated. [claims]
-- @n_articles: Articles that tell of it. [articles]
SELECT
  e.event_id,
  e.session_date,
  e.region,
  e.scope,
  e.event_name,
  v.n_articles,
  v.n_independent_sources,
  v.first_mentioned_at,
  v.hours_before_start,
  a.source AS first_source,
  a.title AS first_title,
  a.location AS first_location,
  v.n_claims,
  v.n_supported,
  v.mean_tone,
  v.summary,
  v.summary_references,
  v.as_of
FROM mart.event_coverage AS v
JOIN mart.selloff_events AS e USING (event_id)
JOIN raw.articles AS a ON a.article_id = v.first_article_id
ORDER BY e.session_date, e.event_id
