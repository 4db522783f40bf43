"""How delivered rows enter a raw table: cast, judged by the contract, versioned or quarantined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resources.warehouse.writing import Written, record_change, transaction
from warehouse.tables.prices import FETCHES, QUARANTINE

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb
    import pyarrow as pa

    from resources.batch import Batch
    from warehouse.contract import Column, Rule, Table

# Filled here, not by the provider.
STAMPS = ("row_hash", "load_id", "known_from")


def land(
    con: duckdb.DuckDBPyConnection, table: Table, batch: Batch, *, run_id: str, now: datetime
) -> Written:
    """Append what is new and good, quarantine what breaks the contract, in one transaction.

    A row is new when its values differ from the newest version of the same thing
    (`table.versions_of`); a second row for the same thing in one batch is a duplicate and goes
    to the quarantine. Nothing that was delivered is lost.
    """
    load_id = f"{run_id}/{table.name}"
    con.register("delivered_batch", batch.rows)
    with transaction(con):
        con.execute(f"CREATE OR REPLACE TEMP TABLE judged AS {_judged(table, batch.rows)}")
        refused = _quarantine(con, table, batch, load_id, now)
        added = _append_new(con, table, load_id, now)
        _record_answers(con, table, batch, load_id)
        count, first = added
        if count:
            record_change(con, table, first, run_id=run_id, now=now)
    con.unregister("delivered_batch")
    return Written(n_rows=count, n_changed=count, from_session=first, n_quarantined=refused)


def _judged(table: Table, rows: pa.Table) -> str:
    """Return SQL for the batch, cast to the contract, with `reason` where a row breaks it."""
    columns = [column for column in table.columns if column.name not in STAMPS]
    delivered = set(rows.column_names)
    raws = [
        f"{column.name} AS raw_{column.name}"
        if column.name in delivered
        else f"{column.default or 'NULL'} AS raw_{column.name}"
        for column in columns
    ]
    casts = [f"TRY_CAST(raw_{c.name} AS {c.type}) AS {c.name}" for c in columns]
    broken = [_uncastable(column) for column in columns]
    broken += [_broken(rule) for rule in table.rules() if not set(rule.columns) & {*STAMPS}]
    names = ", ".join(column.name for column in columns)
    thing = ", ".join(table.versions_of)
    values = [c.name for c in columns if c.name not in table.versions_of]
    same = " AND ".join(f"{name} IS NOT DISTINCT FROM first({name}) OVER twins" for name in values)
    return f"""
WITH delivered AS (
  SELECT {", ".join(raws)}, source_file, source_row::BIGINT AS source_row,
         row_number() OVER () AS ordinal
  FROM delivered_batch
), cast_rows AS (
  SELECT *, {", ".join(casts)} FROM delivered
), alone AS (
  SELECT *, nullif(concat_ws('; ', {", ".join(broken)}), '') AS broken FROM cast_rows
), paired AS (
  SELECT *,
    CASE WHEN broken IS NULL AND row_number() OVER twins > 1 THEN
      'duplicate of row ' || first(coalesce(source_row, ordinal)) OVER twins ||
      CASE WHEN {same} THEN ', same values' ELSE ', other values' END
    END AS duplicate
  FROM alone
  WINDOW twins AS (
    PARTITION BY broken IS NULL, {thing} ORDER BY ordinal
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
  )
)
SELECT {names}, source_file, source_row, ordinal, coalesce(broken, duplicate) AS reason,
  CASE WHEN coalesce(broken, duplicate) IS NOT NULL
    THEN to_json({{{", ".join(f"'{c.name}': raw_{c.name}" for c in columns)}}})::VARCHAR
  END AS payload,
  sha256(concat_ws('|', {", ".join(f"coalesce({name}::VARCHAR, '')" for name in values)}))
    AS row_hash
FROM paired
"""


def _uncastable(column: Column) -> str:
    """Return SQL that names a value which is not of the column's type."""
    return (
        f"CASE WHEN {column.name} IS NULL AND raw_{column.name} IS NOT NULL "
        f"THEN '{column.name} is no {column.type}: ' || left(raw_{column.name}::VARCHAR, 80) END"
    )


