"""A run that is killed wherever it stands, and run again, gives what one clean run gives.

Raw and core to the last bit, measures to 1e-12: parallel sums are not bit-stable in DuckDB. The
environment's ``SELLOFF_KILLS`` says how often it is killed at random moments, beside the chosen
ones; a hundred seconds for fifty.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import time
from contextlib import suppress
from types import SimpleNamespace

import pytest

from resources.warehouse import Warehouse
from tests.pipeline import small_runs
from warehouse.tables import TABLES

pytestmark = pytest.mark.pipeline

# When, by whom and in which load a row was written; not what it says.
STAMPS = {
    "load_id",
    "known_from",
    "as_of",
    "fall_as_of",
    "first_seen_at",
    "last_seen_at",
    "resolved_at",
}
# Floats that are sums over many rows, in parallel, or rest on such; the rest of raw and core is bit
# for bit.
SUMMED = {
    "core.abnormal_returns",
    "core.group_returns",
    "core.market_returns",
    "core.risk_measures",
}
# The step in which each attempt is killed, and how many seconds after it began.
MOMENTS = (
    ("raw__price_vintages", 0.1),
    ("core__daily_prices", 0.25),
    ("core__abnormal_returns", 0.15),
    ("mart__selloff_metrics", 0.3),
    ("meta__releases", 0.05),
)

KILLS = int(os.environ.get("SELLOFF_KILLS", "1"))
DICE = random.Random(27)  # noqa: S311 - moments, not secrets

# What every run imports anyway, once for all of them.
PRELOADED = [
    "definitions",
    "dagster._core.execution.execute_in_process",
    "dagster._core.storage.event_log",
    "exchange_calendars",
    "great_expectations",
    "ibis.backends.duckdb",
    "pandas",
    "py3langid",
    "pyarrow.parquet",
    "sqlalchemy.dialects.sqlite",
    "trafilatura",
]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Prices of six tickers, and a warehouse that holds all but the newest of them."""
    home = tmp_path_factory.mktemp("killed")
    prices = home / "prices.csv"
    days = small_runs.write_prices(prices)
    seeded = home / "seed.duckdb"
    small_runs.seed(seeded, prices, days)
    return SimpleNamespace(home=home, prices=prices, seeded=seeded, first=days[-small_runs.N_NEW])


@pytest.fixture(scope="module")
def start(small):
    """Start a run in a process of its own; return it with the steps it reports."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)

    def begin(path):
        mine, theirs = context.Pipe(duplex=False)
        arguments = (str(path), str(small.prices), small.first, theirs)
        process = context.Process(target=small_runs.run, args=arguments)
        process.start()
        theirs.close()
        return process, mine

    return begin


def steps_of(pipe):
    """Yield the steps as they start, until the process is gone."""
    while True:
        try:
            yield pipe.recv()
        except EOFError:
            return


def content(path):
    """Return what every table says that is not bookkeeping."""
    said = {}
    with Warehouse(path=str(path)).reading() as con:
        for table in TABLES:
            columns = [name for name in table.column_names if name not in STAMPS]
            if table.layer != "meta" and table.name != "fetches":
                sql = f"SELECT {', '.join(columns)} FROM {table.qualified} ORDER BY ALL"
                said[table.qualified] = con.execute(sql).fetchall()
    return said


@pytest.fixture(scope="module")
def clean(small, start):
    """The warehouse after one run that nobody disturbed."""
    path = small.home / "clean" / "selloff.duckdb"
    path.parent.mkdir()
    shutil.copy(small.seeded, path)
    process, pipe = start(path)
    steps = list(steps_of(pipe))
    process.join()
    assert process.exitcode == 0
    return SimpleNamespace(path=path, steps=steps, content=content(path))


def differing(found, expected):
    """Return the values that differ: at all in raw and core, by more than 1e-12 in measures."""
    return [
        (name, one, other)
        for name, rows in expected.items()
        for row, same in zip(rows, found[name], strict=True)
        for one, other in zip(row, same, strict=True)
        if one != other and not (is_measure(name, one) and one == pytest.approx(other, rel=1e-12))
    ]


def is_measure(name, value):
    return isinstance(value, float) and (name in SUMMED or name.startswith("mart."))


def kill(process, pipe, step, seconds):
    """Kill the process with -9, so long after the step began; return how it ended."""
    for begun in steps_of(pipe):
        if begun == step:
            time.sleep(seconds)
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
    process.join()
    return process.exitcode


def test_the_clean_run_goes_through_every_moment_and_finds_the_fall(clean):
    assert {step for step, _ in MOMENTS} <= set(clean.steps)
    assert clean.steps[-1] == "end"
    events = clean.content["mart.selloff_events"]
    assert small_runs.FALL in {value for event in events for value in event}
    assert len(clean.content["core.daily_prices"]) == small_runs.N_SESSIONS * 6


def moments(steps):
    """Return when to kill: the chosen moments, and as many random ones as the environment says."""
    return [*MOMENTS, *((DICE.choice(steps[:-1]), DICE.uniform(0, 0.4)) for _ in range(KILLS))]


def test_a_run_killed_again_and_again_and_run_to_its_end_equals_a_clean_one(small, start, clean):
    path = small.home / "killed" / "selloff.duckdb"
    path.parent.mkdir()
    shutil.copy(small.seeded, path)
    for step, seconds in moments(clean.steps):
        process, pipe = start(path)
        # A step shorter than the moment lets the run come to its end: that is a run, too.
        assert kill(process, pipe, step, seconds) in {-signal.SIGKILL, 0}
        published = Warehouse(path=str(path)).published
        # Whoever reads in between finds a whole release or none.
        assert not published.exists() or content(published)
    process, pipe = start(path)
    assert list(steps_of(pipe)) == clean.steps
    process.join()
    assert process.exitcode == 0
    assert not differing(content(path), clean.content)
    released = Warehouse(path=str(path))
    with released.reading_release() as con:
        counted = con.execute("SELECT count(*) FROM mart.selloff_events").fetchall()[0][0]
    assert counted == len(clean.content["mart.selloff_events"])
    assert not list(path.parent.glob("releases/.*"))
    assert not list(path.parent.glob("spill/*"))
