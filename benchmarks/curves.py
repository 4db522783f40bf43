"""How the panel measures grow: with the rows, and with the listings where the rows stay the same.

python benchmarks/curves.py rows                   1e5, 3e5 and 1e6 bars
python benchmarks/curves.py listings               1e5 bars of 100 to 400 listings
python benchmarks/curves.py rows 10000x20 FOLDER   one more point; its market is kept in FOLDER
python benchmarks/curves.py take FOLDER/growth.json   points that `growth.py` measured

Each point is measured as `growth.py` does and kept in `results/growth.json`, so that points of
several hours, and the large ones by hand, end in the same picture (`plots.py`).
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "benchmarks" / "results" / "growth.json"
# Listings x years.
SHAPES = {
    "rows": ("100x4", "300x4", "1000x4"),
    "listings": ("100x4", "200x2", "400x1"),
}
Point = dict[str, Any]


def points(kept: Path = KEPT) -> list[Point]:
    """Return the points that were measured, the smallest first.

    Returns
    -------
    list of dict
        `series` (the curve that a point belongs to), `listings`, `years`, `bars`; `steps`, of each
        its wall seconds, CPU seconds and the peak memory of the process in MB (None where that was
        not kept apart); `machine`.
    """
    found: list[Point] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else []
    return sorted(found, key=lambda each: (each["bars"], each["listings"]))


def keep(point: Point, kept: Path = KEPT) -> None:
    """Put a point into the file; an older one of the same curve and shape goes."""
    others = [each for each in points(kept) if _shape(each) != _shape(point)]
    every = sorted([*others, point], key=lambda each: (each["bars"], each["listings"]))
    lines = ",\n".join(json.dumps(each, sort_keys=True) for each in every)
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def _shape(point: Point) -> tuple[str, int, int]:
    return point["series"], point["listings"], point["years"]


def measured(series: str, shape: str, folder: Path) -> Point:
    """Measure one shape, `listings x years`, for a curve."""
    from benchmarks import _machine, growth

    listings, years = map(int, shape.split("x"))
    machine = _machine.described()
    n_bars, steps = growth.measure(folder, listings, years)
    rounded = {name: [round(value, 2) for value in three] for name, three in steps.items()}
    return {
        "series": series,
        "listings": listings,
        "years": years,
        "bars": n_bars,
        "steps": rounded,
        "machine": machine,
    }


def taken(path: Path) -> list[Point]:
    """Return the points of a file of `growth.py`, which tells them by their bars.

    Its markets lie beside it, each in a folder named after its shape.
    """
    import pyarrow.dataset as ds

    from benchmarks import _machine

    shapes = {}
    for market in path.parent.glob("*x*"):
        files = sorted((market / "prices").glob("*.parquet"))
        shapes[ds.dataset(files).count_rows()] = market.name
    found = json.loads(path.read_text(encoding="utf-8"))
    points = []
    for bars, steps in found.items():
        listings, years = map(int, shapes[int(bars)].split("x"))
        shape = {"series": "rows", "listings": listings, "years": years}
        machine = _machine.described()
        points.append({**shape, "bars": int(bars), "steps": steps, "machine": machine})
    return points


def whole(point: Point) -> tuple[float, float, float]:
    """Return wall seconds and CPU seconds of all steps, and the highest peak in MB."""
    walls, cpus, peaks = zip(*point["steps"].values(), strict=True)
    return sum(w or 0.0 for w in walls), sum(cpus), max(p or 0.0 for p in peaks)


def main(arguments: list[str]) -> None:
    """Measure the shapes asked for and keep each as soon as it is known."""
    kind, *rest = arguments or ["rows"]
    if kind == "take":
        for point in taken(Path(rest[0])):
            keep(point)
        return
    shapes = [each for each in rest if each.replace("x", "").isdigit()] or SHAPES[kind]
    named = [each for each in rest if each not in shapes]
    with tempfile.TemporaryDirectory() as home:
        folder = Path(named[0] if named else home).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        for shape in shapes:
            point = measured(kind, shape, folder)
            keep(point)
            wall, cpu, peak = whole(point)
            load = point["machine"]["load"]
            size = f"{point['listings']:,} listings, {point['bars']:,} bars"
            print(f"{size}: {cpu:.1f} CPU s, {wall:.0f} s, {peak:,.0f} MB, load {load}", flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(sys.argv[1:])
