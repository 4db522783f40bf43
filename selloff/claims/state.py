"""Where the reading of a sentence stands: of whom and of what it speaks, if it may claim."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selloff.claims import words as w

if TYPE_CHECKING:
    from selloff.claims.tokens import Entity, Token

NOUNS = frozenset({"market", "value", "other", "worth", "volume"})
_STOPS = NOUNS | {"direction", "weak", "figure", "break", "preposition", "relative"}
_LOOK = 6
_NAMES_GO_ON = frozenset({"yield", "yields", "note", "notes", "index", "composite", "average"})


@dataclass(slots=True)
class State:
    """What the words so far have settled.

    Parameters
    ----------
    subjects : list of Entity
        Of whom the next figure speaks.
    metric : str
        The noun that governs it: a token's kind among `NOUNS`, or nothing.
    is_blocked : bool
        Whether a modal or a negation governs it.
    is_conditional : bool
        Whether the whole sentence is a condition.
    in_relative : bool
        Whether a relative clause is open.
    is_inherited : bool
        Whether the subjects are those of the sentence before.
    is_silent : bool
        Whether the figure before claimed nothing.
    aside : Entity, optional
        The last name that passed without becoming a subject.
    outer : list of Entity
        The subjects outside an open relative clause.
    last_sign, last_metric : int, str
        Of the last claim, for figures whose verb is left out.
    """

    subjects: list[Entity] = field(default_factory=list)
    last_subject: int = -1
    metric: str = ""
    is_blocked: bool = False
    is_conditional: bool = False
    in_relative: bool = False
    is_inherited: bool = False
    figures_since_block: bool = False
    is_silent: bool = False
    last_sign: int = 0
    last_metric: str = ""
    aside: Entity | None = None
    outer: list[Entity] = field(default_factory=list)
    named: list[Entity] = field(default_factory=list)

    def take(self, tokens: list[Token], i: int) -> None:
        """Take a token that is no figure into account."""
        token = tokens[i]
        if token.kind == "entity":
            self._name(tokens, i)
        elif token.kind in NOUNS:
            self._noun(tokens, i)
        elif token.kind in {"modal", "not"}:
            self.is_blocked, self.figures_since_block = True, False
        elif token.kind == "if":
            self.is_blocked = self.is_conditional = True
        elif token.kind == "relative":
            self._open_relative(tokens, i)
        elif token.kind == "break" or token.text in {";", ":"}:
            self._new_clause(tokens, i)
        elif token.text in {",", ")"} and self.in_relative:
            self._close_relative()

    def _open_relative(self, tokens: list[Token], i: int) -> None:
        """Remember of whom the sentence speaks: ", which supplies Apple, fell 5%"."""
        self.in_relative = True
        self.outer = self.subjects if at(tokens, i - 1).text in {",", "("} else []

    def _close_relative(self) -> None:
        self.in_relative = False
        self.metric = ""
        self.is_blocked = self.is_conditional
        self.subjects = self.outer or self.subjects

    def _new_clause(self, tokens: list[Token], i: int) -> None:
        self.is_blocked = self.is_conditional
        self.metric = ""
        if tokens[i].text == ":" and at(tokens, i - 1).kind == "direction":
            self.last_sign = tokens[i - 1].sign  # "Decliners: Goldman Sachs, 3.7%"

    def _name(self, tokens: list[Token], i: int) -> None:
        """Let a name become the subject, join the subjects, or pass as what it is not."""
        entity = tokens[i].entity
        if entity is None or not is_subject(tokens, i):
            self.aside = entity
            return
        if self.subjects and not self.is_inherited and is_listed(tokens, self.last_subject, i):
            self.subjects.append(entity)
        else:
            self.subjects = [entity]
            is_owned = self.metric == "other" and at(tokens, i - 1).kind == "preposition"
            self.metric = "other" if is_owned else ""  # "deliveries fell at Tesla by 13%"
            if self.figures_since_block:
                self.is_blocked = self.is_conditional
        self.is_inherited = False
        self.last_subject = i
        self.named.append(entity)
        if speaks_of_something_else(tokens, i):
            self.metric = "other"

    def _noun(self, tokens: list[Token], i: int) -> None:
        """Let a noun govern the next figure; one that only passes by does not."""
        kind = tokens[i].kind
        if kind != "other" or _governs(tokens, i):
            self.metric = kind
        if kind == "market" and not self.subjects and self.aside:
            self.subjects = [self.aside]  # "a brutal day for Boeing: the stock lost 8%"


def is_subject(tokens: list[Token], i: int) -> bool:
    """Say whether the name at a place can be what the sentence speaks of."""
    before, after = at(tokens, i - 1), at(tokens, i + 1)
    if _is_aside(tokens, i):
        return False
    if after.text == "-" or after.text in w.MODIFIERS:
        return not _leads_to_a_name(tokens, i + 1) and after.text != "-"
    if after.kind == "possessive" and _leads_to_a_name(tokens, i + 1):
        return False
    if before.text == "," and after.kind == "possessive" and _is_apposition(tokens, i):
        return False
    if before.kind == "and" and at(tokens, i - 2).kind == "entity":
        return _head_is_subject(tokens, i - 2)
    if before.text in {"the", "a", "an", "us", "german", "dutch"}:
        before = at(tokens, i - 2)
    return before.kind != "preposition" or _is_object_of_talk(tokens, i, before)


def _is_aside(tokens: list[Token], i: int) -> bool:
    """Say whether a name is only beside another: its ticker, or "AMD, like Nvidia, fell 6%"."""
    before, second = at(tokens, i - 1), at(tokens, i - 2)
    is_ticker = before.text == "(" and second.kind == "entity"
    is_likened = before.text == "like" and second.text == "," == at(tokens, i + 1).text
    return is_ticker or is_likened or before.text in w.ASIDE


def _head_is_subject(tokens: list[Token], i: int) -> bool:
    """Say whether the first name of a list is a subject: then all of them are."""
    while at(tokens, i - 1).text == "," and at(tokens, i - 2).kind == "entity":
        i -= 2
    return is_subject(tokens, i)


def _behind_list(tokens: list[Token], i: int) -> int:
    """Return the place behind the list of names that begins at a place."""
    k = i + 1
    while (tokens[k : k + 1] and (at(tokens, k).kind == "and" or at(tokens, k).text == ",")) and (
        at(tokens, k + 1).kind == "entity"
    ):
        k += 2
    return k


def _is_object_of_talk(tokens: list[Token], i: int, preposition: Token) -> bool:
    """Say whether a name behind a preposition is spoken of all the same: shares of, with X down."""
    place = next(k for k in range(i - 1, -1, -1) if tokens[k] is preposition)
    governor = at(tokens, place - 1)
    if governor.kind in {"market", "value", "volume"} or governor.text == "yield":
        return True
    if governor.kind == "other":
        return False
    if governor.kind == "direction" and preposition.text in {"in", "at", "for", "of"}:
        return True
    end = _behind_list(tokens, i)
    return _tells(at(tokens, end), at(tokens, end + 1), preposition.text)


def _tells(after: Token, next_but_one: Token, preposition: str) -> bool:
    """Say whether what stands behind a name tells of it: with X down, by X, which fell."""
    if after.kind == "direction":
        return preposition in {"with", "by"}
    if after.kind == "possessive" or after.text == "(":
        return next_but_one.kind == "figure"
    return after.text == "," and next_but_one.kind in {"direction", "relative"}


def _leads_to_a_name(tokens: list[Token], i: int) -> bool:
    """Say whether plain words alone lead from a place to another name: A's rival B."""
    for token in tokens[i + 1 : i + _LOOK]:
        if token.kind == "entity":
            return True
        if token.kind in _STOPS or token.kind in {"mark", "and", "time", "modal"}:
            return False
    return False


