"""A standalone cluster on loopback: a master and workers, each a process that can be killed.

Of Spark's own scripts the wheel has `spark-class` alone: the daemons are started by their class.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LOOPBACK = "127.0.0.1"
# Under load, two JVMs on two cores took 24 s.
START_SECONDS = 120
# The kernel ends what it started with the one that started it, even if that is killed.
_LEASH = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Cluster:
    """A master and its workers, with one core each; what they write lies in a folder.

    Parameters
    ----------
    folder : Path
        For logs and for what each worker works in: `worker-N`, by which its tasks are known.
    n_workers : int
        Started with it.
    """

    def __init__(self, folder: Path, n_workers: int = 2) -> None:
        self.folder = folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        port = free_port()
        self.address = f"spark://{LOOPBACK}:{port}"
        self._start("master", "master.Master", "--port", str(port), "--webui-port", "0")
        until(lambda: _listens(port), "the master")
        for _ in range(n_workers):
            self.add_worker()

    def add_worker(self) -> str:
        """Start a worker, wait until the master knows it; return its name."""
        name = f"worker-{len(self._processes)}"
        known = self._n_registered()
        room = ("--cores", "1", "--memory", "1g", "--webui-port", "0")
        work = ("--work-dir", str(self.folder / name))
        self._start(name, "worker.Worker", *room, *work, self.address)
        until(lambda: self._n_registered() > known, name)
        return name

    def kill(self, name: str) -> None:
        """Kill a worker with its executors, as a machine is lost."""
        process = self._processes[name]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        """End everything, whatever has been killed before."""
        for process in self._processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def n_tasks(self, name: str) -> int:
        """Return how many tasks a worker's executors say they ran."""
        logs = (self.folder / name).glob("app-*/*/stderr")
        return sum(log.read_text(errors="replace").count("Running task ") for log in logs)

    def _n_registered(self) -> int:
        log = self.folder / "master.log"
        return log.read_text(errors="replace").count("Registering worker")

    def _start(self, name: str, kind: str, *arguments: str) -> None:
        asked = (f"org.apache.spark.deploy.{kind}", "--host", LOOPBACK, *arguments)
        self._processes[name] = leashed(self.folder / f"{name}.log", "spark-class", *asked)


class ConnectServer:
    """A Spark Connect server on two cores of this machine."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.address = f"sc://{LOOPBACK}:{port}"
        settings = {
            "spark.connect.grpc.binding.address": LOOPBACK,
            "spark.connect.grpc.binding.port": str(port),
            "spark.ui.enabled": "false",
        }
        asked = [part for each in settings.items() for part in ("--conf", "=".join(each))]
        main = "org.apache.spark.sql.connect.service.SparkConnectServer"
        asked += ["--master", "local[2]", "--class", main]
        self._process = leashed(folder / "connect.log", "spark-submit", *asked, memory="1g")
        try:
            until(lambda: _listens(port) or self._process.poll() is not None, "the Connect server")
            assert self._process.poll() is None, "the Connect server ended"
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End it, if it has not been killed."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def leashed(
    log: Path, program: str, *arguments: str, memory: str = "256m"
) -> subprocess.Popen[bytes]:
    """Start a program of Spark in a process group of its own, which ends with us."""
    command = [sys.executable, "-c", _LEASH, str(home() / "bin" / program), *arguments]
    with log.open("wb") as said:
        return subprocess.Popen(  # noqa: S603 - of the installed pyspark
            command, stdout=said, stderr=said, env=environment(memory), start_new_session=True
        )


def environment(memory: str = "256m") -> dict[str, str]:
    """Return what keeps Spark on loopback, its daemons small and its Python ours."""
    ours = {
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_DAEMON_MEMORY": memory,
        "SPARK_HOME": str(home()),
        "PYSPARK_PYTHON": sys.executable,
    }
    return {**os.environ, **ours}


def home() -> Path:
    """Return the folder of the pyspark that is installed."""
    found = importlib.util.find_spec("pyspark")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def free_port() -> int:
    """Return a port on which nobody listens now."""
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        port: int = free.getsockname()[1]
    return port


def until(is_so: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    """Wait for something; fail with its name."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"{what}: not within {seconds:g} s"
        time.sleep(0.2)


def _listens(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex((LOOPBACK, port)) == 0
