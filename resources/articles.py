"""Article sources: a drop folder of .txt, .html and .json files, and RSS or Atom feeds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dagster as dg

from resources.article_text import (
    MAX_BYTES,
    READERS,
    Article,
    UnreadableArticleError,
    decoded,
)
from resources.batch import Answer, Batch, Reject
from resources.clock import Clock
from resources.feeds import FetchError, Policy, entries, fetch

REPLAY = Path(__file__).parent / "data" / "replay" / "articles"


class Articles(dg.ConfigurableResource):
    """Articles from a folder and from feeds, behind one `fetch`."""

    path: str = ""
    """Folder (with its subfolders) or file."""
    feeds: list[str] = []  # noqa: RUF012 - pydantic copies defaults
    """Addresses of RSS or Atom feeds."""
    allowed_hosts: list[str] = []  # noqa: RUF012 - pydantic copies defaults
    """Hosts that feeds and their redirects may be fetched from; empty for the feeds' own."""

    def fetch(self, *, is_replay: bool = True) -> Batch:
        """Read every file in sorted order, then every feed.

        Parameters
        ----------
        is_replay : bool
            Whether, without a folder, the replay's own articles are read: beside real prices
            they would be real articles.

        Returns
        -------
        Batch
            Rows: `article_id`, `title`, `source`, `location`, `published_at` (UTC without a zone,
            or null), `published_from`, `language`, `text`, `source_file` and `source_row` (null).
            The same text twice is one row, the first. One answer per file and feed; files that
            are no articles are ``no_data``, unreadable ones ``failed``. Feed entries without text
            are rejects.
        """
        gathered = _Gathered()
        own = is_replay and not self.path
        if self.path or own:
            gathered.read_folder(REPLAY if own else Path(self.path))
        for address in dict.fromkeys(self.feeds):
            gathered.read_feed(address, self.policy())
        return replace(gathered.batch(), kind="replay" if own else None)

    def policy(self) -> Policy:
        """Return what may be fetched."""
        own = (urlsplit(address).hostname or "" for address in self.feeds)
        return Policy(hosts=frozenset(host.lower() for host in self.allowed_hosts or own))


class _Gathered:
    """The rows, answers and rejects of one fetch, as they come in."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Any]] = {}
        self._answers: list[Answer] = []
        self._rejects: list[Reject] = []

    def read_folder(self, root: Path) -> None:
        """Read the files of a folder and its subfolders, or the one file."""
        if not root.exists():
            self._answer(str(root), "no such file or folder", failed=True)
            return
        paths = [path for path in root.rglob("*") if path.is_file()] if root.is_dir() else [root]
        for path in sorted(paths):
            name = path.relative_to(root).as_posix() if path != root else path.name
            # A name that is no UTF-8 could not be stored.
            self.read_file(path, name.encode(errors="replace").decode())
        if not paths:
            self._answer(str(root), "no files in the folder")

    def read_file(self, path: Path, requested: str) -> None:
        """Read one file, if it is an article."""
        suffix = path.suffix.lower()
        if any(part.startswith(".") for part in requested.split("/")):
            self._answer(requested, "not an article: hidden")
        elif suffix not in READERS:
            self._answer(requested, f"not an article: {suffix or 'no suffix'}")
        else:
            try:
                articles = [READERS[suffix](decoded(_bytes(path), suffix))]
            except Exception as error:  # noqa: BLE001 - whatever a parser raises, the others go on
                self._answer(requested, _cause(error), failed=True)
            else:
                self._add(requested, articles)

    def read_feed(self, address: str, policy: Policy) -> None:
        """Fetch one feed and read its entries."""
        try:
            articles, rejects = entries(fetch(address, policy), address)
        except Exception as error:  # noqa: BLE001 - whatever a parser raises, the others go on
            self._answer(address, _cause(error), failed=True)
        else:
            self._rejects += rejects
            self._add(address, articles)

    def batch(self) -> Batch:
        """Return what was gathered."""
        import pyarrow as pa

        kinds = {"published_at": pa.timestamp("us"), "source_row": pa.int64()}
        names = (
            *("article_id", "title", "source", "location", "published_at", "published_from"),
            *("language", "text", "source_file", "source_row"),
        )
        schema = pa.schema([(name, kinds.get(name, pa.string())) for name in names])
        rows = pa.Table.from_pylist(list(self._rows.values()), schema=schema)
        return Batch(rows, self._answers, self._rejects)

    def _add(self, requested: str, articles: list[Article]) -> None:
        before = len(self._rows)
        for article in articles:
            self._rows.setdefault(article.article_id, _row(article, requested))
        if n_rows := len(self._rows) - before:
            self._answer(requested, n_rows=n_rows)
        elif articles:
            same = self._rows[articles[0].article_id]["location"]
            self._answer(requested, f"the same text as {same}")
        else:
            self._answer(requested, "no articles in it")

    def _answer(
        self, requested: str, reason: str | None = None, *, n_rows: int = 0, failed: bool = False
    ) -> None:
        outcome = "failed" if failed else "no_data" if reason else "delivered"
        at = Clock().now().replace(tzinfo=None)
        self._answers.append(Answer(requested, outcome, reason, n_rows, at))


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        body = file.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise UnreadableArticleError(f"too large: at most {MAX_BYTES:,} bytes")
    return body


def _cause(error: Exception) -> str:
    if isinstance(error, UnreadableArticleError | FetchError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    return f"cannot be read: {type(error).__name__}: {' '.join(str(error).split())[:120]}"


def _row(article: Article, requested: str) -> dict[str, Any]:
    host = urlsplit(article.address).hostname if article.address else None
    return {
        "article_id": article.article_id,
        "title": article.title,
        "source": article.source or host or requested,
        "location": article.address or requested,
        "published_at": article.published_at,
        "published_from": article.published_from,
        "language": article.language,
        "text": article.text,
        "source_file": requested,
        "source_row": None,
    }
