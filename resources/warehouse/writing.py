"""How a computed table is written by its contract: compare, delete the days, insert by name."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from resources.warehouse import rebasing
from resources.warehouse.spill import arrow_schema
from warehouse.tables import table as contract_of
from warehouse.tables.meta import INPUTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    import duckdb

    from resources.batch import Days
    from warehouse.contract import Table

SHOWN_ROWS, SHOWN_LENGTH = 5, 80
# So that rows of an event which is no longer known go with those of late ones.
_EARLIER = (
    "SELECT event_id FROM mart.selloff_events WHERE last_session_date < $start "
    "AND status <> 'withdrawn'"
)


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did: rows it holds for, rows that changed, and from which session on.

    `first_refused` names file, row and cause of refused rows, one line each; `beside` says the
    same of other tables that the same batch filled; `newest` shows rows as they lie there now.
    """

    n_rows: int
    n_changed: int
    from_session: date | None
    n_quarantined: int = 0
    first_refused: tuple[str, ...] = ()
    beside: dict[str, Written] = field(default_factory=dict)
    newest: tuple[tuple[str | None, ...], ...] = ()


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All or nothing."""
    con.begin()
    try:
        yield
    except BaseException:
        con.rollback()
        raise
    con.commit()


def replace(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    *,
    days: Days | None,
    inputs: dict[str, int],
    run_id: str,
    now: datetime,
    is_ordered: bool = False,
) -> Written:
    """Make the table (or those days of it) equal to the relation `computed`.

    Rows that did not change are not rewritten: where nothing differs, nothing is written, and
    no downstream table becomes stale. Rows before the days are brought to the shares after splits
    that are new (`rebasing`). Rows that come in the table's order (`is_ordered`) are not sorted.

    Raises
    ------
    duckdb.ConstraintException
        If a computed row breaks the contract: a defect of ours, so nothing is written at all.
    """
    told = rebasing.ratios(con, table)
    where, bounds = which(table, days, tuple(told))
    with transaction(con):
        n_rebased = rebasing.bring(con, table, told, days)
        held = con.execute(f"SELECT 1 FROM {table.qualified} WHERE {where} LIMIT 1", bounds)
        if held.fetchall() or table.rebases_by:
            rows, changed, first = _rewrite(con, table, where, bounds, told)
        else:
            rows, changed, first = _fill(con, table, where, bounds, is_ordered=is_ordered)
        if first and days and table.seen_through and table.seen_through == table.effective_from:
            # The row that was held ended before the days, of which alone the new one says more.
            first = max(first, days.start)
        if days and n_rebased:
            # The first bar after those in other shares has another one before it.
            changed, first = changed + n_rebased, min(first or days.start, days.start)
        if changed:
            first = rebasing.note(con, table) if table.rebases_by else first
            record_change(con, table, first, run_id=run_id, now=now)
        _record_inputs(con, table, inputs)
    return Written(
        n_rows=rows, n_changed=changed, from_session=None if first == date.max else first
    )


def shown(con: duckdb.DuckDBPyConnection, table: Table, written: Written) -> Written:
    """Return what a write did with the newest rows of what it wrote, long values cut.

    By the connection that wrote: to open the file once more for it takes 40 ms.
    """
    beside = {
        name: _with_newest(con, contract_of(name), other) for name, other in written.beside.items()
    }
    return _with_newest(con, table, dataclasses.replace(written, beside=beside))


def _with_newest(con: duckdb.DuckDBPyConnection, table: Table, written: Written) -> Written:
    order = f" ORDER BY {table.partition} DESC" if table.partition else ""
    cells = ", ".join(f"left({name}::VARCHAR, {SHOWN_LENGTH})" for name in table.column_names)
    sql = f"SELECT {cells} FROM {table.qualified}{order} LIMIT {SHOWN_ROWS}"
    return dataclasses.replace(written, newest=tuple(con.execute(sql).fetchall()))


def untouched(con: duckdb.DuckDBPyConnection, table: Table) -> Written:
    """Return what a write would have done that was not asked for, since nothing is stale."""
    n_rows = con.execute(f"SELECT count(*) FROM {table.qualified}").fetchall()[0][0]
    return Written(n_rows=n_rows, n_changed=0, from_session=None)


def caught_up(con: duckdb.DuckDBPyConnection, table: Table, inputs: dict[str, int]) -> Written:
    """Note that a table is what its inputs make of it, though nothing was computed."""
    with transaction(con):
        _record_inputs(con, table, inputs)
    return untouched(con, table)


def which(
    table: Table, days: Days | None, rebased: tuple[str, ...] = ()
) -> tuple[str, dict[str, Any]]:
    """Return SQL for the rows that are replaced, with its parameters.

    Of a table that is carried on and tells of what was delivered, all rows of a listing whose
    splits changed (`rebased`).
    """
    if days and table.partition:
        return f"{table.partition} BETWEEN $start AND $end", {"start": days.start, "end": days.end}
    if days and table.of_events:
        return f"event_id NOT IN ({_EARLIER})", {"start": days.start}
    if days and table.seen_through:
        cast = ", ".join(f"{name}::{table.column(name).type}" for name in table.grain)
        anew = f"({', '.join(table.grain)},) IN (SELECT ({cast},) FROM computed)"
        replaced = f"{table.seen_through} >= $start OR {table.open_where} OR {anew}"
        if rebased and not table.in_todays_shares:
            bounds = {"start": days.start, "rebased": list(rebased)}
            return f"({replaced} OR list_contains($rebased, listing_id))", bounds
        return f"({replaced})", {"start": days.start}
    return "true", {}


def _fill(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    where: str,
    bounds: dict[str, Any],
    *,
    is_ordered: bool,
) -> tuple[int, int, date | None]:
    """Insert where nothing is held: there is nothing to compare with, and no copy to make."""
    incoming = f"FROM {_cast(table, where)}"
    if not is_ordered:
        incoming += f" ORDER BY {_order(table)}"
    con.execute(f"INSERT INTO {table.qualified} BY NAME {incoming}", bounds)
    rows, first = con.execute(
        f"SELECT count(*), min({_session(table, table.name)}) FROM {table.qualified} WHERE {where}",
        bounds,
    ).fetchall()[0]
    return rows, rows, first


def _rewrite(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    where: str,
    bounds: dict[str, Any],
    told: dict[str, float],
) -> tuple[int, int, date | None]:
    """Compare with what is held, and write all of it anew if anything differs."""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE incoming AS FROM {_cast(table, where)}",
        bounds,
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE differing AS
        SELECT * EXCLUDE (side), sum(side) AS side FROM (
          SELECT *, 1 AS side FROM incoming UNION ALL BY NAME
          SELECT *, -1 AS side FROM {table.qualified} WHERE {where}
        ) GROUP BY ALL HAVING sum(side) <> 0
        """,
        bounds,
    )
    changed = con.execute(
        f"SELECT count(DISTINCT ({', '.join(table.grain)})) FROM differing"
    ).fetchall()[0][0]
    rebasing.leave_alike(con, table, told)
    first = _first_changed(con, table) if changed else None
    if changed:
        con.execute(f"DELETE FROM {table.qualified} WHERE {where}", bounds)
        con.execute(f"INSERT INTO {table.qualified} BY NAME FROM incoming ORDER BY {_order(table)}")
    rows = con.execute("SELECT count(*) FROM incoming").fetchall()[0][0]
    return rows, changed, first


