"""The rolling market model of every listing in every session: the walk, its definition, Polars.

python benchmarks/market_model.py [FOLDER [LISTINGS SESSIONS]]     5,000 x 4,640 = 23.2 M rows

Closes of a market in order of sessions lie in a Parquet file in FOLDER; each way reads it in a
process of its own and writes session, listing, log return, alpha, beta, residual sigma, abnormal
return and z to another (snappy). All have two threads, DuckDB 2 GB. "scan and copy" reads the same
columns and writes as many: what no way can be below. Polars is asked in the environment whose
Python SELLOFF_POLARS names; where it is not installed, its line says so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LISTINGS, SESSIONS = 5_000, 4_640
# Sessions in a row group of the file, which is how an engine that asks for some reads few others.
TOGETHER = 100

COLUMNS = (
    "listing_id, session_date, log_return, alpha, beta, residual_sigma, abnormal_return, abnormal_z"
)
OPEN = """
import resource, sys, time
import duckdb, ibis, pyarrow.parquet as pq
from selloff import returns, session_returns
bars_path, market_path, target = sys.argv[1:]
con = duckdb.connect(config={"memory_limit": "2GB", "threads": 2})
con.execute(f"CREATE VIEW bars AS FROM read_parquet('{bars_path}')")
con.execute(f"CREATE TABLE market AS FROM read_parquet('{market_path}')")
con.execute("CREATE TABLE listed AS SELECT DISTINCT listing_id, 'US' AS region FROM bars")
backend = ibis.duckdb.from_connection(con)
core = [backend.table(name) for name in ("bars", "market", "listed")]
"""
WAYS = {
    "walk over sessions (core.abnormal_returns)": OPEN
    + f"""
rows = session_returns.abnormal_returns(*core)
names = "{COLUMNS}".split(", ")
schema = rows.schema
import pyarrow as pa
# As other writers do of themselves: figures that never repeat go into no dictionary.
how = {{"use_dictionary": ["listing_id"], "write_statistics": False}}
with pq.ParquetWriter(target, pa.schema([schema.field(name) for name in names]), **how) as writer:
    for batch in rows:
        writer.write_batch(batch.select(names))
""",
    "its definition in Ibis, on DuckDB": OPEN
    + f"""
sql = ibis.to_sql(returns.abnormal_returns(*core).select(*"{COLUMNS}".split(", ")), "duckdb")
con.execute(f"COPY ({{sql}}) TO '{{target}}' (FORMAT parquet)")
""",
    "Polars": """
import sys
import polars as pl
bars_path, market_path, target = sys.argv[1:]
market = pl.scan_parquet(market_path).select("session_date", "log_level")
rows = (
    pl.scan_parquet(bars_path)
    .select("listing_id", "session_date", pl.col("close").log().alias("level"))
    .join(market, on="session_date", how="left")
    .sort("listing_id", "session_date")
    .with_columns(
        y=pl.col("level").diff().over("listing_id"),
        x=pl.col("log_level").diff().over("listing_id"),
    )
    .with_columns(n=pl.col("x").is_not_null().cast(pl.Float64), xx=pl.col("x") ** 2,
                  xy=pl.col("x") * pl.col("y"), yy=pl.col("y") ** 2)
)
def total(name):
    return pl.col(name).rolling_sum(250, min_samples=200).shift(11).over("listing_id")
rows = rows.with_columns(
    **{f"s_{name}": total(name) for name in ("n", "x", "y", "xx", "xy", "yy")}
)
n, sx, sy = pl.col("s_n"), pl.col("s_x"), pl.col("s_y")
rows = rows.with_columns(
    cxx=pl.col("s_xx") - sx * sx / n, cxy=pl.col("s_xy") - sx * sy / n,
    cyy=pl.col("s_yy") - sy * sy / n,
).with_columns(beta=pl.col("cxy") / pl.col("cxx")).with_columns(
    alpha=sy / n - pl.col("beta") * sx / n,
    residual_sigma=((pl.col("cyy") - pl.col("beta") * pl.col("cxy")) / (n - 2)).sqrt(),
).with_columns(
    abnormal_return=pl.col("y") - pl.col("alpha") - pl.col("beta") * pl.col("x"),
).with_columns(
    abnormal_z=pl.col("abnormal_return") / (pl.col("residual_sigma")
        * (1 + 1 / n + (pl.col("x") - sx / n) ** 2 / pl.col("cxx")).sqrt()),
)
rows.select("listing_id", "session_date", pl.col("y").alias("log_return"), "alpha", "beta",
    "residual_sigma", "abnormal_return", "abnormal_z",
).collect().write_parquet(target, compression="snappy")
""",
    "scan and copy": OPEN  # noqa: S608 - names of this file
    + """
con.execute(f\"\"\"COPY (SELECT listing_id, session_date, close AS a, volume AS b, close + 1 AS c,
  volume + 1 AS d, close + 2 AS e, volume + 2 AS f FROM bars) TO '{target}' (FORMAT parquet)\"\"\")
