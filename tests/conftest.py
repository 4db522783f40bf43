"""What the tests of the orchestration share: the command, the replay run once, small inputs."""

from __future__ import annotations

import os
import sys
from contextlib import closing, contextmanager
from datetime import date, datetime
from types import SimpleNamespace
from unittest import mock

import duckdb
import pytest
from hypothesis import HealthCheck, settings

from warehouse.contract import LAYERS
from warehouse.tables import TABLES

pytest_plugins = ["tests.fake_yahoo.plugin"]
# No test is a measurement: how long an example takes is the machine's load, three times as long
# beside other work.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
BLANKS = {
    "BIGINT": 0,
    "BOOLEAN": False,
    "DATE": date(2025, 1, 20),
    "DOUBLE": 1.0,
    "TIMESTAMP": datetime.fromisoformat("2025-01-28T12:00"),
    "VARCHAR": "",
}


def blank(column):
    """Return a value that a column takes."""
    return (column.one_of or (column.minimum or BLANKS[column.type],))[0]


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
        row = {column.name: None if column.nullable else blank(column) for column in table.columns}
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


@contextmanager
def settings(home, **given):
    """Give the process the environment of one user, and the definitions that follow from it."""
    with mock.patch.dict(os.environ):
        for name in [name for name in os.environ if name.startswith("SELLOFF_")]:
            del os.environ[name]
        os.environ["SELLOFF_WAREHOUSE"] = str(home / "selloff.duckdb")
        os.environ["DAGSTER_HOME"] = str(home / "dagster")
        os.environ.update(given)
        before = sys.modules.pop("definitions", None)
        try:
            yield
        finally:
            sys.modules.pop("definitions", None)
            if before:
                sys.modules["definitions"] = before


@pytest.fixture(scope="session")
def command():
    """Run the `selloff` command in this process, with its files under a folder."""
    from typer.testing import CliRunner

    import cli

    def run(home, *arguments, **given):
        with settings(home, **given):
            result = CliRunner().invoke(cli.app, [str(each) for each in arguments])
        result.exc_info = None  # its frames would keep connections open
        if result.exception:
            result.exception.with_traceback(None)
        return result

    return run


@pytest.fixture(scope="session")
def replay(tmp_path_factory, command):
    """The replay through the whole graph, once for all tests that only look at it."""
    home = tmp_path_factory.mktemp("replay")
    result = command(home, "demo")
    assert result.exit_code == 0, result.output[-3000:]
    return SimpleNamespace(home=home, result=result, release=home / "current" / "warehouse.duckdb")
