"""The commands that run jobs: `run`, `backfill`, `publish`, `demo`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import running
from commands.reaching import Json, release, resources, stop, warehouse
from commands.showing import show_event
from commands.terminal import as_json, console, show_failed_checks
from resources.answers import fetch

if TYPE_CHECKING:
    from resources.batch import Days

DayOption = typer.Option(formats=["%Y-%m-%d"], metavar="DATE")


def run(
    *,
    day: Annotated[datetime | None, DayOption] = None,
    json: Json = False,
) -> None:
    """Fetch, keep, measure, check and publish: what the provider holds, or what is missing.

    Exit status: 0 when all is well, 1 when the run failed, 3 when it went through but some of
    the input was refused.
    """
    _end(running.execute(resources(), "daily", _one(day) if day else _due()), json=json)


def backfill(
    *,
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], metavar="DATE")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], metavar="DATE")],
    json: Json = False,
) -> None:
    """Run a range of dates as one run; it raises no alerts."""
    from resources.batch import Days

    if first > last:
        stop(f"--from {first.date()} lies after --to {last.date()}")
    days = Days(first.date(), last.date())
    _end(running.execute(resources(), "range_backfill", days), json=json)


def publish(
    *,
    force: Annotated[bool, typer.Option("--force", help="though something speaks against")] = False,
    json: Json = False,
) -> None:
    """Publish the warehouse as it is: a new release, its event pages, nothing fetched.

    It is refused while a blocking check's last result is a failure, or a table is behind what it
    is made from.
    """
    from resources.batch import Days

    if (against := warehouse().unfit()) and not force:
        stop("\n".join([*against, "nothing was published; --force publishes all the same"]))
    today = resources()["clock"].now().date()
    _end(running.execute(resources(), "publish", Days(today, today)), json=json)


def demo() -> None:
    """Run the replay of January 2025 and show what it found."""
    status = running.execute(resources(), "daily", _due())
    target = console()
    with release() as con:
        for found in fetch(con, "FROM mart.selloff_events WHERE status <> 'withdrawn' ORDER BY 2"):
            show_event(target, con, found)
        show_failed_checks(target, con)
    _show_next()
    raise typer.Exit(status)


def _end(outcome: int, *, json: bool) -> None:
    """End with the status of the run; with ``--json`` say it, and which release is live."""
    if json:
        as_json([{"exit_status": outcome, "release_id": warehouse().current_release()}])
    raise typer.Exit(outcome)


def _due() -> Days:
    """Return the days to run: all that the provider holds, or from the last session to today."""
    from automation import first_missing
    from resources.batch import Days

    given: dict[str, Any] = resources()
    running.refuse_misuse(given)
    if held := given["price_provider"].coverage():
        return held
    today = given["clock"].now().date()
    mics = sorted({one.exchange_mic or "" for one in given["reference"].listings()})
    return Days(first_missing(given["warehouse"], mics, today), today)


def _one(day: datetime) -> Days:
    from resources.batch import Days

    return Days(day.date(), day.date())


def _show_next() -> None:
    published = warehouse().published
    pages = warehouse().file.parent / "pages" / "index.html"
    console().print(
        f"\nThe database: [bold]{published}[/bold] (any DuckDB client, read-only)\n"
        f"The pages:    [bold]{pages}[/bold] (.venv/bin/selloff report 2025-01-27 --open)\n"
        "Next:  make dev                            the graph, the runs and the checks\n"
        "       .venv/bin/selloff sql 'from mart.event_losses'\n"
        "       SELLOFF_WAREHOUSE=warehouse/real/selloff.duckdb SELLOFF_PRICES=files "
        "SELLOFF_PRICES_PATH=your/folder .venv/bin/selloff run\n",
        highlight=False,
        soft_wrap=True,
    )
