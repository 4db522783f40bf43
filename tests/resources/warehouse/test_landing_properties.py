"""Whether landing agrees, on any mixture of good and bad bars, with the rules in plain Python."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.batch import Batch
from resources.warehouse import landing
from warehouse.contract import LAYERS
from warehouse.tables import TABLES
from warehouse.tables.prices import PRICE_VINTAGES

NOW = datetime(2025, 1, 27, 22, tzinfo=UTC)
TOLERANCE = 1 + 1e-6
PRICE = st.sampled_from([None, 0.0, -1.0, 9.99, 10.0, 10.000005, 10.1, math.nan, math.inf])
ROW = st.fixed_dictionaries({
    "listing_id": st.sampled_from(["XNAS:A", "XNAS:B", None]),
    "ticker": st.sampled_from(["A", "A", "A", None]),
    "session_date": st.sampled_from([date(2025, 1, 27), date(2025, 1, 28), None]),
    "open": PRICE,
    "high": PRICE,
    "low": PRICE,
    "close": PRICE,
    "adj_close": PRICE,
    "volume": st.sampled_from([None, 0.0, 5.0, -1.0, math.nan, -math.inf]),
    "source": st.just("files"),
})  # fmt: skip
PRICES = {"open": (10.0, 10.1), "high": (10.2, None), "low": (9.9, None), "close": (10.0, 10.05)}
GOOD = st.fixed_dictionaries({
    "listing_id": st.sampled_from(["XNAS:A", "XNAS:B"]),
    "ticker": st.just("A"),
    "session_date": st.dates(date(2025, 1, 27), date(2025, 1, 31)),
    "adj_close": st.none(),
    "volume": st.sampled_from([None, 5.0]),
    "source": st.just("files"),
    **{name: st.sampled_from(values) for name, values in PRICES.items()},
})  # fmt: skip
SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("listing_id", "ticker", "source")]
    + [("session_date", pa.date32())]
    + [(name, pa.float64()) for name in ("open", "high", "low", "close", "adj_close", "volume")]
)


def is_good(row):
    """The contract of a bar, by hand."""
    if any(row[name] is None for name in ("listing_id", "ticker", "session_date", "close")):
        return False
    prices = [row[name] for name in ("open", "high", "low", "close", "adj_close")]
    if any(p is not None and not (math.isfinite(p) and p > 0) for p in prices):
        return False
    if row["volume"] is not None and not (math.isfinite(row["volume"]) and row["volume"] >= 0):
        return False
    pairs = ("low high", "low open", "open high", "low close", "close high")
    values = [[row[side] for side in pair.split()] for pair in pairs]
    return all(None in pair or pair[0] <= pair[1] * TOLERANCE for pair in values)


def what_should_land(rows):
    """The first good bar of each listing and day."""
    kept = {}
    for row in filter(is_good, rows):
        kept.setdefault((row["listing_id"], row["session_date"]), row)
    return kept


@pytest.fixture(scope="module")
def con():
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for layer in LAYERS:
            connection.execute(f"CREATE SCHEMA {layer}")
        for table in TABLES:
            connection.execute(table.ddl())
        yield connection


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.one_of(ROW, GOOD, GOOD), max_size=12))
def test_every_delivered_row_lands_or_is_quarantined_as_the_rules_say(con, rows):
    for name in ("raw.price_vintages", "raw.quarantine", "meta.changes"):
        con.execute(f"DELETE FROM {name}")
    batch = Batch(pa.Table.from_pylist(rows, schema=SCHEMA), [])
    wanted = what_should_land(rows)

    written = landing.land(con, PRICE_VINTAGES, batch, run_id="one", now=NOW)

    assert written.n_rows + written.n_quarantined == len(rows)
    names = ", ".join(SCHEMA.names)
    held = con.execute(f"SELECT {names} FROM raw.price_vintages").fetchall()
    landed = [dict(zip(SCHEMA.names, row, strict=True)) for row in held]
    assert {(r["listing_id"], r["session_date"]): r for r in landed} == wanted
    assert len(landed) == len(wanted) == written.n_rows
    assert written.from_session == min((day for _, day in wanted), default=None)

    before = con.execute("FROM raw.quarantine ORDER BY ALL").fetchall()
    again = landing.land(con, PRICE_VINTAGES, batch, run_id="two", now=NOW)
    assert (again.n_rows, again.n_quarantined) == (0, written.n_quarantined)
    assert con.execute("FROM raw.quarantine ORDER BY ALL").fetchall() == before


@settings(max_examples=25, deadline=None)
@given(batches=st.lists(st.lists(GOOD, max_size=4), min_size=1, max_size=4))
def test_the_newest_version_is_always_the_one_delivered_last(con, batches):
    con.execute("DELETE FROM raw.price_vintages")
    newest = {}
    n_versions = 0
    for number, rows in enumerate(batches):
        wanted = what_should_land(rows)
        n_versions += sum(newest.get(key) != row for key, row in wanted.items())
        newest |= wanted
        batch = Batch(pa.Table.from_pylist(rows, schema=SCHEMA), [])
        landing.land(con, PRICE_VINTAGES, batch, run_id=f"run{number}", now=NOW)
    names = ", ".join(f"arg_max({name}, known_from)" for name in ("close", "volume", "open"))
    held = con.execute(
        f"SELECT listing_id, session_date, {names} FROM raw.price_vintages GROUP BY ALL"
    ).fetchall()
    # arg_max skips NULLs, so only the close, which is never NULL, is compared.
    assert {row[:2]: row[2] for row in held} == {k: row["close"] for k, row in newest.items()}
    assert con.execute("SELECT count(*) FROM raw.price_vintages").fetchall() == [(n_versions,)]
