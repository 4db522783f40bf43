"""One paragraph of what is known of an event: facts that articles state and prices bear out."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

Row = dict[str, Any]

MOST = 12
"""Facts of a summary."""
_TRILLION, _BILLION = 1e12, 1e9
_SUPPORTED = ("supported", "supported_other_reading")
_METRICS = {"price_change": 0, "index_points": 1, "market_value_change": 2}


def summary(event: Row, claims: list[Row], articles: dict[str, Row]) -> tuple[str, str] | None:
    """Tell an event by the claims that the prices support, each with its references.

    Only falls of the event's own sessions are told, the deepest first, each listing and metric
    once, by the claim that states it most exactly; all articles that say the same are its
    references. A fact that fits under another reading alone is told as such. Nothing else is said:
    a sentence without a reference cannot arise.

    Parameters
    ----------
    event : dict
        `session_date` and `last_session_date`.
    claims : list of dict
        Rows of mart.claim_checks, with `magnitude_low`, `resolution`, `qualifier` and `name`.
    articles : dict
        By `article_id`: `source`, `title`, `location`. Untrusted: line breaks and control
        characters are dropped, so that no title can forge a reference.

    Returns
    -------
    tuple of str, optional
        The paragraph and its references, a line each; None without any fact.

    Examples
    --------
    >>> from datetime import date
    >>> day = {"session_date": date(2025, 1, 27), "last_session_date": date(2025, 1, 27)}
    >>> claim = {"article_id": "a", "listing_id": "NVDA", "name": "Nvidia", "unit": "fraction"}
    >>> claim |= {"metric": "price_change", "verdict": "supported"}
    >>> claim |= {"session_date": date(2025, 1, 27)}
    >>> claim |= {"magnitude_low": 0.17, "resolution": 0.01, "qualifier": "nearly"}
    >>> claim |= {"observed": -0.1697, "reading": "as_stated"}
    >>> article = {"source": "daily", "title": "Chips", "location": "x"}
    >>> text, notes = summary(day, [claim], {"a": article})
    >>> print(text)
    Nvidia fell nearly 17% (-16.97%) [1].
    >>> print(notes)
    [1] daily: Chips, x
    """
    facts = _facts(event, claims)
    if not facts:
        return None
    numbers: dict[str, int] = {}
    told = []
    for same in facts[:MOST]:
        cited = sorted({claim["article_id"] for claim in same})
        for article_id in cited:
            numbers.setdefault(article_id, len(numbers) + 1)
        marks = "".join(f"[{numbers[article_id]}]" for article_id in cited)
        told.append(f"{_sentence(min(same, key=_exactness))} {marks}.")
    notes = [f"[{number}] {_noted(articles[key])}" for key, number in numbers.items()]
    return " ".join(told), "\n".join(notes)


def _facts(event: Row, claims: list[Row]) -> list[list[Row]]:
    """Return the claims that say the same, the deepest fall first."""
    same: dict[tuple[str, str], list[Row]] = defaultdict(list)
    last = event["last_session_date"] + timedelta(days=1)
    for claim in claims:
        day = claim["session_date"]
        is_told = claim["verdict"] in _SUPPORTED and claim["metric"] in _METRICS
        if is_told and day and event["session_date"] <= day <= last and claim["observed"] < 0:
            same[claim["listing_id"], claim["metric"]].append(claim)
    deepest = {
        listing: min((each[0]["observed"] for (key, _), each in same.items() if key == listing))
        for listing, _ in same
    }
    order = {key: (deepest_of(same, key[0], deepest), key[0], _METRICS[key[1]]) for key in same}
    return [same[key] for key in sorted(same, key=lambda key: order[key])]


def deepest_of(
    same: dict[tuple[str, str], list[Row]], listing: str, otherwise: dict[str, float]
) -> float:
    """Return by how much a listing's price fell, a fraction; without it a figure of its value."""
    prices = same.get((listing, "price_change"))
    return min(claim["observed"] for claim in prices) if prices else otherwise[listing] / _TRILLION


def _exactness(claim: Row) -> tuple[bool, float, str]:
    """Return by what the claim to be told is chosen: as stated, most exact, first."""
    return claim["verdict"] != "supported", claim["resolution"], claim["article_id"]


def _sentence(claim: Row) -> str:
    """Return a claim as a sentence, with what was observed."""
    name = _line(claim["name"])
    vague = f"{claim['qualifier']} " if claim["qualifier"] else ""
    if claim["metric"] == "market_value_change":
        said = f"{name} lost {vague}{_money(claim['magnitude_low'], claim['unit'])} of market value"
        seen = _money(claim["observed"], claim["unit"])
    elif claim["metric"] == "index_points":
        said, seen = f"{name} fell {vague}{claim['magnitude_low']:,.10g} points", ""
    else:
        said, seen = f"{name} fell {vague}{_percent(claim)}", f"{claim['observed']:+.2%}"
    other = "" if claim["verdict"] == "supported" else f", {claim['reading'].replace('_', ' ')}"
    return f"{said} ({seen}{other})" if seen or other else said


def _percent(claim: Row) -> str:
    """Return a fraction as it was written."""
    digits = max(0, len(f"{claim['resolution'] * 100:.6f}".rstrip("0").partition(".")[2]))
    return f"{claim['magnitude_low'] * 100:.{digits}f}%"


def _money(amount: float, unit: str) -> str:
    """Return an amount in trillions or billions, signed where it is negative."""
    scale, word = (_TRILLION, "trillion") if abs(amount) >= _TRILLION else (_BILLION, "billion")
    return f"{amount / scale:,.4g} {word} {unit}"


def _noted(article: Row) -> str:
    title = f": {_line(article['title'])}" if article["title"] else ""
    return f"{_line(article['source'])}{title}, {_line(article['location'])}"


def _line(text: str) -> str:
    """Return text as one printable line of at most 200 characters."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.replace("[", "(").replace("]", ")").split())[:200]
