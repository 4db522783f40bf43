"""The pages of a release, written to a folder: one per event, and the index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pages.documents import write
from pages.event_page import event_page
from pages.findings import events, findings, release
from pages.index_page import file_name, index_page

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "pages"


class Page(NamedTuple):
    """A page that was written: of which event, where, and how large."""

    event_id: str
    path: Path
    n_bytes: int


def write_event(con: Any, event_id: str, path: Path) -> Page:
    """Write the page of one event of a release to `path`."""
    has_index = path.parent.name == FOLDER
    written = write(path, event_page(findings(con, event_id), has_index=has_index))
    return Page(event_id, written, written.stat().st_size)


def write_all(con: Any, folder: Path) -> list[Page]:
    """Write the pages of a release's events and the index of them; return them, the newest first.

    Pages of events that are no more are removed, so that the folder is the release's.

    Parameters
    ----------
    con : DuckDBPyConnection
        To a release, read-only.
    folder : Path
        Made where it is missing; nothing but pages lies in it.
    """
    listed = events(con)
    written = [
        write_event(con, event["event_id"], folder / file_name(event["event_id"]))
        for event in listed
    ]
    write(folder / "index.html", index_page(listed, release(con)))
    known = {page.path.name for page in written} | {"index.html"}
    for path in folder.glob("*.html"):
        if path.name not in known:
            path.unlink()
    return written
