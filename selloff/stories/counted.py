"""Which of an event's articles stand for their texts: near copies count once."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Row = dict[str, Any]


def by_event(
    links: Iterable[Row], articles: Mapping[str, Row], texts: Mapping[str, str]
) -> dict[str, list[Row]]:
    """Return the articles of every event that are the first published of their text.

    Parameters
    ----------
    links : iterable of dict
        `event_id` and `article_id`, as ``mart.event_articles`` has them.
    articles : mapping of str to dict
        Rows of ``raw.articles`` by `article_id`; every one has a `published_at`.
    texts : mapping of str to str
        `article_id` to `first_article_id` of ``core.documents``; itself where it is missing.

    Returns
    -------
    dict of str to list of dict
        By event: its articles in order of publication, one per text.

    Examples
    --------
    >>> links = [{"event_id": "e", "article_id": key} for key in "ab"]
    >>> articles = {key: {"article_id": key, "published_at": key} for key in "ab"}
    >>> [row["article_id"] for row in by_event(links, articles, {"b": "a"})["e"]]
    ['a']
    """
    grouped: dict[str, list[Row]] = defaultdict(list)
    for link in links:
        grouped[link["event_id"]].append(articles[link["article_id"]])
    found = {}
    for event, rows in grouped.items():
        first: dict[str, Row] = {}
        for row in sorted(rows, key=lambda row: (row["published_at"], row["article_id"])):
            first.setdefault(texts.get(row["article_id"], row["article_id"]), row)
        found[event] = list(first.values())
    return found
