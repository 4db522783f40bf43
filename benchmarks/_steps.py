"""Assets in a process of their own: wall seconds, CPU seconds and peak memory of each step.

The same file is the child: it says on its last line what it measured.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def measured(home: Path, prices: Path, **asked: Any) -> dict[str, list[float]]:
    """Run assets on a warehouse, without checks.

    Parameters
    ----------
    home : Path
        Where `selloff.duckdb` lies, or is made.
    prices : Path
        Folder of the bars.
    asked : keywords
        `names`, list of `layer.table`, all assets without it; `upstream`, whether what they are
        made from is made too; `days`, first and last date, those of the bars without it. The
        orchestrator notes the last of them alone: what each costs it is told by `orchestration.py`.

    Returns
    -------
    dict
        Wall seconds, CPU seconds and peak memory (MB of the process) by step, and of ``all``.
    """
    settings = {
        "SELLOFF_WAREHOUSE": str(home / "selloff.duckdb"),
        "SELLOFF_PRICES": "files",
        "SELLOFF_PRICES_PATH": str(prices),
        "OPENBLAS_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, __file__, json.dumps(asked)],
        env={**os.environ, **settings},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    return json.loads(done.stdout.splitlines()[-1])


class _Watch:
    """Notes what each step takes."""

    def __init__(self) -> None:
        self.found: dict[str, list[float]] = {}
        self._began: dict[str, tuple[float, float]] = {}
        self._peak = 0.0
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE") / 2**20
        while True:
            resident = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
            self._peak = max(self._peak, int(resident) * page)
            time.sleep(0.02)

    def follow(self, entry: Any, _cursor: Any = None) -> None:
        event = entry.dagster_event
        kind = event.event_type_value if event else ""
        if kind == "STEP_START":
            self._began[event.step_key], self._peak = _clocks(), 0.0
        if kind == "STEP_SUCCESS":
            self.found[event.step_key] = [*_since(self._began[event.step_key]), self._peak]


def _clocks() -> tuple[float, float]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), used.ru_utime + used.ru_stime


def _since(start: tuple[float, float]) -> list[float]:
    return [now - then for then, now in zip(start, _clocks(), strict=True)]


def _run(
    names: list[str] | None = None,
    days: list[str] | None = None,
    *,
    upstream: bool = False,
) -> dict[str, list[float]]:
    """Run the assets in this process."""
    from datetime import date

    import dagster as dg

    import definitions
    from commands.running import rare_collections
    from resources.batch import Days

    wanted = dg.AssetSelection.all()
    if names:
        wanted = dg.AssetSelection.assets(*(name.split(".") for name in names))
    ours = definitions.defs
    defs = dg.Definitions(
        assets=ours.assets,
        resources=ours.resources,
        jobs=[dg.define_asset_job("part", selection=wanted.upstream() if upstream else wanted)],
        executor=dg.in_process_executor,
    )
    dates = ours.resources["price_provider"].coverage()
    if days:
        dates = Days(*map(date.fromisoformat, days))
    noted = Days(dates.end, dates.end)
    Days.of_run = classmethod(lambda cls, tags: dates)  # noqa: ARG005 - as it is called
    watch, run_id = _Watch(), str(uuid.uuid4())  # a load is known by its run
    with dg.DagsterInstance.ephemeral() as instance, rare_collections():
        instance.add_event_listener(run_id, watch.follow)
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        start = _clocks()
        defs.resolve_job_def("part").execute_in_process(
            instance=instance, run_id=run_id, tags=noted.tags(), run_config=quiet
        )
    peak = max(memory for *_, memory in watch.found.values())
    return {**watch.found, "all": [*_since(start), peak]}


if __name__ == "__main__":
    sys.path[0] = str(ROOT)  # not this folder, whose `pages.py` would stand for the room
    print(json.dumps(_run(**json.loads(sys.argv[1]))))
