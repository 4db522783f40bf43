"""Reference data: instruments, their names, symbols and share counts, and the user's additions."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from resources import declared
from resources.batch import Listing, Reject
from resources.calendars import is_known
from warehouse.tables.instruments import (
    INSTRUMENT_ALIASES,
    INSTRUMENTS,
    LISTING_SYMBOLS,
    SHARES_OUTSTANDING,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    import pyarrow as pa

    from warehouse.contract import Table

DATA = Path(__file__).parent / "data"
# What the repository states of a count; which splits came after it is known elsewhere.
STATED_SHARES = replace(
    SHARES_OUTSTANDING,
    columns=tuple(
        column for column in SHARES_OUTSTANDING.columns if column.name != "split_ratio_after"
    ),
)
FILE_NAME = "instruments.csv"
SECTORS = (
    "Communication Services",
    "Consumer Discretionary",
    "Consumer Staples",
    "Energy",
    "Financials",
    "Health Care",
    "Industrials",
    "Information Technology",
    "Materials",
    "Real Estate",
    "Utilities",
)
"""The eleven sectors of GICS, as S&P and MSCI have written them since 2018."""

Row = dict[str, Any]


class InvalidReferenceError(ValueError):
    """A reference file cannot be used; the message names file, row and cause."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of a CSV file under the number of the line it ends on."""

    number: int
    row: Row


class Reference(dg.ConfigurableResource):
    """What is listed where, under which names, with how many shares.

    The repository's own files must be right: a fault in them raises InvalidReferenceError. Of the
    user's `instruments.csv` the good rows are used, the others are `rejects()`.
    """

    prices_path: str = ""
    """Folder or file of the prices: an optional `instruments.csv` lies in it or beside it."""

    events_path: str = ""
    """The user's `events.csv`: sell-offs declared by hand; empty for none."""

    def instruments(self) -> pa.Table:
        """Return `core.instruments`, sorted by `listing_id`.

        A row of the user's file overrides what the repository says of the same listing or ticker,
        value by value; an empty cell says nothing. A ticker the repository does not know gets the
        id ``FILE:TICKER``, its asset class is equity unless stated, and all else is NULL.
        """
        names: dict[str, list[str]] = {}
        for name in (row for row in self._alias_rows() if row["alias_kind"] == "company"):
            names.setdefault(name["listing_id"], []).append(name["alias"])
        rows = self._sorted()
        for row in rows:
            others = (name for name in names.get(row["listing_id"], ()) if name != row["name"])
            row["aliases"] = "; ".join(others) or None
            row["is_primary"] = _FLAGS.get(row["is_primary"], row["issuer_id"] is None)
        return _arrow(rows, INSTRUMENTS)

    def listings(self) -> list[Listing]:
        """Return every instrument as a price provider needs to know it."""
        named = ("listing_id", "ticker", "exchange_mic", "currency")
        return [Listing(**{name: row[name] for name in named}) for row in self._sorted()]

    def aliases(self) -> pa.Table:
        """Return `core.instrument_aliases`: the repository's names, then the user's."""
        return _arrow(self._alias_rows(), INSTRUMENT_ALIASES)

    def shares(self) -> pa.Table:
        """Return the share counts; an instrument that is not there has no known count."""
        rows = self._rows()
        return _arrow(
            _followed(_typed("shares_outstanding.csv", STATED_SHARES), rows), STATED_SHARES
        )

    def symbols(self) -> pa.Table:
        """Return `core.listing_symbols`: the dated symbols of the repository, then all tickers.

        A ticker without a date was always its listing's. A ticker that the user's file gives to a
        listing is that listing's alone, whoever had it before.
        """
        rows = self._rows()
        tickers = {key: row["ticker"] for key, row in _own_instruments().items()}
        theirs = {row["ticker"] for key, row in rows.items() if row["ticker"] != tickers.get(key)}
        kept = [
            {**row, "listing_id": rows.get(row["listing_id"], row)["listing_id"]}
            for row in _typed("listing_symbols.csv", LISTING_SYMBOLS)
            if row["symbol"] not in theirs
        ]
        known = {(row["listing_id"], row["symbol"]) for row in kept}
        undated = [
            {"listing_id": row["listing_id"], "symbol": row["ticker"]}
            for row in rows.values()
            if (row["listing_id"], row["ticker"]) not in known
        ]
        return _arrow([*kept, *undated], LISTING_SYMBOLS)

    def declared_events(self) -> pa.Table:
        """Return `core.declared_events`: of each event of the user's file the newest version."""
        return declared.table(self._declared()[0])

    def rejects(self) -> list[Reject]:
        """Return the skipped rows of the user's files, each with its cause."""
        return [*self._user()[1], *self._declared()[1]]

    def _declared(self) -> tuple[list[Row], list[Reject]]:
        path = Path(self.events_path)
        if not self.events_path:
            return [], []
        regions = {row["region"] for row in self._rows().values() if row["region"]}
        try:
            lines = [(each.number, each.row) for each in _lines(path, required=declared.REQUIRED)]
        except (InvalidReferenceError, OSError) as error:
            return [], [Reject(str(path), None, str(error), "")]
        return declared.read(lines, path, regions)

    def _alias_rows(self) -> list[Row]:
        rows = self._rows()
        own = list(_followed(_typed("instrument_aliases.csv", INSTRUMENT_ALIASES), rows))
        known = {(row["listing_id"], row["alias"]) for row in own}
        stated = [
            {"listing_id": row["listing_id"], "ticker": row["ticker"], "alias": alias}
            for row in rows.values()
            for alias in dict.fromkeys(re.split(r"\s*;\s*", row["aliases"] or ""))
            if alias and (row["listing_id"], alias) not in known
        ]
        return own + [{**row, "alias_kind": "company", "needs_cue": False} for row in stated]

    def _sorted(self) -> list[Row]:
        return sorted(self._rows().values(), key=lambda row: row["listing_id"])

    def _rows(self) -> dict[str, Row]:
        """Return the instruments under the id by which the repository's other files know them."""
        return {**_own_instruments(), **self._user()[0]}

    def _user(self) -> tuple[dict[str, Row], list[Reject]]:
        """Read the user's file: its good rows, over what the repository says, and the rejects."""
        folder = Path(self.prices_path)
        path = (folder if folder.is_dir() else folder.parent) / FILE_NAME
        if not self.prices_path or not path.is_file():
            return {}, []
        try:
            lines = list(_lines(path, required=("ticker",)))
        except InvalidReferenceError as error:
            return {}, [Reject(str(path), None, str(error), "")]
        return _overriding(lines, path)


