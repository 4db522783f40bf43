"""The word lists of Loughran and McDonald, from the user's own copy: they may not be shipped."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from selloff.article_tones import ToneWords

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_LISTS = ("Positive", "Negative", "Uncertainty")


class ToneWordsError(ValueError):
    """A file of tone words that cannot be read; the message names the file, row and cause."""


def read_tone_words(path: Path | None) -> ToneWords:
    """Read the lists of positive, negative and uncertain words.

    Parameters
    ----------
    path : Path or None
        The official CSV: columns `Word`, `Positive`, `Negative`, `Uncertainty`, others passed
        over. A number above zero is the year in which the word was added to the list, one below
        zero that in which it was removed. None where the user has no such file.

    Returns
    -------
    ToneWords
        Words in upper case; empty lists without a file.

    Raises
    ------
    ToneWordsError
        Where the file, a column or a number cannot be read, or no word is on any list.
    """
    if path is None:
        return ToneWords()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            words = _lists(csv.DictReader(file), path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ToneWordsError(f"tone words {path} cannot be read: {error}") from error
    if not (words.positive or words.negative):
        raise ToneWordsError(f"tone words {path}: no word is on the positive or negative list")
    return words


def _lists(rows: csv.DictReader[str], path: Path) -> ToneWords:
    missing = [name for name in ("Word", *_LISTS) if name not in (rows.fieldnames or ())]
    if missing:
        raise ToneWordsError(f"tone words {path}: no column {', '.join(missing)}")
    found: dict[str, set[str]] = {name: set() for name in _LISTS}
    for row in rows:
        for name in _on(row, f"tone words {path}, row {rows.line_num}"):
            found[name].add(row["Word"].strip().upper())
    positive, negative, uncertain = (frozenset(found[name]) for name in _LISTS)
    return ToneWords(positive, negative, uncertain)


def _on(row: dict[str, str], where: str) -> Iterable[str]:
    """Return the lists that a word is on."""
    on = []
    for name in _LISTS:
        try:
            year = int(row[name])
        except (TypeError, ValueError) as error:
            raise ToneWordsError(f"{where}: {name} is no year: {row[name]!r}") from error
        if year > 0:
            on.append(name)
    return on
