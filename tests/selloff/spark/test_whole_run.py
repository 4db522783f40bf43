"""The replay through the whole graph on Spark: published, and table by table that of DuckDB."""

from __future__ import annotations

from contextlib import closing
from types import SimpleNamespace

import duckdb
import pytest

from tests.selloff.spark.comparing import difference, frame_of
from tests.selloff.spark.conftest import MASTER, missing
from warehouse.tables import TABLES

COMPUTED = [table.qualified for table in TABLES if table.layer in {"core", "mart"}]


@pytest.fixture(scope="session")
def replay_on_spark(tmp_path_factory, command):
    if reason := missing():
        pytest.skip(reason)
    home = tmp_path_factory.mktemp("replay_on_spark")
    result = command(home, "demo", SELLOFF_ENGINE=MASTER)
    assert result.exit_code == 0, result.output[-3000:]
    return SimpleNamespace(home=home, release=home / "current" / "warehouse.duckdb")


def rows_of(release, table):
    """Return the rows of a released table without the moments at which its run was."""
    with closing(duckdb.connect(release, read_only=True)) as con:
        return frame_of(con.sql(f"FROM {table}").to_arrow_table())


@pytest.mark.parametrize("table", COMPUTED)
def test_a_run_on_spark_publishes_what_one_on_duckdb_does(replay_on_spark, replay, table):
    ours, theirs = (rows_of(each.release, table) for each in (replay, replay_on_spark))
    assert difference(ours, theirs) is None


def test_a_run_on_spark_leaves_no_computation_in_the_lake(replay_on_spark):
    assert list(replay_on_spark.home.glob("lake/*/.work/*")) == []
    assert list(replay_on_spark.home.glob("lake/*/*.*/*"))
