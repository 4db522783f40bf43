-- One row per claim of an article, newest first, ready to list: the verdict in words, what was
-- claimed and what the prices say as text, the sentence, and where it was published. Sentences,
-- titles and addresses are the publisher's own text: show them as text, never as HTML.
-- @published_text: When it was published, UTC; only the day where no time of day is known.
-- @label: Name and ticker of what it speaks of.
-- @metric_text: What the claim is about, in words.
-- @verdict_text: What the prices say of it, in words.
-- @reading_text: The reading of its words that the prices bear out, where not the one as stated.
-- @claimed_text: The figure as claimed, with its words of vagueness.
-- @observed: What the prices say, in `unit`, signed; NULL where they say nothing. [`unit`]
-- @observed_text: The same as text.
-- @location: Address or file of the article.
-- @sentence: The sentence that states it.
-- @n_copies: Articles with the same text, this one included. [articles]
/* Format characters go: one of them turns the text after it round (U+202E). */
WITH figures AS (
  SELECT
    *,
    CASE
      WHEN unit = 'fraction' THEN 100.0
      WHEN metric LIKE 'market_value%' THEN 1e-9
      ELSE 1.0
    END AS scale,
    CASE
      WHEN unit = 'fraction' THEN '%'
      WHEN metric LIKE 'market_value%' THEN ' bn ' || unit
      ELSE ' ' || unit
    END AS suffix
  FROM mart.article_claims
)
SELECT
  published_at,
  CASE
    WHEN published_at::TIME = TIME '00:00' THEN strftime(published_at, '%Y-%m-%d')
    ELSE strftime(published_at, '%Y-%m-%d %H:%M')
  END AS published_text,
  regexp_replace(source, '\p{Cf}', '', 'g') AS source,
  regexp_replace(title, '\p{Cf}', '', 'g') AS title,
  regexp_replace(location, '\p{Cf}', '', 'g') AS location,
  ticker,
  regexp_replace(name, '\p{Cf}', '', 'g') || ' (' || ticker || ')' AS label,
  metric,
  replace(metric, '_', ' ') AS metric_text,
  verdict,
  CASE verdict
    WHEN 'supported_other_reading' THEN 'supported under another reading'
    ELSE replace(verdict, '_', ' ')
  END AS verdict_text,
  CASE WHEN reading <> 'as_stated' THEN replace(reading, '_', ' ') END AS reading_text,
  concat_ws(
    ' ',
    qualifier,
    direction,
    CASE
      WHEN magnitude_low = magnitude_high THEN format('{:.10g}', scale * magnitude_low)
      ELSE format('{:.10g} to {:.10g}', scale * magnitude_low, scale * magnitude_high)
    END || suffix
  ) AS claimed_text,
  observed,
  CASE
    WHEN unit = 'fraction' THEN format('{:+.2f}%', 100 * observed)
    WHEN metric LIKE '%change' THEN format('{:,.1f}', scale * observed) || suffix
    ELSE format('{:,.2f}', scale * observed) || suffix
  END AS observed_text,
  unit,
  session_date,
  reason,
  regexp_replace(sentence, '\p{Cf}', '', 'g') AS sentence,
  confidence,
  is_ambiguous,
  n_copies,
  claim_id,
  article_id,
  as_of
FROM figures
ORDER BY published_at DESC, article_id, claim_id
