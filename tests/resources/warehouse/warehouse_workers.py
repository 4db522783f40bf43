"""What the processes do that compete for a warehouse in the tests."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from resources.batch import Batch, Days
from resources.warehouse import Warehouse, files
from resources.warehouse.spill import arrow_schema
from warehouse.tables.prices import DAILY_PRICES, PRICE_VINTAGES

NOW = datetime(2025, 1, 27, 22, tzinfo=UTC)
DAY = date(2025, 1, 27)
N_LISTINGS = 50


def land(path, ticker, n_batches):
    """Land so many bars of one ticker, one at a time."""
    for number in range(n_batches):
        row = {
            "listing_id": f"XNAS:{ticker}",
            "ticker": ticker,
            "session_date": DAY + timedelta(days=number),
            "close": 100.0,
            "source": "files",
        }
        batch = Batch(pa.Table.from_pylist([row]), [], kind="real")
        Warehouse(path=path).land(PRICE_VINTAGES, batch, run_id=f"{ticker}{number}", now=NOW)


def hold(path, started):
    """Take the lock and keep it."""
    with files.locked(Path(path), exclusive=True):
        started.set()
        time.sleep(60)


def write_version(warehouse, version):
    """Make every close of the day equal to `version`: a torn write shows as two values."""
    names = [f"XNAS:T{number}" for number in range(N_LISTINGS)]
    rows = [
        {
            "listing_id": name,
            "ticker": name,
            "session_date": DAY,
            "close": float(version),
            "source": "files",
            "split_ratio_after": 1.0,
            "quality_flags": "",
            "n_sources": 1,
            "n_quarantined": 0,
            "is_simulated": False,
            "as_of": datetime.fromisoformat("2025-01-28"),
        }
        for name in names
    ]
    computed = pa.Table.from_pylist(rows, schema=arrow_schema(DAILY_PRICES))
    warehouse.materialize(
        DAILY_PRICES,
        lambda _con, _days: computed,
        inputs=[],
        days=Days(DAY, DAY),
        run_id=f"run{version}",
        now=NOW,
    )


def write_and_publish(path, first_version):
    """Write a version and publish it, again and again, until killed."""
    warehouse = Warehouse(path=path)
    version = first_version
    while True:
        write_version(warehouse, version)
        warehouse.publish(run_id=f"run{version}", is_backfill=False, now=datetime.now(UTC))
        version += 1


def read_release(path):
    """Return the versions that the release holds: one, unless a write was torn."""
    with Warehouse(path=path).reading_release() as con:
        sql = "SELECT close, count(*) FROM core.daily_prices GROUP BY ALL ORDER BY ALL"
        return con.execute(sql).fetchall()


def read_in_a_loop(path, stop, answers):
    """Read the release until told to stop; report failures, torn reads and steps backwards."""
    seen, failed, torn, backwards, last = 0, 0, 0, 0, 0.0
    while not stop.is_set():
        try:
            found = read_release(path)
        except Exception:  # noqa: BLE001 - any failure of a reader counts
            failed += 1
            continue
        seen += 1
        torn += len(found) != 1 or found[0][1] != N_LISTINGS
        backwards += found[-1][0] < last
        last = found[-1][0]
        time.sleep(0.01)
    answers.put({"seen": seen, "failed": failed, "torn": torn, "backwards": backwards})


def land_kept(path, ticker, n_batches, landed=None):
    """Land so many bars while the core file is kept open; then wait to be killed, if told so."""
    with files.kept_open(Path(path)):
        land(path, ticker, n_batches)
        if landed:
            landed.set()
            time.sleep(60)


def read_once(path, opened, leave):
    """Hold the core file open for reading until told to leave it."""
    with Warehouse(path=path).reading():
        opened.set()
        leave.wait(60)
