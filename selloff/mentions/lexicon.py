"""The lexicon: dated names of listings, found in a text in one pass."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import ahocorasick

from selloff.mentions.cues import has_cue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

_TICKER = r"([A-Z0-9]{1,6}(?:[.-][A-Z]{1,3})?)"
_MARKED_TICKERS = (
    re.compile(rf"\${_TICKER}(?!\w)"),
    re.compile(rf"\((?=[A-Z0-9.-]{{2}}){_TICKER}(?=[),])"),
    re.compile(
        r"\b(?:NASDAQ|Nasdaq|NYSE|NYSE Arca|AMS|ETR|FRA|TSE|TYO|LSE|LON|Euronext|Tokyo|Xetra|XETRA)"
        rf": ?{_TICKER}(?!\w)"
    ),
)
"""Forms in which a ticker counts: $NVDA, (NVDA) with two characters or more, NASDAQ: NVDA."""
_IN_BRACKETS = re.compile(r" ?\((?:[A-Za-z ]{2,12}: ?)?$")

# One character for one: offsets in the plain text are offsets in the text.
_PLAIN = {
    **dict.fromkeys("\n\r\t\v\f\u00a0\u2007\u2009\u202f", " "),
    **dict.fromkeys("\u2018\u2019\u02bc\u201b", "'"),
    **dict.fromkeys("\u201c\u201d\u201f", '"'),
    **dict.fromkeys("\u2010\u2011\u2212", "-"),
    "\uff05": "%",
}
_ODD = re.compile(f"[{''.join(_PLAIN)}]")


def plain(text: str) -> str:
    r"""Return a text of the same length with plain blanks, quotes and hyphens.

    Examples
    --------
    >>> plain("Nvidia\u2019s\nshares")
    "Nvidia's shares"
    """
    return _ODD.sub(lambda odd: _PLAIN[odd[0]], text)


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """One row of the alias table, with what is known of the listing.

    Parameters
    ----------
    listing_id, ticker, alias : str
        The listing and the name by which texts speak of it.
    kind : str
        ``company``, ``product`` or ``person``.
    needs_cue : bool
        Whether the name is also a word, and counts only beside a cue.
    valid_from, valid_to : datetime.date
        Days of use, both included.
    issuer_id : str
        The firm; the ticker where it is not known.
    exchange_mic, currency, region : str, optional
        Where the listing trades.
    is_primary : bool
        Whether it is the one meant where nothing says which.
    """

    listing_id: str
    ticker: str
    alias: str
    kind: str = "company"
    needs_cue: bool = False
    valid_from: date = date.min
    valid_to: date = date.max
    issuer_id: str = ""
    exchange_mic: str = ""
    currency: str = ""
    region: str = ""
    is_primary: bool = True

    @classmethod
    def of(cls, row: dict[str, Any]) -> Name:
        """Return the name that a row of the alias table states; what it leaves out is unknown."""
        return cls(
            row["listing_id"],
            row["ticker"],
            row["alias"],
            row.get("alias_kind") or "company",
            bool(row["needs_cue"]),
            row["valid_from"] or date.min,
            row["valid_to"] or date.max,
            row.get("issuer_id") or (row["listing_id"] if "issuer_id" in row else ""),
            row.get("exchange_mic") or "",
            row.get("currency") or "",
            row.get("region") or "",
            row.get("is_primary") is not False,
        )


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a text that names a firm, an index or something of theirs.

    Parameters
    ----------
    start, end : int
        Characters of the text, the end excluded.
    written : str
        What stands there.
    kind : str
        ``company``, ``product``, ``person`` or ``ticker``.
    names : tuple of Name
        The listings that share it, the primary one first.
    """

    start: int
    end: int
    written: str
    kind: str
    names: tuple[Name, ...]

    @property
    def listings(self) -> frozenset[str]:
        """Return the listings that share it."""
        return frozenset(name.listing_id for name in self.names)


