"""What the head of a web page says of it: JSON-LD, meta elements, and the time element."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resources.articles.cleaning import UnreadableArticleError
from resources.articles.dates import Moment, moment

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_SCRIPTS, _MOST_CHARACTERS, _MOST_NODES = 20, 200_000, 2_000
"""Bounds of JSON-LD: a page may hold any amount of it, nested in any way."""
_KINDS = ("Article", "Posting", "Report")
_DATES = (
    *("article:published_time", "og:published_time", "datepublished", "parsely-pub-date"),
    *("sailthru.date", "dc.date.issued", "dc.date", "dcterms.date", "pubdate", "date"),
)


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What is known of a page; None where nothing says it."""

    text: str = ""
    title: str | None = None
    author: str | None = None
    site: str | None = None
    address: str | None = None
    published: Moment | None = None


def page_facts(page: str) -> PageFacts:
    """Return title, author, site, address and date as the page's JSON-LD and head state them.

    A date that is not ISO 8601 is passed over. Bounded: at most 20 blocks of JSON-LD of 200,000
    characters and 2,000 values.
    """
    from lxml import etree, html  # pyright: ignore[reportAttributeAccessIssue]

    try:
        root = html.document_fromstring(
            _safe(page).encode(), parser=html.HTMLParser(encoding="utf-8")
        )
    except (ValueError, etree.LxmlError):
        return PageFacts()
    linked = _linked_article(root)
    metas = _metas(root)
    times = root.xpath("//article//time/@datetime | //time[@pubdate]/@datetime")
    stated = (linked.get("datePublished"), *(metas.get(name) for name in _DATES), *times[:1])
    address = root.xpath("string(//link[@rel='canonical']/@href)")
    return PageFacts(
        title=_words(linked.get("headline")) or metas.get("og:title"),
        author=_people(linked.get("author")) or _named(metas.get("author")),
        site=metas.get("og:site_name"),
        address=address or metas.get("og:url"),
        published=_first_moment(stated),
    )


def _safe(page: str) -> str:
    return page.replace("\x00", "").encode(errors="replace").decode()


def _metas(root: Any) -> dict[str, str]:
    """Return the first content of each meta element, by its property, name or itemprop."""
    found = dict[str, str]()
    for meta in root.iter("meta"):
        name = meta.get("property") or meta.get("name") or meta.get("itemprop")
        if name and (content := (meta.get("content") or "").strip()):
            found.setdefault(name.lower(), content)
    return found


def _linked_article(root: Any) -> dict[str, Any]:
    """Return the first article of the page's JSON-LD; empty where there is none."""
    for script in root.xpath("//script[@type='application/ld+json']")[:_MOST_SCRIPTS]:
        text = script.text or ""
        if len(text) > _MOST_CHARACTERS:
            continue
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if found := _first_article(content):
            return found
    return {}


def _first_article(content: Any) -> dict[str, Any] | None:
    waiting = deque([content])
    for _ in range(_MOST_NODES):
        if not waiting:
            return None
        value = waiting.popleft()
        if isinstance(value, list):
            waiting.extend(value[:_MOST_NODES])
        elif isinstance(value, dict):
            if str(value.get("@type")).rstrip("]'").endswith(_KINDS):
                return value
            waiting.extend(inner for inner in value.values() if isinstance(inner, dict | list))
    return None


def _people(value: Any) -> str | None:
    """Return the names of one or several authors, joined by commas."""
    several = value[:10] if isinstance(value, list) else [value]
    names = [_words(one.get("name") if isinstance(one, dict) else one) for one in several]
    return ", ".join(name for name in names if name and _named(name)) or None


def _named(value: str | None) -> str | None:
    """Return a name; an address of the author's page is none."""
    return value if value and "://" not in value else None


def _words(value: Any) -> str | None:
    return " ".join(value.split()) or None if isinstance(value, str) else None


def _first_moment(stated: Iterable[Any]) -> Moment | None:
    for value in stated:
        try:
            if isinstance(value, str) and value.strip():
                return moment(value)
        except UnreadableArticleError:
            continue
    return None
