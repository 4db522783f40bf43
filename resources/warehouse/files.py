"""The core file on disk: its lock, how it is opened, and how it takes the form of the contracts."""

from __future__ import annotations

import fcntl
import hashlib
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from warehouse.contract import LAYERS
from warehouse.tables import TABLES
from warehouse.views import views

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

    from warehouse.contract import Table

# BI clients are DuckDB 1.x and cannot open 2.0's own format (docs/decisions/0005).
STORAGE_VERSION = "v1.4.0"
READER = {"enable_external_access": "false", "lock_configuration": "true"}


class WarehouseError(Exception):
    """The warehouse cannot do what was asked; the message is one line for the user."""


def check_name(path: Path) -> None:
    """Refuse a file whose stem is a schema name: DuckDB calls every query on it ambiguous."""
    if path.stem in LAYERS:
        raise WarehouseError(
            f"{path}: a warehouse file cannot be called '{path.stem}', that is one of its schemas"
        )


@contextmanager
def locked(path: Path, *, exclusive: bool, timeout_seconds: float = 900) -> Iterator[None]:
    """Hold the lock of the warehouse at `path`: shared to read, exclusive to write or publish.

    The operating system releases it when the process ends, however it ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
    give_up = time.monotonic() + timeout_seconds
    with path.with_name(path.name + ".lock").open("a") as handle:
        while True:
            try:
                fcntl.flock(handle, mode | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise WarehouseError(
                        f"{path}: another process has held the warehouse for {timeout_seconds:g} s"
                    ) from None
                time.sleep(0.02)
        yield


def connect(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Open the core file; a new one is made in the storage version that BI clients can read."""
    import duckdb

    config = {"autoinstall_known_extensions": "false"}
    if not read_only:
        config["storage_compatibility_version"] = STORAGE_VERSION
    try:
        return duckdb.connect(str(path), read_only=read_only, config=config)
    except duckdb.Error as error:
        raise WarehouseError(f"{path}: not a warehouse: {str(error).splitlines()[0]}") from None


def is_current(path: Path) -> bool:
    """Return whether the file exists and every table has the form of its contract."""
    if not path.exists():
        return False
    with locked(path, exclusive=False), closing(connect(path, read_only=True)) as con:
        return _hashes(con) == _wanted()


def prepare(path: Path) -> None:
    """Create the file, or bring it from older contracts to these.

    `core` and `mart` tables whose contract changed are made anew, empty: the next run fills them
    from `raw`. A `raw` table is migrated with its rows, since vendors restate history and it
    cannot be fetched again. Everything happens in one transaction.
    """
    check_name(path)
    if is_current(path):
        return
    with locked(path, exclusive=True), closing(connect(path, read_only=False)) as con:
        con.begin()
        for layer in LAYERS:
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {layer}")
        known = _hashes(con)
        for table in sorted(TABLES, key=lambda table: table.layer != "meta"):
            if known.get(table.qualified) != table.hash:
                _reshape(con, table)
        for statement in views().values():
            con.execute(statement)
        con.execute("DELETE FROM meta.contracts")
        con.executemany(
            "INSERT INTO meta.contracts VALUES (?, ?, now()::TIMESTAMP)", list(_wanted().items())
        )
        con.commit()


def _wanted() -> dict[str, str]:
    """Hash per table, and one for the views."""
    text = "".join(views().values())
    return {
        **{table.qualified: table.hash for table in TABLES},
        "views": hashlib.sha256(text.encode()).hexdigest()[:16],
    }


def _hashes(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the contract hashes that the file was last brought to."""
    if not _exists(con, "meta", "contracts"):
        return {}
    rows = con.execute("SELECT table_name, contract_hash FROM meta.contracts").fetchall()
    return dict(rows)


def _exists(con: duckdb.DuckDBPyConnection, schema: str, name: str) -> bool:
    sql = "SELECT count(*) FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?"
    return con.execute(sql, [schema, name]).fetchall()[0][0] > 0


def _reshape(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Give one table the form of its contract."""
    exists = _exists(con, table.layer, table.name)
    if exists and table.layer in {"raw", "meta"}:
        _migrate(con, table)
    else:
        con.execute(f"DROP TABLE IF EXISTS {table.qualified}")
        con.execute(table.ddl())
        if exists:  # nothing it was computed from counts any more, so all of it is pending
            con.execute("DELETE FROM meta.inputs WHERE table_name = ?", [table.qualified])
    for statement in table.comments():
        con.execute(statement)


def _migrate(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Carry the rows of a table over: shared columns by name, new ones by their default."""
    sql = "SELECT column_name FROM duckdb_columns() WHERE schema_name = ? AND table_name = ?"
    old = {row[0] for row in con.execute(sql, [table.layer, table.name]).fetchall()}
    values = [
        column.name if column.name in old else f"{column.default or 'NULL'} AS {column.name}"
        for column in table.columns
    ]
    staged = f"{table.layer}.{table.name}__migrating"
    con.execute(table.ddl(staged))
    con.execute(f"INSERT INTO {staged} BY NAME SELECT {', '.join(values)} FROM {table.qualified}")
    con.execute(f"DROP TABLE {table.qualified}")
    con.execute(f"ALTER TABLE {staged} RENAME TO {table.name}")
