"""Print how far our figures are from those of other systems, as a table in Markdown.

    .venv/bin/python benchmarks/parity.py [FILE]

The comparisons are those that the tests hold: models, parametric tests, rank and sign tests,
drawdowns and volatilities, and contagion. All models of a quantity make one row. Differences are
relative, those of drawdowns and volatilities absolute, and those of contagion absolute for figures
below one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from _child import ROOT
from _records import tell

if TYPE_CHECKING:
    from collections.abc import Iterator

# What the tests hold the parts to (tests/selloff).
LIMIT, LIMIT_OF_MOVES = 1e-9, 1e-12
MODELS = ("market", "mean", "mktadj", "capm", "ff3", "ff5", "carhart4", "simple", "raw")


class Row(NamedTuple):
    """One quantity beside one peer."""

    panels: list[str]
    difference: float
    limit: float


def relative(ours: object, theirs: object) -> float:
    """Return the largest difference relative to theirs, to 1 where theirs is rounded 0."""
    own, other = np.atleast_1d(np.asarray(ours, float)), np.atleast_1d(np.asarray(theirs, float))
    both = np.isfinite(own) & np.isfinite(other)
    scale = np.where(np.abs(other) < 1e-12, 1.0, np.abs(other))  # noqa: PLR2004 - rounding of 1
    return float((np.abs(own - other) / scale)[both].max(initial=0.0))


def comparisons() -> Iterator[tuple[str, str, str, float, float]]:
    """Yield quantity, peer, panel, difference and limit of everything that is compared."""
    from tests.selloff import parity_moves
    from tests.selloff.event_study import parity_parametric, parity_ranks, reference_models

    for one in reference_models.COMPARISONS:
        yield one.quantity, one.peer, one.panel, one.difference(), one.limit
    for module in (parity_parametric.comparisons(), parity_ranks.parity()):
        for quantity, peer, panel, ours, theirs in module:
            yield quantity, peer, panel, relative(ours, theirs), LIMIT
    for quantity, peer, panel, ours, theirs in parity_moves.pairs():
        off = np.nanmax(np.abs(np.asarray(ours, float) - np.asarray(theirs, float)), initial=0.0)
        yield quantity, peer, panel, float(off), LIMIT_OF_MOVES


def of_contagion() -> Iterator[tuple[str, str, str, float, float]]:
    """Yield the same of connectedness, tails, networks and comovement."""
    from tests.selloff import parity_spread
    from tests.selloff.comovement import parity_shifts
    from tests.selloff.network import parity_networks
    from tests.selloff.spillover import (
        parity_bands,
        parity_connectedness,
        parity_quantile,
        parity_time_varying,
    )
    from tests.selloff.tails import parity_gjr_dcc, parity_tails

    for module in (
        parity_connectedness,
        parity_bands,
        parity_time_varying,
        parity_quantile,
        parity_networks,
        parity_tails,
        parity_gjr_dcc,
        parity_shifts,
        parity_spread,
    ):
        for quantity, peer, panel, ours, theirs, limit in module.pairs():
            own, other = np.atleast_1d(np.asarray(ours, float)), np.asarray(theirs, float)
            off = np.abs(own - other) / np.maximum(1.0, np.abs(other))
            yield quantity.partition(",")[0], peer, panel, float(np.nanmax(off)), limit


def rows() -> dict[tuple[str, str], Row]:
    """Return the largest difference by quantity and peer, in order of appearance."""
    found: dict[tuple[str, str], Row] = {}
    for quantity, peer, panel, difference, limit in (*comparisons(), *of_contagion()):
        words = [word for word in quantity.split(", ") if word not in MODELS]
        key = (", ".join(words), peer.partition(" ")[0])
        before = found.get(key, Row([], 0.0, 0.0))
        found[key] = Row(
            list(dict.fromkeys([*before.panels, panel.partition(" ")[0]])),
            max(before.difference, difference),
            max(before.limit, limit),
        )
    return found


def table(found: dict[tuple[str, str], Row]) -> str:
    """Return the rows as a table in Markdown."""
    lines = [
        "| quantity | peer | panels | largest difference | limit |",
        "| --- | --- | --- | --- | --- |",
    ]
    for (quantity, peer), (panels, difference, limit) in found.items():
        names = ", ".join(panels)
        lines.append(f"| {quantity} | {peer} | {names} | {difference:.1e} | {limit:.0e} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table, or write it to the file named."""
    sys.path.insert(0, str(ROOT))
    found = rows()
    text = table(found)
    beyond = sum(row.difference > row.limit for row in found.values())
    peers = len({peer for _, peer in found})
    size = f"{len(found)} quantities beside {peers} systems"
    tell(f"{size}: further off than its limit", beyond, "quantities", goal=0)
    if sys.argv[1:]:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
