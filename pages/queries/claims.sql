SELECT c.article_id, c.ticker, c.name, c.metric, c.period, c.sentence, c.verdict, c.reading,
  c.claimed_low, c.claimed_high, c.observed, c.unit, c.reason, c.as_of,
  count(*) OVER () AS n_all
FROM mart.article_claims AS c
JOIN core.claims AS k ON k.claim_id = c.claim_id
JOIN mart.event_articles AS s ON s.article_id = c.article_id
WHERE s.event_id = $event
ORDER BY c.published_at, c.article_id, k.start_offset, c.claim_id LIMIT 400
