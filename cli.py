"""The `selloff` command: the same jobs by hand, and a look at what they published."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from terminal import as_csv, as_json, as_table, console, fetch, show_event, show_failed_checks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from resources.batch import Days
    from resources.warehouse import Warehouse

ROOT = Path(__file__).resolve().parent
FAILED, BAD_INPUT = 1, 3
MANY = 20


class _OneLine(TyperGroup):
    """Says in one line what the user must mend."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            from resources.warehouse import WarehouseError

            if isinstance(error, WarehouseError):
                _stop(str(error))
            raise


app = typer.Typer(
    cls=_OneLine,
    help="Market sell-offs: who fell, how abnormally, what was lost, how it spread.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Day = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], metavar="DATE")]
DayOption = typer.Option(formats=["%Y-%m-%d"], metavar="DATE")


@app.command()
def run(day: Annotated[datetime | None, DayOption] = None) -> None:
    """Fetch, keep, measure, check and publish: what the provider holds, or what is missing.

    Exit status: 0 when all is well, 1 when the run failed, 3 when it went through but some of
    the input was refused.
    """
    days = _one(day) if day else _due()
    raise typer.Exit(_execute("daily", days))


@app.command()
def backfill(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], metavar="DATE")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], metavar="DATE")],
) -> None:
    """Run a range of dates as one run; it raises no alerts."""
    from resources.batch import Days

    if first > last:
        _stop(f"--from {first.date()} lies after --to {last.date()}")
    raise typer.Exit(_execute("range_backfill", Days(first.date(), last.date())))


@app.command()
def event(day: Day) -> None:
    """Show the sell-off of a date: the event, the ten worst, the sectors."""
    with _release() as con:
        events = fetch(con, EVENT_OF, {"day": day.date()})
        if not events:
            _stop(
                f"no sell-off on {day.date()}; `selloff sql 'from mart.selloff_events'` lists all"
            )
        for found in events:
            show_event(console(), con, found)


@app.command()
def sql(
    query: str,
    form: Annotated[str, typer.Option("--format", help="table, csv or json")] = "table",
) -> None:
    """Run a query on the published release."""
    import duckdb

    if form not in {"table", "csv", "json"}:
        _stop(f"--format {form}: one of table, csv, json")
    with _release() as con:
        try:
            rows = fetch(con, query)
        except duckdb.Error as error:
            _stop(str(error))
    {"table": as_table, "csv": as_csv, "json": as_json}[form](rows)


@app.command()
def demo() -> None:
    """Run the replay of January 2025 and show what it found."""
    status = _execute("daily", _due())
    target = console()
    with _release() as con:
        for found in fetch(con, "FROM mart.selloff_events WHERE status = 'detected' ORDER BY 2"):
            show_event(target, con, found)
        show_failed_checks(target, con)
    _show_next()
    raise typer.Exit(status)


@app.command()
def doctor() -> None:
    """Say what is configured, what is reachable, what is stale."""
    from checks.freshness import LATENESS
    from resources.batch import naive_utc
    from resources.warehouse import WarehouseError

    resources = _resources()
    warehouse, prices = resources["warehouse"], resources["price_provider"]
    articles = resources["article_source"].path
    lines = {
        "prices": f"{prices.provider} {prices.path}".strip(),
        "price source": _reachable(prices),
        "articles": articles or "the replay's own texts",
        "article folder": "readable" if not articles or Path(articles).is_dir() else "MISSING",
        "warehouse": f"{warehouse.file}, {_size(warehouse.file)}",
        "dagster home": os.environ.get("DAGSTER_HOME", str(ROOT / ".dagster")),
    }
    try:
        with warehouse.reading_release() as con:
            kind = fetch(con, "FROM meta.warehouse")
            lines["holds"] = kind[0]["kind"] if kind else "nothing yet"
            newest = fetch(con, "FROM meta.releases ORDER BY release_id DESC LIMIT 1")[0]
            lines["release"] = f"{newest['release_id']}, {newest['n_rows']:,} rows"
            settled = naive_utc(resources["clock"].now())
            for row in fetch(con, LATENESS, {"settled": settled}):
                lines[f"prices of {row['exchange_mic']}"] = (
                    f"to {row['last_session']}, {row['sessions_behind']} sessions behind"
                )
    except WarehouseError as nothing:
        lines["release"] = str(nothing)
    as_table([{"what": name, "state": state} for name, state in lines.items()])


@app.command()
def backup(target: Path) -> None:
    """Copy the warehouse to a file, complete and consistent."""
    try:
        _resources()["warehouse"].backup(target)
    except OSError as error:
        _stop(f"{target}: {error.strerror}")
    typer.echo(f"saved to {target}")


@app.command()
def restore(source: Path) -> None:
    """Put a backup in the place of the warehouse; publish it with `selloff run`."""
    warehouse = _resources()["warehouse"]
    warehouse.restore(source)
    typer.echo(f"{warehouse.file} restored from {source}")


