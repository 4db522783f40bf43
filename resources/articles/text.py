"""From the bytes of an article to its clean text, title, source, date and language."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BYTES = 2_000_000
"""Larger files are refused: trafilatura needs 13 s for a page of this size, 20 s for 6 MB."""
MAX_TEXT = 200_000
LANGUAGE_FROM = 20
"""Shorter texts say nothing reliable about their language."""

PublishedFrom = Literal["field", "metadata", "feed", "header", "dateline", "none"]


class UnreadableArticleError(ValueError):
    """The input holds no article; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class Article:
    """One article, cleaned.

    Parameters
    ----------
    text : str
        See `clean`. Untrusted: whoever shows it as HTML escapes it.
    title, source, address, language : str or None
        Headline, publisher or host, where it was published, ISO 639-1.
    published_at : datetime or None
        UTC without a zone; a date without a time of day is its midnight.
    published_from : str
        How `published_at` was found.
    """

    text: str
    title: str | None = None
    source: str | None = None
    address: str | None = None
    language: str | None = None
    published_at: datetime | None = None
    published_from: PublishedFrom = "none"

    @property
    def article_id(self) -> str:
        """SHA-256 of the text: the same text is the same article, wherever it was found."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def made(
    text: str,
    *,
    title: object = None,
    source: object = None,
    address: object = None,
    language: object = None,
    published_at: datetime | None = None,
    published_from: PublishedFrom = "none",
) -> Article:
    """Return the article in its clean form; what a source does not state is looked for.

    A missing date is taken from the dateline, a missing language from the text.
    """
    if not (text := clean(text)):
        raise UnreadableArticleError("empty: no text in it")
    if (size := len(text.encode())) > MAX_TEXT:
        raise UnreadableArticleError(f"too large: {size:,} bytes of text, at most {MAX_TEXT:,}")
    if published_at is None and (published_at := dateline(text)):
        published_from = "dateline"
    return Article(
        text=text,
        title=_phrase(title),
        source=_phrase(source),
        address=_web_address(address),
        language=_code(language) or detect(text),
        published_at=published_at,
        published_from=published_from,
    )


def from_txt(text: str) -> Article:
    """Read plain text; its first line is the title where a blank line or a dateline follows it."""
    first, _, rest = clean(text).partition("\n")
    is_title = rest and not _DATELINE.match(first) and first[-1:] not in ".,;:"
    is_title = is_title and (rest[0] == "\n" or _DATELINE.match(rest))
    return made(text, title=first if is_title and len(first) <= 2 * _NEAR else None)


def from_html(page: str) -> Article:
    """Read a web page: main text without comments, title, site and date from its metadata."""
    from trafilatura import bare_extraction

    found = bare_extraction(
        page,
        include_comments=False,
        fast=True,
        with_metadata=True,
        # The extensive search would take a date out of the body or the copyright line.
        date_extraction_params={
            "extensive_search": False,
            "original_date": True,
            "outputformat": "%Y-%m-%dT%H:%M:%S%z",
        },
    )
    names = ("text", "title", "sitename", "hostname", "url", "date")
    text, title, site, host, address, date = (getattr(found, name, None) for name in names)
    if not text:
        raise UnreadableArticleError("empty: no main text in the page")
    return made(
        text,
        title=title,
        source=site or host,
        address=address,
        published_at=instant(date) if date else None,
        published_from="metadata" if date else "none",
    )


def from_json(text: str) -> Article:
    """Read ``{title, text | html, published_at, source, url, language}``.

    `published_at` is ISO 8601; without a zone it is UTC, without a time midnight UTC. What the
    object states goes before what is found in its `html`.
    """
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableArticleError(f"not JSON: {_phrase(str(error))}") from error
    if not isinstance(fields, dict):
        raise UnreadableArticleError("not a JSON object")
    facts: dict[str, Any] = {name: fields.get(name) for name in ("title", "source", "language")}
    facts["address"] = fields.get("url")
    if stated := fields.get("published_at"):
        facts |= {"published_at": instant(stated), "published_from": "field"}
    if _has_text(fields.get("text")):
        return made(fields["text"], **facts)
    if not _has_text(fields.get("html")):
        raise UnreadableArticleError("JSON without text: neither `text` nor `html` holds any")
    found = asdict(from_html(fields["html"]))
    return made(**found | {name: value for name, value in facts.items() if value})


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


def clean(text: str) -> str:
    """Return text in NFC with single blanks, at most one empty line on end, nothing invisible.

    Control, zero-width, bidirectional and private characters and lone surrogates are dropped.
    """
    lines = (" ".join(filter(None, map(_visible, line.split()))) for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def plain(fragment: str) -> str:
    """Return the text of an HTML fragment, a new line for each block, without scripts."""
    from lxml import html

    safe = "".join(char for char in fragment if char.isprintable() or char in "\n\t")
    root = html.document_fromstring(f"<body>{safe}</body>")
    for unseen in root.xpath("//script | //style | //comment()"):
        unseen.drop_tree()
    for block in root.iter("p", "br", "li", "div", "tr", "td", "h1", "h2", "h3", "blockquote"):
        block.tail = "\n" + (block.tail or "")
    return root.text_content()


def instant(stated: object) -> datetime:
    """Return an ISO 8601 instant as UTC without a zone; one without a zone already is UTC."""
    try:
        found = datetime.fromisoformat(str(stated).strip())
        return (found.astimezone(UTC) if found.tzinfo else found).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        cause = f"published_at is not an ISO 8601 date: {str(stated)[:40]!r}"
        raise UnreadableArticleError(cause) from error


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)[a-z]{0,6}\.?"
_DATELINE = re.compile(
    rf"""
    (?:[A-Z][\w.'-]{{0,30}}:?,?\ ){{0,4}}?           # Updated: | NEW YORK, | By Jane Doe,
    (?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{{0,6}}\.?,?\ )?
    (?: (?P<year>\d{{4}})-(?P<month>\d\d)-(?P<day>\d\d)
      | (?P<month_us>{_MONTH})\ (?P<day_us>\d{{1,2}})(?:[a-z]{{2}})?,?\ (?P<year_us>\d{{4}})
      | (?P<day_eu>\d{{1,2}})(?:[a-z]{{2}}|\.)?\ (?P<month_eu>{_MONTH}),?\ (?P<year_eu>\d{{4}})
    )
    (?=\ ?(?:$|[-\u2013\u2014|(:\u00b7]|,?\ ?(?:at\ )?T?\d{{1,2}}:\d\d))
    """,
    re.VERBOSE | re.MULTILINE,
)
_NEAR, _TOP_LINES = 80, 5


def dateline(text: str) -> datetime | None:
    """Return the date that begins one of the first five lines and stands for itself.

    "Tuesday, January 28, 2025 - ...", "NEW YORK, Jan 27, 2025 (Reuters) - ..." and "28 January
    2025" are datelines; "On January 20, 2025, the company ..." is not, nor is any date further
    down: bodies speak of other days.
    """
    lines = [line for line in text[: 50 * _NEAR].splitlines() if line][:_TOP_LINES]
    for match in filter(None, (_DATELINE.match(line[: 2 * _NEAR]) for line in lines)):
        parts = [value for value in match.groups() if value]
        if match["day_eu"]:
            parts.reverse()
        elif match["month_us"]:
            parts = [parts[2], parts[0], parts[1]]
        year, month, day = parts
        number = int(month) if month.isdigit() else _MONTHS.index(month[:3].lower()) + 1
        try:
            return datetime(int(year), number, int(day))  # noqa: DTZ001 - tables hold naive UTC
        except ValueError:
            continue
    return None


def detect(text: str) -> str | None:
    """Return the language of a text of at least twenty characters, ISO 639-1."""
    if len(text) < LANGUAGE_FROM:
        return None
    import py3langid

    return py3langid.classify(text[: 50 * _NEAR])[0]


def _visible(word: str) -> str:
    """Drop what cannot be seen, then compose (NFC) in pieces.

    Composing sorts runs of combining marks in quadratic time: 26 s for a word of 200,000.
    """
    if word.isascii() and word.isprintable():
        return word
    word = "".join(char for char in word if char.isprintable())
    pieces = (word[start : start + 500] for start in range(0, len(word), 500))
    return "".join(unicodedata.normalize("NFC", piece) for piece in pieces)


def _phrase(value: object) -> str | None:
    """Return a title or name on one line, at most 300 characters; None where there is none."""
    return " ".join(clean(value).split())[:300] or None if isinstance(value, str) else None


def _web_address(value: object) -> str | None:
    address = _phrase(value) or ""
    return address if re.match(r"https?://\S+$", address) else None


def _code(value: object) -> str | None:
    """Return the ISO 639-1 part of a language tag: en of en-US."""
    tag = re.match(r"([A-Za-z]{2})(?:[-_]|$)", value) if isinstance(value, str) else None
    return tag[1].lower() if tag else None


def _has_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def host(address: str | None) -> str | None:
    """Return the host of a web address; None where there is none."""
    return urlsplit(address).hostname if address else None
