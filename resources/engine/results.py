"""What Spark computed, as Parquet: complete or not there, and gone once the core file has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resources.engine.lake import address, told
from resources.engine.names import EngineError

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from resources.engine.lake import Work

# Spark puts this beside the parts of a result when all are there.
_DONE = "_SUCCESS"


class Result:
    """A complete result in a folder of its own, which it takes away when it is closed."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.folder = work.folder / "result"

    def relation(self, con: duckdb.DuckDBPyConnection) -> str:
        """Return SQL of its rows, instants in UTC without zone as the contracts have them.

        The other types are cast where every result is, by the contract (`writing.replace`).
        """
        pattern = str(self.folder / "*.parquet").replace("'", "''")
        rows = f"read_parquet('{pattern}')"
        columns = con.execute(f"DESCRIBE FROM {rows}").fetchall()
        aware = [name for name, kind, *_ in columns if kind == "TIMESTAMP WITH TIME ZONE"]
        utc = ", ".join(f'"{name}" AT TIME ZONE \'UTC\' AS "{name}"' for name in aware)
        replaced = f"REPLACE ({utc}) " if utc else ""
        return f"SELECT * {replaced}FROM {rows}"

    def close(self) -> None:
        """Delete it."""
        self._work.close()


def written(rows: Any, work: Work) -> Result:
    """Let Spark write a data frame under a temporary name; rename it when it is complete.

    Parameters
    ----------
    rows : pyspark DataFrame
        What is computed while it is written.
    work : Work
        The folder for it; closed if anything fails.

    Raises
    ------
    EngineError
        If Spark says that it is done and its parts are not all there: it wrote elsewhere.
    """
    result = Result(work)
    staged = work.folder / "result.writing"
    try:
        rows.write.parquet(address(staged))
        _refuse_elsewhere(staged)
        with told(work.folder):
            staged.rename(result.folder)
    except BaseException:
        work.close()
        raise
    return result


def _refuse_elsewhere(staged: Path) -> None:
    """Refuse a result that Spark has finished and that is not here."""
    if not (staged / _DONE).exists():
        raise EngineError(
            f"SELLOFF_LAKE: what Spark wrote to {staged} is not here; a folder that both see"
        )
