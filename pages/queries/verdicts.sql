SELECT count(*) AS n_claims,
  count(*) FILTER (c.verdict = 'supported') AS supported,
  count(*) FILTER (c.verdict = 'supported_other_reading') AS supported_other_reading,
  count(*) FILTER (c.verdict = 'contradicted') AS contradicted,
  count(*) FILTER (c.verdict = 'not_verifiable') AS not_verifiable,
  count(DISTINCT s.article_id) AS n_articles
FROM mart.event_articles AS s
LEFT JOIN mart.claim_checks AS c USING (article_id)
WHERE s.event_id = $event
