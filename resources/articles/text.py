"""From the bytes of an article to its clean text: the reader of each kind of file."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from resources.articles.article import (
    LANGUAGE_FROM,
    MAX_TEXT,
    Article,
    PublishedFrom,
    Stated,
    detect,
    host,
    made,
)
from resources.articles.cleaning import UnreadableArticleError, clean, phrase, plain
from resources.articles.dates import Moment, dateline, instant, is_dateline, moment
from resources.articles.pages import from_html

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "LANGUAGE_FROM",
    "MAX_BYTES",
    "MAX_TEXT",
    "READERS",
    "Article",
    "Moment",
    "PublishedFrom",
    "UnreadableArticleError",
    "clean",
    "dateline",
    "decoded",
    "detect",
    "from_html",
    "from_json",
    "from_txt",
    "host",
    "instant",
    "made",
    "moment",
    "plain",
]

MAX_BYTES = 2_000_000
"""Larger files are refused: trafilatura needs 13 s for a page of this size, 20 s for 6 MB."""
MAX_TITLE = 160


def from_txt(text: str) -> Article:
    """Read plain text; its first line is the title where a blank line or a dateline follows it."""
    first, _, rest = clean(text).partition("\n")
    is_title = rest and not is_dateline(first) and first[-1:] not in ".,;:"
    is_title = is_title and (rest[0] == "\n" or is_dateline(rest))
    return made(text, title=first if is_title and len(first) <= MAX_TITLE else None)


def from_json(text: str) -> Article:
    """Read ``{title, text | html, published_at, source, url, author, language}``.

    `published_at` is ISO 8601; without a zone it is UTC, without a time midnight UTC. What the
    object states goes before what is found in its `html`.
    """
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableArticleError(f"not JSON: {phrase(str(error))}") from error
    if not isinstance(fields, dict):
        raise UnreadableArticleError("not a JSON object")
    facts: Stated = {
        "title": fields.get("title"),
        "source": fields.get("source"),
        "language": fields.get("language"),
        "author": fields.get("author"),
        "address": fields.get("url"),
    }
    if stated := fields.get("published_at"):
        at = moment(stated)
        facts |= {"published_at": at.at, "published_from": "field", "published_zone": at.zone}
    if _has_text(fields.get("text")):
        return made(fields["text"], **facts)
    if not _has_text(fields.get("html")):
        raise UnreadableArticleError("JSON without text: neither `text` nor `html` holds any")
    found: dict[str, Any] = asdict(from_html(fields["html"]))
    if facts.get("published_at"):
        found["published_zone"] = None
    given: dict[str, Any] = {name: value for name, value in facts.items() if value}
    return made(**{**found, **given})


READERS: dict[str, Callable[[str], Article]] = {
    ".txt": from_txt,
    ".html": from_html,
    ".htm": from_html,
    ".json": from_json,
}


def decoded(body: bytes, suffix: str) -> str:
    """Decode UTF-8, or for a web page the encoding it declares; raise where that fails."""
    declared = _CHARSET.search(body[:4096]) if suffix in {".html", ".htm"} else None
    encoding = declared[1].decode() if declared else "utf-8"
    try:
        return body.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        cause = f"bad encoding: byte {error.start} is not {encoding}"
        raise UnreadableArticleError(cause) from error


_CHARSET = re.compile(
    # Only encodings of text: Python would also decode punycode, in quadratic time.
    rb"<meta[^>]{0,200}?charset=[\"' ]?"
    rb"(utf-8|us-ascii|iso-8859-\d\d?|windows-125\d|shift_jis|euc-jp|euc-kr|gb2312|gbk|big5)",
    re.IGNORECASE,
)


def _has_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())
