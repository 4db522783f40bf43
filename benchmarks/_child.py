"""Measure child processes: CPU seconds and peak memory, in turns, so that load hits all alike."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_WRAPPER = """
import json, resource, subprocess, sys
code = subprocess.run(json.loads(sys.argv[1]), stdout=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""


def measure(command: list[str], env: dict[str, str] | None = None) -> tuple[float, float]:
    """Run a command once; return its CPU seconds and peak memory in MB."""
    wrapped = [sys.executable, "-c", _WRAPPER, json.dumps(command)]
    done = subprocess.run(wrapped, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    code, cpu, peak = json.loads(done.stdout.splitlines()[-1])
    if code:
        raise SystemExit(f"{' '.join(command)} ended with {code}:\n{done.stderr[-2000:]}")
    return cpu, peak


def in_turns(commands: dict[str, list[str]], rounds: int) -> dict[str, tuple[float, float]]:
    """Run the commands round by round; return each one's median CPU seconds and peak memory."""
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            seen[name].append(measure(command))
    return {
        name: (statistics.median(c for c, _ in runs), statistics.median(m for _, m in runs))
        for name, runs in seen.items()
    }
