"""The warehouse as a resource: read under a shared lock, write by contract under an exclusive one.

Not here: what a table means (`warehouse`), what fills it (`assets`).
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from resources.prices.refetch import Held
from resources.warehouse import (
    copies,
    decisions,
    differences,
    files,
    landing,
    late,
    readers,
    releases,
    unfitness,
    writing,
)
from resources.warehouse.files import WarehouseError
from resources.warehouse.spill import Spill
from resources.warehouse.writing import Written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    import duckdb

    from resources.batch import Batch, Days
    from warehouse.contract import Table

__all__ = ["Warehouse", "WarehouseError", "Written"]

ATTEMPTS = 5


class Warehouse(dg.ConfigurableResource):
    """One private DuckDB file, and the releases published beside it.

    Parameters
    ----------
    path : str
        The core file. Nobody but this resource opens it; readers use the release under
        ``current`` in the same folder.
    engine : str
        What computes the tables, as `resources.engine.names.misuse` explains it.
    lake : str
        Folder through which tables go to and from another engine; by default beside the core file.
    """

    path: str = "warehouse/selloff.duckdb"
    engine: str = "duckdb"
    lake: str = ""

    @property
    def file(self) -> Path:
        """The core file, absolute."""
        return Path(self.path).expanduser().resolve()

    @property
    def published(self) -> Path:
        """The released file that readers open."""
        return self.file.parent / "current" / "warehouse.duckdb"

    @property
    def lake_folder(self) -> Path:
        """Where tables lie for another engine, absolute."""
        return Path(self.lake).expanduser().resolve() if self.lake else self.file.parent / "lake"

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Warehouse]:  # noqa: ARG002 - Dagster's
        """Keep the core file open between the steps of a run, while nobody else waits for it."""
        with files.kept_open(self.file):
            yield self

    @contextmanager
    def computing(self, table: Table, con: duckdb.DuckDBPyConnection) -> Iterator[Any]:
        """Yield where a table is computed; see `resources.engine.places.place`."""
        from resources.engine.places import place

        with place(table, con, self.engine, self.lake_folder, self.file) as found:
            yield found

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the core file read-only, under the shared lock."""
        with files.opened(self.file, read_only=True) as con:
            yield con

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the core file for writing, under the exclusive lock: hold it briefly."""
        with files.opened(self.file, read_only=False) as con:
            yield con

    @contextmanager
    def reading_release(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the published release, hardened: no files, no network, no settings."""
        releases.refuse_foreign(self.file)
        with readers.reading(self.published) as con:
            yield con

    def file_of(self, release_id: str) -> Path:
        """Return the file of a kept release, by its id."""
        return releases.file_of(self.file.parent, release_id)

    @contextmanager
    def comparing(self, older: str, newer: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open two kept releases side by side; see `differences`."""
        paths = self.file_of(older), self.file_of(newer)
        with differences.compared(*paths) as con:
            yield con

    def releases(self) -> list[str]:
        """Return the ids of the releases that are kept, the oldest first."""
        return releases.held(self.file.parent)

    def current_release(self) -> str | None:
        """Return the id of the release that readers see."""
        return releases.current(self.file.parent)

    def rollback(self, release_id: str | None = None) -> str:
        """Let readers see a kept release again, by default the one before; return its id."""
        releases.refuse_foreign(self.file)
        with files.locked(self.file, exclusive=True):
            return releases.rollback(self.file, release_id)

    def refuse_mixing(self, kind: str) -> None:
        """Raise WarehouseError if this warehouse cannot be opened or holds the other kind."""
        with self.reading() as con:
            self._refuse_mixing(con, kind)

    def land(self, table: Table, batch: Batch, *, run_id: str, now: datetime) -> Written:
        """Append a delivered batch to a raw table; see `landing.land`.

        Raises
        ------
        WarehouseError
            If the batch is of another kind (replay, real) than the warehouse holds.
        """
        with self.writing() as con:
            self._refuse_mixing(con, batch.kind)
            written = landing.land(con, table, batch, run_id=run_id, now=now)
            return writing.shown(con, table, written)

    def materialize(
        self,
        table: Table,
        compute: Callable[[duckdb.DuckDBPyConnection, Days | None], Any],
        *,
        inputs: Sequence[Table],
        days: Days | None,
        run_id: str,
        now: datetime,
        reach: int = 0,
    ) -> Written:
        """Compute a table under the shared lock and write it under the exclusive one.

        The days asked for are widened to every session that is stale; of a table of events those
        are made anew that have seen fewer than `reach` sessions when it became so (`late`). Where
        an input moved between reading and writing, the computation is done again.
        """
        for _ in range(ATTEMPTS):
            with Spill(self.file.parent / "spill", table) as rows:
                with self.reading() as con:
                    before = late.versions(con, table, inputs)
                    wanted = late.wanted(con, table, inputs, days, reach)
                    is_nothing = late.is_nothing(wanted)
                    if is_nothing and writing.used(con, table) == before:
                        return writing.shown(con, table, writing.untouched(con, table))
                    if not is_nothing:
                        with _threads_for(table, con):
                            rows.keep(con, compute(con, wanted))
                with self.writing() as con:
                    if late.versions(con, table, inputs) != before:
                        continue
                    if is_nothing:
                        return writing.shown(con, table, writing.caught_up(con, table, before))
                    rows.show(con, "computed")
                    written = writing.replace(
                        con,
                        table,
                        days=wanted,
                        inputs=before,
                        run_id=run_id,
                        now=now,
                        is_ordered=rows.is_ordered,
                    )
                    return writing.shown(con, table, written)
        raise WarehouseError(f"{table.qualified}: its inputs kept changing, {ATTEMPTS} attempts")

    def held(self) -> Held:
        """Return which bars and actions the core file holds: vendors restate them."""
        with self.reading() as con:
            return Held.of(con)

    def listings_in(self, table: Table) -> set[str]:
        """Return the listings of which a raw table has any row."""
        with self.reading() as con:
            rows = con.execute(f"SELECT DISTINCT listing_id FROM {table.qualified}").fetchall()
        return {listing_id for (listing_id,) in rows}

    def decide(self, quarantine_id: str, decision: str, note: str, *, now: datetime) -> str:
        """Release or reject a quarantined case, named by the first digits of its id.

        A released row of the landing is landed after all, if it keeps the contract; a released
        conflict or restatement comes back into core with the next run.

        Returns
        -------
        str
            What the case was, in one line.

        Raises
        ------
        WarehouseError
            If no case or several have that id, or the row breaks the contract of its table.
        """
        with self.writing() as con:
            return decisions.decide(con, quarantine_id, decision, note, now=now)

    def record(self, table: Table, rows: list[tuple[object, ...]]) -> None:
        """Append bookkeeping rows (check results) to a meta table."""
        with self.writing() as con, writing.transaction(con):
            writing.append(con, table, rows)

    def publish(self, *, run_id: str, is_backfill: bool, now: datetime) -> str:
        """Copy the core file to a new release and swing `current` to it; return its id."""
        files.prepare(self.file)
        releases.refuse_foreign(self.file)
        with files.locked(self.file, exclusive=True):
            return releases.publish(self.file, run_id=run_id, is_backfill=is_backfill, now=now)

    def unfit(self) -> list[str]:
        """Return why the core file should not be published as it is, one line each."""
        with self.reading() as con:
            return unfitness.reasons(con)

    def backup(self, target: Path) -> None:
        """Copy the core file, checkpointed, to `target`.

        Raises
        ------
        WarehouseError
            If the target is the core file or lies among the releases, or cannot be written.
        """
        files.prepare(self.file)
        meant = target.expanduser().resolve()
        releases_folder = (self.file.parent / "releases").resolve()
        if meant == self.file or meant.is_relative_to(releases_folder):
            raise WarehouseError(f"{target}: a backup lies elsewhere: that is what it is of")
        with files.locked(self.file, exclusive=True), copies.told(target):
            copies.checkpoint(self.file)
            copies.copy(self.file, target)

    def restore(self, source: Path) -> None:
        """Put a backup in the place of the core file; a file that is no warehouse is refused."""
        files.check_name(self.file)
        with files.locked(self.file, exclusive=True), copies.told(self.file):
            copies.restore(source, self.file)
        files.prepare(self.file)

    def _refuse_mixing(self, con: duckdb.DuckDBPyConnection, kind: str | None) -> None:
        """Refuse a batch of another kind than the warehouse holds."""
        held = [row[0] for row in con.execute("SELECT kind FROM meta.warehouse").fetchall()]
        if kind and held and held != [kind]:
            raise WarehouseError(
                f"{self.file} holds {held[0]} data and {kind} data came: they are never mixed, "
                "set SELLOFF_WAREHOUSE to another file"
            )


@contextmanager
def _threads_for(table: Table, con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Compute sums over rows on one thread: they are worth the same last digit every time."""
    if table.is_row_wise or _is_panel(table):
        yield
        return
    con.execute("SET threads = 1")
    try:
        yield
    finally:
        con.execute("RESET threads")  # a setting of the whole file, which may be kept open


def _is_panel(table: Table) -> bool:
    """Say whether a table is written day by day and each of its rows is of one listing alone."""
    return table.partition is not None and "listing_id" in table.grain
