"""One vector picture: elements in the order of drawing, scales, and words for who cannot see it.

Colours are classes that the page's style gives a meaning (light, dark, print); positions are
attributes. Nothing is written as text of SVG by hand, so no name can become markup.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from math import ceil, floor, log10
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

from resources.articles.cleaning import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

# Steps at which people count.
_STEPS = (1, 2, 2.5, 5, 10)


class Drawing:
    """A picture of `width` by `height` units, which the page scales to its column.

    Parameters
    ----------
    width, height : float
        Of the picture, in units of which text is 13 high.
    name : str
        Letters and hyphens; unique on the page.
    title, description : str
        What a screen reader says: what is drawn, and what it shows.
    """

    def __init__(
        self, width: float, height: float, name: str, title: str, description: str
    ) -> None:
        self.width, self.height = width, height
        self.root = Element(
            "svg",
            {
                "viewBox": f"0 0 {width:g} {height:g}",
                "role": "img",
                "aria-labelledby": f"{name}-title {name}-text",
            },
        )
        for tag, end, text in (("title", "title", title), ("desc", "text", description)):
            SubElement(self.root, tag, {"id": f"{name}-{end}"}).text = clean(text)

    def add(self, tag: str, css: str = "", tip: str = "", **attributes: float | str) -> Element:
        """Draw an element; `tip` is shown where the pointer rests on it."""
        given = {name.replace("_", "-"): _plain(value) for name, value in attributes.items()}
        element = SubElement(self.root, tag, {**({"class": css} if css else {}), **given})
        if tip:
            SubElement(element, "title").text = clean(tip)
        return element

    def text(self, x: float, y: float, words: str, css: str = "", anchor: str = "start") -> Element:
        """Write words with their baseline at `y`."""
        element = self.add("text", css, x=x, y=y, text_anchor=anchor)
        element.text = clean(words)
        return element

    def line(self, x1: float, y1: float, x2: float, y2: float, css: str) -> Element:
        """Draw a straight line."""
        return self.add("line", css, x1=x1, y1=y1, x2=x2, y2=y2)

    def path(self, points: Iterable[tuple[float, float]], css: str, tip: str = "") -> Element:
        """Draw a line through points."""
        steps = " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        return self.add("path", css, tip, d=f"M{steps}")

    def markup(self) -> Markup:
        """Return the picture, to stand in a page as it is."""
        return Markup(tostring(self.root, encoding="unicode"))  # noqa: S704 - made of elements


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight line from figures to places.

    >>> Scale(0, 10, 100, 200)(5)
    150.0
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a figure."""
        span = (self.high - self.low) or 1.0
        return self.start + (value - self.low) / span * (self.end - self.start)

    def ticks(self, wanted: int = 5) -> list[float]:
        """Return round figures inside the scale, about as many as are wanted.

        >>> Scale(-0.173, 0.02, 0, 1).ticks()
        [-0.15, -0.1, -0.05, 0.0]
        """
        span = self.high - self.low
        if span <= 0:
            return [self.low]
        rough = span / wanted
        unit = 10.0 ** floor(log10(rough))
        step = next(each * unit for each in _STEPS if each * unit >= rough * 0.999)
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        return [round(each * step, 12) for each in range(first, last + 1)]


def spread_out(places: list[float], gap: float, low: float, high: float) -> list[float]:
    """Return places for labels: in the same order, at least `gap` apart where there is room.

    >>> spread_out([10.0, 11.0], 5, 0, 100)
    [10.0, 15.0]
    """
    order = sorted(range(len(places)), key=lambda index: places[index])
    found = list(places)
    floor_at = low
    for index in order:
        found[index] = floor_at = max(found[index], floor_at)
        floor_at += gap
    ceiling = high
    for index in reversed(order):
        found[index] = ceiling = min(found[index], ceiling)
        ceiling -= gap
    return found


def shortened(words: str, longest: int) -> str:
    """Return words cut to so many characters, with a sign that they were.

    >>> shortened("Information Technology", 12)
    'Information…'
    """
    text = clean(words)
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def numbered(prefix: str) -> Iterable[str]:
    """Yield names for the pictures of a page."""
    return (f"{prefix}-{each}" for each in count(1))


def _plain(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")
