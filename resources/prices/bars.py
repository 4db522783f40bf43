"""The shape in which every provider hands over bars: one table, delivered values, our columns."""

# pyright: reportAttributeAccessIssue=false
# (pyarrow.compute makes its functions at run time, which no type checker sees)

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from resources.batch import naive_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

    from resources.batch import Batch, Days, Listing

NUMBERS = ("open", "high", "low", "close", "adj_close", "volume", "market_value")
COLUMNS = (
    "listing_id",
    "ticker",
    "session_date",
    *NUMBERS,
    "currency",
    "exchange_mic",
    "basis",
    "source",
    "is_provisional",
    "is_simulated",
    "source_file",
    "source_row",
)


class Provider(Protocol):
    """Where bars come from."""

    def fetch(self, listings: Sequence[Listing], days: Days) -> Batch:
        """Return the bars of a closed range of dates; problems are answers, never errors."""
        ...

    def coverage(self) -> Days | None:
        """Return the first and last date held, None where that is not known beforehand."""
        ...


def utc_now() -> datetime:
    """Return the present instant in UTC, naive, as our tables store instants."""
    return naive_utc(datetime.now(UTC))


def known(listings: Iterable[Listing]) -> dict[str, Listing]:
    """Return the listings by ticker; of two with the same ticker the first counts."""
    found: dict[str, Listing] = {}
    for listing in listings:
        found.setdefault(listing.ticker, listing)
    return found


def complete(delivered: pa.Table, by_ticker: dict[str, Listing], source: str) -> pa.Table:
    """Add every column of ours that was not delivered.

    Parameters
    ----------
    delivered : pyarrow.Table
        At least `ticker` and `session_date`; values as the vendor wrote them. Blank text and
        NaN become null, infinities stay (the contract refuses them).
    by_ticker : dict of str to Listing
        A ticker without a listing gets the key ``FILE:<ticker>``.
    source : str
        The provider's name.

    Returns
    -------
    pyarrow.Table
        The columns of `COLUMNS`; prices in the listing's currency unless one was delivered.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    n = delivered.num_rows
    columns = {name: _blank_to_null(delivered[name]) for name in delivered.column_names}
    tickers = pc.dictionary_encode(columns["ticker"]).combine_chunks()
    names = tickers.dictionary.to_pylist()
    ids = [by_ticker[t].listing_id if t in by_ticker else f"FILE:{t}" for t in names]
    money = [by_ticker[t].currency if t in by_ticker else None for t in names]
    listed = pa.array(money, pa.string()).take(tickers.indices)
    columns["listing_id"] = pa.array(ids, pa.string()).take(tickers.indices)
    columns["currency"] = (
        pc.coalesce(columns["currency"], listed) if "currency" in columns else listed
    )
    defaults = {
        **dict.fromkeys(NUMBERS, pa.scalar(None, pa.float64())),
        "exchange_mic": pa.scalar(None, pa.string()),
        "basis": pa.scalar("split_adjusted"),
        "source": pa.scalar(source),
        "is_provisional": pa.scalar(value=False),
        "is_simulated": pa.scalar(value=False),
        "source_file": pa.scalar(None, pa.string()),
        "source_row": pa.scalar(None, pa.int64()),
    }
    for name, value in defaults.items():
        if name not in columns:
            columns[name] = pa.repeat(value, n)
    return pa.table({name: columns[name] for name in COLUMNS})


def without_zeros(values: pa.ChunkedArray) -> tuple[pa.ChunkedArray, Counter[str]]:
    """Return numbers, or text that spells them, with null for 0; and how many there were."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(values.type):
        is_zero = pc.match_substring_regex(values, r"^\s*[+-]?0+(\.0*)?\s*$")
    else:
        is_zero = pc.equal(values, 0)
    kept = pc.if_else(is_zero, pa.scalar(None, values.type), values)
    return kept, Counter({"0": pc.sum(is_zero).as_py() or 0})


def of_the_day(bars: pa.Table, symbols: pa.Table) -> pa.Table:
    """Give bars that were recorded under the symbol of their day to the listing that had it then.

    A symbol is handed on: META was a fund before 2022-01-31 and is Meta Platforms since
    2022-06-09. Vendors that file a whole history under today's symbol want none of this.

    Parameters
    ----------
    bars : pyarrow.Table
        Of `complete`.
    symbols : pyarrow.Table
        Columns of ``core.listing_symbols``.

    Returns
    -------
    pyarrow.Table
        The bars; one whose symbol nobody had that day has the key ``FILE:<symbol>``.
    """
    import pyarrow as pa

    dated: dict[str, list[tuple[str, str, str]]] = {}
    for row in symbols.to_pylist():
        if row["valid_from"] or row["valid_to"]:
            span = (str(row["valid_from"] or ""), str(row["valid_to"] or "9999-12-31"))
            dated.setdefault(row["symbol"], []).append((*span, row["listing_id"]))
    names = ("ticker", "session_date", "listing_id")
    ids = [
        _on(dated[ticker], str(day), ticker) if ticker in dated else listing_id
        for ticker, day, listing_id in zip(*(bars[n].to_pylist() for n in names), strict=True)
    ]
    place = bars.column_names.index("listing_id")
    return bars.set_column(place, "listing_id", pa.array(ids, pa.string()))


def _on(spans: list[tuple[str, str, str]], day: str, ticker: str) -> str:
    """Return the listing that had the symbol on a day, as ISO text."""
    held = [listing_id for first, last, listing_id in spans if first <= day <= last]
    return held[0] if held else f"FILE:{ticker}"


def together(tables: Sequence[pa.Table]) -> pa.Table:
    """Put tables of `complete` under one another; numbers become text where any is text."""
    import pyarrow as pa

    if not tables:
        nothing = pa.table(
            {"ticker": pa.array([], pa.string()), "session_date": pa.array([], pa.date32())}
        )
        return complete(nothing, {}, "")
    textual = {
        field.name for table in tables for field in table.schema if pa.types.is_string(field.type)
    }
    return pa.concat_tables([_as_text(table, textual) for table in tables])


def _as_text(table: pa.Table, names: set[str]) -> pa.Table:
    """Cast the named columns to text."""
    import pyarrow as pa

    fields = [
        pa.field(field.name, pa.string()) if field.name in names else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))


def _blank_to_null(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the column with null for what says nothing: blank text, NaN."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(column.type):
        blank = pc.equal(pc.utf8_trim_whitespace(column), "")
    elif pa.types.is_floating(column.type):
        blank = pc.is_nan(column)
    else:
        return column
    return pc.if_else(blank, pa.scalar(None, column.type), column)
