"""What every command needs: the resources, the release, the form of an answer, a last word."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from commands import running
from commands.terminal import as_csv, as_json, as_table

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from resources.warehouse import Warehouse

FORMATS: dict[str, Any] = {"table": as_table, "csv": as_csv, "json": as_json}
Day = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], metavar="DATE")]
Json = Annotated[bool, typer.Option("--json", help="print JSON, for other programs")]
Form = Annotated[str, typer.Option("--format", help="table, csv or json")]


def stop(message: str) -> NoReturn:
    """Say in one line what is wrong, and end with the status of a failure."""
    typer.echo(message, err=True)
    raise typer.Exit(running.FAILED)


def resources() -> dict[str, Any]:
    """Return the configured resources."""
    from definitions import defs

    return dict(defs.resources or {})


def warehouse() -> Warehouse:
    """Return the configured warehouse."""
    return resources()["warehouse"]


def release() -> AbstractContextManager[Any]:
    """Open the published release."""
    return warehouse().reading_release()


def chosen(form: str, *, as_json: bool) -> str:
    """Return the form that was asked for; any other than the three ends the command."""
    if form not in FORMATS:
        stop(f"--format {form}: one of {', '.join(FORMATS)}")
    return "json" if as_json else form


def show(rows: list[dict[str, Any]], form: str) -> None:
    """Print rows in the form that was asked for."""
    FORMATS[form](rows)
