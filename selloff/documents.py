"""Documents: which articles are versions of one, which are near copies, which are parsed."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from selloff.addresses import canonical_address
from selloff.near_copies import jaccard, near_copies, shingles

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    import pyarrow as pa

PARSED_LANGUAGE = "en"
_COLUMNS = ("article_id", "location", "text", "language", "published_at", "known_from")
_WORD = re.compile(r"[a-z]+")
_ENGLISH = frozenset(
    (
        *(
            "after",
            "and",
            "as",
            "by",
            "down",
            "drop",
            "drops",
            "fall",
            "falls",
            "fell",
            "from",
            "of",
        ),
        *(
            "loses",
            "lost",
            "plunge",
            "plunges",
            "rise",
            "rises",
            "rose",
            "share",
            "shares",
            "sinks",
        ),
        *("slide", "slides", "stock", "stocks", "the", "to", "tumble", "tumbles", "up", "with"),
    )
)
"""Words of English headlines that German, French, Spanish and Italian do not write so."""


def documents(articles: pa.Table) -> pa.Table:
    """Return of each article which document's version, which text's copy it is, and if parsed.

    A document is one address (`canonical_address`); an address without path and parameters names
    no document, so each article from it is one by itself. Its texts, in the order of publication,
    are its versions. Near copies are those of `near_copies`, in the same order.

    Parsed is the newest version of a document in English. A text too short to tell its language is
    English where it holds a word of English headlines ("falls", "the"); else it is not parsed.

    Parameters
    ----------
    articles : pyarrow Table
        `article_id` (unique), `location`, `text`, `language` (ISO 639-1, or null), `published_at`
        and `known_from` (naive UTC). Without `published_at`, `known_from` stands for it.

    Returns
    -------
    pyarrow Table
        One row per article, sorted by `article_id`, as the contract of core.documents names them:
        `document_id`, `version`, `n_versions`, `is_newest`, `changed_share` (a fraction; null for a
        first version), `first_article_id`, `similarity` (a fraction), `n_copies`, `is_parsed`,
        `not_parsed_because` (null where it is) and `as_of`, the newest `known_from` of the versions
        and copies the row speaks of.

    Raises
    ------
    ValueError
        If an article occurs twice.

    Examples
    --------
    >>> from datetime import datetime
    >>> import pyarrow as pa
    >>> at = [datetime(2025, 1, 27, 15), datetime(2025, 1, 27, 18)]
    >>> found = documents(pa.table({
    ...     "article_id": ["a", "b"],
    ...     "location": ["https://news.example/chips", "http://news.example/chips/?utm_id=1"],
    ...     "text": ["Chips fell by a tenth.", "Chips fell by a tenth, then by more."],
    ...     "language": ["en", "en"], "published_at": [at[0], at[0]], "known_from": at}))
    >>> found.select(["version", "is_parsed", "not_parsed_because"]).to_pylist()[0]
    {'version': 1, 'is_parsed': False, 'not_parsed_because': 'an older version'}
    >>> round(found["changed_share"][1].as_py(), 3)
    0.5
    """
    import pyarrow as pa

    rows = sorted(articles.select(_COLUMNS).to_pylist(), key=_in_order)
    _refuse_repeated(row["article_id"] for row in rows)
    found: list[dict[str, Any]] = [{"article_id": row["article_id"]} for row in rows]
    _add_versions(rows, found)
    _add_copies(rows, found)
    for row, made in zip(rows, found, strict=True):
        reason = _not_parsed_because(row, is_newest=made["is_newest"])
        made |= {"is_parsed": reason is None, "not_parsed_because": reason}
    found.sort(key=lambda made: made["article_id"])
    return pa.Table.from_pylist(found, schema=_schema())


def n_independent(first_article_ids: Sequence[str], sources: Sequence[str]) -> int:
    """Return how many sources stated something independently of one another.

    Near copies of one text count once, whoever published them, and a source counts once, whatever
    it published: the largest number of pairs of a text and a source of it in which no text and no
    source occurs twice (a maximum matching). Three copies of a wire text and one text of a copying
    paper's own are two.

    Parameters
    ----------
    first_article_ids : sequence of str
        Of each article, `first_article_id` of core.documents.
    sources : sequence of str
        Of each article, its publisher; upper and lower case are the same.

    Returns
    -------
    int
        0 without articles.

    Examples
    --------
    >>> n_independent(["wire", "wire", "wire", "own"], ["Agency", "Paper", "Post", "Paper"])
    2
    """
    import numpy as np
    from scipy.sparse import coo_array, csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    if not first_article_ids:
        return 0
    texts, text = np.unique(np.asarray(first_article_ids), return_inverse=True)
    names, name = np.unique([source.strip().casefold() for source in sources], return_inverse=True)
    ones = np.ones(len(text), dtype=np.int8)
    pairs = csr_array(coo_array((ones, (text, name)), shape=(len(texts), len(names))))
    return int((maximum_bipartite_matching(pairs, perm_type="column") >= 0).sum())


def _in_order(row: dict[str, Any]) -> tuple[datetime, datetime, str]:
    return row["published_at"] or row["known_from"], row["known_from"], row["article_id"]


def _refuse_repeated(article_ids: Iterable[str]) -> None:
    seen = set[str]()
    for article_id in article_ids:
        if article_id in seen:
            raise ValueError(f"article {article_id!r} occurs twice")
        seen.add(article_id)


def _document(row: dict[str, Any]) -> str:
    address = canonical_address(row["location"])
    parts = urlsplit(address) if address.startswith("https://") and " " not in address else None
    return row["article_id"] if parts and not parts.path and not parts.query else address


def _add_versions(rows: list[dict[str, Any]], found: list[dict[str, Any]]) -> None:
    """Add what the article is to its document."""
    versions = defaultdict[str, list[int]](list)
    for index, row in enumerate(rows):
        versions[_document(row)].append(index)
    for document_id, indexes in versions.items():
        newest = max(rows[index]["known_from"] for index in indexes)
        for version, index in enumerate(indexes, start=1):
            before = rows[indexes[version - 2]]["text"] if version > 1 else None
            found[index] |= {
                "document_id": document_id,
                "version": version,
                "n_versions": len(indexes),
                "is_newest": version == len(indexes),
                "changed_share": _changed_share(before, rows[index]["text"]),
                "as_of": newest,
            }


def _changed_share(before: str | None, text: str) -> float | None:
    return None if before is None else 1 - jaccard(shingles(before), shingles(text))


def _add_copies(rows: list[dict[str, Any]], found: list[dict[str, Any]]) -> None:
    """Add of which text the article is a near copy."""
    copies = near_copies([row["text"] for row in rows])
    groups = defaultdict[int, list[int]](list)
    for index, copy in enumerate(copies):
        groups[copy.first].append(index)
        found[index]["similarity"] = copy.similarity
    for first, indexes in groups.items():
        newest = max(rows[index]["known_from"] for index in indexes)
        for index in indexes:
            found[index] |= {
                "first_article_id": rows[first]["article_id"],
                "n_copies": len(indexes),
                "as_of": max(newest, found[index]["as_of"]),
            }


def _not_parsed_because(row: dict[str, Any], *, is_newest: bool) -> str | None:
    language = row["language"]
    if language is None and _ENGLISH.isdisjoint(_WORD.findall(row["text"].lower())):
        return "no language known"
    if language not in {None, PARSED_LANGUAGE}:
        return f"language {language}"
    return None if is_newest else "an older version"


def _schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema(
        [
            ("article_id", pa.string()),
            ("document_id", pa.string()),
            ("version", pa.int64()),
            ("n_versions", pa.int64()),
            ("is_newest", pa.bool_()),
            ("changed_share", pa.float64()),
            ("first_article_id", pa.string()),
            ("similarity", pa.float64()),
            ("n_copies", pa.int64()),
            ("is_parsed", pa.bool_()),
            ("not_parsed_because", pa.string()),
            ("as_of", pa.timestamp("us")),
        ]
    )
