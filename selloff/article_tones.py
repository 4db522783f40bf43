"""Tone of articles: how many of their words stand on the lists of Loughran and McDonald."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]

# Loughran and McDonald (2011), section III.C: a positive word is not counted where one of these
# is among the three words before it. Negated negative words are rare enough to be left as they are.
NEGATIONS = frozenset(("NO", "NOT", "NONE", "NEITHER", "NEVER", "NOBODY"))
_NEGATION_REACH = 3
# Words of two letters and more, as their parser takes them; "isn't" is not one of their words.
_WORD = re.compile(r"[A-Z]{2,}")


@dataclass(frozen=True, slots=True)
class ToneWords:
    """Lists of words, in upper case."""

    positive: frozenset[str] = field(default_factory=frozenset[str])
    negative: frozenset[str] = field(default_factory=frozenset[str])
    uncertain: frozenset[str] = field(default_factory=frozenset[str])


@dataclass(frozen=True, slots=True)
class Tone:
    """Counts of a text's words; the columns of ``core.article_tones``."""

    n_words: int
    n_positive: int
    n_negative: int
    n_uncertain: int

    @property
    def tone(self) -> float | None:
        """(positive - negative) / (positive + negative); None without either."""
        both = self.n_positive + self.n_negative
        return (self.n_positive - self.n_negative) / both if both else None


def article_tones(articles: list[Row], documents: list[Row], words: ToneWords) -> list[Row]:
    """Count the words of every parsed article that stand on the lists.

    Parameters
    ----------
    articles, documents : list of dict
        Rows of ``raw.articles`` and ``core.documents``.
    words : ToneWords
        The lists. Without a word on the positive or the negative one there are no rows.

    Returns
    -------
    list of dict
        Rows of ``core.article_tones``, by `article_id`; `tone` is a ratio from -1 to 1, None
        where no word stands on either list. The headline is counted with the text.

    Examples
    --------
    >>> article = {"article_id": "a", "title": None, "text": "Bad. Not a good day."}
    >>> document = {"article_id": "a", "is_parsed": True, "as_of": 1}
    >>> words = ToneWords(frozenset(["GOOD"]), frozenset(["BAD"]))
    >>> article_tones([article], [document], words)[0]["tone"]
    -1.0
    """
    if not (words.positive or words.negative):
        return []
    parsed = {row["article_id"]: row["as_of"] for row in documents if row["is_parsed"]}
    rows = []
    for article in sorted(articles, key=lambda article: article["article_id"]):
        key = article["article_id"]
        if key in parsed:
            found = tone_of(f"{article['title'] or ''}\n{article['text']}", words)
            rows.append(
                {
                    "article_id": key,
                    "n_words": found.n_words,
                    "n_positive": found.n_positive,
                    "n_negative": found.n_negative,
                    "n_uncertain": found.n_uncertain,
                    "tone": found.tone,
                    "as_of": parsed[key],
                }
            )
    return rows


def tone_of(text: str, words: ToneWords) -> Tone:
    """Count a text's words that stand on the lists.

    Parameters
    ----------
    text : str
        Any text; read once, from its beginning to its end.
    words : ToneWords
        The lists; forms are listed, nothing is stemmed.

    Examples
    --------
    >>> tone_of("Good, no good", ToneWords(positive=frozenset(["GOOD"])))
    Tone(n_words=3, n_positive=1, n_negative=0, n_uncertain=0)
    """
    tokens = _WORD.findall(text.upper())
    positive = [place for place, word in enumerate(tokens) if word in words.positive]
    return Tone(
        n_words=len(tokens),
        n_positive=sum(not _is_negated(tokens, place) for place in positive),
        n_negative=sum(word in words.negative for word in tokens),
        n_uncertain=sum(word in words.uncertain for word in tokens),
    )


def _is_negated(tokens: list[str], place: int) -> bool:
    return not NEGATIONS.isdisjoint(tokens[max(0, place - _NEGATION_REACH) : place])
