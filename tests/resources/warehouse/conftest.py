"""A fresh warehouse per test, bars to land in it, rows to write, and processes to compete."""

from __future__ import annotations

import multiprocessing
import shutil
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from resources.batch import Batch
from resources.warehouse import Warehouse, files

# Children import `warehouse_workers` by this name; no package of ours or theirs is called so.
sys.path.append(str(Path(__file__).parent))

NOW = datetime(2025, 1, 27, 22, tzinfo=UTC)
BAR = {
    "listing_id": "XNAS:NVDA",
    "ticker": "NVDA",
    "session_date": date(2025, 1, 27),
    "open": 124.8,
    "high": 128.4,
    "low": 116.7,
    "close": 118.42,
    "volume": 818.83e6,
    "currency": "USD",
    "source": "files",
    "is_simulated": False,
    "source_file": "bars.csv",
    "source_row": 2,
}


@pytest.fixture
def now():
    return NOW


@pytest.fixture(scope="session")
def blank(tmp_path_factory):
    """An empty warehouse, to be copied."""
    path = tmp_path_factory.mktemp("blank") / "blank.duckdb"
    files.prepare(path)
    return path


@pytest.fixture
def warehouse(tmp_path, blank):
    path = tmp_path / "selloff.duckdb"
    shutil.copyfile(blank, path)
    return Warehouse(path=str(path))


@pytest.fixture(scope="session")
def bar():
    """Return a good bar with some values changed."""
    return lambda **changes: {**BAR, **changes}


@pytest.fixture(scope="session")
def batch():
    """Make a batch of rows; a column whose values differ in type is delivered as text."""
    import pyarrow as pa

    def column(values):
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            return pa.array([None if value is None else str(value) for value in values])

    def make(*rows, kind="real", answers=(), rejects=()):
        names = dict.fromkeys(name for row in rows for name in row)
        table = pa.table({name: column([row.get(name) for row in rows]) for name in names})
        return Batch(table, list(answers), list(rejects), kind)

    return make


@pytest.fixture(scope="session")
def daily():
    """Make rows of core.daily_prices from (listing, day, close)."""
    import pyarrow as pa

    from resources.warehouse.spill import arrow_schema
    from warehouse.tables.prices import DAILY_PRICES

    def row(listing, day, close):
        return {
            "listing_id": listing,
            "ticker": listing.partition(":")[2],
            "session_date": day,
            "close": close,
            "split_ratio_after": 1.0,
            "source": "files",
            "quality_flags": "",
            "n_sources": 1,
            "n_quarantined": 0,
            "is_simulated": False,
            "as_of": datetime.fromisoformat("2025-01-28"),
        }

    return lambda *rows: pa.Table.from_pylist(
        [row(*each) for each in rows], schema=arrow_schema(DAILY_PRICES)
    )


@pytest.fixture
def closes():
    """Return (listing, day, close) of what core.daily_prices holds, in order."""

    def of(warehouse):
        sql = "SELECT listing_id, session_date, close FROM core.daily_prices ORDER BY ALL"
        with warehouse.reading() as con:
            return con.execute(sql).fetchall()

    return of


@pytest.fixture
def query():
    """Run one query on the core file."""

    def run(warehouse, sql, *values):
        with warehouse.reading() as con:
            return con.execute(sql, list(values)).fetchall()

    return run


@pytest.fixture(scope="session")
def processes():
    """Return a context that starts processes from one that has imported everything already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["resources.warehouse", "pyarrow", "duckdb"])
    return context


@pytest.fixture(scope="session")
def at_once(processes):
    """Call something in several processes at once, each with its arguments; return how they end."""

    def run(target, *arguments):
        started = [processes.Process(target=target, args=each) for each in arguments]
        for process in started:
            process.start()
        for process in started:
            process.join(60)
        return [process.exitcode for process in started]

    return run
