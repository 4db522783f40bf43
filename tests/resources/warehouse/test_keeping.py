"""Whether a run keeps the core file open, what of a use outlives it, and who gets the file then."""

from __future__ import annotations

import threading
import time

import dagster as dg
import duckdb
import pyarrow as pa
import pytest

from resources.clock import Clock
from resources.warehouse import Warehouse, WarehouseError, files, keeping, locks
from resources.warehouse.spill import arrow_schema
from warehouse.tables.prices import DAILY_PRICES, PRICE_VINTAGES
from warehouse.tables.returns import MARKET_RETURNS

PATIENCE = 30


@pytest.fixture
def openings(monkeypatch):
    """The times that a DuckDB file was opened, each as (name, read only)."""
    found, plain = [], files.connect

    def connect(path, *, read_only):
        found.append((path.name, read_only))
        return plain(path, read_only=read_only)

    monkeypatch.setattr(files, "connect", connect)
    return found


@pytest.fixture
def kept(warehouse):
    """A warehouse whose core file is kept open as long as the test lasts."""
    with files.kept_open(warehouse.file):
        yield warehouse


@pytest.fixture
def keeper(kept):
    return keeping.keeper_of(kept.file)


def landed(warehouse):
    with warehouse.reading() as con:
        sql = "SELECT ticker, count(*) FROM raw.price_vintages GROUP BY ALL ORDER BY ALL"
        return con.execute(sql).fetchall()


def eventually(is_so):
    """Wait until something is so, at most as long as a slow machine may need."""
    until = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < until, "it never was"
        time.sleep(0.01)


def a_use(warehouse, *, writes):
    with warehouse.writing() if writes else warehouse.reading() as con:
        return con.execute("SELECT 1").fetchall()


@pytest.mark.parametrize("first", [True, False])
def test_the_file_is_opened_once_whoever_uses_it_first(kept, openings, first):
    for writes in (first, not first, first):
        assert a_use(kept, writes=writes) == [(1,)]
    assert openings == [("selloff.duckdb", False)]


def test_without_keeping_each_use_opens_the_file(warehouse, openings):
    for writes in (True, False, True):
        a_use(warehouse, writes=writes)
    assert [read_only for _, read_only in openings] == [False, True, False]


def test_what_was_written_is_read_and_lies_in_the_file_itself_afterwards(
    warehouse, bar, batch, now
):
    with files.kept_open(warehouse.file):
        warehouse.land(PRICE_VINTAGES, batch(bar()), run_id="one", now=now)
        assert landed(warehouse) == [("NVDA", 1)]
    assert keeping.keeper_of(warehouse.file) is None
    assert not warehouse.file.with_name("selloff.duckdb.wal").exists()
    with duckdb.connect(str(warehouse.file), read_only=True) as con:
        assert con.execute("SELECT ticker FROM raw.price_vintages").fetchall() == [("NVDA",)]


def test_what_a_use_made_for_itself_ends_with_it(kept):
    with kept.writing() as con:
        con.execute("CREATE TEMP TABLE held AS SELECT 1 AS a")
        con.execute("CREATE TEMP VIEW computed AS SELECT 2 AS a")
        con.register("appended", pa.table({"a": [3]}))
    with kept.reading() as con:
        for name in ("held", "computed", "appended"):
            with pytest.raises(duckdb.CatalogException, match=name):
                con.execute(f"FROM {name}")


