-- One row per claim, ready to read: the sentence, the verdict, and where it was published.
-- `first_article_id` tells near copies of one text apart from texts of their own.
-- @sentence: The sentence that states it.
SELECT
  k.published_at,
  k.source,
  a.title,
  a.location,
  k.ticker,
  i.name,
  k.metric,
  c.direction,
  c.magnitude_low,
  c.magnitude_high,
  k.unit,
  c.qualifier,
  k.period,
  k.claimed_on,
  k.verdict,
  k.reading,
  k.claimed_low,
  k.claimed_high,
  k.observed,
  k.session_date,
  k.from_session_date,
  k.shares_outstanding,
  k.reason,
  substring(a.text, c.sentence_start + 1, c.sentence_end - c.sentence_start) AS sentence,
  c.confidence,
  c.is_ambiguous,
  k.claim_id,
  k.article_id,
  d.first_article_id,
  d.n_copies,
  k.as_of
FROM mart.claim_checks AS k
JOIN core.claims AS c USING (claim_id)
JOIN raw.articles AS a ON a.article_id = k.article_id
JOIN core.documents AS d ON d.article_id = k.article_id
JOIN core.instruments AS i ON i.listing_id = k.listing_id
ORDER BY k.published_at, k.article_id, c.start_offset
