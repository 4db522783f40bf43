"""Bursts: sessions in which a listing is named more often than chance would have it."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from math import exp
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date, datetime

Row = dict[str, Any]

WINDOW, FEWEST = 60, 10
"""Sessions before that make the rate, and how many there must be."""
PRIOR = 0.5
"""Articles added to a rate: a first mention is unusual, not infinitely so (Jeffreys' prior)."""
CHANCE, LEAST = 0.001, 3


def mention_bursts(mentions: list[Row], sessions: list[Row], listings: dict[str, str]) -> list[Row]:
    """Count the articles that name a listing, session by session, against its rate before.

    An article belongs to the session in whose day it was published: after the close before, up to
    the close. Near copies of a text count once. The rate is that of the 60 sessions before, of
    which there must be ten since the first article of all; a burst is three articles or more whose
    number has, at that rate, a chance below 0.001 (Poisson).

    Parameters
    ----------
    mentions : list of dict
        `listing_id`, `ticker`, `first_article_id`, `published_at` (NULL: left out), `as_of`.
    sessions : list of dict
        `exchange_mic`, `session_date`, `closes_at`.
    listings : dict
        Exchange of each listing.

    Returns
    -------
    list of dict
        Rows of mart.mention_bursts: a row per listing and session with an article.

    Examples
    --------
    >>> mention_bursts([], [], {})
    []
    """
    calendars: dict[str, list[tuple[datetime, date]]] = defaultdict(list)
    for row in sessions:
        calendars[row["exchange_mic"]].append((row["closes_at"], row["session_date"]))
    sorted_calendars = {mic: sorted(days) for mic, days in calendars.items()}
    dated = [row for row in mentions if row["published_at"] is not None]
    first = min((row["published_at"] for row in dated), default=None)
    of_listing: dict[str, list[Row]] = defaultdict(list)
    for row in dated:
        of_listing[row["listing_id"]].append(row)
    return [
        burst
        for listing, rows in sorted(of_listing.items())
        for burst in _of_listing(rows, sorted_calendars.get(listings.get(listing, ""), []), first)
    ]


def chance_of(n: int, rate: float) -> float:
    """Return the chance of so many articles or more at a rate (Poisson's upper tail).

    Examples
    --------
    >>> round(chance_of(3, 0.5), 6), chance_of(0, 0.5)
    (0.014388, 1.0)
    """
    below, term = 0.0, exp(-rate)
    for k in range(n):
        below += term
        term *= rate / (k + 1)
    return max(0.0, 1.0 - below)


def _of_listing(
    rows: list[Row], calendar: list[tuple[datetime, date]], first: datetime | None
) -> list[Row]:
    """Return the rows of one listing."""
    closes = [closes_at for closes_at, _ in calendar]
    texts: dict[int, set[str]] = defaultdict(set)
    vintage: dict[int, Any] = {}
    for row in rows:
        place = bisect_left(closes, row["published_at"])
        if place < len(calendar):
            texts[place].add(row["first_article_id"])
            vintage[place] = max(vintage.get(place, row["as_of"]), row["as_of"])
    begins = bisect_left(closes, first) if first else 0
    found = []
    for place in sorted(texts):
        n_before = min(WINDOW, place - begins)
        counted = sum(len(texts[k]) for k in range(place - n_before, place) if k in texts)
        rate = (counted + PRIOR) / n_before if n_before >= FEWEST else None
        n_articles = len(texts[place])
        chance = None if rate is None else chance_of(n_articles, rate)
        found.append(
            {
                "listing_id": rows[0]["listing_id"],
                "ticker": rows[0]["ticker"],
                "session_date": calendar[place][1],
                "n_articles": n_articles,
                "expected_articles": rate,
                "p_value": chance,
                "is_burst": chance is not None and chance < CHANCE and n_articles >= LEAST,
                "as_of": vintage[place],
            }
        )
    return found
