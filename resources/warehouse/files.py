"""The core file on disk: how it is opened, and how it takes the form of the contracts."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources.warehouse import keeping, locks
from resources.warehouse.locks import WarehouseError
from warehouse.contract import LAYERS
from warehouse.tables import TABLES
from warehouse.views import comment_on_column, in_order, views

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from warehouse.contract import Table

# BI clients are DuckDB 1.x and cannot open 2.0's own format (docs/decisions/0005).
STORAGE_VERSION = "v1.4.0"
# What the engine may hold before it spills beside the file. By itself it takes four fifths of the
# machine: three million bars with their rolling medians then held 2.9 GB, with this 2.1 GB for 15%
# more processor time. SELLOFF_MEMORY says otherwise, in the engine's words ("8GB").
MEMORY_LIMIT = "2GB"


def check_name(path: Path) -> None:
    """Refuse a file whose stem is a schema name: DuckDB calls every query on it ambiguous."""
    catalog = path.name.partition(".")[0]
    if catalog.lower() in LAYERS:
        raise WarehouseError(
            f"{path}: a warehouse file cannot be called '{catalog}', that is one of its schemas"
        )


@contextmanager
def locked(path: Path, *, exclusive: bool, timeout_seconds: float = 900) -> Iterator[None]:
    """Hold the lock of a warehouse as `locks.locked` does; what this process keeps is closed."""
    keeping.let_go(path)
    with locks.locked(path, exclusive=exclusive, timeout_seconds=timeout_seconds):
        yield


@contextmanager
def kept_open(path: Path) -> Iterator[None]:
    """Keep the core file open between the times that it is `opened`, while nobody else waits."""
    with keeping.kept(path, lambda: _writable(path)):
        yield


def connect(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file; a new one is made in the storage version that BI clients can read."""
    import duckdb

    config: dict[str, Any] = {
        "autoinstall_known_extensions": "false",
        "memory_limit": os.environ.get("SELLOFF_MEMORY") or MEMORY_LIMIT,
    }
    if not read_only:
        config["storage_compatibility_version"] = STORAGE_VERSION
    try:
        con = duckdb.connect(str(path), read_only=read_only, config=config)
    except duckdb.Error as error:
        raise WarehouseError(f"{path}: cannot be opened: {_first_line(error)}") from None
    # Aware instants are cast to TIMESTAMP in the session's zone, by default the machine's.
    con.execute("SET GLOBAL TimeZone = 'UTC'")
    return con


