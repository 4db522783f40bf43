"""Lines over sessions, labelled where they end, with a band where one is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pages.drawing import Drawing, Scale, shortened, spread_out
from pages.figures import percent, typeset

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH, HEIGHT = 720, 340
LEFT, RIGHT, TOP, BOTTOM = 56, 176, 14, 40
LABEL = 20
# Below a span of five points whole percentages would repeat on the axis.
NARROW = 0.05


@dataclass(frozen=True, slots=True)
class Line:
    """A quantity by session: places from the event's first session on, and fractions there."""

    name: str
    points: list[tuple[int, float]]
    band: list[tuple[int, float, float]] = field(default_factory=list)


def lines(
    name: str, title: str, description: str, drawn: list[Line], across: str = "sessions"
) -> Markup:
    """Draw lines of fractions against sessions relative to the event (0 is its first).

    Parameters
    ----------
    name, title, description : str
        See `Drawing`.
    drawn : list of Line
        At most eight are told apart by colour and dashes.
    across : str
        What the horizontal axis counts.
    """
    drawing = Drawing(WIDTH, HEIGHT, name, title, description)
    x, y = _scales(drawn)
    _axes(drawing, x, y, across)
    for place, each in enumerate(drawn):
        if each.band:
            _band(drawing, each, x, y, place)
    for place, each in enumerate(drawn):
        points = [(x(day), y(value)) for day, value in each.points]
        drawing.path(points, f"series s{place % 8}", each.name)
    _labels(drawing, drawn, y)
    return drawing.markup()


def _scales(drawn: list[Line]) -> tuple[Scale, Scale]:
    days = [day for each in drawn for day, _ in each.points]
    values = [value for each in drawn for _, value in each.points]
    values += [edge for each in drawn for _, low, high in each.band for edge in (low, high)]
    low, high = min([*values, 0.0]), max([*values, 0.0])
    slack = 0.05 * ((high - low) or 0.01)
    return (
        Scale(min(days), max(days), LEFT, WIDTH - RIGHT),
        Scale(low - slack, high + slack, HEIGHT - BOTTOM, TOP),
    )


def _axes(drawing: Drawing, x: Scale, y: Scale, across: str) -> None:
    for value in y.ticks():
        drawing.line(LEFT, y(value), WIDTH - RIGHT, y(value), "zero" if value == 0 else "grid")
        digits = 0 if abs(y.high - y.low) > NARROW else 1
        mark = "0" if value == 0 else typeset(percent(value, digits))
        drawing.text(LEFT - 8, y(value) + 4, mark, "tick", "end")
    for value in x.ticks(8):
        if value == int(value):
            mark = "0" if value == 0 else typeset(f"{value:+.0f}")
            drawing.text(x(value), HEIGHT - BOTTOM + 18, mark, "tick", "middle")
    if x.low <= 0 <= x.high:
        drawing.line(x(0), TOP, x(0), HEIGHT - BOTTOM, "event")
    middle = (LEFT + WIDTH - RIGHT) / 2
    drawing.text(middle, HEIGHT - 4, across, "tick", "middle")


def _band(drawing: Drawing, each: Line, x: Scale, y: Scale, place: int) -> None:
    upper = [(x(day), y(high)) for day, _, high in each.band]
    lower = [(x(day), y(low)) for day, low, _ in reversed(each.band)]
    drawing.path([*upper, *lower], f"band f{place % 8}", f"{each.name}: 95% band")


def _labels(drawing: Drawing, drawn: list[Line], y: Scale) -> None:
    """Name each line at its end, moved apart where ends are close."""
    wanted = [y(each.points[-1][1]) for each in drawn]
    places = spread_out(wanted, 16, TOP + 6, HEIGHT - BOTTOM)
    for index, (each, place) in enumerate(zip(drawn, places, strict=True)):
        end = WIDTH - RIGHT
        drawing.path([(end + 2, wanted[index]), (end + 10, place)], f"leader s{index % 8}")
        last = typeset(percent(each.points[-1][1], 1))
        words = f"{shortened(each.name, LABEL - len(last))} {last}"
        drawing.text(end + 13, place + 4, words, f"label f{index % 8}")
