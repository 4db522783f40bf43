"""Two workers on loopback: both work, both engines agree, and workers are lost in the middle.

Run by `make cluster-test`: it starts four JVMs and ends them.
"""

from __future__ import annotations

import os
import threading
import time

import pytest

from resources.engine import sessions as engines
from resources.engine import spread
from resources.engine.groups import in_groups
from resources.warehouse import WarehouseError
from tests.selloff.spark import standalone
from tests.selloff.spark.conftest import missing
from tests.selloff.spark.jobs import compute, held, leftovers, refuse_differences
from warehouse.tables.instruments import LISTING_SYMBOLS
from warehouse.tables.prices import DAILY_PRICES

pytestmark = pytest.mark.skipif(
    os.environ.get("SELLOFF_TEST_CLUSTER") != "yes", reason="starts a cluster (make cluster-test)"
)
ALONE_SECONDS = 8.0
# Longer than Spark needs to see that an executor is gone and to send its groups to another.
PATIENCE = 240.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    if reason := missing():
        pytest.skip(reason)
    started = None
    with pytest.MonkeyPatch.context() as patch:
        for name, value in standalone.environment().items():
            patch.setenv(name, value)
        try:
            started = standalone.Cluster(tmp_path_factory.mktemp("cluster"))
            session = engines.session_of(engines.kept(started.address))
            # Of the usual 200 parts nearly all are empty here.
            session.conf.set("spark.sql.shuffle.partitions", "24")
            yield started
            engines.session_of(engines.kept(started.address)).stop()
        finally:
            engines._started.cache_clear()
            if started:
                started.close()


def test_expressions_and_groups_on_two_workers_are_those_of_duckdb(cluster, filled, say):
    ours, theirs = filled("duckdb"), filled(cluster.address)
    refuse_differences(ours, theirs)
    tasks = {name: cluster.n_tasks(name) for name in ("worker-1", "worker-2")}
    say(f"tasks by worker: {tasks}")
    assert min(tasks.values()) > 0


def slowly(folder, seconds):
    """Return a job by listing that says where each was computed, and when it begins."""

    def where(rows, folder, seconds):
        import os
        import time
        from pathlib import Path

        import pandas as pd

        place, listing = Path(os.getcwd()), rows["listing_id"].iloc[0]  # noqa: PTH109 - of there
        worker = next(part for part in place.parts if part.startswith("worker-"))
        Path(folder, f"{worker} {listing}".replace(":", "_")).touch()
        time.sleep(seconds)
        columns = {"listing_id": [listing], "symbol": [worker]}
        return pd.DataFrame({**columns, "valid_from": pd.NaT, "valid_to": pd.NaT})

    return (
        lambda bars: in_groups(bars, "listing_id", where, LISTING_SYMBOLS, str(folder), seconds),
        DAILY_PRICES,
    )


def begun(folder):
    """Return the workers on which a listing was begun."""
    return {each.name.partition(" ")[0] for each in folder.iterdir()}


class Job(threading.Thread):
    """A job beside the test, with what became of it."""

    def __init__(self, warehouse, folder, seconds):
        super().__init__(daemon=True)
        self.asked, self.error = (warehouse, LISTING_SYMBOLS, *slowly(folder, seconds)), None
        self.start()

    def run(self):
        try:
            compute(*self.asked)
        except WarehouseError as error:
            self.error = error

    def ended(self):
        self.join(PATIENCE)
        assert not self.is_alive()
        return self.error


@pytest.fixture
def marks(tmp_path):
    folder = tmp_path / "marks"
    folder.mkdir()
    return folder


def listings(warehouse):
    return held(warehouse, LISTING_SYMBOLS)["listing_id"].to_pylist()


def every(world):
    return sorted(set(world[DAILY_PRICES]["listing_id"].to_pylist()))


def test_both_workers_take_groups(cluster, filled, marks, world, say):
    warehouse = filled(cluster.address)
    compute(warehouse, LISTING_SYMBOLS, *slowly(marks, 0.2))
    rows = held(warehouse, LISTING_SYMBOLS)
    workers = rows["symbol"].to_pylist()
    say(f"groups by worker: { {each: workers.count(each) for each in sorted(set(workers))} }")
    assert rows["listing_id"].to_pylist() == every(world)
    assert set(workers) == {"worker-1", "worker-2"}


def test_a_job_that_loses_one_worker_is_finished_by_the_other(cluster, filled, marks, world):
    warehouse = filled(cluster.address)
    job = Job(warehouse, marks, 2)
    standalone.until(lambda: begun(marks) == {"worker-1", "worker-2"}, "both workers")
    cluster.kill("worker-1")
    assert job.ended() is None
    assert listings(warehouse) == every(world)
    assert not leftovers(warehouse)


def test_a_job_without_workers_ends_in_a_line_and_the_next_one_runs(
    cluster, filled, marks, world, monkeypatch, say
):
    monkeypatch.setattr(spread, "ALONE_SECONDS", ALONE_SECONDS)
    warehouse = filled(cluster.address)
    compute(warehouse, LISTING_SYMBOLS, *slowly(marks, 0))
    before = held(warehouse, LISTING_SYMBOLS)
    with warehouse.writing() as con:  # an input that moved: else nothing were to be done
        con.execute(f"DELETE FROM {DAILY_PRICES.qualified} WHERE listing_id = 'X:U7'")
    for each in marks.iterdir():
        each.unlink()
    job = Job(warehouse, marks, 2)
    standalone.until(lambda: begun(marks), "a worker")
    started = time.monotonic()
    cluster.kill("worker-2")
    said = str(job.ended())
    say(f"{said} ({time.monotonic() - started:.0f} s after the kill)")
    assert "\n" not in said
    assert said.startswith(f"core.listing_symbols on Spark at {cluster.address}: no worker for 8 s")
    assert held(warehouse, LISTING_SYMBOLS).equals(before)
    assert not leftovers(warehouse)
    cluster.add_worker()
    compute(warehouse, LISTING_SYMBOLS, *slowly(marks, 0))
    assert listings(warehouse) == [each for each in every(world) if each != "X:U7"]
