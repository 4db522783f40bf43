"""Judgements on articles and what they claim: texts without a date, verdicts without a ground."""

from __future__ import annotations

from checks._check import judgements
from checks.catalogue import Check
from warehouse.tables.articles import ARTICLES, DOCUMENTS
from warehouse.tables.claims import CLAIM_CHECKS, CLAIMS, SOURCE_RECORDS
from warehouse.tables.stories import EVENT_COVERAGE

# Below so many a share says nothing.
ENOUGH = 20
LARGEST_SHARE_UNDATED = 0.2
LARGEST_SHARE_NOT_VERIFIABLE = 0.5

_DATED = """(
SELECT source, count(*) AS n_articles, count(*) FILTER (published_at IS NULL) AS n_undated
FROM raw.articles GROUP BY source
)"""
_PLACED = """(
SELECT c.claim_id, c.article_id, c.start_offset, c.end_offset, c.sentence_start, c.sentence_end,
  length(a.text) AS n_characters
FROM core.claims AS c LEFT JOIN raw.articles AS a USING (article_id)
)"""
_CHECKED = """(
SELECT c.claim_id, c.ticker, k.claim_id IS NOT NULL AS is_checked
FROM core.claims AS c LEFT JOIN mart.claim_checks AS k USING (claim_id)
)"""
_GROUNDED = """(
SELECT source, n_claims, n_not_verifiable FROM mart.source_records WHERE metric = 'all'
)"""

OF_DOCUMENTS = (
    Check(
        name="most_articles_of_a_source_are_dated",
        table=DOCUMENTS,
        holds=f"n_articles < {ENOUGH} OR n_undated <= n_articles * {LARGEST_SHARE_UNDATED!r}",
        doc="At least four of five articles of a source say when they were published.",
        relation=_DATED,
        named_by=("source", "n_articles", "n_undated"),
        reads=(ARTICLES,),
    ),
)
OF_CLAIMS = (
    Check(
        name="claims_lie_within_their_text",
        table=CLAIMS,
        holds=(
            "n_characters IS NOT NULL AND sentence_start <= start_offset "
            "AND end_offset <= sentence_end AND sentence_end <= n_characters"
        ),
        doc="Every claim stands in a sentence of the text it was read from.",
        relation=_PLACED,
        named_by=("claim_id", "article_id", "start_offset"),
        reads=(ARTICLES,),
    ),
)
OF_CLAIM_CHECKS = (
    Check(
        name="every_claim_has_its_verdict",
        table=CLAIM_CHECKS,
        holds="is_checked",
        doc="Every claim that was read is held against the prices.",
        relation=_CHECKED,
        named_by=("claim_id", "ticker"),
        reads=(CLAIMS,),
    ),
    Check(
        name="verdicts_say_what_they_rest_on",
        table=CLAIM_CHECKS,
        holds=(
            "verdict = 'not_verifiable' OR (observed IS NOT NULL AND reading IS NOT NULL "
            "AND session_date IS NOT NULL)"
        ),
        doc="A verdict for or against names the reading, the session and what was observed.",
        relation=CLAIM_CHECKS.qualified,
        named_by=("claim_id", "ticker", "verdict"),
    ),
    Check(
        name="supported_claims_allow_what_was_observed",
        table=CLAIM_CHECKS,
        holds=(
            "NOT starts_with(verdict, 'supported') OR (observed >= coalesce(claimed_low, observed) "
            "AND observed <= coalesce(claimed_high, observed))"
        ),
        doc="What was observed lies within what the words of a supported claim allow.",
        relation=CLAIM_CHECKS.qualified,
        named_by=("claim_id", "ticker", "claimed_low", "observed", "claimed_high"),
    ),
    Check(
        name="market_values_state_their_share_count",
        table=CLAIM_CHECKS,
        holds=(
            "metric NOT IN ('market_value', 'market_value_change') "
            "OR verdict = 'not_verifiable' OR shares_outstanding IS NOT NULL"
        ),
        doc="A verdict on a market value names the share count it was computed with.",
        relation=CLAIM_CHECKS.qualified,
        named_by=("claim_id", "ticker", "metric"),
    ),
)
OF_SOURCES = (
    Check(
        name="most_claims_of_a_source_can_be_verified",
        table=SOURCE_RECORDS,
        holds=(
            f"n_claims < {ENOUGH} OR n_not_verifiable <= n_claims * "
            f"{LARGEST_SHARE_NOT_VERIFIABLE!r}"
        ),
        doc="Prices are here for at least half of what a source claims.",
        relation=_GROUNDED,
        named_by=("source", "n_claims", "n_not_verifiable"),
    ),
    Check(
        name="no_source_is_mostly_wrong",
        table=SOURCE_RECORDS,
        # Then rather the reading of it is: a layout whose figures belong to something else.
        holds=f"n_claims < {ENOUGH} OR coalesce(share_supported_high, 1) >= 0.5",
        doc="No source of many claims has less than half of them borne out.",
        relation=SOURCE_RECORDS.qualified,
        named_by=("source", "metric", "n_claims", "share_supported_high"),
    ),
)
OF_COVERAGE = (
    Check(
        name="summaries_rest_on_supported_claims",
        table=EVENT_COVERAGE,
        holds="summary IS NULL OR (n_claims > 0 AND summary_references IS NOT NULL)",
        doc="What is told of an event stands on claims, and names them.",
        relation=EVENT_COVERAGE.qualified,
        named_by=("event_id", "n_claims", "n_supported"),
    ),
)
JUDGEMENTS = (*OF_DOCUMENTS, *OF_CLAIMS, *OF_CLAIM_CHECKS, *OF_SOURCES, *OF_COVERAGE)

CHECKS = [
    judgements(DOCUMENTS, OF_DOCUMENTS),
    judgements(CLAIMS, OF_CLAIMS),
    judgements(CLAIM_CHECKS, OF_CLAIM_CHECKS),
    judgements(SOURCE_RECORDS, OF_SOURCES),
    judgements(EVENT_COVERAGE, OF_COVERAGE),
]
