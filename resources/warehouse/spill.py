"""Where a computed result waits between the shared and the exclusive lock."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from resources.warehouse.ordering import InOrder

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from warehouse.contract import Table

# Above this the result goes to a temporary Parquet file: 256 MB is a third of what a run may use.
IN_MEMORY_BYTES = 256 * 2**20
ORPHAN_SECONDS = 24 * 3600

_ARROW = {
    "BIGINT": "int64",
    "BOOLEAN": "bool",
    "DATE": "date32",
    "DOUBLE": "float64",
    "INTEGER": "int32",
    "TIMESTAMP": "timestamp[us]",
    "VARCHAR": "string",
}


def arrow_schema(table: Table) -> pa.Schema:
    """Return the contract's columns as an Arrow schema."""
    import pyarrow as pa

    types = {
        "date32": pa.date32(),
        "timestamp[us]": pa.timestamp("us"),
        "string": pa.string(),
        "int64": pa.int64(),
        "int32": pa.int32(),
        "bool": pa.bool_(),
        "float64": pa.float64(),
    }
    return pa.schema([(column.name, types[_ARROW[column.type]]) for column in table.columns])


class Spill:
    """One result: in memory while it is small, in a temporary Parquet file when it is large."""

    def __init__(self, folder: Path, table: Table) -> None:
        self._folder = folder
        self._table = table
        self._rows: pa.Table | None = None
        self._file: Path | None = None
        self._order = InOrder(table.order)
        self.is_ordered = False
        """Whether the rows are known to lie in the table's order."""
        self._result: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.unlink(missing_ok=True)
        if self._result:
            self._result.close()

    def keep(self, con: duckdb.DuckDBPyConnection, result: Any) -> None:
        """Take a query or an Ibis expression (run on `con`), a frame, an Arrow table or stream.

        What another engine wrote (`resources.engine.results.Result`) stays where it is until then.
        """
        import pyarrow as pa

        if hasattr(result, "relation"):
            self._result = result
            return
        schema = arrow_schema(self._table)
        if hasattr(result, "to_pyarrow_batches"):  # an Ibis expression
            import ibis

            result = str(ibis.to_sql(result, dialect="duckdb"))
        if isinstance(result, str):
            with closing(con.cursor()) as cursor:  # one left open would keep the file read-only
                self._stream(cursor.sql(result).to_arrow_reader(100_000))
        elif isinstance(result, pa.RecordBatchReader):
            self._stream(result)
        elif isinstance(result, pa.Table):
            self._rows = result.select(schema.names)
        else:
            frame = result[schema.names]
            self._rows = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)

    def show(self, con: duckdb.DuckDBPyConnection, name: str) -> None:
        """Make the result readable on `con` under `name`."""
        if self._result:
            con.execute(f"CREATE TEMP VIEW {name} AS {self._result.relation(con)}")
        elif self._file:
            path = str(self._file).replace("'", "''")
            con.execute(f"CREATE TEMP VIEW {name} AS FROM read_parquet('{path}')")
        else:
            con.register(name, self._rows)

    def _stream(self, reader: pa.RecordBatchReader) -> None:
        """Read batches until they are too many to hold, then write them all to Parquet."""
        import pyarrow as pa

        held: list[pa.RecordBatch] = []
        size = 0
        for batch in reader:
            self._order.see(batch)
            held.append(batch)
            size += batch.nbytes
            if size > IN_MEMORY_BYTES:
                self._to_parquet(reader, held)
                break
        else:
            self._rows = pa.Table.from_batches(held, schema=reader.schema)
        self.is_ordered = self._order.holds

    def _to_parquet(self, reader: pa.RecordBatchReader, held: list[pa.RecordBatch]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._folder.mkdir(parents=True, exist_ok=True)
        for orphan in self._folder.glob("*.parquet"):  # of a killed process
            if time.time() - orphan.stat().st_mtime > ORPHAN_SECONDS:
                orphan.unlink(missing_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder, suffix=".parquet")
        os.close(handle)
        self._file = Path(name)
        words = [field.name for field in reader.schema if pa.types.is_string(field.type)]
        # Written and read once within a minute: packing the numbers would take longer than both.
        how = {"compression": "none", "use_dictionary": words, "write_statistics": False}
        with pq.ParquetWriter(name, reader.schema, **how) as writer:
            for batch in held:
                writer.write_batch(batch)
            held.clear()
            for batch in reader:
                self._order.see(batch)
                writer.write_batch(batch)
