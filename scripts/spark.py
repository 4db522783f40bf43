"""The expressions on Spark as on DuckDB: build an environment with pyspark, run the comparison.

Run by `make test-spark`. SELLOFF_TEST_ENGINE names another Spark than one on two cores of this
machine: a master or the address of a Spark Connect server.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Its own: the locked packages and pyspark, which is 400 MB.
ENVIRONMENT = Path(os.environ.get("SELLOFF_SPARK_ENV") or ROOT / ".venv-spark")
PYTHON = ENVIRONMENT / "bin" / "python"
PYSPARK = "pyspark[connect]==4.0.*"


def main() -> None:
    """Build what is missing, then compare."""
    build()
    folders = [ROOT / "tests" / "selloff" / "spark", ROOT / "tests" / "resources" / "engine"]
    test = [PYTHON, "-m", "pytest", *folders]
    raise SystemExit(subprocess.run(test, check=False, cwd=ROOT).returncode)


def build() -> None:
    """Make the environment as the lock file says, and pyspark, unless it is that already."""
    lock, ready = ROOT / "requirements.lock", ENVIRONMENT / ".ready"
    wanted = lock.read_bytes() + PYSPARK.encode()
    if ready.exists() and ready.read_bytes() == wanted:
        return
    _uv("venv", "--allow-existing", "--no-python-downloads", "--python", "3.11", ENVIRONMENT)
    install = ("pip", "install", "--no-config", "--python", PYTHON)
    _uv(*install, "--no-deps", "--require-hashes", "-r", lock)
    _uv(*install, PYSPARK)
    ready.write_bytes(wanted)


def _uv(*arguments: str | Path) -> None:
    """Run uv, which says itself what it lacks."""
    command = [ROOT / ".venv" / "bin" / "uv", "--quiet", *arguments]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit(f"The environment with pyspark could not be built: uv {arguments[0]}")


if __name__ == "__main__":
    main()
