"""Workbooks of one event or of a whole release, in which nothing that was read can act.

Every text is written as text: none is ever a formula or a link, however it begins. Figures are
numbers in the unit of their contract, which the sheet `columns` states.
"""

from __future__ import annotations

import math
import tempfile
from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources.exports import sheets
from resources.exports.contracts import refuse_older
from resources.exports.formulas import starts_formula
from resources.exports.released import released
from resources.warehouse import WarehouseError
from warehouse.columns import AS_OF
from warehouse.tables.meta import RELEASES, WAREHOUSE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from resources.exports.released import Released
    from resources.exports.sheets import Sheet
    from warehouse.contract import Column

# Of Excel's specification (Microsoft, "Excel specifications and limits"): a sheet's rows, the first
# of which is the header, and digits. A cell holds 32,767 UTF-16 units, half as many characters.
MAX_ROWS = 1_048_576
MAX_TEXT = 16_000
EXACT_INTEGER = 10**15
FIRST_DATE = date(1900, 3, 1)  # Excel takes 1900 for a leap year
WIDEST = 60
AT_ONCE = 5_000
FORMS = {
    "fraction": "0.00%",
    "USD": "#,##0",
    "shares": "#,##0",
    "currency": "#,##0",
    "currency per share": "#,##0.00##",
}
PROBABILITY = "0.0000"
DAY, INSTANT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"
HEADER, QUOTED = "header", "quoted"
# Properties of the formats that are more than the form of a number.
STYLES: dict[str, dict[str, Any]] = {
    DAY: {"num_format": DAY, "align": "left"},
    INSTANT: {"num_format": INSTANT, "align": "left"},
    HEADER: {"bold": True, "bottom": 1},
    QUOTED: {"quote_prefix": True},
}
COLUMNS = ("sheet", "column", "type", "unit", "meaning")


def write_event(con: duckdb.DuckDBPyConnection, event_id: str, path: Path) -> None:
    """Write a workbook of one event: it, its instruments, sectors, spread, claims and tests.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        Reads a release, hardened or not.
    event_id : str
        As ``mart.selloff_events`` has it.
    path : Path
        Ends in ``.xlsx``; replaced whole or not at all. The same release gives the same bytes.

    Raises
    ------
    WarehouseError
        If there is no such event, the release is of an older schema, a sheet would have too many
        rows, or the file cannot be written.
    """
    of = released(con)
    refuse_older(con, sheets.tables(sheets.EVENT, *sheets.OF_EVENT, sheets.DATA_QUALITY))
    cursor = con.cursor().execute(sheets.EVENT.sql, {"event_id": event_id})
    columns = [sheets.EVENT.column(name) for name, *_ in cursor.description or ()]
    rows = cursor.fetchall()
    if not rows:
        raise WarehouseError(f"no event {event_id!r} in release {of.release_id}")
    facts = list(zip(columns, rows[0], strict=True))
    with _workbook(path, of, title=f"Sell-off {event_id}") as book:
        book.facts(sheets.EVENT.name, of, facts)
        book.rows(con, (*sheets.OF_EVENT, sheets.DATA_QUALITY), {"event_id": event_id})


