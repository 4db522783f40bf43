"""The engine by Spark Connect: another process computes, and only the lake lies between.

Run by `make cluster-test`.
"""

from __future__ import annotations

import os

import pytest

from resources.engine import sessions as engines
from tests.selloff.spark import standalone
from tests.selloff.spark.conftest import missing
from tests.selloff.spark.jobs import leftovers, refuse_differences

pytestmark = pytest.mark.skipif(
    os.environ.get("SELLOFF_TEST_CLUSTER") != "yes", reason="starts a server (make cluster-test)"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if reason := missing():
        pytest.skip(reason)
    started = standalone.ConnectServer(tmp_path_factory.mktemp("connect"))
    try:
        yield started
        engines.session_of(engines.kept(started.address)).stop()
    finally:
        engines._started.cache_clear()
        started.close()


def test_expressions_and_groups_through_connect_are_those_of_duckdb(server, filled):
    ours, theirs = filled("duckdb"), filled(server.address)
    refuse_differences(ours, theirs)
    assert not leftovers(theirs)
