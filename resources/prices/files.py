"""Prices from a file or a folder of CSV and Parquet files."""

# pyright: reportAttributeAccessIssue=false
# (pyarrow.compute makes its functions at run time, which no type checker sees)

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from resources.batch import Answer, Batch, Days, Reject
from resources.prices import actions
from resources.prices.bars import (
    complete,
    known,
    of_the_day,
    together,
    utc_now,
    without_zeros,
)
from resources.prices.dates import is_within, readable, sessions_of
from resources.prices.exchanges import mics_of
from resources.prices.layouts import SUFFIXES, PriceFile, UnreadableError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    import pyarrow as pa

    from resources.batch import Listing

Outcome = Literal["delivered", "no_data", "failed"]

# Beside the prices, for whoever reads the instruments.
NOT_PRICES = ("instruments.csv", actions.FILE_NAME)


@dataclass(frozen=True)
class Files:
    """Prices as they lie in files, long (one column of tickers) or one file per ticker.

    Parameters
    ----------
    path : str
        A file, or a folder whose table files are read (sub-folders are not).
    tickers : tuple of str
        What is asked for; empty: everything the files hold.
    columns : mapping of str to str
        Our column name -> theirs, for headers that are not recognised.
    zone : str
        Time zone of stamps that state a time and no offset; empty: the exchange's own.
    basis : str
        How the prices are adjusted: ``split_adjusted`` (as vendors deliver them) or ``as_traded``.
    symbols : pyarrow.Table, optional
        Columns of ``core.listing_symbols``, where the files name each bar by the symbol of its
        day; without it by the symbol of today.
    """

    path: str
    tickers: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    zone: str = ""
    basis: str = "split_adjusted"
    symbols: pa.Table | None = None

    def fetch(self, listings: Sequence[Listing], days: Days) -> Batch:
        """Return the bars of the range: one answer per file, and one per ticker asked for."""
        folder = Path(self.path)
        reading = _Reading(days, known(listings), frozenset(self.tickers), self.zone, self.basis)
        files = _table_files(folder)
        for path in files:
            reading.read(PriceFile(path, self.columns))
        if not files:
            reading.say(folder.name, "failed", f"{folder.name}: {_why_no_file(folder)}", 0)
        for ticker in self.tickers:
            reading.answer_for(ticker)
        events, refused = actions.beside(folder, reading.by_ticker)
        bars = together(reading.bars)
        return Batch(
            bars if self.symbols is None else of_the_day(bars, self.symbols),
            reading.answers,
            [*reading.rejects, *refused],
            beside={} if events is None else {"raw.corporate_actions": events},
        )

    def coverage(self) -> Days | None:
        """Return the first and last date in the files, None where no file can be read."""
        found: set[date] = set()
        for path in _table_files(Path(self.path)):
            try:
                for dates in PriceFile(path, self.columns).dates():
                    found |= _readable(dates)
            except UnreadableError:
                continue
        return Days(min(found), max(found)) if found else None


