"""Where sentences begin and end, in one pass."""

from __future__ import annotations

import re
from bisect import bisect_right

_END = re.compile(r"""[.!?]["')\]]{0,3}(?=\s)|\n\s{0,9}\n""")
_ABBREVIATIONS = frozenset(
    re.findall(
        r"\S+",
        "Inc Corp Co Ltd Cos Bros Mr Mrs Ms Dr St vs etc No approx est Jan Feb Mar Apr Jun Jul Aug "
        "Sep Sept Oct Nov Dec U.S U.K E.U a.m p.m e.g i.e N.V S.A A.G S.p.A Rs",
    )
)
_LAST_WORD = re.compile(r"[\w.&]{1,12}$")
# A sentence of a headline feed or of a table; longer is no sentence, and is cut.
LONGEST = 3_000


def sentences(text: str) -> list[tuple[int, int]]:
    """Return where the sentences of a text begin and end, in order, in characters.

    A full stop, mark or empty line ends a sentence; the stop of an abbreviation (Inc., Jan., U.S.)
    does where a capital that opens a sentence follows it. Longer than 3,000 characters there are
    none.

    Parameters
    ----------
    text : str
        Any text.

    Examples
    --------
    >>> text = "Amazon.com Inc. fell 2% on Jan. 27. Apple rose."
    >>> [text[start:end] for start, end in sentences(text)]
    ['Amazon.com Inc. fell 2% on Jan. 27.', 'Apple rose.']
    """
    found: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        if text[match.start()] == "." and _is_abbreviation(text, match.start(), match.end()):
            continue
        _add(found, text, start, match.end())
        start = match.end()
    _add(found, text, start, len(text))
    return found


def sentence_of(bounds: list[tuple[int, int]], place: int) -> tuple[int, int]:
    """Return the bounds of the sentence in which a place lies."""
    return bounds[max(0, bisect_right(bounds, (place, 1 << 60)) - 1)]


def _is_abbreviation(text: str, stop: int, end: int) -> bool:
    """Say whether a full stop belongs to the word before it."""
    word = _LAST_WORD.search(text, max(0, stop - 12), stop)
    if not word or (word[0] not in _ABBREVIATIONS and not re.fullmatch(r"[A-Z]", word[0])):
        return False
    # "... by Apple Inc. The stock fell": an article or pronoun opens a sentence.
    return not re.match(r"\s{1,3}(?:The|It|Its|In|On|A|An|But|And|Shares)\b", text[end : end + 12])


def _add(found: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    """Add the bounds without the blanks around them, in pieces that are not too long."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    found += [(at, min(at + LONGEST, end)) for at in range(start, end, LONGEST)]
