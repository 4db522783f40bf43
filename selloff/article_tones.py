"""Tone: how many of an article's words stand on the lists of Loughran and McDonald (2011)."""

from __future__ import annotations

import re
from typing import Any

Row = dict[str, Any]

_WORD = re.compile(r"[A-Za-z]{2,}(?:[-'][A-Za-z]+)*")
NEGATIONS = frozenset({"NO", "NOT", "NONE", "NEITHER", "NEVER", "NOBODY"})
"""One of these within the three words before a positive word makes it count for nothing."""
REACH = 3


def article_tones(articles: list[Row], words: dict[str, frozenset[str]]) -> list[Row]:
    """Count the positive, negative and uncertain words of each article.

    A word is looked up in capitals as it is written, without stemming; a positive word behind a
    negation (within three words) does not count, as its authors have it. The tone is (positive -
    negative) / (positive + negative). It is a weak feature: it understands nothing.

    Parameters
    ----------
    articles : list of dict
        `article_id`, `text`, `known_from`.
    words : dict of str to frozenset
        `positive`, `negative` and `uncertain` words, in capitals; empty: no rows.

    Returns
    -------
    list of dict
        Rows of core.article_tones.

    References
    ----------
    Loughran and McDonald (2011), When Is a Liability Not a Liability?, Journal of Finance 66.

    Examples
    --------
    >>> lists = {"positive": {"GAIN"}, "negative": {"LOSS", "FEAR"}, "uncertain": {"MAYBE"}}
    >>> text = {"article_id": "a", "text": "A loss, fear, no gain. Maybe a gain.", "known_from": 0}
    >>> (row,) = article_tones([text], lists)
    >>> row["n_positive"], row["n_negative"], row["n_uncertain"], round(row["tone"], 3)
    (1, 2, 1, -0.333)
    """
    if not words:
        return []
    return [
        {"article_id": row["article_id"], **_counts(row["text"], words), "as_of": row["known_from"]}
        for row in articles
    ]


def _counts(text: str, words: dict[str, frozenset[str]]) -> Row:
    found = [word.upper() for word in _WORD.findall(text)]
    n_positive = sum(
        word in words["positive"] and NEGATIONS.isdisjoint(found[max(0, i - REACH) : i])
        for i, word in enumerate(found)
    )
    n_negative = sum(word in words["negative"] for word in found)
    total = n_positive + n_negative
    return {
        "n_words": len(found),
        "n_positive": n_positive,
        "n_negative": n_negative,
        "n_uncertain": sum(word in words["uncertain"] for word in found),
        "tone": (n_positive - n_negative) / total if total else None,
    }
