"""How far the claims of each source were borne out."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from selloff.wilson import wilson_interval

_VERDICTS = ("supported", "supported_other_reading", "contradicted", "not_verifiable")


def source_records(
    claim_checks: list[dict[str, Any]], documents: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return a row per source and metric, and one per source for all metrics.

    A source is counted once for near copies and older versions of a text: by the first
    published of each that was checked. A share is of the claims that could be verified.

    Parameters
    ----------
    claim_checks, documents : list of dict
        Rows of ``mart.claim_checks`` and of ``core.documents``.

    Returns
    -------
    list of dict
        Rows of ``mart.source_records``, by source and metric; shares are fractions, None where no
        claim could be verified.

    Examples
    --------
    >>> check = {"claim_id": "1", "article_id": "1", "source": "desk", "metric": "level",
    ...     "verdict": "supported", "published_at": None, "as_of": 0}
    >>> [(row["metric"], row["n_supported"]) for row in source_records([check], [])]
    [('all', 1), ('level', 1)]
    """
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for check in _counted_once(claim_checks, documents):
        groups[check["source"], "all"].append(check)
        groups[check["source"], check["metric"]].append(check)
    return [_record(*key, checks) for key, checks in sorted(groups.items())]


def _counted_once(
    checks: list[dict[str, Any]], documents: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Keep, of each source and text, the claims of the first published article."""
    text = {row["article_id"]: row["first_article_id"] for row in documents if row["is_newest"]}
    older = {row["article_id"] for row in documents if not row["is_newest"]}
    chosen: dict[tuple[str, str], str] = {}
    kept = []
    for check in sorted(checks, key=_when):
        article = check["article_id"]
        if article in older:
            continue
        key = (check["source"], text.get(article, article))
        if chosen.setdefault(key, article) == article:
            kept.append(check)
    return kept


def _when(check: dict[str, Any]) -> tuple[bool, Any, str, str]:
    """Order by publication; articles without a date come last."""
    published = check["published_at"]
    undated = published is None
    return undated, 0 if undated else published, check["article_id"], check["claim_id"]


def _record(source: str, metric: str, checks: list[dict[str, Any]]) -> dict[str, Any]:
    counts = {
        f"n_{verdict}": sum(check["verdict"] == verdict for check in checks)
        for verdict in _VERDICTS
    }
    verifiable = len(checks) - counts["n_not_verifiable"]
    ends = wilson_interval(counts["n_supported"], verifiable)
    return {
        "source": source,
        "metric": metric,
        "n_claims": len(checks),
        **counts,
        "share_supported": counts["n_supported"] / verifiable if verifiable else None,
        "share_supported_low": None if ends is None else ends[0],
        "share_supported_high": None if ends is None else ends[1],
        "as_of": max(check["as_of"] for check in checks),
    }
