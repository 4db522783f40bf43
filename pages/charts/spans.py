"""Spans: from the close of the event's session to the lowest and to the last known one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pages.drawing import Drawing, Scale, shortened
from pages.figures import percent, typeset

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH, ROW, TOP, BOTTOM = 720, 26, 30, 26
LEFT, RIGHT = 110, 176


@dataclass(frozen=True, slots=True)
class Span:
    """One firm's way: fractions from the close before the event, and words on its return."""

    name: str
    first: float
    lowest: float
    last: float | None
    words: str


def spans(name: str, title: str, description: str, drawn: list[Span]) -> Markup:
    """Draw how far each firm fell, how much deeper it went, and where it stands.

    Parameters
    ----------
    name, title, description : str
        See `Drawing`.
    drawn : list of Span
        From top to bottom.
    """
    height = TOP + ROW * len(drawn) + BOTTOM
    drawing = Drawing(WIDTH, height, name, title, description)
    values = [value for each in drawn for value in (each.first, each.lowest, each.last or 0.0)]
    low, high = min(0.0, *values), max(0.0, *values)
    slack = 0.03 * (high - low or 0.01)
    x = Scale(low - slack, high + slack, LEFT, WIDTH - RIGHT)
    for value in x.ticks(6):
        css = "zero" if value == 0 else "grid"
        drawing.line(x(value), TOP - 6, x(value), height - BOTTOM, css)
        mark = "0" if value == 0 else typeset(percent(value, 0))
        drawing.text(x(value), height - 6, mark, "tick", "middle")
    _key(drawing)
    for place, each in enumerate(drawn):
        _row(drawing, each, x, TOP + ROW * place + ROW / 2)
    return drawing.markup()


def _key(drawing: Drawing) -> None:
    """Say what the marks are, since their shapes differ and not only their colours."""
    for start, css, words in (
        (LEFT, "first", "close of the session"),
        (LEFT + 170, "lowest", "lowest close"),
        (LEFT + 290, "last", "last close known"),
    ):
        _mark(drawing, css, start, 12, "")
        drawing.text(start + 10, 16, words, "tick")


def _row(drawing: Drawing, each: Span, x: Scale, y: float) -> None:
    drawing.text(LEFT - 8, y + 4, shortened(each.name, 14), "label", "end")
    known = [each.first, each.lowest, *([] if each.last is None else [each.last])]
    drawing.line(x(min(known)), y, x(max(known)), y, "way")
    for css, value, words in (
        ("first", each.first, "on the day"),
        ("lowest", each.lowest, "at the lowest"),
        ("last", each.last, "at last"),
    ):
        if value is not None:
            _mark(drawing, css, x(value), y, f"{each.name}: {percent(value)} {words}")
    drawing.text(WIDTH - RIGHT + 8, y + 4, each.words, "tick")


def _mark(drawing: Drawing, css: str, x: float, y: float, tip: str) -> None:
    """Draw a disc, a bar or a ring."""
    if css == "lowest":
        drawing.add("rect", css, tip, x=x - 1.5, y=y - 7, width=3, height=14)
    else:
        drawing.add("circle", css, tip, cx=x, cy=y, r=5)
