"""The lake: a release as immutable Parquet files that scale-out engines read.

Rows pass from the reader's connection through Arrow, a batch at a time. DuckDB's own COPY would
need a connection that may write files, and its PARTITION_BY held 5.9 GB for 50 million bars.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from resources.exports.contracts import refuse_older
from resources.exports.released import file_stem, released
from resources.warehouse import WarehouseError, files
from resources.warehouse.copies import sync
from resources.warehouse.spill import arrow_schema
from warehouse.contract import Layer
from warehouse.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import duckdb
    import pyarrow as pa

    from resources.exports.released import Released
    from warehouse.contract import Table

MANIFEST = "_manifest.json"
FORMAT = 1
# Rows on their way at once, and those of a row group: 40 columns of a million are 300 MB.
BATCH_ROWS = 50_000
GROUP_ROWS = 250_000


@dataclass(frozen=True)
class _Part:
    """One file to be: where in the table's folder, and which rows."""

    path: str
    where: str = ""
    values: tuple[int | str, ...] = ()


def write_lake(
    con: duckdb.DuckDBPyConnection, folder: Path, layers: Sequence[str] = ("core", "mart")
) -> Path:
    """Write a release to ``folder/<release_id>/<layer>/<table>/``; return ``folder/<release_id>``.

    A table that is written day by day has one file per year, ``session_year=2025/part-0.parquet``,
    any other one. Rows are in the order of the grain. Types are those that Spark 3.4 and later
    reads: instants are TIMESTAMP_NTZ in microseconds, in UTC. ``_manifest.json`` tells the release,
    its vintage and, for each table, contract, columns with their units, and files with their
    SHA-256. A release that is already there is left as it is.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        Reads a release, hardened or not.
    folder : Path
        The lake; made where it is missing.
    layers : sequence of str
        Which layers; raw holds the texts of articles.

    Raises
    ------
    WarehouseError
        If a layer is unknown, the release is of an older schema, the lake holds it with other
        layers, or the files cannot be written: then nothing of it is left.
    """
    if unknown := sorted(set(layers) - set(get_args(Layer))):
        raise WarehouseError(f"no such layer: {', '.join(unknown)}")
    of = released(con)
    target = folder / of.release_id
    tables = [table for table in TABLES if table.layer in layers]
    refuse_older(con, tables)
    return _place(con, target, of, tables)


def write_event(con: duckdb.DuckDBPyConnection, event_id: str, folder: Path) -> Path:
    """Write what the mart says of one event to ``folder/<release_id>-<event_id>/mart/<table>/``.

    One file per table that has the event's key; types, order, manifest and errors as of
    `write_lake`.

    Raises
    ------
    WarehouseError
        Also if the release has no such event.
    """
    of = released(con)
    known = "SELECT count(*) FROM mart.selloff_events WHERE event_id = ?"
    if not con.execute(known, [event_id]).fetchall()[0][0]:
        raise WarehouseError(f"no event {event_id!r} in release {of.release_id}")
    tables = [
        table for table in TABLES if table.layer == "mart" and "event_id" in table.column_names
    ]
    refuse_older(con, tables)
    return _place(con, folder / f"{of.release_id}-{file_stem(event_id)}", of, tables, event_id)


def _place(
    con: duckdb.DuckDBPyConnection,
    target: Path,
    of: Released,
    tables: list[Table],
    event_id: str | None = None,
) -> Path:
    """Write tables to a folder that appears whole; one that is there is left as it is."""
    folder = target.parent
    staged = folder / f".{target.name}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Whatever is staged is then the leftover of a killed process.
        with files.locked(folder / ".lake", exclusive=True):
            if target.exists():
                _refuse_other(target, tables)
                return target
            shutil.rmtree(staged, ignore_errors=True)
            try:
                _write(con, staged, of, tables, event_id)
                staged.rename(target)
                sync(folder)
            finally:
                shutil.rmtree(staged, ignore_errors=True)
    except OSError as error:
        raise WarehouseError(
            f"{target}: cannot be written: {error.strerror or error}; nothing of it is left"
        ) from None
    return target


def _refuse_other(target: Path, tables: list[Table]) -> None:
    """Refuse to take a release with other tables for the one that was asked for."""
    try:
        manifest = json.loads((target / MANIFEST).read_text(encoding="utf-8"))
        held = {each["table"] for each in manifest["tables"]}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        raise WarehouseError(f"{target}: not a release of a lake, it has no manifest") from None
    if held != {table.qualified for table in tables}:
        raise WarehouseError(
            f"{target}: already there with other tables, and never changed: name another folder"
        )


