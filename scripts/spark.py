"""The expressions on Spark as on DuckDB: build an environment with pyspark, run the comparison.

Run by `make test-spark`. SELLOFF_TEST_ENGINE names another Spark than one on two cores of this
machine: a master or the address of a Spark Connect server. `make cluster-test` starts a standalone
cluster of two workers on loopback instead, and kills them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Its own: the locked packages and pyspark, which is 400 MB.
ENVIRONMENT = Path(os.environ.get("SELLOFF_SPARK_ENV") or ROOT / ".venv-spark")
PYTHON = ENVIRONMENT / "bin" / "python"
PYSPARK = "pyspark[connect]==4.0.*"
# Of 142 CPU s of a Java that computed ten small tables, its second compiler took 54.
# Its first one alone fills a cache of 48 MB and then compiles nothing any more.
SHORT_LIVED = {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"}
TESTS = ROOT / "tests"
EQUAL = (TESTS / "selloff" / "spark", TESTS / "resources" / "engine")
CLUSTER = tuple(TESTS / "selloff" / "spark" / f"test_{name}.py" for name in ("cluster", "connect"))


def main() -> None:
    """Build what is missing, then compare; with `cluster`, on two workers that are killed."""
    build()
    is_cluster = sys.argv[1:] == ["cluster"]
    test = [PYTHON, "-m", "pytest", *(CLUSTER if is_cluster else EQUAL)]
    # The order in which workers are killed is part of it.
    test += ["-p", "no:randomly"] if is_cluster else []
    env = {**os.environ, **SHORT_LIVED, **({"SELLOFF_TEST_CLUSTER": "yes"} if is_cluster else {})}
    raise SystemExit(subprocess.run(test, check=False, cwd=ROOT, env=env).returncode)


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
