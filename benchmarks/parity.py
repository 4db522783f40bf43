"""Print how far our figures are from those of other systems, as a table in Markdown.

    .venv/bin/python benchmarks/parity.py [FILE]

The comparisons are those that the tests hold: every module of `MODULES` has a list `COMPARISONS`
of things with `quantity`, `peer`, `panel`, `limit` and a method `difference()`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from _child import ROOT

MODULES = ("tests.selloff.event_study.reference_models",)


class Row(NamedTuple):
    """One quantity beside one peer."""

    panels: list[str]
    difference: float
    limit: float


def rows(comparisons: list[Any]) -> dict[tuple[str, str], Row]:
    """Return the largest difference by quantity and peer, in order of appearance."""
    found: dict[tuple[str, str], Row] = {}
    for one in comparisons:
        key = (one.quantity, one.peer)
        before = found.get(key, Row([], 0.0, 0.0))
        found[key] = Row(
            list(dict.fromkeys([*before.panels, one.panel])),
            max(before.difference, one.difference()),
            max(before.limit, one.limit),
        )
    return found


def table(found: dict[tuple[str, str], Row]) -> str:
    """Return the rows as a table in Markdown."""
    lines = [
        "| quantity | peer | panels | largest relative difference | limit |",
        "| --- | --- | --- | --- | --- |",
    ]
    for (quantity, peer), (panels, difference, limit) in found.items():
        names = ", ".join(panels)
        lines.append(f"| {quantity} | {peer} | {names} | {difference:.1e} | {limit:.0e} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table, or write it to the file named."""
    sys.path.insert(0, str(ROOT))
    comparisons = [one for name in MODULES for one in import_module(name).COMPARISONS]
    text = table(rows(comparisons))
    if sys.argv[1:]:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
