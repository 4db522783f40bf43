"""What the checks found, held by Great Expectations: no row contradicts any of them.

The scan counts over the whole history in seconds what Great Expectations would count in minutes.
On the counts, the same expectations cost milliseconds and are shown like those on a load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resources.expectations import _context, _expectations
from warehouse.tables.meta import DQ_RESULTS

if TYPE_CHECKING:
    import duckdb

_SEVERITIES = {"ERROR": "critical", "WARN": "warning"}
_NEWEST = f"""
SELECT table_name, check_name, n_violations, severity FROM {DQ_RESULTS.qualified}
QUALIFY row_number() OVER (
  PARTITION BY table_name, check_name ORDER BY checked_at DESC, run_id DESC
) = 1
ORDER BY table_name, check_name
"""  # noqa: S608 - names of our own contracts


def summaries(con: duckdb.DuckDBPyConnection) -> list[Any]:
    """Hold the newest result of every check against the statement that nothing contradicts it.

    Returns
    -------
    list of ExpectationSuiteValidationResult
        One per table that was checked, in the order of their names, with one expectation per
        check: its count of violations, a column of that name, is 0 at most. (Asked of the column's
        maximum: of its values it takes four times as long, and says no more of a single one.)
    """
    found: dict[str, dict[str, tuple[int, str]]] = {}
    for table, check, n_violations, severity in con.execute(_NEWEST).fetchall():
        found.setdefault(table, {})[check] = (n_violations, _SEVERITIES[severity])
    return [_validated(table, counts) for table, counts in found.items()]


def _validated(table: str, counts: dict[str, tuple[int, str]]) -> Any:
    """Hold the counts of one table, a row with a column per check, against its suite."""
    import great_expectations as gx
    import pandas as pd

    frame = pd.DataFrame([{check: count for check, (count, _) in counts.items()}])
    expectations = [
        _expectations().ExpectColumnMaxToBeBetween(
            column=check, min_value=0, max_value=0, severity=severity, meta={"check": check}
        )
        for check, (_, severity) in counts.items()
    ]
    source = _context().data_sources.add_pandas("counted")
    definition = source.add_dataframe_asset(table).add_batch_definition_whole_dataframe("history")
    return definition.get_batch({"dataframe": frame}).validate(
        gx.ExpectationSuite(name=f"history of {table}", expectations=expectations),
        result_format={"result_format": "SUMMARY", "partial_unexpected_count": 1},
    )
