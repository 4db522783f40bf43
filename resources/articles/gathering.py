"""What the sources of articles hand over, and how it becomes one batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from resources.articles.fetching import FetchError
from resources.articles.text import Article, UnreadableArticleError
from resources.batch import Answer, Batch, Reject
from resources.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one file, feed, archive or query brought.

    Parameters
    ----------
    requested : str
        The file, relative to its folder, or the address: what the answer names.
    articles : list of Article
        What was read.
    rejects : list of Reject
        Pieces of it that are no article, each with its reason.
    error : Exception, optional
        Why nothing could be had or read.
    reason : str, optional
        Why there is nothing in it that was wanted: a fact, no failure.
    """

    requested: str
    articles: list[Article] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    error: Exception | None = None
    reason: str | None = None


class Source(Protocol):
    """A place where articles come from."""

    def deliveries(self) -> Iterator[Delivery]:
        """Yield what each of its documents brought; never raises for a document's sake."""
        ...


def gathered(sources: Iterable[Source]) -> Batch:
    """Return everything the sources bring as one batch; the same text twice is one row."""
    batch = _Gathered()
    for source in sources:
        for delivery in source.deliveries():
            batch.add(delivery)
    return batch.batch()


class _Gathered:
    """The rows, answers and rejects of one fetch, as they come in."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Any]] = {}
        self._answers: list[Answer] = []
        self._rejects: list[Reject] = []

    def add(self, delivery: Delivery) -> None:
        """Take over what a document brought."""
        requested, articles = delivery.requested, delivery.articles
        self._rejects += delivery.rejects
        before = len(self._rows)
        for article in articles:
            self._rows.setdefault(article.article_id, _row(article, requested))
        if delivery.error:
            self._answer(requested, _cause(delivery.error), failed=True)
        elif n_rows := len(self._rows) - before:
            self._answer(requested, n_rows=n_rows)
        elif articles:
            same = self._rows[articles[0].article_id]["location"]
            self._answer(requested, f"the same text as {same}")
        else:
            self._answer(requested, delivery.reason or "no articles in it")

    def batch(self) -> Batch:
        """Return what was gathered."""
        import pyarrow as pa

        kinds = {
            "published_at": pa.timestamp("us"),
            "source_row": pa.int64(),
            "is_whole": pa.bool_(),
        }
        names = (
            *("article_id", "title", "source", "location", "published_at", "published_from"),
            *("language", "text", "author", "dateline", "published_zone", "is_whole"),
            *("source_file", "source_row"),
        )
        schema = pa.schema([(name, kinds.get(name, pa.string())) for name in names])
        rows = pa.Table.from_pylist(list(self._rows.values()), schema=schema)
        return Batch(rows, self._answers, self._rejects)

    def _answer(
        self, requested: str, reason: str | None = None, *, n_rows: int = 0, failed: bool = False
    ) -> None:
        outcome = "failed" if failed else "no_data" if reason else "delivered"
        at = Clock().now().replace(tzinfo=None)
        self._answers.append(Answer(requested, outcome, reason, n_rows, at))


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
        "author": article.author,
        "dateline": article.dateline,
        "published_zone": article.published_zone,
        "is_whole": True,
        "source_file": requested,
        "source_row": None,
    }
