"""How well claims are found: matched with those of a careful reader, and counted."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Magnitudes are the same figure written in two units, so only rounding in binary may part them.
SAME_FIGURE = 1e-9

_PER_UNIT = {"percent": ("fraction", 0.01), "basis_points": ("fraction", 0.0001)}
_PERIODS_OF_WORDS = {
    "ytd": "year_to_date",
    "1w": "week",
    "1m": "month",
    "premarket": "premarket",
    "after_hours": "after_hours",
}


@dataclass(frozen=True, slots=True)
class Stated:
    """One claim, found or of the gold; `unit` is fraction, points, shares or a currency."""

    issuer: str
    metric: str
    direction: str | None
    low: float
    high: float
    unit: str
    qualifier: str | None = None
    when: str | None = None
    period: str | None = None
    is_ambiguous: bool = False
    is_worded: bool = False
    """Whether the figure is in words: a fifth, halved."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One labelled text with the claims that a careful reader takes from it."""

    text: str
    published: str
    claims: tuple[Stated, ...]
    pattern: str = "plain"
    dialect: str = "us"
    omits: bool = False
    """Whether its gold leaves out ranges and figures in words: those are scored apart."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Claims matched, found falsely and missed, and how many of the matched agree further."""

    matched: int = 0
    false: int = 0
    missed: int = 0
    qualifier: int = 0
    day: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Return both together.

        >>> Counts(matched=1) + Counts(matched=2, missed=1)
        Counts(matched=3, false=0, missed=1, qualifier=0, day=0)
        """
        return Counts(
            self.matched + other.matched,
            self.false + other.false,
            self.missed + other.missed,
            self.qualifier + other.qualifier,
            self.day + other.day,
        )

    @property
    def precision(self) -> float:
        """Share of the found that are right; NaN where nothing was found.

        >>> Counts(matched=3, false=1).precision
        0.75
        """
        return _share(self.matched, self.matched + self.false)

    @property
    def recall(self) -> float:
        """Share of the gold that was found; NaN where there is none.

        >>> Counts(matched=3, missed=3).recall
        0.5
        """
        return _share(self.matched, self.matched + self.missed)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; NaN without any claim.

        >>> Counts(matched=3, false=1, missed=1).f1
        0.75
        """
        return _share(2 * self.matched, 2 * self.matched + self.false + self.missed)


@dataclass(frozen=True, slots=True)
class Scores:
    """The counts of all passages and of each pattern and dialect, and what went wrong."""

    total: Counts
    by_pattern: dict[str, Counts]
    by_dialect: dict[str, Counts]
    missed: tuple[tuple[str, Stated], ...]
    false: tuple[tuple[str, Stated], ...]
    n_ambiguous: int
    """Claims of the gold at which a reader would hesitate: neither right nor wrong."""
    n_ambiguous_found: int
    n_apart: int
    """Found ranges and figures in words where the gold leaves them out."""


def passages(
    lines: Iterable[str], issuers: Mapping[str, str], *, omits: bool = False
) -> list[Passage]:
    """Return the labelled passages that JSON lines hold.

    Parameters
    ----------
    lines : iterable of str
        One passage a line, as `tests/selloff/claims/labelled/GUIDE.md` says; empty ones are passed
        over.
    issuers : mapping
        Issuer of each ticker; one that is absent stands for itself.
    omits : bool
        Whether this gold leaves out ranges and figures in words.

    Returns
    -------
    list of Passage
        In the order of the lines, magnitudes as fractions.

    Raises
    ------
    ValueError
        Where a line is no passage, with its number and the cause.

    Examples
    --------
    >>> passages(['{"text": "Calm.", "published": "2025-01-28", "claims": []}'], {})[0].claims
    ()
    """
    found = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                found.append(_passage(json.loads(line), issuers, omits=omits))
            except (KeyError, TypeError, ValueError) as error:
                message = f"line {number} is no labelled passage: {error!r}"
                raise ValueError(message) from error
    return found


def stated(row: Mapping[str, Any], text: str, issuers: Mapping[str, str]) -> Stated:
    """Return a found claim in the form in which it is scored.

    Parameters
    ----------
    row : mapping
        A row of `core.claims`; of it `ticker`, `metric`, `direction`, `magnitude_low`,
        `magnitude_high`, `unit`, `qualifier`, `claimed_on`, `period`, `is_ambiguous`,
        `start_offset` and `end_offset`.
    text : str
        The text it was found in.
    issuers : mapping
        Issuer of each ticker; one that is absent stands for itself.

    Returns
    -------
    Stated
        The claim; `when` is the ISO date of `claimed_on`, or None.

    Examples
    --------
    >>> row = {"ticker": "MU", "metric": "price_change", "direction": "down", "magnitude_low": 0.5,
    ...        "magnitude_high": 0.5, "unit": "fraction", "qualifier": None, "claimed_on": None,
    ...        "period": "unstated", "is_ambiguous": False, "start_offset": 0, "end_offset": 9}
    >>> stated(row, "MU halved", {}).is_worded
    True
    """
    span = text[row["start_offset"] : row["end_offset"]]
    day = row["claimed_on"]
    return Stated(
        issuer=issuers.get(row["ticker"], row["ticker"]),
        metric=row["metric"],
        direction=row["direction"],
        low=row["magnitude_low"],
        high=row["magnitude_high"],
        unit=row["unit"],
        qualifier=row["qualifier"],
        when=None if day is None else day.isoformat(),
        period=row["period"],
        is_ambiguous=bool(row["is_ambiguous"]),
        is_worded=not any(character.isdigit() for character in span),
    )


