"""What an engine is called, and what is wrong with the choice of one: one line each.

Not here: what only Spark itself can say, once it is asked (`resources.engine.sessions`).
"""

from __future__ import annotations

import os
import re
import shutil
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DUCKDB, SPARK = "duckdb", "spark"
# Ibis 12 and Great Expectations serve these; a newer one fails in the middle of a query.
SERVED = "4.0"
CONNECT = "sc://"
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
    known = engine in {DUCKDB, SPARK} or engine.startswith(CONNECT) or _MASTER.fullmatch(engine)
    return None if known else f"SELLOFF_ENGINE: '{engine}' is no engine; {_TAKES}"


def problems(engine: str, lake: Path) -> Iterator[str]:
    """Yield what is wrong with a choice of engine, as far as it can be known before it starts.

    Parameters
    ----------
    engine : str
        As `misuse` explains it.
    lake : Path
        Folder through which tables go both ways; need not exist yet. Unused by DuckDB.
    """
    if wrong := misuse(engine):
        yield wrong
        return
    if engine == DUCKDB:
        return
    try:
        refuse_unserved()
        if not engine.startswith(CONNECT):
            refuse_without_java()
    except EngineError as error:
        yield f"SELLOFF_ENGINE={engine}: {error}"
    existing = next(each for each in (lake, *lake.absolute().parents) if each.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        yield f"SELLOFF_LAKE: {existing} cannot be written to; a folder that Spark sees too"


def is_local(engine: str) -> bool:
    """Say whether an engine is Spark within this machine, started by us."""
    return engine == SPARK or engine.startswith("local")


def refuse_unserved() -> None:
    """Refuse a pyspark that is missing or of another version.

    Raises
    ------
    EngineError
        In one line that says what to install.
    """
    try:
        version = import_module("pyspark").__version__
    except ImportError:
        raise EngineError(
            "pyspark is not installed: install selloff[spark], or set SELLOFF_ENGINE=duckdb"
        ) from None
    if not version.startswith(f"{SERVED}."):
        raise EngineError(f"pyspark {version} is not served by Ibis 12: install {SERVED}.x")


def refuse_without_java() -> None:
    """Refuse a machine on which no Java can be found.

    Raises
    ------
    EngineError
        In one line that says where it was looked for.
    """
    home = os.environ.get("JAVA_HOME")
    found = (Path(home) / "bin" / "java").is_file() if home else shutil.which("java") is not None
    if not found:
        where = f"JAVA_HOME={home} has none" if home else "none is on the PATH"
        raise EngineError(f"Spark needs Java 17 or later: {where}")
