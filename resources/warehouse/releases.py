"""Published releases: immutable copies of the core file, reached through the link `current`."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from resources.warehouse import files, writing
from resources.warehouse.files import WarehouseError
from warehouse.tables import TABLES
from warehouse.tables.meta import RELEASES

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

KEEP = 3
# Names, beside a released file, the core file it was copied from.
CORE_NAME = "core"


def publish(core: Path, *, run_id: str, is_backfill: bool, now: datetime) -> str:
    """Copy the core file to ``releases/<id>/warehouse.duckdb`` and swing ``current`` to it.

    The link names a directory: with a replaced file, readers in one process saw 91% stale data,
    and a link to a file changes the catalog's name (docs/decisions/0005). The caller holds the
    exclusive lock, so whatever temporary folder is found is the leftover of a killed publisher.
    """
    folder = core.parent / "releases"
    folder.mkdir(exist_ok=True)
    for leftover in folder.glob(".*.tmp"):
        shutil.rmtree(leftover)
    release_id = _unused(folder, now)
    live = core.parent / "current"
    with closing(files.connect(core, read_only=False)) as con:
        _forget_unpublished(con, live.readlink().name if live.is_symlink() else None)
        _enter(con, release_id, run_id=run_id, is_backfill=is_backfill, now=now)
    checkpoint(core)
    staged = folder / f".{release_id}.tmp"
    staged.mkdir()
    copy(core, staged / "warehouse.duckdb")
    (staged / CORE_NAME).write_text(core.name, encoding="utf-8")
    _verify(staged / "warehouse.duckdb", release_id)
    (staged / "warehouse.duckdb").chmod(0o444)
    staged.rename(folder / release_id)
    _sync(folder)
    _swing(live, Path("releases") / release_id)
    older = sorted(path for path in folder.iterdir() if path.name != release_id)
    for old in older[: 1 - KEEP]:
        shutil.rmtree(old)
    return release_id


def refuse_foreign(core: Path) -> None:
    """Refuse a folder whose release is of another warehouse that is still there.

    Raises
    ------
    WarehouseError
        Since both would publish to, read from and clear away the same folder.
    """
    named = core.parent / "current" / CORE_NAME
    other = named.read_text(encoding="utf-8") if named.exists() else core.name
    if other != core.name and (core.parent / other).exists():
        raise WarehouseError(
            f"{core.parent} publishes {other}: give {core.name} a folder of its own"
        )


def _unused(folder: Path, now: datetime) -> str:
    """Return the instant as the name of a release, the next free one if it is taken."""
    while (folder / (name := now.strftime("%Y%m%dT%H%M%S.%fZ"))).exists():
        now += timedelta(microseconds=1)
    return name


def open_current(published: Path) -> duckdb.DuckDBPyConnection:
    """Open the released file: read-only, no files, no network, no change of settings.

    Raises
    ------
    WarehouseError
        If nothing has been published yet.
    """
    import duckdb

    if not published.exists():
        raise WarehouseError(
            f"{published}: nothing is published yet; `selloff run` publishes when its checks pass"
        )
    # Resolved, since DuckDB keeps one instance per path in a process: the link would be stale.
    return duckdb.connect(str(published.resolve()), read_only=True, config=files.READER)


def checkpoint(core: Path) -> None:
    """Bring everything committed into the file itself, so that a copy of it is complete."""
    with closing(files.connect(core, read_only=False)) as con:
        con.execute("CHECKPOINT")


def copy(source: Path, target: Path) -> None:
    """Copy a file in one step: `target` is the old one or the whole new one, and on disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = target.with_name(target.name + ".part")
    shutil.copyfile(source, staged)
    _sync(staged)
    staged.replace(target)
    _sync(target.parent)


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
    core.with_name(core.name + ".wal").unlink(missing_ok=True)
    copy(source, core)


def _forget_unpublished(con: duckdb.DuckDBPyConnection, live: str | None) -> None:
    """Delete the rows of publishers that were killed before `current` named their release."""
    con.execute(
        f"DELETE FROM {RELEASES.qualified} WHERE rowid > "
        f"(SELECT max(rowid) FROM {RELEASES.qualified} WHERE release_id = ?)",
        [live],
    )


def _enter(
    con: duckdb.DuckDBPyConnection,
    release_id: str,
    *,
    run_id: str,
    is_backfill: bool,
    now: datetime,
) -> None:
    """Write the release's own row, so that the copy names itself."""
    import duckdb

    counts = [
        con.execute(f"SELECT count(*) FROM {table.qualified}").fetchall()[0][0]
        for table in TABLES
        if table.layer in {"core", "mart"}
    ]
    row = (release_id, now, run_id, is_backfill, _commit(), duckdb.__version__, sum(counts))
    with writing.transaction(con):
        writing.append(con, RELEASES, [row])


def _verify(path: Path, release_id: str) -> None:
    """Open the copy and find its own row and every table: the audit before the publishing."""
    with closing(files.connect(path, read_only=True)) as con:
        sql = f"SELECT count(*) FROM {RELEASES.qualified} WHERE release_id = ?"
        is_named = con.execute(sql, [release_id]).fetchall()[0][0] == 1
        for table in TABLES:
            con.execute(f"SELECT * FROM {table.qualified} LIMIT 1").fetchall()
    if not is_named:
        raise WarehouseError(f"{path}: the copy is not of this release; nothing was published")


def _swing(link: Path, target: Path) -> None:
    """Point the link at the target in one step, and make that durable."""
    staged = link.with_name(".current.tmp")
    staged.unlink(missing_ok=True)
    staged.symlink_to(target, target_is_directory=True)
    staged.replace(link)
    _sync(link.parent)


def _sync(path: Path) -> None:
    """Make a file, or the names in a folder, durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _commit() -> str | None:
    """Commit of the checkout; of an image, which holds no repository, the one it was built from."""
    if built := os.environ.get("SELLOFF_COMMIT"):
        return built
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    here = Path(__file__).parent
    try:
        found = subprocess.run(  # noqa: S603 - constant command
            command, cwd=here, capture_output=True, text=True, check=True, timeout=5
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