def _write(
    con: duckdb.DuckDBPyConnection,
    staged: Path,
    of: Released,
    tables: list[Table],
    event_id: str | None,
) -> None:
    """Write every table, then what they are."""
    written = [_write_table(con, staged, table, event_id) for table in tables]
    text = json.dumps(_manifest(of, written), indent=1, ensure_ascii=False) + "\n"
    (staged / MANIFEST).write_text(text, encoding="utf-8")
    sync(staged / MANIFEST)
    for inner in [staged, *staged.rglob("*/")]:
        sync(inner)


def _write_table(
    con: duckdb.DuckDBPyConnection, staged: Path, table: Table, event_id: str | None
) -> dict[str, Any]:
    """Write the files of one table; return what the manifest says of it."""
    schema = arrow_schema(table)
    names = ", ".join(table.column_names)
    order = ", ".join(table.grain)
    found: list[dict[str, Any]] = []
    of_event = [_Part("part-0.parquet", "WHERE event_id = ?", (event_id or "",))]
    for part in of_event if event_id else _parts(con, table):
        path = staged / table.layer / table.name / part.path
        path.parent.mkdir(parents=True, exist_ok=True)
        sql = f"SELECT {names} FROM {table.qualified} {part.where} ORDER BY {order}"
        n_rows = _write_file(con, path, schema, sql, part.values)
        found.append(
            {
                "path": path.relative_to(staged).as_posix(),
                "rows": n_rows,
                "bytes": path.stat().st_size,
                "sha256": _sealed(path),
            }
        )
    return _described(table, found)


def _parts(con: duckdb.DuckDBPyConnection, table: Table) -> list[_Part]:
    """Return the files of a table: one per year of its partition, or one."""
    whole = [_Part("part-0.parquet")]
    if table.partition is None:
        return whole
    day = table.partition
    name = day.removesuffix("_date")
    sql = f"SELECT DISTINCT year({day}) AS each FROM {table.qualified} ORDER BY each"
    where = f"WHERE {day} >= make_date(?, 1, 1) AND {day} < make_date(?, 1, 1)"
    parts = [
        _Part(f"{name}_year={year}/part-0.parquet", where, (year, year + 1))
        for (year,) in con.cursor().execute(sql).fetchall()
    ]
    return parts or whole


def _write_file(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    schema: pa.Schema,
    sql: str,
    values: tuple[int | str, ...],
) -> int:
    """Write the rows of a query to one Parquet file; return how many."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    n_rows = 0
    cursor = con.cursor()  # one result per cursor: a second would end the first without a word
    try:
        with pq.ParquetWriter(path, schema, compression="zstd", write_page_index=True) as writer:
            for group in _groups(cursor.sql(sql, params=list(values)).to_arrow_reader(BATCH_ROWS)):
                rows = pa.Table.from_batches(group).cast(schema)
                writer.write_table(rows, row_group_size=GROUP_ROWS)
                n_rows += rows.num_rows
    finally:
        cursor.close()
    return n_rows


def _groups(reader: pa.RecordBatchReader) -> Iterator[list[pa.RecordBatch]]:
    """Gather batches to row groups: a group each would make files large and slow to read."""
    held: list[pa.RecordBatch] = []
    for batch in reader:
        held.append(batch)
        if sum(each.num_rows for each in held) >= GROUP_ROWS:
            yield held
            held = []
    if held:
        yield held


def _sealed(path: Path) -> str:
    """Make a file durable; return the SHA-256 of its bytes."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()


def _described(table: Table, found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the manifest says of a table."""
    return {
        "table": table.qualified,
        "doc": table.doc,
        "contract_hash": table.hash,
        "grain": list(table.grain),
        "partition": table.partition,
        "rows": sum(each["rows"] for each in found),
        "columns": [
            {
                "name": column.name,
                "type": column.type,
                "unit": column.unit,
                "nullable": column.nullable,
                "doc": column.doc,
            }
            for column in table.columns
        ],
        "files": found,
    }


def _manifest(of: Released, tables: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the manifest: which release this is, and its tables."""
    return {
        "format": FORMAT,
        "release_id": of.release_id,
        "published_at": of.published_at.isoformat() + "Z",
        "as_of": of.as_of.isoformat() + "Z" if of.as_of else None,
        "code_version": of.code_version,
        "duckdb_version": of.duckdb_version,
        "kind": of.kind,
        "tables": tables,
    }