def write_release(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write a workbook of all events, their instruments, the claims and the sources.

    Parameters and errors as of `write_event`.
    """
    of = released(con)
    refuse_older(con, sheets.tables(*sheets.OF_RELEASE))
    with _workbook(path, of, title=f"Sell-offs, release {of.release_id}") as book:
        book.facts("release", of, [])
        book.rows(con, sheets.OF_RELEASE, {})


@contextmanager
def _workbook(path: Path, of: Released, *, title: str) -> Iterator[_Book]:
    """Give a workbook that appears at `path` once it is whole."""
    import xlsxwriter
    from xlsxwriter.exceptions import XlsxWriterException

    if path.suffix.lower() != ".xlsx":
        raise WarehouseError(f"{path}: the name of a workbook ends in .xlsx")
    try:
        with tempfile.TemporaryDirectory(prefix=".", suffix=".tmp", dir=path.parent) as folder:
            staged = Path(folder) / path.name
            options = {"constant_memory": True, "tmpdir": folder}
            inner: Any = xlsxwriter.Workbook(str(staged), options)
            inner.set_properties(
                {"title": _text(title), "subject": of.release_id, "created": of.published_at}
            )
            book = _Book(inner)
            try:
                yield book
                book.close()
            finally:
                for sheet in inner.worksheets():
                    sheet.row_data_fh.close()
            staged.replace(path)
    except (OSError, XlsxWriterException) as error:
        cause = error.strerror if isinstance(error, OSError) else str(error)
        raise WarehouseError(f"{path}: cannot be written: {cause}") from None


class _Book:
    """A workbook in the making, and the columns it has shown so far."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._styles: dict[str, Any] = {}
        self._explained: list[tuple[str, Column]] = []
        self._columns: Any = None

    def facts(self, name: str, of: Released, facts: list[tuple[Column, Any]]) -> None:
        """Write the first sheet: what was exported and, one below the other, an event's figures."""
        sheet = self._inner.add_worksheet(name)
        self._columns = self._inner.add_worksheet("columns")
        self._header(sheet, ("what", "value", "unit", "meaning"))
        for at, (column, value) in enumerate([*_provenance(of), *facts], start=1):
            self._cell(sheet, (at, 0), column.name, "")
            self._cell(sheet, (at, 1), value, _form(column) or "")
            self._cell(sheet, (at, 2), column.unit, "")
            self._cell(sheet, (at, 3), column.doc, "")
        for place, width in enumerate((32, 44, 20, 100)):
            sheet.set_column(place, place, width)

    def rows(
        self,
        con: duckdb.DuckDBPyConnection,
        which: tuple[Sheet, ...],
        values: dict[str, str],
    ) -> None:
        """Write a sheet per query."""
        for each in which:
            cursor = con.cursor().execute(each.sql, values if "$event_id" in each.sql else {})
            columns = [each.column(name) for name, *_ in cursor.description or ()]
            self._explained += [(each.name, column) for column in columns]
            sheet = self._inner.add_worksheet(each.name)
            self._header(sheet, [column.name for column in columns])
            n_rows = self._fill(sheet, columns, cursor)
            sheet.autofilter(0, 0, n_rows, len(columns) - 1)

    def close(self) -> None:
        """Write what the columns mean, then the file."""
        self._header(self._columns, COLUMNS)
        for at, (name, column) in enumerate(self._explained, start=1):
            cells = (name, column.name, column.type, column.unit, column.doc)
            for place, cell in enumerate(cells):
                self._cell(self._columns, (at, place), cell, "")
        for place, width in enumerate((20, 36, 12, 24, 120)):
            self._columns.set_column(place, place, width)
        self._inner.close()

    def _fill(self, sheet: Any, columns: list[Column], cursor: Any) -> int:
        """Write the rows of a query; return how many."""
        forms = [_form(column) for column in columns]
        units = [at for at, column in enumerate(columns) if column.name == "unit"]
        widths = [max(len(column.name), 8) + 3 for column in columns]
        n_rows = 0
        while rows := cursor.fetchmany(AT_ONCE):
            if n_rows + len(rows) >= MAX_ROWS:
                raise WarehouseError(
                    f"sheet {sheet.name!r} would have more than the {MAX_ROWS:,} rows that Excel "
                    "reads: export Parquet instead"
                )
            for row in rows:
                n_rows += 1
                is_share = any(row[at] == "fraction" for at in units)
                for place, value in enumerate(row):
                    form = FORMS["fraction"] if is_share and forms[place] is None else forms[place]
                    self._cell(sheet, (n_rows, place), value, form or "")
                    widths[place] = max(widths[place], min(_length(value), WIDEST))
        for place, width in enumerate(widths):
            sheet.set_column(place, place, width)
        return n_rows

    def _header(self, sheet: Any, names: Any) -> None:
        for place, name in enumerate(names):
            sheet.write_string(0, place, name, self._style(HEADER))
        sheet.freeze_panes(1, 0)

    def _cell(self, sheet: Any, at: tuple[int, int], value: Any, form: str) -> None:
        """Write a value as what it is; NULL and NaN stay empty."""
        value = _shown(value)
        if value is None:
            return
        if isinstance(value, bool):
            sheet.write_boolean(*at, value)
        elif isinstance(value, int | float):
            sheet.write_number(*at, value, self._style(form) if form else None)
        elif isinstance(value, date):
            style = self._style(INSTANT if isinstance(value, datetime) else DAY)
            sheet.write_datetime(*at, value, style)
        else:
            # Quoted, it stays text even when a reader edits the cell.
            style = self._style(QUOTED) if starts_formula(value) else None
            sheet.write_string(*at, value, style)

    def _style(self, name: str) -> Any:
        """Return the format of that name or of that form of numbers, each made once."""
        if name not in self._styles:
            properties = STYLES.get(name, {"num_format": name})
            self._styles[name] = self._inner.add_format(properties)
        return self._styles[name]


def _provenance(of: Released) -> list[tuple[Column, Any]]:
    """Return what the workbook was made from: the contracts' columns with their values."""
    columns = {column.name: column for column in (*RELEASES.columns, *WAREHOUSE.columns)}
    newest = AS_OF.but(name="release_as_of", doc="Newest vintage in the release.")
    return [
        (
            columns["release_id"].but(doc="The release: cite a figure by it and `as_of`."),
            of.release_id,
        ),
        (columns["published_at"].but(doc="When it was published."), of.published_at),
        (newest, of.as_of),
        (columns["code_version"].but(doc="Commit of the code that computed it."), of.code_version),
        (columns["duckdb_version"], of.duckdb_version),
        (columns["kind"].but(doc="Real data, or the replay's."), of.kind),
    ]


def _form(column: Column) -> str | None:
    """Return the number format of a column; None where each row states its own unit."""
    if column.type in {"BIGINT", "INTEGER"}:
        return "#,##0"
    if column.type != "DOUBLE":
        return ""
    if column.name.endswith("p_value"):
        return PROBABILITY
    return FORMS.get(column.unit, "0.0000") if column.unit else None


def _shown(value: Any) -> Any:
    """Return a value as a cell can hold it: nothing lost, nothing invisible, cut only visibly."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else value if math.isfinite(value) else str(value)
    if isinstance(value, int):
        return value if abs(value) < EXACT_INTEGER else str(value)
    if isinstance(value, date):
        day = value.date() if isinstance(value, datetime) else value
        return value if day >= FIRST_DATE else value.isoformat()
    return _text(str(value))


@lru_cache(maxsize=AT_ONCE)  # names stand in many rows
def _text(value: str) -> str | None:
    """Return clean text, its length said where it is too long for a cell."""
    from resources.articles.text import clean

    text = clean(value)
    # xlsxwriter 3.3 takes what begins and ends so for markup of its own, and escapes nothing.
    if text.startswith("<r>") and text.endswith("</r>"):
        text += " "
    if len(text) <= MAX_TEXT:
        return text or None
    return f"{text[:MAX_TEXT]} [... cut, {len(text):,} characters in all]"


def _length(value: Any) -> int:
    """Return how wide a text is; of other values the header and the format decide."""
    return len(value) if isinstance(value, str) else 0
