"""What the checks found, held by Great Expectations: no row contradicts any of them.

The scan counts over the whole history in seconds what Great Expectations would count in minutes.
On the counts, the same expectations cost 2 ms each and are shown like those on a load: of a table
whose counts are those of yesterday, `data_docs` shows what it wrote of them.
"""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Summary:
    """What every check of one table last found.

    Parameters
    ----------
    table : str
        The table, with its layer.
    counts : dict of str to (int, str)
        Violations, and the severity as Great Expectations names it, by check.
    """

    table: str
    counts: dict[str, tuple[int, str]]

    @property
    def suite_name(self) -> str:
        """The name of the suite."""
        return f"history of {self.table}"

    @property
    def statistics(self) -> dict[str, int]:
        """How many expectations are tried and met, in the words of Great Expectations."""
        met = sum(not count for count, _ in self.counts.values())
        return {"evaluated_expectations": len(self.counts), "successful_expectations": met}

    def validated(self) -> Any:
        """Hold the counts, a row with a column per check, against the suite.

        Returns
        -------
        ExpectationSuiteValidationResult
            One expectation per check: its count of violations, a column of that name, is 0 at most.
            (Asked of the column's maximum: of its values it takes four times as long, and says no
            more of a single one.)
        """
        import great_expectations as gx
        import pandas as pd

        frame = pd.DataFrame([{check: count for check, (count, _) in self.counts.items()}])
        expectations = [
            _expectations().ExpectColumnMaxToBeBetween(
                column=check, min_value=0, max_value=0, severity=severity, meta={"check": check}
            )
            for check, (_, severity) in self.counts.items()
        ]
        source = _context().data_sources.add_pandas("counted")
        asset = source.add_dataframe_asset(self.table)
        batch = asset.add_batch_definition_whole_dataframe("history").get_batch(
            {"dataframe": frame}
        )
        return batch.validate(
            gx.ExpectationSuite(name=self.suite_name, expectations=expectations),
            result_format={"result_format": "SUMMARY", "partial_unexpected_count": 1},
        )


def summaries(con: duckdb.DuckDBPyConnection) -> list[Summary]:
    """Return what every check last found, a summary per table, in the order of their names."""
    found: dict[str, dict[str, tuple[int, str]]] = {}
    for table, check, n_violations, severity in con.execute(_NEWEST).fetchall():
        found.setdefault(table, {})[check] = (n_violations, _SEVERITIES[severity])
    return [Summary(table, counts) for table, counts in found.items()]
