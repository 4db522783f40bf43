"""Which articles tell of which sell-off, by time, names and words."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from selloff.stories.vocabulary import word_score

if TYPE_CHECKING:
    from datetime import date

Row = dict[str, Any]

# An abnormal z at or below this is a fall, as in `mart.selloff_events.n_falling`.
FALLING_Z = -2.0
BEFORE = timedelta(days=3)
AFTER = timedelta(days=5)
# What is written before a fall can be its cause, but most of it is not.
BEFORE_WEIGHT = 0.5
LEAST_SCORE = 0.2
_OF_MARKETS = ("market", "global")


@dataclass(frozen=True, slots=True)
class _Event:
    """An event, when its first session's date began and its last ended, and its listings.

    `started_at` is the close before: over a weekend nothing has fallen yet, and what is written
    then is as likely the cause as on the days before.
    """

    event_id: str
    started_at: datetime
    falling_from: datetime
    ended_at: datetime
    listings: frozenset[str]
    as_of: datetime


def event_articles(
    selloff_events: list[Row],
    selloff_metrics: list[Row],
    instruments: list[Row],
    articles: list[Row],
    documents: list[Row],
    mentions: list[Row],
) -> list[Row]:
    """Link articles to the sell-offs that they tell of; one article may tell of two.

    An article is linked where it names a listing of the event, has a word for a fall (unless it
    was published before the date of the event's first session, in UTC: nothing had fallen yet) and
    scores 0.2 or more. The
    score is the time score times the mean of the name and the word score. Nothing of other
    articles enters, so that a link does not depend on what is published later.

    Parameters
    ----------
    selloff_events, selloff_metrics, instruments, articles, documents, mentions : list of dict
        Rows of the tables of these names; instants in UTC. Withdrawn events, older versions of a
        document and articles without a date are passed over; near copies are linked.

    Returns
    -------
    list of dict
        Rows of ``mart.event_articles``, by event and article. Listings of an event are those with
        an abnormal z at or below -2 in it and, where the market itself fell, its region's indices
        (of a global event, all). `time_score` is 1 from the start to the end of the last session's
        date (UTC), falls to 0 over the five days after, and from 0.5 to 0 over the three days
        before.

    Examples
    --------
    >>> from datetime import date
    >>> start = datetime(2025, 1, 24, 21)
    >>> event = {"event_id": "e", "started_at": start, "session_date": date(2025, 1, 27),
    ...     "last_session_date": date(2025, 1, 27),
    ...     "scope": "sector", "region": "US", "status": "detected", "as_of": start}
    >>> metric = {"event_id": "e", "listing_id": "XNAS:NVDA", "abnormal_z": -9.0}
    >>> article = {"article_id": "a", "published_at": datetime(2025, 1, 27, 18),
    ...     "title": None, "text": "Nvidia fell."}
    >>> document = {"article_id": "a", "is_newest": True, "as_of": start}
    >>> named = {"article_id": "a", "listing_id": "XNAS:NVDA"}
    >>> row, = event_articles([event], [metric], [], [article], [document], [named])
    >>> row["time_score"], row["name_score"], row["word_score"], row["score"]
    (1.0, 1.0, 0.2, 0.6)
    """
    events = _events(selloff_events, selloff_metrics, instruments)
    newest = {row["article_id"]: row["as_of"] for row in documents if row["is_newest"]}
    names: dict[str, set[str]] = defaultdict(set)
    for row in mentions:
        names[row["article_id"]].add(row["listing_id"])
    told = sorted(
        (
            row
            for row in articles
            if row["article_id"] in newest
            and row["article_id"] in names
            and row["published_at"] is not None
        ),
        key=lambda row: (row["published_at"], row["article_id"]),
    )
    instants = [row["published_at"] for row in told]
    words: dict[str, float] = {}
    rows: list[Row] = []
    for event in events:
        first = bisect_left(instants, event.started_at - BEFORE)
        for article in told[first : bisect_right(instants, event.ended_at + AFTER)]:
            key = article["article_id"]
            if key not in words:
                words[key] = word_score(f"{article['title'] or ''} {article['text']}")
            link = _link(event, article, names[key], words[key])
            if link is not None:
                rows.append(link | {"as_of": max(event.as_of, newest[key])})
    return sorted(rows, key=lambda row: (row["event_id"], row["article_id"]))


def _events(events: list[Row], metrics: list[Row], instruments: list[Row]) -> list[_Event]:
    fallen: dict[str, set[str]] = defaultdict(set)
    for row in metrics:
        if row["abnormal_z"] is not None and row["abnormal_z"] <= FALLING_Z:
            fallen[row["event_id"]].add(row["listing_id"])
    indices = [row for row in instruments if row["asset_class"] == "index"]
    found = []
    for row in events:
        if row["status"] == "withdrawn":
            continue
        own = fallen[row["event_id"]]
        if row["scope"] in _OF_MARKETS:
            own |= {
                each["listing_id"]
                for each in indices
                if row["scope"] == "global" or each["region"] == row["region"]
            }
        started = row["started_at"]
        falling = max(started, _midnight(row["session_date"]))
        ended = max(started, _midnight(row["last_session_date"]) + timedelta(days=1))
        found.append(_Event(row["event_id"], started, falling, ended, frozenset(own), row["as_of"]))
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time())


def _link(event: _Event, article: Row, names: set[str], words: float) -> Row | None:
    """Return what links an article to an event that it tells of, else None."""
    published: datetime = article["published_at"]
    own = names & event.listings
    if not own or (words == 0 and published >= event.falling_from):
        return None
    time = _time_score(event, published)
    share = len(own) / len(names)
    score = time * (share + words) / 2
    if score < LEAST_SCORE:
        return None
    return {
        "event_id": event.event_id,
        "article_id": article["article_id"],
        "score": score,
        "time_score": time,
        "name_score": share,
        "word_score": words,
        "n_names": len(own),
        "hours_after_start": (published - event.started_at) / timedelta(hours=1),
    }


def _time_score(event: _Event, published: datetime) -> float:
    if published < event.started_at:
        return BEFORE_WEIGHT * max(0.0, 1 - (event.started_at - published) / BEFORE)
    if published > event.ended_at:
        return max(0.0, 1 - (published - event.ended_at) / AFTER)
    return 1.0