class Lexicon:
    """An alias table as an automaton: all names are found in one pass over a text.

    Parameters
    ----------
    aliases : pyarrow.Table
        `listing_id`, `ticker`, `alias`, `needs_cue`, `valid_from`, `valid_to` (both included;
        NULL: no bound); optionally `alias_kind`, `issuer_id`, `exchange_mic`, `currency`,
        `region`, `is_primary`.

    Examples
    --------
    >>> import pyarrow as pa
    >>> row = {"listing_id": "XNAS:NVDA", "ticker": "NVDA", "alias": "Nvidia", "needs_cue": False}
    >>> lexicon = Lexicon(pa.Table.from_pylist([row | {"valid_from": None, "valid_to": None}]))
    >>> [(span.start, span.written) for span in lexicon.spans("So Nvidia's shares fell.", None)]
    [(3, 'Nvidia')]
    """

    def __init__(self, aliases: pa.Table) -> None:
        by_alias: dict[str, list[Name]] = defaultdict(list)
        by_ticker: dict[str, list[Name]] = defaultdict(list)
        for row in aliases.to_pylist():
            name = Name.of(row)
            by_alias[plain(name.alias)].append(name)
            by_ticker[name.ticker].append(name)
        self._tickers = {ticker: _primary(names) for ticker, names in by_ticker.items()}
        self._automaton = ahocorasick.Automaton()
        for alias, names in by_alias.items():
            # A name of two firms is nobody's: only a ticker can say which is meant.
            if len({name.issuer_id for name in names}) == 1:
                self._automaton.add_word(alias, (len(alias), _primary(names)))
        if len(self._automaton):
            self._automaton.make_automaton()

    def spans(self, text: str, day: date | None) -> list[Span]:
        """Return where the text names listings, in order, none over another.

        A name matches with its case and at word boundaries, the longest wins, and it must be in
        use on the day (None: names of every time count). A name that is also a word counts beside
        a cue, or where another name or ticker of the same listing stands in the text.
        """
        flat = plain(text)
        found = _longest([*self._named(flat, day), *self._marked(flat)])
        sure = {one for span in found if not _is_word(span) for one in span.listings}
        return [
            span
            for span in found
            if not _is_word(span) or span.listings & sure or has_cue(flat, span.start, span.end)
        ]

    def _named(self, flat: str, day: date | None) -> Iterator[Span]:
        """Yield every name at word boundaries that is in use, also one within another."""
        if not len(self._automaton):
            return
        for last, (length, names) in self._automaton.iter(flat):
            start, end = last + 1 - length, last + 1
            if _touches(flat, start, end):
                continue
            used = names if day is None else _in_use(names, day)
            if used:
                yield Span(start, end, flat[start:end], used[0].kind, used)

    def _marked(self, flat: str) -> Iterator[Span]:
        """Yield every ticker in a form that cannot be a word."""
        for form in _MARKED_TICKERS:
            for match in form.finditer(flat):
                if names := self._tickers.get(match[1]):
                    yield Span(match.start(1), match.end(1), match[1], "ticker", names)


def belongs(flat: str, name: Span, ticker: Span) -> bool:
    """Say whether a ticker stands in brackets directly behind a name: ``Nvidia (NVDA)``."""
    return ticker.kind == "ticker" and bool(_IN_BRACKETS.fullmatch(flat, name.end, ticker.start))


def _touches(flat: str, start: int, end: int) -> bool:
    """Say whether a letter, digit or underscore touches a place from outside."""
    before, after = flat[start - 1 : start], flat[end : end + 1]
    is_inside = flat[start].isalnum() and (before.isalnum() or before == "_")
    return is_inside or after.isalnum() or after == "_"


def _in_use(names: tuple[Name, ...], day: date) -> tuple[Name, ...]:
    return tuple(name for name in names if name.valid_from <= day <= name.valid_to)


def _is_word(span: Span) -> bool:
    return span.kind != "ticker" and all(name.needs_cue for name in span.names)


def _primary(names: Iterable[Name]) -> tuple[Name, ...]:
    """Return the names without doubles of a listing, the primary listing first."""
    unique = {name.listing_id: name for name in sorted(names, reverse=True)}
    return tuple(sorted(unique.values(), key=lambda name: (not name.is_primary, name.listing_id)))


def _longest(spans: list[Span]) -> list[Span]:
    """Return the spans from left to right, of those that overlap the longest."""
    found: list[Span] = []
    reached = 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end, span.kind != "ticker")):
        if span.start >= reached:
            found.append(span)
            reached = span.end
    return found
