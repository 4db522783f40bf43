"""What a figure in a sentence means: which way, of what, of whom, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from selloff.claims import words as w
from selloff.claims.state import AUXILIARIES, NOUNS, at

if TYPE_CHECKING:
    from selloff.claims.state import State
    from selloff.claims.tokens import Entity, Token

_OBJECT = frozenset({"off", "from", "in", "for", "at", "of", "to"})
_SEPARATORS = frozenset({"and", "qualifier", "each"})
_PLAIN = frozenset({"word", "each", "time", "day"})
_STOPS = frozenset({"break", "figure"})
_REACH, _FAR = 14, 60
_LONG = ("year", "month", "week", "quarter", "in ", "since", "past", "-day", "days", "session")
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


def run_of(tokens: list[Token], i: int) -> list[int]:
    """Return the places of the figures that are listed from a place on: 11%, 2.6% and 0.5%."""
    found = [i]
    for k in range(i + 1, len(tokens)):
        token = tokens[k]
        if token.kind == "figure" and _can_be_listed(tokens, found[-1], k):
            found.append(k)
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
    noun, owner = _governing(tokens, last, state)
    figure = tokens[first].figure
    if figure is None or noun == "other" or _counts_things(tokens, last):
        return None
    if figure.sign and not figure.is_word:
        return Sense(figure.sign, "signed", noun, "", _adjacent(tokens, begin))
    if figure.sign:
        return Sense(figure.sign, "multiple", noun, "", owner)
    return (
        _forward(tokens, run, noun, state)
        or _backward(tokens, begin, last, noun, owner, state)
        or _elliptic(tokens, begin, noun, state)
    )


def _counts_things(tokens: list[Token], last: int) -> bool:
    """Say whether a thing stands right behind a figure: 5% more riders, a 5% position."""
    after = at(tokens, last + 1)
    is_object = at(tokens, last - 1).text != "of" and after.text not in AUXILIARIES
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
    if side := _beside_a_close(tokens, last):
        return Sense(side, "nominal", noun, "close")
    listed = len(run) > 1 and at(tokens, last + 1).text == ","
    for k in range(last + 1 + listed, min(len(tokens), last + 5)):
        token = tokens[k]
        sign = token.sign if token.kind == "direction" else w.FORWARD_NOUNS.get(token.text, 0)
        if sign or (token.kind == "weak" and noun in {"market", "value"}):
            if _is_new_verb(tokens, last, k):
                return None
            owner = _object(tokens, k)
            governed, _ = _governing(tokens, k, state)
            if governed == "other" or _is_supposed(tokens, k):
                return Sense(0, "other", "other")
            return Sense(sign or token.sign, "nominal", governed or noun, token.text, owner)
        if token.kind not in _PLAIN or token.kind == "time":
            break
    return None


def _beside_a_close(tokens: list[Token], last: int) -> int:
    """Return the side of a figure that is counted from a close: 3% below Friday's close."""
    side = {"below": w.DOWN, "under": w.DOWN, "above": w.UP}.get(at(tokens, last + 1).text, 0)
    closes = {"close", "closing", "finish"}
    near = {token.text for token in tokens[last + 2 : last + 7]}
    return side if near & closes and not near & {"record", "high", "low", "peak"} else 0


def _is_new_verb(tokens: list[Token], last: int, k: int) -> bool:
    """Say whether the direction behind a figure opens another statement: 5%, adding $3bn."""
    return at(tokens, last + 1).text == "," and tokens[k].text.endswith("ing")


