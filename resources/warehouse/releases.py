"""Published releases: immutable copies of the core file, reached through the link `current`."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources.settings import whole_number
from resources.warehouse import copies, files, writing
from resources.warehouse.files import WarehouseError
from warehouse.tables import TABLES
from warehouse.tables.meta import RELEASE_TABLES, RELEASES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import duckdb

    from warehouse.contract import Table

KEEP = 3
FILE = "warehouse.duckdb"
# Names, beside a released file, the core file it was copied from.
CORE_NAME = "core"
# Where DuckDB's header says how the file is stored, and what it says of v1.4.0.
STORAGE_AT, STORAGE_NUMBER = 12, 67


def publish(core: Path, *, run_id: str, is_backfill: bool, now: datetime) -> str:
    """Copy the core file to ``releases/<id>/warehouse.duckdb`` and swing ``current`` to it.

    The link names a directory: with a replaced file, readers in one process saw 91% stale data,
    and a link to a file changes the catalog's name (docs/decisions/0005). The caller holds the
    exclusive lock, so whatever temporary folder is found is the leftover of a killed publisher.

    Raises
    ------
    WarehouseError
        If the disk is full, the copy is not what was to be published, or links cannot be made:
        the previous release stays live.
    """
    folder = core.parent / "releases"
    kept_releases()  # a wrong setting is said before anything is published
    try:
        folder.mkdir(exist_ok=True)
        for leftover in folder.glob(".*.tmp"):
            shutil.rmtree(leftover)
        release_id = _unused(folder, now)
        with closing(files.connect(core, read_only=False)) as con:
            _forget_unpublished(con, folder)
            _enter(con, release_id, run_id=run_id, is_backfill=is_backfill, now=now)
        copies.checkpoint(core)
        _stage(core, folder, release_id)
        swing(core.parent / "current", Path("releases") / release_id)
    except OSError as error:
        raise WarehouseError(
            f"{error.filename or core.parent}: {error.strerror}; nothing was published, "
            "the previous release stays live"
        ) from None
    prune(core.parent, release_id)
    return release_id


def rollback(core: Path, release_id: str | None) -> str:
    """Swing `current` to a kept release, by default to the one before the live; return its id.

    Raises
    ------
    WarehouseError
        If there is no such release: those that are kept are named.
    """
    kept, live = held(core.parent), current(core.parent)
    earlier = [name for name in kept if live and name < live]
    wanted = release_id or (earlier[-1] if earlier else None)
    if wanted is None or wanted not in kept:
        asked = f"no release {wanted}" if wanted else "no release before the live one"
        raise WarehouseError(f"{core.parent}: {asked}; kept: {', '.join(kept) or 'none'}")
    try:
        swing(core.parent / "current", Path("releases") / wanted)
    except OSError as error:
        raise WarehouseError(f"{error.filename}: {error.strerror}; nothing was changed") from None
    return wanted


def held(folder: Path) -> list[str]:
    """Return the releases that are kept, the oldest first."""
    return sorted(path.parent.name for path in (folder / "releases").glob(f"[!.]*/{FILE}"))


def current(folder: Path) -> str | None:
    """Return the release that readers see."""
    link = folder / "current"
    return link.readlink().name if link.is_symlink() else None


def file_of(folder: Path, release_id: str) -> Path:
    """Return a kept release's file.

    Raises
    ------
    WarehouseError
        If it is not kept (any more): those that are, are named.
    """
    found = folder / "releases" / release_id / FILE
    if release_id not in held(folder):
        kept = ", ".join(held(folder)) or "none"
        raise WarehouseError(f"{folder}: no release {release_id}; kept: {kept}")
    return found


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


def prune(folder: Path, live: str) -> None:
    """Delete all but the newest releases and the live one; ``SELLOFF_KEEP_RELEASES`` of them."""
    keep = kept_releases()
    older = [name for name in held(folder) if name != live]
    for name in older[: 1 - keep]:
        shutil.rmtree(folder / "releases" / name)


def kept_releases() -> int:
    """Return how many releases are kept: ``SELLOFF_KEEP_RELEASES``, at least three.

    Raises
    ------
    WarehouseError
        If the setting is no whole number, or fewer than three.
    """
    try:
        return whole_number("KEEP_RELEASES", KEEP, least=KEEP) or KEEP
    except ValueError as error:
        raise WarehouseError(str(error)) from None


def swing(link: Path, target: Path) -> None:
    """Point the link at the target in one step, and make that durable."""
    staged = link.with_name(".current.tmp")
    staged.unlink(missing_ok=True)
    staged.symlink_to(target, target_is_directory=True)
    staged.replace(link)
    copies.sync(link.parent)


def _stage(core: Path, folder: Path, release_id: str) -> None:
    """Copy the core file, hold the copy against what it should be, and give it its name."""
    staged = folder / f".{release_id}.tmp"
    staged.mkdir()
    try:
        copies.copy(core, staged / FILE)
        (staged / CORE_NAME).write_text(core.name, encoding="utf-8")
        _verify(staged / FILE, release_id)
        (staged / FILE).chmod(0o444)
        staged.rename(folder / release_id)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    copies.sync(folder)


def _unused(folder: Path, now: datetime) -> str:
    """Return the instant as the name of a release, the next free one if it is taken."""
    while (folder / (name := now.strftime("%Y%m%dT%H%M%S.%fZ"))).exists():
        now += timedelta(microseconds=1)
    return name


def _forget_unpublished(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Delete the rows of a publisher that was killed: the last entered, if it is not there."""
    last = f"SELECT arg_max(release_id, rowid) FROM {RELEASES.qualified}"
    (release_id,) = con.execute(last).fetchall()[0]
    if release_id and not (folder / release_id / FILE).exists():
        for table in (RELEASES, RELEASE_TABLES):
            con.execute(f"DELETE FROM {table.qualified} WHERE release_id = ?", [release_id])


