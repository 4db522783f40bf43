"""Why a core file should not be published by hand: what failed, what is behind its inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

FAILED = """
SELECT table_name, check_name, n_violations FROM meta.dq_results
QUALIFY row_number() OVER (PARTITION BY table_name, check_name ORDER BY checked_at DESC) = 1
  AND NOT is_passed AND severity = 'ERROR'
ORDER BY table_name, check_name
"""
BEHIND = """
WITH newest AS (SELECT table_name, max(version) AS version FROM meta.changes GROUP BY table_name)
SELECT i.table_name, string_agg(i.input_name, ', ' ORDER BY i.input_name) AS inputs
FROM meta.inputs AS i JOIN newest AS n ON n.table_name = i.input_name
WHERE i.version < n.version
GROUP BY i.table_name ORDER BY i.table_name
"""


def reasons(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Return one line per failed blocking check and per table that is behind its inputs."""
    if not con.execute("SELECT count(*) FROM meta.warehouse").fetchall()[0][0]:
        return ["nothing has been fetched yet: `selloff run` fetches, checks and publishes"]
    failed = [
        f"{table} {check}: {n} rows contradict it"
        for table, check, n in con.execute(FAILED).fetchall()
    ]
    behind = [
        f"{table} is behind {inputs}: `selloff run` brings it up to date"
        for table, inputs in con.execute(BEHIND).fetchall()
    ]
    return failed + behind
