"""The machine that measures: what it is, what runs on it, how fast its memory and its BLAS are."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

NAMED = ("duckdb", "ibis-framework", "numpy", "pandas", "pyarrow", "dagster")


def described() -> dict[str, Any]:
    """Return what a figure depends on beside the code.

    Returns
    -------
    dict
        `cores` (that this process may use), `processor`, `memory_gb`, `python`, `versions` (of
        packages, those that are installed), `load` (of the last minute), `measured_at` (UTC, to
        the minute).
    """
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _of_file("/proc/cpuinfo", "model name") or platform.machine(),
        "memory_gb": round(int((_of_file("/proc/meminfo", "MemTotal") or "0").split()[0]) / 2**20),
        "python": platform.python_version(),
        "versions": {name: each for name in NAMED if (each := _version(name))},
        "load": round(os.getloadavg()[0], 1),
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
    }


def in_words(machine: dict[str, Any]) -> str:
    """Return the machine in one line.

    >>> in_words({"cores": 2, "processor": "X", "memory_gb": 24, "python": "3.11.7",
    ...     "versions": {"numpy": "2.1"}, "load": 0.5, "measured_at": "2026-11-26 13:00"})
    '2 cores of X, 24 GB, Python 3.11.7, numpy 2.1'
    """
    packages = ", ".join(f"{name} {each}" for name, each in machine["versions"].items())
    return (
        f"{machine['cores']} cores of {machine['processor']}, {machine['memory_gb']} GB, "
        f"Python {machine['python']}, {packages}"
    )


def _of_file(path: str, field: str) -> str | None:
    """Return a field of a file of lines `name : value`; None where the system has no such file."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    found = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in found if name.strip() == field), None)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
