"""Matrix methods by group: `applyInPandas` on Spark, the function's own loop on DuckDB.

Not here: what is done with a group (`selloff`), and panel expressions, which need no groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resources.engine import sessions, shared

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from warehouse.contract import Table

_SPARK_TYPES = {"TIMESTAMP": "TIMESTAMP_NTZ", "VARCHAR": "STRING"}


def is_spread(rows: Any) -> bool:
    """Say whether an Ibis table lies on Spark, where groups can be computed apart."""
    return bool(rows.get_backend().name == "pyspark")


def in_groups(rows: Any, key: str, function: Callable[..., Any], table: Table, *more: Any) -> Any:
    """Compute a table from the groups of rows that share a key.

    Parameters
    ----------
    rows : ibis Table
        Of either engine.
    key : str
        Column of the rows; the function's result for all rows must be those for the rows of each
        key together, in any order.
    function : callable
        Takes a frame of rows, dates as timestamps, and `more`; returns a frame. Of `selloff`, or
        defined within an asset: it must run where only `selloff` and its needs are installed.
    table : Table
        Contract of the result.
    more : objects
        Further arguments, small enough to be sent with every task; Ibis tables are read whole.

    Returns
    -------
    DataFrame or pyspark DataFrame
        Of pandas on DuckDB: what the function made of all rows. On Spark, computed by group when
        it is written.
    """
    from selloff._ibis import fetched

    more = tuple(fetched(each) if hasattr(each, "to_pyarrow_batches") else each for each in more)
    if not is_spread(rows):
        return function(fetched(rows), *more)
    backend = rows.get_backend()
    session = sessions.session_of(backend)
    sessions.send_selloff(session)
    dates = [name for name, kind in rows.schema().items() if kind.is_date()]
    n_parts = int(session.conf.get("spark.sql.shuffle.partitions"))
    # A number of ours: Spark counts bytes, puts groups that are small into one part, and one
    # worker would compute all of them.
    there = shared.rows_of(backend, rows).repartition(n_parts, key)
    return there.groupBy(key).applyInPandas(
        _of_group(function, table, dates, more), spark_schema(table)
    )


def spark_schema(table: Table) -> str:
    """Return a contract's columns in Spark's words.

    Examples
    --------
    >>> from warehouse.tables import table
    >>> spark_schema(table("core.sessions"))[:42]
    '`exchange_mic` STRING, `session_date` DATE'
    """
    kinds = [(column.name, _SPARK_TYPES.get(column.type, column.type)) for column in table.columns]
    return ", ".join(f"`{name}` {kind}" for name, kind in kinds)


def _of_group(
    function: Callable[..., Any], table: Table, dates: list[str], more: tuple[Any, ...]
) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return what Spark runs on each group: of this checkout it may name nothing but `selloff`."""
    import pyarrow as pa

    from resources.warehouse.spill import arrow_schema

    # By way of Arrow and the contract's types, as a frame that is computed here is kept.
    schema = arrow_schema(table)
    arrow_kinds = {pa.string(), pa.int64(), pa.int32(), pa.bool_()}

    def run(group: Any) -> Any:
        import pandas as pd
        import pyarrow as pa

        group = group.assign(**{name: pd.to_datetime(group[name]) for name in dates})
        found = function(group, *more)
        kept = pa.Table.from_pandas(found[schema.names], schema=schema, preserve_index=False)
        # Words put together from several frames lie in several chunks; Spark takes one.
        return kept.combine_chunks().to_pandas(
            types_mapper=lambda kind: pd.ArrowDtype(kind) if kind in arrow_kinds else None
        )

    return run
