"""From the bytes of one document to a delivery: by its suffix, here or in the worker."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from resources.articles.archived_pages import FAST, from_page_fast
from resources.articles.encodings import decoded_with_note
from resources.articles.gathering import Delivery, cause
from resources.articles.pdf import MAX_PDF, from_pdf
from resources.articles.text import MAX_BYTES, READERS, Article, UnreadableArticleError
from resources.batch import Reject

if TYPE_CHECKING:
    from resources.articles.worker import Worker

SUFFIXES = frozenset({*READERS, ".pdf", ".xml"})
IN_WORKER_FROM = 20_000
"""Larger pages are read in the worker, in bytes: its start costs as much as a hundred pages, each
then 0.2 ms more. Resiliparse needs 0.2 s for 4,000 nested elements, 18 s for 40,000."""


def size_limit(suffix: str) -> int:
    """Return how many bytes a document of this kind may have."""
    return MAX_PDF if suffix == ".pdf" else MAX_BYTES


def delivery(requested: str, body: bytes, suffix: str, worker: Worker) -> Delivery:
    """Return what a document brought; one that cannot be read is also a reject.

    Parameters
    ----------
    requested : str
        Its name, as the answer and the quarantine have it.
    body : bytes
        The document, at most one byte longer than `size_limit`.
    suffix : str
        One of `SUFFIXES`.
    worker : Worker
        Where a document is read that could hang or swell.
    """
    try:
        _refuse_large(body, suffix)
        if suffix == ".xml":
            from resources.articles.xml import from_xml

            articles, rejects = from_xml(body, requested)
            return Delivery(requested, articles, rejects)
        is_risky = suffix == ".pdf" or (suffix != ".txt" and len(body) > IN_WORKER_FROM)
        article, note = worker.read(body, suffix) if is_risky else read_here(body, suffix)
    except Exception as error:  # noqa: BLE001 - whatever a parser raises, the others go on
        return refused(requested, body, error)
    return Delivery(requested, [article], reason=note)


def _refuse_large(body: bytes, suffix: str) -> None:
    if len(body) > (limit := size_limit(suffix)):
        raise UnreadableArticleError(f"too large: at most {limit:,} bytes")


def read_here(body: bytes, suffix: str) -> tuple[Article, str | None]:
    """Return the article in a document, and what was assumed for it; in this very process."""
    if suffix == ".pdf":
        return from_pdf(body), None
    if suffix == FAST:
        text, note = decoded_with_note(body, ".html")
        return from_page_fast(text), note
    text, note = decoded_with_note(body, suffix)
    return READERS[suffix](text), note


def refused(requested: str, body: bytes, error: Exception) -> Delivery:
    """Return the failed answer and the reject of a document that could not be read.

    The quarantine holds its SHA-256, its size in bytes (as far as it was read) and what can be
    seen of its beginning, at most 200 characters.
    """
    begins = "".join(filter(str.isprintable, body[:800].decode(errors="ignore")))[:200]
    digest = hashlib.sha256(body).hexdigest()
    payload = json.dumps({"sha256": digest, "size": len(body), "begins": begins})
    return Delivery(
        requested, rejects=[Reject(requested, None, cause(error), payload)], error=error
    )
