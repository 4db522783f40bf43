"""The drop folder: a file becomes an article by the reader of its suffix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from resources.articles.gathering import Delivery
from resources.articles.text import MAX_BYTES, READERS, UnreadableArticleError, decoded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder with its subfolders, or one file."""

    root: Path

    def deliveries(self) -> Iterator[Delivery]:
        """Yield what each file brought, in sorted order."""
        root = self.root
        if not root.exists():
            yield Delivery(str(root), error=UnreadableArticleError("no such file or folder"))
            return
        paths = [path for path in root.rglob("*") if path.is_file()] if root.is_dir() else [root]
        for path in sorted(paths):
            name = path.relative_to(root).as_posix() if path != root else path.name
            # A name that is no UTF-8 could not be stored.
            yield _of_file(path, name.encode(errors="replace").decode())
        if not paths:
            yield Delivery(str(root), reason="no files in the folder")


def _of_file(path: Path, requested: str) -> Delivery:
    """Read one file, if it is an article."""
    suffix = path.suffix.lower()
    if any(part.startswith(".") for part in requested.split("/")):
        return Delivery(requested, reason="not an article: hidden")
    if suffix not in READERS:
        return Delivery(requested, reason=f"not an article: {suffix or 'no suffix'}")
    try:
        return Delivery(requested, [READERS[suffix](decoded(_bytes(path), suffix))])
    except Exception as error:  # noqa: BLE001 - whatever a parser raises, the others go on
        return Delivery(requested, error=error)


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        body = file.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise UnreadableArticleError(f"too large: at most {MAX_BYTES:,} bytes")
    return body
