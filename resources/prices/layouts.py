"""From one file of prices, in any layout we know, to columns of ours with delivered values."""

# pyright: reportAttributeAccessIssue=false
# (pyarrow.compute makes its functions at run time, which no type checker sees)

from __future__ import annotations

import csv
import functools
import gzip
import io
import json
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from resources.batch import Reject
from resources.prices.bars import NUMBERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path
    from typing import IO

    import pyarrow as pa
    import pyarrow.parquet as pq

    from resources.batch import Days

SUFFIXES = (".csv", ".csv.gz", ".parquet")

# Header names that mean a column of ours, the preferred one first.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "ticker": ("ticker", "symbol"),
    "session_date": ("date", "session_date"),
    **{name: (name,) for name in NUMBERS},
    "adj_close": ("adj_close", "adjclose", "adjusted_close"),
    "market_value": (
        "market_value",
        "market_cap",
        "marketcap",
        "market_capitalization",
        "market_capitalisation",
    ),
    "currency": ("currency",),
    "exchange_mic": ("exchange_mic", "mic", "exchange"),
}
REQUIRED = ("session_date", "close")


class UnreadableError(Exception):
    """A file that is no table of prices; the message is the cause, in one line."""


@dataclass(frozen=True)
class PriceFile:
    """One file of prices.

    Parameters
    ----------
    path : Path
        A CSV (also gzipped) or Parquet file.
    columns : mapping of str to str
        Our column name -> the file's; for what `SYNONYMS` does not find.
    rejects : list of Reject
        Grows while `tables` is read: lines with too few or too many fields.
    """

    path: Path
    columns: Mapping[str, str]
    rejects: list[Reject] = field(default_factory=list)

    def tables(self, days: Days | None = None) -> Iterator[pa.Table]:
        """Yield the file in pieces: `ticker`, `session_date`, numbers, `source_row`.

        Parameters
        ----------
        days : Days, optional
            Pieces that lie outside of them, by what their file says, are passed over: to find one
            day in twenty years of 9,000 listings took 10 s.

        Raises
        ------
        UnreadableError
            The file is empty, holds no row, lacks or repeats a column, or is not a table.
        """
        with _in_one_line():
            yield from (self._parquet(days) if self._is_parquet else self._csv())

    def dates(self) -> Iterator[pa.ChunkedArray]:
        """Yield dates as the file delivers them, its first and its last among them.

        Raises
        ------
        UnreadableError
            As `tables` does.
        """
        import pyarrow as pa

        with _in_one_line():
            if not self._is_parquet:
                yield from (table["session_date"] for table in self._csv())
                return
            with _opened(self.path) as file:
                name = self._names(file)["session_date"]
                for group in range(file.num_row_groups):
                    if span := _span(file, group, name):
                        yield pa.chunked_array([pa.array(span)])
                    else:
                        column = file.read_row_group(group, [name])[name]
                        yield _plain("session_date", column)

    @property
    def name(self) -> str:
        """How answers and the quarantine call the file."""
        return self.path.name

    @property
    def stem(self) -> str:
        """The file's name without its suffix: the ticker, where no column says it."""
        suffix = next(end for end in SUFFIXES if self.name.lower().endswith(end))
        return self.name[: -len(suffix)]

    @property
    def _is_parquet(self) -> bool:
        return self.name.lower().endswith(".parquet")

    def _parquet(self, days: Days | None) -> Iterator[pa.Table]:
        import pyarrow as pa

        with _opened(self.path) as file:
            names = self._names(file)
            first = 1
            for group in range(file.num_row_groups):
                begin, first = first, first + file.metadata.row_group(group).num_rows
                span = _span(file, group, names["session_date"])
                if days and span and (span[1] < days.start or days.end < span[0]):
                    continue
                rows = file.read_row_group(group, columns=sorted(set(names.values())))
                table = pa.table({ours: _plain(ours, rows[name]) for ours, name in names.items()})
                lines = pa.array(range(begin, first), pa.int64())
                yield _with_ticker(table.append_column("source_row", lines), self.stem)

    def _names(self, file: pq.ParquetFile) -> dict[str, str]:
        """Return what a Parquet file calls each column of ours that it has."""
        names = file.schema_arrow.names
        places = find_columns(names, self.columns)
        if not file.metadata.num_rows:
            raise UnreadableError("only a header, no row")
        return {ours: names[place] for ours, place in places.items()}

    def _csv(self) -> Iterator[pa.Table]:
        import pyarrow as pa

        header, n_lines = self._header()
        blocks = _wide(header) or {self.stem: (header[0], range(len(header[0])))}
        layouts = {
            ticker: {ours: where[at] for ours, at in find_columns(names, self.columns).items()}
            for ticker, (names, where) in blocks.items()
        }
        # Several tickers side by side share their dates: a blank row is then no bar of this one.
        ignored = {"session_date"} if len(layouts) > 1 else set()
        for rows, lines in self._rows(len(header[0]), n_lines):
            for ticker, places in layouts.items():
                table = pa.table({ours: rows.column(at) for ours, at in places.items()})
                filled = _is_filled(table.drop_columns(list(ignored)))
                table = table.append_column("source_row", lines).filter(filled)
                yield _with_ticker(table, ticker)

    def _open(self) -> gzip.GzipFile | IO[bytes]:
        return gzip.open(self.path) if self.name.lower().endswith(".gz") else self.path.open("rb")

    def _header(self) -> tuple[list[list[str]], int]:
        """Return the header's records (three where yfinance wrote it) and its last line."""
        with self._open() as data, io.TextIOWrapper(data, "utf-8-sig", newline="") as text:
            reader = csv.reader(text)
            header: list[list[str]] = []
            n_lines = 0
            for record in filter(None, reader):
                if header and not _continues(header, record):
                    return header, n_lines
                header.append(record)
                n_lines = reader.line_num
        raise UnreadableError("only a header, no row" if header else "empty file")

    def _rows(self, n_columns: int, n_lines: int) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
        """Yield text columns with their line numbers; ragged lines become rejects."""
        import pyarrow as pa
        import pyarrow.csv as pc

        names = [str(place) for place in range(n_columns)]
        ragged: set[int] = set()

        def refuse(row: pc.InvalidRow) -> str:
            ragged.add(row.number)
            if row.text:
                reason = f"{row.actual_columns} fields, the header has {row.expected_columns}"
                self.rejects.append(Reject(self.name, row.number, reason, json.dumps(row.text)))
            return "skip"

        line = n_lines + 1
        with self._open() as data:
            batches = pc.open_csv(
                data,
                # One thread: only then does Arrow know the number of a line.
                pc.ReadOptions(use_threads=False, column_names=names, skip_rows=n_lines),
                pc.ParseOptions(invalid_row_handler=refuse, ignore_empty_lines=False),
                pc.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
            )
            for batch in batches:
                lines: list[int] = []
                while len(lines) < batch.num_rows:
                    if line not in ragged:
                        lines.append(line)
                    line += 1
                yield batch, pa.array(lines, pa.int64())