def _is_apposition(tokens: list[Token], i: int) -> bool:
    """Say whether a name behind a comma only explains the one before: ", Google's parent,"."""
    if at(tokens, i - 2).kind != "entity":
        return False
    for token in tokens[i + 2 :]:
        if token.text == ",":
            return True
        if token.kind in {"figure", "direction", "market", "value", "and"}:
            return False
    return False


def is_listed(tokens: list[Token], first: int, i: int) -> bool:
    """Say whether commas and conjunctions alone stand between two names."""
    between = tokens[first + 1 : i]
    joined = all(
        token.kind in {"and", "each", "entity", "pronoun"}
        or token.text in {",", "(", ")", "the", "'s"}
        or token.text in w.MODIFIERS
        for token in between
    )
    return joined and any(token.kind == "and" or token.text == "," for token in between)


def speaks_of_something_else(tokens: list[Token], i: int) -> bool:
    """Say whether a name only owns or qualifies the subject: Tesla's deliveries dropped."""
    after = at(tokens, i + 1)
    if after.kind != "possessive":
        return _is_compound(tokens, i)
    n_words = 0
    for token in tokens[i + 2 : i + 2 + _LOOK]:
        if token.kind == "figure" and token.figure and token.figure.is_word and token.figure.sign:
            return bool(n_words)  # "Nvidia's data-center business doubled"
        if token.kind in NOUNS or token.kind == "figure":
            return False
        if token.kind == "direction":
            return bool(n_words) and token.text in w.PAST_VERBS
        if token.kind in {"weak", "mark", "preposition", "break"} or token.text in w.AUXILIARIES:
            return bool(n_words)
        n_words += token.kind == "word"
    return bool(n_words)


