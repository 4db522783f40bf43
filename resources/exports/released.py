"""What an export says of the release it was taken from, so that every figure can be cited."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resources.warehouse import WarehouseError

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

# Also the name of a folder: nothing else may become one.
_RELEASE_ID = re.compile(r"\d{8}T\d{6}\.\d{6}Z", re.ASCII)
_PLAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,120}")
_OWN_ROW = """
SELECT release_id, published_at, as_of, code_version, duckdb_version,
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
    found = Released(*rows[0])
    if not _RELEASE_ID.fullmatch(found.release_id):
        raise WarehouseError(f"{found.release_id!r} is not the name of a release")
    return found


def file_stem(event_id: str) -> str:
    """Return an event's name among files: its id, or a digest of it where it is no plain name.

    >>> file_stem("sector-us-energy-2025-01-27")
    'sector-us-energy-2025-01-27'
    """
    if _PLAIN.fullmatch(event_id):
        return event_id
    return f"event-{hashlib.sha256(event_id.encode()).hexdigest()[:16]}"
