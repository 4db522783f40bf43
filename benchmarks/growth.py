"""How the panel measures grow: CPU seconds, wall seconds and peak memory against the rows.

python benchmarks/growth.py [FOLDER]        simulated markets of 1e5 to 3e6 bars, kept in FOLDER
python benchmarks/growth.py FOLDER 10000x4  one more, of so many listings and years

Each market goes through the assets themselves, in a process of its own: landing, prices, returns,
groups, events, metrics, losses; no checks, no release, and one date noted by the orchestrator (what
each costs it is told by `orchestration.py`). The slope is that of the logarithms: 1 is linear. What
starts with every step, whatever its rows, makes the slopes of small markets flat.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
SHAPES = ((100, 4), (300, 4), (1000, 4), (3000, 4))
MEASURED = (
    "raw__price_vintages",
    "core__implied_shares",
    "core__proposed_splits",
    "core__daily_prices",
    "core__market_returns",
    "core__abnormal_returns",
    "core__group_returns",
    "core__risk_measures",
    "mart__drawdown_episodes",
    "mart__market_value_losses",
    "mart__selloff_events",
    "mart__selloff_metrics",
)


def measure(
    folder: Path,
    n_listings: int,
    n_years: int,
    names: tuple[str, ...] = MEASURED,
    home: Path | None = None,
) -> tuple[int, dict[str, list[float]]]:
    """Run one market through the panel assets.

    Parameters
    ----------
    folder : Path
        Where the market lies, or is made.
    n_listings, n_years : int
        Its size.
    names : tuple of str
        The assets to make, with everything that they are made from.
    home : Path, optional
        Where the warehouse is left; a folder that goes again without it.

    Returns
    -------
    int, dict
        Its bars; wall seconds, CPU seconds and peak memory (MB of the process) of each step.
    """
    import pyarrow.dataset as ds

    from benchmarks import simulated_market
    from benchmarks._steps import measured

    market = folder / f"{n_listings}x{n_years}"
    if not (market / "planted.json").exists():
        simulated_market.make(market, n_listings, n_years)
    n_bars = ds.dataset(sorted((market / "prices").glob("*.parquet"))).count_rows()
    with tempfile.TemporaryDirectory(dir=folder) as passing:
        steps = measured(
            home or Path(passing),
            market / "prices",
            names=[name.replace("__", ".") for name in names],
            upstream=True,
        )
    del steps["all"]  # the steps are added up, without what lies between them
    return n_bars, steps


def slope(rows: list[int], values: list[float]) -> float:
    """Return the slope of values against rows on logarithmic axes, by least squares.

    Examples
    --------
    >>> round(slope([10, 100, 1000], [2.0, 20.0, 200.0]), 3)
    1.0
    """
    return float(np.polyfit(np.log(rows), np.log(np.maximum(values, 1e-3)), 1)[0])


def table(found: dict[int, dict[str, list[float]]]) -> str:
    """Return CPU seconds and memory by step and size, as a table of Markdown."""
    sizes = sorted(found)
    head = ["CPU s at bars", *(f"{n:,}" for n in sizes), "slope of the last two"]
    lines = [head, ["---"] * len(head)]
    for name in MEASURED:
        cpu = [found[n][name][1] for n in sizes]
        lines.append([name.replace("__", "."), *(f"{c:.2f}" for c in cpu), _last(sizes, cpu)])
    whole = [sum(values[1] for values in found[n].values()) for n in sizes]
    lines.append(["all steps", *(f"{c:.1f}" for c in whole), _last(sizes, whole)])
    walls = [sum(values[0] for values in found[n].values()) for n in sizes]
    lines.append(["all steps, wall s", *(f"{c:.0f}" for c in walls), _last(sizes, walls)])
    peaks = [max(values[2] for values in found[n].values()) for n in sizes]
    lines.append(["peak MB", *(f"{p:,.0f}" for p in peaks), _last(sizes, peaks)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _last(sizes: list[int], values: list[float]) -> str:
    return f"{slope(sizes[-2:], values[-2:]):.2f}" if len(sizes) > 1 else ""


def main() -> None:
    """Measure every shape, print the table after each."""
    sys.path.insert(0, str(ROOT))
    folder = Path(sys.argv[1]).resolve() if sys.argv[1:] else Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "growth.json"
    found = {int(n): v for n, v in json.loads(kept.read_text()).items()} if kept.exists() else {}
    shapes = [tuple(map(int, each.split("x"))) for each in sys.argv[2:]] or list(SHAPES)
    for n_listings, n_years in shapes:
        n_bars, steps = measure(folder, n_listings, n_years)
        found[n_bars] = steps
        kept.write_text(json.dumps(found))
        print(table(found), f"load {os.getloadavg()[0]:.1f}", sep="\n", flush=True)


if __name__ == "__main__":
    main()
