"""XML files: RSS and Atom, NewsML-G2, NITF and plain `<article>` documents."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from resources.articles.encodings import decoded_with_note
from resources.articles.text import Article, UnreadableArticleError, instant, made
from resources.batch import Reject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

_FEEDS = frozenset({"rss", "feed", "RDF"})
_ITEMS = ("newsItem", "nitf", "article")
_TITLES = ("headline", "hl1", "article-title", "title")
_TEXTS = ("body.content", "inlineXML", "inlineData", "body", "text", "content")
_DATES = (
    *("date.issue", "contentCreated", "firstCreated", "versionCreated"),
    *("published_at", "published", "pubDate", "date"),
)
_SOURCES = ("provider", "source", "publisher", "doc.copyright")
_BLOCKS = frozenset({"p", "br", "li", "div", "tr", "td", "h1", "h2", "h3", "block", "hl2"})
_UNSEEN = frozenset({"script", "style", "head", "body.head"})


def from_xml(body: bytes, requested: str) -> tuple[list[Article], list[Reject]]:
    """Return the articles of an XML document, and the items that hold none.

    Titles, texts and dates are taken from the elements in which NewsML-G2, NITF or a plain
    document states them. A document that defines entities is refused: news has no need of them,
    a bomb has.

    Parameters
    ----------
    body : bytes
        The document.
    requested : str
        Its name, for the rejects.

    Returns
    -------
    tuple of (list of Article, list of Reject)
        A date without a zone is UTC; an item without a date has the one of its dateline, if any.

    Raises
    ------
    UnreadableArticleError
        It is no well-formed XML, is nested deeper than 250 elements, defines entities, or is of
        none of these kinds.
    """
    text, _ = decoded_with_note(body, ".xml")
    # In the characters: in the bytes of UTF-16 a search for the definition would miss it.
    if "<!ENTITY" in text:
        raise UnreadableArticleError("refused: it defines entities")
    root = _parsed(_without_declaration(text))
    if _name(root) in _FEEDS:
        from resources.articles.feeds import entries

        return entries(_without_declaration(text).encode(errors="replace"), requested)
    items = next((found for name in _ITEMS if (found := list(_named(root, name)))), [])
    if not items:
        raise UnreadableArticleError(f"no article in it: <{_name(root)[:40]}> is no known kind")
    articles, rejects = [], list[Reject]()
    for number, item in enumerate(items, start=1):
        try:
            articles.append(_article(item))
        except UnreadableArticleError as error:
            rejects.append(Reject(requested, number, f"item {number}: {error}", "{}"))
    return articles, rejects


def _without_declaration(text: str) -> str:
    """Drop the declaration: its encoding is no longer that of the characters."""
    text = text.removeprefix("\ufeff").lstrip()
    return text[text.find("?>") + 2 :] if text.startswith("<?xml") and "?>" in text else text


def _parsed(text: str) -> Any:
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] - it has no stubs

    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        return etree.fromstring(text.encode(errors="replace"), parser)
    except etree.XMLSyntaxError as error:
        cause = " ".join(str(error).split())[:120]
        raise UnreadableArticleError(f"not XML: {cause}") from error


def _article(item: Any) -> Article:
    title = next((found for name in _TITLES for found in _texts(item, name)), None)
    text = next((found for name in _TEXTS for found in _texts(item, name)), "")
    date = next((found for name in _DATES for found in _stated(item, name, "norm")), None)
    source = next(
        (f for name in _SOURCES for at in ("literal", "holder") for f in _stated(item, name, at)),
        None,
    )
    address = next(iter(_stated(item, "link", "href")), None)
    return made(
        text,
        title=title,
        source=source,
        address=address,
        published_at=_instant(date) if date else None,
        published_from="field" if date else "none",
    )


def _instant(stated: str) -> datetime:
    """Return an ISO 8601 date, or one of RSS ("Mon, 27 Jan 2025 15:00:00 GMT"), as naive UTC."""
    if not stated[:1].isalpha():
        return instant(stated)
    try:
        found = parsedate_to_datetime(stated[:60])
    except (ValueError, TypeError):
        return instant(stated)
    return (found.astimezone(UTC) if found.tzinfo else found).replace(tzinfo=None)


def _name(element: Any) -> str:
    """Return an element's name without its namespace; comments have none."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _named(root: Any, name: str) -> Iterator[Any]:
    """Yield the elements of a name, in any namespace; of nested ones the outermost alone.

    Each would be walked to its depth: 240 nested bodies around 2 MB of elements took minutes.
    """
    wanted = f"{{*}}{name}"
    for element in root.iter(wanted):
        outer = next(element.iterancestors(wanted), None)
        if outer is None or (outer is not root and root not in outer.iterancestors(root.tag)):
            yield element


def _texts(item: Any, name: str) -> Iterator[str]:
    """Yield what stands in the elements of a name, a line for each block, if anything does."""
    for element in _named(item, name):
        if (text := "".join(_pieces(element))).strip():
            yield text


def _pieces(root: Any) -> Iterator[str]:
    """Yield the text of an element in one walk, a line's end after each block."""
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] - it has no stubs

    hidden = 0
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event == "start":
            hidden += _name(element) in _UNSEEN
            if not hidden:
                yield element.text or ""
            continue
        hidden -= event == "end" and _name(element) in _UNSEEN
        if hidden or element is root:
            continue
        yield ("\n" if _name(element) in _BLOCKS else "") + (element.tail or "")


def _stated(item: Any, name: str, attribute: str) -> Iterator[str]:
    """Yield what elements of a name say in an attribute, else in their text."""
    for element in _named(item, name):
        if stated := (element.get(attribute) or "".join(element.itertext())).strip():
            yield stated
