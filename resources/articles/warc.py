"""Web archives from disk (WARC, as of Common Crawl News): each page of a response an article."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from resources.articles.archived_pages import FAST, KEEPS_OUT, forbids
from resources.articles.contents import refused
from resources.articles.gathering import Delivery
from resources.articles.text import MAX_BYTES, Article, UnreadableArticleError
from resources.articles.worker import Limits, Worker
from resources.batch import Reject, naive_utc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

SUFFIXES = (".warc", ".warc.gz")
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_OK = 200
_CHUNK = 1 << 20
_GZIP, _PLAIN = b"\x1f\x8b\x08", b"WARC/1."
_CHARSETS = frozenset({"iso-8859-1", "iso-8859-15", "windows-1252", "windows-1251", "shift_jis"})


@dataclass(frozen=True, slots=True)
class WebArchives:
    """A WARC file, or a folder with its subfolders of them.

    Parameters
    ----------
    root : pathlib.Path
        The file or folder.
    limits : Limits
        What one page may cost.
    max_damages : int
        Damaged records, or pages that had to be stopped, after which a file is given up.
    """

    root: Path
    limits: Limits = field(default_factory=lambda: Limits(seconds=4.0, cpu_seconds=4))
    max_damages: int = 50

    def deliveries(self) -> Iterator[Delivery]:
        """Yield what each archive brought, in sorted order; its bodies may not be kept whole.

        Yields
        ------
        Delivery
            The articles of its pages: the address is the record's, the date the page's own, else
            when it was crawled (``header``): it was published by then. Rejects name the damaged
            records, by their place in the file in bytes, and the pages without text.
        """
        root = self.root
        paths = [root] if root.is_file() else sorted(root.rglob("*"))
        paths = [p for p in paths if p.name.lower().endswith(SUFFIXES) and p.is_file()]
        if not paths:
            yield Delivery(str(root), reason="no web archives there")
        with Worker(self.limits) as worker:
            for path in paths:
                name = path.relative_to(root).as_posix() if path != root else path.name
                name = name.encode(errors="replace").decode()
                reading = _Reading(name, worker, self.max_damages)
                try:
                    with path.open("rb") as file:
                        reading.read(file)
                except OSError as error:
                    yield refused(name, b"", error)
                else:
                    yield reading.delivery()


@dataclass(slots=True)
class _Reading:
    """One archive that is being read."""

    requested: str
    worker: Worker
    max_damages: int
    articles: list[Article] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    n_damages: int = 0
    n_kept_out: int = 0
    place: int = 0
    """Where the record begins, bytes from the start of the file."""

    def read(self, file: BinaryIO) -> None:
        """Read record after record; after a damaged one go on at the next that begins."""
        marker = _GZIP if file.read(2) == _GZIP[:2] else _PLAIN
        start: int | None = 0
        while start is not None:
            file.seek(start)
            self.place = start
            try:
                self._from_here(file)
            except (OSError, EOFError, ValueError) as error:
                self._damage(f"damaged record: {' '.join(str(error).split())[:120]}")
                start = _next(file, marker, self.place + 1)
            else:
                start = None
            if self.n_damages >= self.max_damages:
                self._reject("given up: too many damaged records or pages that had to be stopped")
                return

    def delivery(self) -> Delivery:
        """Return what was read."""
        reason = f"{self.n_kept_out} pages ask not to be archived" if self.n_kept_out else None
        if not self.articles:
            reason = reason or "no pages in it"
        return Delivery(self.requested, self.articles, self.rejects, reason=reason, is_kept=False)

    def _from_here(self, file: BinaryIO) -> None:
        from fastwarc.warc import (  # pyright: ignore[reportMissingModuleSource]
            ArchiveIterator,
            WarcRecordType,
        )

        # Every kind of record is looked at, so that damage is placed at the record that has it.
        for record in ArchiveIterator(
            file, record_types=WarcRecordType.any_type, auto_decode="all"
        ):
            self.place = record.stream_pos
            if record.record_type == WarcRecordType.response and _is_page(record):
                self._take(record)
            if self.n_damages >= self.max_damages:
                return

    def _take(self, record: Any) -> None:
        body = record.reader.read(MAX_BYTES + 1)
        if not _is_encoded(record) and len(body) < min(record.content_length, MAX_BYTES):
            raise EOFError(f"{record.content_length - len(body):,} bytes are missing")
        address = record.headers.get("WARC-Target-URI", "")
        if forbids(record.http_headers.get("X-Robots-Tag", "")):
            self.n_kept_out += 1
            return
        try:
            article, _ = self.worker.read(_in_utf8(body, record), FAST)
        except UnreadableArticleError as error:
            self._refused(str(error), address)
        else:
            self.articles.append(_with_record(article, address, record))

    def _refused(self, cause: str, address: str) -> None:
        if cause == KEEPS_OUT:
            self.n_kept_out += 1
        elif cause.startswith(("too slow", "the worker")):
            self._damage(f"{cause}: {address[:200]}")
        else:
            self._reject(f"{cause}: {address[:200]}")

    def _damage(self, cause: str) -> None:
        self.n_damages += 1
        self._reject(cause)

    def _reject(self, cause: str) -> None:
        self.rejects.append(
            Reject(self.requested, self.place, f"at byte {self.place:,}: {cause}", "{}")
        )


def _is_page(record: Any) -> bool:
    headers = record.http_headers
    return bool(headers) and headers.status_code == _OK and record.http_content_type in _HTML


def _is_encoded(record: Any) -> bool:
    """Say whether the page is not as long as its record: compressed, or sent in chunks."""
    headers = record.http_headers
    return bool(headers.get("Content-Encoding") or headers.get("Transfer-Encoding"))


def _in_utf8(body: bytes, record: Any) -> bytes:
    """Return a page in UTF-8 where its HTTP header names another encoding of text."""
    if len(body) > MAX_BYTES:
        raise UnreadableArticleError(f"too large: at most {MAX_BYTES:,} bytes")
    charset = (record.http_charset or "").lower()
    if charset not in _CHARSETS:
        return body
    # Browsers read Latin-1 as Windows-1252, which has quotation marks where Latin-1 has controls.
    charset = "cp1252" if charset == "iso-8859-1" else charset
    # The mark goes before what the page itself declares.
    return b"\xef\xbb\xbf" + body.decode(charset, errors="replace").encode()


def _with_record(article: Article, address: str, record: Any) -> Article:
    """Return the article at the record's address, dated by its crawl where it states no date.

    A page that states a later date than its crawl is dated by its crawl.
    """
    address = address.strip("<>")
    article = replace(article, address=address if address.startswith("http") else None)
    crawled = naive_utc(record.record_date) if record.record_date else None
    if crawled and (article.published_at is None or article.published_at > crawled):
        return replace(article, published_at=crawled, published_from="header")
    return article


def _next(file: BinaryIO, marker: bytes, start: int) -> int | None:
    """Return where the next record may begin, in bytes; None where none does."""
    file.seek(start)
    tail = b""
    while piece := file.read(_CHUNK):
        if (found := (tail + piece).find(marker)) >= 0:
            return start - len(tail) + found
        start += len(piece)
        tail = (tail + piece)[-len(marker) + 1 :]
    return None
