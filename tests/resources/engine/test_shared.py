"""What an expression uses more than once is computed once; DuckDB stands in for Spark here."""

from __future__ import annotations

from types import SimpleNamespace

import ibis
import pandas as pd
import pytest

from resources.engine import shared


class Rows:
    """A data frame of Spark's, as far as it is asked for one."""

    def __init__(self, con, sql, computed):
        self.con, self.sql, self.computed = con, sql, computed
        self.is_kept = False

    def persist(self):
        self.is_kept = True
        return self

    def createOrReplaceTempView(self, name):  # noqa: N802 - Spark's name for it
        assert self.is_kept
        self.computed.append(name)
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {self.sql}")

    def toArrow(self):  # noqa: N802 - as above
        return self.con.sql(self.sql).to_arrow_table()


@pytest.fixture
def spark():
    """Return a backend over a table of closes, and the parts that it has computed."""
    backend = ibis.duckdb.connect()
    closes = pd.DataFrame({"listing_id": ["A", "A", "B"], "close": [2.0, 3.0, 5.0]})
    backend.con.register("closes", closes)
    computed = []
    cleared = []
    session = SimpleNamespace(
        sql=lambda sql: Rows(backend.con, sql, computed),
        catalog=SimpleNamespace(clearCache=lambda: cleared.append(1)),
    )
    fake = SimpleNamespace(
        compiler=backend.compiler,
        dialect=backend.dialect,
        _session=session,
        _run_pre_execute_hooks=lambda _expression: None,
    )
    yield SimpleNamespace(
        backend=fake, table=backend.table("closes"), computed=computed, cleared=cleared
    )
    backend.disconnect()


def shares(closes):
    """Return what share of its listing's sum each close is, and of all."""
    sums = closes.group_by("listing_id").aggregate(total=closes.close.sum())
    both = closes.inner_join(sums, "listing_id")
    every = sums.aggregate(all=sums.total.sum())
    return both.cross_join(every).select(
        "listing_id", own=both.close / both.total, whole=lambda t: t.total / t["all"]
    )


def test_a_part_that_is_used_twice_is_computed_once(spark):
    rows = shared.rows_of(spark.backend, shares(spark.table))
    assert len(spark.computed) == 1
    found = rows.toArrow().to_pandas().sort_values(["listing_id", "own"], ignore_index=True)
    expected = {"listing_id": ["A", "A", "B"], "own": [0.4, 0.6, 1.0], "whole": [0.5, 0.5, 0.5]}
    pd.testing.assert_frame_equal(found, pd.DataFrame(expected), check_dtype=False)


def test_what_is_used_once_is_no_part(spark):
    doubled = spark.table.mutate(double=spark.table.close * 2)
    rows = shared.rows_of(spark.backend, doubled)
    assert spark.computed == []
    assert sorted(rows.toArrow()["double"].to_pylist()) == [4.0, 6.0, 10.0]


def test_it_is_fetched_as_a_frame(spark, monkeypatch):
    expression = shares(spark.table)
    monkeypatch.setattr(type(expression), "get_backend", lambda _self: spark.backend)
    assert sorted(shared.frame_of(expression)["own"]) == [0.4, 0.6, 1.0]


def test_what_was_kept_is_let_go_of(spark):
    shared.release(spark.backend)
    assert spark.cleared == [1]
