"""Delivered rows held against a contract: cast, compared with what is known, judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from warehouse.contract import Column, Rule, Table

# Filled on landing, not by the provider.
STAMPS = ("row_hash", "load_id", "known_from")
_SIDES = ("old", "new")


def judge(con: duckdb.DuckDBPyConnection, table: Table, delivered: pa.Table) -> pa.Table:
    """Cast a batch and judge what of it is new.

    Leaves three relations on the connection: `delivered_batch`, the rows with their `ordinal`;
    `arrived`, the same cast to the contract; and `judged`, those of them whose values the newest
    version of the same thing does not have, with `row_hash`, and `reason` where a row breaks the
    contract. A vendor's history comes again and again, and what is stored has been judged: not
    judging it anew makes a re-fetch three times as fast.

    Returns
    -------
    pyarrow.Table
        `delivered_batch`.
    """
    rows = _numbered(delivered)
    con.register("delivered_batch", rows)
    con.execute(f"CREATE OR REPLACE TEMP TABLE arrived AS {_cast_rows(table, rows)}")
    con.execute(f"CREATE OR REPLACE TEMP TABLE judged AS {_judged(table)}", span(con, table))
    return rows


def same_thing(table: Table, one: str, other: str) -> str:
    """Return SQL that joins two relations on the thing whose versions a table keeps.

    A part of the key may be unknown (a share count without filing date): NULL is NULL here.
    """
    pairs = [f"{one}.{name} IS NOT DISTINCT FROM {other}.{name}" for name in table.versions_of]
    return " AND ".join(pairs)


def in_span(table: Table) -> str:
    """Return SQL for the rows of a table that a batch can be versions of: those of its sessions.

    The engine then reads the row groups of those days alone, out of ten years of them.
    """
    return "old.session_date BETWEEN $start AND $end" if _has_sessions(table) else "true"


def _has_sessions(table: Table) -> bool:
    return "session_date" in table.versions_of


def span(con: duckdb.DuckDBPyConnection, table: Table) -> dict[str, object]:
    """Return the first and last session that arrived, for `in_span`."""
    if not _has_sessions(table):
        return {}
    found = con.execute("SELECT min(session_date), max(session_date) FROM arrived").fetchall()
    return dict(zip(("start", "end"), found[0], strict=True))


def delivered_columns(table: Table) -> list[Column]:
    """Return the columns that a provider fills."""
    return [column for column in table.columns if column.name not in STAMPS]


def _numbered(rows: pa.Table) -> pa.Table:
    """Return the batch with `ordinal`, and with the origin that an empty one may lack."""
    import pyarrow as pa

    for name, kind in (("source_file", pa.string()), ("source_row", pa.int64())):
        if name not in rows.column_names:
            rows = rows.append_column(name, pa.nulls(rows.num_rows, kind))
    return rows.append_column("ordinal", pa.array(range(1, rows.num_rows + 1), pa.int64()))


def _cast_rows(table: Table, rows: pa.Table) -> str:
    """Return SQL for the batch, cast; `torn` says what is missing or not of its type."""
    columns = delivered_columns(table)
    types = {field.name: str(field.type) for field in rows.schema}
    given = [
        f"{c.name if c.name in types else c.default or 'NULL'} AS given_{c.name}" for c in columns
    ]
    texts = {name for name, kind in types.items() if "string" in kind}
    cast = [f"{_cast(c, is_text=c.name in texts)} AS {c.name}" for c in columns]
    torn = [_torn(c, is_text=c.name in texts) for c in columns]
    names = ", ".join(c.name for c in columns)
    return f"""
