"""The commands that take something out or away: `export`, `prune`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.looking import events_of
from commands.reaching import Json, release, resources, show, stop, warehouse
from commands.running import opened_instance
from commands.terminal import as_json

if TYPE_CHECKING:
    from collections.abc import Iterator


def export(
    *,
    day: Annotated[
        datetime | None,
        typer.Option("--event", formats=["%Y-%m-%d"], metavar="DATE", help="of this date alone"),
    ] = None,
    excel: Annotated[Path | None, typer.Option(help="write a workbook, .xlsx")] = None,
    parquet: Annotated[Path | None, typer.Option(help="write a lake into this folder")] = None,
    json: Json = False,
) -> None:
    """Write the release, or one event of it, as a workbook or as Parquet files."""
    if excel is None and parquet is None:
        stop("name what to write: --excel FILE.xlsx or --parquet FOLDER")
    with release() as con:
        event_id = _event_of(con, day) if day else None
        written = list(_written(con, event_id, excel, parquet))
    if json:
        as_json([{"path": str(path)} for path in written])
    else:
        typer.echo("\n".join(map(str, written)))


def _event_of(con: Any, day: datetime) -> str:
    """Return the event of a date; of several the first, and the others are named."""
    first, *others = [one["event_id"] for one in events_of(con, day.date())]
    if others:
        typer.echo(f"{first} is written; also that day: {', '.join(others)}", err=True)
    return first


def _written(
    con: Any, event_id: str | None, workbook: Path | None, lake: Path | None
) -> Iterator[Path]:
    """Write what was asked for; yield where it lies."""
    from resources.exports import excel, parquet

    if workbook and event_id:
        excel.write_event(con, event_id, workbook)
    elif workbook:
        excel.write_release(con, workbook)
    if workbook:
        yield workbook
    if lake and event_id:
        yield parquet.write_event(con, event_id, lake)
    elif lake:
        yield parquet.write_lake(con, lake)


def prune(
    *,
    is_sure: Annotated[bool, typer.Option("--yes", help="delete; else only say what")] = False,
    json: Json = False,
) -> None:
    """Say what retention lets go: old releases, answers, runs, leftovers; with --yes delete it."""
    from resources import retention

    limits, now = retention.limits(), resources()["clock"].now()
    act = retention.prune if is_sure else retention.plan
    with opened_instance() as instance:
        found = act(warehouse(), instance, now=now, limits=limits)
    rows = [
        {"what": one.kind, "name": one.name, "bytes": one.size, "why": one.reason} for one in found
    ]
    if rows or json:
        show(rows, "json" if json else "table")
    if not json:
        total = sum(one.size for one in found) / 2**20
        done = "deleted" if is_sure else "to delete (nothing was; --yes does it)"
        typer.echo(f"{len(found)} things, {total:.1f} MB {done}")