def _overriding(lines: Iterable[_Line], path: Path) -> tuple[dict[str, Row], list[Reject]]:
    """Lay the user's rows over the repository's; what is faulty or said twice is rejected."""
    own = _own_instruments()
    keys = {row["ticker"]: key for key, row in own.items()}
    seen: dict[tuple[str, str], int] = {}
    rows: dict[str, Row] = {}
    rejects: list[Reject] = []
    for line in lines:
        by_ticker = keys.get(line.row["ticker"])
        stated = line.row.get("listing_id")
        key = stated if stated in own else by_ticker
        row = _over(line.row, own.get(key or ""))
        ids = dict.fromkeys((row["listing_id"], key or row["listing_id"]))
        names = [("ticker", row["ticker"]), *(("listing_id", name) for name in ids)]
        faults = [*_faults(line.row), *(_first(name, seen) for name in names if name in seen)]
        if by_ticker and key != by_ticker:
            faults.append(f"ticker {row['ticker']} belongs to {by_ticker}")
        if faults:
            payload = json.dumps(line.row, ensure_ascii=False)
            rejects.append(Reject(str(path), line.number, "; ".join(faults), payload))
        else:
            rows[key or row["listing_id"]] = row
            seen.update(dict.fromkeys(names, line.number))
    return rows, rejects


def _over(stated: Row, base: Row | None) -> Row:
    """Return one instrument: what is stated, else what is known of it, else the defaults."""
    row = {**dict.fromkeys(INSTRUMENTS.column_names), **(base or {"asset_class": "equity"})}
    row["listing_id"] = row["listing_id"] or f"FILE:{stated['ticker']}"
    said = {name: value for name, value in stated.items() if value is not None}
    return {**row, **said, "registered_from": FILE_NAME}


def _first(name: tuple[str, str], seen: dict[tuple[str, str], int]) -> str:
    return f"duplicate {name[0]} {name[1]}, first in row {seen[name]}"


def _own_instruments() -> dict[str, Row]:
    """Read the repository's instruments, by listing; its first fault raises."""
    path = DATA / FILE_NAME
    lines = list(_lines(path, required=_required(INSTRUMENTS)))
    counts = Counter(line.row["listing_id"] for line in lines)
    counts.update(line.row["ticker"] for line in lines)
    for line in lines:
        twice = [f"duplicate {n}" for n in ("listing_id", "ticker") if counts[line.row[n]] > 1]
        if faults := [*_faults(line.row), *twice]:
            raise InvalidReferenceError(f"{path.name}, row {line.number}: {'; '.join(faults)}")
    unset = {"aliases": None, "registered_from": "repository"}
    return {line.row["listing_id"]: {**line.row, **unset} for line in lines}


