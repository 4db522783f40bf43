"""What the processes of publish.py do: generated rows, a writer that publishes, readers."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from resources.batch import Days  # noqa: E402 - from this checkout
from resources.warehouse import Warehouse  # noqa: E402
from resources.warehouse.spill import arrow_schema  # noqa: E402
from warehouse.tables.prices import DAILY_PRICES  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

N_TICKERS = 10_000
# The day that is written again and again: it lies after the generated history.
DAY = date(2025, 1, 27)

FILL = """
INSERT INTO core.daily_prices BY NAME
SELECT 'XNAS:T' || lpad(t::VARCHAR, 5, '0') AS listing_id,
  'T' || lpad(t::VARCHAR, 5, '0') AS ticker,
  (DATE '2005-01-03' + INTERVAL (d // 5 * 7 + d % 5) DAY)::DATE AS session_date,
  close - 0.5 AS open, close + 1 AS high, close - 1 AS low, close, close AS adj_close,
  1000000 + hash(t + d) % 10000 AS volume, 'USD' AS currency, 'files' AS source,
  1 AS split_ratio_after, '' AS quality_flags, 1 AS n_sources, 0 AS n_quarantined,
  false AS is_simulated,
  TIMESTAMP '2025-01-01' AS as_of
FROM (SELECT t, d, 50 + (hash(t * 10000 + d) % 10000) / 100.0 AS close
      FROM range($sessions) AS s(d), range(10000) AS r(t))
ORDER BY session_date, listing_id
"""


@dataclass
class Seen:
    """What a reader saw: reads, and of these failed, inconsistent, older than one before, stale."""

    reads: int = 0
    failed: int = 0
    inconsistent: int = 0
    backwards: int = 0
    stale: int = 0


def fill(path: Path, n_rows: int) -> None:
    """Write a history of as many whole sessions of 10,000 tickers as the rows allow."""
    with Warehouse(path=str(path)).writing() as con:
        con.execute(FILL, {"sessions": max(n_rows // N_TICKERS, 1)})
        con.execute("CHECKPOINT")


def day_of(day: date, close: float) -> pa.Table:
    """Return one session of every ticker, all at one close."""
    import pyarrow as pa

    values = {
        "session_date": day,
        "close": close,
        "source": "files",
        "split_ratio_after": 1.0,
        "quality_flags": "",
        "n_sources": 1,
        "n_quarantined": 0,
        "is_simulated": False,
        "as_of": datetime(2025, 1, 28, tzinfo=UTC).replace(tzinfo=None),
    }
    tickers = pa.array([f"T{number:05}" for number in range(N_TICKERS)])
    columns = {"listing_id": [f"XNAS:{each}" for each in tickers.to_pylist()], "ticker": tickers}
    schema = arrow_schema(DAILY_PRICES)
    arrays = [
        pa.array(columns[field.name], field.type)
        if field.name in columns
        else pa.array([values.get(field.name)] * N_TICKERS, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def now() -> datetime:
    """Return this instant."""
    return datetime.now(UTC)


# -- readers, a writer ---------------------------------------------------------------------------


def write(path: str, number: int) -> None:
    """Upsert the day so that every close of it is `number`, which also is the table's version."""
    rows = day_of(DAY, float(number))
    Warehouse(path=path).materialize(
        DAILY_PRICES,
        lambda _con, _days: rows,
        inputs=[],
        days=Days(DAY, DAY),
        run_id=f"run{number}",
        now=now(),
    )


def write_and_publish(path: str, said: Any, *, seconds: float = 1e9) -> None:
    """Write and publish the next version again and again; say what is committed and published."""
    warehouse = Warehouse(path=path)
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        number = version_of(path) + 1
        write(path, number)
        said[0] = number
        warehouse.publish(run_id=f"run{number}", is_backfill=False, now=now())
        said[1] = number


def version_of(path: str) -> int:
    """Return the version that the core file holds, and that all of its day agrees on."""
    with Warehouse(path=path).reading() as con:
        version, is_whole = _state(con)
    if not is_whole:
        raise SystemExit(f"the core file is torn at version {version}")
    return version


def released(path: str) -> tuple[int, bool]:
    """Return the version of the release, and whether three tables of it agree on it."""
    with Warehouse(path=path).reading_release() as con:
        version, is_whole = _state(con)
        sql = "SELECT arg_max(run_id, published_at) FROM meta.releases"
        return version, is_whole and con.execute(sql).fetchall() == [(f"run{version}",)]


def _state(con: Any) -> tuple[int, bool]:
    sql = "SELECT coalesce(max(version), 0) FROM meta.changes WHERE table_name = $name"
    version = con.execute(sql, {"name": DAILY_PRICES.qualified}).fetchall()[0][0]
    sql = "SELECT min(close), max(close), count(*) FROM core.daily_prices WHERE session_date = ?"
    closes = con.execute(sql, [DAY]).fetchall()[0]
    return version, closes == ((version, version, N_TICKERS) if version else (None, None, 0))


def read(path: str, said: Any, is_over: Callable[[], bool]) -> Seen:
    """Read the release until it is over; a read is stale that began after a newer publish."""
    seen, last = Seen(), 0
    while not is_over():
        published = said[1]
        try:
            version, is_whole = released(path)
        except Exception as error:  # noqa: BLE001 - any failure of a reader counts
            seen.failed += 1
            print(f"failed: {str(error).splitlines()[0]}", file=sys.stderr)
            continue
        seen.reads += 1
        seen.inconsistent += not is_whole
        seen.backwards += version < last
        seen.stale += version < published
        last = max(last, version)
    return seen


def read_until(path: str, said: Any, stop: Any, answers: Any) -> None:
    """Read in a process of its own until told to stop."""
    answers.put(asdict(read(path, said, stop.is_set)))
