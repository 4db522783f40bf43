"""The lexer: a sentence becomes words of the grammar, figures with units, and names."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from selloff.claims import words as w
from selloff.claims.quantities import FIGURE, WORDED_FIGURE, Quantity, quantity
from selloff.claims.times import DATED, TIME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selloff.mentions import Name, Span


@dataclass(frozen=True, slots=True)
class Entity:
    """A name with the listing it means."""

    span: Span
    name: Name
    listing_from: str


@dataclass(slots=True)
class Token:
    """A piece of a sentence.

    Parameters
    ----------
    kind : str
        ``entity``, ``figure``, ``time``, ``qualifier``, ``direction``, ``weak``, ``market``,
        ``value``, ``other``, ``worth``, ``volume``, ``modal``, ``if``, ``not``, ``break``,
        ``relative``, ``and``, ``each``, ``respectively``, ``preposition``, ``possessive``,
        ``pronoun``, ``day``, ``mark`` or ``word``.
    text : str
        In lower case.
    start, end : int
        Characters of the text.
    sign : int
        Of a word of direction.
    bound : str
        Of a qualifier.
    figure, entity : Quantity, Entity, optional
        Of a figure, of a name.
    is_capital : bool
        Whether a capital begins it within a sentence.
    """

    kind: str
    text: str
    start: int
    end: int
    sign: int = 0
    bound: str = ""
    figure: Quantity | None = None
    entity: Entity | None = None
    is_capital: bool = False


_QUALIFIER = "|".join(
    rf"(?P<q_{bound}>\b(?:{form})(?=[ $\u20ac\u00a3\u00a5\u20b9]))" for form, bound in w.QUALIFIERS
)
_PHRASE = "|".join(
    rf"(?P<p_{number}>\b(?:{form})\b)"
    if form[-1].isalnum() or form[-1] in "?s)"
    else rf"(?P<p_{number}>\b(?:{form}))"
    for number, (form, _, _) in enumerate(w.PHRASES)
)
_WORD = r"(?P<word>[^\W\d_]+(?:[-&][^\W\d_]+)*)"
_AT_WORD = re.compile(
    rf"(?P<time>{TIME})|(?P<figure>{WORDED_FIGURE})|{_QUALIFIER}|{_PHRASE}|{_WORD}", re.IGNORECASE
)
_AT_SIGN = re.compile(
    rf"(?P<time>{DATED})|(?P<figure>{FIGURE})|(?P<possessive>'s\b|(?<=s)'(?=\s)|'(?:ll|d)\b)"
    r"|(?P<number>\d+)|(?P<mark>[^\w\s])",
    re.IGNORECASE,
)
_QUICK = re.compile(r"([^\W\d_]+)((?:[-&][^\W\d_]+)*)")
_KINDS: tuple[tuple[str, frozenset[str] | dict[str, int]], ...] = (
    ("and", frozenset({"and", "or", "&", "plus"})),
    ("each", frozenset({"each", "both", "apiece"})),
    ("respectively", frozenset({"respectively"})),
    ("direction", w.DIRECTIONS),
    ("weak", w.WEAK),
    ("other", w.OTHER),
    ("if", w.CONDITIONS),
    ("modal", w.MODALS),
    ("not", w.NEGATIONS),
    ("break", w.BREAKS),
    ("relative", w.RELATIVES),
    ("preposition", w.PREPOSITIONS),
    ("pronoun", w.PRONOUNS),
)
_KIND_OF = {word: kind for kind, table in reversed(_KINDS) for word in table}


def tokens(flat: str, start: int, end: int, entities: list[Entity]) -> list[Token]:
    """Return the tokens of a sentence, in order.

    Parameters
    ----------
    flat : str
        The text with plain quotes (`selloff.mentions.plain`).
    start, end : int
        The sentence.
    entities : list of Entity
        The names in it, in order.
    """
    found: list[Token] = []
    place = start
    for entity in entities:
        found += _between(flat, place, entity.span.start)
        found.append(_named(entity))
        place = entity.span.end
    found += _between(flat, place, end)
    return _without_records(_with_units(found))


def _without_records(found: list[Token]) -> list[Token]:
    """Take "its worst day since 1987" for no time of the claim."""
    for i, token in enumerate(found):
        near = found[max(0, i - 6) : i]
        if token.text.startswith("since") and any(
            other.text.endswith("est") or other.text in {"most", "worst", "first"} for other in near
        ):
            found[i] = replace(token, kind="word")
    return found


def _with_units(found: list[Token]) -> list[Token]:
    """Give a listed number the unit of the figure behind it: by 1.2 and 0.9 per cent.

    And take the value that is somebody's for a market value.
    """
    for i, token in enumerate(found):
        if token.text == "value" and found[i - 1].kind in {"possessive", "pronoun"}:
            found[i] = replace(token, kind="value")
    for i in range(len(found) - 3, -1, -1):
        token, after = found[i], found[i + 2]
        is_bare = token.kind == "number" or (token.figure and token.figure.unit == "number")
        is_listed = found[i + 1].kind == "and" or found[i + 1].text == ","
        if is_bare and is_listed and after.figure and after.figure.unit == "fraction":
            found[i] = replace(token, kind="figure", figure=quantity(f"{token.text}%"))
    return found


def _named(entity: Entity) -> Token:
    span = entity.span
    return Token("entity", span.written.lower(), span.start, span.end, entity=entity)


def _between(flat: str, start: int, end: int) -> Iterator[Token]:
    """Yield the tokens between two names.

    Most words begin nothing longer: they pass without the long search (twice as fast).
    """
    place = start
    while place < end:
        if flat[place].isspace():
            place += 1
            continue
        quick = _QUICK.match(flat, place, end)
        if quick and (text := quick[1].lower()) not in w.OPENINGS:
            text += quick[2].lower()
            sign = w.DIRECTIONS.get(text) or w.WEAK.get(text) or 0
            token = Token(_KIND_OF.get(text, "word"), text, place, quick.end(), sign)
            token.is_capital = place > start and quick[1][0].isupper()
            yield token
            place = quick.end()
        elif match := (_AT_WORD if quick else _AT_SIGN).match(flat, place, end):
            yield _token(match)
            place = match.end()
        else:
            place += 1


def _token(match: re.Match[str]) -> Token:
    """Return the token that a match of the lexer is."""
    group = match.lastgroup or "mark"
    text = match[group].lower()
    at = match.start(group), match.end(group)
    if group == "word":
        kind = _KIND_OF.get(text, "word")
        return Token(kind, text, *at, sign=w.DIRECTIONS.get(text) or w.WEAK.get(text) or 0)
    if group == "figure":
        return Token("figure", text, *at, figure=quantity(match[group]))
    if group.startswith("q_"):
        return Token("qualifier", text, *at, bound=group[2:])
    if group.startswith("p_"):
        _, kind, sign = w.PHRASES[int(group[2:])]
        return Token(kind, text, *at, sign=int(str(sign)))
    if text in {"'ll", "'d"}:
        return Token("modal", text, *at)
    return Token(group, "," if text in {"\u2013", "\u2014"} else text, *at)
