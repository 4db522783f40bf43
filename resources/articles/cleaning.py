"""Clean text: what of a text or fragment is left when nothing in it is invisible or markup."""

from __future__ import annotations

import re
import unicodedata


class UnreadableArticleError(ValueError):
    """The input holds no article; the message says why in one line."""


def clean(text: str) -> str:
    """Return text in NFC with single blanks, at most one empty line on end, nothing invisible.

    Control, zero-width, bidirectional and private characters and lone surrogates are dropped.
    """
    lines = (" ".join(filter(None, map(_visible, line.split()))) for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def plain(fragment: str) -> str:
    """Return the text of an HTML fragment, a new line for each block, without scripts."""
    from lxml import html

    safe = "".join(char for char in fragment if char.isprintable() or char in "\n\t")
    root = html.document_fromstring(f"<body>{safe}</body>")
    for unseen in root.xpath("//script | //style | //comment()"):
        unseen.drop_tree()
    for block in root.iter("p", "br", "li", "div", "tr", "td", "h1", "h2", "h3", "blockquote"):
        block.tail = "\n" + (block.tail or "")
    return root.text_content()


def phrase(value: object) -> str | None:
    """Return a title or name on one line, at most 300 characters; None where there is none."""
    return " ".join(clean(value).split())[:300] or None if isinstance(value, str) else None


def _visible(word: str) -> str:
    """Drop what cannot be seen, then compose (NFC) in pieces.

    Composing sorts runs of combining marks in quadratic time: 26 s for a word of 200,000.
    """
    if word.isascii() and word.isprintable():
        return word
    word = "".join(char for char in word if char.isprintable())
    pieces = (word[start : start + 500] for start in range(0, len(word), 500))
    return "".join(unicodedata.normalize("NFC", piece) for piece in pieces)
