"""What the panel expressions cost in DuckDB: abnormal returns, drawdown episodes, risk measures.

python benchmarks/panels.py                      both panels (two minutes)
python benchmarks/panels.py names                500 listings x 1,512 sessions, whole bars
python benchmarks/panels.py market               9,065 listings x 331 sessions, closes and volumes
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from _child import ROOT
from _records import limit, tell

ROUNDS = 3
# Listings, sessions, whether there are opens, highs and lows; limits of CPU seconds by case.
PANELS = {
    "names": (500, 1512, True, {"abnormal_returns": 2.0, "drawdown_episodes": 0.8}),
    "market": (9065, 331, False, {"drawdown_episodes": 4.0, "risk_measures": 8.0}),
}
SCAN = "scan of the bars"
CASES = ("abnormal_returns", "drawdown_episodes", "risk_measures", SCAN)
MEMORY_LIMIT = 1_500

# Random walks of two thirds market, so that there is something to fit; sorted as core holds them.
MAKE = """
import sys, duckdb
path, listings, sessions, is_whole = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
con = duckdb.connect(path)
con.execute("CREATE SCHEMA core")
con.execute(f'''
CREATE TABLE moves AS
SELECT d, (DATE '2019-01-07' + (d // 5 * 7 + d % 5)::INTEGER) AS session_date,
  sum((hash(d) % 10007 / 10007.0 - 0.5) * 0.04) OVER (ORDER BY d) AS level
FROM range({sessions}) AS r(d)
''')
con.execute(f'''
CREATE TABLE core.daily_prices AS
WITH walks AS (
  SELECT t, d, session_date,
    4 + level + sum((hash(t * 100003 + d) % 10007 / 10007.0 - 0.5) * 0.06) OVER (
      PARTITION BY t ORDER BY d) AS c,
    hash(t * 99991 + d) % 997 / 997.0 * 0.02 AS wide
  FROM range({listings}) AS r(t), moves
)
SELECT 'XNYS:T' || lpad(t::VARCHAR, 5, '0') AS listing_id, 'T' || t AS ticker, session_date,
  CASE WHEN {is_whole} THEN exp(c - wide / 3) END AS open,
  CASE WHEN {is_whole} THEN exp(c + wide) END AS high,
  CASE WHEN {is_whole} THEN exp(c - wide) END AS low,
  exp(c) AS close, NULL::DOUBLE AS adj_close, (1000 + d * 17 % 5000)::DOUBLE AS volume,
  'USD' AS currency, 1::DOUBLE AS split_ratio_after, 'files' AS source, '' AS quality_flags,
  1::BIGINT AS n_sources,
  0::BIGINT AS n_quarantined, false AS is_simulated, TIMESTAMP '2025-01-01' AS as_of
FROM walks ORDER BY session_date, listing_id
''')
con.execute('''
CREATE TABLE core.market_returns AS
SELECT 'US' AS region, session_date, 'SPY' AS market, level AS log_level, false AS is_simulated,
  TIMESTAMP '2025-01-01' AS as_of FROM moves
''')
con.execute('''
CREATE TABLE core.instruments AS
SELECT DISTINCT listing_id, ticker, 'US' AS region, 'Chips' AS sector, 'USD' AS currency,
  NULL::VARCHAR AS issuer_id, true AS is_primary FROM core.daily_prices
''')
con.execute('''
CREATE TABLE core.shares_outstanding AS
SELECT listing_id, DATE '2018-01-01' AS known_on, 1e8 AS shares_outstanding,
  1.0 AS split_ratio_after FROM core.instruments
''')
con.execute('''
CREATE TABLE core.fx_rates (
  rate_date DATE, currency VARCHAR, usd_per_currency DOUBLE, as_of TIMESTAMP)
''')
con.execute('''
CREATE TABLE core.abnormal_returns AS
SELECT listing_id, session_date, ln(close / lag(close) OVER bars) AS log_return,
  level - lag(level) OVER bars AS market_log_return, false AS has_simulated_inputs, as_of
FROM core.daily_prices JOIN moves USING (session_date)
WINDOW bars AS (PARTITION BY listing_id ORDER BY session_date) ORDER BY session_date, listing_id
''')
"""
# What DuckDB takes for an expression, and what a stream takes in all, into Parquet as in a step.
RUN = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")
import duckdb, ibis, numpy, pandas, pyarrow.parquet
from selloff import drawdowns, returns, risk_measures
path, case, target = sys.argv[1:]
con = duckdb.connect(path, read_only=True)
con.execute("SET threads = 2")
backend = ibis.duckdb.from_connection(con)
table = lambda name: backend.table(name, database="core")
bars = table("daily_prices")
if case == "scan of the bars":
    numbers = ", ".join(f"sum({name})" for name in ("open", "high", "low", "close", "volume"))
    sql = f"SELECT max(listing_id), max(session_date), {numbers} FROM core.daily_prices"
    started = time.process_time()
    con.execute(sql).fetchall()
elif case == "risk_measures":
    started = time.process_time()
    result = risk_measures.risk_measures(bars, table("abnormal_returns"))
    with pyarrow.parquet.ParquetWriter(target, result.schema) as writer:
        for batch in result:
            writer.write_batch(batch)
else:
    names = ("instruments", "shares_outstanding", "fx_rates")
    result = (
        returns.abnormal_returns(bars, table("market_returns"), table("instruments"))
        if case == "abnormal_returns"
        else drawdowns.drawdown_episodes(bars, *map(table, names))
    )
    sql = ibis.to_sql(result, dialect="duckdb")
    started = time.process_time()
    con.execute(f"CREATE TEMP TABLE result AS {sql}")
took = time.process_time() - started
print(json.dumps([took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def panel(name: str, folder: Path) -> None:
    """Make one panel, run every case on it in turns, print CPU seconds and peak memory."""
    listings, sessions, is_whole, limits = PANELS[name]
    path, target = folder / f"{name}.duckdb", folder / "result.parquet"
    _python(MAKE, str(path), str(listings), str(sessions), str(is_whole))
    seen: dict[str, list[tuple[float, float]]] = {case: [] for case in CASES}
    for _ in range(ROUNDS):
        for case in CASES:
            seen[case].append(tuple(json.loads(_python(RUN, str(path), case, str(target)))))
    print(f"{listings:,} listings x {sessions:,} sessions (memory limit {MEMORY_LIMIT:,} MB)")
    scan = limit(SCAN, statistics.median(cpu for cpu, _ in seen[SCAN]))
    for case, runs in seen.items():
        cpu, peak = (statistics.median(values) for values in zip(*runs, strict=True))
        at_most = f"(limit {limits[case]})" if case in limits else ""
        print(f"  {case:<20} {cpu:6.2f} CPU s  {peak:6.0f} MB  {at_most}")
        if case != SCAN:
            size = f"{case.replace('_', ' ')}, {listings:,} listings x {sessions:,} sessions"
            tell(size, cpu, "CPU s", scan, goal=limits.get(case))
            tell("its peak memory", peak, "MB", goal=MEMORY_LIMIT)


def _python(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return done.stdout.splitlines()[-1] if done.stdout else ""


with tempfile.TemporaryDirectory() as home:
    for chosen in sys.argv[1:] or PANELS:
        panel(chosen, Path(home))
