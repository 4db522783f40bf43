"""A whole market from bars to sector tables: wall, CPU, peak memory by step, held to the truth.

python benchmarks/whole_market.py FOLDER [LISTINGS YEARS]     1,000 x 4 by default; 10000 20 is 50 M

The simulated market of that size lies in FOLDER, or is made there; its warehouse is made anew in
FOLDER/whole. SELLOFF_MEMORY bounds the engine. Then what was planted is held against what was
found (`simulated_market.check`), and the limits are measured: a Parquet scan of the same columns,
and the bandwidth of memory.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PANEL = (
    "core__market_returns",
    "core__abnormal_returns",
    "core__group_returns",
    "mart__market_days",
    "mart__selloff_events",
    "mart__selloff_metrics",
    "mart__sector_contagion",
)


def table(steps: dict[str, list[float]]) -> str:
    """Return wall, CPU and peak by step, the panel's own steps summed, as a table of Markdown.

    Examples
    --------
    >>> print(table({"core__splits": [2.0, 1.0, 300.0], "mart__market_days": [4.0, 3.0, 500.0]}))
    | step | wall s | CPU s | peak MB |
    | --- | --- | --- | --- |
    | core.splits | 2.0 | 1.0 | 300 |
    | mart.market_days | 4.0 | 3.0 | 500 |
    | panel | 4.0 | 3.0 | 500 |
    """
    own = [values for name, values in steps.items() if name in PANEL]
    wall, cpu = (sum(values[place] for values in own) for place in (0, 1))
    rows = {**steps, "panel": [wall, cpu, max(values[2] for values in own)]}
    lines = ["| step | wall s | CPU s | peak MB |", "| --- | --- | --- | --- |"]
    for name, (took, used, peak) in rows.items():
        lines.append(f"| {name.replace('__', '.')} | {took:.1f} | {used:.1f} | {peak:,.0f} |")
    return "\n".join(lines)


def limits(prices: Path) -> dict[str, str]:
    """Return what reading the same columns takes, and how fast memory is read and written."""
    import duckdb

    started, used = time.perf_counter(), time.process_time()
    with duckdb.connect(config={"threads": 2}) as con:
        sums = "sum(close), sum(volume), sum(market_cap), max(date), max(symbol)"
        bars = f"read_parquet('{prices}/*.parquet')"
        con.execute(f"SELECT {sums} FROM {bars}").fetchall()  # noqa: S608 - a folder of ours
    took = time.perf_counter() - started, time.process_time() - used
    block, copy = np.ones(2**25), np.empty(2**25)
    started = time.perf_counter()
    for _ in range(4):
        np.copyto(copy, block)
    speed = 4 * 2 * block.nbytes / (time.perf_counter() - started) / 1e9
    return {
        "Parquet scan": f"{took[0]:.1f} s wall, {took[1]:.1f} CPU s",
        "memory": f"{speed:.1f} GB/s",
    }


def main() -> None:
    """Make the market and its tables; print what they took, what was found, and the limits."""
    sys.path[:0] = [str(ROOT)]
    import duckdb

    from benchmarks import growth, simulated_market

    folder = Path(sys.argv[1]).resolve()
    n_listings, n_years = map(int, sys.argv[2:4] or (1000, 4))
    home = folder / "whole"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    n_bars, steps = growth.measure(folder, n_listings, n_years, PANEL, home)
    memory = os.environ.get("SELLOFF_MEMORY", "2GB")
    print(
        f"{n_bars:,} bars, engine {memory}, load {os.getloadavg()[0]:.1f}", table(steps), sep="\n"
    )
    market = folder / f"{n_listings}x{n_years}"
    with duckdb.connect(home / "selloff.duckdb", read_only=True) as con:
        found = simulated_market.check(market, con)
    for name, value in {**found, **limits(market / "prices")}.items():
        print(f"{name:14} {value}")


if __name__ == "__main__":
    main()
