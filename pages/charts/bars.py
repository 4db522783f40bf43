"""Bars that lie: one amount per name, the largest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pages.drawing import Drawing, Scale, shortened
from pages.figures import typeset

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH, ROW, TOP = 720, 24, 8
LEFT, RIGHT = 205, 150
LABEL = 25


@dataclass(frozen=True, slots=True)
class Bar:
    """An amount by name, the words that stand beside it, and where it is a gain."""

    name: str
    value: float
    words: str
    is_gain: bool = False


def bars(name: str, title: str, description: str, drawn: list[Bar]) -> Markup:
    """Draw amounts as bars from a common zero; negative ones to the left of it.

    Parameters
    ----------
    name, title, description : str
        See `Drawing`.
    drawn : list of Bar
        From top to bottom.
    """
    height = TOP * 2 + ROW * len(drawn)
    drawing = Drawing(WIDTH, height, name, title, description)
    values = [each.value for each in drawn]
    x = Scale(min(0.0, *values), max(0.0, *values), LEFT, WIDTH - RIGHT)
    for place, each in enumerate(drawn):
        y = TOP + ROW * place
        drawing.text(LEFT - 8, y + 16, shortened(each.name, LABEL), "label", "end")
        start, end = sorted((x(0), x(each.value)))
        css = "gain" if each.is_gain else "loss"
        tip = f"{each.name}: {each.words}"
        drawing.add("rect", css, tip, x=start, y=y + 3, width=max(end - start, 0.5), height=ROW - 6)
        drawing.text(max(end, x(0)) + 6, y + 16, typeset(each.words), "tick")
    drawing.line(x(0), TOP, x(0), height - TOP, "zero")
    return drawing.markup()
