"""What Spark costs against DuckDB for the same expressions, and from which size it could pay.

python benchmarks/engines.py                   1e5, 5e5 and 3e6 bars (needs .venv-spark and Java)
python benchmarks/engines.py 100000 500000     these sizes

Abnormal returns and drawdown episodes, from Parquet to Parquet, each engine in a process of its own
on the cores of this machine; CPU seconds with those of Java and of Spark's Python. Size 0 is the
start and one trivial query. Nothing is measured on several machines: where Spark would begin to pay
is extrapolated from straight lines through these points, with nothing counted for the network.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
SPARK_PYTHON = ROOT / ".venv-spark" / "bin" / "python"
SIZES = (100_000, 500_000, 3_000_000)
SESSIONS = 1000
DUCKDB, SPARK = "duckdb", "local[2]"
WORKERS = (2, 4, 8, 16)
TABLES = ("daily_prices", "market_returns", "instruments", "shares_outstanding", "fx_rates")
_MAKE = """
CREATE TABLE moves AS SELECT d, (DATE '2019-01-07' + (d // 5 * 7 + d % 5)::INTEGER) AS session_date,
  sum((hash(d) % 10007 / 10007.0 - 0.5) * 0.04) OVER (ORDER BY d) AS level
  FROM range({sessions}) r(d);
CREATE TABLE daily_prices AS SELECT 'XNYS:T' || t AS listing_id, 'T' || t AS ticker, session_date,
  NULL::DOUBLE AS open, NULL::DOUBLE AS high, NULL::DOUBLE AS low, NULL::DOUBLE AS adj_close,
  exp(4 + level + sum((hash(t * 100003 + d) % 10007 / 10007.0 - 0.5) * 0.06)
    OVER (PARTITION BY t ORDER BY d)) AS close, (1000 + d * 17 % 5000)::DOUBLE AS volume,
  'USD' AS currency, 1::DOUBLE AS split_ratio_after, 'files' AS source, '' AS quality_flags,
  1::BIGINT AS n_sources,
  0::BIGINT AS n_quarantined, false AS is_simulated, TIMESTAMP '2025-01-01' AS as_of
  FROM range({listings}) r(t), moves ORDER BY session_date, listing_id;
CREATE TABLE market_returns AS SELECT 'US' AS region, session_date, 'SPY' AS market,
  level AS log_level, false AS is_simulated, TIMESTAMP '2025-01-01' AS as_of FROM moves;
CREATE TABLE instruments AS SELECT DISTINCT listing_id, ticker, 'US' AS region, 'Chips' AS sector,
  'USD' AS currency, NULL::VARCHAR AS issuer_id, true AS is_primary FROM daily_prices;
CREATE TABLE shares_outstanding AS SELECT listing_id, DATE '2018-01-01' AS known_on,
  1e8 AS shares_outstanding, 1.0::DOUBLE AS split_ratio_after FROM instruments;
CREATE TABLE fx_rates (rate_date DATE, currency VARCHAR, usd_per_currency DOUBLE, as_of TIMESTAMP);
"""


def make(folder: Path, n_bars: int) -> None:
    """Write random walks of two thirds market, and what else the expressions read, as Parquet."""
    import duckdb

    folder.mkdir()
    with duckdb.connect() as con:
        con.execute(_MAKE.format(sessions=SESSIONS, listings=max(n_bars // SESSIONS, 1)))
        for name in TABLES:
            con.execute(f"COPY {name} TO '{folder / name}.parquet' (FORMAT parquet)")


def once(engine: str, folder: str, case: str) -> None:
    """Run both expressions on an engine, or only start it; wait for its Java, to be counted."""
    import warnings

    warnings.simplefilter("ignore")
    from resources.engine import connected, sessions

    java = None
    with connected(engine) as backend:
        if engine == DUCKDB:
            backend.con.execute("SELECT 1").fetchall()
        else:
            session = sessions.session_of(backend)
            java = session.sparkContext._gateway.proc  # noqa: SLF001 - pyspark has no word for it
            session.sql("SELECT 1").collect()
        if case != "start":
            _expressions(backend, Path(folder))
    if java is not None:
        java.stdin.close()  # by which it ends
        java.wait()


def _expressions(backend: Any, folder: Path) -> None:
    from resources.engine import shared
    from selloff import drawdowns, returns

    bars, market, listed, shares, rates = (
        backend.read_parquet(str(folder / f"{name}.parquet"), table_name=name) for name in TABLES
    )
    for name, asked in {
        "returns": returns.abnormal_returns(bars, market, listed),
        "drawdowns": drawdowns.drawdown_episodes(bars, listed, shares, rates),
    }.items():
        target = folder / f"{backend.name}-{name}-{time.monotonic_ns()}"
        if backend.name == DUCKDB:
            backend.con.execute(f"COPY ({backend.compile(asked)}) TO '{target}' (FORMAT parquet)")
        else:
            shared.rows_of(backend, asked).write.parquet(f"file://{target}")
            shared.release(backend)


def line(sizes: list[int], seconds: list[float]) -> tuple[float, float]:
    """Return a start and a cost per bar, by least squares of relative errors; neither below 0.

    Examples
    --------
    >>> start, slope = line([100, 1000], [12.0, 30.0])
    >>> round(start, 6), round(slope, 6)
    (10.0, 0.02)
    """
    n, y = np.array(sizes, float), np.array(seconds)
    slope, start = np.polyfit(n, y, 1, w=1 / y)
    return max(float(start), 0.0), max(float(slope), 0.0)


def pays_from(ours: tuple[float, float], theirs: tuple[float, float], n_workers: int) -> float:
    """Return the bars from which so many machines of Spark are as fast as one of DuckDB.

    Parameters
    ----------
    ours, theirs : pair of float
        Start and seconds per bar of DuckDB and of Spark on one machine.
    n_workers : int
        Machines like it, among which Spark's cost per bar is divided evenly; its start is not.

    Returns
    -------
    float
        Infinite where they are never.

    Examples
    --------
    >>> pays_from((1.0, 1e-6), (10.0, 3e-6), 6)
    18000000.0
    >>> pays_from((1.0, 1e-6), (10.0, 3e-6), 3)
    inf
    """
    gain = ours[1] - theirs[1] / n_workers
    return max(theirs[0] - ours[0], 0.0) / gain if gain > 0 else math.inf


def main() -> None:
    """Measure the starts and the sizes; print and tell them, then what follows."""
    from _child import measure
    from _records import peer, tell

    sizes = [int(each) for each in sys.argv[1:]] or list(SIZES)
    pythons = {DUCKDB: sys.executable, SPARK: str(SPARK_PYTHON)}
    seen: dict[str, list[float]] = {DUCKDB: [], SPARK: []}
    with tempfile.TemporaryDirectory() as home:
        for n_bars in (0, *sizes):
            folder = Path(home) / str(n_bars)
            if n_bars:
                make(folder, n_bars)
            case = "run" if n_bars else "start"
            for engine, python in pythons.items():
                cpu, _ = measure([python, __file__, "once", engine, str(folder), case])
                seen[engine].append(cpu)
            ours, theirs = (found[-1] for found in seen.values())
            what = f"{n_bars:,} bars" if n_bars else "start, one trivial query"
            print(f"{what:<26} DuckDB {ours:7.1f}  Spark {theirs:7.1f} CPU s", flush=True)
            tell(what, ours, "CPU s", peer(f"Spark {SPARK}, its Java too", theirs))
    fits = [line(sizes, seen[engine][1:]) for engine in (DUCKDB, SPARK)]
    for name, (start, slope) in zip(("DuckDB", "Spark"), fits, strict=True):
        print(f"{name}: {start:.1f} CPU s + {slope * 1e6:.2f} for a million bars")
    for n_workers in WORKERS:
        bars = pays_from(*fits, n_workers)
        print(f"extrapolated: {n_workers} such machines pay from {bars:,.0f} bars")
        if math.isfinite(bars):
            tell(f"{n_workers} such machines pay from (extrapolated)", bars / 1e6, "million bars")


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
    if sys.argv[1:2] == ["once"]:
        once(*sys.argv[2:])
    else:
        main()
