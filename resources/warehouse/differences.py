"""Which published figures changed between two releases, and why: contract, vintage or code."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from resources.warehouse.files import WarehouseError
from warehouse.tables import BY_NAME, TABLES
from warehouse.tables.meta import RELEASES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

    from warehouse.contract import Table

# What says where a row comes from, and so explains a change, is none itself.
_BOOKKEEPING = {"as_of", "observed_through"}
_REASONS = """
CASE WHEN {contract} THEN 'contract'
     WHEN {newer_vintage} THEN 'vintage'
     WHEN {observed_longer} THEN 'later sessions'
     WHEN {code} THEN 'code'
     ELSE '{compared}' END
"""
COMPARED = "what it is compared with"


class Difference(NamedTuple):
    """Rows of one table that differ in one way, for one reason."""

    table_name: str
    change: str
    """added, removed or changed."""
    column_name: str | None
    """The column that changed; NULL for whole rows."""
    reason: str
    n_rows: int
    largest_relative_change: float | None
    """Largest absolute change, as a share of the older figure; of numbers alone."""


@contextmanager
def compared(older: Path, newer: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open two released files side by side, read-only, as catalogs `older` and `newer`."""
    import duckdb

    with closing(duckdb.connect(config={"autoinstall_known_extensions": "false"})) as con:
        for name, path in (("older", older), ("newer", newer)):
            quoted = str(path.resolve()).replace("'", "''")
            con.execute(f"ATTACH '{quoted}' AS {name} (READ_ONLY)")
        con.execute("SET enable_external_access = false")
        con.execute("SET lock_configuration = true")
        yield con


def differences(
    con: duckdb.DuckDBPyConnection, layers: tuple[str, ...] = ("mart",)
) -> list[Difference]:
    """Return what differs, table by table: rows added and removed, and columns that changed.

    The reason of a changed row is the first that holds: `contract`, the table's contract is
    another; `vintage`, the row rests on newer deliveries; `later sessions`, it has been observed
    longer; `code`, another commit computed it; else `what it is compared with`: other rows, of
    which it is a rank, a share or a sum. A floating-point number has changed where it differs in
    the ninth significant digit: sums in another order differ in the thirteenth.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `compared`.
    layers : tuple of str
        Layers whose tables are held against each other.
    """
    sides = _Sides(con)
    return [
        found
        for table in TABLES
        if table.layer in layers and sides.have(table)
        for found in (*_whole_rows(sides, table), *_cells(sides, table))
    ]


def cells(
    con: duckdb.DuckDBPyConnection, qualified: str, limit: int
) -> list[tuple[str, str, Any, Any, str]]:
    """Return single figures of a table that changed: key, column, older, newer, reason.

    Raises
    ------
    WarehouseError
        If there is no such table.
    """
    sides = _Sides(con)
    table = BY_NAME.get(qualified.rpartition(".")[2])
    if table is None or not sides.have(table):
        raise WarehouseError(f"{qualified}: no table of both releases")
    key = ", ' ', ".join(f"o.{name}" for name in table.grain)
    selects = " UNION ALL ".join(
        f"SELECT concat({key}) AS row_key, '{name}' AS column_name, o.{name}::VARCHAR AS older, "
        f"n.{name}::VARCHAR AS newer, {_reason(sides, table)} AS why {_joined(table)} "
        f"WHERE {_differs(sides, table, name)}"
        for name in sides.compared(table)
    )
    sql = f"{selects} ORDER BY row_key, column_name LIMIT {int(limit)}"
    return con.execute(sql).fetchall()


