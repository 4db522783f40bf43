"""Feeds: the articles that RSS and Atom entries hold."""

from __future__ import annotations

import json
from calendar import timegm
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from resources.articles.fetching import FetchError, NotModifiedError, Policy, fetch
from resources.articles.gathering import Delivery
from resources.articles.linked import Linked
from resources.articles.text import Article, UnreadableArticleError, made, plain
from resources.articles.validators import Validators
from resources.articles.worker import Worker
from resources.batch import Reject

if TYPE_CHECKING:
    import time
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Feed:
    """One RSS or Atom feed."""

    address: str
    policy: Policy
    validators: Validators = field(default_factory=Validators)
    is_followed: bool = False
    """Whether the pages of entries are read, where robots.txt and the policy permit."""

    def deliveries(self) -> Iterator[Delivery]:
        """Yield what the feed's entries brought."""
        try:
            body = fetch(self.address, self.policy, self.validators)
            articles, rejects = entries(body, self.address)
            self.validators.keep(self.address)
            if self.is_followed:
                with Worker() as worker:
                    articles = list(map(Linked(self.policy, worker).whole, articles))
        except NotModifiedError as error:
            yield Delivery(self.address, reason=str(error))
        except Exception as error:  # noqa: BLE001 - whatever a parser raises, the others go on
            yield Delivery(self.address, error=error)
        else:
            yield Delivery(self.address, articles, rejects, is_kept=False)


def entries(body: bytes, address: str) -> tuple[list[Article], list[Reject]]:
    """Return the articles of an RSS or Atom feed, and the entries that hold none.

    An entry's text is its full content, else its title and summary. Dates are UTC. FetchError
    where the bytes are no feed, or define entities (which only an attack needs).
    """
    import feedparser

    if b"<!ENTITY" in body:
        raise FetchError("not a feed: it defines entities")
    # As a stream: feedparser opens bytes that happen to name a local file. Its own sanitiser needs
    # quadratic time (18 s for 0.7 MB of "<!--"); `plain` leaves no markup either.
    feed = feedparser.parse(BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    if not feed.entries and (feed.bozo or not feed.get("version")):
        cause = " ".join(str(feed.get("bozo_exception", "neither RSS nor Atom")).split())[:120]
        raise FetchError(f"not a feed: {cause}")
    publisher = feed.feed.get("title") or urlsplit(address).hostname
    articles, rejects = [], list[Reject]()
    for number, entry in enumerate(feed.entries, start=1):
        try:
            articles.append(_article(entry, publisher))
        except UnreadableArticleError as error:
            link = json.dumps({"link": entry.get("link")})
            rejects.append(Reject(address, number, f"entry {number}: {error}", link))
    return articles, rejects


def _article(entry: Any, publisher: str | None) -> Article:
    title = plain(entry.get("title", ""))
    contents = [plain(content.get("value", "")) for content in entry.get("content", ())]
    text = max(contents, key=len, default="")
    date = entry.get("published_parsed") or entry.get("updated_parsed")
    return made(
        text if text.strip() else f"{title}\n\n{plain(entry.get('summary', ''))}",
        title=title,
        source=publisher,
        address=entry.get("link"),
        published_at=_instant(date),
        published_from="feed" if date else "none",
    )


def _instant(parsed: time.struct_time | None) -> datetime | None:
    if not parsed:
        return None
    try:
        return datetime.fromtimestamp(timegm(parsed), UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise UnreadableArticleError("its date lies outside the calendar") from error
