"""The few Ibis idioms that the panel expressions here share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir
    import pandas as pd


def by_listing(**frame: Any) -> Any:
    """Return the window over a listing's bars in time order; `frame` bounds it by rows."""
    import ibis

    return ibis.window(group_by="listing_id", order_by="session_date", **frame)


def looked_up(rows: ir.Table, table: ir.Table, keys: str | Sequence[str]) -> ir.Table:
    """Add the columns of `table` to rows by equal keys; NULL where `table` has no such row.

    `table` must hold every combination of keys at most once, or rows multiply.
    """
    names = (keys,) if isinstance(keys, str) else tuple(keys)
    return rows.left_join(table, names).drop(*(f"{name}_right" for name in names))


def stacked(*tables: ir.Table) -> ir.Table:
    """Return the rows of all tables, columns by name.

    Ibis refuses a union where one side's column is NOT NULL and the other's is not, as a contract's
    columns and derived ones are: nullability is dropped first.
    """
    import ibis

    names = tables[0].columns
    kinds = {name: tables[0][name].type().copy(nullable=True) for name in names}
    alike = [table.select(*names).cast(kinds) for table in tables]
    return ibis.union(*alike) if len(alike) > 1 else alike[0]


def fetched(table: ir.Table) -> pd.DataFrame:
    """Execute an expression into a frame, dates as timestamps at midnight.

    By way of Arrow: Ibis 12's own `to_pandas` touches an option that pandas 3.1 deprecates.
    """
    frame: pd.DataFrame = table.to_pyarrow().to_pandas(date_as_object=False)
    return frame
