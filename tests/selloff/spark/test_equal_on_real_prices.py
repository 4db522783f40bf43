"""The same on the bars around January 2025."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.selloff import test_real_data as real
from tests.selloff.spark.comparing import difference, frame_of
from tests.selloff.spark.conftest import Tables, copied, stored
from tests.selloff.spark.inventory import CASES
from warehouse.tables import BY_NAME

pytestmark = pytest.mark.skipif(
    not real.SHARED.exists(), reason="needs ../shared/data, not in the clone"
)


@pytest.fixture(scope="module")
def engines(spark, chain, bench, tmp_path_factory):
    listed = real.instruments()
    chain(
        SimpleNamespace(
            vintages=real.vintages(listed),
            instruments=listed,
            sessions=real.sessions(listed),
            shares=real.shares(listed),
        )
    )
    kept = {row[0] for row in bench.sql("SHOW TABLES").fetchall()}
    for name, contract in BY_NAME.items():
        if stored(name) not in kept:
            bench.empty(contract)
    return Tables(bench.engine), copied(bench, spark, tmp_path_factory.mktemp("lake"))


@pytest.mark.parametrize("name", sorted(CASES))
def test_spark_gives_what_duckdb_gives(engines, name):
    ours, theirs = (frame_of(CASES[name](tables)) for tables in engines)
    assert difference(ours, theirs) is None
