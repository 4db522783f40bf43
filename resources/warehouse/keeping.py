"""The core file kept open between the steps of a run, until somebody else wants it.

To open and close it takes 36 ms on the replay, longer than most uses of it; a daily job used it
270 times (docs/decisions/0046-kept-open.md). What is kept is open for writing, under the exclusive
lock; each use gets a cursor, whose temporary views and registered tables end with it. It is given
up at the end of a use, or at once where there is none, if another process waits; likewise where it
holds much memory, or a use failed.

Not here: how a file is opened (`files`).
"""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from resources.warehouse import locks
from resources.warehouse.locks import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    import duckdb

    Opening = Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]

# What the engine may go on holding between two uses: a step computes outside of it as well.
MOST_BYTES = 128 * 2**20
LOOK_SECONDS = 0.1
# Longer than one that waits sleeps between two looks, so that it comes before the next use.
MAKE_WAY_SECONDS = 2.5 * locks.LOOK_SECONDS

_KEEPERS: dict[Path, Keeper] = {}


class Keeper:
    """Keeps one file open.

    Parameters
    ----------
    path : Path
        The core file, absolute.
    opening : callable
        Returns a context in which the file is open for writing; the lock is held then.
    """

    def __init__(self, path: Path, opening: Opening) -> None:
        self._path, self._opening = path, opening
        self._mutex = threading.RLock()
        self._held = ExitStack()
        self._con: duckdb.DuckDBPyConnection | None = None
        self._n_uses = 0
        self._over = threading.Event()

    @property
    def is_open(self) -> bool:
        """Whether the file is kept open now."""
        return self._con is not None

    @contextmanager
    def using(self, *, may_wait: bool) -> Iterator[duckdb.DuckDBPyConnection | None]:
        """Yield a cursor; None if others hold the file and it `may_wait` not for them."""
        cursor = self._taken(may_wait=may_wait)
        try:
            yield cursor
        except BaseException:
            self._returned(cursor, is_well=False)
            raise
        self._returned(cursor, is_well=True)

    def give_up(self) -> None:
        """Close the file, unless it is in use."""
        with self._mutex:
            if self._n_uses == 0:
                self._con = None
                self._held.close()

    def watch(self) -> None:
        """Look now and then, in a thread of its own, whether somebody waits for an idle file."""
        while not self._over.wait(LOOK_SECONDS):
            if self.is_open and locks.is_awaited(self._path):
                self.give_up()

    def end(self) -> None:
        """Keep nothing any more; what is in use now is closed after that use."""
        self._over.set()
        self.give_up()

    def _taken(self, *, may_wait: bool) -> duckdb.DuckDBPyConnection | None:
        with self._mutex:
            if self._con is None and not self._open(may_wait=may_wait):
                return None
            cursor = self._con.cursor() if self._con else None
            self._n_uses += 1
            return cursor

    def _open(self, *, may_wait: bool) -> bool:
        how = {} if may_wait else {"timeout_seconds": 0.0}
        with ExitStack() as held:
            try:
                held.enter_context(locks.locked(self._path, exclusive=True, **how))
            except WarehouseError:
                if may_wait:
                    raise
                return False
            self._con = held.enter_context(self._opening())
            self._held = held.pop_all()
        return True

    def _returned(self, cursor: duckdb.DuckDBPyConnection | None, *, is_well: bool) -> None:
        if cursor is None:
            return
        is_kept = False
        try:
            is_kept = is_well and _bytes_held(cursor) <= MOST_BYTES
        finally:
            cursor.close()
            with self._mutex:
                self._n_uses -= 1
                is_awaited = locks.is_awaited(self._path)
                if is_awaited or not is_kept or self._over.is_set():
                    self.give_up()
        if is_awaited:
            time.sleep(MAKE_WAY_SECONDS)


@contextmanager
def kept(path: Path, opening: Opening) -> Iterator[None]:
    """Keep the file open between its uses, as long as this lasts and nobody waits for it."""
    if path in _KEEPERS:  # a run within a run
        yield
        return
    keeper = _KEEPERS[path] = Keeper(path, opening)
    threading.Thread(target=keeper.watch, daemon=True).start()
    try:
        yield
    finally:
        del _KEEPERS[path]
        keeper.end()


def keeper_of(path: Path) -> Keeper | None:
    """Return who keeps the file, if anybody of this process does."""
    return _KEEPERS.get(path)


def let_go(path: Path) -> None:
    """Close the file if this process keeps it: it is to be locked, or moved, as a file."""
    if keeper := keeper_of(path):
        keeper.give_up()


def _bytes_held(con: duckdb.DuckDBPyConnection) -> int:
    sql = "SELECT coalesce(sum(memory_usage_bytes), 0) FROM duckdb_memory()"
    found: int = con.execute(sql).fetchall()[0][0]
    return found
