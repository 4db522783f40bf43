"""Sessions of an engine: how Spark is reached, what it is told first, and how long we wait."""

from __future__ import annotations

import atexit
import os
import re
import socket
import sys
import tempfile
import threading
import zipfile
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources.engine.names import (
    CONNECT,
    DUCKDB,
    SPARK,
    EngineError,
    is_local,
    misuse,
    refuse_unserved,
    refuse_without_java,
)
from resources.settings import env

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A port that nobody listens on is told at once; behind a firewall nothing is.
KNOCK_SECONDS = 5
# A server that listens but does not answer: Spark's own client tries for ten minutes.
ANSWER_SECONDS = 60
_PORTS = {CONNECT: 15002, "spark://": 7077}
# Spark's own gigabyte holds half a million bars.
DRIVER_MEMORY = "4g"


@contextmanager
def connected(engine: str = DUCKDB) -> Iterator[Any]:
    """Yield an Ibis backend of an engine, and end its session afterwards.

    Parameters
    ----------
    engine : str
        As `resources.engine.names.misuse` explains it.

    Raises
    ------
    EngineError
        If the name is none, or Spark, Java or the address cannot be had, or Ibis does not serve
        the version: one line.
    """
    if wrong := misuse(engine):
        raise EngineError(wrong)
    if engine == DUCKDB:
        import ibis

        found = ibis.duckdb.connect()
        try:
            yield found
        finally:
            found.disconnect()
        return
    session = _session(engine)
    try:
        yield _backend(session, engine)
    finally:
        session.stop()


def kept(engine: str) -> Any:
    """Return the Ibis backend of a Spark that this process keeps until it ends.

    A session takes 5 s and more to start, and a run asks for some twenty tables.

    Raises
    ------
    EngineError
        As `connected`.
    """
    found = _started(engine)
    if _is_stopped(found):  # its master went away since
        _started.cache_clear()
        found = _started(engine)
    return found


@cache
def _started(engine: str) -> Any:
    session = _session(engine)
    atexit.register(session.stop)
    return _backend(session, engine)


def _is_stopped(backend: Any) -> bool:
    session = session_of(backend)
    if _is_remote(session):
        return bool(session.is_stopped)
    context = session.sparkContext._jsc  # noqa: SLF001 - pyspark has no word for it
    return context is None or bool(context.sc().isStopped())


def session_of(backend: Any) -> Any:
    """Return the Spark session of an Ibis backend."""
    return backend._session  # noqa: SLF001 - Ibis has no word for it


def _is_remote(session: Any) -> bool:
    return "connect" in type(session).__module__


def _backend(session: Any, engine: str) -> Any:
    import ibis

    if is_local(engine) and "PYSPARK_PYTHON" not in os.environ:
        session.sparkContext.pythonExec = sys.executable  # else whatever `python3` is
    backend = ibis.pyspark.connect(session)
    _teach(session)
    return backend


def _session(engine: str) -> Any:
    """Return a Spark session in UTC, or say in one line why there is none."""
    refuse_unserved()
    if not engine.startswith(CONNECT):
        refuse_without_java()
    _knock(engine)
    builder = import_module("pyspark.sql").SparkSession.builder.appName("selloff")
    if engine.startswith(CONNECT):
        builder = builder.remote(engine)
    else:
        builder = builder.master("local[*]" if engine == SPARK else engine)
        for name, value in _fixed(engine).items():
            builder = builder.config(name, value)

    def start() -> Any:
        session = builder.getOrCreate()
        for name, value in _settings(engine).items():
            session.conf.set(name, value)
        return session

    try:
        return _within(ANSWER_SECONDS, start) if engine.startswith(CONNECT) else start()
    except TimeoutError:
        reason = f"no answer within {ANSWER_SECONDS} s"
    except Exception as error:  # noqa: BLE001 - Java's, gRPC's and pyspark's have no other base
        reason = first_line(error)
    raise EngineError(f"Spark at {engine} cannot be reached: {reason}")


