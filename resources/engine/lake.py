"""Tables as Parquet between the core file and Spark: written once a version, swept after kills.

Not here: published releases as Parquet (`resources.exports`): those are for readers.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from resources.engine.names import EngineError
from resources.warehouse import copies

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

    from warehouse.contract import Table

FILE = "part-0.parquet"
_WORK = ".work"
_LOCK = "lock"
_NEWEST = """
SELECT version, run_id, written_at FROM meta.changes WHERE table_name = ?
ORDER BY version DESC LIMIT 1
"""


class Work:
    """A folder of one computation, locked while it lives and gone when it is closed.

    The operating system releases the lock when the process ends, however it ends: what is found
    unlocked was left by a killed run.
    """

    def __init__(self, folder: Path, lock: Any) -> None:
        self.folder = folder
        self._lock = lock

    def close(self) -> None:
        """Delete the folder with all that is in it; closing twice does nothing."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()


class Lake:
    """The tables of one core file, as Spark reads them.

    Parameters
    ----------
    folder : Path
        Of this machine or a shared file system; Spark must see it under the same name. Several
        warehouses may share it.
    core : Path
        The core file. Its shared lock must be held while tables are written or read here: then
        nobody else can be reading an older version, which is deleted.
    """

    def __init__(self, folder: Path, core: Path) -> None:
        place = hashlib.sha256(str(core).encode()).hexdigest()[:8]
        self.folder = folder.absolute() / f"{core.stem}-{place}"

    def path_of(self, con: duckdb.DuckDBPyConnection, table: Table) -> Path:
        """Return the folder of a table's present version; write it if it is not there.

        Raises
        ------
        EngineError
            If the folder cannot be written to.
        """
        versions = self.folder / table.qualified
        wanted = versions / _version(con, table)
        with told(self.folder):
            if not wanted.exists():
                self._write(con, table, wanted)
            for older in versions.iterdir():
                if older != wanted:
                    shutil.rmtree(older, ignore_errors=True)
        return wanted

    def work(self) -> Work:
        """Return a fresh folder for a computation; delete those that killed runs left.

        Raises
        ------
        EngineError
            If the folder cannot be written to.
        """
        place = self.folder / _WORK
        with told(self.folder), _only_one(place):
            _sweep(place)
            folder = place / uuid.uuid4().hex
            folder.mkdir()
            lock = (folder / _LOCK).open("w")
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return Work(folder, lock)

    def _write(self, con: duckdb.DuckDBPyConnection, table: Table, wanted: Path) -> None:
        work = self.work()
        try:
            staged = work.folder / "table"
            staged.mkdir()
            path = str(staged / FILE).replace("'", "''")
            con.execute(f"COPY (FROM {table.qualified}) TO '{path}' (FORMAT parquet)")
            copies.sync(staged / FILE)
            wanted.parent.mkdir(exist_ok=True)
            if not wanted.exists():  # another process, under the same shared lock, was faster
                staged.rename(wanted)
            copies.sync(wanted.parent)
        finally:
            work.close()


def address(path: Path) -> str:
    """Return a folder as Spark is told it: as it is called, since Spark decodes no %20.

    Examples
    --------
    >>> from pathlib import Path
    >>> address(Path("/data/my lake"))
    'file:///data/my lake'
    """
    return f"file://{path}"


def _version(con: duckdb.DuckDBPyConnection, table: Table) -> str:
    """Name what a table holds: a restored backup counts its versions anew."""
    newest = con.execute(_NEWEST, [table.qualified]).fetchall()
    n_rows = con.execute(f"SELECT count(*) FROM {table.qualified}").fetchall()  # noqa: S608 - contract name
    version = newest[0][0] if newest else 0
    known = repr((newest, n_rows, table.hash))
    return f"{version}-{hashlib.sha256(known.encode()).hexdigest()[:12]}"


@contextmanager
def _only_one(place: Path) -> Iterator[None]:
    """Keep other processes from making or sweeping folders meanwhile."""
    place.mkdir(parents=True, exist_ok=True)
    with place.with_name(f"{_WORK}.{_LOCK}").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _sweep(place: Path) -> None:
    """Delete the folders whose process is gone."""
    for folder in place.iterdir():
        try:
            with (folder / _LOCK).open("a") as handle:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        except FileNotFoundError:  # being deleted
            pass
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Say in one line that the lake cannot be written to."""
    import duckdb

    try:
        yield
    except OSError as error:
        raise EngineError(
            f"SELLOFF_LAKE: {error.filename or folder}: {error.strerror}; nothing was computed"
        ) from None
    except duckdb.IOException as error:
        said = str(error).splitlines()[0]
        raise EngineError(f"SELLOFF_LAKE: {said}; nothing was computed") from None
