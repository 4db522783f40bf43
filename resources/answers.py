"""Answers of the database as rows by column name."""

from __future__ import annotations

from collections import Counter
from typing import Any


class Rows(list[dict[str, Any]]):
    """Rows by column name; `names` stand also where there is no row."""

    names: tuple[str, ...] = ()


def fetch(con: Any, query: str, values: dict[str, Any] | None = None) -> Rows:
    """Run a query and return its rows by column name."""
    answer = con.cursor().execute(query, values or {})
    names = _distinct([column[0] for column in answer.description or ()])
    found = Rows(dict(zip(names, row, strict=True)) for row in answer.fetchall())
    found.names = names
    return found


def _distinct(names: list[str]) -> tuple[str, ...]:
    """Return the names, numbered where they stand twice, as a join's columns do."""
    seen: Counter[str] = Counter()
    found: list[str] = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return tuple(found)
