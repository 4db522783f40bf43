"""The commands that take something out or away: `export`, `prune`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from commands.looking import events_of
from commands.reaching import Json, release, resources, show, stop, warehouse
from commands.running import opened_instance
from commands.terminal import as_json


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
    """Write the release, or one event of it, as a workbook; the release as a lake of Parquet."""
    from resources.exports.excel import write_event, write_release
    from resources.exports.parquet import write_lake

    if excel is None and parquet is None:
        stop("name what to write: --excel FILE.xlsx or --parquet FOLDER")
    if day and parquet:
        stop("--parquet writes whole releases; --event goes with --excel")
    written: list[Path] = []
    with release() as con:
        if excel and day:
            found = events_of(con, day.date())
            if len(found) > 1:
                others = ", ".join(one["event_id"] for one in found[1:])
                typer.echo(f"{found[0]['event_id']} is written; also that day: {others}", err=True)
            write_event(con, found[0]["event_id"], excel)
            written.append(excel)
        elif excel:
            write_release(con, excel)
            written.append(excel)
        if parquet:
            written.append(write_lake(con, parquet))
    if json:
        as_json([{"path": str(path)} for path in written])
    else:
        typer.echo("\n".join(map(str, written)))


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