def _backward(
    tokens: list[Token],
    begin: int,
    last: int,
    noun: str,
    owner: tuple[Entity, ...],
    state: State,
) -> Sense | None:
    """Read the direction before the figure: fell 17%, a loss of $589 billion."""
    for k in range(begin - 1, max(-1, begin - 1 - _REACH), -1):
        token = tokens[k]
        if token.kind == "figure" and at(tokens, k - 1).text in {"from", "to"}:
            continue  # "rose from $118 to $129, or 8.9%"
        if token.kind in _STOPS or token.kind == "number" or token.text == ";":
            return None
        if (sign := w.TRANSITIVE.get(token.text, 0)) and at(tokens, k + 1).kind == "entity":
            return Sense(sign, "verb", noun, token.text, owner)
        if token.text == "off" and k == begin - 1:
            return Sense(w.DOWN, "verb", noun, "off", owner)
        if token.kind == "direction":
            if _adds_to_a_count(tokens, k, state) or _is_of_a_stranger(tokens, k):
                return None
            object_ = _object(tokens, last)
            is_wiped = token.text in w.WIPED or token.text.startswith(
                ("took", "cut", "tak", "carv")
            )
            is_noun = at(tokens, k + 1).text == "of"
            is_object = is_wiped or is_noun or at(tokens, last + 1).text == "off"
            wiped = object_ if is_object else ()
            return Sense(token.sign, "verb", noun, token.text, wiped or owner)
        if token.kind == "weak" and noun in {"market", "value"}:
            return Sense(token.sign, "weak", noun, token.text, owner)
        if token.kind == "entity" and k != begin - 1 and _is_predicate_gone(tokens, k, begin):
            return None
    return None


def _is_supposed(tokens: list[Token], k: int) -> bool:
    """Say whether a fall is only imagined: a 10% drop in Nvidia would hurt the index."""
    for token in tokens[k + 1 : k + 7]:
        if token.kind == "modal":
            return True
        if token.kind in {"mark", "figure", "break", "direction", "and"}:
            return False
    return False


def _adds_to_a_count(tokens: list[Token], k: int, state: State) -> bool:
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


def _is_of_a_stranger(tokens: list[Token], k: int) -> bool:
    """Say whether a firm that we do not know is the subject: while Commerzbank fell 3%."""
    i = k - 1
    while at(tokens, i).kind == "word" and tokens[i].is_capital:
        if tokens[i].text in w.COMPANY_FORMS:
            return False
        i -= 1
    before = at(tokens, i)
    is_joined = before.kind == "and" and at(tokens, i - 1).kind in {"figure", "time", "direction"}
    return i < k - 1 and (before.kind == "break" or before.text in {",", ";"} or is_joined)


def _is_predicate_gone(tokens: list[Token], name: int, begin: int) -> bool:
    """Say whether a name opens a statement of its own whose verb is left out."""
    return (
        at(tokens, name - 1).text == ","
        or at(tokens, name - 1).kind == "and"
        and (
            begin - name <= 2  # noqa: PLR2004 - the name, and a word
        )
    )


def _elliptic(tokens: list[Token], begin: int, noun: str, state: State) -> Sense | None:
    """Read a figure whose verb is that of the figure before: and Micron 11.7%."""
    before = at(tokens, begin - 1)
    names = before.kind in {"entity", "and"} or before.text in {",", ")", "by"}
    if state.last_sign and (names or before.text == "after"):
        return Sense(state.last_sign, "elliptic", noun or state.last_metric)
    return None


def _governing(tokens: list[Token], last: int, state: State) -> tuple[str, tuple[Entity, ...]]:
    """Return the noun that governs a figure, and whose it is where a name stands before it."""
    after = at(tokens, last + 1)
    if after.kind == "other":
        return "other", ()
    if after.kind == "pronoun" and at(tokens, last + 2).kind in NOUNS:
        return at(tokens, last + 2).kind, ()
    if after.text not in {"of", "in", "off", "from", "to"}:
        return state.metric, ()
    is_of = after.text == "of"
    n_words = 0
    for k in range(last + 1, min(len(tokens), last + 9)):
        token = tokens[k]
        if token.kind in NOUNS - {"worth"} and (
            token.kind != "other" or after.text in {"of", "in"}
        ):
            return token.kind, _object(tokens, last)
        if token.text in {"value", "worth"} and is_of:
            return "market", _object(tokens, last)
        if token.kind in {"figure", "break", "mark", "and", "direction", "relative", "time"}:
            break
        n_words += token.kind == "word" and token.text not in {"the", "a", "an", "its", "their"}
    if is_of and n_words and not _object(tokens, last):
        return "other", ()
    return state.metric, ()


