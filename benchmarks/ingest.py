"""What fetching, landing and checking cost: against yfinance's own pool, against reading, and GX.

python benchmarks/ingest.py                    all cases (ten minutes, 10 GB of disk)
python benchmarks/ingest.py vendor refetch     some of them
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from _child import ROOT, measure
from _records import limit, peer, tell

sys.path.insert(0, str(ROOT))
PYTHON = [sys.executable, "-c"]

# -- 100 tickers from a vendor that answers after 150 ms -------------------------------------------

TICKERS = [f"T{n:03}" for n in range(100)]
LATENCY = 0.15
OURS = f"""
from datetime import date
from resources.batch import Days, Listing
from resources.prices.yahoo import Yahoo
listings = [Listing(t, t, "XNYS", "USD") for t in {TICKERS}]
batch = Yahoo().fetch(listings, Days(date(2024, 1, 2), date(2024, 12, 31)))
assert batch.rows.num_rows == 252 * {len(TICKERS)}, batch.answers[:2]
"""
THEIRS = f"""
import yfinance as yf
frame = yf.download({TICKERS}, start="2024-01-02", end="2025-01-01", auto_adjust=False,
                    actions=True, progress=False)
assert len(frame) == 252 and frame["Close"].notna().all().all()
"""


def vendor() -> None:
    """Time whole fetches in fresh processes, less what the imports take."""
    from tests.fake_yahoo import FakeYahoo, sessions, walk

    days = sessions("2024-01-02", "2024-12-31")
    charts = {ticker: walk(ticker, days) for ticker in TICKERS}
    took: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(3):
        for name, code in (("ours", OURS), ("theirs", THEIRS)):
            with FakeYahoo(charts=charts, latency=LATENCY) as server:
                env = {**os.environ, **server.environment}
                idle = _seconds("import yfinance, pandas, resources.prices.yahoo, pyarrow", env)
                took[name].append(_seconds(code, env) - idle)
    ours, theirs = statistics.median(took["ours"]), statistics.median(took["theirs"])
    print(f"100 tickers at 150 ms: ours {ours:.1f} s, yf.download {theirs:.1f} s")
    print(f"ratio {theirs / ours:.1f} (goal: 6 or more)")
    tell("100 tickers at 150 ms, cold", ours, "s", peer("yf.download", theirs, 6))


def _seconds(code: str, env: dict[str, str]) -> float:
    started = time.monotonic()
    measure([*PYTHON, code], env)
    return time.monotonic() - started


# -- ten years of 500 tickers again ----------------------------------------------------------------

BARS = """
import duckdb
duckdb.sql('''
  COPY (
    SELECT 'T' || lpad(t::VARCHAR, 5, '0') AS ticker,
      (DATE '2015-01-05' + INTERVAL (d // 5 * 7 + d % 5) DAY)::DATE AS date,
      close - 0.5 AS open, close + 1 AS high, close - 1 AS low, close, close AS adj_close,
      1000000 + d AS volume
    FROM (SELECT t, d, 50 + (hash(t * 10000 + d) % 10000) / 100.0 AS close
          FROM range({tickers}) AS r(t), range({sessions}) AS s(d))
    ORDER BY ticker, date
  ) TO '{path}' {options}
''')
"""
REFETCH = """
import sys, time, json, datetime as dt
from pathlib import Path
from resources.batch import Days
from resources.prices import Prices
from resources.warehouse import Warehouse
from warehouse.tables.prices import PRICE_VINTAGES

folder, warehouse = sys.argv[1:]
days = Days(dt.date(2000, 1, 1), dt.date(2030, 1, 1))
found = {"read": [], "land": [], "added": []}
for n in range(4):
    started = time.process_time()
    batch = Prices(provider="files", path=folder).fetch([], days)
    read = time.process_time()
    now = dt.datetime(2025, 1, 1 + n, tzinfo=dt.UTC)
    written = Warehouse(path=warehouse).land(PRICE_VINTAGES, batch, run_id=f"r{n}", now=now)
    found["read"].append(read - started)
    found["land"].append(time.process_time() - read)
    found["added"].append(written.n_rows)
