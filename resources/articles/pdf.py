"""PDF files: their text, title, author and date; read in the worker process alone."""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING

from resources.articles.text import MAX_TEXT, Article, UnreadableArticleError, made

if TYPE_CHECKING:
    from datetime import datetime

    from pypdf import PdfReader

MAX_PDF = 20_000_000
MAX_PAGES = 200


def from_pdf(body: bytes) -> Article:
    """Read a PDF: the text of its pages, and the title and date it states of itself.

    Parameters
    ----------
    body : bytes
        The file, at most `MAX_PDF`. Call it in the worker: a page may ask for any time and memory.

    Returns
    -------
    Article
        A `CreationDate` without a zone is UTC; one that is no date counts as none.

    Raises
    ------
    UnreadableArticleError
        It is no PDF, encrypted, too long, or holds no text (a scan).
    """
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    if not body[:1024].lstrip().startswith(b"%PDF"):
        raise UnreadableArticleError("not a PDF: it does not begin with %PDF")
    try:
        reader = PdfReader(BytesIO(body), strict=False)
        if reader.is_encrypted:
            raise UnreadableArticleError("encrypted: the PDF asks for a password")
        text = _text(reader)
        facts = reader.metadata
        title, date = (facts.title, _created(facts)) if facts else (None, None)
    except (PyPdfError, RecursionError) as error:
        cause = " ".join(str(error).split())[:120] or type(error).__name__
        raise UnreadableArticleError(f"damaged PDF: {cause}") from error
    if not text.strip():
        raise UnreadableArticleError("empty: no text in the PDF (a scan?)")
    return made(
        text,
        title=title,
        published_at=date,
        published_from="metadata" if date else "none",
    )


def _text(reader: PdfReader) -> str:
    """Return the text of the pages; words divided at a line's end stay divided."""
    pieces, size = list[str](), 0
    for number, page in enumerate(reader.pages, start=1):
        if number > MAX_PAGES:
            raise UnreadableArticleError(f"too large: more than {MAX_PAGES} pages")
        pieces.append(page.extract_text())
        size += len(pieces[-1])
        if size > MAX_TEXT:
            raise UnreadableArticleError(f"too large: more than {MAX_TEXT:,} characters of text")
    return "\n\n".join(pieces)


def _created(facts: object) -> datetime | None:
    from resources.articles.text import instant

    stated = str(getattr(facts, "creation_date_raw", None) or "")
    parts = re.match(r"D:(\d{4})(\d\d)(\d\d)(\d\d)?(\d\d)?(\d\d)?([+-]\d\d)?'?(\d\d)?", stated)
    if not parts:
        return None
    year, month, day, hour, minute, second, zone, minutes = parts.groups(default="00")
    zone = f"{zone}:{minutes}" if parts[7] else ""
    try:
        return instant(f"{year}-{month}-{day}T{hour}:{minute}:{second}{zone}")
    except UnreadableArticleError:
        return None
