"""How a check becomes one of Dagster, and how what it found is recorded."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from math import isfinite
from typing import Any

import dagster as dg

from checks.catalogue import Check
from checks.scan import SAMPLE_ROWS, Finding, newest_vintage, scan
from resources.batch import Days, naive_utc
from warehouse.contract import Table
from warehouse.tables.meta import DQ_RESULTS

ALL_DAYS = Days(date.min, date.max)
NEEDS = {"warehouse", "clock"}


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
            required_resource_keys=NEEDS,
        )
        def run(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
            now = context.resources.clock.now()
            with context.resources.warehouse.reading() as con:
                finding = function(con, _days(context), now)
                as_of = newest_vintage(con, table)
            findings = {function.__name__: finding}
            record(context, table, findings, as_of)
            return results(table, findings)[0]

        return run

    return bind


def judgements(table: Table, checks: Sequence[Check]) -> dg.AssetChecksDefinition:
    """Return the asset checks that hold a table against statements of the catalogue.

    Each is a check of its own in Dagster, and none stops the run; those about the same rows are
    counted in one pass.
    """

    @dg.multi_asset_check(
        name=f"judgements_on_{table.layer}_{table.name}",
        specs=[spec(check) for check in checks],
        required_resource_keys=NEEDS,
    )
    def run(context: dg.AssetCheckExecutionContext) -> Any:
        days, now = _days(context), naive_utc(context.resources.clock.now())
        with context.resources.warehouse.reading() as con:
            findings = scan(con, checks, {"start": days.start, "end": days.end, "now": now})
            as_of = newest_vintage(con, table)
        record(context, table, findings, as_of)
        yield from results(table, findings)

    return run


def spec(check: Check) -> dg.AssetCheckSpec:
    """Return an entry of the catalogue as Dagster declares it."""
    return dg.AssetCheckSpec(
        check.name,
        asset=key(check.table),
        description=check.doc,
        additional_deps=[key(other) for other in check.reads],
        metadata={"failure_modes": list(check.failure_modes)} if check.failure_modes else None,
    )


def record(
    context: Any, table: Table, findings: dict[str, Finding], as_of: datetime | None
) -> None:
    """Append findings to `meta.dq_results`, one row each."""
    checked_at = naive_utc(context.resources.clock.now())
    rows = [
        (
            context.run.run_id,
            table.qualified,
            name,
            not found.n_violations,
            severity(found).value,
            found.n_rows,
            found.n_violations,
            _json(found.sample_keys),
            as_of,
            checked_at,
        )
        for name, found in findings.items()
    ]
    context.resources.warehouse.record(DQ_RESULTS, rows)


def results(table: Table, findings: dict[str, Finding]) -> list[dg.AssetCheckResult]:
    """Return findings as Dagster shows them."""
    return [
        dg.AssetCheckResult(
            passed=not found.n_violations,
            asset_key=key(table),
            check_name=name,
            severity=severity(found),
            description=found.note or None,
            metadata={
                "rows_checked": found.n_rows,
                "rows_failed": found.n_violations,
                **_shown(found.sample_keys),
            },
        )
        for name, found in findings.items()
    ]


def severity(found: Finding) -> dg.AssetCheckSeverity:
    """Return how Dagster shows a failure."""
    return dg.AssetCheckSeverity.ERROR if found.is_error else dg.AssetCheckSeverity.WARN


def summed(findings: dict[str, Finding]) -> Finding:
    """Return many findings about one table as one: what failed, and the first row of each."""
    failed = {name: found for name, found in findings.items() if found.n_violations}
    sample = [
        {"check": name, "n_violations": found.n_violations, **dict(*found.sample_keys[:1])}
        for name, found in failed.items()
    ]
    first = next(iter(findings.values()))
    return replace(
        first,
        n_violations=sum(found.n_violations for found in failed.values()),
        sample_keys=sample,
        is_error=any(found.is_error for found in findings.values()),
        note="; ".join(found.note for found in failed.values() if found.note),
    )


def _days(context: Any) -> Days:
    return Days.of_run(context.run.tags) or ALL_DAYS


def _shown(sample: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the first failing rows as metadata, if there are any."""
    rows = json.loads(_json(sample) or "[]")
    return {"first_failing_rows": dg.MetadataValue.json(rows)} if rows else {}


def _json(sample: list[dict[str, Any]]) -> str | None:
    """Return rows as JSON, which has no number for NaN and infinity."""
    if not sample:
        return None
    rows = [
        {name: value if _is_plain(value) else str(value) for name, value in row.items()}
        for row in sample[:SAMPLE_ROWS]
    ]
    # Texts come from outside, and not every viewer of metadata treats them as text.
    return json.dumps(rows).replace("<", "&lt;")


def _is_plain(value: Any) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    return value is None or isinstance(value, (bool, int, str))