@contextmanager
def _in_one_line() -> Iterator[None]:
    """Say in one line why a file cannot be read."""
    import pyarrow as pa

    try:
        yield
    except UnicodeDecodeError as error:
        raise UnreadableError("not UTF-8 text") from error
    except (OSError, EOFError, zlib.error, csv.Error, pa.ArrowException) as error:
        raise UnreadableError(one_line(str(error))) from error


def _opened(path: Path) -> pq.ParquetFile:
    import pyarrow.parquet as pq

    return pq.ParquetFile(path)


def _span(file: pq.ParquetFile, group: int, name: str) -> tuple[date, date] | None:
    """Return the first and last date of a row group, None where no statistics tell of every row."""
    about = file.metadata.row_group(group)
    columns = (about.column(place) for place in range(about.num_columns))
    column = next(each for each in columns if each.path_in_schema == name)
    known = column.statistics
    is_told = known and known.has_min_max and known.has_null_count and not known.null_count
    if not is_told or known.logical_type.type != "DATE":
        return None
    return known.min, known.max


def find_columns(names: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Return where each column of ours stands among a file's column names.

    Parameters
    ----------
    names : sequence of str
        The header; case and the difference between blank and underscore do not matter.
    columns : mapping of str to str
        Ours -> theirs, for what `SYNONYMS` does not know.

    Raises
    ------
    UnreadableError
        A required or a mapped column is missing, or one of ours stands there twice.
    """
    plain = [_plain_name(name) for name in names]
    places: dict[str, int] = {}
    for ours, synonyms in SYNONYMS.items():
        wanted = (_plain_name(columns[ours]),) if ours in columns else synonyms
        found = next((name for name in wanted if name in plain), None)
        if found is not None:
            places[ours] = plain.index(found)
        elif ours in columns or ours in REQUIRED:
            raise UnreadableError(
                f"no column '{columns.get(ours, synonyms[0])}'; it has: {_listed(names)}"
            )
    twice = [names[place] for place in places.values() if plain.count(plain[place]) > 1]
    if twice:
        raise UnreadableError(f"columns named more than once: {_listed(twice)}")
    return places


def one_line(text: str, limit: int = 300) -> str:
    """Return text that is safe to print as one line."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return flat if len(flat) <= limit else flat[: limit - 3] + "..."


def _listed(names: Sequence[str]) -> str:
    return one_line(", ".join(names))


def _plain_name(name: str) -> str:
    return "_".join(name.strip().lower().split())


def _continues(header: Sequence[Sequence[str]], record: Sequence[str]) -> bool:
    """Tell whether a record belongs to the header that yfinance's `download` writes."""
    if len(header) == 1:
        return {_plain_name(header[0][0]), _plain_name(record[0])} == {"price", "ticker"}
    return len(header) == 2 and not any(record[1:])  # noqa: PLR2004 - names, tickers, then "Date"


def _wide(header: Sequence[Sequence[str]]) -> dict[str, tuple[list[str], list[int]]]:
    """Return, per ticker of a two-level header, its column names and where they stand."""
    if len(header) == 1:
        return {}
    fields, tickers = sorted(header[:2], key=lambda record: _plain_name(record[0]))
    found: dict[str, tuple[list[str], list[int]]] = {}
    for place, (name, ticker) in enumerate(zip(fields, tickers, strict=False)):
        if place:
            names, where = found.setdefault(ticker.strip(), (["Date"], [0]))
            names.append(name)
            where.append(place)
    return found


def _is_filled(table: pa.Table) -> pa.ChunkedArray:
    """Return which rows of text hold anything at all."""
    import pyarrow.compute as pc

    filled = (pc.not_equal(pc.utf8_trim_whitespace(column), "") for column in table.columns)
    return functools.reduce(pc.or_, filled)


def _with_ticker(table: pa.Table, ticker: str) -> pa.Table:
    """Return the table with a trimmed `ticker`; `ticker` stands in where there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if "ticker" not in table.column_names:
        return table.append_column("ticker", pa.repeat(pa.scalar(ticker), table.num_rows))
    place = table.column_names.index("ticker")
    return table.set_column(place, "ticker", pc.utf8_trim_whitespace(table["ticker"]))


def _plain(ours: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a Parquet column as text, 64-bit float, date or timestamp."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(ours, column.cast(kind.value_type))
    if pa.types.is_null(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column.cast(pa.string())
    if ours in NUMBERS and _is_number(kind):
        return column.cast(pa.float64())
    if ours == "session_date" and (pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
        return column if pa.types.is_timestamp(kind) else column.cast(pa.date32())
    if ours not in NUMBERS and pa.types.is_integer(kind):
        return column.cast(pa.string())
    raise UnreadableError(f"column '{ours}' holds {kind}")


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
