"""What Dagster adds to a run: all of it less the time inside our own functions.

python benchmarks/orchestration.py          the daily job on the replay; empty steps; dates
python benchmarks/orchestration.py long     the same, and a range of four years of empty steps

The embedded default is what `selloff` uses: in process, Dagster's log in SQLite
(`resources/run_log.py`), imports aside. "Our own functions" is what assets and checks do between
the moment at which Dagster calls them and the one at which they hand back a result: computing,
writing, publishing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 2.0
LAST = date(2025, 1, 28)
N_EMPTY = 10
RANGES, LONG = (1, 30, 365), (1461,)
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class Clock:
    """Wall and CPU seconds that went by inside it."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def __enter__(self) -> Self:
        self._began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall += time.perf_counter() - self._began[0]
        self.cpu += time.process_time() - self._began[1]


def timed(function: Callable[..., Any], clock: Clock) -> Callable[..., Any]:
    """Return a function whose time the clock adds up, also that of its generator."""

    def run(*given: Any, **named: Any) -> Any:
        with clock:
            result = function(*given, **named)
        return _steps(result, clock) if hasattr(result, "__next__") else result

    return run


def _steps(generator: Iterator[Any], clock: Clock) -> Iterator[Any]:
    while True:
        with clock:
            try:
                value = next(generator)
            except StopIteration:
                return
        yield value


def executed(job: Any, days: Any) -> dict[str, float]:
    """Run a job as the command does; return what it took, in all and inside our functions.

    Returns
    -------
    dict
        `wall`, `cpu`; `own_wall`, `own_cpu` (inside assets and checks); `steps`.
    """
    from dagster._core.execution.plan import compute_generator

    from commands.running import opened_instance, rare_collections

    own, whole = Clock(), Clock()
    plain = compute_generator.invoke_compute_fn
    compute_generator.invoke_compute_fn = timed(plain, own)
    try:
        with opened_instance() as instance, rare_collections(), whole:
            result = job.execute_in_process(instance=instance, tags=days.tags(), run_config=QUIET)
    finally:
        compute_generator.invoke_compute_fn = plain
    return {
        "wall": whole.wall,
        "cpu": whole.cpu,
        "own_wall": own.wall,
        "own_cpu": own.cpu,
        "steps": len(job.graph.node_dict),
        "is_well": result.success,
    }


def daily(days: Any) -> dict[str, float]:
    """Run the daily job, definitions loaded before."""
    import definitions

    return executed(definitions.defs.resolve_job_def("daily"), days)


def empty(n_steps: int, days: Any, *, daily: bool) -> dict[str, float]:
    """Run a chain of assets that do nothing, with daily partitions or without."""
    import warnings

    import dagster as dg

    warnings.simplefilter("ignore")  # single-run backfills are marked beta
    dates = dg.DailyPartitionsDefinition(start_date="1990-01-01", end_offset=1)
    how: dict[str, Any] = {}
    if daily:
        how = {"partitions_def": dates, "backfill_policy": dg.BackfillPolicy.single_run()}

    def asset(place: int) -> Any:
        deps = [f"empty{place - 1}"] if place else []

        @dg.asset(name=f"empty{place}", deps=deps, **how)
        def nothing() -> Any:
            return dg.MaterializeResult(metadata={"dagster/row_count": 1, "sql": "x" * 2000})

        return nothing

    assets = [asset(place) for place in range(n_steps)]
    job = dg.define_asset_job("chain", selection=dg.AssetSelection.all())
    defs = dg.Definitions(assets=assets, jobs=[job], executor=dg.in_process_executor)
    return executed(defs.resolve_job_def("chain"), days)


def child(what: str, n: int, home: str) -> dict[str, float]:
    """Measure one case in a process of its own, with the warehouse and the log of a folder."""
    env = {
        **os.environ,
        "SELLOFF_WAREHOUSE": str(Path(home) / "w.duckdb"),
        "DAGSTER_HOME": home,
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, __file__, "child", what, str(n)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{what} {n} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def one(what: str, n: int) -> dict[str, float]:
    """Run one case in this process: `n` dates up to the end of the replay, 0 all that it has."""
    from resources.batch import Days

    days = Days(LAST - timedelta(days=max(n, 1) - 1), LAST)
    if what == "daily":
        from resources.configured import configured

        return daily(days if n else configured()["price_provider"].coverage())
    return empty(n if what == "plain" else N_EMPTY, days, daily=what == "dates")


def main(arguments: list[str]) -> None:
    """Print what was added, by case."""
    from benchmarks._records import limit, tell

    with tempfile.TemporaryDirectory() as home:
        first, day = child("daily", 0, home), child("daily", 1, home)
    print("| run | steps | wall s | CPU s | inside our functions | added, wall s | added, CPU s |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    _line("the whole replay, one run", first)
    _line("one day of it, the daily job", day)
    with tempfile.TemporaryDirectory() as home:
        child("plain", 1, home)  # makes the files of the log
        ten = child("plain", N_EMPTY, home)
        same = child("plain", int(day["steps"]), home)
        _line(f"{N_EMPTY} empty steps", ten)
        _line("as many empty steps as the daily job has", same)
        ranges = RANGES + (LONG if "long" in arguments else ())
        noted = {n: child("dates", n, home) for n in ranges}
    for n, found in noted.items():
        _line(f"{N_EMPTY} empty steps with daily partitions, {n:,} dates", found)
    a, b = (noted[n]["cpu"] for n in (ranges[0], ranges[-1]))
    each = (b - a) / (ranges[-1] - ranges[0]) / N_EMPTY
    print(f"\n{1000 * each:.2f} CPU ms for each date of each table with daily partitions")
    as_many = limit("as many empty steps", same["cpu"] - same["own_cpu"])
    cpu, wall = (day[what] - day[f"own_{what}"] for what in ("cpu", "wall"))
    tell("Dagster, added to the daily job of one day", cpu, "CPU s", as_many, goal=LIMIT)
    tell("the same in wall time, whatever else ran", wall, "s")
    tell("the work of that job inside our functions", day["own_cpu"], "CPU s")
    added = first["cpu"] - first["own_cpu"]
    tell("Dagster, added to the whole replay in one run", added, "CPU s")
    tell(f"{N_EMPTY} empty steps", ten["cpu"], "CPU s")
    tell("one more date of one table with daily partitions", 1000 * each, "CPU ms")


def _line(what: str, found: dict[str, float]) -> None:
    wall, cpu = found["wall"] - found["own_wall"], found["cpu"] - found["own_cpu"]
    cells = (
        *(what, f"{found['steps']}", f"{found['wall']:.1f}", f"{found['cpu']:.1f}"),
        *(f"{found['own_cpu']:.1f}", f"{wall:.2f}", f"{cpu:.2f}"),
    )
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    # Before this folder, whose pages.py is not the room of that name.
    sys.path.insert(0, str(ROOT))
    if sys.argv[1:2] == ["child"]:
        print(json.dumps(one(sys.argv[2], int(sys.argv[3]))))
    else:
        main(sys.argv[1:])
