"""What a figure in a sentence means: which way, of what, of whom, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from selloff.claims import words as w
from selloff.claims.governing import (
    adds_to_a_count,
    beside_a_close,
    counts_things,
    governing,
    is_new_verb,
    is_of_a_stranger,
    is_predicate_gone,
    is_supposed,
    object_of,
)
from selloff.claims.state import at

if TYPE_CHECKING:
    from selloff.claims.state import State
    from selloff.claims.tokens import Entity, Token

_SIDES = frozenset({"up", "down"})
_SEPARATORS = frozenset({"and", "qualifier", "each"})
_PLAIN = frozenset({"word", "each", "time", "day"})
_STOPS = frozenset({"break", "figure"})
_REACH = 14
LARGE = 1e8
"""Money from here on is a firm's, below it is a share's."""


@dataclass(frozen=True, slots=True)
class Sense:
    """How a figure is to be read.

    Parameters
    ----------
    sign : int
        -1 for a fall, 1 for a rise, 0 where nothing says so.
    pattern : str
        The form of words.
    noun : str
        The noun that governs it, as `State.metric`.
    verb : str
        The word of direction.
    subjects : list of Entity
        Of whom it is said; empty for those of the state.
    """

    sign: int
    pattern: str
    noun: str
    verb: str = ""
    subjects: tuple[Entity, ...] = ()


class Governed(NamedTuple):
    """The noun that governs a figure, and whose it is."""

    noun: str
    owner: tuple[Entity, ...]


def run_of(tokens: list[Token], i: int) -> list[int]:
    """Return the places of the figures that are listed from a place on: 11%, 2.6% and 0.5%."""
    found = [i]
    for k in range(i + 1, len(tokens)):
        token = tokens[k]
        if token.kind == "figure" and _can_be_listed(tokens, found[-1], k):
            found.append(k)
        elif token.text in _SIDES and tokens[k - 1].kind in {"and", "mark"}:
            continue  # "up 1%, 2% and down 3%"
        elif token.kind not in _SEPARATORS and token.text != ",":
            break
    return found


def _can_be_listed(tokens: list[Token], last: int, k: int) -> bool:
    """Say whether two figures are of one kind, and something joins them."""
    one, two = tokens[last].figure, tokens[k].figure
    if one is None or two is None or k == last + 1:
        return False
    rates = {"fraction", "points"}
    return one.unit == two.unit or {one.unit, two.unit} <= rates


def own_sign(tokens: list[Token], run: list[int], k: int, sign: int) -> int:
    """Return the sign of one figure of a run: its own side, else that of the run."""
    first = max((other for other in run if other < k), default=k)
    sides = [token.sign for token in tokens[first + 1 : k] if token.text in _SIDES]
    return sides[-1] if sides else sign


def bound_of(tokens: list[Token], i: int) -> tuple[str, str, int]:
    """Return the qualifier before a figure, what it means, and the place where the whole begins."""
    before = at(tokens, i - 1)
    if before.kind == "qualifier":
        return before.text, before.bound, i - 1
    return "", "exact", i


def sense_of(tokens: list[Token], run: list[int], state: State) -> Sense | None:
    """Return how the figures of a run are to be read; None where they claim nothing."""
    first, last = run[0], run[-1]
    _, _, begin = bound_of(tokens, first)
    noun, owner = governing(tokens, last, state)
    figure = tokens[first].figure
    if figure is None or noun == "other" or counts_things(tokens, last):
        return None
    if figure.sign and not figure.is_word:
        return Sense(figure.sign, "signed", noun, "", _adjacent(tokens, begin))
    if figure.sign:
        return Sense(figure.sign, "multiple", noun, "", owner)
    return (
        _forward(tokens, run, noun, state)
        or _backward(tokens, begin, last, Governed(noun, owner), state)
        or _elliptic(tokens, begin, noun, state)
    )


def _adjacent(tokens: list[Token], begin: int) -> tuple[Entity, ...]:
    """Return the name directly before a signed figure: ASML (-7.2%)."""
    for token in reversed(tokens[max(0, begin - 5) : begin]):
        if token.kind == "entity" and token.entity:
            return (
                (token.entity,)
                if token.entity.span.kind != "ticker"
                else _adjacent_name(tokens, token)
            )
        if token.kind in {"figure", "direction", "break"}:
            break
    return ()


def _adjacent_name(tokens: list[Token], ticker: Token) -> tuple[Entity, ...]:
    """Return the name that a ticker in brackets belongs to, or the ticker's listing itself."""
    i = next(k for k, token in enumerate(tokens) if token is ticker)
    name = at(tokens, i - 2)
    inside = at(tokens, i - 1).text == "(" and name.kind == "entity"
    found = name.entity if inside else ticker.entity
    return (found,) if found else ()


