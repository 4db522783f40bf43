"""What is certain of an event, in one paragraph: claims that the prices support, with references.

The one place of this room where fractions become per cent: it is read by people.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Row = dict[str, Any]

LONGEST_SUMMARY = 1500
_LONGEST_NAME = 120
_LONGEST_CLAIM = 160
_VERDICTS = ("supported", "supported_other_reading")
_METRICS = ("price_change", "market_value_change", "index_points")
# The falls of firms, then their market value lost, then indices; a paragraph, not a table.
_MOST_IN_SECTION = 10
_VERB = {
    "price_change": "fell",
    "market_value_change": "lost market value of",
    "index_points": "fell",
}
_BOUND = {
    "exact": "",
    "about": "about ",
    "nearly": "nearly ",
    "above": "more than ",
    "at_least": "at least ",
    "below": "less than ",
    "at_most": "at most ",
    "extreme": "as much as ",
}
_DAYS = ("day", "intraday", "open", "unstated")
_SCALES = ((1e12, " trillion"), (1e9, " billion"), (1e6, " million"))


@dataclass(frozen=True, slots=True)
class Checked:
    """A claim with its verdict and its article."""

    claim: Row
    check: Row
    article: Row

    @property
    def fact(self) -> tuple[Any, ...]:
        """What it says of the world: the same of every article that states it."""
        check = self.check
        return (
            _VERDICTS.index(check["verdict"]),
            check["listing_id"],
            check["metric"],
            check["session_date"],
            check["from_session_date"],
            check["reading"],
        )


def summary(claims: list[Checked], instruments: Mapping[str, Row]) -> tuple[str, str] | None:
    """Put an event's supported falls into one paragraph, each with its references.

    Parameters
    ----------
    claims : list of Checked
        Claims of the event's articles, each text's once. Those of falls that the prices support
        are used: as stated first, then under another reading, which is said.
    instruments : mapping of str to dict
        Rows of ``core.instruments`` by `listing_id`.

    Returns
    -------
    tuple of str or None
        The paragraph, of at most 1500 characters and whole sentences, and its references, a line
        each: number, source, address, names and figures as written. None where no claim is
        supported. The falls of firms come first, then market value lost, then indices, of each the
        ten largest, largest first. Figures are as stated; what was observed follows in brackets
        where it differs in the last digit. Plain text: whoever shows it in HTML escapes it.

    Examples
    --------
    >>> claim = {"magnitude_low": 0.17, "magnitude_high": 0.17, "bound": "nearly", "unit":
    ...     "fraction", "resolution": 0.01, "direction": "down", "period": "day",
    ...     "alias": "Nvidia", "start_offset": 0, "end_offset": 15}
    >>> check = {"verdict": "supported", "listing_id": "XNAS:NVDA", "metric": "price_change",
    ...     "session_date": "2025-01-27", "from_session_date": "2025-01-24", "observed": -0.1697,
    ...     "reading": "as_stated", "claim_id": "1"}
    >>> article = {"article_id": "a", "source": "desk", "location": "a.txt",
    ...     "text": "fell nearly 17%", "published_at": 1}
    >>> listing = {"name": "Nvidia", "ticker": "NVDA"}
    >>> text, references = summary([Checked(claim, check, article)], {"XNAS:NVDA": listing})
    >>> text
    'Nvidia (NVDA) fell nearly 17% on 2025-01-27 [1].'
    >>> references
    '[1] desk, a.txt: Nvidia "fell nearly 17%"'
    """
    facts: dict[tuple[Any, ...], list[Checked]] = defaultdict(list)
    for each in sorted(claims, key=_published):
        if _is_told(each):
            facts[each.fact].append(each)
    numbers: dict[str, int] = {}
    told: list[Checked] = []
    sentences: list[str] = []
    for group in _chosen([_alike(group) for group in facts.values()], instruments):
        articles = dict.fromkeys(each.article["article_id"] for each in group)
        after = dict(numbers)
        for key in articles:
            after.setdefault(key, len(after) + 1)
        marks = "".join(f"[{number}]" for number in sorted(after[key] for key in articles))
        sentence = f"{_told(group[0], instruments)} {marks}."
        if len(" ".join([*sentences, sentence])) > LONGEST_SUMMARY:
            continue
        numbers = after
        told += group
        sentences.append(sentence)
    return (" ".join(sentences), _references(told, numbers)) if sentences else None


def _alike(group: list[Checked]) -> list[Checked]:
    """Return the claims that state the most exact figure of a fact: no other may be cited for it.

    The finest last digit goes first, then a figure without words of vagueness, then the earliest.
    """
    best = min(group, key=lambda each: (each.claim["resolution"], each.claim["bound"] != "exact"))
    return [each for each in group if _figure(each) == _figure(best)]


def _figure(each: Checked) -> tuple[Any, ...]:
    claim = each.claim
    return claim["magnitude_low"], claim["magnitude_high"], claim["bound"], claim["unit"]


def _published(each: Checked) -> tuple[Any, ...]:
    return each.article["published_at"], each.article["article_id"], each.check["claim_id"]


def _is_told(each: Checked) -> bool:
    check = each.check
    return (
        each.claim["direction"] == "down"
        and check["verdict"] in _VERDICTS
        and check["metric"] in _METRICS
        and check["observed"] is not None
        and check["observed"] < 0
    )


def _chosen(facts: list[list[Checked]], instruments: Mapping[str, Row]) -> list[list[Checked]]:
    """Return what is told, in order: of each section the largest."""
    sections: dict[tuple[int, int], list[list[Checked]]] = defaultdict(list)
    for group in sorted(facts, key=_order):
        check = group[0].check
        kind = instruments.get(check["listing_id"], {}).get("asset_class")
        section = len(_METRICS) if kind == "index" else _METRICS.index(check["metric"])
        sections[group[0].fact[0], section].append(group)
    return [group for _, told in sorted(sections.items()) for group in told[:_MOST_IN_SECTION]]


def _order(group: list[Checked]) -> tuple[Any, ...]:
    check = group[0].check
    day = str(check["session_date"])
    # Of indices, fractions and points stand in one section.
    return _METRICS.index(check["metric"]), check["observed"], check["listing_id"], day


def _told(each: Checked, instruments: Mapping[str, Row]) -> str:
    claim, check = each.claim, each.check
    listing = instruments.get(check["listing_id"], {})
    ticker = listing.get("ticker") or check["listing_id"]
    name = clean(listing.get("name") or ticker, _LONGEST_NAME)
    unit, step = claim["unit"], claim["resolution"]
    low, high = (figure(claim[f"magnitude_{end}"], unit, step) for end in ("low", "high"))
    stated = low if low == high else f"{low} to {high}"
    observed = figure(-check["observed"], unit, step)
    aside = "" if observed in {low, high} else f" (observed: {figure(-check['observed'], unit)})"
    reading = "" if check["verdict"] == "supported" else _reading(check)
    verb = _VERB[check["metric"]]
    return (
        f"{name} ({clean(ticker, 20)}) {verb} {_BOUND[claim['bound']]}{stated}{aside} "
        f"{_when(each)}{reading}"
    )


def _when(each: Checked) -> str:
    check = each.check
    if each.claim["period"] in _DAYS and check["reading"] != "five_sessions":
        return f"on {check['session_date']}"
    return f"from the close of {check['from_session_date']} to {check['session_date']}"


def _reading(check: Row) -> str:
    words = (check["reading"] or "another").replace("_", " ")
    return f", under another reading than the text's own ({words})"


def figure(value: float, unit: str, step: float | None = None) -> str:
    """Write a figure for people.

    Parameters
    ----------
    value : float
        In `unit`.
    unit : str
        fraction, points, shares or a currency.
    step : float, optional
        Worth of its last digit, in `unit`; by default four significant digits are written.

    Examples
    --------
    >>> figure(0.174, "fraction", 0.001), figure(589e9, "USD", 1e9), figure(612.47, "points")
    ('17.4%', '589 billion USD', '612.5 points')
    """
    if unit == "fraction":
        return f"{_digits(value * 100, step and step * 100)}%"
    for scale, word in _SCALES:
        if abs(value) >= scale:
            return f"{_digits(value / scale, step and step / scale)}{word} {unit}"
    return f"{_digits(value, step)} {unit}"


def _digits(value: float, step: float | None) -> str:
    if not step:
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"  # noqa: PLR2004
    places = 0
    while places < 6 and round(step * 10**places, 6) < 1:  # noqa: PLR2004
        places += 1
    return f"{value:.{places}f}"


def _references(told: list[Checked], numbers: dict[str, int]) -> str:
    """Write a line per article: only what `clean` leaves can be in it, so none can be forged."""
    claims: dict[str, list[str]] = defaultdict(list)
    articles = {}
    for each in told:
        key = each.article["article_id"]
        articles[key] = each.article
        words = each.article["text"][each.claim["start_offset"] : each.claim["end_offset"]]
        alias = clean(each.claim["alias"], _LONGEST_NAME)
        claims[key].append(f'{alias} "{clean(words, _LONGEST_CLAIM)}"')
    lines = []
    for key, number in numbers.items():
        article = articles[key]
        place = f"{clean(article['source'], _LONGEST_NAME)}, {clean(article['location'], 300)}"
        lines.append(f"[{number}] {place}: {'; '.join(dict.fromkeys(claims[key]))}")
    return "\n".join(lines)


def clean(text: str, longest: int) -> str:
    r"""Make untrusted text a part of one line that can be taken for no reference.

    Parameters
    ----------
    text : str
        Any text; of a longer one the first `longest` characters are looked at.
    longest : int
        Characters.

    Examples
    --------
    >>> clean("desk\n[2] bank,\x00 a.txt", 100)
    'desk (2) bank, a.txt'
    """
    kept = text[:longest].replace("[", "(").replace("]", ")").replace('"', "'")
    # C: control, format (turns the direction of writing), surrogates. Z: blanks and line ends.
    plain = (" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in kept)
    return " ".join("".join(plain).split())
