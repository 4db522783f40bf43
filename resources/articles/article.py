"""An article in its clean form, and what its first lines say of it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack
from urllib.parse import urlsplit

from resources.articles.cleaning import UnreadableArticleError, clean, phrase
from resources.articles.dates import dateline, header, implausible
from resources.articles.opening import byline, place
from resources.clock import Clock

if TYPE_CHECKING:
    from datetime import datetime

MAX_TEXT = 200_000
LANGUAGE_FROM = 20
"""Shorter texts say nothing reliable about their language."""
_SAMPLE = 4_000

PublishedFrom = Literal["field", "metadata", "feed", "header", "dateline", "none"]


@dataclass(frozen=True, slots=True)
class Article:
    """One article, cleaned.

    Parameters
    ----------
    text : str
        See `clean`. Untrusted: whoever shows it as HTML escapes it.
    title, source, address, language : str or None
        Headline, publisher or host, where it was published, ISO 639-1.
    author, dateline : str or None
        Byline, and the place of the dateline (NEW YORK), both as written.
    published_at : datetime or None
        UTC without a zone; a date without a time of day is its midnight.
    published_from : str
        How `published_at` was found.
    published_zone : str or None
        Zone stated with it (+01:00, America/New_York); None where none was, and UTC was taken.
    remarks : tuple of str
        What was not as it should be: a date that was refused, a reader that found nothing.
    """

    text: str
    title: str | None = None
    source: str | None = None
    address: str | None = None
    language: str | None = None
    published_at: datetime | None = None
    published_from: PublishedFrom = "none"
    author: str | None = None
    dateline: str | None = None
    published_zone: str | None = None
    remarks: tuple[str, ...] = ()

    @property
    def article_id(self) -> str:
        """SHA-256 of the text: the same text is the same article, wherever it was found."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class Stated(TypedDict, total=False):
    """What a source may state of an article, each as in `Article`."""

    title: object
    source: object
    address: object
    language: object
    author: object
    dateline: object
    published_at: datetime | None
    published_from: PublishedFrom
    published_zone: str | None
    remarks: tuple[str, ...]


def made(text: str, **stated: Unpack[Stated]) -> Article:
    """Return the article in its clean form; what a source does not state is looked for.

    A missing date is taken from a header line ("Published: ..."), else from the dateline; byline,
    place and language from the text. A date before 1900 or more than a day ahead of the clock is
    refused, which `remarks` say; no other is taken in its place.
    """
    if not (text := clean(text)):
        raise UnreadableArticleError("empty: no text in it")
    if (size := len(text.encode())) > MAX_TEXT:
        raise UnreadableArticleError(f"too large: {size:,} bytes of text, at most {MAX_TEXT:,}")
    at, found, zone = _published(text, stated)
    remarks = stated.get("remarks", ())
    if at and (cause := implausible(at, Clock().now().replace(tzinfo=None))):
        at, found, zone, remarks = None, "none", None, (*remarks, cause)
    return Article(
        text=text,
        title=phrase(stated.get("title")),
        source=phrase(stated.get("source")),
        address=_web_address(stated.get("address")),
        language=_code(stated.get("language")) or detect(text),
        published_at=at,
        published_from=found,
        author=phrase(stated.get("author")) or byline(text),
        dateline=phrase(stated.get("dateline")) or place(text),
        published_zone=zone,
        remarks=remarks,
    )


def _published(text: str, stated: Stated) -> tuple[datetime | None, PublishedFrom, str | None]:
    """Return when it was published, how that was found, and the zone stated with it."""
    if at := stated.get("published_at"):
        return at, stated.get("published_from", "none"), stated.get("published_zone")
    if found := header(text):
        return found.at, "header", found.zone
    at = dateline(text)
    return at, "dateline" if at else "none", None


def detect(text: str) -> str | None:
    """Return the language of a text of at least twenty characters, ISO 639-1."""
    if len(text) < LANGUAGE_FROM:
        return None
    import py3langid

    return py3langid.classify(text[:_SAMPLE])[0]


def _web_address(value: object) -> str | None:
    address = phrase(value) or ""
    return address if re.match(r"https?://\S+$", address) else None


def _code(value: object) -> str | None:
    """Return the ISO 639-1 part of a language tag: en of en-US."""
    tag = re.match(r"([A-Za-z]{2})(?:[-_]|$)", value) if isinstance(value, str) else None
    return tag[1].lower() if tag else None


def host(address: str | None) -> str | None:
    """Return the host of a web address; None where there is none."""
    return urlsplit(address).hostname if address else None
