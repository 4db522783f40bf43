"""How much every listing moves, session by session, and how unusual each move was: the panel."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._ibis import looked_up, part_of
from selloff._risk_kernel import (
    COUNTS,
    long_measures,
    measures,
    range_measures,
    recursive_measures,
)
from selloff._risk_slices import Slice, Tops, standing
from selloff._spans import spans
from selloff.drawdowns import with_highs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    import ibis.expr.types as ir
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

# Weights of the EWMA fall below rounding (0.94^600 = 8e-17) within this many rows.
EWMA_ROWS = 600
# Rows asked of the engine at once; three million took 1.7 GB, where a million takes 0.8.
ROWS_AT_ONCE = 1_000_000
# Cells computed at once: at two megabytes a quantity some dozens of them fit beside a warehouse.
CHUNK_CELLS = 250_000
# Bars of a late slice, and listings computed at once: as many cells of the longest window.
LATE_ROWS, LISTINGS_AT_ONCE = 1_000_000, 400

_PRICES = ("open", "high", "low", "close", "log_return", "market_log_return")
_MARKS = ("is_rebased", "n_flagged", "n_quarantined")
_MEASURES = (
    "overnight_log_return",
    "intraday_log_return",
    "close_volatility",
    "parkinson_volatility",
    "garman_klass_volatility",
    "rogers_satchell_volatility",
    "garman_klass_yang_zhang_volatility",
    "yang_zhang_volatility",
    "ewma_sigma",
    "extreme_move_z",
    "robust_z",
    "downside_beta",
)
_BEFORE = ("listing_id", "ticker", "session_date", "drawdown")
_AFTER = ("has_simulated_inputs", "as_of")


@dataclass(frozen=True, slots=True)
class Windows:
    """How far back each measure looks, in the listing's own rows.

    Parameters
    ----------
    range_rows : int
        Bars of the volatilities, the row's own included. All must be complete.
    long_rows : int
        Rows before the row's own that robust z and downside beta rest on.
    minimum_returns : int
        Returns among them without which there is no robust z.
    minimum_falls : int
        Sessions among them in which the market fell, without which there is no downside beta.
    decay : float
        Weight of yesterday's variance in the EWMA.
    burn_in : int
        Returns before the row's own without which there is no extreme-move z.
    """

    range_rows: int = 20
    long_rows: int = 250
    minimum_returns: int = 60
    minimum_falls: int = 50
    decay: float = 0.94
    burn_in: int = 30

    def __post_init__(self) -> None:
        if min(self.range_rows, self.minimum_falls, self.minimum_returns) < 3:  # noqa: PLR2004 - two closes have one return, and no spread
            raise ValueError(f"a spread needs three rows or more: {self}")

    @property
    def rows_behind(self) -> int:
        """Rows before a row that any of its measures look at."""
        return max(EWMA_ROWS, self.long_rows, self.range_rows) + 1


def risk_measures(
    daily_prices: ir.Table,
    abnormal_returns: ir.Table,
    first: date | None = None,
    windows: Windows | None = None,
) -> pa.RecordBatchReader:
    """Return how much each listing moved up to each session, and how unusual that session was.

    Parameters
    ----------
    daily_prices, abnormal_returns : ibis Table
        Columns of the core tables of these names, in full history: the bars, their returns, and
        the returns of their markets.
    first : datetime.date, optional
        First session wanted; all without it.
    windows : Windows, optional
        The rows behind each measure; the defaults of `Windows` without it.

    Returns
    -------
    pyarrow RecordBatchReader
        Columns of ``core.risk_measures``, one row per bar, computed while it is read, some
        listings at a time. The measures are those of `selloff.range_volatility` (annualised log
        points; the row's session and those before) and `selloff.volatility`; `ewma_sigma` is
        yesterday's (log points per session), so that ``extreme_move_z = log_return / ewma_sigma``.
        `drawdown` is a fraction in [-1, 0], overnight and intraday returns are log points. NULL:
        whatever looks at a price that was not delivered, or from one basis of prices to another
        (flag ``unapplied_split``), or at too few rows. Nothing from after a row's session enters
        it.

    Notes
    -----
    Everything here asks for recursions and ranks, which no SQL has an exact and portable word for:
    so the engine orders, and NumPy computes, both in parts of `ROWS_AT_ONCE`. Of a late slice each
    measure is computed for the wanted rows alone, from the rows that it looks back on, and nothing
    is sorted (`selloff._risk_slices`). On Spark, `bars` finds the rows and `of_bars` goes through
    ``applyInPandas`` by listing.
    """
    import pyarrow as pa

    chosen = windows or Windows()
    if first is not None:
        return _late(daily_prices, abnormal_returns, first, chosen)
    n_parts = 1 + int(daily_prices.count().to_pyarrow().as_py()) // ROWS_AT_ONCE
    parts = [
        bars(_part(daily_prices, k, n_parts), _part(abnormal_returns, k, n_parts), None, chosen)
        for k in range(n_parts)
    ]
    schema = _schema(parts[0].schema().to_pyarrow())
    found = (batch for part in parts for batch in _measured(_ordered(part), schema, None, chosen))
    return pa.RecordBatchReader.from_batches(schema, found)


def _ordered(rows: ir.Table) -> pa.Table:
    return rows.order_by("listing_id", "session_date").to_pyarrow()


def _late(
    daily_prices: ir.Table, abnormal_returns: ir.Table, first: date, windows: Windows
) -> pa.RecordBatchReader:
    """Measure the bars from a day on, some sessions at a time."""
    import pyarrow as pa

    kinds = {
        "listing_id": pa.string(),
        "ticker": pa.string(),
        "session_date": pa.date32(),
        "drawdown": pa.float64(),
        "has_simulated_inputs": pa.bool_(),
        "as_of": pa.timestamp("us"),
    }
    schema = _schema(pa.schema(list(kinds.items())))

    def found() -> Iterator[pa.RecordBatch]:
        tables = daily_prices, abnormal_returns
        for days in spans(daily_prices.filter(daily_prices.session_date >= first), LATE_ROWS):
            part = Slice.read(tables, days, windows.rows_behind)
            tops = Tops.read(daily_prices, days[0], part.ids)
            measured = pa.concat_tables(_of_slices(part, tops, schema, windows))
            order = [("session_date", "ascending"), ("listing_id", "ascending")]
            yield from measured.sort_by(order).to_batches()

    return pa.RecordBatchReader.from_batches(schema, found())


def _of_slices(part: Slice, tops: Tops, schema: pa.Schema, windows: Windows) -> Iterator[pa.Table]:
    """Measure the listings of a slice, and those that trade too seldom from further back."""
    behind = windows.rows_behind, windows.range_rows + 1
    has_all = np.logical_and(*(part.has_all(rows, tops.begun) for rows in behind))
    yield _of_slice(part, tops, has_all, schema, windows)
    if not has_all.all():
        further = part.of_those(~has_all, windows.rows_behind)
        yield from _of_slices(further, tops.of_those(~has_all), schema, windows)


def _of_slice(
    part: Slice, tops: Tops, has_all: NDArray[np.bool_], schema: pa.Schema, windows: Windows
) -> pa.Table:
    """Return the measures of those listings of a slice whose rows behind it are all at hand."""
    import pyarrow as pa

    ranged, wanted = part.bars(windows.range_rows + 1)
    returns = part.returns(windows.rows_behind, windows.long_rows + 1)
    n = part.n_wanted

    def measured(start: int) -> dict[str, NDArray[np.float64]]:
        some = slice(start, start + LISTINGS_AT_ONCE)
        near = {name: values[some] for name, values in ranged.items()}
        r, x = (returns[name][some] for name in ("log_return", "market_log_return"))
        recent = r[:, -x.shape[1] :]
        near["log_return"] = r[:, -near["close"].shape[1] :]
        found = {
            **range_measures(near, windows),
            **recursive_measures(r, windows),
            **long_measures(recent, x, windows, n),
        }
        return {name: values[:, -n:] for name, values in found.items()}

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        blocks = list(pool.map(measured, range(0, len(part.ids), LISTINGS_AT_ONCE)))
    at = wanted.listing, n - wanted.age
    columns: dict[str, Any] = {name: wanted.rows[name] for name in _BEFORE[:3]}
    columns |= standing(wanted, tops)
    for name in (*_MEASURES, *COUNTS):
        values = np.concatenate([block[name] for block in blocks])[at]
        columns[name] = pa.array(values, pa.float64(), from_pandas=True)
    table = pa.table({name: columns[name] for name in schema.names}).cast(schema)
    return table.filter(pa.array(has_all[wanted.listing]))


def of_bars(
    rows: pd.DataFrame, first: date | None = None, windows: Windows | None = None
) -> pd.DataFrame:
    """Return the risk measures of some listings' bars.

    Parameters
    ----------
    rows : DataFrame
        As `bars` gives them, of whole listings, in any order.
    first, windows
        As in `risk_measures`.

    Returns
    -------
    DataFrame
        Columns of ``core.risk_measures``.
    """
    import pyarrow as pa

    ordered = rows.sort_values(["listing_id", "session_date"], ignore_index=True)
    known = pa.Table.from_pandas(ordered, preserve_index=False)
    place, day = known.column_names.index("session_date"), known["session_date"].cast(pa.date32())
    known = known.set_column(place, "session_date", day)
    schema = _schema(known.schema)
    found = pa.Table.from_batches(_measured(known, schema, first, windows or Windows()), schema)
    result: pd.DataFrame = found.to_pandas(date_as_object=False)
    return result


def _schema(known: pa.Schema) -> pa.Schema:
    """Return the columns of ``core.risk_measures``, given those of the bars."""
    import pyarrow as pa

    return pa.schema(
        [
            *(known.field(name) for name in _BEFORE),
            *(pa.field(name, pa.float64()) for name in _MEASURES),
            *(pa.field(name, pa.int64()) for name in COUNTS),
            *(known.field(name) for name in _AFTER),
        ]
    )


def _part(table: ir.Table, number: int, n_parts: int) -> ir.Table:
    """Return the rows of one part of the listings."""
    return table if n_parts == 1 else table.filter(part_of(table.listing_id, n_parts) == number)


def bars(
    daily_prices: ir.Table,
    abnormal_returns: ir.Table,
    first: date | None = None,
    windows: Windows | None = None,
) -> ir.Table:
    """Return the bars that are needed with their returns.

    Parameters
    ----------
    daily_prices, abnormal_returns, first, windows
        As in `risk_measures`.

    Returns
    -------
    ibis Table
        What `of_bars` takes: the wanted bars, and before them as many of each listing as any
        measure looks back on.
    """
    import ibis

    behind = (windows or Windows()).rows_behind
    highs = with_highs(daily_prices, first, behind)
    measured = abnormal_returns.select(
        "listing_id",
        "session_date",
        "log_return",
        "market_log_return",
        model_is_simulated="has_simulated_inputs",
        model_as_of="as_of",
    )
    rows = looked_up(highs, measured, ("listing_id", "session_date"))
    is_simulated = rows.model_is_simulated.cast("int64").fill_null(0) + rows.simulated_so_far > 0
    return rows.select(
        *_BEFORE,
        *(name for name in _PRICES if name != "log_return"),
        # Whoever computed the return may not have known of the change of basis.
        log_return=rows.is_rebased.ifelse(None, rows.log_return),
        is_rebased=rows.is_rebased.cast("float64"),
        n_flagged=(rows.quality_flags != "").cast("float64"),
        n_quarantined=rows.n_quarantined.cast("float64"),
        has_simulated_inputs=is_simulated,
        as_of=ibis.greatest(rows.known_so_far, ibis.coalesce(rows.model_as_of, rows.known_so_far)),
    )


def _measured(
    rows: pa.Table, schema: pa.Schema, first: date | None, windows: Windows
) -> Iterator[pa.RecordBatch]:
    """Compute the measures, some listings at a time, as many groups at once as there are cores."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def measured(group: tuple[slice, NDArray[np.bool_]]) -> pa.Table:
        part, is_bar = group
        here = rows.slice(part.start, part.stop - part.start)
        laid = {name: _laid_out(here.column(name), is_bar) for name in (*_PRICES, *_MARKS)}
        columns: dict[str, Any] = {name: here.column(name) for name in (*_BEFORE, *_AFTER)}
        for name, values in measures(laid, windows).items():
            columns[name] = pa.array(values[is_bar], pa.float64(), from_pandas=True)
        table = pa.table({name: columns[name] for name in schema.names}).cast(schema)
        if first is None:
            return table
        return table.filter(pc.greater_equal(table["session_date"], pa.scalar(first)))

    groups = _rectangles(_lengths(rows))
    n_cores = os.cpu_count() or 1
    with ThreadPoolExecutor(n_cores) as pool:  # NumPy sorts and sums without the interpreter's lock
        while some := list(islice(groups, n_cores)):
            for table in pool.map(measured, some):
                yield from table.to_batches()


def _lengths(rows: pa.Table) -> NDArray[np.int64]:
    """Return the number of rows of each listing, in order."""
    import pyarrow.compute as pc

    runs = pc.run_end_encode(rows.column("listing_id").combine_chunks(), run_end_type="int64")
    lengths: NDArray[np.int64] = np.diff(runs.run_ends.to_numpy(), prepend=0)
    return lengths


def _rectangles(lengths: NDArray[np.int64]) -> Iterator[tuple[slice, NDArray[np.bool_]]]:
    """Split listings into groups of about `CHUNK_CELLS` cells, a row of the widest per listing.

    Yields the slice of the flat rows of each group, and which cells of its rectangle are bars.
    """
    start = row = 0
    while start < len(lengths):
        widest = np.maximum.accumulate(lengths[start:])
        cells = widest * np.arange(1, len(widest) + 1)
        count = max(1, int(np.searchsorted(cells, CHUNK_CELLS, side="right")))
        group = lengths[start : start + count]
        yield (
            slice(row, row + int(group.sum())),
            np.arange(int(group.max())) < group[:, None],
        )
        start, row = start + count, row + int(group.sum())


def _laid_out(column: pa.ChunkedArray, is_bar: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return a column of numbers as one row per listing; NaN for NULL, and behind the last bar."""
    laid = np.full(is_bar.shape, np.nan)
    laid[is_bar] = column.to_numpy()
    return laid
