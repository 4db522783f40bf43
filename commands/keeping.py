"""The commands that keep what there is: releases, what changed between them, backups."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from commands.reaching import Form, Json, chosen, show, warehouse
from commands.terminal import as_json
from resources.answers import fetch
from resources.warehouse import WarehouseError, readers

RELEASES = """
SELECT release_id, published_at, is_backfill, n_rows, as_of, code_version
FROM meta.releases ORDER BY release_id DESC
"""
ReleaseId = Annotated[str, typer.Argument(metavar="RELEASE")]


def releases(
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="also those whose files are gone")
    ] = False,
    form: Form = "table",
    json: Json = False,
) -> None:
    """List the releases, the newest first: which is live, what each holds, how new it is."""
    form = chosen(form, as_json=json)
    kept, live = warehouse().releases(), warehouse().current_release()
    with warehouse().reading() as con:  # a release rolled back to does not know the later ones
        known = {row["release_id"]: row for row in fetch(con, RELEASES)}
    for name in [each for each in kept if each not in known]:  # nor does a core file restored
        with readers.reading(warehouse().file_of(name)) as con:
            known |= {row["release_id"]: row for row in fetch(con, RELEASES)}
    found = [
        {**known[name], "is_kept": name in kept, "is_live": name == live}
        for name in sorted(known, reverse=True)
        if everything or name in kept
    ]
    show(found, form)


def rollback(
    release_id: Annotated[str | None, typer.Argument(metavar="RELEASE")] = None,
    *,
    json: Json = False,
) -> None:
    """Let readers see an earlier release again: the one before, or the one that is named.

    The core file stays as it is; the next run publishes a new release.
    """
    from pages.writing import FOLDER, write_all

    found = warehouse().rollback(release_id)
    pages = warehouse().file.parent / FOLDER
    try:
        with warehouse().reading_release() as con:
            written = len(write_all(con, pages))
    except WarehouseError as older:  # the release is live all the same
        typer.echo(f"{pages}: still the pages of another release: {older}", err=True)
        written = 0
    if json:
        as_json([{"release_id": found, "n_pages": written}])
    else:
        typer.echo(f"readers see {found} ({written} pages); the next run publishes a new release")


def diff(
    older: ReleaseId,
    newer: ReleaseId,
    *,
    table: Annotated[str, typer.Option(help="single figures of this table")] = "",
    core: Annotated[bool, typer.Option("--core", help="the core tables too")] = False,
    limit: Annotated[int, typer.Option(help="at most so many figures", min=1)] = 50,
    form: Form = "table",
    json: Json = False,
) -> None:
    """Say which published figures changed between two releases, and why.

    contract: the table means something else now; vintage: newer deliveries; later sessions: it
    has been observed longer; code: another commit; else what it is compared with.
    """
    from resources.warehouse import differences

    form = chosen(form, as_json=json)
    found: list[dict[str, Any]]
    with warehouse().comparing(older, newer) as con:
        if table:
            names = ("row", "column", "older", "newer", "reason")
            found = [
                dict(zip(names, row, strict=True)) for row in differences.cells(con, table, limit)
            ]
        else:
            layers = ("core", "mart") if core else ("mart",)
            found = [one._asdict() for one in differences.differences(con, layers)]
    if found or form != "table":
        show(found, form)
    else:
        typer.echo("no published figure changed")


def backup(target: Path, *, json: Json = False) -> None:
    """Copy the warehouse to a file, complete and consistent."""
    warehouse().backup(target)
    _done(f"saved to {target}", target, json=json)


def restore(source: Path, *, json: Json = False) -> None:
    """Put a backup in the place of the warehouse; publish it with `selloff publish`."""
    warehouse().restore(source)
    _done(f"{warehouse().file} restored from {source}", warehouse().file, json=json)


def _done(text: str, path: Path, *, json: bool) -> None:
    if json:
        as_json([{"path": str(path)}])
    else:
        typer.echo(text)