def _forward(tokens: list[Token], run: list[int], noun: str, state: State) -> Sense | None:
    """Read a direction behind the figure: a 7% drop, 3% lower, was erased."""
    last = run[-1]
    if side := beside_a_close(tokens, last):
        return Sense(side, "nominal", noun, "close")
    listed = len(run) > 1 and at(tokens, last + 1).text == ","
    for k in range(last + 1 + listed, min(len(tokens), last + 5)):
        token = tokens[k]
        sign = token.sign if token.kind == "direction" else w.FORWARD_NOUNS.get(token.text, 0)
        if sign or (token.kind == "weak" and noun in {"market", "value"}):
            if is_new_verb(tokens, last, k):
                return None
            owner = object_of(tokens, k)
            governed, _ = governing(tokens, k, state)
            if governed == "other" or is_supposed(tokens, k):
                return Sense(0, "other", "other")
            return Sense(sign or token.sign, "nominal", governed or noun, token.text, owner)
        if token.kind not in _PLAIN or token.kind == "time":
            break
    return None


def _backward(
    tokens: list[Token], begin: int, last: int, governed: Governed, state: State
) -> Sense | None:
    """Read the direction before the figure: fell 17%, a loss of $589 billion."""
    for k in range(begin - 1, max(-1, begin - 1 - _REACH), -1):
        token = tokens[k]
        if token.kind == "figure" and at(tokens, k - 1).text in {"from", "to"}:
            continue  # "rose from $118 to $129, or 8.9%"
        if _is_end(tokens, k, begin):
            return None
        if sign := _sign_at(tokens, k, begin, governed.noun):
            if adds_to_a_count(tokens, k, state) or is_of_a_stranger(tokens, k):
                return None
            pattern = "weak" if token.kind == "weak" else "verb"
            owner = _owner(tokens, k, last) or governed.owner
            return Sense(sign, pattern, governed.noun, token.text, owner)
    return None


def _is_end(tokens: list[Token], k: int, begin: int) -> bool:
    """Say whether nothing before a place can be the verb of a figure."""
    token = tokens[k]
    if token.kind in _STOPS or token.kind == "number" or token.text == ";":
        return True
    return token.kind == "entity" and k != begin - 1 and is_predicate_gone(tokens, k, begin)


def _sign_at(tokens: list[Token], k: int, begin: int, noun: str) -> int:
    """Return which way the word at a place leads the figure behind it; 0 for no way."""
    token = tokens[k]
    is_passive = at(tokens, k - 1).text in {"was", "were", "been", "being", "is", "are"}
    if token.text in w.TRANSITIVE and (is_passive or at(tokens, k + 1).kind == "entity"):
        return w.TRANSITIVE[token.text]
    is_near = k == begin - 1 or (k == begin - 2 and at(tokens, k + 1).text == "by")
    if token.text == "off" and is_near:
        return w.DOWN
    is_weak = token.kind == "weak" and noun in {"market", "value"}
    return token.sign if token.kind == "direction" or is_weak else 0


def _owner(tokens: list[Token], k: int, last: int) -> tuple[Entity, ...]:
    """Return the names behind the figure, where the word of direction asks for them there."""
    text = tokens[k].text
    is_wiped = text in w.WIPED or text.startswith(("took", "cut", "tak", "carv"))
    is_noun = at(tokens, k + 1).text == "of"
    is_asked = is_wiped or is_noun or at(tokens, last + 1).text == "off"
    return object_of(tokens, last) if is_asked else ()


def _elliptic(tokens: list[Token], begin: int, noun: str, state: State) -> Sense | None:
    """Read a figure whose verb is that of the figure before: and Micron 11.7%."""
    before = at(tokens, begin - 1)
    names = before.kind in {"entity", "and"} or before.text in {",", "(", ")", "by"}
    if state.last_sign and (names or before.text == "after"):
        return Sense(state.last_sign, "elliptic", noun or state.last_metric)
    return None
