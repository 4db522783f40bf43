"""A run of one check alone, and days to hold it against."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import dagster as dg
import pytest

from resources.clock import Clock

START = date(2025, 1, 20)


@pytest.fixture(scope="session")
def verdicts():
    """Run a definition's checks alone; return each result by its check's name."""

    def run(check, warehouse, *, days=None, now="2025-01-28T12:00"):
        defs = dg.Definitions(
            asset_checks=[check],
            resources={"warehouse": warehouse, "clock": Clock(fixed_at=now)},
        )
        with dg.DagsterInstance.ephemeral() as instance:
            result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
                instance=instance, tags=days.tags() if days else {}, raise_on_error=False
            )
        return {
            found.check_name: SimpleNamespace(
                passed=found.passed,
                severity=found.severity.value,
                note=found.description,
                success=result.success,
                **{
                    "first_failing_rows": [],
                    **{name: value.value for name, value in found.metadata.items()},
                },
            )
            for found in result.get_asset_check_evaluations()
        }

    return run


@pytest.fixture(scope="session")
def weekdays():
    """Return so many weekdays from 2025-01-20 on."""

    def some(number):
        days = (START + timedelta(days=n) for n in range(number * 2))
        return [day for day in days if day.weekday() < 5][:number]

    return some
