"""The word lists of Loughran and McDonald, from the file that their authors publish.

The lists are theirs and free for research alone: no part of them is in the repository.
"""

from __future__ import annotations

import csv
from pathlib import Path

LISTS = {"positive": "Positive", "negative": "Negative", "uncertain": "Uncertainty"}


def tone_words(path: str) -> dict[str, frozenset[str]]:
    """Read the master dictionary.

    Parameters
    ----------
    path : str
        A CSV with the columns Word, Positive, Negative and Uncertainty: the year in which a word
        joined a list, 0 for never, negative for the year in which it left. Empty: no lists.

    Returns
    -------
    dict of str to frozenset
        The words of each list, in capitals; empty without a path.

    Raises
    ------
    ValueError
        If the file lacks a column, or a row holds no whole number; names the file, column and row.
    """
    if not path:
        return {}
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if missing := {"Word", *LISTS.values()} - set(reader.fieldnames or ()):
            raise ValueError(f"{path}: no column {', '.join(sorted(missing))}")
        found: dict[str, set[str]] = {name: set() for name in LISTS}
        for number, row in enumerate(reader, start=2):
            for name, column in LISTS.items():
                try:
                    is_listed = int(row[column] or 0) > 0
                except ValueError as error:
                    raise ValueError(
                        f"{path}, row {number}: {column} is no year: {row[column]!r}"
                    ) from error
                if is_listed:
                    found[name].add(row["Word"].upper())
    return {name: frozenset(words) for name, words in found.items()}
