"""Whether those who share a warehouse wait for each other, and never longer than they must."""

from __future__ import annotations

import time

import pytest

from resources.warehouse import Warehouse, WarehouseError, files


def test_two_processes_that_write_at_once_both_succeed(warehouse, query, at_once):
    import warehouse_workers as workers

    ends = at_once(workers.land, *((warehouse.path, name, 6) for name in ("MU", "AMD")))
    assert ends == [0, 0]
    sql = "SELECT ticker, count(*) FROM raw.price_vintages GROUP BY ALL ORDER BY ALL"
    assert query(warehouse, sql) == [("AMD", 6), ("MU", 6)]
    assert query(warehouse, "SELECT max(version) FROM meta.changes") == [(12,)]


def test_readers_do_not_exclude_each_other(warehouse):
    with warehouse.reading() as one, warehouse.reading() as two:
        assert one.execute("SELECT 1").fetchall() == two.execute("SELECT 1").fetchall()


@pytest.mark.parametrize(("held", "wanted"), [(True, True), (True, False), (False, True)])
def test_whoever_waits_too_long_is_told_in_one_line(tmp_path, held, wanted):
    path = tmp_path / "selloff.duckdb"
    with (
        files.locked(path, exclusive=held),
        pytest.raises(WarehouseError) as late,
        files.locked(path, exclusive=wanted, timeout_seconds=0.05),
    ):
        pytest.fail("the lock was given twice")
    assert str(late.value) == f"{path}: another process has held the warehouse for 0.05 s"


def test_the_lock_is_free_again_after_an_error(tmp_path):
    path = tmp_path / "selloff.duckdb"
    with pytest.raises(ZeroDivisionError), files.locked(path, exclusive=True):
        raise ZeroDivisionError
    with files.locked(path, exclusive=True, timeout_seconds=0):
        pass


def test_the_lock_dies_with_its_holder(tmp_path, processes):
    import warehouse_workers as workers

    path, started = tmp_path / "selloff.duckdb", processes.Event()
    holder = processes.Process(target=workers.hold, args=(str(path), started))
    holder.start()
    assert started.wait(30)
    with (
        pytest.raises(WarehouseError),
        files.locked(path, exclusive=False, timeout_seconds=0.05),
    ):
        pytest.fail("the other process did not hold the lock")
    holder.kill()
    holder.join()
    began = time.monotonic()
    with files.locked(path, exclusive=True, timeout_seconds=30):
        assert time.monotonic() - began < 15


def test_a_writer_that_fails_leaves_file_and_lock_to_the_next(warehouse, query):
    with pytest.raises(ZeroDivisionError), warehouse.writing():
        raise ZeroDivisionError
    with warehouse.writing() as con:
        con.execute("INSERT INTO meta.warehouse VALUES ('real', TIMESTAMP '2025-01-27')")
    assert query(warehouse, "SELECT kind FROM meta.warehouse") == [("real",)]


def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(WarehouseError, match="cannot be locked") as refused,
        Warehouse(path=str(tmp_path / "file" / "selloff.duckdb")).reading(),
    ):
        pytest.fail("it was opened")
    assert "\n" not in str(refused.value)
