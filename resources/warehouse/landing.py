"""How a delivered batch enters its raw tables: judged, versioned or quarantined, answers noted."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from resources.warehouse import judging, quarantining
from resources.warehouse.writing import Written, append, record_change, transaction
from warehouse.tables import table as contract_of
from warehouse.tables.prices import FETCHES

if TYPE_CHECKING:
    from datetime import date, datetime

    import duckdb
    import pyarrow as pa

    from resources.batch import Batch, Reject
    from warehouse.contract import Table


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
    with transaction(con):
        written = _land_rows(con, table, batch.rows, batch.rejects, load_id=load_id, now=now)
        beside = {
            name: _land_rows(con, contract_of(name), rows, [], load_id=load_id, now=now)
            for name, rows in batch.beside.items()
        }
        for name, other in {table.qualified: written, **beside}.items():
            if other.n_changed:
                record_change(con, contract_of(name), other.from_session, run_id=run_id, now=now)
                _claim(con, batch.kind, now)
        _record_answers(con, table, batch, load_id)
    return replace(written, beside=beside)


def faults(con: duckdb.DuckDBPyConnection, table: Table, rows: pa.Table) -> str:
    """Return why rows would be refused, in one line; empty if they keep the contract."""
    judging.judge(con, table, rows)
    found = con.execute("SELECT reason FROM judged WHERE reason IS NOT NULL ORDER BY ordinal")
    return "; ".join(reason for (reason,) in found.fetchall())


def _land_rows(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    delivered: pa.Table,
    rejects: list[Reject],
    *,
    load_id: str,
    now: datetime,
) -> Written:
    """Judge the rows meant for one table; append the new ones, put the refused ones aside."""
    rows = judging.judge(con, table, delivered)
    refused, named = quarantining.put_aside(con, table, rows, rejects, load_id=load_id, now=now)
    count, first = _append_new(con, table, load_id, now)
    con.unregister("delivered_batch")
    return Written(
        n_rows=count,
        n_changed=count,
        from_session=first,
        n_quarantined=refused,
        first_refused=named,
    )


def _append_new(
    con: duckdb.DuckDBPyConnection, table: Table, load_id: str, now: datetime
) -> tuple[int, date | None]:
    """Insert the good rows whose values differ from the newest version of the same thing.

    A table whose grain is the thing itself keeps the first version only. A version is always
    known after the one it replaces, even where the clock went back.
    """
    thing = ", ".join(table.versions_of)
    same = judging.same_thing(table, "old", "good")
    is_new = "IS NULL" if table.grain == table.versions_of else "IS DISTINCT FROM good.row_hash"
    first = "min(good.session_date)" if "session_date" in table.column_names else "NULL"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE newest AS
        SELECT {thing}, arg_max(row_hash, known_from) AS row_hash,
          max(known_from) + INTERVAL 1 MICROSECOND AS next_known_from
        FROM {table.qualified} AS old
        SEMI JOIN (FROM judged WHERE reason IS NULL) AS good ON {same}
        WHERE {judging.in_span(table)}
        GROUP BY ALL
        """,
        judging.span(con, table),
    )
    con.execute("DROP TABLE arrived")  # as large as the batch, and judged by now
    # Never a table of its own: three million new rows would stand in memory once more.
    fresh = f"""
        (FROM judged WHERE reason IS NULL) AS good LEFT JOIN newest AS old ON {same}
        WHERE old.row_hash {is_new}
    """
    found: tuple[int, date | None] = con.execute(
        f"SELECT count(*), {first} FROM {fresh}"
    ).fetchall()[0]
    # By day, as they arrive from day to day: see `judging.in_span`.
    order = ", ".join(sorted(table.versions_of, key=lambda name: name != "session_date"))
    con.execute(
        f"""
        INSERT INTO {table.qualified} BY NAME FROM (
          SELECT good.* EXCLUDE (ordinal, reason), $load AS load_id,
            greatest($now::TIMESTAMP, old.next_known_from) AS known_from
          FROM {fresh}
        ) ORDER BY {order}
        """,
        {"load": load_id, "now": now},
    )
    return found


def _record_answers(
    con: duckdb.DuckDBPyConnection, table: Table, batch: Batch, load_id: str
) -> None:
    """Keep what the provider answered to each request, its last answer in this load."""
    noted = {"load_id": load_id, "asset": table.name}
    rows: list[tuple[object, ...]] = [
        tuple({**asdict(answer), **noted}[name] for name in FETCHES.column_names)
        for answer in batch.answers
    ]
    con.execute(
        f"DELETE FROM {FETCHES.qualified} WHERE load_id = ? "
        "AND list_contains(?, source || ' ' || requested)",
        [load_id, [f"{answer.source} {answer.requested}" for answer in batch.answers]],
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
