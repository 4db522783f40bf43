"""How the command runs a job: in this process, with a progress bar and an exit status."""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from commands.terminal import console
from resources.answers import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resources.batch import Days
    from resources.warehouse import Warehouse

ROOT = Path(__file__).resolve().parents[1]
FAILED, BAD_INPUT = 1, 3
EARLIEST = date(1990, 1, 1)
MANY = 20
BY_HAND = {"selloff/warehouse": "by hand"}
UNANSWERED = """
SELECT requested, reason FROM raw.fetches
WHERE load_id LIKE $run AND outcome = 'failed' ORDER BY requested
"""


def refuse_misuse(resources: dict[str, Any]) -> None:
    """Stop with one line per setting that is wrong, before anything is asked for."""
    from resources.configuration import problems

    if found := problems(resources):
        typer.echo("\n".join(found), err=True)
        raise typer.Exit(FAILED)


def execute(resources: dict[str, Any], job_name: str, days: Days) -> int:
    """Run a job in this process, with a progress bar; return the exit status."""
    import uuid

    from resources.warehouse import WarehouseError

    # What would fail every step is said in one line before the first.
    refuse_misuse(resources)
    resources["warehouse"].refuse_mixing(resources["price_provider"].kind)
    if days.start < EARLIEST:
        raise WarehouseError(f"{days.start}: sessions before {EARLIEST} are not kept")
    from definitions import defs

    job = defs.resolve_job_def(job_name)
    run_id = str(uuid.uuid4())
    with opened_instance() as instance, _progress(instance, run_id, job), rare_collections():
        _close_killed(instance)
        result = job.execute_in_process(
            instance=instance,
            run_id=run_id,
            # Not counted by the queue's limit: a killed command would block it. The file lock
            # keeps runs apart.
            tags={**days.tags(), **BY_HAND, "selloff/pid": str(os.getpid())},
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    for failure in _failures(result):
        typer.echo(f"failed: {failure}", err=True)
    refused = _report_refused(resources["warehouse"], result, run_id)
    if not result.success:
        return FAILED
    return BAD_INPUT if refused else 0


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for garbage less often: of the replay's 37 CPU s, the usual thresholds take 3."""
    usual = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _close_killed(instance: Any) -> None:
    """Note runs by hand as failed whose process is gone: the queue counts what has started."""
    import dagster as dg

    started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED], tags=BY_HAND)
    for run in instance.get_runs(filters=started):
        try:
            os.kill(int(run.tags["selloff/pid"]), 0)
        except (KeyError, ProcessLookupError):
            instance.report_run_failed(run, "its process was killed")
        except PermissionError:
            continue


def _failures(result: Any) -> list[str]:
    """Return the first line of every step failure and of every blocking check."""
    found: list[str] = []
    for step in result.get_step_failure_events() if not result.success else []:
        error = step.step_failure_data.error
        while error.cause is not None:
            error = error.cause
        if error.cls_name != "DagsterAssetCheckFailedError":  # the check speaks for itself
            said = error.message.strip().splitlines()[0]
            # What the user must act on is written for them; where it was raised is not.
            found.append(f"{step.step_key}: {said.partition('WarehouseError: ')[2] or said}")
    found += [
        f"{check.asset_key.to_user_string()} {check.check_name}: "
        f"{check.description or _seen(check.metadata)}"
        for check in result.get_asset_check_evaluations()
        if not check.passed and check.blocking and check.severity.value == "ERROR"
    ]
    return found


def _seen(metadata: Any) -> str:
    """Return the first failing rows of a check, else how many failed."""
    rows = metadata.get("first_failing_rows")
    return str(rows.value) if rows else f"{metadata['rows_failed'].value} rows"


def _report_refused(warehouse: Warehouse, result: Any, run_id: str) -> int:
    """Say in one line each what input was refused; return how much of it there was."""
    noted = {  # a run over a range notes each of its dates
        event.asset_key: event.materialization.metadata
        for event in result.get_asset_materialization_events()
        if "quarantined_rows" in event.materialization.metadata
    }
    count = sum(int(metadata["quarantined_rows"].value) for metadata in noted.values())
    lines = [line for metadata in noted.values() for line in metadata["first_refused"].value]
    with warehouse.reading() as con:
        failed = fetch(con, UNANSWERED, {"run": f"{run_id}/%"})
    for line in lines[:MANY]:
        typer.echo(f"refused: {line}", err=True)
    for row in failed[:MANY]:
        reason = row["reason"].removeprefix(f"{row['requested']}: ")
        typer.echo(f"not read: {row['requested']}: {reason}", err=True)
    if count > min(len(lines), MANY):
        typer.echo(f"refused: {count} rows in all, see raw.quarantine", err=True)
    return count + len(failed)


@contextmanager
def _progress(instance: Any, run_id: str, job: Any) -> Iterator[None]:
    """Show a bar while the run's steps end, one after another."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    ends = {"STEP_SUCCESS", "STEP_FAILURE", "STEP_SKIPPED"}
    columns = (
        TextColumn("{task.description:<42}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console(stderr=True)) as bar:
        task = bar.add_task("loading", total=len(job.graph.node_dict))

        def follow(entry: Any, _cursor: Any = None) -> None:
            happened = entry.dagster_event
            if happened is None and entry.step_key:  # what a provider says while it asks
                bar.update(task, description=entry.user_message[:42])
            if happened and happened.event_type_value == "STEP_START":
                bar.update(task, description=happened.step_key.replace("__", "."))
            if happened and happened.event_type_value in ends:
                bar.advance(task)

        instance.add_event_listener(run_id, follow)
        yield
        bar.update(task, description="done")


@contextmanager
def opened_instance() -> Iterator[Any]:
    """Open Dagster's storage in DAGSTER_HOME, else in the repository's ignored folder.

    A home without a dagster.yaml of its own takes this repository's, so that neither telemetry
    nor retention depend on where the storage lies.
    """
    import dagster as dg
    from dagster._core.instance.ref import InstanceRef

    home = Path(os.environ.get("DAGSTER_HOME") or ROOT / ".dagster").resolve()
    home.mkdir(parents=True, exist_ok=True)
    own = (home / "dagster.yaml").exists()
    custom = {
        "module": "resources.run_log",
        "class": "RunLog",
        "config": {"base_dir": str(home / "storage")},
    }
    storage = {} if own else {"storage": {"custom": custom}}
    config_dir = str(home if own else ROOT)
    reference = InstanceRef.from_dir(str(home), config_dir=config_dir, overrides=storage)
    with dg.DagsterInstance.from_ref(reference) as instance:
        yield instance
