"""How sell-offs were reported: how much, by whom first, and what of it the prices bear out."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

from selloff.documents import n_independent
from selloff.stories.summaries import summary

Row = dict[str, Any]


def event_coverage(
    links: list[Row],
    events: list[Row],
    articles: list[Row],
    tones: dict[str, float],
    checks: list[Row],
) -> list[Row]:
    """Sum up what articles tell of each event.

    Parameters
    ----------
    links : list of dict
        Rows of mart.event_articles.
    events : list of dict
        Rows of mart.selloff_events.
    articles : list of dict
        `article_id`, `source`, `title`, `location`, `published_at` and `first_article_id` of
        core.documents.
    tones : dict
        Tone by article; those without one are absent.
    checks : list of dict
        Claims as `selloff.stories.summaries.summary` takes them.

    Returns
    -------
    list of dict
        Rows of mart.event_coverage, by event; events that no article tells of are absent.

    Examples
    --------
    >>> event_coverage([], [], [], {}, [])
    []
    """
    known = {row["article_id"]: row for row in articles}
    of_event: dict[str, list[Row]] = defaultdict(list)
    for link in links:
        of_event[link["event_id"]].append(link)
    of_article: dict[str, list[Row]] = defaultdict(list)
    for check in checks:
        of_article[check["article_id"]].append(check)
    return [
        _coverage(event, of_event[event["event_id"]], known, tones, of_article)
        for event in sorted(events, key=lambda event: event["event_id"])
        if of_event[event["event_id"]]
    ]


def _coverage(
    event: Row,
    links: list[Row],
    known: dict[str, Row],
    tones: dict[str, float],
    of_article: dict[str, list[Row]],
) -> Row:
    """Return the row of one event."""
    told = [known[link["article_id"]] for link in links]
    first = min(told, key=lambda row: (row["published_at"], row["article_id"]))
    claims = [check for row in told for check in of_article[row["article_id"]]]
    heard = [tones[row["article_id"]] for row in told if row["article_id"] in tones]
    text, notes = summary(event, claims, known) or (None, None)
    early = (event["started_at"] - first["published_at"]) / timedelta(hours=1)
    return {
        "event_id": event["event_id"],
        "n_articles": len(told),
        "n_independent_sources": n_independent(
            [row["first_article_id"] for row in told], [row["source"] for row in told]
        ),
        "first_article_id": first["article_id"],
        "first_mentioned_at": first["published_at"],
        "hours_before_start": early,
        "mean_tone": sum(heard) / len(heard) if heard else None,
        "n_claims": len(claims),
        "n_supported": sum(check["verdict"] == "supported" for check in claims),
        "summary": text,
        "summary_references": notes,
        "as_of": max([*(link["as_of"] for link in links), *(check["as_of"] for check in claims)]),
    }
