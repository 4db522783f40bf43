"""Dagster's own log of a range run, written in batches instead of one event at a time.

Dagster notes each partition of each asset twice, when it is planned and when it is there; its
SQLite log opens four connections for each note. For the replay's 469 dates that is 7,700 notes
and 38 of 45 CPU seconds (docs/decisions/0011-run-log-in-batches.md). The files are Dagster's own:
its UI reads them without this class.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster._core.events import ASSET_EVENTS
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dagster._core.events.log import EventLogEntry

BATCH_SIZE = "1000"


class BatchedEventLog(SqliteEventLogStorage):
    """The SQLite event log with one transaction per batch."""

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store a batch; whatever is not about an asset is stored as Dagster does."""
        about_assets = [event for event in events if event.dagster_event_type in ASSET_EVENTS]
        for event in events:
            if event.dagster_event_type not in ASSET_EVENTS:
                self.store_event(event)
        if not about_assets:
            return
        rows = [self._event_to_row(event) for event in about_assets]
        table = self.prepare_insert_event(about_assets[0]).table
        with self.run_connection(about_assets[0].run_id) as connection:
            connection.execute(table.insert(), rows)
        with self.index_transaction() as connection:
            ids = [connection.execute(table.insert(), row).inserted_primary_key[0] for row in rows]
            self._store_asset_event_tags(connection, about_assets, ids)
            newest = {
                e.get_dagster_event().asset_key: (e, at)
                for e, at in zip(about_assets, ids, strict=True)
            }
            for event, at in newest.values():
                self._store_asset_event(connection, event, at)


class RunLog(DagsterSqliteStorage):
    """Dagster's SQLite storage with the batched event log."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        super().__init__(base_dir, inst_data=inst_data)
        self._event_log_storage = BatchedEventLog(str(Path(base_dir) / "history" / "runs") + os.sep)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> RunLog:
        """Return the storage that Dagster's configuration describes."""
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", BATCH_SIZE)
        return cls.from_local(inst_data=inst_data, **config_value)
