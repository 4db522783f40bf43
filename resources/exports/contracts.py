"""Whether a release is what the present contracts say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resources.warehouse import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

    from warehouse.contract import Table

SHOWN = 3


def refuse_older(con: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> None:
    """Refuse a release that was written under other contracts than would be said of it.

    Raises
    ------
    WarehouseError
        Naming the tables: a column of theirs may have had another unit or meaning.
    """
    held = dict(con.execute("SELECT table_name, contract_hash FROM meta.contracts").fetchall())
    changed = sorted(
        {each.qualified for each in tables if held.get(each.qualified, each.hash) != each.hash}
    )
    if changed:
        raise WarehouseError(
            f"the release is of an older schema ({', '.join(changed[:SHOWN])}"
            f"{' ...' * (len(changed) > SHOWN)}): export it with the code of its time, or publish "
            "anew with `selloff run`"
        )