def _is_compound(tokens: list[Token], i: int) -> bool:
    """Say whether plain nouns alone stand between a name and the verb: engine flying hours rose."""
    first = at(tokens, i + 1)
    if (
        first.text in _NAMES_GO_ON
        or first.kind != "word"
        or first.text in w.AUXILIARIES
        or first.text.endswith(("ly", "ed"))
    ):
        return False
    for token in tokens[i + 2 : i + 2 + _LOOK]:
        is_multiple = token.figure is not None and token.figure.is_word and token.figure.sign
        if token.kind == "direction" or is_multiple:
            return True  # "engine flying hours rose", "AI usage doubled"
        if token.kind != "word" or token.text in w.AUXILIARIES:
            return False
    return False


def _governs(tokens: list[Token], i: int) -> bool:
    """Say whether a noun such as revenue is what rises or falls, or whose it is."""
    if any(token.kind in {"possessive", "pronoun"} for token in tokens[max(0, i - 3) : i]):
        return True
    for token in tokens[i + 1 : i + 4]:
        if token.kind in {"direction", "weak", "modal"} or token.text in w.AUXILIARIES:
            return True
        if token.kind == "figure":
            return _belongs_to_a_name(tokens, i)
        if token.kind in {"mark", "entity", "time", "and"}:
            break
    return at(tokens, i - 1).kind in {"relative", "entity", "other"}


def _belongs_to_a_name(tokens: list[Token], i: int) -> bool:
    """Say whether plain words alone stand between a name and the noun: Roche Q4 sales."""
    for token in reversed(tokens[max(0, i - 4) : i]):
        if token.kind == "entity":
            return True
        if token.kind not in {"word", "other", "number"}:
            return False
    return False


def at(tokens: list[Token], i: int) -> Token:
    """Return the token at a place; beyond the sentence an empty mark."""
    return tokens[i] if 0 <= i < len(tokens) else NOTHING


def _nothing() -> Token:
    from selloff.claims.tokens import Token

    return Token("mark", "", 0, 0)


NOTHING = _nothing()
