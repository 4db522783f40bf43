"""The replay through the whole graph on Spark: published, and table by table that of DuckDB.

Asked for by SELLOFF_TEST_WHOLE_RUN=yes: planning takes Spark minutes for single tables. All were
equal on 2026-11-26 (docs/engines.md).
"""

from __future__ import annotations

import os
from contextlib import closing
from types import SimpleNamespace

import duckdb
import pytest

from tests.selloff.spark.comparing import difference, frame_of
from tests.selloff.spark.conftest import MASTER, missing
from warehouse.tables import TABLES

pytestmark = pytest.mark.skipif(
    os.environ.get("SELLOFF_TEST_WHOLE_RUN") != "yes", reason="takes Spark ten minutes and more"
)
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
    moments = "known_from|as_of|fall_as_of"
    with closing(duckdb.connect(release, read_only=True)) as con:
        sql = f"SELECT COLUMNS(lambda name: NOT regexp_full_match(name, '{moments}')) FROM {table}"
        return frame_of(con.sql(sql).to_arrow_table())


@pytest.mark.parametrize("table", COMPUTED)
def test_a_run_on_spark_publishes_what_one_on_duckdb_does(replay_on_spark, replay, table):
    ours, theirs = (rows_of(each.release, table) for each in (replay, replay_on_spark))
    assert difference(ours, theirs) is None


def test_a_run_on_spark_leaves_no_computation_in_the_lake(replay_on_spark):
    assert list(replay_on_spark.home.glob("lake/*/.work/*")) == []
    assert list(replay_on_spark.home.glob("lake/*/*.*/*"))
