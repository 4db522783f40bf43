"""What of a table its contract has not been found to hold for yet.

Not here: how it is counted (`checks.scan`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.scan import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

    from warehouse.contract import Table

SESSION = "session_date"
# The newest run in which every one of the statements held.
_PROVED = """
SELECT min(checked_at) AS checked_at FROM meta.dq_results
WHERE table_name = $table AND check_name IN (SELECT unnest($names)) AND is_passed
GROUP BY run_id HAVING count(*) = len($names)
ORDER BY checked_at DESC LIMIT 1
"""
_CHANGED = """
SELECT count(*) AS n, count(from_session) AS n_dated, min(from_session) AS first
FROM meta.changes WHERE table_name = $table AND written_at >= $checked_at
"""


def unproved(con: duckdb.DuckDBPyConnection, table: Table, statements: Iterable[str]) -> str:
    """Return the rows of a table that changed since all these statements held, as SQL after FROM.

    What is written has its earliest session noted. Rows of sessions before were found to keep the
    contract and have not been written since: on 48 million bars each of the large tables took 22 to
    30 s of processor time to be found as it was. Rows that share a grain share its session.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        The warehouse.
    table : Table
        What is asked about.
    statements : iterable of str
        The names under which ``meta.dq_results`` keeps what was found.

    Returns
    -------
    str
        The table itself where nothing is known of it, or its rows have no session.
    """
    names = list(statements)
    proved = rows_of(con, _PROVED, {"table": table.qualified, "names": names})
    # Where outcomes alone changed, a write names a later session (`Table.outcomes`).
    if not proved or SESSION not in table.grain or table.outcomes:
        return table.qualified
    asked = {"table": table.qualified, "checked_at": proved[0]["checked_at"]}
    changed = rows_of(con, _CHANGED, asked)[0]
    if changed["n"] > changed["n_dated"]:
        return table.qualified
    first = f"{SESSION} >= DATE '{changed['first']}'" if changed["n"] else "false"
    return f"(FROM {table.qualified} WHERE {first})"
