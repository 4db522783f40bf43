"""The parts of an event's page, in its order: each from the findings to an exhibit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pages.sections import how_it_spread, who_fell

if TYPE_CHECKING:
    from pages.exhibits import Exhibit
    from pages.findings import Findings

PARTS = (
    who_fell.prices,
    who_fell.abnormal_returns,
    who_fell.tests,
    who_fell.losses,
    how_it_spread.heat,
    how_it_spread.closes,
    how_it_spread.sectors,
    how_it_spread.contagion,
    who_fell.recovery,
)


def exhibits(found: Findings) -> list[Exhibit]:
    """Return the parts of which anything is known."""
    return [made for part in PARTS if (made := part(found)).rows]