def _broken(rule: Rule) -> str:
    """Return SQL that names a rule which a row breaks, with the values that break it."""
    if rule.kind == "present":
        name = rule.columns[0]
        return f"CASE WHEN raw_{name} IS NULL THEN '{name} is missing' END"
    statement = rule.name.replace("_is_", " is not ", 1).replace("_", " ")
    if rule.kind == "order":
        statement = f"{rule.columns[0]} is above {rule.columns[1]}"
    shown = " || ', ' || ".join(f"'{n} ' || {n}::VARCHAR" for n in rule.columns)
    return f"CASE WHEN NOT ({rule.sql}) THEN '{statement}: ' || {shown} END"


def _quarantine(
    con: duckdb.DuckDBPyConnection, table: Table, batch: Batch, load_id: str, now: datetime
) -> int:
    """Put refused rows and rejects aside, each once; return how many this batch had."""
    rejects = [
        (reject.source_file, reject.source_row, reject.reason, reject.payload)
        for reject in batch.rejects
    ]
    con.execute(
        "CREATE OR REPLACE TEMP TABLE refused AS "
        "SELECT source_file, source_row, reason, payload FROM judged WHERE reason IS NOT NULL"
    )
    if rejects:
        con.executemany("INSERT INTO refused VALUES (?, ?, ?, ?)", rejects)
    con.execute(
        f"""
        INSERT INTO {QUARANTINE.qualified} BY NAME
        SELECT DISTINCT ON (quarantine_id)
          sha256(concat_ws('|', $name, source_file, source_row, reason, payload)) AS quarantine_id,
          $name AS table_name, source_file, source_row, reason, payload,
          $load AS load_id, $now::TIMESTAMP AS quarantined_at
        FROM refused
        WHERE quarantine_id NOT IN (SELECT quarantine_id FROM {QUARANTINE.qualified})
        """,
        {"name": table.qualified, "load": load_id, "now": now},
    )
    return con.execute("SELECT count(*) FROM refused").fetchall()[0][0]


def _append_new(
    con: duckdb.DuckDBPyConnection, table: Table, load_id: str, now: datetime
) -> tuple[int, object]:
    """Insert the good rows whose values differ from the newest version of the same thing."""
    thing = ", ".join(table.versions_of)
    first = "min(session_date)" if "session_date" in table.column_names else "NULL"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE fresh AS
        SELECT * EXCLUDE (source_file, source_row, ordinal, reason, payload),
          $load AS load_id, $now::TIMESTAMP AS known_from
        FROM judged
        WHERE reason IS NULL AND NOT EXISTS (
          SELECT 1 FROM (
            SELECT {thing}, arg_max(row_hash, known_from) AS row_hash
            FROM {table.qualified} GROUP BY ALL
          ) AS newest
          WHERE {" AND ".join(f"newest.{name} = judged.{name}" for name in table.versions_of)}
            AND newest.row_hash = judged.row_hash
        )
        """,
        {"load": load_id, "now": now},
    )
    order = ", ".join(table.grain)
    con.execute(f"INSERT INTO {table.qualified} BY NAME SELECT * FROM fresh ORDER BY {order}")
    return con.execute(f"SELECT count(*), {first} FROM fresh").fetchall()[0]


def _record_answers(
    con: duckdb.DuckDBPyConnection, table: Table, batch: Batch, load_id: str
) -> None:
    """Keep what the provider answered to each request."""
    rows = [
        (load_id, table.name, a.requested, a.outcome, a.reason, a.n_rows, a.fetched_at)
        for a in batch.answers
    ]
    if rows:
        marks = ", ".join("?" * len(FETCHES.columns))
        con.execute(f"DELETE FROM {FETCHES.qualified} WHERE load_id = ?", [load_id])
        con.executemany(f"INSERT INTO {FETCHES.qualified} VALUES ({marks})", rows)
