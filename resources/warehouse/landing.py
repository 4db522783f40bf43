"""How delivered rows enter a raw table: cast, judged by the contract, versioned or quarantined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resources.warehouse.writing import Written, append, record_change, transaction
from warehouse.tables.prices import FETCHES, QUARANTINE

if TYPE_CHECKING:
    from datetime import date, datetime

    import duckdb
    import pyarrow as pa

    from resources.batch import Batch
    from warehouse.contract import Column, Rule, Table

NAMED_ROWS = 20
# Filled here, not by the provider.
STAMPS = ("row_hash", "load_id", "known_from")


def land(
    con: duckdb.DuckDBPyConnection, table: Table, batch: Batch, *, run_id: str, now: datetime
) -> Written:
    """Append what is new and good, quarantine what breaks the contract, in one transaction.

    A row is new when its values differ from the newest version of the same thing
    (`table.versions_of`); a second row for the same thing in one batch is a duplicate and goes
    to the quarantine. Nothing that was delivered is lost. The first rows that land make the
    warehouse a replay or a real one.
    """
    load_id = f"{run_id}/{table.name}"
    rows = _numbered(batch.rows)
    con.register("delivered_batch", rows)
    with transaction(con):
        con.execute(f"CREATE OR REPLACE TEMP TABLE judged AS {_judged(table, rows)}")
        refused, named = _quarantine(con, table, batch, load_id, now)
        count, first = _append_new(con, table, load_id, now)
        _record_answers(con, table, batch, load_id)
        if count:
            record_change(con, table, first, run_id=run_id, now=now)
            _claim(con, batch.kind, now)
    con.unregister("delivered_batch")
    return Written(
        n_rows=count,
        n_changed=count,
        from_session=first,
        n_quarantined=refused,
        first_refused=named,
    )


def _numbered(rows: pa.Table) -> pa.Table:
    """Return the batch with `ordinal`, and with the origin that an empty one may lack."""
    import pyarrow as pa

    for name, kind in (("source_file", pa.string()), ("source_row", pa.int64())):
        if name not in rows.column_names:
            rows = rows.append_column(name, pa.nulls(rows.num_rows, kind))
    return rows.append_column("ordinal", pa.array(range(1, rows.num_rows + 1), pa.int64()))


def _judged(table: Table, rows: pa.Table) -> str:
    """Return SQL for the batch, cast to the contract, with `reason` where a row breaks it."""
    columns = [column for column in table.columns if column.name not in STAMPS]
    types = {field.name: str(field.type) for field in rows.schema}
    given = [
        f"{_given(c.name, types[c.name])} AS given_{c.name}"
        if c.name in types
        else f"{c.default or 'NULL'} AS given_{c.name}"
        for c in columns
    ]
    broken = [_uncastable(column) for column in columns]
    broken += [_broken(rule) for rule in table.rules() if not set(rule.columns) & {*STAMPS}]
    values = ", ".join(c.name for c in columns if c.name not in table.versions_of)
    return f"""
WITH delivered AS (
  SELECT {", ".join(given)}, ordinal, coalesce(source_row, ordinal) AS place FROM delivered_batch
), cast_rows AS (
  SELECT *, {", ".join(f"{_cast(c)} AS {c.name}" for c in columns)} FROM delivered
), alone AS (
  SELECT *, nullif(concat_ws('; ', {", ".join(broken)}), '') AS broken,
    sha256(json_array({values})::VARCHAR) AS row_hash
  FROM cast_rows
), paired AS (
  SELECT *,
    CASE WHEN broken IS NULL AND row_number() OVER twins > 1 THEN
      'duplicate of row ' || first(place) OVER twins ||
      CASE WHEN row_hash = first(row_hash) OVER twins THEN ', same values' ELSE ', other values' END
    END AS duplicate
  FROM alone
  WINDOW twins AS (
    PARTITION BY broken IS NULL, {", ".join(table.versions_of)} ORDER BY ordinal
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
  )
)
SELECT {", ".join(c.name for c in columns)}, row_hash, ordinal,
  coalesce(broken, duplicate) AS reason
FROM paired
"""


def _given(name: str, kind: str) -> str:
    """Return SQL for a delivered value; blank text is no value."""
    return f"CASE WHEN trim({name}) <> '' THEN {name} END" if "string" in kind else name


def _cast(column: Column) -> str:
    """Return SQL that casts a given value; NULL where it is not of the type."""
    cast = f"TRY_CAST(given_{column.name} AS {column.type})"
    if column.type not in {"DATE", "TIMESTAMP"}:
        return cast
    # DuckDB reads 'infinity' and the year 20250, which are typing errors and no date in Python.
    return f"CASE WHEN {cast} BETWEEN '0001-01-01' AND '9999-12-31' THEN {cast} END"


def _uncastable(column: Column) -> str:
    """Return SQL that names a value which is not of the column's type."""
    return (
        f"CASE WHEN {column.name} IS NULL AND given_{column.name} IS NOT NULL "
        f"THEN '{column.name} is no {column.type}: ' || left(given_{column.name}::VARCHAR, 80) END"
    )


def _broken(rule: Rule) -> str:
    """Return SQL that names a rule which a row breaks, with the values that break it."""
    if rule.kind == "present":
        name = rule.columns[0]
        return f"CASE WHEN given_{name} IS NULL THEN '{name} is missing' END"
    column, *others = rule.columns
    statement = f"{column} is not {rule.name.removeprefix(f'{column}_is_').replace('_', ' ')}"
    if rule.kind == "order":
        statement = f"{column} is above {others[0]}"
    shown = " || ', ' || ".join(f"'{n} ' || {n}::VARCHAR" for n in rule.columns)
    return f"CASE WHEN NOT ({rule.sql}) THEN '{statement}: ' || {shown} END"


