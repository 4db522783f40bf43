"""The commands of the quarantine: what is out, and what to do about it."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.reaching import Form, Json, chosen, resources, show, warehouse
from resources.answers import fetch

Case = Annotated[str, typer.Argument(metavar="ID", help="the first digits of the case's id")]
Note = Annotated[str, typer.Option("--note", help="why, for those who come after")]
CASES = """
SELECT left(quarantine_id, 12) AS id, resolution, kind,
       coalesce(listing_id, table_name) AS what, session_date AS session, n_rows AS rows,
       concat_ws(':', source_file, source_row) AS delivered_in, left(reason, 100) AS reason,
       first_seen_at::DATE AS since
FROM core.quarantine WHERE $all OR resolution = 'open'
ORDER BY session_date DESC NULLS LAST, what, id
"""


def list_cases(
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="also what is resolved, released or rejected")
    ] = False,
    form: Form = "table",
    json: Json = False,
) -> None:
    """Show the open cases: what is out, why, since when."""
    form = chosen(form, as_json=json)
    query = CASES if form == "table" else "FROM core.quarantine WHERE $all OR resolution = 'open'"
    with warehouse().reading() as con:
        rows = fetch(con, query, {"all": everything})
    if rows or form != "table":
        show(rows, form)
    else:
        typer.echo("nothing is in quarantine")


def release(case: Case, note: Note) -> None:
    """Let a case into core after all: a row that keeps the contract, a conflict, a restatement."""
    _decide(case, "released", note)


def reject(case: Case, note: Note) -> None:
    """Keep a case out for good."""
    _decide(case, "rejected", note)


def _decide(case: str, decision: str, note: str) -> None:
    now = resources()["clock"].now()
    subject = warehouse().decide(case, decision, note, now=now)
    typer.echo(f"{decision}: {subject}\nThe next `selloff run` computes what rests on it.")
