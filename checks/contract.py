"""The blocking checks, made from the contracts: facts about a whole table after it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks._check import SAMPLE_ROWS, Finding, rows_of, table_check
from warehouse.tables import TABLES
from warehouse.tables.prices import FETCHES, QUARANTINE

if TYPE_CHECKING:
    import dagster as dg
    import duckdb

    from warehouse.contract import Table

# What a quiet market or a young warehouse may leave empty.
MAY_BE_EMPTY = {
    "articles",
    "mentions",
    "market_returns",
    "selloff_events",
    "selloff_metrics",
    "sector_contagion",
}
# Filled by the way, with another asset's load: no asset of their own to hang a check on.
BESIDE = {FETCHES.name, QUARANTINE.name}


def grain_sql(table: Table) -> str:
    """Return the query for identities that stand in more than one row."""
    grain = ", ".join(table.grain)
    return (
        f"SELECT {grain}, count(*) AS n_rows FROM {table.qualified} GROUP BY ALL HAVING n_rows > 1"
    )


def rules_sql(table: Table) -> str:
    """Return one scan that counts the rows, and for each rule the rows that break it."""
    counts = ", ".join(
        f"count(*) FILTER (NOT ({rule.sql})) AS {rule.name}" for rule in table.rules()
    )
    return f"SELECT count(*) AS n_rows, {counts} FROM {table.qualified}"


def contract_check(table: Table) -> dg.AssetChecksDefinition:
    """Return the blocking check that a table keeps its contract."""

    def contract_holds(con: duckdb.DuckDBPyConnection, *_: object) -> Finding:
        """Every row is unique in its grain and keeps every rule of the table's contract."""
        counts = rows_of(con, rules_sql(table))[0]
        n_rows = counts.pop("n_rows")
        twins = rows_of(con, grain_sql(table))
        broken = [{"rule": name, "n_rows": count} for name, count in counts.items() if count]
        empty = not n_rows and table.name not in MAY_BE_EMPTY
        missing = [{"rule": "table_is_not_empty", "n_rows": 0}] if empty else []
        n_failed = sum(row["n_rows"] for row in [*twins, *broken]) + len(missing)
        return Finding(
            n_checked=n_rows,
            n_failed=n_failed,
            sample=[*missing, *broken, *twins[:SAMPLE_ROWS]],
            is_error=True,
            note=f"{table.qualified} has no rows" if empty else "",
        )

    return table_check(table, blocking=True)(contract_holds)


CHECKS = [
    contract_check(table) for table in TABLES if table.layer != "meta" and table.name not in BESIDE
]
