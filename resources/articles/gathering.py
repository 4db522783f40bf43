"""What the sources of articles hand over, and how it becomes one batch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from resources.articles.extracts import extract
from resources.articles.fetching import FetchError
from resources.articles.text import Article, UnreadableArticleError
from resources.batch import Answer, Batch, Reject
from resources.clock import Clock
from resources.web import WebError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


T = TypeVar("T")


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
        Why there is nothing in it that was wanted: a fact, no failure. Beside articles: what had
        to be assumed to read them.
    is_kept : bool
        Whether the bodies may be stored whole.
    answer : Answer, optional
        What came of the request in full, where its source knows: cause, tries, payload.
    """

    requested: str
    articles: list[Article] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    error: Exception | None = None
    reason: str | None = None
    is_kept: bool = True
    answer: Answer | None = None


class Source(Protocol):
    """A place where articles come from."""

    def deliveries(self) -> Iterator[Delivery]:
        """Yield what each of its documents brought; never raises for a document's sake."""
        ...


def gathered(sources: Iterable[Source], keeps: frozenset[str] = frozenset()) -> Batch:
    """Return everything the sources bring as one batch; the same text twice is one row.

    Parameters
    ----------
    sources : iterable of Source
        In the order in which they are asked.
    keeps : frozenset of str
        Hosts whose bodies may be stored whole though their source does not allow it; ``all`` for
        every host. Of the others an extract is stored.
    """
    batch = _Gathered(keeps)
    for source in sources:
        try:
            for delivery in source.deliveries():
                batch.add(delivery)
        except Exception as error:  # noqa: BLE001 - what nobody thought of ends one source alone
            batch.add(Delivery(type(source).__name__, error=error))
    return batch.batch()


def guarded(read: Callable[[bytes], T]) -> Callable[[bytes], T]:
    """Return a reader of answers that calls whatever it cannot read malformed.

    Parameters
    ----------
    read : callable
        Reads the bytes of an answer; its own WebErrors pass.
    """

    def safely(body: bytes) -> T:
        try:
            return read(body)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            cause = f"{type(error).__name__}: {' '.join(str(error).split())[:100]}"
            raise WebError("malformed", cause) from error

    return safely


class _Gathered:
    """The rows, answers and rejects of one fetch, as they come in."""

    def __init__(self, keeps: frozenset[str]) -> None:
        self._keeps = keeps
        self._rows: dict[str, dict[str, Any]] = {}
        self._answers: list[Answer] = []
        self._rejects: list[Reject] = []

    def add(self, delivery: Delivery) -> None:
        """Take over what a document brought."""
        requested, articles = delivery.requested, delivery.articles
        self._rejects += delivery.rejects
        before = len(self._rows)
        for article in articles:
            if article.article_id not in self._rows:
                row = _row(article, requested, is_whole=self._may_keep(article, delivery))
                self._rows[article.article_id] = row
        remarks = "; ".join(dict.fromkeys(r for one in articles for r in one.remarks)) or None
        n_new = len(self._rows) - before
        if delivery.answer:
            self._answers.append(_counted(delivery.answer, n_new))
        elif delivery.error:
            word = delivery.error.cause if isinstance(delivery.error, FetchError) else "malformed"
            self._answer(requested, cause(delivery.error), failed=True, word=word)
        elif n_new:
            self._answer(requested, delivery.reason or remarks, n_rows=n_new)
        elif articles:
            same = self._rows[articles[0].article_id]["location"]
            self._answer(requested, f"the same text as {same}")
        else:
            self._answer(requested, delivery.reason or "no articles in it")

    def _may_keep(self, article: Article, delivery: Delivery) -> bool:
        """Say whether an article's body may be stored whole."""
        host = urlsplit(article.address or "").hostname or ""
        return delivery.is_kept or "all" in self._keeps or host in self._keeps

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
        self,
        requested: str,
        reason: str | None = None,
        *,
        n_rows: int = 0,
        failed: bool = False,
        word: str | None = None,
    ) -> None:
        outcome = "failed" if failed else "delivered" if n_rows else "no_data"
        at = Clock().now().replace(tzinfo=None)
        self._answers.append(Answer(requested, outcome, reason, n_rows, at, cause=word))


def _counted(answer: Answer, n_rows: int) -> Answer:
    """Return an answer with the rows that were new; a delivery without any brought none."""
    if answer.outcome == "delivered" and not n_rows:
        return replace(answer, outcome="no_data", reason="nothing that is not here", n_rows=0)
    return replace(answer, n_rows=n_rows)


def cause(error: Exception) -> str:
    """Return why nothing could be had or read, in one line."""
    if isinstance(error, UnreadableArticleError | FetchError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    return f"cannot be read: {type(error).__name__}: {' '.join(str(error).split())[:120]}"


def _row(article: Article, requested: str, *, is_whole: bool) -> dict[str, Any]:
    """Return an article as a row of raw.articles."""
    host = urlsplit(article.address).hostname if article.address else None
    text = article.text if is_whole else extract(article.text)
    # An entry without an address of its own is no version of its feed.
    is_entry = not article.address and urlsplit(requested).scheme in {"http", "https"}
    place = f"{requested} ({article.article_id[:12]})" if is_entry else requested
    return {
        "article_id": article.article_id,
        "title": article.title,
        "source": article.source or host or requested,
        "location": article.address or place,
        "published_at": article.published_at,
        "published_from": article.published_from,
        "language": article.language,
        "text": text,
        "author": article.author,
        "dateline": article.dateline,
        "published_zone": article.published_zone,
        "is_whole": text == article.text,
        "source_file": requested,
        "source_row": None,
    }
