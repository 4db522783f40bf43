"""The `selloff` command: the same jobs by hand, and a look at what they published."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

import running
from showing import show_event
from terminal import as_csv, as_json, as_table, console, fetch, show_failed_checks

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from resources.batch import Days

ROOT = Path(__file__).resolve().parent


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
quarantine = typer.Typer(
    help="What was refused or is kept out of core, and what to do about it.", no_args_is_help=True
)
app.add_typer(quarantine, name="quarantine")
Day = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], metavar="DATE")]
DayOption = typer.Option(formats=["%Y-%m-%d"], metavar="DATE")


@app.command()
def run(day: Annotated[datetime | None, DayOption] = None) -> None:
    """Fetch, keep, measure, check and publish: what the provider holds, or what is missing.

    Exit status: 0 when all is well, 1 when the run failed, 3 when it went through but some of
    the input was refused.
    """
    days = _one(day) if day else _due()
    raise typer.Exit(running.execute(_resources(), "daily", days))


@app.command()
def backfill(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], metavar="DATE")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], metavar="DATE")],
) -> None:
    """Run a range of dates as one run; it raises no alerts."""
    from resources.batch import Days

    if first > last:
        _stop(f"--from {first.date()} lies after --to {last.date()}")
    raise typer.Exit(
        running.execute(_resources(), "range_backfill", Days(first.date(), last.date()))
    )


@app.command()
def event(day: Day) -> None:
    """Show the sell-off of a date: the event, how it spread, the ten worst, the sectors."""
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

    _check_format(form)
    with _release() as con:
        try:
            rows = fetch(con, query)
        except duckdb.Error as error:
            _stop(str(error))
    FORMATS[form](rows)


@app.command()
def claims(
    ticker: Annotated[str, typer.Option(help="only of this ticker")] = "",
    source: Annotated[str, typer.Option(help="only of this source")] = "",
    verdict: Annotated[str, typer.Option(help="only with this verdict")] = "",
    form: Annotated[str, typer.Option("--format", help="table, csv or json")] = "table",
) -> None:
    """List what articles claim of prices, and what the prices say of it."""
    _check_format(form)
    with _release() as con:
        rows = fetch(con, CLAIMS, {"ticker": ticker, "source": source, "verdict": verdict})
    FORMATS[form](rows)


@app.command()
def demo() -> None:
    """Run the replay of January 2025 and show what it found."""
    status = running.execute(_resources(), "daily", _due())
    target = console()
    with _release() as con:
        for found in fetch(con, "FROM mart.selloff_events WHERE status <> 'withdrawn' ORDER BY 2"):
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
        "articles": articles or ("the replay's own texts" if prices.kind == "replay" else "none"),
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


Case = Annotated[str, typer.Argument(metavar="ID", help="the first digits of the case's id")]
Note = Annotated[str, typer.Option("--note", help="why, for those who come after")]


@quarantine.command("list")
def list_cases(
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="also what is resolved, released or rejected")
    ] = False,
    form: Annotated[str, typer.Option("--format", help="table, csv or json")] = "table",
) -> None:
    """Show the open cases: what is out, why, since when."""
    _check_format(form)
    query = CASES if form == "table" else "FROM core.quarantine WHERE $all OR resolution = 'open'"
    with _resources()["warehouse"].reading() as con:
        rows = fetch(con, query, {"all": everything})
    if rows:
        FORMATS[form](rows)
    else:
        typer.echo("nothing is in quarantine")


@quarantine.command()
def release(case: Case, note: Note) -> None:
    """Let a case into core after all: a row that keeps the contract, a conflict, a restatement."""
    _decide(case, "released", note)


@quarantine.command()
def reject(case: Case, note: Note) -> None:
    """Keep a case out for good."""
    _decide(case, "rejected", note)


def _decide(case: str, decision: str, note: str) -> None:
    resources = _resources()
    now = resources["clock"].now()
    subject = resources["warehouse"].decide(case, decision, note, now=now)
    typer.echo(f"{decision}: {subject}\nThe next `selloff run` computes what rests on it.")


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


def _due() -> Days:
    """Return the days to run: all that the provider holds, or from the last session to today."""
    from automation import first_missing
    from resources.batch import Days

    resources = _resources()
    running.refuse_misuse(resources)
    held = resources["price_provider"].coverage()
    if held:
        return held
    today = resources["clock"].now().date()
    mics = sorted({one.exchange_mic or "" for one in resources["reference"].listings()})
    return Days(first_missing(resources["warehouse"], mics, today), today)


def _check_format(form: str) -> None:
    if form not in FORMATS:
        _stop(f"--format {form}: one of {', '.join(FORMATS)}")


def _one(day: datetime) -> Days:
    from resources.batch import Days

    return Days(day.date(), day.date())


def _resources() -> dict[str, Any]:
    """Return the configured resources."""
    from definitions import defs

    return dict(defs.resources or {})


FORMATS = {"table": as_table, "csv": as_csv, "json": as_json}
CASES = """
SELECT left(quarantine_id, 12) AS id, resolution, kind,
       coalesce(listing_id, table_name) AS what, session_date AS session, n_rows AS rows,
       concat_ws(':', source_file, source_row) AS delivered_in, left(reason, 100) AS reason,
       first_seen_at::DATE AS since
FROM core.quarantine WHERE $all OR resolution = 'open'
ORDER BY session_date DESC NULLS LAST, what, id
"""
CLAIMS = """
SELECT published_at::DATE AS published, source, ticker, sentence, verdict, reading,
       claimed_low, claimed_high, observed, unit, reason
FROM mart.article_claims
WHERE $ticker IN ('', ticker) AND $source IN ('', source) AND $verdict IN ('', verdict)
"""
EVENT_OF = """
FROM mart.selloff_events WHERE $day BETWEEN session_date AND last_session_date ORDER BY event_id
"""


def _show_next() -> None:
    warehouse = _resources()["warehouse"]
    console().print(
        f"\nThe database: [bold]{warehouse.published}[/bold] (any DuckDB client, read-only)\n"
        "Next:  make dev                            the graph, the runs and the checks\n"
        "       .venv/bin/selloff sql 'from mart.event_losses'\n"
        "       SELLOFF_WAREHOUSE=warehouse/real/selloff.duckdb SELLOFF_PRICES=files "
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
        is_there = prices.path and Path(prices.path).exists()
        return "readable" if is_there else f"MISSING: {prices.path or 'SELLOFF_PRICES_PATH'}"
    if prices.provider == "replay":
        return "in the repository"
    if prices.provider != "yahoo":
        return "UNKNOWN: one of yahoo, files, replay"
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
    raise typer.Exit(running.FAILED)


def main() -> None:
    """Run the command; expected errors are one line."""
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    app()


if __name__ == "__main__":
    main()