def _first_changed(con: duckdb.DuckDBPyConnection, table: Table) -> date | None:
    """Return the earliest session of `differing` in which more than an outcome changed.

    The end of time where nothing else did, or rows are the same in other shares: what rests on them
    need not be made anew.
    """
    session = _session(table, "differing")
    if session == "NULL":
        return None
    if not con.execute("FROM differing LIMIT 1").fetchall():
        return date.max
    if not table.outcomes:
        return con.execute(f"SELECT min({session}) FROM differing").fetchall()[0][0]
    lasting = ", ".join(c for c in table.column_names if c not in table.outcomes)
    sql = f"""
    SELECT coalesce(min({session}) FILTER (n_alike <> 2), DATE '{date.max}')
    FROM (SELECT {lasting}, count(*) AS n_alike FROM differing GROUP BY ALL) AS differing
    """
    return con.execute(sql).fetchall()[0][0]


def _cast(table: Table, where: str) -> str:
    """Return SQL for the relation `computed` in the contract's types, the days asked for alone."""
    casts = ", ".join(f"{c.name}::{c.type} AS {c.name}" for c in table.columns)
    return f"(SELECT * FROM (SELECT {casts} FROM computed) WHERE {where})"


def _session(table: Table, rows: str) -> str:
    """Return SQL for the session of a row: of an event its first, if it has no other."""
    if "session_date" in table.column_names:
        return "session_date"
    if table.effective_from:
        return table.effective_from
    if table.effective_with_bars:
        bars = "raw.price_vintages AS v"
        first = f"SELECT min(v.session_date) FROM {bars} WHERE v.listing_id = {rows}.listing_id"
        return f"coalesce(({first}), DATE '{date.max}')"
    if not table.of_events:
        return "NULL"
    events = "mart.selloff_events AS e"
    return f"(SELECT e.session_date FROM {events} WHERE e.event_id = {rows}.event_id)"


