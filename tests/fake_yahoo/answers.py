"""Answers: functions from a request's query and its number to a reply; all but the charts.

An answer is called with the query as `urllib.parse.parse_qs` gives it and with how often this
symbol was asked for at this endpoint, this time included. It returns a `Reply`, or as many of its
first fields as it cares for.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Query = dict[str, list[str]]
    Answer = Callable[[Query, int], tuple[Any, ...]]


class Reply(NamedTuple):
    """One HTTP reply, and what goes wrong on its way.

    `delay` is in seconds. It `ends` whole, cut (half of the body that its length promises) or
    reset (the connection is torn down before a byte of it).
    """

    status: int
    body: str
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0
    ends: str = "whole"


def refusing(status, text, *headers):
    """Answer every request with the same status and body."""
    return lambda _query, _n_asked: Reply(status, text, headers)


def at_first(n_times, bad, good):
    """Answer badly so many times, then well."""
    return lambda query, n_asked: (bad if n_asked <= n_times else good)(query, n_asked)


def not_found(symbol):
    """Answer as Yahoo does for a symbol that it does not know."""
    error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
    return saying({"chart": {"result": None, "error": error}, "symbol": symbol}, status=404)


def saying(payload, *, status=200):
    """Answer every request with the same JSON."""
    return refusing(status, json.dumps(payload))


def shares(symbol, counts):
    """Answer with the shares outstanding: (unix time, number) pairs inside the asked period."""

    def reply(query, _n_asked):
        inside = within(query, counts)
        result = {"meta": {"symbol": [symbol], "type": ["shares_out"]}}
        if inside:
            result["timestamp"], result["shares_out"] = zip(*inside, strict=True)
        return Reply(200, json.dumps({"timeseries": {"result": [result], "error": None}}))

    return reply


def within(query: Query, rows: Iterable[Any]) -> list[Any]:
    """Return the rows whose first field, a unix time, lies inside the asked period."""
    first = int(query.get("period1", ["0"])[0])
    last = int(query.get("period2", ["99999999999"])[0])
    return [row for row in rows if first <= row[0] < last]


class Article(NamedTuple):
    """A piece of news as Yahoo lists it: never its whole text. `published_at` is a unix time."""

    title: str
    url: str
    published_at: int
    summary: str = ""
    publisher: str = "A newspaper"


def news(articles):
    """Answer as the news stream of a symbol does."""
    stream = [{"id": article.url, "content": _content(article)} for article in articles]
    return saying({"data": {"tickerStream": {"stream": stream}}, "status": "OK"})


def search(symbols, articles):
    """Answer as the search does: symbols that begin with what is sought, and articles on it."""

    def reply(query, _n_asked):
        sought = query.get("q", [""])[0]
        quotes = [
            {"symbol": symbol, "quoteType": "EQUITY", "isYahooFinance": True}
            for symbol in symbols
            if symbol.lower().startswith(sought.lower())
        ]
        found = [_headline(each) for each in articles if sought.lower() in each.title.lower()]
        return Reply(200, json.dumps({"count": len(quotes), "quotes": quotes, "news": found}))

    return reply


def _content(article):
    published = datetime.fromtimestamp(article.published_at, UTC)
    return {
        "title": article.title,
        "summary": article.summary,
        "contentType": "STORY",
        "pubDate": published.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "provider": {"displayName": article.publisher},
        "canonicalUrl": {"url": article.url},
    }


def _headline(article):
    return {
        "uuid": article.url,
        "title": article.title,
        "publisher": article.publisher,
        "link": article.url,
        "providerPublishTime": article.published_at,
        "type": "STORY",
    }
