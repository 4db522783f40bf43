"""Steps in processes of their own write one after another, whoever else wants the warehouse."""

from __future__ import annotations

import multiprocessing
from contextlib import closing
from types import SimpleNamespace

import dagster as dg
import duckdb
import pytest

from resources.batch import Days
from resources.warehouse import Warehouse
from tests.pipeline import executor_jobs, small_runs

pytestmark = pytest.mark.pipeline

PRELOADED = ["definitions", "pyarrow", "duckdb", "ibis.backends.duckdb"]
STEPS = {name.replace("/", "__") for name in executor_jobs.ASSETS}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A run of six assets by the multiprocess executor, with a publisher by hand beside it."""
    home = tmp_path_factory.mktemp("executors")
    days = small_runs.write_prices(home / "prices.csv")
    warehouse = Warehouse(path=str(home / "selloff.duckdb"))
    small_runs.seed(warehouse.file, home / "prices.csv", days)

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    ready, stop, answers = context.Event(), context.Event(), context.Queue()
    arguments = (warehouse.path, ready, stop, answers)
    publisher = context.Process(target=executor_jobs.publish_in_a_loop, args=arguments)
    publisher.start()
    assert ready.wait(30)
    try:
        with (
            dg.DagsterInstance.local_temp(str(home)) as instance,
            dg.execute_job(
                dg.reconstructable(executor_jobs.several),
                instance=instance,
                tags=Days(days[-small_runs.N_NEW], small_runs.LAST).tags(),
                run_config=configuration(home, warehouse),
            ) as result,
        ):
            events = list(result.all_events)
    finally:
        stop.set()
        by_hand = answers.get(timeout=30)
        publisher.join(30)
        answers.close()
        answers.join_thread()
    return SimpleNamespace(
        warehouse=warehouse, success=result.success, events=events, by_hand=by_hand
    )


def configuration(home, warehouse):
    """Return the run configuration: files of this test, and four steps at once."""
    prices = {"provider": "files", "path": str(home / "prices.csv")}
    started = {"forkserver": {"preload_modules": PRELOADED}}
    return {
        "resources": {
            "warehouse": {"config": {"path": warehouse.path}},
            "price_provider": {"config": prices},
        },
        "execution": {"config": {"max_concurrent": 4, "start_method": started}},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }


def happened(ran, kind):
    return [event.step_key for event in ran.events if event.event_type_value == kind]


def test_every_step_succeeds_at_its_first_attempt(ran):
    assert ran.success
    assert happened(ran, "STEP_UP_FOR_RETRY") == []
    assert happened(ran, "STEP_FAILURE") == []
    assert set(happened(ran, "STEP_SUCCESS")) == STEPS
    assert len(STEPS) == 6


def test_each_step_ran_in_a_process_of_its_own_and_several_at_once(ran):
    workers = happened(ran, "STEP_WORKER_STARTED")
    assert sorted(workers) == sorted(STEPS)
    order = [
        (event.event_type_value, event.step_key)
        for event in ran.events
        if event.event_type_value in {"STEP_WORKER_STARTED", "STEP_SUCCESS"}
    ]
    before_the_first_end = [kind for kind, _ in order].index("STEP_SUCCESS")
    assert before_the_first_end >= 2


def test_what_the_steps_wrote_is_all_there(ran):
    with ran.warehouse.reading() as con:

        def count(what):
            return con.execute(f"SELECT count(*) FROM {what}").fetchall()[0][0]

        n_bars = small_runs.N_SESSIONS * len(small_runs.TICKERS)
        assert count("raw.price_vintages") == n_bars
        assert count("core.instruments WHERE ticker IN ('SPY', 'NVDA', 'AMD')") == 3
        assert count("core.share_classes") > 0
        written = con.execute("SELECT DISTINCT table_name FROM meta.changes").fetchall()
    assert {"raw.price_vintages", "core.instruments", "core.share_classes"} <= {
        name for (name,) in written
    }


def test_whoever_publishes_by_hand_beside_it_is_never_refused(ran):
    done, failures = ran.by_hand
    assert failures == []
    assert done >= 2


def test_the_release_of_the_run_and_those_by_hand_are_all_on_record_once(ran):
    with ran.warehouse.reading() as con:
        rows = con.execute("SELECT run_id, count(*) FROM meta.releases GROUP BY ALL").fetchall()
    runs = dict(rows)
    assert set(runs.values()) == {1}
    assert len(runs) == ran.by_hand[0] + 1
    assert sum(run_id.startswith("hand") for run_id in runs) == ran.by_hand[0]


def test_the_newest_release_opens_and_holds_what_was_written(ran):
    published = ran.warehouse.published.resolve()
    with closing(duckdb.connect(str(published), read_only=True)) as con:
        (bars,) = con.execute("SELECT count(*) FROM raw.price_vintages").fetchall()[0]
    assert bars == small_runs.N_SESSIONS * len(small_runs.TICKERS)
