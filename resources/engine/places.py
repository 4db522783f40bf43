"""Which tables are computed where: on the engine that was chosen, or here whatever was chosen."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from resources.engine.names import DUCKDB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

    from warehouse.contract import Table

_READ_WHOLE = "a loop over rows that are read whole"
_TEXT = "Python over texts, of which there are thousands"
# What stays on DuckDB, and why.
STAYS = {
    "core.quarantined_bars": "its case ids hash numbers as text, which engines write differently",
    "core.instruments": _READ_WHOLE,
    "core.instrument_aliases": _READ_WHOLE,
    "core.sessions": "asks for two dates",
    "mart.market_days": _READ_WHOLE,
    "mart.omitted_series": _READ_WHOLE,
    **dict.fromkeys(
        (
            "core.documents",
            "core.mentions",
            "core.claims",
            "mart.claim_checks",
            "mart.source_records",
            "core.article_tones",
            "mart.event_articles",
            "mart.mention_bursts",
            "mart.event_coverage",
        ),
        _TEXT,
    ),
}


class Here:
    """A computation on the core file itself."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        import ibis

        self._backend = ibis.duckdb.from_connection(con)

    def table(self, source: Table) -> Any:
        """Return a table as Ibis has it."""
        return self._backend.table(source.name, database=source.layer)

    def computed(self, result: Any) -> tuple[Any, str | None]:
        """Return what is to be kept of a result, and the SQL of it if it is an expression."""
        if not hasattr(result, "to_pyarrow_batches"):
            return result, None
        import ibis

        sql = str(ibis.to_sql(result, dialect="duckdb"))
        return sql, sql  # to compile an expression takes longer than to run it on the replay


@contextmanager
def place(
    table: Table, con: duckdb.DuckDBPyConnection, engine: str, lake: Path, core: Path
) -> Iterator[Any]:
    """Yield where a table is computed: `Here`, or `resources.engine.spread.Spread`.

    Parameters
    ----------
    table : Table
        What is computed.
    con : DuckDB connection
        To the core file, under its shared lock.
    engine : str
        As `resources.engine.names.misuse` explains it.
    lake, core : Path
        As `resources.engine.lake.Lake` explains them.

    Raises
    ------
    WarehouseError
        If Spark cannot be had, or fails: one line.
    """
    if engine == DUCKDB or table.qualified in STAYS:
        yield Here(con)
        return
    from resources.engine.lake import Lake
    from resources.engine.spread import Spread, told

    with told(table, engine), closing(Spread(con, engine, Lake(lake, core))) as found:
        yield found
