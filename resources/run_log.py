"""Dagster's own log of a range run, kept exact and written in batches.

Stock Dagster 1.13 stores the range's dates with the run and then plans every asset and check of
the run for every date, partitioned or not: for the replay's 469 dates 31,000 rows that no result
ever answers. And its SQLite log opens four connections for each event. Both together were 40 of
the 60 CPU seconds of `make demo` (docs/decisions/0011-run-log.md). The files are Dagster's
own: its UI reads them without these classes.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster._core.events import ASSET_EVENTS
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster_shared.record import copy
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dagster import DagsterInstance, DagsterRun
    from dagster._core.events.log import EventLogEntry
    from sqlalchemy import Connection, Engine

BATCH_SIZE = "1000"
MOST_ENGINES = 4
LONG = (dg.MarkdownMetadataValue, dg.TableMetadataValue, dg.JsonMetadataValue)


class PlainRuns(SqliteRunStorage):
    """The SQLite run storage, without a range's dates: its tags name them already."""

    def add_run(self, dagster_run: DagsterRun) -> DagsterRun:
        """Store a run so that each asset is planned by its own partitions, or by none."""
        return super().add_run(copy(dagster_run, partitions_subset=None))


class BatchedEvents(SqliteEventLogStorage):
    """The SQLite event log with one transaction per batch, and an engine for each of its files."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._engines: dict[str, Engine] = {}  # it connects at once
        super().__init__(*args, **kwargs)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        """Connect as Dagster does, but not by way of a new engine each time.

        An engine knows the statements that it has compiled: 60 empty steps connect 1,448 times and
        took 6.5 CPU seconds, 4.4 with the engines kept (benchmarks/README.md, Orchestration). It
        holds no file open, so that one may be removed meanwhile.
        """
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> Engine:
        """Return the engine of a file; of the runs of a long service only the last are kept."""
        engine = self._engines.pop(shard, None) or create_engine(
            self.conn_string_for_shard(shard),
            poolclass=NullPool,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
        )
        self._engines[shard] = engine  # behind those asked for longer ago
        if len(self._engines) > MOST_ENGINES:
            self._engines.pop(next(iter(self._engines)))
        return engine

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store a batch; whatever is not about an asset is stored as Dagster does."""
        about_assets = [event for event in events if event.dagster_event_type in ASSET_EVENTS]
        for event in events:
            if event.dagster_event_type not in ASSET_EVENTS:
                self.store_event(event)
        if not about_assets:
            return
        newest = {event.get_dagster_event().asset_key: at for at, event in enumerate(about_assets)}
        whole = set(newest.values())
        rows = [
            self._event_to_row(event if at in whole else without_long_notes(event))
            for at, event in enumerate(about_assets)
        ]
        table = self.prepare_insert_event(about_assets[0]).table
        with self.run_connection(about_assets[0].run_id) as connection:
            connection.execute(table.insert(), rows)
        with self.index_transaction() as connection:
            index: Any = connection
            ids = [index.execute(table.insert(), row).inserted_primary_key[0] for row in rows]
            self._store_asset_event_tags(connection, about_assets, ids)
            for at in newest.values():
                self._store_asset_event(connection, about_assets[at], ids[at])


def without_long_notes(event: EventLogEntry) -> EventLogEntry:
    """Return a materialization's event without the SQL, the rows and the lists noted with it.

    Dagster notes them of every date of a range, where they are the same for all. With 15 kB for
    each of ten tables 1,000 dates left 372 MB, and leave 76. The newest event of a batch has them.
    """
    noted = event.get_dagster_event()
    if not noted.is_step_materialization:
        return event
    made = noted.step_materialization_data.materialization
    short = {name: value for name, value in made.metadata.items() if not isinstance(value, LONG)}
    data = noted.step_materialization_data._replace(materialization=made._replace(metadata=short))
    return event._replace(dagster_event=noted._replace(event_specific_data=data))


def events_folder(instance: DagsterInstance) -> Path | None:
    """Return where an instance keeps a file of events per run; None where it has no such files."""
    events = instance.event_log_storage
    if not isinstance(events, SqliteEventLogStorage):
        return None
    return Path(events.path_for_shard("run")).parent


def files_of(instance: DagsterInstance, run_id: str) -> list[Path]:
    """Return what a run left on this disk: its events, and a folder of what its steps printed."""
    found: list[Path] = []
    if folder := events_folder(instance):
        # SQLite keeps a journal beside a file.
        found += [folder / f"{run_id}.db{end}" for end in ("", "-wal", "-shm", "-journal")]
    printed = instance.compute_log_manager
    if isinstance(printed, LocalComputeLogManager):
        path = Path(printed.get_captured_local_path([run_id, "compute_logs", "step"], "out"))
        found.append(path.parent.parent)
    return [path for path in found if path.exists() and not path.is_symlink()]


class RunLog(DagsterSqliteStorage):
    """Dagster's SQLite storage with the two classes above."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        with _alone(Path(base_dir)):
            super().__init__(base_dir, inst_data=inst_data)
            history = Path(base_dir) / "history"
            self._run_storage = PlainRuns.from_local(str(history) + os.sep)
            self._event_log_storage = BatchedEvents(str(history / "runs") + os.sep)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> RunLog:
        """Return the storage that Dagster's configuration describes."""
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", BATCH_SIZE)
        return cls.from_local(inst_data=inst_data, **config_value)


@contextmanager
def _alone(base_dir: Path) -> Iterator[None]:
    """Let one process at a time open the storage: the first one makes it.

    Dagster 1.13 does not guard that. Of three services started at once on a new folder one or none
    came up, and one time in four the folder was of no use ever after: "Version table
    'alembic_version' has more than one head present".
    """
    with (base_dir / "opening.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
