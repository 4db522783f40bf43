"""The one configuration of everybody who reads a release, and how a release is opened.

Read-only alone is no sandbox: such a connection could still copy tables to files, read files of
the system and attach other databases. All readers of a process must have the same configuration,
since DuckDB keeps one instance per file in a process.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from resources.settings import whole_number
from resources.warehouse import files
from resources.warehouse.files import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

QUERY_SECONDS = 600


def configuration() -> dict[str, Any]:
    """Return the settings of a reader: no files, no network, no settings, a limit of time.

    ``SELLOFF_QUERY_SECONDS`` says after how long a query is stopped, by default ten minutes.
    """
    try:
        seconds = whole_number("QUERY_SECONDS", QUERY_SECONDS) or QUERY_SECONDS
    except ValueError as error:
        raise WarehouseError(str(error)) from None
    return {
        "enable_external_access": "false",
        "lock_configuration": "true",
        "max_execution_time": str(seconds * 1000),
    }


@contextmanager
def reading(published: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a released file: read-only, no files, no network, no change of settings.

    Raises
    ------
    WarehouseError
        If nothing has been published yet, a query ran too long, or the release lacks what was
        asked for since it was made under older contracts.
    """
    import duckdb

    if not published.exists():
        raise WarehouseError(f"{published}: {_missing(published)}")
    # Resolved, since DuckDB keeps one instance per path in a process: the link would be stale.
    path = published.resolve()
    try:
        opened = duckdb.connect(str(path), read_only=True, config=configuration())
    except duckdb.IOException as error:
        raise WarehouseError(f"{path}: cannot be opened: {_first_line(error)}") from None
    with closing(opened) as con:
        try:
            yield con
        except (duckdb.CatalogException, duckdb.BinderException):
            if not (older := files.outdated(con)):
                raise
            raise WarehouseError(
                f"release {path.parent.name} is of an older schema ({older} contracts have changed "
                "since); `selloff run` publishes one of this"
            ) from None
        except duckdb.InterruptException:
            limit = int(configuration()["max_execution_time"]) // 1000
            raise WarehouseError(
                f"the query took longer than {limit} s (SELLOFF_QUERY_SECONDS)"
            ) from None


def _missing(published: Path) -> str:
    """Return what to do where the link leads nowhere."""
    if published.parent.is_symlink() and any((published.parent.parent / "releases").glob("*")):
        return "the live release is gone; `selloff rollback ID` lets readers see a kept one"
    return "nothing is published yet; `selloff run` publishes when its checks pass"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
