"""What a figure measures: a change of price, of points, of market value, a level, a volume."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from selloff.claims.figures import LARGE, Sense
from selloff.claims.words import LOSSES, WIPED

if TYPE_CHECKING:
    from collections.abc import Callable

    from selloff.claims.quantities import Quantity
    from selloff.claims.tokens import Entity, Token

_MONEY_VERBS = WIPED | {"shed", "sheds", "shedding"}
TRADED = frozenset({"at", "to"})
_REACHED = TRADED | {
    *("as low as", "as high as", "hit", "reached", "touched", "topped"),
    *("yields", "yielded", "yielding"),
}
MANY = 1e5
"""Bare numbers from here on are shares, below they are levels."""
_TRADES = frozenset({"trade", "traded", "hands", "sold", "bought", "exchanged"})
_RATES = frozenset({"fraction", "basis_points", "percentage_points"})


class Place(NamedTuple):
    """Where a figure stands: of whom, behind which word, among which tokens."""

    entity: Entity
    lead: str
    near: list[Token]


Measured = tuple[str, int]
"""A metric of core.claims and a sign; an empty name for nothing of ours."""
NOTHING: Measured = ("", 0)


def measured(figure: Quantity, sense: Sense, place: Place) -> Measured:
    """Return what a figure measures, and which way it went.

    Parameters
    ----------
    figure : Quantity
        The figure.
    sense : Sense
        How it is to be read.
    place : Place
        Where it stands.
    """
    if figure.unit in _RATES and is_yield(place.entity):
        return _of_yield(figure, sense, place.lead)
    return _BY_UNIT.get(figure.unit, _of_money)(figure, sense, place)


def _of_points(_figure: Quantity, sense: Sense, place: Place) -> Measured:
    if place.lead in TRADED:
        return "level", 0
    return ("index_points", sense.sign) if sense.sign else NOTHING


def _of_shares(_figure: Quantity, sense: Sense, place: Place) -> Measured:
    is_volume = sense.noun == "volume" or any(_is_trading(token) for token in place.near)
    return ("volume", 0) if is_volume else NOTHING


def _of_nothing(_figure: Quantity, _sense: Sense, _place: Place) -> Measured:
    return NOTHING


def _of_yield(figure: Quantity, sense: Sense, lead: str) -> Measured:
    """Return what a rate measures of a yield: its level, or its change in points of it."""
    if figure.unit == "fraction":
        return ("yield", 0) if lead in _REACHED else NOTHING
    return ("yield", sense.sign) if sense.sign else NOTHING


def _of_number(figure: Quantity, _sense: Sense, place: Place) -> Measured:
    """Return what a bare number measures: an index level, or a volume."""
    if figure.high >= MANY:
        return ("volume", 0) if any(_is_trading(token) for token in place.near) else NOTHING
    is_index = place.entity.name.ticker.startswith("^")
    return ("level", 0) if place.lead in _REACHED and is_index else NOTHING


def _is_trading(token: Token) -> bool:
    return token.kind == "volume" or token.text in _TRADES


def _of_fraction(figure: Quantity, sense: Sense, place: Place) -> Measured:
    """Return what a fraction measures: the change of a price or of a market value."""
    lead = place.lead
    is_pared = lead == "to" and sense.verb in LOSSES  # "before trimming its loss to 6%"
    is_level = lead in {"to", "from", "at"} and figure.low == figure.high and not is_pared
    if not sense.sign or is_level or sense.noun in {"worth", "volume"}:
        return NOTHING
    is_part = figure.is_word and sense.pattern != "multiple"
    is_said = lead in {"by", sense.verb} or sense.noun in {"market", "value"}
    is_said |= sense.pattern == "nominal"
    if is_part and not is_said and sense.verb not in WIPED:
        return NOTHING
    return ("market_value_change" if sense.noun == "value" else "price_change"), sense.sign


def _of_money(figure: Quantity, sense: Sense, place: Place) -> Measured:
    """Return what an amount of money measures: a price, a market value, or a change of one."""
    if place.lead == "from":
        return NOTHING
    return (_of_a_share if figure.high < LARGE else _of_a_firm)(sense, place.lead)


def _of_a_share(sense: Sense, lead: str) -> Measured:
    if lead in _REACHED:
        return "level", 0
    is_price = sense.noun in {"", "market"} and sense.pattern in {"verb", "nominal", "signed"}
    return ("price_change", sense.sign) if sense.sign and is_price else NOTHING


def _of_a_firm(sense: Sense, lead: str) -> Measured:
    if sense.noun == "value" and sense.sign and lead not in TRADED:
        return "market_value_change", sense.sign
    if sense.noun in {"worth", "value"}:
        return "market_value", 0
    is_shed = sense.sign and sense.verb in _MONEY_VERBS
    return ("market_value_change", sense.sign) if is_shed else NOTHING


def is_yield(entity: Entity) -> bool:
    """Say whether a listing is a yield."""
    alias = entity.name.alias.lower()
    return "yield" in alias or "treasury" in alias


def in_units(figure: Quantity, metric: str) -> Quantity:
    """Return a figure in the unit in which it is stored: fractions, pounds, points."""
    if figure.unit == "basis_points":
        return _times(figure, 1e-4, "fraction")
    if figure.unit == "percentage_points":
        return _times(figure, 0.01, "fraction")
    if figure.unit == "GBp":
        return _times(figure, 0.01, "GBP")
    units = {"level": "points", "volume": "shares"}
    return replace(figure, unit=units[metric]) if figure.unit == "number" else figure


def _times(figure: Quantity, scale: float, unit: str) -> Quantity:
    def scaled(value: float) -> float:
        return float(f"{value * scale:.12g}")

    return replace(
        figure,
        low=scaled(figure.low),
        high=scaled(figure.high),
        unit=unit,
        resolution=scaled(figure.resolution),
    )


_BY_UNIT: dict[str, Callable[[Quantity, Sense, Place], Measured]] = {
    "fraction": _of_fraction,
    "points": _of_points,
    "shares": _of_shares,
    "number": _of_number,
    "basis_points": _of_nothing,
    "percentage_points": _of_nothing,
}
