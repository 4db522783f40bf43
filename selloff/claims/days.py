"""Which expression of time in a sentence belongs to which figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff.claims import words as w
from selloff.claims.state import at

if TYPE_CHECKING:
    from selloff.claims.tokens import Token

_REACH, _FAR = 14, 60
_LONG = ("year", "month", "week", "quarter", "in ", "since", "past", "-day", "days", "session")


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
