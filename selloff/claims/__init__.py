"""Claims: what articles state of prices, read by a small deterministic grammar.

A sentence with a figure is cut into `tokens` (names, figures, times, words of direction); one walk
(`grammar`) keeps of whom it speaks (`state`) and what each figure means (`figures`). The words
stand in `words`, numbers in `quantities`, days in `times`. Not here: whether a claim is true
(selloff.claim_checks).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from selloff.claims.grammar import Reading, read, without_doubles
from selloff.claims.times import When, local_day, when
from selloff.claims.tokens import Entity, tokens
from selloff.mentions import Lexicon, day_of, located, plain, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    import pyarrow as pa

__all__ = ["claims", "claims_of"]

# A sentence without any of these states no figure.
_GATE = re.compile(
    r"[%$\u20ac\u00a3\u00a5\u20b9]|\b(?:per ?cent|pct|points?|pts|bps?|half|halv|doubl|tripl"
    r"|quadrupl|billion|trillion|million|bn|crore|dollars|euros|yen|pence|Rs|shares)"
    r"|\d ?pc\b|\d\.\d|\b(?:third|quarter|fifth|sixth|tenth)s?\b|\d,\d{3}",
    re.IGNORECASE,
)
_PARTS_OF_A_DAY = frozenset({"intraday", "open", "premarket", "after_hours"})
_DIRECTIONS = {-1: "down", 0: None, 1: "up"}
_TEXTS = (
    *("claim_id", "article_id", "listing_id", "ticker", "listing_from", "alias", "metric"),
    *("direction", "unit", "qualifier", "bound", "period", "pattern"),
)
_COUNTS = ("n_sessions", "start_offset", "end_offset", "sentence_start", "sentence_end")
_FIGURES = ("magnitude_low", "magnitude_high", "resolution", "confidence")
_COLUMNS = (
    *("claim_id", "article_id", "listing_id", "ticker", "listing_from", "alias", "metric"),
    *("direction", "magnitude_low", "magnitude_high", "unit", "resolution", "qualifier", "bound"),
    *(
        "period",
        "n_sessions",
        "claimed_from",
        "claimed_on",
        "told_on",
        "start_offset",
        "end_offset",
    ),
    *("sentence_start", "sentence_end", "pattern", "confidence", "is_ambiguous", "published_at"),
)


def claims(articles: pa.Table, aliases: pa.Table) -> pa.Table:
    """Read what articles claim of prices.

    Parameters
    ----------
    articles : pyarrow.Table
        `article_id`, `text`, `published_at` (UTC; midnight is a date without a time of day; NULL:
        days stay unknown).
    aliases : pyarrow.Table
        As `selloff.mentions.Lexicon` takes them.

    Returns
    -------
    pyarrow.Table
        The columns of core.claims but `as_of`: a row per figure and listing, in the order of the
        articles, then of the text. Fractions, never percent.

    Notes
    -----
    The reading is deterministic, takes time linear in the text, and nothing but the text, the names
    in use on its day and that day enter it.
    """
    lexicon = Lexicon(aliases)
    rows = [
        row
        for article in articles.select(["article_id", "text", "published_at"]).to_pylist()
        for row in _rows(article["article_id"], article["text"], article["published_at"], lexicon)
    ]
    return _table(rows)


def claims_of(text: str, published_at: datetime | None, lexicon: Lexicon) -> pa.Table:
    """Read what one text claims of prices; see `claims`.

    Parameters
    ----------
    text : str
        The text.
    published_at : datetime, optional
        When it was published, UTC without a zone.
    lexicon : Lexicon
        The names it may use.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from datetime import datetime
    >>> row = {"listing_id": "XNAS:NVDA", "ticker": "NVDA", "alias": "Nvidia", "needs_cue": False}
    >>> lexicon = Lexicon(pa.Table.from_pylist([row | {"valid_from": None, "valid_to": None}]))
    >>> text = "Nvidia shares fell nearly 17% on Monday."
    >>> (claim,) = claims_of(text, datetime(2025, 1, 28), lexicon).to_pylist()
    >>> claim["direction"], claim["magnitude_low"], claim["qualifier"], str(claim["claimed_on"])
    ('down', 0.17, 'nearly', '2025-01-27')
    """
    return _table(list(_rows("", text, published_at, lexicon)))


def _rows(
    article_id: str, text: str, published_at: datetime | None, lexicon: Lexicon
) -> Iterator[dict[str, Any]]:
    """Yield a row per claim of a text."""
    flat = plain(text)
    spans = lexicon.spans(text, day_of(published_at))
    if not spans:
        return
    entities = [
        Entity(span, name, how)
        for span, name, how in located(text, flat, spans)
        if span.kind in {"company", "ticker"}
    ]
    before: list[Entity] = []
    first = 0
    seen: set[str] = set()
    told_on: date | None = None
    for start, end in sentences(text):
        last = first
        while last < len(entities) and entities[last].span.start < end:
            last += 1
        inside, first = entities[first:last], last
        if not inside and not before:
            continue
        if not _GATE.search(flat, start, end):
            before = without_doubles(inside) or before
            continue
        readings, before = read(tokens(flat, start, end, inside), before)
        rows = [_row(article_id, reading, (start, end), published_at) for reading in readings]
        told_on = max(filter(None, map(_day_told, rows)), default=told_on)
        for row in rows:
            if row["period"] != "future" and row["claim_id"] not in seen:
                seen.add(row["claim_id"])
                yield {**row, "told_on": row["claimed_on"] or told_on}


def _day_told(row: dict[str, Any]) -> date | None:
    """Return the day of which a claim says that it speaks."""
    is_day = row["period"] == "day" or row["period"] in _PARTS_OF_A_DAY
    return row["claimed_on"] if is_day else None


def _row(
    article_id: str, reading: Reading, sentence: tuple[int, int], published_at: datetime | None
) -> dict[str, Any]:
    """Return a reading as a row of core.claims."""
    name = reading.entity.name
    told = _told(reading, local_day(published_at, name.exchange_mic))
    key = "\n".join((article_id, str(reading.start), reading.metric, name.listing_id))
    return {
        "claim_id": hashlib.sha256(key.encode()).hexdigest()[:32],
        "article_id": article_id,
        "listing_id": name.listing_id,
        "ticker": name.ticker,
        "listing_from": reading.entity.listing_from,
        "alias": reading.entity.span.written,
        "metric": reading.metric,
        "direction": _DIRECTIONS[reading.sign],
        "magnitude_low": reading.figure.low,
        "magnitude_high": reading.figure.high,
        "unit": reading.unit,
        "resolution": reading.figure.resolution,
        "qualifier": reading.qualifier or None,
        "bound": reading.bound,
        "period": told.period,
        "n_sessions": told.n_sessions,
        "claimed_from": told.first,
        "claimed_on": told.last,
        "start_offset": reading.start,
        "end_offset": reading.end,
        "sentence_start": sentence[0],
        "sentence_end": sentence[1],
        "pattern": reading.pattern,
        "confidence": reading.confidence,
        "is_ambiguous": reading.is_ambiguous,
        "published_at": published_at,
    }


def _told(reading: Reading, published: date | None) -> When:
    """Return the time of which a reading speaks: a day, and the part of it, from two words."""
    told = [when(time.text, published) for time in reading.times] or [When()]
    part = next((one.period for one in told if one.period in _PARTS_OF_A_DAY), None)
    day = next((one for one in told if one.period not in _PARTS_OF_A_DAY), When())
    if reading.bound == "extreme" and day.period in {"day", "unstated"}:
        part = part or "intraday"
    return replace(day, period=part) if part and day.period in {"day", "unstated"} else day


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    import pyarrow as pa

    kinds = (
        dict.fromkeys(_TEXTS, pa.string())
        | dict.fromkeys(_COUNTS, pa.int64())
        | dict.fromkeys(_FIGURES, pa.float64())
        | {"claimed_from": pa.date32(), "claimed_on": pa.date32(), "told_on": pa.date32()}
        | {"is_ambiguous": pa.bool_(), "published_at": pa.timestamp("us")}
    )
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, kinds[name]) for name in _COLUMNS]))
