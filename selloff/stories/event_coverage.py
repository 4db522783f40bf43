"""What the articles of an event add up to: how many, who was first, what they agree on."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from statistics import fmean
from typing import Any

from selloff.stories.counted import by_event
from selloff.stories.summaries import Checked, summary

Row = dict[str, Any]


def event_coverage(  # noqa: PLR0913, PLR0917 - the inputs of its asset
    selloff_events: list[Row],
    event_articles: list[Row],
    instruments: list[Row],
    articles: list[Row],
    documents: list[Row],
    article_tones: list[Row],
    claims: list[Row],
    claim_checks: list[Row],
) -> list[Row]:
    """Sum up what articles tell of every event.

    Parameters
    ----------
    selloff_events, event_articles, instruments, articles, documents, article_tones, claims, \
claim_checks : list of dict
        Rows of the tables of these names.

    Returns
    -------
    list of dict
        Rows of ``mart.event_coverage``, by event, of those with an article. Sources, tone and
        claims are those of the first published article of each text: near copies count once.
        The first mention is the earliest linked article, at most three days before the start.
        The summary takes claims checked against a session from the event's first to the day after
        its last, by the date of the listing's own exchange.

    Examples
    --------
    >>> from datetime import date, datetime
    >>> event = {"event_id": "e", "session_date": date(2025, 1, 27),
    ...     "last_session_date": date(2025, 1, 27), "as_of": 1}
    >>> links = [{"event_id": "e", "article_id": key, "hours_after_start": hours, "as_of": 2}
    ...     for key, hours in (("a", -2.0), ("b", 70.0))]
    >>> articles = [{"article_id": key, "source": "desk", "published_at": datetime(2025, 1, day)}
    ...     for key, day in (("a", 25), ("b", 27))]
    >>> row, = event_coverage([event], links, [], articles, [], [], [], [])
    >>> row["n_articles"], row["n_independent_sources"], row["hours_before_start"]
    (2, 1, 2.0)
    """
    by_id = {row["article_id"]: row for row in articles}
    texts = {row["article_id"]: row["first_article_id"] for row in documents}
    tones = {row["article_id"]: row["tone"] for row in article_tones}
    checked = _checked(claims, claim_checks, by_id)
    listings = {row["listing_id"]: row for row in instruments}
    links: dict[str, list[Row]] = defaultdict(list)
    for row in event_articles:
        links[row["event_id"]].append(row)
    counted = by_event(event_articles, by_id, texts)
    rows = []
    for event in sorted(selloff_events, key=lambda event: event["event_id"]):
        key = event["event_id"]
        if key not in links:
            continue
        told = [each for row in counted[key] for each in checked[row["article_id"]]]
        within = [each for each in told if _is_of(event, each.check)]
        paragraph, references = summary(within, listings) or (None, None)
        rows.append(
            {
                **_counts(links[key], counted[key], tones),
                "n_claims": len(told),
                "n_supported": sum(each.check["verdict"] == "supported" for each in told),
                "summary": paragraph,
                "summary_references": references,
                "as_of": max(
                    [row["as_of"] for row in links[key]] + [each.check["as_of"] for each in told]
                ),
            }
        )
    return rows


def _checked(
    claims: list[Row], claim_checks: list[Row], articles: dict[str, Row]
) -> dict[str, list[Checked]]:
    """Return the checked claims of each article."""
    stated = {row["claim_id"]: row for row in claims}
    found: dict[str, list[Checked]] = defaultdict(list)
    for check in claim_checks:
        claim, article = stated.get(check["claim_id"]), articles.get(check["article_id"])
        if claim is not None and article is not None:
            found[check["article_id"]].append(Checked(claim, check, article))
    return found


def _is_of(event: Row, check: Row) -> bool:
    """Whether a claim was held against a session of the event.

    A day more than the last: what falls in New York falls in Tokyo on the next date.
    """
    session = check["session_date"]
    last = event["last_session_date"] + timedelta(days=1)
    return session is not None and event["session_date"] <= session <= last


def _counts(links: list[Row], counted: list[Row], tones: dict[str, float | None]) -> Row:
    first = counted[0]
    after = {row["article_id"]: row["hours_after_start"] for row in links}
    known = [tone for row in counted if (tone := tones.get(row["article_id"])) is not None]
    return {
        "event_id": links[0]["event_id"],
        "n_articles": len(links),
        "n_independent_sources": len({row["source"] for row in counted}),
        "first_article_id": first["article_id"],
        "first_mentioned_at": first["published_at"],
        "hours_before_start": -after[first["article_id"]],
        "mean_tone": fmean(known) if known else None,
    }
