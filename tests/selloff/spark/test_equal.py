"""Every expression, on DuckDB and on Spark, over the panel on which engines part."""

from __future__ import annotations

import pytest

from tests.selloff.spark.adversarial import fill
from tests.selloff.spark.comparing import difference, frame_of
from tests.selloff.spark.conftest import Tables, copied
from tests.selloff.spark.inventory import CASES


@pytest.fixture(scope="module")
def engines(spark, bench, make, tmp_path_factory):
    fill(bench, make)
    return Tables(bench.engine), copied(bench, spark, tmp_path_factory.mktemp("lake"))


@pytest.mark.parametrize("name", sorted(CASES))
def test_spark_gives_the_keys_the_nulls_and_the_values_of_duckdb(engines, name):
    ours, theirs = (frame_of(CASES[name](tables)) for tables in engines)
    assert len(ours), "an expression without rows shows nothing"
    assert difference(ours, theirs) is None
