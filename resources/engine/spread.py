"""A computation on Spark: tables from the lake, results into it, every failure in one line."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from resources.engine import results, sessions, shared
from resources.engine.lake import address
from resources.engine.names import EngineError
from resources.warehouse.files import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from resources.engine.lake import Lake
    from warehouse.contract import Table

# Spark waits for ever for a worker that does not come back.
ALONE_SECONDS = 60.0
_LOOK_SECONDS = 1.0
_LONGEST = 400


class Spread:
    """A computation on Spark, whose inputs are Parquet of the core file's present versions."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, engine: str, lake: Lake, backend: Any = None
    ) -> None:
        self._con, self._lake = con, lake
        self._backend = backend or sessions.kept(engine)

    def table(self, source: Table) -> Any:
        """Return a table as Ibis has it."""
        path = self._lake.path_of(self._con, source)
        name = f"{source.layer}_{source.name}"
        return self._backend.read_parquet(address(path), table_name=name)

    def computed(self, result: Any) -> tuple[Any, str | None]:
        """Let Spark compute and write an expression or a data frame of its own.

        Returns
        -------
        tuple of (result, str or None)
            The complete `resources.engine.results.Result` and its SQL; a frame or an Arrow table,
            which is computed already, as it is.
        """
        if hasattr(result, "mapInPandas"):
            return results.written(result, self._lake.work()), None
        if not hasattr(result, "to_pyarrow_batches"):
            return result, None
        sql = str(self._backend.compile(result, pretty=True))
        rows = shared.rows_of(self._backend, result)
        return results.written(rows, self._lake.work()), sql

    def close(self) -> None:
        """Let go of what was kept for this table; of a Spark that is gone nothing is kept."""
        with suppress(Exception):
            shared.release(self._backend)


@contextmanager
def told(table: Table, engine: str) -> Iterator[None]:
    """Say in one line what failed on Spark, and stop waiting where no worker is left.

    Raises
    ------
    WarehouseError
        Nothing was written then.
    """
    watch = _Watch(engine)
    try:
        with watch:
            yield
    except EngineError as error:
        raise WarehouseError(f"{table.qualified}: {error}") from None
    except Exception as error:
        if watch.is_alone:
            reason = f"no worker for {ALONE_SECONDS:g} s"
        elif is_of_spark(error):
            reason = sessions.first_line(error)[:_LONGEST]
        else:
            raise
        raise WarehouseError(
            f"{table.qualified} on Spark at {engine}: {reason}; nothing was written"
        ) from error


def is_of_spark(error: BaseException) -> bool:
    """Say whether an error comes from Spark, its Java or the way there."""
    rooms = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return bool(rooms & {"pyspark", "py4j", "grpc"}) or isinstance(error, ConnectionError)


class _Watch:
    """Cancels what runs on a standalone cluster once it has had no worker for too long."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.is_alone = False

    def __enter__(self) -> None:
        if self._engine.startswith("spark://"):
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(_LOOK_SECONDS)

    def _look(self) -> None:
        alone = 0.0
        while not self._over.wait(_LOOK_SECONDS):
            alone = 0.0 if _n_workers() else alone + _LOOK_SECONDS
            if alone >= ALONE_SECONDS:
                self.is_alone = True
                _cancel()


def _context() -> Any:
    return import_module("pyspark").SparkContext._active_spark_context  # noqa: SLF001 - starts none


def _n_workers() -> int:
    """Return how many executors Spark has; the driver, which is counted too, is none."""
    context = _context()
    if context is None:  # not started yet
        return 1
    with suppress(Exception):
        return int(context._jsc.sc().getExecutorMemoryStatus().size()) - 1  # noqa: SLF001
    return 1  # stopped: whoever waits for it is told


def _cancel() -> None:
    with suppress(Exception):
        _context().cancelAllJobs()
