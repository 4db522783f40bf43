"""Records of sources: what is counted, and once."""

from __future__ import annotations

import pytest

from selloff.source_records import source_records


def _check(article, verdict, source="desk", metric="level", published_at=None):
    return {
        "claim_id": f"{article}-{verdict}",
        "article_id": article,
        "source": source,
        "metric": metric,
        "verdict": verdict,
        "published_at": published_at,
        "as_of": 1,
    }


def _document(article, first, *, is_newest=True):
    return {"article_id": article, "first_article_id": first, "is_newest": is_newest}


def test_a_near_copy_counts_once_for_a_source_and_again_for_another():
    checks = [_check("a", "supported"), _check("b", "supported"), _check("c", "supported", "wire")]
    documents = [_document(article, "a") for article in "abc"]
    counts = {row["source"]: row["n_claims"] for row in source_records(checks, documents)}
    assert counts == {"desk": 1, "wire": 1}


def test_an_older_version_is_not_counted():
    checks = [_check("a", "contradicted"), _check("b", "supported")]
    documents = [_document("a", "a", is_newest=False), _document("b", "b")]
    assert source_records(checks, documents)[0]["n_contradicted"] == 0


def test_the_share_is_of_the_verifiable_claims():
    verdicts = ("supported", "contradicted", "supported_other_reading", "not_verifiable")
    row = source_records([_check(v, v) for v in verdicts], [])[0]
    assert row["n_claims"] == 4
    assert row["share_supported"] == pytest.approx(1 / 3)


def test_without_a_verifiable_claim_there_is_no_share():
    row = source_records([_check("a", "not_verifiable")], [])[0]
    assert row["share_supported"] is None
    assert row["share_supported_low"] is None


def test_the_first_published_copy_counts():
    checks = [
        _check("a", "contradicted", published_at=2),
        _check("b", "supported", published_at=1),
        _check("c", "contradicted"),
    ]
    row = source_records(checks, [_document(article, "b") for article in "abc"])[0]
    assert (row["n_claims"], row["n_supported"]) == (1, 1)