def _settings(engine: str) -> dict[str, str]:
    """Return what the expressions rest on: dates in UTC, errors not hidden, exact instants."""
    settings = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # Not the twelve bytes of Hive, which have no unit and no zone.
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    }
    if is_local(engine):
        # Of the usual 200 parts of a shuffle most would be empty here.
        settings["spark.sql.shuffle.partitions"] = str(_cores(engine))
    return settings


def _fixed(engine: str) -> dict[str, str]:
    """Return what is settled when Java starts."""
    settings = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    if is_local(engine):
        settings |= {
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.memory": _memory(),
        }
    return settings


def _cores(engine: str) -> int:
    """Return how many tasks a local master runs at once."""
    found = re.search(r"\d+", engine)
    return int(found[0]) if found else os.cpu_count() or 1


def _memory() -> str:
    """Return SELLOFF_MEMORY, which is in DuckDB's words, in Spark's.

    Examples
    --------
    >>> import os
    >>> os.environ["SELLOFF_MEMORY"] = "8GB"; _memory()
    '8g'
    >>> del os.environ["SELLOFF_MEMORY"]; _memory()
    '4g'
    """
    found = re.fullmatch(r"(\d+)\s*([KMGT])i?B?", env("MEMORY").strip(), re.IGNORECASE)
    return f"{found[1]}{found[2].lower()}" if found else DRIVER_MEMORY


def _knock(engine: str) -> None:
    """Refuse an address at which nobody listens: Spark itself would try for a minute and more."""
    scheme = next((each for each in _PORTS if engine.startswith(each)), None)
    if scheme is None:
        return
    reasons = []
    for place in engine.removeprefix(scheme).partition("/")[0].split(","):
        host, _, port = place.rpartition(":") if ":" in place else (place, "", "")
        try:
            number = int(port) if port else _PORTS[scheme]
            socket.create_connection((host.strip("[]"), number), KNOCK_SECONDS).close()
        except (OSError, OverflowError, ValueError) as error:
            reasons.append(f"{place}: {getattr(error, 'strerror', None) or error}")
        else:
            return
    raise EngineError(f"Spark at {engine} cannot be reached: {'; '.join(reasons)}")


def _within(seconds: float, work: Callable[[], Any]) -> Any:
    """Return what the work returns, or raise TimeoutError: its thread is left behind then."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append((work(), None))
        except BaseException as error:  # noqa: BLE001 - raised again below
            outcome.append((None, error))

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    worker.join(seconds)
    if not outcome:
        raise TimeoutError
    found, error = outcome[0]
    if error:
        raise error
    return found


def _teach(session: Any) -> None:
    """Give Spark the aggregate that its SQL lacks and `selloff` multiplies factors with."""
    import pandas as pd

    def product(factors: Any) -> Any:
        known = factors.dropna()
        return float(known.prod()) if len(known) else None

    # What pyspark reads to know an aggregate; as text it could not be resolved here.
    product.__annotations__ = {"factors": pd.Series, "return": float}
    aggregate = import_module("pyspark.sql.functions").pandas_udf(product, "double")
    session.udf.register("product", aggregate)


def send_selloff(session: Any) -> None:
    """Send the mathematics to wherever Spark runs Python; what was sent is not sent again."""
    if getattr(session, "_selloff_sent", False):
        return
    import selloff

    root = Path(selloff.__file__).parent
    # Kept until the process ends: a classic session hands the file out when a task asks for it.
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    archive = Path(folder.name) / "selloff.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(root.rglob("*.py")):
            packed.write(path, path.relative_to(root.parent))
    if _is_remote(session):
        session.addArtifacts(str(archive), pyfile=True)
    else:
        session.sparkContext.addPyFile(str(archive))
    with suppress(AttributeError):
        session._selloff_sent = True  # noqa: SLF001 - the session is what it was sent to


def first_line(error: BaseException) -> str:
    """Return what an error says first; engines add pages of stack and plan."""
    text = _of_java(error) or str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def _of_java(error: BaseException) -> str:
    """Return what the first cause said, where Java's error came through as it was."""
    cause = getattr(error, "java_exception", None)
    if cause is None:
        return ""
    with suppress(Exception):
        while cause.getCause() is not None:
            cause = cause.getCause()
        return str(cause.getMessage() or cause.toString()).strip()
    return ""
