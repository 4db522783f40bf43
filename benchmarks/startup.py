"""What loading the definitions costs, against importing Dagster alone."""

from __future__ import annotations

import sys

from _child import in_turns

LIMIT = 2.5
RUNS = {
    "import dagster": [sys.executable, "-c", "import dagster"],
    "load definitions": [sys.executable, "-c", "import definitions"],
}

found = in_turns(RUNS, rounds=7)
for name, (cpu, peak) in found.items():
    print(f"{name:<20} {cpu:6.2f} CPU s  {peak:6.0f} MB")
ratio = found["load definitions"][0] / found["import dagster"][0]
print(f"ratio {ratio:.2f} (limit {LIMIT})")