SELECT {names}, ordinal, place, nullif(concat_ws('; ', {", ".join(torn)}), '') AS torn
FROM (
  SELECT *, {", ".join(cast)}
  FROM (
    SELECT {", ".join(given)}, ordinal, coalesce(source_row, ordinal) AS place FROM delivered_batch
  )
)
"""


def _judged(table: Table) -> str:
    """Return SQL for the rows of `arrived` that are new or stand twice, with what is wrong."""
    names = [c.name for c in delivered_columns(table)]
    thing, values = table.versions_of, [n for n in names if n not in table.versions_of]
    # 64 bits tell two versions of one thing apart; carrying the values themselves costs 2 s more
    # for a million rows.
    old, new = (f"hash({', '.join(f'{side}.{n}' for n in values or thing)})" for side in _SIDES)
    rules = [_broken(rule) for rule in table.rules() if _is_judged(rule)]
    key = ", ".join(thing)
    judged = f"""
  SELECT *, nullif(concat_ws('; ', torn, {", ".join(rules) or "NULL"}), '') AS broken,
    sha256(json_array({", ".join(values)})::VARCHAR) AS row_hash
  FROM arrived AS new"""
    is_twin = same_thing(table, "twins", "new")
    # Rows that stand alone are not sorted: of three million that took a third of the time.
    return f"""
WITH suspects AS (
  SELECT hash({key}) AS digest FROM arrived GROUP BY digest HAVING count(*) > 1
), twins AS (
  SELECT {key} FROM arrived WHERE hash({key}) IN (FROM suspects)
  GROUP BY ALL HAVING count(*) > 1
), known AS (
  SELECT ordinal
  FROM {table.qualified} AS old JOIN arrived AS new ON {same_thing(table, "old", "new")}
  WHERE {in_span(table)}
  GROUP BY ordinal
  HAVING arg_max({old}, old.known_from) = any_value({new})
), alone AS ({judged}
  ANTI JOIN known USING (ordinal) ANTI JOIN twins ON {is_twin}
), together AS ({judged}
  SEMI JOIN twins ON {is_twin}
), paired AS (
  SELECT *,
    CASE WHEN broken IS NULL AND row_number() OVER twins > 1 THEN
      'duplicate of row ' || first(place) OVER twins ||
      CASE WHEN row_hash = first(row_hash) OVER twins THEN ', same values' ELSE ', other values' END
    END AS duplicate
  FROM together
  WINDOW twins AS (
    PARTITION BY broken IS NULL, {key} ORDER BY ordinal
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
  )
)
SELECT {", ".join(names)}, row_hash, ordinal, broken AS reason FROM alone
UNION ALL
SELECT {", ".join(names)}, row_hash, ordinal, coalesce(broken, duplicate) AS reason FROM paired
"""


def _is_judged(rule: Rule) -> bool:
    """Say whether a rule says more than that a value is there, and of what a provider fills."""
    return rule.kind != "present" and not set(rule.columns) & {*STAMPS}


def _cast(column: Column, *, is_text: bool) -> str:
    """Return SQL that casts a given value; NULL where it is blank or not of the type."""
    given = f"given_{column.name}"
    if column.type == "VARCHAR" and is_text:
        return f"CASE WHEN trim({given}) <> '' THEN {given} END"
    cast = f"TRY_CAST({given} AS {column.type})"
    if column.type not in {"DATE", "TIMESTAMP"}:
        return cast
    # DuckDB reads 'infinity' and the year 20250, which are typing errors and no date in Python.
    return f"CASE WHEN {cast} BETWEEN '0001-01-01' AND '9999-12-31' THEN {cast} END"


def _torn(column: Column, *, is_text: bool) -> str:
    """Return SQL that says of a column without a value whether it is missing or no such value.

    Asked of the NULLs alone: looking for blanks in every value of a million rows costs a second.
    """
    given = f"given_{column.name}"
    blank = f"{given} IS NULL OR trim({given}) = ''" if is_text else f"{given} IS NULL"
    missing = "NULL" if column.nullable else f"'{column.name} is missing'"
    wrong = f"'{column.name} is no {column.type}: ' || left({given}::VARCHAR, 80)"
    return (
        f"CASE WHEN {column.name} IS NULL THEN CASE WHEN {blank} THEN {missing} "
        f"ELSE {wrong} END END"
    )


def _broken(rule: Rule) -> str:
    """Return SQL that names a rule which a row breaks, with the values that break it."""
    column, *others = rule.columns
    statement = f"{column} is not {rule.name.removeprefix(f'{column}_is_').replace('_', ' ')}"
    if rule.kind == "order":
        statement = f"{column} is above {others[0]}"
    shown = " || ', ' || ".join(f"'{n} ' || {n}::VARCHAR" for n in rule.columns)
    return f"CASE WHEN NOT ({rule.sql}) THEN '{statement}: ' || {shown} END"
