"""The `selloff` command, put together: what each part does stands in `commands/`."""

from __future__ import annotations

import os
from typing import Any

import typer
from typer.core import TyperGroup

from commands import cases, jobs, keeping, looking, taking
from commands.doctor import doctor
from commands.reaching import stop


class _OneLine(TyperGroup):
    """Says in one line what the user must mend."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            import duckdb

            from resources.warehouse import WarehouseError

            if isinstance(error, (WarehouseError, duckdb.Error)):
                stop(str(error))
            raise


app = typer.Typer(
    cls=_OneLine,
    help="Market sell-offs: who fell, how abnormally, what was lost, how it spread.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (
    *(jobs.run, jobs.backfill, jobs.publish, jobs.demo),
    *(looking.events, looking.event, looking.report, looking.claims, looking.sql),
    *(keeping.releases, keeping.rollback, keeping.diff, keeping.backup, keeping.restore),
    *(taking.export, taking.prune),
    doctor,
):
    app.command()(command)

quarantine = typer.Typer(
    help="What was refused or is kept out of core, and what to do about it.", no_args_is_help=True
)
quarantine.command("list")(cases.list_cases)
quarantine.command()(cases.release)
quarantine.command()(cases.reject)
app.add_typer(quarantine, name="quarantine")


def main() -> None:
    """Run the command; expected errors are one line."""
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    app()


if __name__ == "__main__":
    main()
