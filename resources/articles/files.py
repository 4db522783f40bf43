"""The drop folder: a file becomes an article by the reader of its suffix."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from resources.articles.archives import MAX_ARCHIVE, members
from resources.articles.contents import SUFFIXES, delivery, refused, size_limit
from resources.articles.gathering import Delivery
from resources.articles.text import UnreadableArticleError
from resources.articles.worker import Limits, Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

UNFINISHED = (".part", ".tmp")
"""Suffixes of files that are still being written; whoever writes them renames them when done."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder with its subfolders, or one file.

    Parameters
    ----------
    root : pathlib.Path
        The folder or file.
    limits : Limits
        What one risky document (a PDF, a large page) may cost.
    """

    root: Path
    limits: Limits = field(default_factory=Limits)

    def deliveries(self) -> Iterator[Delivery]:
        """Yield what each file brought, in sorted order."""
        root = self.root
        if not root.exists():
            yield Delivery(str(root), error=UnreadableArticleError("no such file or folder"))
            return
        found = [(root, None)] if not root.is_dir() else _found(root)
        if not found:
            yield Delivery(str(root), reason="no files in the folder")
        with Worker(self.limits) as worker:
            for path, error in found:
                name = path.relative_to(root).as_posix() if path != root else path.name
                # A name that is no UTF-8 could not be stored.
                name = name.encode(errors="replace").decode()
                if error:
                    yield refused(name, b"", error)
                else:
                    yield from _of_file(path, name, root, worker)


def _found(root: Path) -> list[tuple[Path, OSError | None]]:
    """Return everything below a folder but folders, sorted; links to folders are not followed."""
    errors = list[OSError]()
    paths = [
        Path(folder, name)
        for folder, folders, names in os.walk(root, onerror=errors.append)
        for name in names + [name for name in folders if Path(folder, name).is_symlink()]
    ]
    closed = [(Path(error.filename), error) for error in errors]
    return sorted([*((path, None) for path in paths), *closed], key=lambda pair: pair[0])


def _of_file(path: Path, requested: str, root: Path, worker: Worker) -> Iterator[Delivery]:
    """Read one file, if it is an article or an archive of them."""
    suffix = path.suffix.lower()
    if reason := _passed_over(requested, suffix):
        yield Delivery(requested, reason=f"not an article: {reason}")
        return
    limit = MAX_ARCHIVE if suffix == ".zip" else size_limit(suffix)
    try:
        body = _bytes(path, root, limit)
    except Exception as error:  # noqa: BLE001 - whatever a file system raises, the others go on
        yield refused(requested, b"", error)
        return
    if suffix == ".zip":
        yield from members(requested, body, worker)
    else:
        yield delivery(requested, body, suffix, worker)


def _passed_over(requested: str, suffix: str) -> str | None:
    """Return why a file is no article by its name alone."""
    if any(part.startswith(".") for part in requested.split("/")):
        return "hidden"
    if suffix in UNFINISHED:
        return f"still being written ({suffix})"
    return None if suffix in SUFFIXES or suffix == ".zip" else suffix or "no suffix"


def _bytes(path: Path, root: Path, limit: int) -> bytes:
    """Return a file's bytes, at most one more than its limit.

    Nothing but a regular file is read, and none that a link leads to outside the folder: opening
    does not wait for a pipe's other end, and what was opened is looked at again.
    """
    if path != root and not path.resolve().is_relative_to(root.resolve()):
        raise UnreadableArticleError("refused: a link out of the folder")
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        before = os.fstat(handle)
        if not stat.S_ISREG(before.st_mode):
            raise UnreadableArticleError("refused: no regular file")
        body = file.read(limit + 1)
        after = os.fstat(handle)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise UnreadableArticleError("it changed while it was read: write aside, then rename")
    return body
