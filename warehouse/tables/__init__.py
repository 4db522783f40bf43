"""The registry of table contracts, one module per subject."""

from __future__ import annotations

from warehouse.contract import Table
from warehouse.tables import (
    actions,
    articles,
    claims,
    connectedness,
    contagion,
    detection,
    drawdowns,
    event_studies,
    instruments,
    losses,
    meta,
    prices,
    quarantine,
    returns,
    selloffs,
    spread,
    stories,
    valuation,
)

MODULES = (
    prices,
    actions,
    quarantine,
    articles,
    instruments,
    valuation,
    returns,
    detection,
    drawdowns,
    selloffs,
    losses,
    event_studies,
    spread,
    contagion,
    connectedness,
    claims,
    stories,
    meta,
)
TABLES: tuple[Table, ...] = tuple(
    value for module in MODULES for value in vars(module).values() if isinstance(value, Table)
)
# A name that stands in two layers is the later layer's; the raw table is also `raw_<name>`.
BY_NAME: dict[str, Table] = {
    **{table.name: table for table in TABLES if table.layer == "raw"},
    **{table.name: table for table in TABLES if table.layer != "raw"},
    **{f"raw_{table.name}": table for table in TABLES if table.layer == "raw"},
}


def table(name: str) -> Table:
    """Return the contract of `name`, written with or without its layer."""
    layer, _, plain = name.rpartition(".")
    return BY_NAME[f"raw_{plain}" if layer == "raw" else plain]
