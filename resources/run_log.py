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
from typing import TYPE_CHECKING, Any, NamedTuple

import dagster as dg
from dagster._core.events import ASSET_EVENTS, DagsterEventType
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster_shared.record import copy
from sqlalchemy import Engine, create_engine
from sqlalchemy.event import listen
from sqlalchemy.pool import NullPool, StaticPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dagster import DagsterInstance, DagsterRun
    from dagster._core.events.log import EventLogEntry
    from sqlalchemy import Connection
    from sqlalchemy.pool import Pool

BATCH_SIZE = "1000"
MOST_OPEN = 4
LONG = (dg.MarkdownMetadataValue, dg.TableMetadataValue, dg.JsonMetadataValue)


class PlainRuns(SqliteRunStorage):
    """The SQLite run storage, without a range's dates: its tags name them already."""

    def add_run(self, dagster_run: DagsterRun) -> DagsterRun:
        """Store a run so that each asset is planned by its own partitions, or by none."""
        return super().add_run(copy(dagster_run, partitions_subset=None))


class _Open(NamedTuple):
    """A file of the log that is kept open, and which file its path then was."""

    engine: Engine
    inode: int | None


class BatchedEvents(SqliteEventLogStorage):
    """The SQLite event log with one transaction per batch, and its files kept open."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._open: dict[str, _Open] = {}  # it connects at once
        self._seen: set[str] = set()
        self._newest: dict[str, tuple[str, dg.EventLogRecord]] = {}
        super().__init__(*args, **kwargs)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        """Connect as Dagster does, but not to a file opened anew each time.

        A day's job connects 2,900 times, and every engine compiles each statement anew: 60 empty
        steps took 6.5 CPU seconds, 4.4 with the engines kept, 2.5 with the connections as well.
        """
        with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> Engine:
        """Return the engine of a file; of the runs of a long service only the last are kept."""
        path = Path(self.path_for_shard(shard))
        kept = self._open.pop(shard, None)
        if kept and kept.inode != _inode(path):  # the file was removed: retention lets runs go
            kept.engine.dispose()
            self._initialized_dbs.discard(shard)
            kept = None
        if shard not in self._initialized_dbs:
            self._initdb(self._new_engine(shard, NullPool))
            self._initialized_dbs.add(shard)
        kept = kept or _Open(self._new_engine(shard, StaticPool), _inode(path))
        self._open[shard] = kept  # behind those asked for longer ago
        if len(self._open) > MOST_OPEN:
            self._open.pop(next(iter(self._open))).engine.dispose()
        return kept.engine

    def _new_engine(self, shard: str, pool: type[Pool]) -> Engine:
        """Return an engine of a file. The lock keeps its one connection from being shared."""
        engine = create_engine(
            self.conn_string_for_shard(shard),
            poolclass=pool,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        )
        listen(engine, "connect", _without_waiting_for_the_disk)
        return engine

    def dispose(self) -> None:
        """Close every file."""
        super().dispose()
        with self._db_lock:
            while self._open:
                self._open.popitem()[1].engine.dispose()

    def has_table(self, table_name: str) -> bool:
        """Say whether the index has a table; asked three times for each check and asset."""
        ask = super().has_table
        return self._once(f"table {table_name}", lambda: ask(table_name))

    def has_secondary_index(self, name: str) -> bool:
        """Say whether a summary was made; asked twice whenever assets are looked up."""
        ask = super().has_secondary_index
        return self._once(f"summary {name}", lambda: ask(name))

    def has_asset_key_col(self, column_name: str) -> bool:
        """Say whether the index notes this of assets; asked three times for each look-up."""
        ask = super().has_asset_key_col
        return self._once(f"column {column_name}", lambda: ask(column_name))

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        ask = super()._has_asset_key_col_on_connection
        return self._once(f"column {column_name}", lambda: ask(conn, column_name))

    def _once(self, name: str, ask: Callable[[], bool]) -> bool:
        """Ask about the form of the index until it has it: it does not lose it again."""
        if name not in self._seen and ask():
            self._seen.add(name)
        return name in self._seen

    def _get_latest_materialization_records(
        self, raw_asset_rows: Iterable[Any]
    ) -> dict[dg.AssetKey, dg.EventLogRecord | None]:
        """Return the newest materializations of assets, each read from its text once.

        A step asks after all of its inputs. Of an asset that was wiped Dagster looks further.
        """
        found: dict[Any, dg.EventLogRecord | None] = {}
        unread = []
        for row in raw_asset_rows:
            text, known = self._newest.get(row["asset_key"], (None, None))
            if known and text == row["last_materialization"] and not row["asset_details"]:
                found[known.event_log_entry.get_dagster_event().asset_key] = known
            else:
                unread.append(row)
        if unread:
            found |= super()._get_latest_materialization_records(unread)
        for row in unread:
            record = found.get(dg.AssetKey.from_db_string(row["asset_key"]))
            if record and row["last_materialization"]:
                self._newest[row["asset_key"]] = (row["last_materialization"], record)
        return found

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store a batch; whatever is not about an asset is stored as Dagster does."""
        about_assets, planned, others = [], [], []
        for event in events:
            if event.dagster_event_type in ASSET_EVENTS:
                about_assets.append(event)
            elif event.dagster_event_type == DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
                planned.append(event)
            else:
                others.append(event)
        for event in others:
            self.store_event(event)
        if about_assets:
            self._store_about_assets(about_assets)
        if planned:
            self._store_planned_checks(planned)

    def _store_about_assets(self, about_assets: Sequence[EventLogEntry]) -> None:
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

    def _store_planned_checks(self, planned: Sequence[EventLogEntry]) -> None:
        """Note the checks that a run means to make: once for each file, not once for each check."""
        rows = [self._event_to_row(event) for event in planned]
        table = self.prepare_insert_event(planned[0]).table
        with self.run_connection(planned[0].run_id) as connection:
            connection.execute(table.insert(), rows)
        with self.index_connection() as connection:
            index: Any = connection
            ids = [index.execute(table.insert(), row).inserted_primary_key[0] for row in rows]
        for event, event_id in zip(planned, ids, strict=True):
            self.store_asset_check_event(event, event_id)


def _inode(path: Path) -> int | None:
    """Return which file lies at a path; None where there is none."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _without_waiting_for_the_disk(connection: Any, _record: Any) -> None:
    """Leave it to the system when a transaction reaches the disk.

    A killed process loses nothing; a machine without power may lose the last events of a log.
    """
    connection.execute("PRAGMA synchronous = NORMAL")


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
