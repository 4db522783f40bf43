SELECT a.article_id, a.title, a.source, a.author, a.location, a.published_at, s.hours_after_start,
  d.first_article_id <> a.article_id AS is_copy,
  count(*) OVER () AS n_all
FROM mart.event_articles AS s
JOIN raw.articles AS a USING (article_id)
JOIN core.documents AS d USING (article_id)
WHERE s.event_id = $event
ORDER BY a.published_at, a.article_id LIMIT 40