def _typed(name: str, contract: Table) -> Iterator[Row]:
    """Read one of the repository's other files, typed; the first fault raises."""
    path = DATA / name
    for line in _lines(path, required=contract.column_names):
        for column, convert in _CONVERSIONS.items():
            if line.row.get(column) is not None:
                try:
                    line.row[column] = convert(line.row[column])
                except (KeyError, ValueError) as error:
                    cause = f"{column} cannot be {line.row[column]!r}"
                    fault = f"{path.name}, row {line.number}: {cause}"
                    raise InvalidReferenceError(fault) from error
        yield line.row


_FLAGS = {"true": True, "false": False}
_KINDS = INSTRUMENTS.column("asset_class").one_of
_CHOICES: dict[str, tuple[Collection[str], str]] = {
    "sector": (SECTORS, "GICS"),
    "asset_class": (_KINDS, ", ".join(_KINDS)),
    "is_primary": (_FLAGS, ", ".join(_FLAGS)),
}
_DATE = r"[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_CONVERSIONS: dict[str, Callable[[str], Any]] = {
    "known_on": date.fromisoformat,
    "needs_cue": _FLAGS.__getitem__,
    "shares_outstanding": float,
    "valid_from": date.fromisoformat,
    "valid_to": date.fromisoformat,
}


def _followed(own: Iterable[Row], instruments: dict[str, Row]) -> Iterator[Row]:
    """Give the rows the id and ticker by which the user's file may have renamed their listing."""
    for row in own:
        if (listing := instruments.get(row["listing_id"])) is None:
            raise InvalidReferenceError(f"no instrument has the listing_id {row['listing_id']}")
        yield {**row, "listing_id": listing["listing_id"], "ticker": listing["ticker"]}


def _faults(row: Row) -> Iterator[str]:
    """Say what is wrong with one instrument, whoever states it."""
    if not row["ticker"]:
        yield "ticker is empty"
    for name, (known, named) in _CHOICES.items():
        if (value := row.get(name)) and value not in known:
            yield f"unknown {name} {value!r}, not one of {named}"
    if (mic := row.get("exchange_mic")) and not is_known(mic):
        yield f"unknown exchange {mic!r}: it has no trading calendar"
    if (currency := row.get("currency")) and not re.fullmatch("[A-Z]{3}", currency):
        yield f"currency {currency!r} is not an ISO 4217 code"
    if (entered := row.get("constituent_from")) and not re.fullmatch(_DATE, entered):
        yield f"constituent_from {entered!r} is no date YYYY-MM-DD"
    if None in row:
        yield "more cells than the header has columns"


def _required(contract: Table) -> tuple[str, ...]:
    return tuple(
        name
        for name in contract.column_names
        if name not in {"aliases", "industry", "registered_from"}
    )


def _lines(path: Path, required: tuple[str, ...]) -> Iterator[_Line]:
    """Read a CSV file, empty cells as None; header names in any case, unknown ones kept.

    Raises InvalidReferenceError where the file is not UTF-8, not CSV or lacks a required column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            header = [name.strip().lower() for name in reader.fieldnames or ()]
            if missing := [name for name in required if name not in header]:
                raise InvalidReferenceError(f"{path.name}: column missing: {', '.join(missing)}")
            reader.fieldnames = header
            for row in reader:
                yield _Line(reader.line_num, {name: _value(cell) for name, cell in row.items()})
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidReferenceError(f"{path.name}: not a CSV file in UTF-8: {error}") from error


def _value(cell: Any) -> Any:
    return cell.strip() or None if isinstance(cell, str) else cell


def _arrow(rows: Iterable[Row], contract: Table) -> pa.Table:
    """Return the rows as Arrow, with the contract's columns in its order."""
    import pyarrow as pa

    types = {"BOOLEAN": pa.bool_(), "DATE": pa.date32(), "DOUBLE": pa.float64()}
    fields = [(column.name, types.get(column.type, pa.string())) for column in contract.columns]
    dates = [column.name for column in contract.columns if column.type == "DATE"]
    typed = [
        {**row, **{n: date.fromisoformat(row[n]) for n in dates if isinstance(row.get(n), str)}}
        for row in rows
    ]
    return pa.Table.from_pylist(typed, schema=pa.schema(fields))
