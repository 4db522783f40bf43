"""What an export says of the release it was taken from, so that every figure can be cited."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resources.warehouse import WarehouseError
from warehouse.tables import TABLES

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

# Also the name of a folder: nothing else may become one.
_RELEASE_ID = re.compile(r"\d{8}T\d{6}\.\d{6}Z", re.ASCII)
_OWN_ROW = """
SELECT release_id, published_at, code_version, duckdb_version,
  (SELECT any_value(kind) FROM meta.warehouse)
FROM meta.releases ORDER BY rowid DESC LIMIT 1
"""


@dataclass(frozen=True)
class Released:
    """The release that a connection reads.

    Parameters
    ----------
    release_id : str
        Its name.
    published_at : datetime
        When it was published, naive UTC.
    as_of : datetime or None
        Newest vintage among its rows, naive UTC: what was known; None where no row has one.
    code_version : str or None
        Commit of the code that published it.
    duckdb_version : str
        Engine that wrote it.
    kind : str or None
        Whether its data are real or the replay's; None where it was never filled.
    """

    release_id: str
    published_at: datetime
    as_of: datetime | None
    code_version: str | None
    duckdb_version: str
    kind: str | None


def released(con: duckdb.DuckDBPyConnection) -> Released:
    """Return which release a connection reads.

    Raises
    ------
    WarehouseError
        If it reads none, or one whose name is not a release's.
    """
    rows = con.execute(_OWN_ROW).fetchall()
    if not rows:
        raise WarehouseError("only a published release is exported, and this file is none")
    release_id, published_at, code_version, engine, kind = rows[0]
    if not _RELEASE_ID.fullmatch(release_id):
        raise WarehouseError(f"{release_id!r} is not the name of a release")
    return Released(release_id, published_at, _as_of(con), code_version, engine, kind)


def _as_of(con: duckdb.DuckDBPyConnection) -> datetime | None:
    """Return the newest vintage in core and mart."""
    dated = [
        table.qualified
        for table in TABLES
        if table.layer in {"core", "mart"} and "as_of" in table.column_names
    ]
    each = " UNION ALL ".join(f"SELECT max(as_of) AS newest FROM {name}" for name in dated)
    found: datetime | None = con.execute(f"SELECT max(newest) FROM ({each})").fetchall()[0][0]
    return found
