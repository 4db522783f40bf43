"""Figures: what a number with its unit is worth, and how exactly it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = r"(?:\d{1,3}(?:,\d{2,3})+(?:\.\d{1,6})?|\d{1,15}(?:\.\d{1,6})?|\.\d{1,6})"
_SIGN = r"(?:(?<![\w%])[-+\u2013](?=[\d.$\u20ac\u00a3\u00a5]))?"
_SYMBOLS = {
    "us$": "USD",
    "hk$": "HKD",
    "a$": "AUD",
    "c$": "CAD",
    "nt$": "TWD",
    "$": "USD",
    "\u20ac": "EUR",
    "\u00a3": "GBP",
    "\u00a5": "JPY",
    "\u20b9": "INR",
    "rs": "INR",
    "rs.": "INR",
}
_CURRENCIES = {
    "dollars": "USD",
    "dollar": "USD",
    "euros": "EUR",
    "euro": "EUR",
    "pounds": "GBP",
    "pound": "GBP",
    "yen": "JPY",
    "rupees": "INR",
    "francs": "CHF",
    "won": "KRW",
    "kroner": "DKK",
    "pence": "GBp",
}
_SCALES = {
    "trillion": 1e12,
    "tn": 1e12,
    "trn": 1e12,
    "billion": 1e9,
    "bn": 1e9,
    "million": 1e6,
    "mn": 1e6,
    "mln": 1e6,
    "thousand": 1e3,
    "lakh crore": 1e12,
    "crore": 1e7,
    "lakh": 1e5,
    "t": 1e12,
    "b": 1e9,
    "m": 1e6,
    "k": 1e3,
}
_UP_TO_TWENTY = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    *("nineteen", "twenty"),
)
NUMBER_WORDS = {word: value for value, word in enumerate(_UP_TO_TWENTY, start=1)} | {
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
_PARTS = {
    "half": 2,
    "third": 3,
    "quarter": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "tenth": 10,
}
_SMALL = "|".join(sorted(NUMBER_WORDS, key=len, reverse=True))
_WORD_NUMBER = (
    rf"(?:{_SMALL})(?:-(?:{_SMALL}))?"
    rf"(?: and a half|-and-a-half| and a quarter| and three quarters| point (?:{_SMALL}))?"
)
_PERCENT = r"(?:\s?%(?![- ]?point)|[- ](?:percent|per cent|pct|pc)\b(?![- ]points?)|pc\b)"
_SYMBOL = r"(?:(?:US|HK|NT|A|C)?\$|[\u20ac\u00a3\u00a5\u20b9]|\bRs\.?)\s?"
_SCALE = (
    r"(?:[- ]?(?:trillion|billion|million|thousand|lakh crore|crore|lakh|mln|bn|tn|trn|mn)\b"
    r"|[TBMKtmk](?![\w%]))"
)
_WORDED = r"(?:dollars?|euros?|pounds?|yen|rupees|francs|won|kroner|pence)\b"
_TO = r"(?: to | ?[-\u2013] ?)"
_PART = (
    r"\b(?:(?:a|one|two|three|four|five|nine)[- ]"
    r"(?:half|third|quarter|fifth|sixth|seventh|eighth|tenth)s?\b|half\b)"
)
_MULTIPLE = r"\b(?:halv(?:ed|es|ing)|doubl(?:ed|es|ing)|tripl(?:ed|es|ing)|quadrupl(?:ed|es|ing))\b"
FIGURE = "|".join(
    (
        rf"{_SIGN}{_NUMBER}{_PERCENT}?{_TO}{_NUMBER}{_PERCENT}",
        rf"{_SIGN}{_NUMBER}{_PERCENT}",
        rf"{_SIGN}{_NUMBER}\s?(?:%|percentage)[- ]?points?\b",
        rf"{_SYMBOL}{_NUMBER}{_SCALE}?{_TO}{_SYMBOL}{_NUMBER}{_SCALE}?",
        rf"{_SIGN}{_SYMBOL}{_NUMBER}{_SCALE}?(?:\s{_WORDED})?",
        rf"\b{_NUMBER}{_SCALE}?\s{_WORDED}",
        rf"\b{_NUMBER}p\b",
        rf"{_SIGN}\b{_NUMBER}[- ](?:basis points?|bps|bp|pp|points?|pts)\b",
        rf"\b{_NUMBER}{_SCALE}?\sshares\b",
        rf"\b{_NUMBER}{_SCALE}",
        r"\b\d{1,3}(?:,\d{3})+(?:\.\d{1,4})?\b|\b\d{1,6}\.\d{1,4}\b",
    )
)
"""What a figure looks like that begins with a digit or sign; the more special forms come first."""
WORDED_FIGURE = "|".join(
    (
        rf"\bbetween {_NUMBER}{_PERCENT}? and {_NUMBER}{_PERCENT}",
        rf"\bbetween {_SYMBOL}{_NUMBER}{_SCALE}? and {_SYMBOL}{_NUMBER}{_SCALE}?",
        rf"\b{_WORD_NUMBER}(?:{_PERCENT})",
        r"\b(?:half|(?:a|one|three)[- ]quarters?(?: of)?|a third of)? ?a (?:percent|per cent)\b",
        rf"{_SYMBOL}{_NUMBER}{_SCALE}?{_TO}{_SYMBOL}{_NUMBER}{_SCALE}?",
        rf"{_SYMBOL}{_NUMBER}{_SCALE}?(?:\s{_WORDED})?",
        _PART,
        _MULTIPLE,
    )
)
"""What a figure looks like that begins with a letter."""

_EACH = re.compile(rf"({_SYMBOL})?({_NUMBER})({_SCALE})?", re.IGNORECASE)
_PER_CENT = re.compile(_PERCENT, re.IGNORECASE)
_MULTIPLES = {"h": (0.5, -1), "d": (1.0, 1), "t": (2.0, 1), "q": (3.0, 1)}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A figure.

    Parameters
    ----------
    low, high : float
        Without sign, in `unit`; equal unless a range is written.
    unit : str
        ``fraction``, ``points``, ``basis_points``, ``percentage_points``, ``shares``, ``number``
        or a currency, ISO 4217.
    resolution : float
        Worth of the last digit that is written.
    sign : int
        Of a figure written with one, or that says so itself (halved); else 0.
    is_word : bool
        Whether it is written in words (a fifth, doubled).
    last : float
        Of a range, the figure that is written last; else 0.
    """

    low: float
    high: float
    unit: str
    resolution: float
    sign: int = 0
    is_word: bool = False
    last: float = 0.0