@dataclass
class _Reading:
    """What one fetch has found so far."""

    days: Days
    by_ticker: dict[str, Listing]
    wanted: frozenset[str]
    zone: str = ""
    basis: str = "split_adjusted"
    held: set[str] = field(default_factory=set)
    bars: list[pa.Table] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    unsaid: Counter[str] = field(default_factory=Counter)

    def read(self, file: PriceFile) -> None:
        """Take what one file holds; a file that breaks off gives nothing but its failure."""
        try:
            tables = list(self._bars(file))
        except UnreadableError as error:
            self.say(file.name, "failed", f"{file.name}: {error}", 0)
            return
        self.bars += tables
        self.rejects += file.rejects
        n_rows = sum(table.num_rows for table in tables)
        if n_rows:
            self.say(file.name, "delivered", self._note(), n_rows)
        elif file.rejects:
            self.say(file.name, "failed", f"{file.name}: every row was refused", 0)
        else:
            between = f"no row wanted between {self.days.start} and {self.days.end}"
            self.say(file.name, "no_data", f"{file.name}: {between}", 0)

    def answer_for(self, ticker: str) -> None:
        """Answer for a ticker that was asked for by name."""
        import pyarrow.compute as pc

        n_rows = sum(pc.sum(pc.equal(t["ticker"], ticker)).as_py() or 0 for t in self.bars)
        if n_rows:
            self.say(ticker, "delivered", None, n_rows)
        elif ticker in self.held:
            between = f"no row between {self.days.start} and {self.days.end}"
            self.say(ticker, "no_data", between, 0)
        else:
            unknown = f"unknown_ticker: no file has a row for {ticker}"
            self.say(ticker, "failed", unknown, 0, cause="unknown_ticker")

    def say(
        self,
        requested: str,
        outcome: Outcome,
        reason: str | None,
        n_rows: int,
        cause: str | None = None,
    ) -> None:
        """Note an answer."""
        answer = Answer(requested, outcome, reason, n_rows, utc_now(), cause=cause)
        self.answers.append(answer)

    def _bars(self, file: PriceFile) -> Iterator[pa.Table]:
        """Yield the wanted bars of a file, piece by piece."""
        import pyarrow as pa
        import pyarrow.compute as pc

        # Whether a ticker that was asked for is in the files at all, the other days say too.
        for table in file.tables(None if self.wanted else self.days):
            tickers = pc.unique(table["ticker"]).to_pylist()
            self.held.update(ticker for ticker in tickers if ticker)
            if self.wanted:
                names = pa.array([*self.wanted, None], pa.string())
                table = table.filter(pc.is_in(table["ticker"], names))  # noqa: PLW2901
            if not table.num_rows:
                continue
            sessions = sessions_of(table["session_date"], self._mics(table["ticker"]), self.zone)
            place = table.column_names.index("session_date")
            kept = table.set_column(place, "session_date", sessions).filter(
                is_within(sessions, self.days)
            )
            kept = self._understood(kept)
            name = pa.repeat(pa.scalar(file.name), kept.num_rows)
            basis = pa.repeat(pa.scalar(self.basis), kept.num_rows)
            bars = kept.append_column("source_file", name).append_column("basis", basis)
            yield complete(bars, self.by_ticker, "files")

    def _understood(self, bars: pa.Table) -> pa.Table:
        """Translate what exchanges are called, and take a market value of 0 for none at all."""
        for name, read in (("exchange_mic", mics_of), ("market_value", without_zeros)):
            if name in bars.column_names:
                place = bars.column_names.index(name)
                values, unsaid = read(bars[name])
                bars = bars.set_column(place, name, values)
                self.unsaid.update({f"{name} {value!r}": n for value, n in unsaid.items()})
        return bars

    def _note(self) -> str | None:
        """Return what of a file's values says nothing, in one line, and begin anew."""
        counted = [f"{what} in {n:,} rows" for what, n in sorted(self.unsaid.items()) if n]
        self.unsaid.clear()
        return one_line("taken as not known: " + ", ".join(counted)) if counted else None

    def _mics(self, tickers: pa.ChunkedArray) -> pa.Array:
        """Return each row's exchange, null where it is not known."""
        import pyarrow as pa
        import pyarrow.compute as pc

        coded = pc.dictionary_encode(tickers).combine_chunks()
        found = [self.by_ticker.get(ticker) for ticker in coded.dictionary.to_pylist()]
        mics = [listing.exchange_mic if listing else None for listing in found]
        return pa.array(mics, pa.string()).take(coded.indices)


def _table_files(path: Path) -> list[Path]:
    """Return the table files at a path, in the order of their names."""
    candidates = sorted(path.iterdir()) if path.is_dir() else [path]
    return [
        file
        for file in candidates
        if file.name.lower().endswith(SUFFIXES)
        and file.is_file()
        and not (path.is_dir() and file.name.lower() in NOT_PRICES)
    ]


def _why_no_file(path: Path) -> str:
    """Return why there is nothing to read at a path."""
    if path.is_dir():
        return f"the folder holds no table file ({', '.join(SUFFIXES)})"
    if path.exists():
        return f"not a table file ({', '.join(SUFFIXES)})"
    return "no such file or folder"


def _readable(dates: pa.ChunkedArray) -> set[date]:
    """Return the readable ones of a file's dates."""
    import pyarrow as pa
    import pyarrow.compute as pc

    nowhere = pa.nulls(len(dates), pa.string())
    unique = pc.unique(sessions_of(dates, nowhere)).to_pylist()
    return {found for found in map(readable, unique) if found is not None}
