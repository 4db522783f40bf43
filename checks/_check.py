"""`@table_check`, the one decorator that binds a question in SQL to a table's asset check."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from resources.batch import Days, naive_utc
from warehouse.contract import Table
from warehouse.tables.meta import DQ_RESULTS

if TYPE_CHECKING:
    import duckdb

SAMPLE_ROWS = 5
ALL_DAYS = Days(date.min, date.max)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Parameters
    ----------
    n_checked, n_failed : int
        Rows examined, and rows that contradict the statement.
    sample : list of dict
        The first of them.
    is_error : bool
        Whether a failure is an error (else a warning).
    note : str
        One line for the reader.
    """

    n_checked: int
    n_failed: int
    sample: list[dict[str, Any]] = field(default_factory=list)
    is_error: bool = False
    note: str = ""

    @property
    def severity(self) -> dg.AssetCheckSeverity:
        """How Dagster shows a failure."""
        return dg.AssetCheckSeverity.ERROR if self.is_error else dg.AssetCheckSeverity.WARN


def key(table: Table) -> dg.AssetKey:
    """Return the asset that fills the table."""
    return dg.AssetKey([table.layer, table.name])


def table_check(
    table: Table, *, blocking: bool = False, reads: Iterable[Table] = ()
) -> Callable[[Callable[..., Finding]], dg.AssetChecksDefinition]:
    """Bind ``function(con, days, now) -> Finding`` to an asset check of the same name.

    Parameters
    ----------
    table : Table
        What the statement is about.
    blocking : bool
        Whether a failure with `is_error` stops everything downstream in the run.
    reads : iterable of Table
        Other tables the question looks at; the check waits for them where they run too.
    """

    def bind(function: Callable[..., Finding]) -> dg.AssetChecksDefinition:
        @dg.asset_check(
            asset=key(table),
            name=function.__name__,
            description=(function.__doc__ or "").partition("\n")[0],
            blocking=blocking,
            additional_deps=[key(other) for other in reads],
            required_resource_keys={"warehouse", "clock"},
        )
        def run(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
            now = context.resources.clock.now()
            with context.resources.warehouse.reading() as con:
                finding = function(con, Days.of_run(context.run.tags) or ALL_DAYS, now)
            return report(context, table, {function.__name__: finding})[0]

        return run

    return bind


def report(context: Any, table: Table, findings: dict[str, Finding]) -> list[dg.AssetCheckResult]:
    """Record findings in `meta.dq_results` and return them as Dagster results."""
    checked_at = naive_utc(context.resources.clock.now())
    rows = [
        (
            context.run.run_id,
            table.qualified,
            name,
            not found.n_failed,
            found.severity.value,
            found.n_checked,
            found.n_failed,
            _json(found.sample),
            checked_at,
        )
        for name, found in findings.items()
    ]
    context.resources.warehouse.record(DQ_RESULTS, rows)
    return [
        dg.AssetCheckResult(
            passed=not found.n_failed,
            asset_key=key(table),
            check_name=name,
            severity=found.severity,
            description=found.note or None,
            metadata={
                "rows_checked": found.n_checked,
                "rows_failed": found.n_failed,
                **_shown(found.sample),
            },
        )
        for name, found in findings.items()
    ]


def rows_of(
    con: "duckdb.DuckDBPyConnection", sql: str, values: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Run a query and return its rows by column name."""
    answer = con.cursor().execute(sql, values or {})
    names = [column[0] for column in answer.description]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def _shown(sample: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the first failing rows as metadata, if there are any."""
    rows = json.loads(_json(sample) or "[]")
    return {"first_failing_rows": dg.MetadataValue.json(rows)} if rows else {}


def _json(sample: list[dict[str, Any]]) -> str | None:
    # Texts come from outside, and not every viewer of metadata treats them as text.
    return json.dumps(sample[:SAMPLE_ROWS], default=str).replace("<", "&lt;") if sample else None
