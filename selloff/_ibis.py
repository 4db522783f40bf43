"""The few Ibis idioms that the panel expressions here share."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
    joined = rows.left_join(table, names)
    again = {f"{name}_right" for name in names}
    return joined.select(*(name for name in joined.columns if name not in again))


def newest(versions: ir.Table, *thing: str) -> ir.Table:
    """Return the newest version of each thing: the largest `known_from`, then the first hash."""
    import ibis

    order = (ibis.desc("known_from"), "row_hash")
    age = ibis.row_number().over(group_by=thing, order_by=order)
    return versions.mutate(age=age).filter(lambda t: t.age == 0).drop("age")


def with_latest(rows: ir.Table, known: ir.Table, key: str, days: tuple[str, str]) -> ir.Table:
    """Add to rows what was known last on or before their day; NULL where nothing was.

    By a running maximum of days and equal keys: an ASOF join is not to be had everywhere.

    Parameters
    ----------
    rows : ibis Table
        Has `key` and the first of `days`.
    known : ibis Table
        Has `key` and the second of `days`, each combination at most once.
    key : str
        What a row is of: a listing, a currency.
    days : pair of str
        The day of a row, and the day from which something is known.
    """
    import ibis

    asked_day, known_day = days
    asked = rows.select(key, timed=asked_day).distinct().mutate(place=1)
    told = known.select(key, timed=known_day, **{known_day: known[known_day]}, place=0)
    both = stacked(asked.mutate(**{known_day: ibis.null("date")}), told.select(*told.columns))
    so_far = ibis.window(group_by=key, order_by=("timed", "place"), preceding=None, following=0)
    latest = both.mutate(**{known_day: both[known_day].max().over(so_far)})
    latest = latest.filter(latest.place == 1).select(key, known_day, **{asked_day: latest.timed})
    return looked_up(looked_up(rows, latest, (key, asked_day)), known, (key, known_day))


def alone_and_several(rows: ir.Table, keys: Sequence[str]) -> tuple[ir.Table, ir.Table]:
    """Return the rows whose keys no other row has, and the others.

    What must be chosen among several need not be sorted where there is one: of three million bars
    counting takes 0.4 s of processor time, numbering them 1.5 s.
    """
    counts = rows.group_by(keys).aggregate(n_rows=rows.count())
    shared = counts.filter(counts.n_rows > 1)
    return rows.anti_join(shared, keys), rows.semi_join(shared, keys)


def part_of(key: ir.Column, n_parts: int) -> ir.IntegerColumn:
    """Return which of so many parts each key is of, by its hash."""
    # The remainder first: the smallest of integers has no absolute value.
    return (key.hash() % n_parts).abs()


def factors_after(events: ir.Table, factor: str) -> ir.Table:
    """Return, per listing, the spans of days that have the same factors after them.

    Parameters
    ----------
    events : ibis Table
        `listing_id`, `ex_date` and a column of multipliers, at most one per listing and date.
    factor : str
        That column.

    Returns
    -------
    ibis Table
        `listing_id`, `from_date`, `until_date` and `product`: for every day from the one up to,
        but not including, the other, the product of the factors with a later `ex_date`. A true
        product: the exponential of summed logarithms makes 10.000000000000002 of a 10:1 split.
    """
    import ibis

    dated = ibis.window(group_by="listing_id", order_by="ex_date")
    later = ibis.window(group_by="listing_id", order_by="ex_date", preceding=0)
    return events.select(
        "listing_id",
        from_date=events.ex_date.lag().over(dated).coalesce(ibis.date(1, 1, 1)),
        until_date=events.ex_date,
        product=product(events[factor]).over(later),
    )


def product_after(
    rows: ir.Table, spans: ir.Table, day: Callable[[ir.Table], ir.DateColumn], name: str
) -> ir.Table:
    """Add the product of the factors that take effect after a day of each row; 1 without any."""
    spans = spans.view()  # the same spans may be asked for two days of a row
    joined = rows.left_join(
        spans,
        [
            rows.listing_id == spans.listing_id,
            day(rows) >= spans.from_date,
            day(rows) < spans.until_date,
        ],
    )
    return joined.select(*rows.columns, **{name: joined["product"].coalesce(1.0)})


def product(factors: ir.Column) -> ir.FloatingScalar:
    """Multiply, as an aggregate or over a window."""
    return _product()(factors)


@cache
def _product() -> Callable[[ir.Column], ir.FloatingScalar]:
    """Return the engine's own aggregate, which Ibis has no name for."""
    import ibis

    def multiply(factor: float) -> float:
        raise NotImplementedError  # the engine's body is used, the signature is ours

    found: Callable[[ir.Column], ir.FloatingScalar] = ibis.udf.agg.builtin(multiply, name="product")
    return found


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
