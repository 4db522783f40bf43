"""Which articles tell of which sell-off: by time, names and words together."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime, time, timedelta
from typing import Any

Row = dict[str, Any]

BEFORE, AFTER = timedelta(days=3), timedelta(days=10)
"""How long before an event's start, and after its last session, an article can tell of it."""
LINKED = 0.2
"""Least score of an article that is linked. Half of the names and every hundredth word of falling
on the day itself give 0.5; one name of ten and no such word 0.06."""
_HALVED = 3.0
_EARLY = 0.4
_NAMES, _WORDS = 0.6, 0.4
_DENSE = 0.02
_FALL = re.compile(
    r"\b(?:f[ae]ll(?:s|en|ing)?|drop(?:s|ped|ping)?|los(?:t|e|es|s|ses|ing)|plung|slump|slid|tumbl"
    r"|sell-?off|rout|crash|plummet|declin|sank|sink|wip(?:ed|ing)|shed|panic|fear|worst|down\b"
    r"|lower\b|volatil|correction|bear\b)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+")


def event_articles(
    events: list[Row], metrics: list[Row], articles: list[Row], mentions: list[Row]
) -> list[Row]:
    """Link articles to the sell-offs they tell of.

    An article is linked where it names a listing that fell abnormally in the event and its score is
    0.2 at least: the product of `time_score` (1 from the start to the end of the last session,
    halved every three days after, 0.4 in the three days before) and 0.6 `name_score` (share of its
    names that fell in the event) plus 0.4 `word_score` (words of falling, 1 from every fiftieth).
    Articles without a date are linked to nothing. No article bears on another's link.

    Parameters
    ----------
    events : list of dict
        `event_id`, `started_at`, `last_session_date`, `status`, `as_of`; withdrawn ones are left
        out.
    metrics : list of dict
        `event_id`, `listing_id`, `simple_return`, `abnormal_z` (NULL: unknown).
    articles : list of dict
        `article_id`, `text`, `published_at`, `known_from`: those that are parsed.
    mentions : list of dict
        `article_id`, `listing_id`.

    Returns
    -------
    list of dict
        Rows of mart.event_articles, by event, then by publication.

    Examples
    --------
    >>> day = datetime(2025, 1, 27, 22)
    >>> event = {"event_id": "e", "started_at": datetime(2025, 1, 24, 21), "status": "detected"}
    >>> event |= {"last_session_date": day.date(), "as_of": day}
    >>> fell = {"event_id": "e", "listing_id": "NVDA", "simple_return": -0.17, "abnormal_z": -5.8}
    >>> text = {"article_id": "a", "text": "Nvidia fell.", "published_at": day, "known_from": day}
    >>> found = event_articles([event], [fell], [text], [{"article_id": "a", "listing_id": "NVDA"}])
    >>> [(row["article_id"], row["score"]) for row in found]
    [('a', 1.0)]
    """
    falling: dict[str, set[str]] = defaultdict(set)
    for row in metrics:
        if row["simple_return"] < 0 and (row["abnormal_z"] is None or row["abnormal_z"] <= -1):
            falling[row["event_id"]].add(row["listing_id"])
    named: dict[str, set[str]] = defaultdict(set)
    for row in mentions:
        named[row["article_id"]].add(row["listing_id"])
    dated = sorted(
        (row for row in articles if row["published_at"] and named[row["article_id"]]),
        key=lambda row: (row["published_at"], row["article_id"]),
    )
    words = {row["article_id"]: word_score(row["text"]) for row in dated}
    return [
        link
        for event in sorted(events, key=lambda event: event["event_id"])
        if event["status"] != "withdrawn"
        for article in dated
        if (link := _link(event, falling[event["event_id"]], article, named, words))
    ]


def word_score(text: str) -> float:
    """Return how much of a text speaks of falling: 1 where every fiftieth word does, or more.

    Examples
    --------
    >>> word_score("Shares fell."), word_score("Nothing happened.")
    (1.0, 0.0)
    """
    n_words = len(_WORD.findall(text))
    return min(1.0, len(_FALL.findall(text)) / (n_words * _DENSE)) if n_words else 0.0


def time_score(event: Row, published_at: datetime) -> float:
    """Return how near an article was published to an event: 1 while it lasts, 0 far from it.

    Parameters
    ----------
    event : dict
        `started_at` (UTC) and `last_session_date`.
    published_at : datetime
        UTC.
    """
    end = datetime.combine(event["last_session_date"], time.max)
    if event["started_at"] <= published_at <= end:
        return 1.0
    if published_at < event["started_at"]:
        return _EARLY if event["started_at"] - published_at <= BEFORE else 0.0
    late = published_at - end
    return 0.5 ** (late / timedelta(days=_HALVED)) if late <= AFTER else 0.0


def _link(
    event: Row,
    falling: set[str],
    article: Row,
    named: dict[str, set[str]],
    words: dict[str, float],
) -> Row | None:
    """Return the link between an event and an article; None where there is none."""
    names = named[article["article_id"]]
    n_names = len(names & falling)
    near = time_score(event, article["published_at"])
    if not n_names or not near:
        return None
    share, word = n_names / len(names), words[article["article_id"]]
    score = near * (_NAMES * share + _WORDS * word)
    if score < LINKED:
        return None
    return {
        "event_id": event["event_id"],
        "article_id": article["article_id"],
        "score": score,
        "time_score": near,
        "name_score": share,
        "word_score": word,
        "n_names": n_names,
        "hours_after_start": (article["published_at"] - event["started_at"]) / timedelta(hours=1),
        "as_of": max(event["as_of"], article["known_from"]),
    }
