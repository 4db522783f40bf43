"""Where a panel expression runs: DuckDB on this machine, or Apache Spark on this or many.

Not here: what is computed (`selloff`), and the warehouse's own connection (`resources.warehouse`).
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

DUCKDB, SPARK = "duckdb", "spark"
# Ibis 12 and Great Expectations serve these; a newer one fails in the middle of a query.
SERVED = "4.0"
_CONNECT = "sc://"
_MASTER = re.compile(r"local(\[(\*|[1-9]\d*)\])?|(spark|k8s)://\S+|yarn")
_TAKES = "duckdb, spark, local[N], spark://HOST:PORT, k8s://..., yarn or sc://HOST:PORT"


class EngineError(RuntimeError):
    """An engine cannot be had; the message says why and what helps, in one line."""


def misuse(engine: str) -> str | None:
    """Return what is wrong with the name of an engine, if anything is.

    Parameters
    ----------
    engine : str
        ``duckdb``; ``spark`` for a session on all cores of this machine; a master such as
        ``local[2]`` or ``spark://host:7077``; or the address of a Spark Connect server,
        ``sc://host:15002``.

    Examples
    --------
    >>> misuse("local[2]")
    >>> misuse("flink")[:38]
    "SELLOFF_ENGINE: 'flink' is no engine; "
    """
    known = engine in {DUCKDB, SPARK} or engine.startswith(_CONNECT) or _MASTER.fullmatch(engine)
    return None if known else f"SELLOFF_ENGINE: '{engine}' is no engine; {_TAKES}"


@contextmanager
def connected(engine: str = DUCKDB) -> Iterator[Any]:
    """Yield an Ibis backend of an engine, and end its session afterwards.

    Parameters
    ----------
    engine : str
        As `misuse` explains it.

    Raises
    ------
    EngineError
        If the name is none, or Spark, Java or the address cannot be had, or Ibis does not serve
        the version: one line.
    """
    if wrong := misuse(engine):
        raise EngineError(wrong)
    import ibis

    if engine == DUCKDB:
        found = ibis.duckdb.connect()
        try:
            yield found
        finally:
            found.disconnect()
        return
    session = _session(engine)
    try:
        if _is_local(engine) and "PYSPARK_PYTHON" not in os.environ:
            session.sparkContext.pythonExec = sys.executable  # else whatever `python3` is
        found = ibis.pyspark.connect(session)
        _teach(session)
        yield found
    finally:
        session.stop()


def _session(engine: str) -> Any:
    """Return a Spark session in UTC, or say in one line why there is none."""
    _refuse_unserved()
    builder = import_module("pyspark.sql").SparkSession.builder.appName("selloff")
    for name, value in _settings(engine).items():
        builder = builder.config(name, value)
    if engine.startswith(_CONNECT):
        builder = builder.remote(engine)
    else:
        _refuse_without_java()
        builder = builder.master("local[*]" if engine == SPARK else engine)
    try:
        return builder.getOrCreate()
    except Exception as error:  # noqa: BLE001 - Java's, gRPC's and pyspark's have no other base
        raise EngineError(f"Spark at {engine} cannot be reached: {first_line(error)}") from None


def _settings(engine: str) -> dict[str, str]:
    """Return what the expressions rest on: dates in UTC, errors not hidden, our own Python."""
    settings = {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"}
    if engine.startswith(_CONNECT):
        return settings
    settings["spark.ui.enabled"] = "false"
    if _is_local(engine):
        settings |= {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
    return settings


def _is_local(engine: str) -> bool:
    return engine == SPARK or engine.startswith("local")


def _refuse_unserved() -> None:
    """Refuse a pyspark that is missing or of another version."""
    try:
        version = import_module("pyspark").__version__
    except ImportError:
        raise EngineError(
            "pyspark is not installed: install selloff[spark], or set SELLOFF_ENGINE=duckdb"
        ) from None
    if not version.startswith(f"{SERVED}."):
        raise EngineError(f"pyspark {version} is not served by Ibis 12: install {SERVED}.x")


def _refuse_without_java() -> None:
    """Refuse a machine on which no Java can be found."""
    home = os.environ.get("JAVA_HOME")
    found = (Path(home) / "bin" / "java").is_file() if home else shutil.which("java") is not None
    if not found:
        where = f"JAVA_HOME={home} has none" if home else "none is on the PATH"
        raise EngineError(f"Spark needs Java 17 or later: {where}")


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


def first_line(error: BaseException) -> str:
    """Return what an error says first; engines add pages of stack and plan."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