# -- running ------------------------------------------------------------------------------------


def _execute(job_name: str, days: Days) -> int:
    """Run a job in this process, with a progress bar; return the exit status."""
    import uuid

    resources = _resources()
    from definitions import defs

    job = defs.resolve_job_def(job_name)
    run_id = str(uuid.uuid4())
    with _instance() as instance, _progress(instance, run_id, job):
        result = job.execute_in_process(
            instance=instance,
            run_id=run_id,
            # Not counted by the queue's limit: a killed command would block it. The file lock
            # keeps runs apart.
            tags={**days.tags(), "selloff/warehouse": "by hand"},
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    for failure in _failures(result):
        typer.echo(f"failed: {failure}", err=True)
    refused = _report_refused(resources["warehouse"], result, run_id)
    if not result.success:
        return FAILED
    return BAD_INPUT if refused else 0


def _failures(result: Any) -> list[str]:
    """Return the first line of every step failure and of every blocking check."""
    found: list[str] = []
    for step in result.get_step_failure_events() if not result.success else []:
        error = step.step_failure_data.error
        while error.cause is not None:
            error = error.cause
        if error.cls_name != "DagsterAssetCheckFailedError":  # the check speaks for itself
            found.append(f"{step.step_key}: {error.message.strip().splitlines()[0]}")
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
    counts = {  # a run over a range notes each of its dates
        event.asset_key: int(event.materialization.metadata["quarantined_rows"].value)
        for event in result.get_asset_materialization_events()
        if "quarantined_rows" in event.materialization.metadata
    }
    count = sum(counts.values())
    with warehouse.reading() as con:
        lines = fetch(con, REFUSED, {"run": f"{run_id}/%"})
        failed = fetch(con, UNANSWERED, {"run": f"{run_id}/%"})
    for row in lines[:MANY]:
        at = ":".join(str(part) for part in (row["source_file"], row["source_row"]) if part)
        typer.echo(f"refused: {at}: {row['reason']}", err=True)
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
            if happened and happened.event_type_value == "STEP_START":
                bar.update(task, description=happened.step_key.replace("__", "."))
            if happened and happened.event_type_value in ends:
                bar.advance(task)

        instance.add_event_listener(run_id, follow)
        yield
        bar.update(task, description="done")


@contextmanager
def _instance() -> Iterator[Any]:
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


def _due() -> Days:
    """Return the days to run: all that the provider holds, or from the last session to today."""
    from automation import first_missing
    from resources.batch import Days

    resources = _resources()
    try:
        held = resources["price_provider"].coverage()
    except ValueError as error:  # the configuration is wrong
        _stop(str(error))
    if held:
        return held
    today = resources["clock"].now().date()
    mics = sorted({one.exchange_mic or "" for one in resources["reference"].listings()})
    return Days(first_missing(resources["warehouse"], mics, today), today)


def _one(day: datetime) -> Days:
    from resources.batch import Days

    return Days(day.date(), day.date())


def _resources() -> dict[str, Any]:
    """Return the configured resources."""
    from definitions import defs

    return dict(defs.resources or {})


EVENT_OF = """
FROM mart.selloff_events WHERE $day BETWEEN session_date AND last_session_date ORDER BY event_id
"""
REFUSED = """
SELECT source_file, source_row, reason FROM raw.quarantine
WHERE load_id LIKE $run ORDER BY source_file, source_row
"""
UNANSWERED = """
SELECT requested, reason FROM raw.fetches
WHERE load_id LIKE $run AND outcome = 'failed' ORDER BY requested
"""


def _show_next() -> None:
    warehouse = _resources()["warehouse"]
    console().print(
        f"\nThe database: [bold]{warehouse.published}[/bold] (any DuckDB client, read-only)\n"
        "Next:  make dev                            the graph, the runs and the checks\n"
        "       .venv/bin/selloff sql 'from mart.event_losses'\n"
        "       SELLOFF_WAREHOUSE=warehouse/real.duckdb SELLOFF_PRICES=files "
        "SELLOFF_PRICES_PATH=your/folder .venv/bin/selloff run\n",
        highlight=False,
        soft_wrap=True,
    )


# -- reaching ------------------------------------------------------------------------------------


def _release() -> AbstractContextManager[Any]:
    """Open the published release."""
    return _resources()["warehouse"].reading_release()


def _reachable(prices: Any) -> str:
    if prices.provider == "files":
        return "readable" if Path(prices.path).exists() else f"MISSING: {prices.path}"
    if prices.provider == "replay":
        return "in the repository"
    import socket

    try:
        socket.create_connection(("query2.finance.yahoo.com", 443), timeout=3).close()
    except OSError as error:
        return f"UNREACHABLE: {error}"
    return "reachable"


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 2**20:.1f} MB" if path.exists() else "not there yet"


def _stop(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(FAILED)


def main() -> None:
    """Run the command; expected errors are one line."""
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    app()


if __name__ == "__main__":
    main()