def _enter(
    con: duckdb.DuckDBPyConnection,
    release_id: str,
    *,
    run_id: str,
    is_backfill: bool,
    now: datetime,
) -> None:
    """Write the release's own rows, so that the copy names itself and says what it holds."""
    import duckdb

    tables = [_entry(con, release_id, table) for table in TABLES if table.layer != "meta"]
    derived = [row for row in tables if not row[1].startswith("raw.")]
    as_of = max((row[-1] for row in derived if row[-1]), default=None)
    n_rows = sum(row[2] for row in derived)
    row = (release_id, now, run_id, is_backfill, _commit(), duckdb.__version__, n_rows, as_of)
    with writing.transaction(con):
        writing.append(con, RELEASES, [row])
        writing.append(con, RELEASE_TABLES, tables)


def _entry(con: duckdb.DuckDBPyConnection, release_id: str, table: Table) -> tuple[Any, ...]:
    """Return what a release says of a table: its rows, its contract, its newest vintage."""
    as_of = "max(as_of)" if "as_of" in table.column_names else "NULL"
    found = con.execute(f"SELECT count(*), {as_of} FROM {table.qualified}").fetchall()[0]
    return (release_id, table.qualified, found[0], table.hash, found[1])


def _verify(path: Path, release_id: str) -> None:
    """Raise WarehouseError if the copy is not what is to be published."""
    for problem in _problems(path, release_id):
        raise WarehouseError(f"{path}: {problem}; nothing was published")


def _problems(path: Path, release_id: str) -> Iterator[str]:
    """Yield what is wrong with the copy: the audit before the publishing."""
    with path.open("rb") as handle:
        header = handle.read(STORAGE_AT + 1)
    if header[-1] != STORAGE_NUMBER:
        yield f"the copy is stored in version {header[-1]}, which readers of 1.x cannot open"
    with closing(files.connect(path, read_only=True)) as con:
        sql = f"SELECT table_name, n_rows FROM {RELEASE_TABLES.qualified} WHERE release_id = ?"
        entered = con.execute(sql, [release_id]).fetchall()
        if not entered:
            yield "the copy is not of this release"
        for name, n_rows in entered:
            found = con.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]
            if found != n_rows:
                yield f"the copy has {found} rows of {name}, {n_rows} were to be published"
        for (name,) in con.execute(_MART_VIEWS).fetchall():
            con.execute(f"SELECT * FROM {name} LIMIT 0").fetchall()


_MART_VIEWS = (
    "SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE schema_name = 'mart'"
)


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
