"""What the first lines of an article say besides its date: who wrote it, and where."""

from __future__ import annotations

import re

_TOP, _TOP_LINES, _LINE = 4_000, 8, 160
_DAY_OR_MONTH = (
    r"(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?\b|"
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)(?:\b|uary|ruary|ch|il|e|y|ust|ember|ober)"
)
_DAY = (
    r"(?:(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)[a-z]{0,6}\.?\ \d{1,2}"
    r"|\d{1,2}\ (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)[a-z]{0,6}\.?)"
    r"(?:[a-z]{2})?(?:,?\ \d{4})?"
)
_NAME = r"[A-Z][\w.'\u2019-]{0,30}"
_BYLINE = re.compile(
    rf"""
    [Bb][Yy]:?\ (?!{_DAY_OR_MONTH})
    (?P<names>{_NAME}(?:,?\ (?:(?:and|&|de|van|von|der)\ )?{_NAME}){{0,9}})
    (?=$|\ ?[|\u2013\u2014]|\ -|,\ (?:\d|{_DAY_OR_MONTH}))
    """,
    re.VERBOSE,
)
_AGENCY = r"(?:-{1,2})?\([A-Z][\w\ .]{1,30}\)"
_STATE = r"(?:,\ (?!" + _DAY_OR_MONTH + r")[A-Z][A-Za-z.]{1,14}){0,2}"
_PLACE = re.compile(
    rf"""
    (?!By\ |Updated|Published|Posted|Date\b|{_DAY_OR_MONTH})
    (?: (?P<capitals>[A-Z][A-Z.'/ -]{{0,38}}[A-Z])
      | (?P<name>[A-Z][a-z.'-]{{1,20}}(?:\ [A-Z][a-z.'-]{{1,20}}){{0,2}})(?=.{{0,40}},\ {_DAY})
    )
    {_STATE}
    (?: ,\ {_DAY}\ ?(?:{_AGENCY})? | \ ?{_AGENCY} )
    \ ?(?:-{{1,2}}|[\u2013\u2014:])
    """,
    re.VERBOSE,
)


def byline(text: str) -> str | None:
    """Return who wrote the article, of a line among its first eight that begins with "By".

    "By Jane Doe and John Roe", "By Jane Doe, 28 January 2025" are bylines; "By Monday, it had
    fallen" and "By Nvidia's count it fell" are not.
    """
    found = next(filter(None, map(_BYLINE.match, _lines(text))), None)
    return found["names"] if found else None


def place(text: str) -> str | None:
    """Return the place of the dateline, as written: NEW YORK, of "NEW YORK, Jan 27 (Reuters) -".

    It stands at the beginning of one of the first eight lines, with a day, an agency in
    parentheses or both, and a dash: "NVIDIA - the maker of chips - fell" names none.
    """
    found = next(filter(None, map(_PLACE.match, _lines(text))), None)
    return (found["capitals"] or found["name"]) if found else None


def _lines(text: str) -> list[str]:
    return [line[:_LINE] for line in text[:_TOP].splitlines() if line][:_TOP_LINES]