def test_a_use_that_fails_is_undone_and_the_next_opens_the_file_anew(kept, keeper, openings):
    def fail():
        with kept.writing() as con:
            con.begin()
            con.execute("INSERT INTO meta.warehouse VALUES ('real', TIMESTAMP '2025-01-27')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not keeper.is_open
    with kept.reading() as con:
        assert con.execute("SELECT count(*) FROM meta.warehouse").fetchall() == [(0,)]
    assert len(openings) == 2


def test_uses_at_once_have_a_cursor_each_and_the_last_one_closes(kept, keeper):
    def fail(beside):
        with kept.reading() as con:
            assert con is not beside
            raise ZeroDivisionError

    with kept.reading() as one:
        with pytest.raises(ZeroDivisionError):
            fail(one)
        assert keeper.is_open  # somebody is in the middle of it
        assert one.execute("SELECT 2").fetchall() == [(2,)]


def test_much_memory_is_not_held_between_uses(kept, keeper, openings, monkeypatch):
    a_use(kept, writes=False)
    assert keeper.is_open
    monkeypatch.setattr(keeping, "MOST_BYTES", -1)
    a_use(kept, writes=False)
    assert not keeper.is_open
    a_use(kept, writes=False)
    assert len(openings) == 2


def test_one_thread_is_used_for_sums_alone(kept, now):
    """The number of threads belongs to the file, not to a cursor of it."""

    def threads(con):
        return con.execute("SELECT current_setting('threads')::INT").fetchall()[0][0]

    def compute(con, _days):
        seen.append(threads(con))
        return pa.Table.from_pylist([], schema=arrow_schema(MARKET_RETURNS))

    seen = []
    with kept.reading() as con:
        before = threads(con)
    stamp = {"run_id": "one", "now": now}
    kept.materialize(MARKET_RETURNS, compute, inputs=[DAILY_PRICES], days=None, **stamp)
    with kept.reading() as con:
        assert seen == [1]
        assert threads(con) == before


def test_a_computation_that_fails_gives_its_threads_back(kept, now):
    def compute(_con, _days):
        raise ZeroDivisionError

    with kept.reading() as con:
        before = con.execute("SELECT current_setting('threads')").fetchall()
        with pytest.raises(ZeroDivisionError):
            kept.materialize(
                MARKET_RETURNS, compute, inputs=[DAILY_PRICES], days=None, run_id="one", now=now
            )
        assert con.execute("SELECT current_setting('threads')").fetchall() == before


def test_what_copies_the_file_finds_it_closed(kept, bar, batch, now, tmp_path):
    kept.land(PRICE_VINTAGES, batch(bar()), run_id="one", now=now)
    kept.publish(run_id="one", is_backfill=False, now=now)
    with kept.reading_release() as con:
        assert con.execute("SELECT ticker FROM raw.price_vintages").fetchall() == [("NVDA",)]
    kept.backup(tmp_path / "kept.duckdb")
    kept.land(PRICE_VINTAGES, batch(bar(ticker="MU", listing_id="XNAS:MU")), run_id="2", now=now)
    assert landed(kept) == [("MU", 1), ("NVDA", 1)]
    kept.restore(tmp_path / "kept.duckdb")
    assert landed(kept) == [("NVDA", 1)]


def test_one_who_waits_gets_an_idle_file(kept, keeper, processes):
    import warehouse_workers as workers

    a_use(kept, writes=True)
    assert keeper.is_open
    other = processes.Process(target=workers.land, args=(kept.path, "MU", 1))
    other.start()
    other.join(PATIENCE)
    assert other.exitcode == 0
    assert landed(kept) == [("MU", 1)]


def test_one_who_waits_gets_the_file_after_the_use(kept, processes):
    """Uses that follow each other without a pause would otherwise never leave it to others."""
    import warehouse_workers as workers

    other = processes.Process(target=workers.land, args=(kept.path, "MU", 3))
    with kept.reading():
        other.start()
        eventually(lambda: locks.is_awaited(kept.file))
    eventually(lambda: landed(kept) == [("MU", 3)])
    other.join(PATIENCE)
    assert other.exitcode == 0
    assert not locks.is_awaited(kept.file)


def test_two_who_keep_the_same_file_both_come_to_write(warehouse, at_once):
    import warehouse_workers as workers

    ends = at_once(workers.land_kept, *((warehouse.path, name, 5) for name in ("AMD", "MU")))
    assert ends == [0, 0]
    assert landed(warehouse) == [("AMD", 5), ("MU", 5)]


def test_one_who_is_killed_while_keeping_loses_nothing_and_leaves_the_lock(warehouse, processes):
    import warehouse_workers as workers

    done = processes.Event()
    writer = processes.Process(target=workers.land_kept, args=(warehouse.path, "MU", 3, done))
    writer.start()
    assert done.wait(PATIENCE)
    writer.kill()
    writer.join()
    assert landed(warehouse) == [("MU", 3)]


def test_who_only_reads_does_not_wait_for_other_readers(kept, keeper, processes):
    import warehouse_workers as workers

    is_open, leave = processes.Event(), processes.Event()
    other = processes.Process(target=workers.read_once, args=(kept.path, is_open, leave))
    other.start()
    assert is_open.wait(PATIENCE)
    assert a_use(kept, writes=False) == [(1,)]
    assert not keeper.is_open
    leave.set()
    other.join(PATIENCE)
    a_use(kept, writes=False)
    assert keeper.is_open


def test_a_writer_waits_for_readers_as_long_as_it_may(kept, monkeypatch):
    plain = locks.locked

    def hasty(path, *, exclusive, timeout_seconds=0.05):
        return plain(path, exclusive=exclusive, timeout_seconds=timeout_seconds)

    monkeypatch.setattr(locks, "locked", hasty)
    with (
        plain(kept.file, exclusive=False),
        pytest.raises(WarehouseError, match="another process has held the warehouse"),
        kept.writing(),
    ):
        pytest.fail("it wrote beside a reader")


def test_nobody_is_awaited_unless_somebody_waits(tmp_path):
    path = tmp_path / "selloff.duckdb"
    assert not locks.is_awaited(path)
    assert list(tmp_path.iterdir()) == []

    def wait():
        with locks.locked(path, exclusive=False):
            pass

    with locks.locked(path, exclusive=True):
        waiting = threading.Thread(target=wait)
        waiting.start()
        eventually(lambda: locks.is_awaited(path))
    waiting.join(PATIENCE)
    assert not locks.is_awaited(path)


def test_a_run_within_a_run_keeps_what_the_outer_one_keeps(kept, keeper):
    with files.kept_open(kept.file):
        assert keeping.keeper_of(kept.file) is keeper
        a_use(kept, writes=False)
    assert keeper.is_open
    assert keeping.keeper_of(kept.file) is keeper


def test_a_use_that_outlasts_the_run_closes_the_file_itself(warehouse):
    use = warehouse.writing()
    with files.kept_open(warehouse.file):
        keeper = keeping.keeper_of(warehouse.file)
        con = use.__enter__()
    assert con.execute("SELECT 1").fetchall() == [(1,)]
    use.__exit__(None, None, None)
    assert not keeper.is_open
    with files.locked(warehouse.file, exclusive=True, timeout_seconds=0):
        pass


def test_a_run_of_dagster_opens_the_file_once_and_leaves_it(tmp_path, openings):
    @dg.op(required_resource_keys={"warehouse"})
    def step(context):
        with context.resources.warehouse.reading() as con:
            return len(con.execute("FROM meta.warehouse").fetchall())

    @dg.job
    def steps():
        for number in range(4):
            step.alias(f"step{number}")()

    held = Warehouse(path=str(tmp_path / "selloff.duckdb"))
    with held.reading():
        pass  # made before
    openings.clear()
    done = steps.execute_in_process(resources={"warehouse": held, "clock": Clock()})
    assert done.success
    assert openings == [("selloff.duckdb", False)]
    assert keeping.keeper_of(held.file) is None
