"""What one more session costs on a warehouse that holds years: CPU, wall and memory by step.

python benchmarks/new_day.py FOLDER 1000x4 2000x20   markets of so many listings and years

Each simulated market is landed year by year and computed up to its last session but one; then its
last session comes, through every asset up to the release, in a process of its own. `slope` holds
the cost of the day against the bars of history: 0 were flat.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LANDED = ["raw.price_vintages", "raw.corporate_actions"]


def apart(market: Path) -> tuple[Path, str]:
    """Take a market's last session out of its bars; return its own folder, and which it is."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    newest = max((market / "prices").glob("bars_*.parquet"))
    bars = pq.read_table(newest)
    last = pc.max(bars["date"])
    day = market / "day"
    if not day.exists():
        day.mkdir()
        shutil.copy(market / "prices" / "instruments.csv", day)
        pq.write_table(bars.filter(pc.equal(bars["date"], last)), day / "bars.parquet")
        pq.write_table(bars.filter(pc.less(bars["date"], last)), newest)
    else:
        last = pc.max(pq.read_table(day / "bars.parquet")["date"])
    return day, str(last)


def years(market: Path) -> list[tuple[Path, str, str]]:
    """Return a folder for each year of a market, with its first and last session."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    found = []
    for path in sorted((market / "prices").glob("bars_*.parquet")):
        folder = market / "years" / path.stem
        if not folder.exists():
            folder.mkdir(parents=True)
            (folder / path.name).hardlink_to(path)
            shutil.copy(market / "prices" / "instruments.csv", folder)
        dates = pq.read_table(path, columns=["date"])["date"]
        found.append((folder, str(pc.min(dates)), str(pc.max(dates))))
    return found


def measure(folder: Path, n_listings: int, n_years: int) -> tuple[int, dict[str, list]]:
    """Compute a market up to its last session but one, then measure the last.

    Returns
    -------
    int, dict
        Bars of history; what `_steps.measured` says of the day.
    """
    import pyarrow.dataset as ds

    from benchmarks import simulated_market
    from benchmarks._steps import measured

    market = folder / f"{n_listings}x{n_years}"
    if not (market / "planted.json").exists():
        simulated_market.make(market, n_listings, n_years)
    day, last = apart(market)
    n_bars = ds.dataset(sorted((market / "prices").glob("*.parquet"))).count_rows()
    home = market / "home"
    if not (home / "selloff.duckdb").exists():
        home.mkdir(exist_ok=True)
        parts = years(market)
        for part, first, end in parts:
            measured(home, part, names=LANDED, days=[first, end])
        measured(home, parts[-1][0], days=[parts[0][1], parts[-1][2]])
    with tempfile.TemporaryDirectory(dir=market) as again:
        shutil.copy(home / "selloff.duckdb", again)
        return n_bars, measured(Path(again), day, days=[last, last])


def table(found: dict[int, dict[str, list]]) -> str:
    """Return CPU seconds of the dearest steps, wall seconds and memory, by bars of history."""
    from benchmarks.growth import slope

    sizes = sorted(found)
    steps = sorted(found[sizes[-1]], key=lambda name: -found[sizes[-1]][name][1])[:25]
    head = ["CPU s of a day, at bars", *(f"{n:,}" for n in sizes), "slope"]
    lines = [head, ["---"] * len(head)]

    def line(label: str, values: list[float], form: str) -> None:
        rate = f"{slope(sizes[-2:], values[-2:]):.2f}" if len(sizes) > 1 else ""
        lines.append([label, *(format(value, form) for value in values), rate])

    for name in steps:
        values = [found[n].get(name, [0, 0, 0])[1] for n in sizes]
        line("all steps" if name == "all" else name.replace("__", "."), values, ".2f")
    line("all steps, wall s", [found[n]["all"][0] for n in sizes], ".0f")
    line("peak MB", [found[n]["all"][2] for n in sizes], ",.0f")
    return "\n".join(f"| {' | '.join(each)} |" for each in lines)


def main() -> None:
    """Measure every market asked for, print the table after each."""
    sys.path.insert(0, str(ROOT))
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "new_day.json"
    found = {int(n): v for n, v in json.loads(kept.read_text()).items()} if kept.exists() else {}
    for n_listings, n_years in (map(int, each.split("x")) for each in sys.argv[2:]):
        n_bars, steps = measure(folder, n_listings, n_years)
        found[n_bars] = steps
        kept.write_text(json.dumps(found))
        print(table(found), f"load {os.getloadavg()[0]:.1f}", sep="\n", flush=True)


if __name__ == "__main__":
    main()
