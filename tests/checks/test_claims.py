"""Judgements on articles and their claims: verdicts without a ground, sources nobody can verify."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from checks.claims import JUDGEMENTS
from warehouse.tables import table

ARTICLES = table("raw.articles")
DOCUMENTS = table("core.documents")
CLAIMS = table("core.claims")
VERDICTS = table("mart.claim_checks")
RECORDS = table("mart.source_records")
COVERAGE = table("mart.event_coverage")
TEXT = "Nvidia fell 17%. It rose 9% on Tuesday."
MONDAY = date(2025, 1, 27)
NOON = datetime.fromisoformat("2025-01-28T12:00")
GROUNDED = {
    "verdict": "supported",
    "reading": "as_stated",
    "claimed_low": -0.175,
    "claimed_high": -0.165,
    "observed": -0.1697,
    "session_date": MONDAY,
}


def put_claim(tables, **values):
    tables.put(ARTICLES, article_id="a", text=TEXT)
    usual = {"claim_id": "c", "article_id": "a", "start_offset": 7, "end_offset": 15}
    usual |= {"sentence_start": 0, "sentence_end": 16}
    tables.put(CLAIMS, **(usual | values))


@pytest.mark.parametrize(
    ("values", "is_caught"),
    [
        ({}, False),
        ({"end_offset": 17}, True),
        ({"sentence_end": len(TEXT), "end_offset": len(TEXT)}, False),
        ({"sentence_end": len(TEXT) + 1}, True),
        ({"article_id": "gone"}, True),
    ],
)
def test_a_claim_outside_its_text_is_told(tables, verdict, values, is_caught):
    put_claim(tables, **values)
    found = verdict("claims_lie_within_their_text", tables)
    assert (found.severity, found.rows_checked, found.passed) == ("WARN", 1, not is_caught)


@pytest.mark.parametrize("claim_id", ["c", "another"])
def test_a_claim_without_a_verdict_is_told(tables, verdict, claim_id):
    put_claim(tables)
    tables.put(VERDICTS, **(GROUNDED | {"claim_id": claim_id}))
    assert verdict("every_claim_has_its_verdict", tables).passed == (claim_id == "c")


@pytest.mark.parametrize(
    ("values", "is_caught"),
    [
        ({}, False),
        ({"observed": None}, True),
        ({"session_date": None}, True),
        ({"reading": None}, True),
        ({"reading": None, "verdict": "not_verifiable", "observed": None}, False),
    ],
)
def test_a_verdict_without_its_ground_is_told(tables, verdict, values, is_caught):
    tables.put(VERDICTS, **(GROUNDED | values))
    assert verdict("verdicts_say_what_they_rest_on", tables).passed != is_caught


@pytest.mark.parametrize(
    ("values", "is_caught"),
    [
        ({}, False),
        ({"observed": -0.2}, True),
        ({"observed": -0.2, "verdict": "contradicted"}, False),
        ({"observed": -0.2, "claimed_low": None}, False),
        ({"observed": -0.1, "verdict": "supported_other_reading"}, True),
    ],
)
def test_support_by_a_value_that_the_words_exclude_is_told(tables, verdict, values, is_caught):
    tables.put(VERDICTS, **(GROUNDED | values))
    assert verdict("supported_claims_allow_what_was_observed", tables).passed != is_caught


@pytest.mark.parametrize(
    ("metric", "shares", "is_caught"),
    [
        ("market_value_change", None, True),
        ("market_value_change", 24.49e9, False),
        ("price_change", None, False),
    ],
)
def test_a_market_value_without_its_share_count_is_told(tables, verdict, metric, shares, is_caught):
    tables.put(VERDICTS, **GROUNDED, metric=metric, shares_outstanding=shares)
    assert verdict("market_values_state_their_share_count", tables).passed != is_caught


@pytest.mark.parametrize(
    ("n_claims", "n_unknown", "is_caught"), [(19, 19, False), (20, 10, False), (20, 11, True)]
)
def test_a_source_whose_claims_nobody_can_verify_is_told(
    tables, verdict, n_claims, n_unknown, is_caught
):
    counts = {"n_claims": n_claims, "n_not_verifiable": n_unknown}
    tables.put(RECORDS, source="daily", metric="all", **counts)
    tables.put(RECORDS, source="daily", metric="volume", n_claims=90, n_not_verifiable=90)
    found = verdict("most_claims_of_a_source_can_be_verified", tables)
    assert (found.rows_checked, found.passed) == (1, not is_caught)


@pytest.mark.parametrize(
    ("n_claims", "high", "is_caught"),
    [(19, 0.2, False), (20, 0.49, True), (20, 0.5, False), (20, None, False)],
)
def test_a_source_that_is_mostly_wrong_is_told(tables, verdict, n_claims, high, is_caught):
    tables.put(RECORDS, source="daily", metric="all", n_claims=n_claims, share_supported_high=high)
    assert verdict("no_source_is_mostly_wrong", tables).passed != is_caught


@pytest.mark.parametrize(("n_undated", "is_caught"), [(4, False), (5, True)])
def test_a_source_without_dates_is_told(tables, verdict, n_undated, is_caught):
    for number in range(20):
        at = None if number < n_undated else NOON
        tables.put(ARTICLES, article_id=str(number), source="daily", published_at=at)
    tables.put(DOCUMENTS, article_id="0")
    assert verdict("most_articles_of_a_source_are_dated", tables).passed != is_caught


@pytest.mark.parametrize(
    ("values", "is_caught"),
    [
        ({"n_claims": 0}, False),
        ({"n_claims": 1, "summary": "NVDA fell [1].", "summary_references": "[1] daily"}, False),
        ({"n_claims": 1, "summary": "NVDA fell."}, True),
        ({"n_claims": 0, "summary": "NVDA fell [1].", "summary_references": "[1] daily"}, True),
    ],
)
def test_a_summary_without_claims_is_told(tables, verdict, values, is_caught):
    tables.put(COVERAGE, event_id="e", **values)
    assert verdict("summaries_rest_on_supported_claims", tables).passed != is_caught


def test_every_judgement_has_a_test_here():
    import inspect
    import sys

    tested = inspect.getsource(sys.modules[__name__])
    assert [check.name for check in JUDGEMENTS if f'"{check.name}"' not in tested] == []
