"""Mentions: which listings a text names, by dated names, tickers and cues.

`lexicon` finds names in one pass, `cues` tells a firm from a word, `listings` decides between the
listings of a firm. Not here: what a text says of them (selloff.claims).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from selloff.mentions.lexicon import Lexicon, Name, Span, belongs, plain
from selloff.mentions.listings import Context, resolve
from selloff.mentions.sentences import sentence_of, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

__all__ = ["Context", "Lexicon", "Name", "Span", "mentions", "plain", "resolve", "sentences"]


REACH = 300
"""Characters around a name in which a place says which listing is meant, within its sentence."""


@dataclass(slots=True)
class _Found:
    """Where one listing is named in one text."""

    name: Name
    listing_from: str
    first: Span
    offsets: set[int] = field(default_factory=set)


def mentions(articles: pa.Table, aliases: pa.Table) -> pa.Table:
    r"""Find the listings that articles name.

    A name matches with its case and at word boundaries ("Nvidia's", not "Armani"), the longest
    name wins ("Siemens Energy" is not "Siemens"), and it must have been in use on the day the
    article was published. A name that is also a word (`needs_cue`) counts beside a cue in its own
    sentence (`selloff.mentions.cues`), or where its listing is named otherwise in the text. A
    ticker counts as ``$NVDA``, ``(NVDA)`` or ``NASDAQ: NVDA``. Of the listings that share a name
    the text decides for one (`selloff.mentions.listings.resolve`).

    Parameters
    ----------
    articles : pyarrow.Table
        `article_id`, `text` and `published_at` (UTC; NULL: names of every time count).
    aliases : pyarrow.Table
        As `Lexicon` takes them.

    Returns
    -------
    pyarrow.Table
        `article_id`, `listing_id`, `ticker`, `alias` (as first written), `alias_kind`,
        `listing_from`, `n_mentions` and `first_offset` (characters from the start of the text):
        one row per article and listing, in the order of the articles, then of first mention.

    Notes
    -----
    Time is linear in the text: the automaton passes over it once, and cues are sought within 100
    characters.
    """
    import pyarrow as pa

    lexicon = Lexicon(aliases)
    texts = ("article_id", "listing_id", "ticker", "alias", "alias_kind", "listing_from")
    schema = pa.schema(
        [(name, pa.string()) for name in texts]
        + [("n_mentions", pa.int64()), ("first_offset", pa.int64())]
    )
    rows = [
        {"article_id": article["article_id"], **row}
        for article in articles.select(["article_id", "text", "published_at"]).to_pylist()
        for row in _rows(lexicon, article["text"], day_of(article["published_at"]))
    ]
    return pa.Table.from_pylist(rows, schema=schema)


def day_of(published_at: datetime | date | None) -> date | None:
    """Return the day on which names must be in use."""
    return published_at.date() if isinstance(published_at, datetime) else published_at


def located(text: str, flat: str, spans: list[Span]) -> Iterator[tuple[Span, Name, str]]:
    """Yield each span with its listing and what decided for it.

    Parameters
    ----------
    text, flat : str
        The text, and the same with plain quotes and blanks.
    spans : list of Span
        As `Lexicon.spans` finds them.
    """
    bounds = sentences(text) if any(len(span.names) > 1 for span in spans) else []
    for number, span in enumerate(spans):
        after = spans[number + 1] if number + 1 < len(spans) else None
        ticker = after.written if after and belongs(flat, span, after) else ""
        start, end = sentence_of(bounds, span.start) if bounds else (span.start, span.end)
        clause = flat[max(start, span.start - 40) : min(end, span.end + 40)]
        near = flat[max(start, span.start - REACH) : min(end, span.end + REACH)]
        yield span, *resolve(span, Context(clause, near, ticker))


def _rows(lexicon: Lexicon, text: str, day: date | None) -> list[dict[str, Any]]:
    """Return one row per listing that the text names, in the order of first mention."""
    found: dict[str, _Found] = {}
    for span, name, listing_from in located(text, plain(text), lexicon.spans(text, day)):
        entry = found.setdefault(name.listing_id, _Found(name, listing_from, span))
        entry.offsets.add(span.start)
    return [
        {
            "listing_id": listing_id,
            "ticker": entry.name.ticker,
            "alias": entry.first.written,
            "alias_kind": entry.first.kind,
            "listing_from": entry.listing_from,
            "n_mentions": len(entry.offsets),
            "first_offset": entry.first.start,
        }
        for listing_id, entry in found.items()
    ]
