"""What is stored of an article whose body may not be: its opening, and its figures."""

from __future__ import annotations

import re

from selloff.mentions.sentences import sentences

OPENING, LONGEST = 500, 1_500
"""Characters of the opening, and of the whole: a quotation, no copy."""
_FIGURE = re.compile(
    r"\d\s?(?:%|per ?cent|pct|points?|pts|bn|billion|trillion|basis)|[$\u20ac\u00a3\u00a5]\s?\d"
    r"|\b(?:halved|doubled|a (?:third|quarter|fifth))\b",
    re.IGNORECASE,
)
_REFERS = re.compile(r"(?:The|Its?|Their|They|That|This|Shares)\b")


def extract(text: str) -> str:
    """Return the opening of a text and its sentences with figures, whole and in order.

    A sentence that begins by referring back ("Its shares fell 5%") brings the one before along:
    what is stored says of the same firms what the whole text said.

    Parameters
    ----------
    text : str
        The whole text.

    Returns
    -------
    str
        At most 1,500 characters; pieces that do not follow each other are paragraphs of their own.
    """
    bounds = sentences(text)
    kept = {i for i, (_, end) in enumerate(bounds) if end <= OPENING}
    length = sum(end - start for start, end in (bounds[i] for i in kept))
    for i, (start, end) in enumerate(bounds):
        if not _FIGURE.search(text, start, end):
            continue
        wanted = _with_antecedent(text, bounds, i) - kept
        more = sum(bounds[k][1] - bounds[k][0] + 2 for k in wanted)
        if length + more <= LONGEST:
            kept |= wanted
            length += more
    return _joined(text, [bounds[i] for i in sorted(kept)]) or text[:OPENING]


def _with_antecedent(text: str, bounds: list[tuple[int, int]], i: int) -> set[int]:
    """Return a sentence, with those before it to which it refers."""
    first = i
    while first and i - first < 2 and _REFERS.match(text, bounds[first][0]):  # noqa: PLR2004 - two back at most
        first -= 1
    return set(range(first, i + 1))


def _joined(text: str, bounds: list[tuple[int, int]]) -> str:
    """Return the pieces of a text; those that follow each other stay together."""
    pieces: list[str] = []
    reached = -1
    for start, end in bounds:
        gap = text[reached:start] if reached >= 0 else ""
        together = pieces and not gap.strip()
        if together:
            pieces[-1] += (gap if "\n\n" not in gap else "\n\n") + text[start:end]
        else:
            pieces.append(text[start:end])
        reached = end
    return "\n\n".join(pieces)
