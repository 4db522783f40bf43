"""The grammar: one walk over a sentence, from its names and figures to what it claims."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from selloff.claims.days import times_of
from selloff.claims.figures import Sense, bound_of, own_sign, run_of, sense_of
from selloff.claims.metrics import Place, in_units, is_yield, measured
from selloff.claims.state import State, at
from selloff.claims.words import DENIALS, INDEX_WORDS, LOSSES, NO_FIRMS, REFERENCES

if TYPE_CHECKING:
    from selloff.claims.quantities import Quantity
    from selloff.claims.tokens import Entity, Token

_EXTREMES = frozenset({"low", "high", "lows", "highs", "price", "close"})
_LIMITS = frozenset({"below", "under", "above"})
_CONFIDENCE = {
    "signed": 0.97,
    "verb": 0.95,
    "nominal": 0.95,
    "level": 0.9,
    "multiple": 0.85,
    "weak": 0.85,
    "elliptic": 0.85,
    "volume": 0.85,
}
_UNNAMED, _UNSURE = 0.25, 0.4
OPENING = 7
_JOINTS = frozenset({"and", "each", "mark"})


@dataclass(frozen=True, slots=True)
class Reading:
    """What a sentence says of one listing.

    Parameters
    ----------
    entity : Entity
        Of whom.
    metric, unit : str
        As core.claims has them.
    sign : int
        -1 for a fall, 1 for a rise, 0 for a level.
    figure : Quantity
        How much.
    qualifier, bound : str
        Its words of vagueness, and what they mean.
    times : tuple of Token
        The expressions of time that belong to it.
    start, end : int
        Characters of the text.
    pattern : str
        The form of words.
    confidence : float
        How sure the reading is.
    is_ambiguous : bool
        Whether it can be read in another way.
    """

    entity: Entity
    metric: str
    unit: str
    sign: int
    figure: Quantity
    qualifier: str
    bound: str
    times: tuple[Token, ...]
    start: int
    end: int
    pattern: str
    confidence: float
    is_ambiguous: bool = False


def read(tokens: list[Token], before: list[Entity]) -> tuple[list[Reading], list[Entity]]:
    """Return what a sentence claims, and of whom it speaks.

    Parameters
    ----------
    tokens : list of Token
        The sentence.
    before : list of Entity
        Of whom the sentence before it speaks: where this one names nobody, "the chipmaker" or
        "its shares" are theirs.

    Returns
    -------
    tuple
        The readings in order, and the names the sentence speaks of (those before it where it only
        refers to them).
    """
    state = State()
    if before and _refers(tokens[:OPENING], before[0]):
        is_latter = any(token.text == "latter" for token in tokens[:OPENING])
        state.subjects, state.is_inherited = before[-1:] if is_latter else before[:1], True
    if _is_inverted(tokens):
        state.is_blocked = state.is_conditional = True
    found: list[Reading] = []
    waiting: list[list[int]] = []
    i = 0
    if _is_denied(tokens):
        i = len(tokens)
    while i < len(tokens):
        if tokens[i].kind == "figure":
            run = run_of(tokens, i)
            readings = _of_run(tokens, run, state)
            if not readings and not state.subjects and _waits_for_a_name(tokens):
                waiting.append(run)
            state.is_silent = not readings
            found += readings
            state.figures_since_block = True
            i = run[-1]
        else:
            state.take(tokens, i)
        i += 1
    if waiting and state.named:  # "After falling 17% on Monday, Nvidia rebounded"
        ahead = State(subjects=state.named[:1])
        found = [one for run in waiting for one in _of_run(tokens, run, ahead)] + found
    found = [
        replace(one, is_ambiguous=True) if _is_open(one, state, before) else one for one in found
    ]
    named = state.named or (before if state.is_inherited else [])
    return found, without_doubles(named)


def _refers(opening: list[Token], before: Entity) -> bool:
    """Say whether a sentence begins by speaking of the firm, or index, of the one before."""
    words = {token.text for token in opening}
    if words & NO_FIRMS or any(token.kind == "entity" for token in opening[:3]):
        return False
    if words & INDEX_WORDS:
        return before.name.ticker.startswith("^")
    is_named = opening and opening[0].text == "the" and at(opening, 1).kind in {"word", "market"}
    is_named = is_named or at(opening, 0).kind == "direction"
    return bool(is_named or words & REFERENCES or any(t.kind == "market" for t in opening))


def _waits_for_a_name(tokens: list[Token]) -> bool:
    """Say whether a sentence opens by telling of one whom it names later."""
    opening, second = at(tokens, 0), at(tokens, 1)
    is_nominal = opening.text in {"a", "an", "the"} and second.kind == "direction"
    opens = opening.text in {"after", "having", "despite", "following", "with"}
    return opens or is_nominal or opening.kind == "direction"


def _is_inverted(tokens: list[Token]) -> bool:
    """Say whether a sentence opens as a condition: Had Apple fallen 10%."""
    opens = at(tokens, 0).text in {"had", "were", "should"}
    return opens and any(token.kind == "entity" for token in tokens[1:3])


def _is_denied(tokens: list[Token]) -> bool:
    """Say whether a sentence asks, or calls what it tells false."""
    return at(tokens, len(tokens) - 1).text == "?" or any(token.text in DENIALS for token in tokens)


def _is_open(reading: Reading, state: State, before: list[Entity]) -> bool:
    """Say whether the sentence before speaks of several whom this one could mean."""
    return reading.pattern == "reference" and len(before) > 1 and not state.named


def without_doubles(entities: list[Entity]) -> list[Entity]:
    """Return the first name of each listing, in order."""
    return list({entity.name.listing_id: entity for entity in entities}.values())


def _of_run(tokens: list[Token], run: list[int], state: State) -> list[Reading]:
    """Return what the figures of a run claim."""
    if state.is_blocked:
        return []
    sense = sense_of(tokens, run, state)
    subjects = list(sense.subjects if sense and sense.subjects else state.subjects)
    subjects = subjects or _traded(tokens, run[0]) or _listed_behind(tokens, run)
    if not subjects:
        return []
    sense = sense or Sense(0, "level", state.metric)
    if sense.noun == "other":
        return []
    if sense.subjects and sense.pattern != "signed":
        state.subjects, state.is_inherited = subjects, False
        state.named += subjects
    found = []
    for k, entity, is_sure in _pairs(run, subjects):
        own = replace(sense, sign=own_sign(tokens, run, k, sense.sign))
        if reading := _reading(tokens, k, entity, own, state, is_sure=is_sure):
            found.append(reading)
    if found and found[-1].sign:
        state.last_sign, state.last_metric = found[-1].sign, sense.noun
    return found


def _traded(tokens: list[Token], k: int) -> list[Entity]:
    """Return the name behind a number of shares: some 818 million Nvidia shares changed hands."""
    figure = tokens[k].figure
    if figure is None or figure.unit not in {"number", "shares"}:
        return []
    behind = at(tokens, k + 1)
    place = k + 2 if behind.text in {"of", "in", "at"} else k + 1
    entity = at(tokens, place).entity
    return [entity] if entity else _next_name(tokens, k)


def _next_name(tokens: list[Token], k: int) -> list[Entity]:
    """Return the first name behind a place: with 45 million shares traded, Boeing led."""
    found = [token.entity for token in tokens[k + 1 : k + 12] if token.entity]
    return found[:1]


def _listed_behind(tokens: list[Token], run: list[int]) -> list[Entity]:
    """Return the names behind as many figures: gains of 3% and 2% were posted by A and B."""
    found: list[Entity] = []
    for token in tokens[run[-1] + 1 : run[-1] + 20]:
        if token.kind == "entity" and token.entity:
            found.append(token.entity)
        elif token.kind in {"figure", "break"} or (found and token.kind not in _JOINTS):
            break
    return found if len(found) == len(run) > 1 else []


def _pairs(run: list[int], subjects: list[Entity]) -> list[tuple[int, Entity, bool]]:
    """Return which figure is whose: each its own, one for all, or all for one."""
    if len(run) == 1:
        return [(run[0], entity, True) for entity in subjects]
    if len(subjects) == 1:
        return [(k, subjects[0], True) for k in run]
    is_sure = len(run) == len(subjects)
    return [(k, entity, is_sure) for k, entity in zip(run, subjects, strict=False)]


def _reading(
    tokens: list[Token], k: int, entity: Entity, sense: Sense, state: State, *, is_sure: bool
) -> Reading | None:
    """Return what one figure says of one listing; None where it says nothing of its price."""
    figure = tokens[k].figure
    if figure is None:
        return None
    qualifier, bound, begin = bound_of(tokens, k)
    lead = _lead(tokens, begin, qualifier)
    if lead == "from" and figure.last:
        figure, lead = _of_two(figure, sense, entity)
    place = Place(entity, lead, tokens[max(0, k - 8) : k + 5])
    metric, sign = measured(figure, sense, place)
    if not metric:
        return None
    if metric == "price_change" and figure.unit != "fraction" and figure.high > 3 * figure.low:
        figure = replace(figure, high=figure.low)  # "lost $3.10 to $175.20": no range
    figure = in_units(figure, metric)
    pattern = sense.pattern if sign else "volume" if metric == "volume" else "level"
    confidence = _CONFIDENCE.get(pattern, 0.8) - _UNNAMED * state.is_inherited
    return Reading(
        entity,
        metric,
        figure.unit,
        sign,
        figure,
        qualifier,
        bound,
        tuple(times_of(tokens, k)),
        tokens[begin].start,
        tokens[k].end,
        "reference" if state.is_inherited else pattern,
        round(confidence, 2) if is_sure else _UNSURE,
        not is_sure,
    )


def _of_two(figure: Quantity, sense: Sense, entity: Entity) -> tuple[Quantity, str]:
    """Return what "from A to B" means: a range of falls, or a level, the second."""
    if figure.unit == "fraction" and sense.verb not in LOSSES and not is_yield(entity):
        return figure, "by"
    return replace(figure, low=figure.last, high=figure.last), "to"


def _lead(tokens: list[Token], begin: int, qualifier: str) -> str:
    """Return the word before a figure, as far as it says whether that is a level or a change."""
    before = at(tokens, begin - 1)
    if qualifier in _LIMITS and before.kind == "direction":
        return "to"  # "sank below $1 trillion"
    if before.text == "of" and at(tokens, begin - 2).text in _EXTREMES:
        return "at"  # "a low of $113.01"
    return before.text