Path(warehouse + ".json").write_text(json.dumps(found))
"""


def refetch() -> None:
    """Land the same 1.26 million bars four times; the first is not counted."""
    import json

    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "bars"
        folder.mkdir()
        for n in range(10):  # as vendors deliver: text, several files
            options = "(FORMAT csv, HEADER)"
            path = folder / f"bars{n}.csv"
            code = BARS.format(tickers=50, sessions=2521, path=path, options=options)
            measure([*PYTHON, code.replace("'T' ||", f"'T{n}' ||")])
        _, peak = measure([*PYTHON, REFETCH, str(folder), f"{home}/w.duckdb"])
        found = json.loads(Path(f"{home}/w.duckdb.json").read_text(encoding="utf-8"))
    read, land = (statistics.median(found[name][1:]) for name in ("read", "land"))
    print(f"1,260,500 bars again: added {found['added']}, read {read:.1f}, land {land:.1f} CPU s")
    print(f"ratio {land / read:.2f} (limit 1.5), peak {peak:.0f} MB")
    tell("1,260,500 bars again, ten CSV files", land, "CPU s", limit("reading them", read, 1.5))


# -- one day of 10,000 tickers into 50 million rows -----------------------------------------------

FILL = """
import sys
from resources.warehouse import Warehouse
with Warehouse(path=sys.argv[1]).writing() as con:
    con.execute('''
      INSERT INTO raw.price_vintages BY NAME
      SELECT 'XNAS:T' || lpad(t::VARCHAR, 5, '0') AS listing_id,
        'T' || lpad(t::VARCHAR, 5, '0') AS ticker,
        (DATE '2005-01-03' + INTERVAL (d // 5 * 7 + d % 5) DAY)::DATE AS session_date,
        close - 0.5 AS open, close + 1 AS high, close - 1 AS low, close, close AS adj_close,
        1000000 + d AS volume, 'USD' AS currency, 'split_adjusted' AS basis, 'yahoo' AS source,
        false AS is_provisional, false AS is_simulated,
        sha256((t * 10000 + d)::VARCHAR) AS row_hash,
        'load' AS load_id, TIMESTAMP '2025-01-01' AS known_from
      FROM (SELECT t, d, 50 + (hash(t * 10000 + d) % 10000) / 100.0 AS close
            FROM range(5000) AS s(d), range(10000) AS r(t))
      ORDER BY session_date, listing_id
    ''')
    con.execute("CHECKPOINT")
"""
LAND_DAY = """
import sys, time, datetime as dt
import pyarrow as pa
from pathlib import Path
from resources.batch import Batch, Listing
from resources.prices.bars import complete
from resources.warehouse import Warehouse
from warehouse.tables.prices import PRICE_VINTAGES

tickers = [f"T{n:05}" for n in range(10_000)]
day = dt.date(2024, 3, 1)
rows = pa.table({
    "ticker": tickers,
    "session_date": pa.array([day] * len(tickers), pa.date32()),
    "close": [100.0 + n / 100 for n in range(len(tickers))],
})
listings = {t: Listing(f"XNAS:{t}", t, "XNAS", "USD") for t in tickers}
batch = Batch(complete(rows, listings, "yahoo"), [])
started = time.monotonic()
written = Warehouse(path=sys.argv[1]).land(
    PRICE_VINTAGES, batch, run_id="day", now=dt.datetime(2025, 1, 2, tzinfo=dt.UTC)
)
assert written.n_rows == 10_000
Path(sys.argv[1] + ".took").write_text(str(time.monotonic() - started))
"""


def day() -> None:
    """Land one more version of one session of the whole universe."""
    with tempfile.TemporaryDirectory() as home:
        path = f"{home}/w.duckdb"
        measure([*PYTHON, FILL, path])
        _, peak = measure([*PYTHON, LAND_DAY, path])
        took = float(Path(f"{path}.took").read_text(encoding="utf-8"))
    print(f"10,000 bars of a day into 50,000,000 rows: {took:.2f} s (limit 2)")
    print(f"peak {peak:.0f} MB (limit 1,000)")
    tell("10,000 bars of a day into 50,000,000", took, "s", goal=2)
    tell("its peak memory", peak, "MB", goal=1000)


# -- 20 expectations over 10 million rows ----------------------------------------------------------

SCAN = """
import sys
import duckdb
from checks.catalogue import contract
from checks.scan import scan
from warehouse.tables.prices import PRICE_VINTAGES

checks = contract(PRICE_VINTAGES)
con = duckdb.connect(sys.argv[1], read_only=True)
con.execute("SET memory_limit = '1500MB'")
found = scan(con, checks)
assert len(found) >= 20 and not any(each.n_violations for each in found.values()), found
"""
EXPECTATIONS = """
import sys
import duckdb
from resources.expectations import suite, validate
from warehouse.tables.prices import PRICE_VINTAGES

frame = duckdb.connect(sys.argv[1], read_only=True).sql("FROM raw.price_vintages").df()
assert len(suite(PRICE_VINTAGES)) >= 20
assert validate(PRICE_VINTAGES, frame).success
"""


def checks() -> None:
    """Hold a history of ten million bars against the contract: one scan, and GX on pandas."""
    with tempfile.TemporaryDirectory() as home:
        path = f"{home}/w.duckdb"
        measure([*PYTHON, FILL.replace("range(5000)", "range(1000)"), path])
        ours, peak = measure([*PYTHON, SCAN, path])
        theirs, their_peak = measure([*PYTHON, EXPECTATIONS, path])
    print(f"10,000,000 rows: scan {ours:.1f} CPU s (limit 10), {peak:.0f} MB (limit 2,000)")
    print(f"Great Expectations on pandas {theirs:.1f} CPU s, {their_peak:.0f} MB")
    print(f"ratio {theirs / ours:.1f} (goal: 15 or more)")
    gx = peer("Great Expectations on pandas", theirs, 15)
    tell("29 rules and the grain on 10,000,000 rows", ours, "CPU s", gx, goal=10)
    tell("its peak memory", peak, "MB", peer("Great Expectations", their_peak), goal=2000)


CASES = {"vendor": vendor, "refetch": refetch, "day": day, "checks": checks}

if __name__ == "__main__":
    for name in sys.argv[1:] or CASES:
        CASES[name]()
