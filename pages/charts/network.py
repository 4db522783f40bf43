"""A network in a circle: who sends shocks to whom, the strongest links alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, hypot, pi, sin
from typing import TYPE_CHECKING

from pages.drawing import Drawing, shortened
from pages.figures import percent

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH, HEIGHT, RADIUS = 720, 470, 165
SMALLEST, LARGEST = 6.0, 20.0
# Names this near to the middle stand above or below their disc.
MIDDLE = 20


@dataclass(frozen=True, slots=True)
class Node:
    """A member of the network: what it sends less what it receives, and its role."""

    name: str
    net: float
    role: str


@dataclass(frozen=True, slots=True)
class Link:
    """What one member sends to another less what comes back, above zero."""

    source: str
    target: str
    value: float


def network(
    name: str, title: str, description: str, nodes: list[Node], links: list[Link]
) -> Markup:
    """Draw members on a circle, in the order given, and arrows between them.

    Parameters
    ----------
    name, title, description : str
        See `Drawing`.
    nodes : list of Node
        Discs are filled for net senders, hollow for net receivers.
    links : list of Link
        Widths are in proportion to the values.
    """
    drawing = Drawing(WIDTH, HEIGHT, name, title, description)
    places = _places(nodes)
    largest = max((abs(each.net) for each in nodes), default=0.0) or 1.0
    radii = {each.name: SMALLEST + (LARGEST - SMALLEST) * abs(each.net) / largest for each in nodes}
    strongest = max((each.value for each in links), default=0.0) or 1.0
    for link in sorted(links, key=lambda each: each.value):
        _arrow(drawing, link, places, radii, link.value / strongest)
    for node in nodes:
        _disc(drawing, node, places[node.name], radii[node.name])
    return drawing.markup()


def _places(nodes: list[Node]) -> dict[str, tuple[float, float]]:
    turn = 2 * pi / max(len(nodes), 1)
    return {
        each.name: (
            WIDTH / 2 + RADIUS * sin(place * turn),
            HEIGHT / 2 - RADIUS * cos(place * turn),
        )
        for place, each in enumerate(nodes)
    }


def _arrow(
    drawing: Drawing,
    link: Link,
    places: dict[str, tuple[float, float]],
    radii: dict[str, float],
    strength: float,
) -> None:
    (x1, y1), (x2, y2) = places[link.source], places[link.target]
    length = hypot(x2 - x1, y2 - y1) or 1.0
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    width = 1 + 5 * strength
    head = 6 + 1.4 * width
    start, end = radii[link.source] + 1, length - radii[link.target] - 2
    tip = f"{link.source} to {link.target}: {percent(link.value, 1)} of the variance, net"
    shaft = drawing.path(
        [(x1 + ux * start, y1 + uy * start), (x1 + ux * (end - head), y1 + uy * (end - head))],
        "link",
        tip,
    )
    shaft.set("stroke-width", f"{width:.1f}")
    base_x, base_y, half = x1 + ux * (end - head), y1 + uy * (end - head), head / 2
    drawing.path(
        [
            (x1 + ux * end, y1 + uy * end),
            (base_x - uy * half, base_y + ux * half),
            (base_x + uy * half, base_y - ux * half),
        ],
        "head",
        tip,
    )


def _disc(drawing: Drawing, node: Node, place: tuple[float, float], radius: float) -> None:
    x, y = place
    kind = "sender" if node.net > 0 else "receiver"
    tip = f"{node.name} ({node.role}): net {percent(node.net, 1)}"
    drawing.add("circle", f"node {kind} {node.role}", tip, cx=x, cy=y, r=radius)
    away = radius + 8
    if abs(x - WIDTH / 2) < MIDDLE:
        below = y > HEIGHT / 2
        place_y = y + away + 8 if below else y - away
        drawing.text(x, place_y, shortened(node.name, 26), "label", "middle")
    else:
        is_right = x > WIDTH / 2
        anchor = "start" if is_right else "end"
        shift = away if is_right else -away
        drawing.text(x + shift, y + 4, shortened(node.name, 26), "label", anchor)
