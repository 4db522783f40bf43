"""Web pages: their main text by one of two extractors, and what their head says of them."""

from __future__ import annotations

from typing import Any, Literal

from resources.articles.article import Article, made
from resources.articles.cleaning import UnreadableArticleError, clean
from resources.articles.dates import moment
from resources.articles.page_facts import PageFacts, page_facts

Tier = Literal["whole", "fast"]
"""`whole` is trafilatura, `fast` resiliparse."""
SHORT = 200
"""A text of fewer characters than this may be a caption: the other extractor is asked too."""
_MUCH_MORE = 3


def from_html(page: str, tier: Tier = "whole") -> Article:
    """Read a web page: main text without comments; title, author, site and date from its head.

    Parameters
    ----------
    page : str
        HTML.
    tier : str
        ``whole``: trafilatura; ``fast``: resiliparse, many times as fast, with a little more
        boilerplate left. Where the one finds no text, or fewer than 200 characters and the other
        more than three times as much, the other's is taken and `remarks` say so.

    Returns
    -------
    Article
        The date is that of JSON-LD, of the head, of a ``<time>``, in this order, else what the
        text itself states.
    """
    if tier not in _EXTRACTORS:
        raise ValueError(f"no tier {tier!r}: {', '.join(sorted(_EXTRACTORS))}")
    facts = page_facts(page)
    found, remarks = _extracted(page, tier)
    if not found.text:
        raise UnreadableArticleError("empty: no main text in the page")
    date = facts.published or (found.published if tier == "whole" else None)
    return made(
        found.text,
        title=facts.title or found.title,
        author=facts.author,
        source=facts.site or found.site,
        address=facts.address or found.address,
        published_at=date.at if date else None,
        published_from="metadata" if date else "none",
        published_zone=date.zone if date else None,
        remarks=remarks,
    )


def _extracted(page: str, tier: Tier) -> tuple[PageFacts, tuple[str, ...]]:
    """Return what the tier's extractor found, or the other's where that is much more."""
    found = _EXTRACTORS[tier](page)
    size = len(clean(found.text))
    if size >= SHORT:
        return found, ()
    other = _EXTRACTORS["fast" if tier == "whole" else "whole"](page)
    if len(clean(other.text)) <= _MUCH_MORE * size or not _says_something(other.text):
        return found, ()
    names = {"whole": "trafilatura", "fast": "resiliparse"}
    remark = f"{names[tier]} found {size} characters: read by the other extractor"
    return other, (remark,)


def _says_something(text: str) -> bool:
    """Say whether a text is more than the words of a menu: one full sentence."""
    return any(sum(map(str.isalpha, line)) >= SHORT // 2 for line in clean(text).splitlines())


def _whole(page: str) -> PageFacts:
    from trafilatura import bare_extraction

    found: Any = bare_extraction(
        page,
        include_comments=False,
        fast=True,
        with_metadata=True,
        # The extensive search would take a date out of the body or the copyright line.
        date_extraction_params={
            "extensive_search": False,
            "original_date": True,
            "outputformat": "%Y-%m-%dT%H:%M:%S%z",
        },
    )
    names = ("text", "title", "sitename", "hostname", "url", "date")
    text, title, site, host, address, date = (getattr(found, name, None) for name in names)
    return PageFacts(
        text=text or "",
        title=title,
        site=site or host,
        address=address,
        published=moment(date) if date else None,
    )


def _fast(page: str) -> PageFacts:
    from resiliparse.extract.html2text import extract_plain_text

    text = extract_plain_text(page, main_content=True, comments=False, list_bullets=False)
    return PageFacts(text=text)


_EXTRACTORS = {"whole": _whole, "fast": _fast}
