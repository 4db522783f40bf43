"""Tables in memory to hold checks against, and a run of one check alone."""

from __future__ import annotations

from contextlib import closing, contextmanager
from datetime import date, datetime, timedelta
from types import SimpleNamespace

import dagster as dg
import duckdb
import pytest

from resources.clock import Clock
from warehouse.contract import LAYERS
from warehouse.tables import TABLES

START = date(2025, 1, 20)
BLANKS = {
    "BIGINT": 0,
    "BOOLEAN": False,
    "DATE": START,
    "DOUBLE": 1.0,
    "TIMESTAMP": datetime.fromisoformat("2025-01-28T12:00"),
    "VARCHAR": "",
}


class Tables:
    """A warehouse in memory; without `guarded`, tables have neither NOT NULL nor CHECK."""

    def __init__(self, con, *, guarded=True):
        self.con = con
        self.recorded = []
        for layer in LAYERS:
            con.execute(f"CREATE SCHEMA {layer}")
        for table in TABLES:
            columns = ", ".join(f"{column.name} {column.type}" for column in table.columns)
            bare = f"CREATE TABLE {table.qualified} ({columns})"
            con.execute(table.ddl() if guarded else bare)

    def put(self, table, **values):
        """Insert a row; what is not given is NULL where it may be, else a blank."""
        row = {
            column.name: None if column.nullable else (column.one_of or (BLANKS[column.type],))[0]
            for column in table.columns
        }
        row.update(values)
        marks = ", ".join("?" * len(row))
        names = ", ".join(row)
        sql = f"INSERT INTO {table.qualified} ({names}) VALUES ({marks})"
        self.con.execute(sql, list(row.values()))

    @contextmanager
    def reading(self):
        yield self.con

    def record(self, table, rows):
        self.recorded += [(table, dict(zip(table.column_names, row, strict=True))) for row in rows]


@pytest.fixture
def tables():
    with closing(duckdb.connect()) as con:
        yield Tables(con)


@pytest.fixture
def unguarded():
    """The same tables as they would be without the constraints of their contracts."""
    with closing(duckdb.connect()) as con:
        yield Tables(con, guarded=False)


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
