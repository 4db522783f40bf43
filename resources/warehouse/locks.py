"""Who may open the core file: one lock file, held shared to read and exclusively to write.

A process that waits says so, by a second file that it holds shared while it does: whoever keeps
the core file open for later (`keeping`) gives it up then.
"""

from __future__ import annotations

import fcntl
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

# How often one that waits looks again.
LOOK_SECONDS = 0.02


class WarehouseError(Exception):
    """The warehouse cannot do what was asked; the message is one line for the user."""


@contextmanager
def locked(path: Path, *, exclusive: bool, timeout_seconds: float = 900) -> Iterator[None]:
    """Hold the lock of the warehouse at `path`: shared to read, exclusive to write or publish.

    The operating system releases it when the process ends, however it ends.

    Raises
    ------
    WarehouseError
        If another process has not given it back in time, or there cannot be a file beside `path`.
    """
    mode = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
    with _beside(path, "lock") as handle:
        if not _given(handle, mode):
            with _beside(path, "waiting") as waiting:
                fcntl.flock(waiting, fcntl.LOCK_SH)
                _await(path, handle, mode, timeout_seconds)
        try:
            yield
        finally:  # also where a child process has inherited the handle
            fcntl.flock(handle, fcntl.LOCK_UN)


def is_awaited(path: Path) -> bool:
    """Say whether another process, or another thread of this one, waits for the lock now."""
    if not path.with_name(f"{path.name}.waiting").exists():
        return False
    with _beside(path, "waiting") as waiting:
        return not _given(waiting, fcntl.LOCK_EX)


def _await(path: Path, handle: TextIO, mode: int, timeout_seconds: float) -> None:
    give_up = time.monotonic() + timeout_seconds
    while not _given(handle, mode):
        if time.monotonic() > give_up:
            raise WarehouseError(
                f"{path}: another process has held the warehouse for {timeout_seconds:g} s"
            )
        time.sleep(LOOK_SECONDS)


def _given(handle: TextIO, mode: int) -> bool:
    try:
        fcntl.flock(handle, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _beside(path: Path, ending: str) -> TextIO:
    """Open a file beside the warehouse that carries a lock."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.with_name(f"{path.name}.{ending}").open("a")
    except OSError as error:
        raise WarehouseError(f"{path}: cannot be locked: {error.strerror}") from None