""",
}
# The programs end by telling what they took.
TELL = """
import json, resource
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""
AGREE = f"""
SELECT count(*), max(abs(a.beta - b.beta)), max(abs(a.abnormal_return - b.abnormal_return)),
  max(abs(a.abnormal_z - b.abnormal_z)), count(*) FILTER ((a.beta IS NULL) <> (b.beta IS NULL))
FROM (SELECT {COLUMNS} FROM read_parquet(?)) AS a
JOIN (SELECT {COLUMNS} FROM read_parquet(?)) AS b USING (listing_id, session_date)
WHERE listing_id < ?
"""  # noqa: S608 - names of this file


def make(folder: Path, n_listings: int, n_sessions: int) -> tuple[Path, Path]:
    """Write seeded closes in order of sessions, and their market; return both files."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    bars, market = folder / f"bars_{n_listings}x{n_sessions}.parquet", folder / "market.parquet"
    random = np.random.default_rng(8)
    days = np.busday_offset("2007-01-01", np.arange(n_sessions), roll="forward")
    moves = random.normal(0, 0.009, n_sessions)
    level = {"region": "US", "market": "SPY", "is_simulated": False, "as_of": np.datetime64("2025")}
    columns = {name: np.full(n_sessions, value) for name, value in level.items()}
    columns["as_of"] = columns["as_of"].astype("datetime64[us]")
    pq.write_table(
        pa.table({"session_date": days, "log_level": np.cumsum(moves), **columns}), market
    )
    names = pa.array([f"FILE:Q{place:05d}" for place in range(n_listings)])
    betas, levels = random.normal(1, 0.4, n_listings), np.full(n_listings, 4.0)
    writer = None
    for start in range(0, n_sessions, TOGETHER):
        here = days[start : start + TOGETHER]
        steps = moves[start : start + TOGETHER, None] * betas
        steps = levels + np.cumsum(steps + random.normal(0, 0.02, steps.shape), axis=0)
        levels, count = steps[-1], steps.size
        listing = pa.DictionaryArray.from_arrays(np.tile(np.arange(n_listings), len(here)), names)
        table = pa.table(
            {
                "listing_id": listing.dictionary_decode(),
                "ticker": listing.dictionary_decode(),
                "session_date": np.repeat(here, n_listings),
                "close": np.exp(steps).ravel(),
                "volume": random.integers(1, 10**6, count).astype(float),
                "split_ratio_after": pa.array(np.ones(count)),
                "quality_flags": pa.array(np.full(count, "")),
                "n_quarantined": np.zeros(count, np.int64),
                "is_simulated": np.zeros(count, bool),
                "as_of": np.full(count, np.datetime64("2025-01-01T00:00:00", "us")),
            }
        )
        writer = writer or pq.ParquetWriter(bars, table.schema)
        writer.write_table(table, row_group_size=count)
    if writer:
        writer.close()
    return bars, market


def run(code: str, bars: Path, market: Path, target: Path) -> tuple[float, float, float] | None:
    """Run one way; return its wall seconds, CPU seconds and peak MB, None if it cannot be run."""
    threads = {"POLARS_MAX_THREADS": "2", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    peer = os.environ.get("SELLOFF_POLARS", sys.executable)
    started = time.perf_counter()
    done = subprocess.run(
        [
            peer if "polars" in code else sys.executable,
            "-c",
            code + TELL,
            str(bars),
            str(market),
            str(target),
        ],
        cwd=ROOT,
        env={**os.environ, **threads},
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - started
    if done.returncode:
        print(done.stderr.splitlines()[-1])
        return None
    cpu, peak = json.loads(done.stdout.splitlines()[-1])
    return took, cpu, peak


def main() -> None:
    """Make the panel if it is not there, run every way, print times the first one took."""
    import duckdb

    folder = Path(sys.argv[1]) if sys.argv[1:] else Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    n_listings, n_sessions = map(int, sys.argv[2:4] or (LISTINGS, SESSIONS))
    bars, market = make(folder, n_listings, n_sessions)
    print(f"{n_listings * n_sessions:,} rows, load {os.getloadavg()[0]:.1f}")
    print("| way | wall s | CPU s | peak MB | CPU, ours = 1 |\n| --- | --- | --- | --- | --- |")
    ours, targets = None, []
    for name, code in WAYS.items():
        targets.append(folder / f"found_{len(targets)}.parquet")
        found = run(code, bars, market, targets[-1])
        if found is None:
            print(f"| {name} | not here | | | |", flush=True)
            continue
        ours = ours or found
        wall, cpu, peak = found
        ratio = cpu / ours[1]
        print(f"| {name} | {wall:.1f} | {cpu:.1f} | {peak:,.0f} | {ratio:.2f} |", flush=True)
    with duckdb.connect() as con:
        for name, target in zip(list(WAYS)[1:3], targets[1:3], strict=True):
            if target.exists():
                some = ["FILE:Q00050"]
                found = con.execute(AGREE, [str(targets[0]), str(target), *some]).fetchall()[0]
                print(f"{name}: rows, largest differences of beta, AR, z, unlike NULLs: {found}")
    for target in targets:
        target.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