def score(found: Mapping[str, Sequence[Stated]], gold: Sequence[Passage]) -> Scores:
    """Return how well the claims that were found agree with the gold.

    A found claim matches one of its own text with the same issuer, metric, direction, unit and
    magnitude (both ends, relative 1e-9); each of the gold is matched once. Of the matched, the
    qualifier agrees where its words are the same, the day where the gold's is the same date, or
    lies in the year or month it names, or where neither states one.

    Parameters
    ----------
    found : mapping
        The claims found in each text; a text that is absent has none.
    gold : sequence of Passage
        The labelled passages.

    Returns
    -------
    Scores
        Counts of all, by pattern and by dialect, sorted by name; misses and false claims in the
        order of the passages. Claims that the gold calls ambiguous, and ranges and figures in words
        where it leaves them out, are in none of these.

    Examples
    --------
    >>> fall = Stated("MU", "price_change", "down", 0.12, 0.12, "fraction")
    >>> score({"MU fell 12%.": [fall]}, [Passage("MU fell 12%.", "2025-01-28", (fall,))]).total
    Counts(matched=1, false=0, missed=0, qualifier=1, day=1)
    """
    by_pattern: defaultdict[str, Counts] = defaultdict(Counts)
    by_dialect: defaultdict[str, Counts] = defaultdict(Counts)
    missed: list[tuple[str, Stated]] = []
    false: list[tuple[str, Stated]] = []
    ambiguous = ambiguous_found = apart = 0
    for passage in gold:
        pairs, left_gold, left_found = _matched(passage.claims, found.get(passage.text, ()))
        clear = [pair for pair in pairs if not pair[0].is_ambiguous]
        misses = [claim for claim in left_gold if not claim.is_ambiguous]
        wrong = [claim for claim in left_found if not (passage.omits and _is_omitted(claim))]
        ambiguous += sum(claim.is_ambiguous for claim in passage.claims)
        ambiguous_found += len(pairs) - len(clear)
        apart += len(left_found) - len(wrong)
        counts = Counts(
            matched=len(clear),
            false=len(wrong),
            missed=len(misses),
            qualifier=sum(_words(one.qualifier) == _words(other.qualifier) for one, other in clear),
            day=sum(_same_day(one, other) for one, other in clear),
        )
        by_pattern[passage.pattern] += counts
        by_dialect[passage.dialect] += counts
        missed += [(passage.text, claim) for claim in misses]
        false += [(passage.text, claim) for claim in wrong]
    return Scores(
        total=sum(by_pattern.values(), Counts()),
        by_pattern=dict(sorted(by_pattern.items())),
        by_dialect=dict(sorted(by_dialect.items())),
        missed=tuple(missed),
        false=tuple(false),
        n_ambiguous=ambiguous,
        n_ambiguous_found=ambiguous_found,
        n_apart=apart,
    )


def _passage(item: Mapping[str, Any], issuers: Mapping[str, str], *, omits: bool) -> Passage:
    return Passage(
        text=item["text"],
        published=item["published"],
        claims=tuple(_gold(claim, issuers) for claim in item["claims"]),
        pattern=item.get("pattern", "unsorted"),
        dialect=item.get("dialect", "unsorted"),
        omits=omits,
    )


def _gold(claim: Mapping[str, Any], issuers: Mapping[str, str]) -> Stated:
    unit, factor = _PER_UNIT.get(claim["unit"], (claim["unit"], 1.0))
    single = claim.get("magnitude")
    low = claim["low"] if single is None else single
    high = claim["high"] if single is None else single
    # The reference calls a change in index points a price change in points.
    is_points = claim["metric"] == "price_change" and unit == "points"
    return Stated(
        issuer=issuers.get(claim["entity"], claim["entity"]),
        metric="index_points" if is_points else claim["metric"],
        direction=claim["direction"],
        low=low * factor,
        high=high * factor,
        unit=unit,
        qualifier=claim["qualifier"],
        when=claim["when"],
        period=claim.get("period"),
        is_ambiguous=claim.get("is_ambiguous", False),
    )


def _matched(
    gold: Sequence[Stated], found: Sequence[Stated]
) -> tuple[list[tuple[Stated, Stated]], list[Stated], list[Stated]]:
    """Return the pairs, and what is left of both; of equal claims the one of the same day first."""
    left_gold, left_found = list(gold), list(found)
    pairs = []
    for with_day in (True, False):
        for claim in list(left_gold):
            match = next(
                (
                    x
                    for x in left_found
                    if _same(claim, x) and (not with_day or _same_day(claim, x))
                ),
                None,
            )
            if match is not None:
                left_gold.remove(claim)
                left_found.remove(match)
                pairs.append((claim, match))
    return pairs, left_gold, left_found


def _same(gold: Stated, found: Stated) -> bool:
    return (
        _subject(gold) == _subject(found)
        and math.isclose(gold.low, found.low, rel_tol=SAME_FIGURE)
        and math.isclose(gold.high, found.high, rel_tol=SAME_FIGURE)
    )


def _subject(claim: Stated) -> tuple[str | None, ...]:
    return claim.issuer, claim.metric, claim.direction, claim.unit


def _same_day(gold: Stated, found: Stated) -> bool:
    if gold.when in _PERIODS_OF_WORDS:
        return found.period == _PERIODS_OF_WORDS[gold.when]
    if gold.when is None or found.when is None:
        return gold.when == found.when
    return found.when.startswith(gold.when)


def _is_omitted(claim: Stated) -> bool:
    return claim.is_worded or claim.low != claim.high


def _words(qualifier: str | None) -> str:
    return " ".join((qualifier or "").lower().split())


def _share(n_right: int, n: int) -> float:
    return n_right / n if n else math.nan
