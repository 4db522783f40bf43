"""Superset over the published release: build its environment, bring its assets in, serve them.

Run by `make bi`, or `make bi-test` to check all of it in a folder that is thrown away.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "dashboards" / "superset"
# Its own: Superset wants pandas 2.1 and SQLAlchemy 1.4.
ENVIRONMENT = Path(os.environ.get("SELLOFF_BI_ENV") or ROOT / ".venv-bi")
BIN = ENVIRONMENT / "bin"
PLACEHOLDER = "{{ release }}"
FOLDERS = ("charts", "dashboards", "databases", "datasets")
PORT = 8088


def main() -> None:
    """Serve, or test, as the argument says."""
    if sys.argv[1:] == ["test"]:
        build()
        test = [BIN / "python", ROOT / "scripts" / "bi_test.py"]
        raise SystemExit(subprocess.run(test, check=False).returncode)
    release = published()
    refuse_taken(PORT)
    build()
    state = ASSETS / "state"
    initialise(state, release)
    sys.stdout.write(
        f"Sell-off monitor: http://127.0.0.1:{PORT}/superset/dashboard/sell-off-monitor/\n"
    )
    sys.stdout.flush()
    command = server(PORT)
    os.execve(command[0], command, environment(state))


def published() -> Path:
    """Return the released file beside the warehouse, as readers reach it."""
    core = Path(os.environ.get("SELLOFF_WAREHOUSE") or ROOT / "warehouse" / "selloff.duckdb")
    release = core.expanduser().absolute().parent / "current" / "warehouse.duckdb"
    if not release.exists():
        raise SystemExit(
            f"{release}: nothing is published yet; `make demo` or `selloff run` publishes"
        )
    return release


def refuse_taken(port: int) -> None:
    """End with one line where somebody listens on the port already."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SystemExit(f"127.0.0.1:{port} cannot be served from: {error.strerror}") from None


def build() -> None:
    """Make Superset's environment as its lock file says, unless it is that already."""
    lock, ready = ASSETS / "requirements.lock", ENVIRONMENT / ".ready"
    if ready.exists() and ready.read_bytes() == lock.read_bytes():
        return
    sys.stdout.write("Building Superset's environment, 720 MB\n")
    sys.stdout.flush()
    # The lock file is for this version.
    _uv("venv", "--allow-existing", "--no-python-downloads", "--python", "3.11", ENVIRONMENT)
    # The lock is of this folder alone: [tool.uv.pip] of the project would add its own extras.
    _uv("pip", "sync", "--no-config", "--require-hashes", "--python", BIN / "python", lock)
    shutil.copyfile(lock, ready)


def _uv(*arguments: str | Path) -> None:
    """Run uv, which says itself what it lacks."""
    command = [ROOT / ".venv" / "bin" / "uv", "--quiet", *arguments]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit(f"Superset's environment could not be built: uv {arguments[0]} failed")


def environment(state: Path) -> dict[str, str]:
    """Return what Superset's processes are told: where its state lies, and little else."""
    kept = {
        name: os.environ[name] for name in ("HOME", "LANG", "PATH", "TMPDIR") if name in os.environ
    }
    return {
        **kept,
        "SELLOFF_BI_STATE": str(state),
        "SUPERSET_HOME": str(state),
        "SUPERSET_CONFIG_PATH": str(ASSETS / "superset_config.py"),
        "FLASK_APP": "superset.app:create_app()",
        "TZ": "UTC",
    }


def initialise(state: Path, release: Path) -> str:
    """Bring the assets in, over the given release; return what was said of it."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    staged = state / "assets"
    shutil.rmtree(staged, ignore_errors=True)
    for name in FOLDERS:
        shutil.copytree(ASSETS / name, staged / name)
    shutil.copyfile(ASSETS / "metadata.yaml", staged / "metadata.yaml")
    database = staged / "databases" / "selloff.yaml"
    text = database.read_text(encoding="utf-8").replace(PLACEHOLDER, str(release))
    database.write_text(text, encoding="utf-8")
    with (state / "initialise.log").open("w", encoding="utf-8") as log:
        done = subprocess.run(
            [BIN / "python", ASSETS / "initialise.py", staged],
            env=environment(state),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            check=False,
        )
    if done.returncode:
        last = (state / "initialise.log").read_text(encoding="utf-8").strip().splitlines()[-1:]
        raise SystemExit(f"Superset took not all of {ASSETS.name}: {' '.join(last)}")
    said = [line for line in done.stdout.splitlines() if line.startswith("Account ")]
    sys.stdout.write("".join(f"{line}\n" for line in said))
    return done.stdout


def server(port: int) -> list[str]:
    """Return the command that serves on loopback: one process, since it keeps caches in memory."""
    return [
        str(BIN / "gunicorn"),
        *("--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "8"),
        *("--worker-class", "gthread", "--timeout", "120", "--log-level", "warning"),
        "superset.app:create_app()",
    ]


if __name__ == "__main__":
    main()
