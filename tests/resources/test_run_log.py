"""Dagster's log of a range run: exact, and readable by stock Dagster."""

from __future__ import annotations

import multiprocessing
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy
from dagster._core.instance.ref import InstanceRef

from resources import run_log
from resources.run_log import RunLog

DAILY = dg.DailyPartitionsDefinition("2025-01-01")
DAYS = 40
ROOT = Path(__file__).parents[2]
KILLED = """
import os, signal, sys
from resources.run_log import BatchedEvents
log = BatchedEvents(sys.argv[1])
with log.run_connection("run") as connection:
    connection.exec_driver_sql("INSERT INTO event_logs (run_id, event) VALUES ('run', 'noted')")
os.kill(os.getpid(), signal.SIGKILL)
"""


@dg.asset(partitions_def=DAILY)
def prices() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"rows": 7, "sql": dg.MetadataValue.md("SELECT 7")})


@dg.asset(deps=[prices])
def events() -> None:
    """Has no partitions."""


@dg.asset_check(asset=prices)
def prices_are_good() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


DEFS = dg.Definitions(
    [prices, events], asset_checks=[prices_are_good], jobs=[dg.define_asset_job("daily")]
)


def ours(home):
    """Return the setting by which Dagster uses our classes."""
    config = {"base_dir": str(home)}
    return {"custom": {"module": "resources.run_log", "class": "RunLog", "config": config}}


def opened(home, storage):
    overrides = {"storage": storage, "telemetry": {"enabled": False}}
    reference = InstanceRef.from_dir(str(home), overrides=overrides)
    return dg.DagsterInstance.from_ref(reference)


