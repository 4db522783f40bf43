"""What loading the definitions costs, against importing Dagster alone."""

from __future__ import annotations

import sys

from _child import in_turns
from _records import limit, tell

LIMIT = 2.5
RUNS = {
    "import dagster": [sys.executable, "-c", "import dagster"],
    "load definitions": [sys.executable, "-c", "import definitions"],
}

found = in_turns(RUNS, rounds=7)
for name, (cpu, peak) in found.items():
    print(f"{name:<20} {cpu:6.2f} CPU s  {peak:6.0f} MB")
ours, floor = found["load definitions"], found["import dagster"]
ratio = ours[0] / floor[0]
print(f"ratio {ratio:.2f} (limit {LIMIT})")
tell("load the definitions", ours[0], "CPU s", limit("import dagster", floor[0], LIMIT))