class _Sides:
    """Two releases as they describe themselves: columns, contracts, code, vintage."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        self._columns: dict[tuple[str, str, str], dict[str, str]] = {}
        sql = (
            "SELECT database_name, schema_name, table_name, column_name, data_type "
            "FROM duckdb_columns() WHERE database_name IN ('older', 'newer') ORDER BY column_index"
        )
        for side, layer, name, column, kind in con.execute(sql).fetchall():
            self._columns.setdefault((side, layer, name), {})[column] = kind
        contracts = "SELECT table_name, contract_hash FROM {}.meta.contracts"
        self._contracts = [
            dict(con.execute(contracts.format(side)).fetchall()) for side in ("older", "newer")
        ]
        older, newer = (self._own_row(side) for side in ("older", "newer"))
        self.is_other_code = older[0] != newer[0]
        self.is_other_vintage = older[1] != newer[1]

    def _own_row(self, side: str) -> tuple[Any, ...]:
        """Return the commit and the vintage of a release, as far as it tells them."""
        as_of = "as_of" if "as_of" in self.columns(side, RELEASES) else "NULL"
        sql = f"SELECT code_version, {as_of} FROM {side}.meta.releases ORDER BY rowid DESC LIMIT 1"
        return self.con.execute(sql).fetchall()[0]

    def columns(self, side: str, table: Table) -> dict[str, str]:
        """Return the columns of a table in a release, with their types."""
        return self._columns.get((side, table.layer, table.name), {})

    def have(self, table: Table) -> bool:
        """Return whether both releases have the table, by the same grain."""
        return all(set(table.grain) <= self.columns(s, table).keys() for s in ("older", "newer"))

    def compared(self, table: Table) -> list[str]:
        """Return the columns of both releases that are figures, in the order of the table."""
        older, newer = self.columns("older", table), self.columns("newer", table)
        return [
            name
            for name in older
            if older[name] == newer.get(name) and name not in {*table.grain, *_BOOKKEEPING}
        ]

    def is_number(self, table: Table, name: str) -> bool:
        """Return whether a column is a floating-point number."""
        return self.columns("older", table)[name] == "DOUBLE"

    def is_of_another_contract(self, table: Table) -> bool:
        """Return whether the table's contract differs between the releases."""
        older, newer = (contracts.get(table.qualified) for contracts in self._contracts)
        return older != newer


def _joined(table: Table, how: str = "JOIN") -> str:
    on = " AND ".join(f"o.{name} IS NOT DISTINCT FROM n.{name}" for name in table.grain)
    return f"FROM older.{table.qualified} AS o {how} newer.{table.qualified} AS n ON {on}"


def _differs(sides: _Sides, table: Table, name: str) -> str:
    """Return the predicate by which a column of a row has changed."""
    if not sides.is_number(table, name):
        return f"o.{name} IS DISTINCT FROM n.{name}"
    # Sums in another order differ in the last digits, which no reader sees.
    return (
        f"(o.{name} IS NULL) <> (n.{name} IS NULL) OR "
        f"abs(o.{name} - n.{name}) > 1e-9 * greatest(abs(o.{name}), abs(n.{name}))"
    )


def _whole_rows(sides: _Sides, table: Table) -> Iterator[Difference]:
    """Yield how many rows came and went; there is no row on the other side to ask why."""
    reason = (
        "contract"
        if sides.is_of_another_contract(table)
        else "vintage"
        if sides.is_other_vintage
        else "code"
        if sides.is_other_code
        else COMPARED
    )
    for change, how, missing in (("added", "RIGHT", "o"), ("removed", "LEFT", "n")):
        joined = _joined(table, f"{how} JOIN")
        sql = f"SELECT count(*) {joined} WHERE {missing}.{table.grain[0]} IS NULL"
        (n_rows,) = sides.con.execute(sql).fetchall()[0]
        if n_rows:
            yield Difference(table.qualified, change, None, reason, n_rows, None)


def _cells(sides: _Sides, table: Table) -> Iterator[Difference]:
    """Yield how many rows changed in which column, and why."""
    names = sides.compared(table)
    if not names:
        return
    counts = ", ".join(_counted(sides, table, name) for name in names)
    sql = f"SELECT {_reason(sides, table)} AS why, {counts} {_joined(table)} GROUP BY why"
    rows = sides.con.execute(f"{sql} ORDER BY why").fetchall()
    for place, name in enumerate(names):
        for row in rows:
            n_rows, share = row[1 + 2 * place : 3 + 2 * place]
            if n_rows:
                yield Difference(table.qualified, "changed", name, row[0], n_rows, share)


def _counted(sides: _Sides, table: Table, name: str) -> str:
    """Return as SQL how many rows changed in a column, and by which share at most."""
    changed = _differs(sides, table, name)
    by = f"abs(n.{name} - o.{name}) / nullif(abs(o.{name}), 0)"
    share = by if sides.is_number(table, name) else "NULL"
    return f"count(*) FILTER ({changed}), max({share}) FILTER ({changed})"


def _reason(sides: _Sides, table: Table) -> str:
    """Return the expression that says why a row changed."""
    names = sides.columns("older", table).keys() & sides.columns("newer", table).keys()
    moved = "o.{0} IS DISTINCT FROM n.{0}"
    return _REASONS.format(
        contract=str(sides.is_of_another_contract(table)).lower(),
        newer_vintage=moved.format("as_of") if "as_of" in names else "false",
        observed_longer=moved.format("observed_through")
        if "observed_through" in names
        else "false",
        code=str(sides.is_other_code).lower(),
        compared=COMPARED,
    )
