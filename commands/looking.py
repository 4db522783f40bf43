"""The commands that look at what was published: events, claims, queries, pages."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.reaching import Day, Form, Json, chosen, release, show, stop, warehouse
from commands.showing import as_record, show_event
from commands.terminal import as_json, as_table, console
from resources.answers import fetch

if TYPE_CHECKING:
    from resources.answers import Rows

EVENTS = """
SELECT event_id, session_date, last_session_date, region, scope, status, event_name, market_return,
       market_severity, breadth, origin_sector, market_value_lost_usd
FROM mart.selloff_events
WHERE $everything OR status <> 'withdrawn' ORDER BY session_date, event_id
"""
SHOWN = (
    *("session_date", "region", "scope", "event_name", "market_return", "market_severity"),
    *("origin_sector", "market_value_lost_usd", "status"),
)
EVENT_OF = """
FROM mart.selloff_events WHERE $day BETWEEN session_date AND last_session_date ORDER BY event_id
"""
NEAREST = """
SELECT DISTINCT session_date FROM mart.selloff_events WHERE status <> 'withdrawn'
ORDER BY abs(date_diff('day', session_date, $day)), session_date LIMIT 3
"""
CLAIMS = """
SELECT published_at::DATE AS published, source, ticker, sentence, verdict, reading,
       claimed_low, claimed_high, observed, unit, reason
FROM mart.article_claims
WHERE $ticker IN ('', ticker) AND $source IN ('', source) AND $verdict IN ('', verdict)
"""


def events(
    *,
    everything: Annotated[bool, typer.Option("--all", help="also withdrawn ones")] = False,
    form: Form = "table",
    json: Json = False,
) -> None:
    """List the sell-offs: when, where, how far, what was lost."""
    form = chosen(form, as_json=json)
    with release() as con:
        found = fetch(con, EVENTS, {"everything": everything})
    if form == "table":
        as_table([{name: row[name] for name in SHOWN} for row in found], title="Sell-offs")
    else:
        show(found, form)


def event(day: Day, *, json: Json = False) -> None:
    """Show the sell-off of a date: the event, how it spread, the ten worst, the sectors."""
    with release() as con:
        found = events_of(con, day.date())
        if json:
            as_json([as_record(con, one) for one in found])
            return
        for one in found:
            show_event(console(), con, one)


def events_of(con: Any, day: date) -> Rows:
    """Return the events of a date; where there is none, the nearest are named."""
    found = fetch(con, EVENT_OF, {"day": day})
    if not found:
        near = sorted(row["session_date"] for row in fetch(con, NEAREST, {"day": day}))
        named = f"the nearest: {', '.join(map(str, near))}" if near else "none is known at all"
        stop(f"no sell-off on {day}; {named} (`selloff events` lists all)")
    return found


def report(
    day: Day,
    *,
    output: Annotated[
        Path | None, typer.Option(help="the file, or a folder for several events")
    ] = None,
    is_shown: Annotated[bool, typer.Option("--open", help="show it in the browser")] = False,
    json: Json = False,
) -> None:
    """Write the page of a date's sell-off, a file that can be sent; print where it lies."""
    from pages.index_page import file_name
    from pages.writing import FOLDER, write_event

    with release() as con:
        found = events_of(con, day.date())
        folder = output or warehouse().file.parent / FOLDER
        if output and output.suffix not in {"", ".html"}:
            stop(f"{output}: a page is an .html file; or name a folder")
        is_file = folder.suffix == ".html" and len(found) == 1
        names = [folder if is_file else folder / file_name(one["event_id"]) for one in found]
        try:
            written = [
                write_event(con, one["event_id"], path)
                for one, path in zip(found, names, strict=True)
            ]
        except OSError as error:
            stop(f"{error.filename or folder}: {error.strerror}")
    if json:
        as_json([{**page._asdict(), "path": str(page.path)} for page in written])
    for page in written:
        if not json:
            typer.echo(page.path)
        if is_shown:
            typer.launch(page.path.resolve().as_uri())


def sql(query: str, *, form: Form = "table", json: Json = False) -> None:
    """Run a query on the published release."""
    import duckdb

    form = chosen(form, as_json=json)
    with release() as con:
        try:
            rows = fetch(con, query)
        except (duckdb.CatalogException, duckdb.BinderException, duckdb.InterruptException):
            raise
        except duckdb.Error as error:
            stop(str(error))
    show(rows, form)


def claims(
    *,
    ticker: Annotated[str, typer.Option(help="only of this ticker")] = "",
    source: Annotated[str, typer.Option(help="only of this source")] = "",
    verdict: Annotated[str, typer.Option(help="only with this verdict")] = "",
    form: Form = "table",
    json: Json = False,
) -> None:
    """List what articles claim of prices, and what the prices say of it."""
    form = chosen(form, as_json=json)
    with release() as con:
        rows = fetch(con, CLAIMS, {"ticker": ticker, "source": source, "verdict": verdict})
    show(rows, form)
