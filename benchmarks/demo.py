"""What the whole graph on the replay costs, against importing Dagster and Great Expectations."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from _child import in_turns, measure
from _records import limit, tell

LIMIT, LIMIT_MB = 6, 700
IMPORTS = [sys.executable, "-c", "import dagster, great_expectations"]
DEMO = [sys.executable, "-c", "import sys; sys.argv = ['selloff', 'demo']; import cli; cli.main()"]

imports, _ = in_turns({"imports": IMPORTS}, rounds=3)["imports"]
runs = []
for _ in range(3):
    with tempfile.TemporaryDirectory() as folder:
        warehouse = str(Path(folder) / "demo.duckdb")
        runs.append(
            measure(DEMO, {**os.environ, "SELLOFF_WAREHOUSE": warehouse, "DAGSTER_HOME": folder})
        )
cpu, peak = sorted(runs)[1]
print(f"import dagster, great_expectations {imports:6.2f} CPU s")
print(f"the graph on the replay            {cpu:6.2f} CPU s  {peak:.0f} MB")
print(f"ratio {cpu / imports:.2f} (limit {LIMIT}), memory {peak:.0f} MB (limit {LIMIT_MB})")
floor = limit("import dagster, great_expectations", imports, LIMIT)
tell("the graph on the replay", cpu, "CPU s", floor)
tell("its peak memory", peak, "MB", goal=LIMIT_MB)