@pytest.fixture
def home(tmp_path):
    """Return a Dagster home in which a range of forty days has run."""
    tags = {
        "dagster/asset_partition_range_start": "2025-01-01",
        "dagster/asset_partition_range_end": "2025-02-09",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_EVENT_BATCH_SIZE", "25")
        with opened(tmp_path, ours(tmp_path)) as instance:
            job = DEFS.resolve_job_def("daily")
            assert job.execute_in_process(instance=instance, tags=tags).success
    return tmp_path


@pytest.fixture
def index(home):
    """Return the rows of the log's index, each as type, asset and partition."""
    with closing(sqlite3.connect(home / "history/runs/index.db")) as con:
        sql = "SELECT dagster_event_type, asset_key, partition FROM event_logs"
        return con.execute(sql).fetchall()


def test_each_day_of_a_partitioned_asset_is_planned_and_noted_once(index):
    counts = Counter((kind, key) for kind, key, _ in index)
    assert counts["ASSET_MATERIALIZATION_PLANNED", '["prices"]'] == DAYS
    assert counts["ASSET_MATERIALIZATION", '["prices"]'] == DAYS
    days = {day for kind, key, day in index if key == '["prices"]'}
    assert len(days) == DAYS
    assert "2025-02-09" in days


def test_an_asset_without_partitions_is_planned_once(index):
    planned = [row for row in index if row[1] == '["events"]']
    assert sorted(planned) == [
        ("ASSET_MATERIALIZATION", '["events"]', None),
        ("ASSET_MATERIALIZATION_PLANNED", '["events"]', None),
    ]


def test_no_planned_check_stays_without_its_result(home):
    with closing(sqlite3.connect(home / "history/runs/index.db")) as con:
        sql = "SELECT check_name, execution_status, partition FROM asset_check_executions"
        assert con.execute(sql).fetchall() == [("prices_are_good", "SUCCEEDED", None)]


def test_stock_dagster_reads_what_was_written(home):
    with opened(home, {"sqlite": {"base_dir": str(home)}}) as instance:
        key = dg.AssetKey("prices")
        assert len(instance.get_materialized_partitions(key)) == DAYS
        newest = instance.get_latest_materialization_event(key)
        assert newest.asset_materialization.metadata["rows"].value == 7
        assert newest.asset_materialization.metadata["sql"].value == "SELECT 7"
        run = instance.get_runs()[0]
        assert run.status == dg.DagsterRunStatus.SUCCESS
        assert run.tags["dagster/asset_partition_range_end"] == "2025-02-09"
        events_of_run = instance.all_logs(run.run_id)
        types = Counter(e.dagster_event_type for e in events_of_run if e.is_dagster_event)
        assert types[dg.DagsterEventType.ASSET_MATERIALIZATION] == DAYS + 1
        assert types[dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED] == 1


def test_what_is_long_is_noted_once_in_each_batch(home):
    with opened(home, {"sqlite": {"base_dir": str(home)}}) as instance:
        records = instance.fetch_materializations(dg.AssetKey("prices"), limit=DAYS).records
        noted = [set(record.asset_materialization.metadata) for record in records]
    assert len(noted) == DAYS
    assert all("rows" in each for each in noted)
    assert sum("sql" in each for each in noted) == 2  # of batches of 25
    assert "sql" in noted[0]


@pytest.fixture
def log(tmp_path):
    with dg.DagsterInstance.ephemeral() as instance:
        log = run_log.BatchedEvents(str(tmp_path))
        log.register_instance(instance)
        yield log
        log.dispose()


def open_files(folder):
    """Return which files of a folder this process holds open, by name."""
    held = [each.readlink() for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    return {each.name for each in held if each.parent == folder}


def count_events(log, run):
    with log.run_connection(run) as connection:
        return connection.exec_driver_sql("SELECT count(*) FROM event_logs").scalar()


def test_the_newest_materialization_is_the_one_noted_last_and_none_after_a_wipe(tmp_path):
    key = dg.AssetKey("prices")
    with opened(tmp_path, ours(tmp_path)) as instance:
        for rows in (1, 2, 3):
            noted = dg.AssetMaterialization(key, metadata={"rows": rows})
            instance.report_runless_asset_event(noted)
            for _ in range(2):
                (record,) = instance.get_asset_records([key])
                newest = record.asset_entry.last_materialization.asset_materialization
                assert newest.metadata["rows"].value == rows
            if rows == 2:
                instance.wipe_assets([key])
                assert instance.get_latest_materialization_event(key) is None
                assert not instance.has_asset_key(key)


def test_a_file_is_opened_once_and_few_are_kept(log, tmp_path, monkeypatch):
    made = []

    def make(address, **options):
        made.append((address, options["poolclass"].__name__))
        return sqlalchemy.create_engine(address, **options)

    monkeypatch.setattr(run_log, "create_engine", make)
    runs = [f"run{number}" for number in range(2 * run_log.MOST_OPEN)]
    for run in runs:
        for _ in range(3):
            assert count_events(log, run) == 0
    kept = [address for address, pool in made if pool == "StaticPool"]
    assert [Path(address).stem for address in kept] == runs
    held = {name for name in open_files(tmp_path) if name.endswith(".db")}
    assert held == {f"{run}.db" for run in runs[-run_log.MOST_OPEN :]}
    log.dispose()
    assert not open_files(tmp_path)


def test_a_run_whose_file_was_removed_is_no_longer_held(log, tmp_path):
    with log.run_connection("gone"):
        pass
    for path in tmp_path.glob("gone.db*"):
        path.unlink()
    assert count_events(log, "other") == 0
    assert not list(tmp_path.glob("gone.db*"))
    log.dispose()
    assert not list(tmp_path.glob("gone.db*"))


def test_what_is_written_after_a_file_was_removed_is_in_the_file_that_took_its_place(log, tmp_path):
    note = "INSERT INTO event_logs (run_id, event) VALUES ('run', 'x')"
    for _ in range(2):
        with log.run_connection("run") as connection:
            connection.exec_driver_sql(note)
        assert count_events(log, "run") == 1
        with closing(sqlite3.connect(tmp_path / "run.db")) as con:
            assert con.execute("SELECT count(*) FROM event_logs").fetchall() == [(1,)]
        for path in tmp_path.glob("run.db*"):
            path.unlink()


def test_others_can_write_while_a_file_is_kept_open(log, tmp_path):
    assert count_events(log, "run") == 0
    with closing(sqlite3.connect(tmp_path / "run.db", timeout=0)) as con, con:
        con.execute("INSERT INTO event_logs (run_id, event) VALUES ('run', 'x')")
    assert count_events(log, "run") == 1


def test_what_a_process_noted_is_there_when_it_is_killed(tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run(  # noqa: S603 - this interpreter
            [sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, check=True
        )
    with closing(sqlite3.connect(tmp_path / "run.db")) as con:
        assert con.execute("SELECT event FROM event_logs").fetchall() == [("noted",)]


def test_processes_that_open_a_new_storage_at_once_all_find_it_whole(tmp_path):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["resources.run_log", "dagster._core.storage.event_log"])
    arguments = (str(tmp_path / "storage"),)
    services = [context.Process(target=RunLog.from_local, args=arguments) for _ in range(3)]
    for service in services:
        service.start()
    for service in services:
        service.join(60)
    assert [service.exitcode for service in services] == [0, 0, 0]
    storage = RunLog.from_local(*arguments)
    assert storage.run_storage.get_runs() == []
    storage.dispose()
