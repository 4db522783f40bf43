"""Mentions: which listings a text names, by dated names, tickers and cues."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

_WORD = re.compile(r"\w+")
_PIECE = re.compile(r"\w+|\s+|[^\w\s]")
_TICKER = r"([A-Z0-9]{1,6}(?:[.-][A-Z]{1,3})?)"
_MARKED_TICKERS = (
    re.compile(rf"\${_TICKER}(?!\w)"),
    re.compile(rf"\((?=[A-Z0-9.-]{{2}}){_TICKER}\)"),
    re.compile(
        r"\b(?:NASDAQ|Nasdaq|NYSE|NYSE Arca|AMS|ETR|FRA|TSE|TYO|Euronext|Tokyo|Xetra|XETRA): ?"
        rf"{_TICKER}(?!\w)"
    ),
)
"""Forms in which a ticker counts: $NVDA, (NVDA) with two characters or more, NASDAQ: NVDA."""

_REACH = 100
_SENTENCE_END = re.compile(r"[.!?](?=\s)|\n\s*\n")
_CUE_BEFORE = re.compile(r"\b(?:shares|stock|share price) (?:of|in) $", re.IGNORECASE)
_CUE_AFTER = re.compile(
    r"""
    ,?\ (?:Inc|Corp|Corporation|Co|Ltd|plc|PLC|Group|Holdings|Platforms|Technologies)\b
    | \ \((?:[A-Za-z]{2,10}:\ ?)?[A-Z0-9.-]{1,10}\)
    | (?:['\u2019]s)?\ (?:shares?|stock)\b
    | .*?\b(?:rose|gained|jumped|climbed|fell|dropped|slid|sank|lost|tumbled|plunged|declined
        |was\ (?:up|down))\b.{0,40}?\d\s?(?:%|percent\b|per\ cent\b)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Name:
    """One row of the alias table."""

    listing_id: str
    ticker: str
    alias: str
    needs_cue: bool
    valid_from: date
    valid_to: date


@dataclass(slots=True)
class _Node:
    """A step of the trie of names, one piece (word, sign or blank) deep."""

    after: dict[str, _Node] = field(default_factory=dict)
    names: list[_Name] = field(default_factory=list)


@dataclass(slots=True)
class _Found:
    """Where one listing is named in one text."""

    ticker: str
    first: tuple[int, str]
    offsets: set[int] = field(default_factory=set)


def mentions(articles: pa.Table, aliases: pa.Table) -> pa.Table:
    r"""Find the listings that articles name.

    A name matches with its case and at word boundaries ("Nvidia's", not "Armani"), the longest
    name wins ("Siemens Energy" is not "Siemens"), and it must have been in use on the day the
    article was published. A name that is also a word (`needs_cue`) counts only with a cue in its
    own sentence: "shares of" or "stock in" before it, or after it a company form (Inc, Corp,
    Holdings, ...), a ticker in parentheses, "shares" or "stock", or, within 100 characters, a
    verb of rising or falling with a percentage. A ticker counts as ``$NVDA``, ``(NVDA)`` or
    ``NASDAQ: NVDA``. A name that two listings share (an issuer listed twice) names both.

    Parameters
    ----------
    articles : pyarrow.Table
        `article_id`, `text` and `published_at` (UTC; NULL: names of every time count).
    aliases : pyarrow.Table
        `listing_id`, `ticker`, `alias`, `needs_cue`, `valid_from`, `valid_to` (both included;
        NULL: no bound). An alias begins with a letter or digit.

    Returns
    -------
    pyarrow.Table
        `article_id`, `listing_id`, `ticker`, `alias` (as first written), `n_mentions` and
        `first_offset` (characters from the start of the text): one row per article and listing,
        in the order of the articles, then of first mention.

    Notes
    -----
    Time is linear in the text: each word is looked up once in a trie of the names' pieces, and
    cues are sought within 100 characters.
    """
    import pyarrow as pa

    lexicon = _Lexicon(_names(aliases))
    schema = pa.schema(
        [(name, pa.string()) for name in ("article_id", "listing_id", "ticker", "alias")]
        + [("n_mentions", pa.int64()), ("first_offset", pa.int64())]
    )
    rows = [
        {"article_id": article["article_id"], **row}
        for article in articles.select(["article_id", "text", "published_at"]).to_pylist()
        for row in lexicon.rows(article["text"], _day(article["published_at"]))
    ]
    return pa.Table.from_pylist(rows, schema=schema)


class _Lexicon:
    """The alias table as a trie, and the tickers it knows."""

    def __init__(self, names: Iterable[_Name]) -> None:
        self._root = _Node()
        self._tickers: dict[str, set[str]] = defaultdict(set)
        for name in names:
            self._tickers[name.ticker].add(name.listing_id)
            node = self._root
            for piece in _PIECE.findall(name.alias):
                node = node.after.setdefault(_key(piece), _Node())
            node.names.append(name)

    def rows(self, text: str, day: date | None) -> list[dict[str, Any]]:
        """Return one row per listing that the text names, in the order of first mention."""
        found: dict[str, _Found] = {}
        hits = [*self._by_name(text, day), *self._by_ticker(text)]
        for offset, written, listing_id, ticker in sorted(hits):
            entry = found.setdefault(listing_id, _Found(ticker, (offset, written)))
            entry.offsets.add(offset)
        return [
            {
                "listing_id": listing_id,
                "ticker": entry.ticker,
                "alias": entry.first[1],
                "n_mentions": len(entry.offsets),
                "first_offset": entry.first[0],
            }
            for listing_id, entry in found.items()
        ]

    def _by_name(self, text: str, day: date | None) -> Iterator[tuple[int, str, str, str]]:
        reached = 0
        for word in _WORD.finditer(text):
            start = word.start()
            if start < reached or word[0] not in self._root.after:
                continue
            end, names = self._longest(text, start, day)
            reached = max(reached, end)
            for name in names:
                if not name.needs_cue or _has_cue(text, start, end):
                    yield start, name.alias, name.listing_id, name.ticker

    def _longest(self, text: str, start: int, day: date | None) -> tuple[int, list[_Name]]:
        """Return the end of the longest name in use that starts here, and whose it is."""
        node, place, end, names = self._root, start, start, list[_Name]()
        while (piece := _PIECE.match(text, place)) and (step := node.after.get(_key(piece[0]))):
            node, place = step, piece.end()
            in_use = [
                name for name in node.names if not day or name.valid_from <= day <= name.valid_to
            ]
            if in_use:
                end, names = place, in_use
        return end, names

    def _by_ticker(self, text: str) -> Iterator[tuple[int, str, str, str]]:
        for form in _MARKED_TICKERS:
            for match in form.finditer(text):
                for listing_id in self._tickers.get(match[1], ()):
                    yield match.start(1), match[1], listing_id, match[1]


def _has_cue(text: str, start: int, end: int) -> bool:
    """Say whether something beside the name at [start, end) shows that a company is meant."""
    if _CUE_BEFORE.search(" ".join(text[max(0, start - 30) : start].split()) + " "):
        return True
    window = text[end : end + _REACH]
    if sentence_end := _SENTENCE_END.search(window):
        window = window[: sentence_end.end()]
    return _CUE_AFTER.match(re.sub(r"\s+", " ", window)) is not None


def _key(piece: str) -> str:
    return " " if piece.isspace() else piece


def _names(aliases: pa.Table) -> Iterator[_Name]:
    for row in aliases.to_pylist():
        valid = row["valid_from"] or date.min, row["valid_to"] or date.max
        yield _Name(row["listing_id"], row["ticker"], row["alias"], row["needs_cue"], *valid)


def _day(published_at: datetime | date | None) -> date | None:
    return published_at.date() if isinstance(published_at, datetime) else published_at
