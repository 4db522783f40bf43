"""What a run by hand does beside the job: close what was killed, show what was distinct."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing

import dagster as dg
import duckdb
import pytest

from commands import running, terminal


@pytest.fixture
def gone():
    """Return the number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()
    return process.pid


def started(instance, pid, **tags):
    @dg.job
    def daily():
        pass

    by_hand = {**running.BY_HAND, "selloff/pid": str(pid), **tags}
    status = dg.DagsterRunStatus.STARTED
    return instance.create_run_for_job(daily, tags=by_hand, status=status).run_id


def test_a_run_whose_process_is_gone_no_longer_counts_as_started(gone):
    with dg.DagsterInstance.ephemeral() as instance:
        killed, alive = started(instance, gone), started(instance, os.getpid())
        scheduled = started(instance, gone, **{"selloff/warehouse": "core"})
        running._close_killed(instance)
        found = {run.run_id: run.status.value for run in instance.get_runs()}
    assert found == {killed: "FAILURE", alive: "STARTED", scheduled: "STARTED"}


def test_columns_of_one_name_are_told_apart():
    with closing(duckdb.connect()) as con:
        rows = terminal.fetch(con, "SELECT 1 AS x, 2 AS x, 3 AS y, 4 AS x")
    assert rows.names == ("x", "x_2", "y", "x_3")
    assert list(rows) == [{"x": 1, "x_2": 2, "y": 3, "x_3": 4}]


def test_json_has_numbers_iso_instants_and_null_for_what_is_no_number(capsys):
    with closing(duckdb.connect()) as con:
        sql = "SELECT 0.5 AS half, 'nan'::DOUBLE AS none, TIMESTAMP '2025-01-27 21:00' AS at"
        terminal.as_json(terminal.fetch(con, sql))
    said = " ".join(capsys.readouterr().out.split())
    assert said == '[ { "half": 0.5, "none": null, "at": "2025-01-27T21:00:00" } ]'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("  =1+1", "'  =1+1"),
        ("\t@SUM(A1)", "'\t@SUM(A1)"),
        ("\uff1d1", "'\uff1d1"),
        ("NVDA", "NVDA"),
        ("a = b", "a = b"),
    ],
)
def test_text_like_a_formula_is_quoted_in_csv(capsys, text, expected):
    import csv
    import io

    terminal.as_csv([{text: text, "fall": -0.17}])
    head, row = csv.reader(io.StringIO(capsys.readouterr().out))
    assert head == [expected, "fall"]
    assert row == [expected, "-0.17"]
