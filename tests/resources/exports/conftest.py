"""A small release in memory, and a reader of workbooks that is not the writer's."""

from __future__ import annotations

import zipfile
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from lxml import etree

from warehouse.tables.articles import ARTICLES
from warehouse.tables.claims import CLAIM_CHECKS, CLAIMS
from warehouse.tables.instruments import INSTRUMENTS
from warehouse.tables.meta import RELEASES
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.selloffs import SELLOFF_EVENTS, SELLOFF_METRICS
from warehouse.tables.stories import EVENT_ARTICLES

RELEASE = "20250128T030000.000000Z"
EVENT = "sector-us-technology-2025-01-27"
DAY = date(2025, 1, 27)
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
DAY_ZERO = datetime(1899, 12, 30, tzinfo=UTC).replace(tzinfo=None)


@pytest.fixture
def release(unguarded):
    """One event with a fallen, a risen and a nameless listing, and one claim of an article."""
    tables = unguarded
    at = datetime.fromisoformat("2025-01-28T03:00")
    tables.put(RELEASES, release_id="20250127T030000.000000Z", published_at=at - timedelta(days=1))
    tables.put(
        RELEASES,
        release_id=RELEASE,
        published_at=at,
        code_version="abc123",
        as_of=datetime.fromisoformat("2025-01-28T12:00"),
    )
    tables.put(SELLOFF_EVENTS, event_id=EVENT, session_date=DAY, market_return=-0.0146, n_falling=2)
    for ticker, fall in (("NVDA", -0.1697), ("AAPL", 0.0318), ("MSFT", float("nan"))):
        listing = f"XNAS:{ticker}"
        if ticker != "MSFT":
            tables.put(INSTRUMENTS, listing_id=listing, ticker=ticker, name=f"{ticker} Inc.")
        tables.put(
            SELLOFF_METRICS,
            event_id=EVENT,
            listing_id=listing,
            ticker=ticker,
            session_date=DAY,
            simple_return=fall if fall == fall else None,  # noqa: PLR0124 - the test of NaN
            market_value_lost_usd=589e9 if ticker == "NVDA" else None,
            as_of=datetime.fromisoformat("2025-01-28T02:30"),
        )
        tables.put(DAILY_PRICES, listing_id=listing, ticker=ticker, session_date=DAY, close=118.42)
    return tables


@pytest.fixture
def claim(release):
    """Add an article about the event, with one claim of a share and one of an amount."""

    def add(title, text):
        release.put(ARTICLES, article_id="a", title=title, text=text, location="news.txt")
        release.put(EVENT_ARTICLES, event_id=EVENT, article_id="a")
        for claim_id, unit, observed in (("1", "fraction", -0.1697), ("2", "USD", -589e9)):
            where = {"article_id": "a", "claim_id": claim_id, "listing_id": "XNAS:NVDA"}
            release.put(CLAIMS, **where, sentence_start=0, sentence_end=len(text))
            release.put(CLAIM_CHECKS, **where, unit=unit, observed=observed, reason="held")

    return add


class Read:
    """A workbook, read from its XML: sheets by name, each a list of rows of cells."""

    def __init__(self, path):
        with zipfile.ZipFile(path) as archive:
            self.parts = {name: archive.read(name).decode() for name in archive.namelist()}
        self.formats = self._formats()
        links = {
            each.get("Id"): each.get("Target")
            for each in etree.fromstring(self.parts["xl/_rels/workbook.xml.rels"].encode())
        }
        book = etree.fromstring(self.parts["xl/workbook.xml"].encode())
        self.sheets = {
            each.get("name"): self._rows(f"xl/{links[each.get(LINK)]}")
            for each in book.iter(f"{MAIN}sheet")
        }

    def _formats(self):
        root = etree.fromstring(self.parts["xl/styles.xml"].encode())
        own = {each.get("numFmtId"): each.get("formatCode") for each in root.iter(f"{MAIN}numFmt")}
        own |= {"10": "0.00%", "3": "#,##0", "0": ""}
        (used,) = root.iter(f"{MAIN}cellXfs")
        return [(own[each.get("numFmtId")], each.get("quotePrefix")) for each in used]

    def _rows(self, part):
        return [
            {self._place(cell): self._cell(cell) for cell in row}
            for row in etree.fromstring(self.parts[part].encode()).iter(f"{MAIN}row")
        ]

    @staticmethod
    def _place(cell):
        return cell.get("r").rstrip("0123456789")

    def _cell(self, cell):
        style, quoted = self.formats[int(cell.get("s", 0))]
        kind = cell.get("t", "n")
        text = "".join(cell.itertext())
        if kind == "n":
            value = float(text)
            if style.startswith("yyyy"):
                value = DAY_ZERO + timedelta(seconds=round(value * 86400))
        else:
            value = bool(int(text)) if kind == "b" else text
        return SimpleNamespace(value=value, style=style, quoted=quoted == "1", kind=kind)

    def records(self, name):
        """Return a sheet's rows by the names in its header."""
        header, *rows = self.sheets[name]
        return [{header[at].value: cell for at, cell in row.items()} for row in rows]


@pytest.fixture
def read():
    return Read
