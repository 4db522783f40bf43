"""What is refused on landing: put aside with its cause, resolved when it comes in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resources.warehouse.writing import record_change
from warehouse.tables.quarantine import QUARANTINE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    import duckdb
    import pyarrow as pa

    from resources.batch import Reject
    from warehouse.contract import Table

NAMED_ROWS = 20
# What tells which thing a refused row spoke of, where the table has it.
_SUBJECT = {"listing_id": "VARCHAR", "session_date": "DATE", "source": "VARCHAR"}


def put_aside(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    rows: pa.Table,
    rejects: Sequence[Reject],
    *,
    load_id: str,
    now: datetime,
) -> tuple[int, tuple[str, ...]]:
    """Quarantine the refused rows of `judged` and the rejects, each once.

    A case that comes again is only seen again; one whose subject comes in order is resolved, and
    open again should it come back.

    Returns
    -------
    tuple
        How many rows were refused, and the first of them, one line each.
    """
    _collect(con, table, rows, rejects)
    first = _record(con, table, load_id, now)
    settled = _resolve(con, table, now)
    changed = [day for day in (first, settled) if day]
    if changed:
        record_change(con, QUARANTINE, min(changed), run_id=load_id.partition("/")[0], now=now)
    named = con.execute(
        f"""
        SELECT concat_ws(': ', concat_ws(':', source_file, source_row), reason) FROM refused
        ORDER BY source_file, source_row LIMIT {NAMED_ROWS}
        """
    ).fetchall()
    count = con.execute("SELECT count(*) FROM refused").fetchall()[0][0]
    return count, tuple(line for (line,) in named)


def _collect(
    con: duckdb.DuckDBPyConnection, table: Table, rows: pa.Table, rejects: Sequence[Reject]
) -> None:
    """Make `refused`: the rows that break the contract, and the pieces that are no rows."""
    import pyarrow as pa

    texts = {
        name: pa.array([getattr(each, name) for each in rejects], pa.string())
        for name in ("source_file", "reason", "payload")
    }
    numbers = {"source_row": pa.array([each.source_row for each in rejects], pa.int64())}
    con.register("rejects", pa.table({**texts, **numbers}))
    subject = ", ".join(
        f"judged.{name}" if name in table.column_names else f"NULL::{kind} AS {name}"
        for name, kind in _SUBJECT.items()
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE refused AS
        SELECT *, sha256(
          json_array($name, source_file, source_row, reason, payload)::VARCHAR
        ) AS quarantine_id FROM (
          SELECT d.source_file, d.source_row::BIGINT AS source_row, reason,
            to_json({_payload(rows)})::VARCHAR AS payload, {subject}
          FROM judged JOIN delivered_batch AS d USING (ordinal) WHERE reason IS NOT NULL
          UNION ALL BY NAME FROM rejects
        )
        """,
        {"name": table.qualified},
    )
    con.unregister("rejects")


def _record(
    con: duckdb.DuckDBPyConnection, table: Table, load_id: str, now: datetime
) -> date | None:
    """Add the new cases, note the old ones as seen; return the first session newly out."""
    stamps = {"name": table.qualified, "load": load_id, "now": now}
    first = con.execute(
        f"""
        SELECT min(session_date) FROM refused WHERE quarantine_id NOT IN (
          SELECT quarantine_id FROM {QUARANTINE.qualified} WHERE resolved_at IS NULL
        )
        """
    ).fetchall()[0][0]
    con.execute(
        f"""
        UPDATE {QUARANTINE.qualified} SET last_seen_at = $now, resolved_at = NULL
        WHERE quarantine_id IN (SELECT quarantine_id FROM refused)
        """,
        {"now": now},
    )
    con.execute(
        f"""
        INSERT INTO {QUARANTINE.qualified} BY NAME
        SELECT DISTINCT ON (quarantine_id) *, $name AS table_name, $load AS load_id,
          $now::TIMESTAMP AS first_seen_at, $now::TIMESTAMP AS last_seen_at
        FROM refused
        WHERE quarantine_id NOT IN (SELECT quarantine_id FROM {QUARANTINE.qualified})
        """,
        stamps,
    )
    return first


def _resolve(con: duckdb.DuckDBPyConnection, table: Table, now: datetime) -> date | None:
    """Resolve the open cases whose subject came in order; return the first session back."""
    if not set(_SUBJECT) <= set(table.column_names):
        return None
    rows = con.execute(
        f"""
        UPDATE {QUARANTINE.qualified} AS q SET resolved_at = $now
        FROM arrived AS good
        WHERE q.resolved_at IS NULL AND q.table_name = $name
          AND good.ordinal NOT IN (SELECT ordinal FROM judged WHERE reason IS NOT NULL)
          AND q.listing_id = good.listing_id AND q.session_date = good.session_date
          AND q.source = good.source
          AND q.quarantine_id NOT IN (SELECT quarantine_id FROM refused)
        RETURNING q.session_date
        """,
        {"now": now, "name": table.qualified},
    ).fetchall()
    return min((day for (day,) in rows), default=None)


def _payload(rows: pa.Table) -> str:
    """Return SQL for the row as delivered; JSON has no number for NaN and infinity."""
    shown: list[str] = []
    for field in rows.schema:
        if field.name in {"source_file", "source_row", "ordinal"}:
            continue
        name = 'd."' + field.name.replace('"', '""') + '"'
        key = "'" + field.name.replace("'", "''") + "'"
        text = f"to_json({name}::VARCHAR)"
        is_float = str(field.type) in {"float", "double"}
        value = f"CASE WHEN NOT isfinite({name}) THEN {text} ELSE to_json({name}) END"
        shown.append(f"{key}: {value if is_float else name}")
    return "{" + (", ".join(shown) or "'row': NULL") + "}"