def _order(table: Table) -> str:
    """Return the order in which rows lie: by partition, then by grain."""
    return ", ".join(table.order)


def append(con: duckdb.DuckDBPyConnection, table: Table, rows: list[tuple[object, ...]]) -> None:
    """Append bookkeeping rows, in the order of the contract's columns."""
    import pyarrow as pa

    if rows:  # through Arrow: a thousand bound rows took 0.7 s
        schema = arrow_schema(table)
        values = zip(*rows, strict=True)
        arrays = [pa.array(each, field.type) for each, field in zip(values, schema, strict=True)]
        con.register("appended", pa.Table.from_arrays(arrays, schema=schema))
        con.execute(f"INSERT INTO {table.qualified} BY NAME SELECT * FROM appended")
        con.unregister("appended")


def record_change(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    from_session: object,
    *,
    run_id: str,
    now: datetime,
) -> None:
    """Note that the table changed from a session on."""
    con.execute(
        """
        INSERT INTO meta.changes
        SELECT $name, coalesce(max(version), 0) + 1, $first, $run, $now
        FROM meta.changes WHERE table_name = $name
        """,
        {"name": table.qualified, "first": from_session, "run": run_id, "now": now},
    )


def versions(con: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> dict[str, int]:
    """Return the current version of each table; 0 for one never written."""
    known = dict(
        con.execute("SELECT table_name, max(version) FROM meta.changes GROUP BY ALL").fetchall()
    )
    return {table.qualified: known.get(table.qualified, 0) for table in tables}


def used(con: duckdb.DuckDBPyConnection, table: Table) -> dict[str, int]:
    """Return from which version of each input a table was last computed."""
    sql = "SELECT input_name, version FROM meta.inputs WHERE table_name = ?"
    return dict(con.execute(sql, [table.qualified]).fetchall())


def stale_from(
    con: duckdb.DuckDBPyConnection, table: Table, inputs: Iterable[Table]
) -> date | None:
    """Return the earliest session whose rows in `table` rest on inputs that changed since.

    None when nothing is stale; `datetime.date.min` when everything is: the table was never
    computed from an input, or an input without sessions changed.
    """
    known = used(con, table)
    found: list[date] = []
    for source in inputs:
        if source.qualified not in known:
            return date.min
        changes = con.execute(
            "SELECT from_session FROM meta.changes WHERE table_name = ? AND version > ?",
            [source.qualified, known[source.qualified]],
        ).fetchall()
        found += [row[0] or date.min for row in changes]
    return min(found, default=None)


def _record_inputs(con: duckdb.DuckDBPyConnection, table: Table, inputs: dict[str, int]) -> None:
    """Note which versions the table was computed from."""
    con.execute("DELETE FROM meta.inputs WHERE table_name = ?", [table.qualified])
    append(con, INPUTS, [(table.qualified, name, version) for name, version in inputs.items()])
