"""Whether old runs go from a real Dagster home, and nothing that it still needs."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import timedelta

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef

DAYS = [f"2025-01-0{day}" for day in range(1, 5)]
STALE = 40


def names(planned, kind):
    return [each.name for each in planned if each.kind == kind]


@dg.asset(partitions_def=dg.DailyPartitionsDefinition("2025-01-01"))
def prices() -> None:
    """Has partitions."""


@dg.asset(deps=[prices])
def events() -> None:
    """Has none."""
    print("found")  # noqa: T201 - for the compute log


@dg.op
def fail():
    raise dg.Failure(description="always")


@dg.job
def failing():
    fail()


DEFS = dg.Definitions(
    [prices, events],
    jobs=[dg.define_asset_job("daily"), dg.define_asset_job("found", [events]), failing],
)


@pytest.fixture
def dagster(tmp_path):
    """A Dagster home with this project's own storage."""
    home = tmp_path / "dagster"
    home.mkdir()
    config = {"base_dir": str(home / "storage")}
    custom = {"module": "resources.run_log", "class": "RunLog", "config": config}
    overrides = {"storage": {"custom": custom}, "telemetry": {"enabled": False}}
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=overrides)) as found:
        yield found


@pytest.fixture
def ran(dagster, tmp_path, now):
    """Run a job that ended so many days ago; return its id."""

    def run(job, days, first=None, last=None):
        tags = {}
        if first:
            tags["dagster/asset_partition_range_start"] = first
            tags["dagster/asset_partition_range_end"] = last or first
        made = DEFS.resolve_job_def(job)
        result = made.execute_in_process(instance=dagster, tags=tags, raise_on_error=False)
        with closing(sqlite3.connect(tmp_path / "dagster/storage/history/runs.db")) as con, con:
            con.execute(
                "UPDATE runs SET update_timestamp = ? WHERE run_id = ?",
                [(now - timedelta(days=days)).replace(tzinfo=None).isoformat(" "), result.run_id],
            )
        return result.run_id

    return run


def test_old_runs_go_with_their_logs_and_what_they_printed(plan, dagster, ran, tmp_path):
    old, newest = ran("found", STALE), ran("found", STALE)
    storage = tmp_path / "dagster/storage"
    assert (storage / f"history/runs/{old}.db").exists()
    assert (storage / old / "compute_logs").is_dir()
    (removal,) = plan(dagster, run_days=30)
    assert (removal.kind, removal.name) == ("run", old)
    assert removal.size > 10_000
    assert removal.reason == "success, ended before 2025-05-02"
    assert [run.run_id for run in dagster.get_runs()] == [newest]
    assert [path.name for path in storage.rglob(f"*{old}*")] == []
    assert list(storage.rglob(f"{newest}.db"))


def test_young_runs_stay(plan, dagster, ran):
    ran("found", 29)
    ran("found", 1)
    assert plan(dagster, run_days=30) == []


def test_a_run_with_the_newest_materialization_of_a_day_stays(plan, dagster, ran):
    backfill = ran("daily", STALE, DAYS[0], DAYS[3])
    replaced = ran("daily", STALE, DAYS[1])
    ran("daily", STALE, DAYS[1])
    key = dg.AssetKey("prices")
    assert names(plan(dagster, run_days=30), "run") == [replaced]
    assert dagster.get_materialized_partitions(key) == set(DAYS)
    assert dagster.get_run_by_id(backfill)


def test_a_run_whose_days_were_all_made_again_goes(plan, dagster, ran):
    old = [ran("daily", STALE, DAYS[0]), ran("daily", STALE, DAYS[1])]
    ran("daily", STALE, DAYS[0], DAYS[1])
    assert names(plan(dagster, run_days=30), "run") == old
    assert dagster.get_materialized_partitions(dg.AssetKey("prices")) == set(DAYS[:2])
    assert dagster.get_latest_materialization_event(dg.AssetKey("events")) is not None


def test_a_failed_run_goes_and_one_in_progress_stays(plan, dagster, ran, tmp_path):
    failed, running = ran("failing", STALE), ran("failing", STALE)
    with closing(sqlite3.connect(tmp_path / "dagster/storage/history/runs.db")) as con, con:
        con.execute(
            "UPDATE runs SET status = 'STARTED', run_body = replace(run_body, '\"FAILURE\"', "
            "'\"STARTED\"') WHERE run_id = ?",
            [running],
        )
    assert names(plan(dagster, run_days=30), "run") == [failed]
    assert [run.run_id for run in dagster.get_runs()] == [running]


def test_files_of_a_run_that_was_deleted_in_dagster_go_too(plan, dagster, ran, tmp_path, now):
    """Deleting a run in Dagster's UI leaves its event file, emptied, and what it printed."""
    forgotten, young, known = (ran("found", 1) for _ in range(3))
    for run_id in (forgotten, young):
        dagster.delete_run(run_id)
    for run_id, days in ((forgotten, 2), (young, 0.5), (known, 2)):
        at = (now - timedelta(days=days)).timestamp()
        os.utime(tmp_path / f"dagster/storage/history/runs/{run_id}.db", (at, at))
    (removal,) = plan(dagster, run_days=30)
    assert (removal.kind, removal.name) == ("run", forgotten)
    assert removal.reason == "deleted from Dagster, its files were left"
    assert list(tmp_path.rglob(f"*{forgotten}*")) == []
    assert (tmp_path / f"dagster/storage/history/runs/{young}.db").exists()


def test_without_an_instance_or_a_limit_runs_stay(plan, dagster, ran):
    ran("failing", 4000)
    assert plan(dagster, run_days=None) == []
    assert plan(None, run_days=30) == []
