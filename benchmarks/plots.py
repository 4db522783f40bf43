"""Draw the curves of `results/growth.json` as SVG, into `plots/`: python benchmarks/plots.py.

Time and memory against the rows, and against the listings where the rows stay the same, on
logarithmic axes, each line with its slope. The pictures are files of their own, so that they carry
their style with them, for light and for dark screens.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PLOTS = ROOT / "benchmarks" / "plots"
WIDTH, HEIGHT = 800, 430
LEFT, RIGHT, TOP, BOTTOM = 76, 266, 40, 54
# Of the many steps those that take most at a million rows, and the whole.
SHOWN = ("core.daily_prices", "core.abnormal_returns", "core.risk_measures", "raw.price_vintages")
STYLE = """
svg { background: #ffffff; font: 13px system-ui, sans-serif; }
.grid { stroke: #e4e4e4; } .axis { stroke: #767676; } .tick { fill: #595959; }
.label, .head { fill: #1f1f1f; } .head { font-weight: 600; font-size: 15px; }
.series { fill: none; stroke-width: 2; } .leader { fill: none; stroke-width: 1; }
.s0 { stroke: #1f1f1f; stroke-width: 3; } .s1 { stroke: #0b66b0; }
.s2 { stroke: #b3440b; stroke-dasharray: 7 3; } .s3 { stroke: #2c7a2c; stroke-dasharray: 2 3; }
.s4 { stroke: #7a3b9a; stroke-dasharray: 9 3 2 3; }
.s5 { stroke: #9a9a9a; stroke-dasharray: 4 4; stroke-width: 1; }
.dot { stroke: none; } .d0 { fill: #1f1f1f; } .d1 { fill: #0b66b0; } .d2 { fill: #b3440b; }
.d3 { fill: #2c7a2c; } .d4 { fill: #7a3b9a; }
@media (prefers-color-scheme: dark) {
  svg { background: #16181c; } .grid { stroke: #33363c; } .axis { stroke: #9a9a9a; }
  .tick { fill: #b8b8b8; } .label, .head { fill: #f0f0f0; }
  .s0 { stroke: #f0f0f0; } .s1 { stroke: #6cb6f5; } .s2 { stroke: #f2a071; }
  .s3 { stroke: #86d086; } .s4 { stroke: #cf9be8; } .d0 { fill: #f0f0f0; }
  .d1 { fill: #6cb6f5; } .d2 { fill: #f2a071; } .d3 { fill: #86d086; } .d4 { fill: #cf9be8; }
}
"""


@dataclass(frozen=True)
class Curve:
    """A quantity by size, both positive; the slope of the logarithms is written beside its name."""

    name: str
    points: list[tuple[float, float]]


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis from figures to places.

    >>> Axis(1, 100, 0, 200)(10)
    100.0
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a figure."""
        share = (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return round figures inside: powers of ten with 1, 2, 5, or 1, 3, or 1 alone.

        >>> Axis(8, 120, 0, 1).ticks()
        [10.0, 20.0, 50.0, 100.0]
        """
        decades = log10(self.high / self.low)
        steps = (1, 2, 5) if decades <= 2 else (1, 3) if decades <= 3 else (1,)  # noqa: PLR2004
        powers = range(int(log10(self.low)) - 1, int(log10(self.high)) + 2)
        every = (float(f"{step}e{power}") for power in powers for step in steps)
        return [tick for tick in every if self.low <= tick <= self.high]


def marked(value: float) -> str:
    """Return a figure as an axis says it.

    >>> marked(50_000_000), marked(300_000), marked(1200), marked(0.5)
    ('50 M', '300 k', '1.2 k', '0.5')
    """
    for size, letter in ((1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def slope(points: list[tuple[float, float]]) -> float:
    """Return the slope of the logarithms between the last two points.

    >>> slope([(1, 1), (10, 100), (100, 1000)])
    1.0
    """
    (x1, y1), (x2, y2) = points[-2:]
    return round(log10(y2 / y1) / log10(x2 / x1), 4)


def draw(title: str, across: str, up: str, description: str, curves: list[Curve]) -> str:
    """Return a picture of curves on logarithmic axes.

    Parameters
    ----------
    title, across, up : str
        What is drawn; what the axes are, with units.
    description : str
        What a screen reader says.
    curves : list of Curve
        The first is drawn strongest. At most five are told apart.
    """
    from xml.etree.ElementTree import SubElement

    from pages.drawing import Drawing, spread_out

    drawing = Drawing(WIDTH, HEIGHT, "growth", title, description)
    drawing.root.set("xmlns", "http://www.w3.org/2000/svg")
    SubElement(drawing.root, "style").text = STYLE
    x, y = _axes(drawing, curves, across, up)
    drawing.text(LEFT - 56, 20, title, "head")
    for place, curve in enumerate(curves):
        spots = [(x(size), y(value)) for size, value in curve.points]
        drawing.path(spots, f"series s{place}", curve.name)
        for (across_at, up_at), (size, value) in zip(spots, curve.points, strict=True):
            tip = f"{curve.name}: {value:,.3g} at {size:,.0f}"
            drawing.add("circle", f"dot d{place}", tip, cx=across_at, cy=up_at, r=3.5)
    ends = [y(curve.points[-1][1]) for curve in curves]
    edge = WIDTH - RIGHT
    for place, at in enumerate(spread_out(ends, 18, TOP + 8, HEIGHT - BOTTOM - 4)):
        curve = curves[place]
        drawing.path([(x(curve.points[-1][0]) + 5, ends[place]), (edge + 16, at)], "leader s5")
        words = f"{curve.name}, slope {slope(curve.points):.2f}"
        drawing.text(edge + 20, at + 4, words, "label")
    return str(drawing.markup()) + "\n"


def _axes(drawing: Any, curves: list[Curve], across: str, up: str) -> tuple[Axis, Axis]:
    sizes = [size for curve in curves for size, _ in curve.points]
    values = [value for curve in curves for _, value in curve.points]
    x = Axis(min(sizes) / 1.1, max(sizes) * 1.1, LEFT, WIDTH - RIGHT)
    y = Axis(min(values) / 1.25, max(values) * 1.25, HEIGHT - BOTTOM, TOP)
    for tick in y.ticks():
        drawing.line(LEFT, y(tick), WIDTH - RIGHT, y(tick), "grid")
        drawing.text(LEFT - 8, y(tick) + 4, marked(tick), "tick", "end")
    for tick in x.ticks():
        drawing.line(x(tick), TOP, x(tick), HEIGHT - BOTTOM, "grid")
        drawing.text(x(tick), HEIGHT - BOTTOM + 20, marked(tick), "tick", "middle")
    drawing.line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "axis")
    drawing.line(LEFT, TOP, LEFT, HEIGHT - BOTTOM, "axis")
    drawing.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, across, "tick", "middle")
    turned = drawing.text(0, 0, up, "tick", "middle")
    turned.set("transform", f"translate(18 {(TOP + HEIGHT - BOTTOM) / 2:.0f}) rotate(-90)")
    return x, y


def pictures(points: list[dict[str, Any]]) -> dict[str, str]:
    """Return the pictures of measured points, by file name; those with a point alone are left out.

    Parameters
    ----------
    points : list of dict
        As `curves.points` gives them.
    """
    from benchmarks import curves

    found = {}
    for name, size in (("rows", "bars"), ("listings", "listings")):
        chosen = sorted(_of(points, name), key=lambda each: each[size])
        if len({each[size] for each in chosen}) < 2:  # noqa: PLR2004 - a line wants two
            continue
        against = "rows" if name == "rows" else f"listings, {marked(_typical(chosen))} rows each"
        across = "bars (logarithmic)" if name == "rows" else "listings (logarithmic)"
        shown = (
            f"Of {len(chosen)} markets between {chosen[0][size]:,} and {chosen[-1][size]:,} {size}"
        )
        found[f"time_by_{name}.svg"] = draw(
            f"Time against {against}",
            across,
            "CPU seconds (logarithmic)",
            f"{shown}, CPU seconds of all steps of the panel and of the dearest four.",
            _times(chosen, size),
        )
        peaks = [(each[size], curves.whole(each)[2]) for each in chosen]
        found[f"memory_by_{name}.svg"] = draw(
            f"Peak memory against {against}",
            across,
            "MB of the process (logarithmic)",
            f"{shown}, the peak memory of the process.",
            [Curve("peak", peaks)],
        )
    return found


def _of(points: list[dict[str, Any]], series: str) -> list[dict[str, Any]]:
    return [each for each in points if each["series"] == series]


def _typical(points: list[dict[str, Any]]) -> float:
    middle = sorted(each["bars"] for each in points)[len(points) // 2]
    return float(f"{middle:.1g}")


def _times(points: list[dict[str, Any]], size: str) -> list[Curve]:
    def cpu(point: dict[str, Any], name: str) -> float:
        return max(float(point["steps"][name.replace(".", "__")][1]), 0.01)

    from benchmarks import curves

    whole = [(each[size], curves.whole(each)[1]) for each in points]
    steps = [Curve(name, [(each[size], cpu(each, name)) for each in points]) for name in SHOWN]
    return [Curve("all steps", whole), *steps]


def main() -> None:
    """Draw what `results/growth.json` holds."""
    sys.path.insert(0, str(ROOT))
    from benchmarks import curves

    PLOTS.mkdir(exist_ok=True)
    for name, picture in pictures(curves.points()).items():
        (PLOTS / name).write_text(picture, encoding="utf-8")
        print(PLOTS / name)


if __name__ == "__main__":
    main()
