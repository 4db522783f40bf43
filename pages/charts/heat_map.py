"""A heat map of fractions: names down, sessions across, the figure in each field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pages.drawing import Drawing, shortened
from pages.figures import percent, typeset

if TYPE_CHECKING:
    from markupsafe import Markup

LEFT, TOP, ROW, COLUMN = 190, 26, 26, 48
LABEL = 26
# Edges of the shades, as fractions; nine shades tell apart what eleven would blur.
EDGES = (0.005, 0.015, 0.03, 0.06)


def shade(value: float) -> int:
    """Return the shade of a fraction, from -4 (a deep fall) to 4.

    >>> shade(-0.07), shade(0.001), shade(0.02)
    (-4, 0, 2)
    """
    depth = sum(abs(value) >= edge for edge in EDGES)
    return depth if value > 0 else -depth


def heat_map(
    name: str,
    title: str,
    description: str,
    columns: list[int],
    rows: list[tuple[str, dict[int, float]]],
) -> Markup:
    """Draw fractions by name and session relative to the event; what is not known stays empty.

    Parameters
    ----------
    name, title, description : str
        See `Drawing`.
    columns : list of int
        Sessions, 0 the event's first.
    rows : list of (str, dict)
        Each name with its fraction by session.
    """
    width = LEFT + COLUMN * len(columns) + 8
    drawing = Drawing(width, TOP + ROW * len(rows) + 8, name, title, description)
    for place, session in enumerate(columns):
        mark = "day 0" if session == 0 else typeset(f"{session:+d}")
        drawing.text(LEFT + COLUMN * (place + 0.5), TOP - 9, mark, "tick", "middle")
    for line, (label, values) in enumerate(rows):
        y = TOP + ROW * line
        drawing.text(LEFT - 8, y + 17, shortened(label, LABEL), "label", "end")
        for place, session in enumerate(columns):
            if session in values:
                _field(drawing, LEFT + COLUMN * place, y, label, session, values[session])
    at = LEFT + COLUMN * columns.index(0) if 0 in columns else None
    if at is not None:
        drawing.add("rect", "frame", x=at, y=TOP, width=COLUMN - 1, height=ROW * len(rows) - 1)
    return drawing.markup()


def _field(drawing: Drawing, x: float, y: float, label: str, session: int, value: float) -> None:
    shown = shade(value)
    kind = f"n{-shown}" if shown < 0 else f"p{shown}"
    tip = f"{label}, session {session:+d}: {percent(value)}"
    drawing.add("rect", f"heat {kind}", tip, x=x, y=y, width=COLUMN - 1, height=ROW - 1)
    words = typeset(f"{100 * value:.1f}".replace("-0.0", "0.0"))
    drawing.text(x + (COLUMN - 1) / 2, y + 17, words, f"cell t{abs(shown)}", "middle")
