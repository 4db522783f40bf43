"""Time of 10,000 claims held against 3 million bars: python benchmarks/claim_checks.py."""

from __future__ import annotations

import datetime as dt
import resource
import time

import ibis
import numpy as np
import pyarrow as pa
from _records import limit, tell

from selloff.claim_checks.known import Market
from selloff.claim_checks.verdicts import claim_checks

N_LISTINGS, N_SESSIONS, N_CLAIMS = 1_000, 3_000, 10_000
FIRST, AS_OF = dt.date(2013, 1, 1), dt.datetime(2026, 1, 1)  # noqa: DTZ001 - UTC, without a zone
random = np.random.default_rng(7)

days = [FIRST + dt.timedelta(days=day) for day in range(N_SESSIONS * 7 // 5)]
days = [day for day in days if day.weekday() < 5][:N_SESSIONS]  # noqa: PLR2004 - Saturday
listings = [f"X:{number:04d}" for number in range(N_LISTINGS)]
steps = random.normal(0, 0.02, (N_LISTINGS, N_SESSIONS))
close = 100 * np.exp(np.clip(np.cumsum(steps, axis=1), -3, 3))
n_bars = close.size
bars = pa.table(
    {
        "listing_id": np.repeat(listings, N_SESSIONS),
        "session_date": pa.array(np.tile(np.array(days, "datetime64[D]"), N_LISTINGS)),
        **dict.fromkeys(("open", "high", "low", "close", "adj_close"), close.ravel()),
        "volume": np.ones(n_bars),
        "currency": pa.array(["USD"] * n_bars),
        "split_ratio_after": pa.array(np.ones(n_bars)),
        "quality_flags": pa.array([""] * n_bars),
        "n_quarantined": np.zeros(n_bars, int),
        "is_simulated": np.zeros(n_bars, bool),
        "as_of": pa.array([AS_OF] * n_bars, pa.timestamp("us")),
    }
)
closes = [dt.datetime.combine(day, dt.time(21)) for day in days]
rows = [
    {
        "claim_id": f"{number:05d}",
        "article_id": "1",
        "listing_id": listings[number % N_LISTINGS],
        "ticker": "A",
        "metric": "price_change",
        "direction": "down",
        "magnitude_low": 0.03,
        "magnitude_high": 0.03,
        "unit": "fraction",
        "resolution": 0.01,
        "bound": "exact",
        "period": "day",
        "n_sessions": None,
        "claimed_from": None,
        "is_ambiguous": False,
        "claimed_on": days[place],
        "published_at": closes[place] + dt.timedelta(hours=3),
        "as_of": AS_OF,
    }
    for number, place in enumerate(random.integers(10, N_SESSIONS, N_CLAIMS).tolist())
]
stamp, text = pa.timestamp("us"), pa.string()
none = {"listing_id": text, "session_date": pa.date32(), "reason": text, "as_of": stamp}
counts = {"listing_id": text, "known_on": pa.date32()}
counts |= dict.fromkeys(("shares_outstanding", "split_ratio_after"), pa.float64())
rates = {"currency": text, "rate_date": pa.date32(), "usd_per_currency": pa.float64()}
connection = ibis.duckdb.connect()
connection.con.register("arrow_bars", bars)
connection.con.execute("create table bars as from arrow_bars")
ones = {"listing_id": listings, "exchange_mic": ["X"] * N_LISTINGS, "issuer_id": listings}
calendar = {"exchange_mic": ["X"] * N_SESSIONS, "session_date": days, "closes_at": closes}
market = Market(
    connection.table("bars"),
    ibis.memtable(pa.schema(none).empty_table()),
    ibis.memtable(pa.table(calendar)),
    ibis.memtable(pa.table(ones)),
    ibis.memtable(pa.schema(counts).empty_table()),
    ibis.memtable(pa.schema(rates | {"as_of": stamp}).empty_table()),
)
articles = ibis.memtable(pa.table({"article_id": ["1"], "source": ["a"], "location": ["a"]}))
said = ibis.memtable(pa.Table.from_pylist(rows))
scan_started = time.process_time()
connection.con.execute("select max(listing_id), max(session_date), sum(close) from bars").fetchall()
scan = time.process_time() - scan_started
cpu_started, started = time.process_time(), time.perf_counter()
checked = claim_checks(said, articles, market)
seconds, cpu = time.perf_counter() - started, time.process_time() - cpu_started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{len(checked):,} claims, {n_bars:,} bars: {seconds:.1f} s, peak {peak:.0f} MB")
tell("10,000 claims, 3,000,000 bars", cpu, "CPU s", limit("scan of the bars", scan))
tell("its peak memory, the bars included", peak, "MB")
