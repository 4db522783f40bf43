"""News that Yahoo lists for a ticker, through the real yfinance: title, summary and address."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from resources.articles.article import Article, made
from resources.articles.cleaning import UnreadableArticleError
from resources.articles.dates import instant
from resources.articles.gathering import Delivery, guarded
from resources.batch import Answer, Reject, naive_utc
from resources.web import Pace, Patience, WebError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from resources.web import Keeper

SOURCE = "yahoo"
MOST = 50
"""Articles of one ticker."""


def _now() -> datetime:
    return naive_utc(datetime.now(UTC))


@dataclass(frozen=True)
class YahooNews:
    """The newest articles that Yahoo lists for some tickers.

    Parameters
    ----------
    tickers : list of str
        Symbols as Yahoo writes them; one request each.
    payloads : Keeper, optional
        Keeps the answers.
    patience : Patience
        How it is asked again.
    clock : callable
        The present instant in UTC, naive.
    """

    tickers: list[str]
    payloads: Keeper | None = None
    patience: Patience = field(default_factory=lambda: Patience(Pace(2.0)))
    clock: Callable[[], datetime] = _now

    def deliveries(self) -> Iterator[Delivery]:
        """Yield what each ticker brought: the text is title and summary, Yahoo gives no more."""
        for ticker in self.tickers:
            yield self._of(ticker)

    def _of(self, ticker: str) -> Delivery:
        from resources.prices.yahoo.client import CLIENT, Exchange

        requested, exchange = f"yahoo news: {ticker}", Exchange(self.payloads, self.clock)
        articles, rejects = list[Article](), list[Reject]()
        n_tries = 1
        try:
            body, n_tries = self.patience.ask(
                lambda: exchange.ask(ticker, "get_news", count=MOST, tab="news")
            )
            articles, rejects = guarded(_read)(body)
            said = Answer(requested, "delivered", None, len(articles), self.clock(), source=SOURCE)
            if not articles:
                said = WebError("no_data", "no news").answer(requested, SOURCE, self.clock())
        except WebError as error:
            n_tries = max(n_tries, error.n_tries)
            said = error.answer(requested, SOURCE, self.clock())
        known = {"request": exchange.request, "client": CLIENT, "payload_sha256": exchange.sha256}
        answer = Answer(**{**_fields(said), **known, "n_tries": n_tries})
        return Delivery(requested, articles, rejects, is_kept=False, answer=answer)


def _fields(answer: Answer) -> dict[str, Any]:
    return {name: getattr(answer, name) for name in Answer.__dataclass_fields__}


def _read(body: bytes) -> tuple[list[Article], list[Reject]]:
    """Read an answer: a stream of entries, of which advertisements are passed over."""
    try:
        entries = json.loads(body)["data"]["tickerStream"]["stream"]
    except (ValueError, KeyError, TypeError) as error:
        raise WebError("malformed", f"no stream of news: {error}") from error
    articles, rejects = list[Article](), list[Reject]()
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict) or entry.get("ad"):
            continue
        try:
            articles.append(_article(entry.get("content") or {}))
        except (UnreadableArticleError, AttributeError, ValueError) as error:
            payload = json.dumps(entry)[:200]
            rejects.append(Reject("yahoo news", number, f"entry {number}: {error}", payload))
    return articles, rejects


def _article(content: dict[str, Any]) -> Article:
    title, summary = str(content.get("title") or ""), str(content.get("summary") or "")
    address = content.get("canonicalUrl") or content.get("clickThroughUrl") or {}
    published = content.get("pubDate")
    return made(
        f"{title}\n\n{summary}",
        title=title,
        source=(content.get("provider") or {}).get("displayName"),
        address=address.get("url"),
        published_at=instant(published) if published else None,
        published_from="feed" if published else "none",
        published_zone="UTC" if published else None,
    )
