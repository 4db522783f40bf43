"""Copies of a database file: whole or not at all, and on disk before they count."""

from __future__ import annotations

import os
import shutil
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from resources.warehouse import files
from resources.warehouse.files import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def checkpoint(core: Path) -> None:
    """Bring everything committed into the file itself, so that a copy of it is complete."""
    with closing(files.connect(core, read_only=False)) as con:
        con.execute("CHECKPOINT")


def copy(source: Path, target: Path) -> None:
    """Copy a file in one step: `target` is the old one or the whole new one, and on disk."""
    stage(source, target).replace(target)
    sync(target.parent)


def stage(source: Path, target: Path) -> Path:
    """Copy a file beside `target`, whole and on disk; return where it waits."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = target.with_name(target.name + ".part")
    try:
        shutil.copyfile(source, staged)
        sync(staged)
    except OSError:  # on a full disk, what was written is what is missing elsewhere
        staged.unlink(missing_ok=True)
        raise
    return staged


def restore(source: Path, core: Path) -> None:
    """Put `source` in the place of the core file, if it is a warehouse."""
    if not source.is_file():
        raise WarehouseError(f"{source}: no such file")
    if source.with_name(source.name + ".wal").exists():
        raise WarehouseError(f"{source}: in use or left by a crash (.wal), back it up first")
    with closing(files.connect(source, read_only=True)) as con:
        found = con.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'meta' "
            "AND table_name = 'contracts'"
        ).fetchall()[0][0]
    if not found:
        raise WarehouseError(f"{source}: not a warehouse, it has no meta.contracts")
    staged = stage(source, core)
    # Not before: until here the log holds what the old file has committed.
    core.with_name(core.name + ".wal").unlink(missing_ok=True)
    staged.replace(core)
    sync(core.parent)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Say in one line that a file cannot be written."""
    try:
        yield
    except OSError as error:
        raise WarehouseError(f"{path}: {error.strerror}; nothing was changed") from None


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