def quantity(text: str) -> Quantity:
    """Return what a figure is worth.

    Parameters
    ----------
    text : str
        As `FIGURE` matches it.

    Examples
    --------
    >>> found = quantity("17.4%")
    >>> found.low, found.unit, found.resolution
    (0.174, 'fraction', 0.001)
    >>> quantity("$589 billion").low, quantity("a fifth").low
    (589000000000.0, 0.2)
    """
    lower = text.lower()
    if not any(char.isdigit() for char in lower):
        return _in_words(lower)
    sign = -1 if lower[0] in "-\u2013" else 1 if lower[0] == "+" else 0
    numbers = _EACH.findall(text)
    unit = _unit(lower, numbers)
    scales = [_scale(scale) for _, _, scale in numbers]
    # "$1 to $2 billion": the scale that is written once holds for both.
    scales = [scale if scale > 1 else max(scales) for scale in scales]
    worth = 0.01 if unit == "fraction" else 1.0
    written = [
        _rounded(float(number.replace(",", "")), scale * worth)
        for (_, number, _), scale in zip(numbers, scales, strict=True)
    ]
    values = sorted(written)
    last = numbers[-1][1]
    digits = len(last.partition(".")[2])
    resolution = _rounded(10.0**-digits, scales[-1] * worth)
    end = written[-1] if len(written) > 1 else 0.0
    return Quantity(values[0], values[-1], unit, resolution, sign, last=end)


def _in_words(lower: str) -> Quantity:
    """Return what a figure in words is worth."""
    if multiple := re.match(r"(halv|doubl|tripl|quadrupl)", lower):
        value, sign = _MULTIPLES[multiple[1][0]]
        return Quantity(value, value, "fraction", 0.01, sign, is_word=True)
    if found := re.match(
        r"(?:(half|quarter|third|three)?.{0,12}? )?a per ?cent|a per ?cent", lower
    ):
        del found
        parts = {"half": 0.005, "three": 0.0075, "quarter": 0.0025, "third": 0.01 / 3}
        value = next((worth for word, worth in parts.items() if word in lower), 0.01)
        return Quantity(value, value, "fraction", 0.0025)
    if _PER_CENT.search(lower):
        head = lower.partition(" p")[0] if " point" not in lower else lower.rpartition(" per")[0]
        whole, _, tenths = head.partition(" point ")
        number: float = sum(
            NUMBER_WORDS.get(word, 0)
            for word in re.findall(r"[a-z]+", whole.partition(" and ")[0].partition("-and-")[0])
        )
        number += NUMBER_WORDS.get(tenths, 0) / 10
        parts = {"a-half": 0.5, "a-quarter": 0.25, "three-quarters": 0.75}
        dashed = lower.replace(" ", "-")
        half = next((worth for part, worth in parts.items() if f"and-{part}" in dashed), 0.0)
        value = float(f"{(number + half) / 100:.12g}")
        return Quantity(value, value, "fraction", 0.005 if half else 0.01)
    pieces = re.split(r"[- ]", lower)
    times = NUMBER_WORDS.get(pieces[0], 1) if len(pieces) > 1 else 1
    value = times / _PARTS[pieces[-1].removesuffix("s")]
    return Quantity(value, value, "fraction", 0.01, 0, is_word=True)


def _unit(lower: str, numbers: list[tuple[str, str, str]]) -> str:
    """Return the unit of a figure."""
    if re.search(r"percentage|%[- ]?point|\bpp$", lower):
        return "percentage_points"
    if _PER_CENT.search(lower):
        return "fraction"
    if symbol := next((symbol for symbol, _, _ in numbers if symbol), ""):
        return _SYMBOLS[symbol.lower().strip()]
    return _of_last_word(re.split(r"[\s-]", lower)[-1], is_basis="basis" in lower)


def _of_last_word(last: str, *, is_basis: bool) -> str:
    """Return the unit that the last word of a figure names."""
    if last.endswith("p") and last[:1].isdigit():
        return "GBp"
    points = "basis_points" if is_basis else "points"
    words = {**dict.fromkeys(("points", "point", "pts"), points), **_CURRENCIES}
    words |= {"bps": "basis_points", "bp": "basis_points", "shares": "shares"}
    return words.get(last, "number")


def _scale(text: str) -> float:
    return _SCALES[text.lower().strip("- ")] if text else 1.0


def _rounded(value: float, scale: float) -> float:
    """Return the product as one would write it: 17.4 x 0.01 is 0.174, and no more."""
    return float(f"{value * scale:.12g}")
