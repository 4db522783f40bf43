"""What stands around a figure: the noun that governs it, whose it is, what makes it no claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff.claims import words as w
from selloff.claims.state import NOUNS, at

if TYPE_CHECKING:
    from selloff.claims.state import State
    from selloff.claims.tokens import Entity, Token

_OBJECT = frozenset({"off", "from", "in", "for", "at", "of", "to"})
_JOINTS = frozenset({"and", "each"})
_LEADING = frozenset({"word", "market", "value", "preposition", "each"})
_ARTICLES = frozenset({"the", "a", "an", "its", "their"})


def governing(tokens: list[Token], last: int, state: State) -> tuple[str, tuple[Entity, ...]]:
    """Return the noun that governs a figure, and whose it is where a name stands behind it.

    The nouns are those of `State.metric`; ``other`` for what is no price: 10% of staff.
    """
    after, next_but_one = at(tokens, last + 1), at(tokens, last + 2)
    if after.kind == "other":
        return "other", ()
    if after.kind == "pronoun" and next_but_one.kind in NOUNS:
        return next_but_one.kind, ()
    if after.text not in {"of", "in", "off", "from", "to"}:
        return state.metric, ()
    owner = object_of(tokens, last)
    noun = _noun_behind(tokens, last, after.text)
    return (noun, owner) if noun else (state.metric, ())


def _noun_behind(tokens: list[Token], last: int, preposition: str) -> str:
    """Return the noun behind a figure and a preposition: of its value, in market capitalisation."""
    is_strange = False
    for token in tokens[last + 1 : last + 9]:
        is_other = token.kind == "other"
        if token.text in {"value", "worth"} and preposition == "of":
            return "market"
        if token.kind in NOUNS - {"worth"} and (not is_other or preposition in {"of", "in"}):
            return token.kind
        if token.kind in {"figure", "break", "mark", "and", "direction", "relative", "time"}:
            break
        is_strange |= token.kind == "word" and token.text not in _ARTICLES
    is_something = preposition == "of" and is_strange and not object_of(tokens, last)
    return "other" if is_something else ""


def object_of(tokens: list[Token], k: int) -> tuple[Entity, ...]:
    """Return the names behind a figure or noun: in Dell shares, off Broadcom's market value."""
    if at(tokens, k + 1).text not in _OBJECT and at(tokens, k + 1).kind != "time":
        return ()
    found: list[Entity] = []
    for token in tokens[k + 2 : k + 12]:
        if token.entity:
            found.append(token.entity)
        elif token.kind not in (_JOINTS if found else _LEADING) and not (
            found and token.text == ","
        ):
            break
    return tuple(found)


def is_supposed(tokens: list[Token], k: int) -> bool:
    """Say whether a fall is only imagined: a 10% drop in Nvidia would hurt the index."""
    for token in tokens[k + 1 : k + 7]:
        if token.kind == "modal":
            return True
        if token.kind in {"mark", "figure", "break", "direction", "and"}:
            return False
    return False


def adds_to_a_count(tokens: list[Token], k: int, state: State) -> bool:
    """Say whether a side behind a comma says how far a count rose: opened 23 shops, up 5%."""
    if at(tokens, k - 1).text != "," or tokens[k].text not in {"up", "down"}:
        return False
    if at(tokens, k - 2).kind == "figure" and state.is_silent:
        return True
    for token in reversed(tokens[max(0, k - 6) : k - 1]):
        if token.kind in {"entity", "figure", "direction"}:
            return False
        if token.kind == "number":
            return True
    return False


def is_of_a_stranger(tokens: list[Token], k: int) -> bool:
    """Say whether a firm that we do not know is the subject: while Commerzbank fell 3%."""
    i = k - 1
    while at(tokens, i).kind == "word" and tokens[i].is_capital:
        if tokens[i].text in w.COMPANY_FORMS:
            return False
        i -= 1
    before = at(tokens, i)
    is_joined = before.kind == "and" and at(tokens, i - 1).kind in {"figure", "time", "direction"}
    return i < k - 1 and (before.kind == "break" or before.text in {",", ";"} or is_joined)


def is_predicate_gone(tokens: list[Token], name: int, begin: int) -> bool:
    """Say whether a name opens a statement of its own whose verb is left out."""
    return at(tokens, name - 1).text == "," or (
        at(tokens, name - 1).kind == "and"
        and (
            begin - name <= 2  # noqa: PLR2004 - the name, and a word
        )
    )


def beside_a_close(tokens: list[Token], last: int) -> int:
    """Return the side of a figure that is counted from a close: 3% below Friday's close."""
    side = {"below": w.DOWN, "under": w.DOWN, "above": w.UP}.get(at(tokens, last + 1).text, 0)
    closes = {"close", "closing", "finish"}
    near = {token.text for token in tokens[last + 2 : last + 7]}
    return side if near & closes and not near & {"record", "high", "low", "peak"} else 0


def is_new_verb(tokens: list[Token], last: int, k: int) -> bool:
    """Say whether the direction behind a figure opens another statement: 5%, adding $3bn."""
    return at(tokens, last + 1).text == "," and tokens[k].text.endswith("ing")


def counts_things(tokens: list[Token], last: int) -> bool:
    """Say whether a thing stands right behind a figure: 5% more riders, a 5% position."""
    after = at(tokens, last + 1)
    is_object = at(tokens, last - 1).text != "of" and after.text not in w.AUXILIARIES
    if (
        after.kind != "word"
        or not is_object
        or after.text in w.AFTER_FIGURES
        or after.text.endswith(("ly", "ed"))
    ):
        return False
    near = tokens[last + 2 : last + 5]
    is_fall = any(t.kind in {"direction", "weak", "market", "value", "volume"} for t in near)
    return not is_fall and after.text not in w.FORWARD_NOUNS
