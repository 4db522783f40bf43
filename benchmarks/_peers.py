"""Environments with the peers of PyPI, which are not among the locked packages.

Each set of peers has its own below `.venv-bench`, made once: some want an older pandas than ours.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def python_with(name: str, packages: tuple[str, ...]) -> str | None:
    """Return the interpreter of an environment with these packages, made where it is missing.

    Parameters
    ----------
    name : str
        Of the environment.
    packages : tuple of str
        As pip writes them.

    Returns
    -------
    str or None
        None, and a line on stderr, where they cannot be installed: the peers are left out then.
    """
    home = Path(os.environ.get("SELLOFF_BENCH_ENV") or ROOT / ".venv-bench") / name
    python, ready = home / "bin" / "python", home / ".ready"
    if ready.exists() and ready.read_text(encoding="utf-8") == "\n".join(packages):
        return str(python)
    commands = (
        [sys.executable, "-m", "venv", "--clear", str(home)],
        [str(python), "-m", "pip", "install", "--quiet", *packages],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            cause = (done.stderr.strip().splitlines() or ["no cause given"])[-1]
            print(f"peers left out: {', '.join(packages)}: {cause}", file=sys.stderr)
            return None
    ready.write_text("\n".join(packages), encoding="utf-8")
    return str(python)