def _quarantine(
    con: duckdb.DuckDBPyConnection, table: Table, batch: Batch, load_id: str, now: datetime
) -> tuple[int, tuple[str, ...]]:
    """Put refused rows and rejects aside, each once; return how many, and name the first."""
    import pyarrow as pa

    rejects = {
        "source_file": pa.array([each.source_file for each in batch.rejects], pa.string()),
        "source_row": pa.array([each.source_row for each in batch.rejects], pa.int64()),
        "reason": pa.array([each.reason for each in batch.rejects], pa.string()),
        "payload": pa.array([each.payload for each in batch.rejects], pa.string()),
    }
    con.register("rejects", pa.table(rejects))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE refused AS
        SELECT source_file, source_row::BIGINT AS source_row, reason,
          to_json({_payload(batch.rows)})::VARCHAR AS payload
        FROM judged JOIN delivered_batch USING (ordinal) WHERE reason IS NOT NULL
        UNION ALL FROM rejects
        """
    )
    con.unregister("rejects")
    con.execute(
        f"""
        INSERT INTO {QUARANTINE.qualified} BY NAME
        SELECT DISTINCT ON (quarantine_id)
          sha256(json_array($name, source_file, source_row, reason, payload)::VARCHAR)
            AS quarantine_id,
          $name AS table_name, source_file, source_row, reason, payload,
          $load AS load_id, $now::TIMESTAMP AS quarantined_at
        FROM refused
        WHERE quarantine_id NOT IN (SELECT quarantine_id FROM {QUARANTINE.qualified})
        """,
        {"name": table.qualified, "load": load_id, "now": now},
    )
    named = con.execute(
        f"""
        SELECT concat_ws(': ', concat_ws(':', source_file, source_row), reason) FROM refused
        ORDER BY source_file, source_row LIMIT {NAMED_ROWS}
        """
    ).fetchall()
    count = con.execute("SELECT count(*) FROM refused").fetchall()[0][0]
    return count, tuple(line for (line,) in named)


def _payload(rows: pa.Table) -> str:
    """Return SQL for the row as delivered; JSON has no number for NaN and infinity."""
    shown: list[str] = []
    for field in rows.schema:
        if field.name in {"source_file", "source_row"}:
            continue
        name = 'delivered_batch."' + field.name.replace('"', '""') + '"'
        key = "'" + field.name.replace("'", "''") + "'"
        text = f"to_json({name}::VARCHAR)"
        is_float = str(field.type) in {"float", "double"}
        value = f"CASE WHEN NOT isfinite({name}) THEN {text} ELSE to_json({name}) END"
        shown.append(f"{key}: {value if is_float else name}")
    return "{" + (", ".join(shown) or "'row': NULL") + "}"


def _append_new(
    con: duckdb.DuckDBPyConnection, table: Table, load_id: str, now: datetime
) -> tuple[int, date | None]:
    """Insert the good rows whose values differ from the newest version of the same thing.

    A table whose grain is the thing itself keeps the first version only. A version is always
    known after the one it replaces, even where the clock went back.
    """
    thing = ", ".join(table.versions_of)
    is_new = "IS NULL" if table.grain == table.versions_of else "IS DISTINCT FROM good.row_hash"
    first = "min(session_date)" if "session_date" in table.column_names else "NULL"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE fresh AS
        WITH good AS (
          SELECT * EXCLUDE (ordinal, reason)
          FROM judged WHERE reason IS NULL
        ), newest AS (
          SELECT {thing}, arg_max(row_hash, known_from) AS row_hash,
            max(known_from) + INTERVAL 1 MICROSECOND AS next_known_from
          FROM {table.qualified} SEMI JOIN good USING ({thing})
          GROUP BY ALL
        )
        SELECT good.*, $load AS load_id,
          greatest($now::TIMESTAMP, newest.next_known_from) AS known_from
        FROM good LEFT JOIN newest USING ({thing})
        WHERE newest.row_hash {is_new}
        """,
        {"load": load_id, "now": now},
    )
    order = ", ".join(table.grain)
    con.execute(f"INSERT INTO {table.qualified} BY NAME SELECT * FROM fresh ORDER BY {order}")
    return con.execute(f"SELECT count(*), {first} FROM fresh").fetchall()[0]


def _record_answers(
    con: duckdb.DuckDBPyConnection, table: Table, batch: Batch, load_id: str
) -> None:
    """Keep what the provider answered to each request, its last answer in this load."""
    rows: list[tuple[object, ...]] = [
        (load_id, table.name, a.requested, a.outcome, a.reason, a.n_rows, a.fetched_at)
        for a in batch.answers
    ]
    requested = [answer.requested for answer in batch.answers]
    con.execute(
        f"DELETE FROM {FETCHES.qualified} WHERE load_id = ? AND list_contains(?, requested)",
        [load_id, requested],
    )
    append(con, FETCHES, rows)


def _claim(con: duckdb.DuckDBPyConnection, kind: str | None, now: datetime) -> None:
    """Make the warehouse a replay or a real one, if it is neither yet."""
    if kind:
        con.execute(
            "INSERT INTO meta.warehouse SELECT ?, ?::TIMESTAMP WHERE NOT EXISTS "
            "(FROM meta.warehouse)",
            [kind, now],
        )
