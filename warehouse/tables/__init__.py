"""The registry of table contracts, one module per subject."""

from __future__ import annotations

from warehouse.contract import Table
from warehouse.tables import articles, instruments, meta, prices, returns, selloffs

MODULES = (prices, articles, instruments, returns, selloffs, meta)
TABLES: tuple[Table, ...] = tuple(
    value for module in MODULES for value in vars(module).values() if isinstance(value, Table)
)
BY_NAME: dict[str, Table] = {table.name: table for table in TABLES}


def table(name: str) -> Table:
    """Return the contract of `name`, written with or without its layer."""
    return BY_NAME[name.rpartition(".")[2]]