@contextmanager
def opened(path: Path, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the core file under its lock (shared to read), in the form of the contracts."""
    check_name(path)
    if keeper := keeping.keeper_of(path):
        with keeper.using(may_wait=not read_only) as kept:
            if kept:
                yield kept
                return
    if not read_only:
        with locked(path, exclusive=True), _writable(path) as con:
            yield con
        return
    if not path.exists():
        prepare(path)
    with locked(path, exclusive=False), closing(_connected(path, read_only=True)) as con:
        if _hashes(con) == _wanted():
            yield con
            return
    prepare(path)
    with opened(path, read_only=True) as con:
        yield con


@contextmanager
def _writable(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the core file, of which the exclusive lock is held, and bring it to the contracts."""
    with closing(_connected(path, read_only=False)) as con:
        _bring(con, path)
        yield con


def _connected(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Open the core file, of which the lock is held; begin it if there is none."""
    if not read_only and not path.exists() and not path.with_name(f"{path.name}.wal").exists():
        staged = path.with_name(f"{path.name}.part")
        try:
            staged.write_bytes(_new_file(tuple(_wanted().items())))
            staged.replace(path)
        except OSError as error:
            staged.unlink(missing_ok=True)
            raise WarehouseError(f"{path}: cannot be made: {error.strerror}") from None
    return connect(path, read_only=read_only)


@cache
def _new_file(_form: tuple[tuple[str, str], ...]) -> bytes:
    """Return an empty file in the form of the contracts, made once per process.

    Its 1,200 comments and its macros take 1.4 s.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new.duckdb"
        with closing(connect(path, read_only=False)) as con:
            _bring(con, path)
        return path.read_bytes()


def prepare(path: Path) -> None:
    """Create the file, or bring it from older contracts to these.

    `core` and `mart` tables whose contract changed are made anew, empty: the next run fills them
    from `raw`. A `raw` table is migrated with its rows, since vendors restate history and it
    cannot be fetched again. Everything happens in one transaction.

    Raises
    ------
    WarehouseError
        If the file's name is a schema's, it is no DuckDB file, or rows of `raw` break the present
        contract; the file is left as it was.
    """
    with opened(path, read_only=False):
        pass


def outdated(con: duckdb.DuckDBPyConnection) -> int:
    """Return how many of the present contracts a file was not written under."""
    known = _hashes(con)
    return sum(known.get(name) != wanted for name, wanted in _wanted().items())


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _bring(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Bring the open file to the present contracts, in one transaction."""
    import duckdb

    known = _hashes(con)
    if known == _wanted():
        return
    con.begin()
    try:
        _reform(con, known)
    except BaseException as error:
        con.rollback()
        if isinstance(error, duckdb.Error):
            raise WarehouseError(
                f"{path}: cannot take the form of the present contracts, nothing was changed: "
                f"{_first_line(error)}"
            ) from None
        raise
    con.commit()


def _reform(con: duckdb.DuckDBPyConnection, known: dict[str, str]) -> None:
    """Give every table, view and macro its present form, and note the contracts."""
    for layer in LAYERS:
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {layer}")
    _drop_abandoned(con)
    for table in sorted(TABLES, key=lambda table: table.layer != "meta"):
        if known.get(table.qualified) != table.hash:
            _reshape(con, table)
    for statement in views().values():
        con.execute(statement)
    _comment_views(con)
    con.execute("DELETE FROM meta.contracts")
    con.executemany(
        "INSERT INTO meta.contracts VALUES (?, ?, now()::TIMESTAMP)", list(_wanted().items())
    )


def _comment_views(con: duckdb.DuckDBPyConnection) -> None:
    """Give a view's columns the comments of the quantities they show, by name.

    A view's own comment comes first, then that of a relation it reads, then any contract's.
    """
    of_relations = {
        table.qualified: {column.name: column.comment for column in table.columns}
        for table in TABLES
    }
    anywhere = {name: text for known in of_relations.values() for name, text in known.items()}
    for view in in_order():
        known = dict(anywhere)
        for relation in reversed(view.reads):
            known.update(of_relations[relation])
        known.update(view.columns)
        names = [name for name, *_ in con.execute(f"DESCRIBE {view.name}").fetchall()]
        shown = {name: known[name] for name in names if name in known}
        of_relations[view.name] = shown
        for name in shown.keys() - view.columns.keys():
            con.execute(comment_on_column(view.name, name, shown[name]))


def _drop_abandoned(con: duckdb.DuckDBPyConnection) -> None:
    """Drop every view and macro, and the derived tables that no contract speaks of any more."""
    sql = "SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal"
    for (name,) in con.execute(sql).fetchall():
        con.execute(f"DROP VIEW {name}")
    sql = (
        "SELECT schema_name || '.' || function_name FROM duckdb_functions() "
        "WHERE NOT internal AND function_type = 'table_macro'"
    )
    for (name,) in con.execute(sql).fetchall():
        con.execute(f"DROP MACRO TABLE {name}")
    wanted = {table.qualified for table in TABLES}
    sql = (
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() "
        "WHERE schema_name IN ('core', 'mart')"
    )
    for (name,) in con.execute(sql).fetchall():
        if name not in wanted:
            con.execute(f"DROP TABLE {name}")


def _wanted() -> dict[str, str]:
    """Hash per table, and one for the views and macros."""
    return {**{table.qualified: table.hash for table in TABLES}, "views": _hash_of_views()}


@cache
def _hash_of_views() -> str:
    """Return a hash of all views and macros, once per process: they are read from files."""
    text = "".join(views().values())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _hashes(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the contract hashes that the file was last brought to."""
    import duckdb

    try:
        rows = con.execute("SELECT table_name, contract_hash FROM meta.contracts").fetchall()
    except duckdb.CatalogException:
        return {}
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
    if unknown := _unknown(con, table, old):
        raise WarehouseError(
            f"{table.qualified} holds {', '.join(unknown)}, of which this version of selloff knows "
            "nothing: the file is of a newer one; nothing was changed"
        )
    values = [
        column.name if column.name in old else f"{column.default or 'NULL'} AS {column.name}"
        for column in table.columns
    ]
    staged = f"{table.layer}.{table.name}__migrating"
    con.execute(table.ddl(staged))
    con.execute(f"INSERT INTO {staged} BY NAME SELECT {', '.join(values)} FROM {table.qualified}")
    con.execute(f"DROP TABLE {table.qualified}")
    con.execute(f"ALTER TABLE {staged} RENAME TO {table.name}")


def _unknown(con: duckdb.DuckDBPyConnection, table: Table, old: set[str]) -> list[str]:
    """Return the columns with values that no column of the contract takes over.

    A contract that renames a column names the old one in the new one's default. Anything else
    is an older version on a newer file: to go on would lose what vendors will not send again.
    """
    taken = {word for column in table.columns for word in re.findall(r"\w+", column.default or "")}
    rest = sorted(old - set(table.column_names) - taken)
    counts = ", ".join(f"count({name})" for name in rest) or "count(*)"
    found = con.execute(f"SELECT {counts} FROM {table.qualified}").fetchall()[0]
    return [name for name, count in zip(rest, found, strict=False) if count]
