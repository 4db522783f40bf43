"""Which published figures changed between two releases, and why: contract, vintage or code."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from resources.warehouse.files import WarehouseError
from warehouse.tables import BY_NAME, TABLES

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
     ELSE 'what it is compared with' END
"""


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
    the twelfth significant digit.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `compared`.
    layers : tuple of str
        Layers whose tables are held against each other.
    """
    return [
        found
        for table in TABLES
        if table.layer in layers and _in_both(con, table)
        for found in (*_whole_rows(con, table), *_cells(con, table))
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
    table = BY_NAME.get(qualified.rpartition(".")[2])
    if table is None or not _in_both(con, table):
        raise WarehouseError(f"{qualified}: no table of both releases")
    key = ", ' ', ".join(f"o.{name}" for name in table.grain)
    selects = " UNION ALL ".join(
        f"SELECT concat({key}) AS row_key, '{name}' AS column_name, o.{name}::VARCHAR AS older, "
        f"n.{name}::VARCHAR AS newer, {_reason(con, table)} AS why {_joined(table)} "
        f"WHERE {_differs(con, table, name)}"
        for name in _compared_columns(con, table)
    )
    sql = f"{selects} ORDER BY row_key, column_name LIMIT {int(limit)}"
    return con.execute(sql).fetchall()


def _in_both(con: duckdb.DuckDBPyConnection, table: Table) -> bool:
    return all(set(table.grain) <= _columns(con, side, table).keys() for side in ("older", "newer"))


def _columns(con: duckdb.DuckDBPyConnection, side: str, table: Table) -> dict[str, str]:
    """Return the columns of a table in a release, with their types."""
    sql = (
        "SELECT column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = ? AND schema_name = ? AND table_name = ?"
    )
    return dict(con.execute(sql, [side, table.layer, table.name]).fetchall())


def _compared_columns(con: duckdb.DuckDBPyConnection, table: Table) -> list[str]:
    """Return the columns of both releases that are figures, in the order of the table."""
    older, newer = _columns(con, "older", table), _columns(con, "newer", table)
    return [
        name
        for name in older
        if older[name] == newer.get(name) and name not in {*table.grain, *_BOOKKEEPING}
    ]


def _joined(table: Table, how: str = "JOIN") -> str:
    on = " AND ".join(f"o.{name} IS NOT DISTINCT FROM n.{name}" for name in table.grain)
    return f"FROM older.{table.qualified} AS o {how} newer.{table.qualified} AS n ON {on}"


def _differs(con: duckdb.DuckDBPyConnection, table: Table, name: str) -> str:
    """Return the predicate by which a column of a row has changed."""
    if _columns(con, "older", table)[name] != "DOUBLE":
        return f"o.{name} IS DISTINCT FROM n.{name}"
    # Sums in another order differ in the last digits, which no reader sees.
    return (
        f"(o.{name} IS NULL) <> (n.{name} IS NULL) OR "
        f"abs(o.{name} - n.{name}) > 1e-12 * greatest(abs(o.{name}), abs(n.{name}))"
    )


def _whole_rows(con: duckdb.DuckDBPyConnection, table: Table) -> Iterator[Difference]:
    """Yield how many rows came and went."""
    first = table.grain[0]
    for change, how, missing in (("added", "RIGHT", "o"), ("removed", "LEFT", "n")):
        sql = f"SELECT count(*) {_joined(table, f'{how} JOIN')} WHERE {missing}.{first} IS NULL"
        (n_rows,) = con.execute(sql).fetchall()[0]
        if n_rows:
            yield Difference(table.qualified, change, None, _of_tables(con, table), n_rows, None)


def _cells(con: duckdb.DuckDBPyConnection, table: Table) -> Iterator[Difference]:
    """Yield how many rows changed in which column, and why."""
    names = _compared_columns(con, table)
    if not names:
        return
    counts = ", ".join(_counted(con, table, name) for name in names)
    sql = f"SELECT {_reason(con, table)} AS why, {counts} {_joined(table)} GROUP BY why"
    rows = con.execute(f"{sql} ORDER BY why").fetchall()
    for place, name in enumerate(names):
        for row in rows:
            n_rows, share = row[1 + 2 * place : 3 + 2 * place]
            if n_rows:
                yield Difference(table.qualified, "changed", name, row[0], n_rows, share)


def _counted(con: duckdb.DuckDBPyConnection, table: Table, name: str) -> str:
    """Return as SQL how many rows changed in a column, and by which share at most."""
    changed = _differs(con, table, name)
    is_number = _columns(con, "older", table)[name] == "DOUBLE"
    share = f"abs(n.{name} - o.{name}) / nullif(abs(o.{name}), 0)" if is_number else "NULL"
    return f"count(*) FILTER ({changed}), max({share}) FILTER ({changed})"


def _reason(con: duckdb.DuckDBPyConnection, table: Table) -> str:
    """Return the expression that says why a row changed."""
    names = _columns(con, "older", table).keys() & _columns(con, "newer", table).keys()
    return _REASONS.format(
        contract=_is_of_another_contract(con, table),
        newer_vintage="o.as_of IS DISTINCT FROM n.as_of" if "as_of" in names else "false",
        observed_longer=(
            "o.observed_through IS DISTINCT FROM n.observed_through"
            if "observed_through" in names
            else "false"
        ),
        code=_is_of_other_code(con),
    )


def _of_tables(con: duckdb.DuckDBPyConnection, table: Table) -> str:
    """Return why rows came or went: there is no row on the other side to ask."""
    if _is_of_another_contract(con, table) == "true":
        return "contract"
    newest = [
        con.execute(f"SELECT max(as_of) FROM {side}.meta.releases").fetchall()
        for side in ("older", "newer")
    ]
    return "vintage" if newest[0] != newest[1] else "code"


def _is_of_another_contract(con: duckdb.DuckDBPyConnection, table: Table) -> str:
    """Return as SQL whether the table's contract differs between the releases."""
    sql = "SELECT contract_hash FROM {}.meta.contracts WHERE table_name = ?"
    hashes = [
        con.execute(sql.format(side), [table.qualified]).fetchall() for side in ("older", "newer")
    ]
    return "true" if hashes[0] != hashes[1] else "false"


def _is_of_other_code(con: duckdb.DuckDBPyConnection) -> str:
    """Return as SQL whether the releases were made by different commits."""
    sql = "SELECT arg_max(coalesce(code_version, ''), published_at) FROM {}.meta.releases"
    versions = [con.execute(sql.format(side)).fetchall() for side in ("older", "newer")]
    return "true" if versions[0] != versions[1] else "false"