def _object(tokens: list[Token], k: int) -> tuple[Entity, ...]:
    """Return the names behind a figure or noun: in Dell shares, off Broadcom's market value."""
    if at(tokens, k + 1).text not in _OBJECT and at(tokens, k + 1).kind != "time":
        return ()
    found: list[Entity] = []
    for token in tokens[k + 2 : k + 12]:
        if token.kind == "entity" and token.entity:
            found.append(token.entity)
        elif found and token.kind not in {"and", "each"} and token.text != ",":
            break
        elif not found and token.kind not in {"word", "market", "value", "preposition", "each"}:
            break
    return tuple(found)


def times_of(tokens: list[Token], i: int) -> list[Token]:
    """Return the expressions of time that belong to a figure: early trading, on Monday.

    The next behind it before another figure; else, where only figures and names are joined in
    between, the one behind those; else the one before it within its own statement. One that stands
    beside it belongs to it.
    """
    place = _time_behind(tokens, i)
    place = _time_before(tokens, i) if place < 0 else place
    place = _leading_time(tokens) if place < 0 else place
    place = _only_day(tokens) if place < 0 else place
    if place < 0:
        return []
    near = [
        token
        for token in (*tokens[max(0, place - 3) : place], *tokens[place + 1 : place + 4])
        if token.kind == "time"
    ]
    before = _time_before(tokens, i)
    leading = [tokens[before]] if 0 <= before < i < place else []
    return list({id(token): token for token in (tokens[place], *near, *leading)}.values())


def _time_behind(tokens: list[Token], i: int) -> int:
    ends = min(len(tokens), i + 1 + _FAR)
    is_shared: bool | None = None
    for k in range(i + 1, ends):
        token = tokens[k]
        if token.kind == "time":
            return k
        if token.kind in {"break", "relative"} or token.text == ";":
            break
        if token.kind == "figure":
            is_shared = _shares_time(tokens[i + 1 : ends]) if is_shared is None else is_shared
            if not is_shared:
                break
    return -1


def _time_before(tokens: list[Token], i: int) -> int:
    for k in range(i - 1, max(-1, i - 1 - _FAR), -1):
        token = tokens[k]
        if token.kind == "time":
            return -1 if _is_taken(tokens, k, i) else k
        if token.kind in {"figure", "break", "relative"} or token.text == ";":
            break
    return -1


def _only_day(tokens: list[Token]) -> int:
    """Return the day of a sentence that names no other: it is that of all it tells."""
    days = [k for k, token in enumerate(tokens) if token.kind == "time" and _is_day(token.text)]
    return days[0] if len(days) == 1 else -1


def _is_day(text: str) -> bool:
    return text.endswith("day") and " " not in text.removeprefix("last ")


def _leading_time(tokens: list[Token]) -> int:
    """Return the time that opens a sentence, and is that of all it tells: On Monday, ..."""
    for k, token in enumerate(tokens[:4]):
        if token.kind == "time" and at(tokens, k + 1).text in {",", ":"}:
            return k
    return -1


def _is_taken(tokens: list[Token], k: int, i: int) -> bool:
    """Say whether a time belongs to the figure before it: gained 171% in 2024, lost 17%.

    A day is also that of what goes on without a subject or past verb of its own: fell 17% on
    Monday, wiping out $589 billion; closed at $118.42 on Monday, down 17%.
    """
    between = tokens[k + 1 : i]
    is_long = any(word in tokens[k].text for word in _LONG)
    opens = any(
        token.kind == "entity" or (token.kind == "direction" and token.text in w.PAST_VERBS)
        for token in between
    )
    if not is_long and (not opens or at(tokens, k + 1).kind == "and"):
        return False
    for token in reversed(tokens[max(0, k - _REACH) : k]):
        if token.kind == "figure":
            return True
        if token.kind in {"break", "entity"} or token.text in {";", ":"}:
            return False
    return False


def _shares_time(behind: list[Token]) -> bool:
    """Say whether the statements behind a figure are joined to it by nothing but and."""
    return not any(
        token.kind in {"break", "relative"} or token.text in {";", ":"} for token in behind
    )
