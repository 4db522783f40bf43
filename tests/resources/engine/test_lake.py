"""What lies between the core file and Spark: once a version, complete, swept after kills."""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.engine import EngineError
from resources.engine.lake import FILE, Lake
from resources.engine.places import STAYS, Here, place
from resources.engine.results import Result, written
from resources.engine.spread import is_of_spark, told
from resources.warehouse import WarehouseError
from resources.warehouse.spill import Spill
from warehouse.tables import BY_NAME, TABLES
from warehouse.tables.instruments import LISTING_SYMBOLS as SYMBOLS
from warehouse.tables.meta import CHANGES

NOW = datetime.fromisoformat("2025-01-27T12:00")
INSERT = f"INSERT INTO {SYMBOLS.qualified} VALUES ('X:A', 'A', NULL, NULL)"


@pytest.fixture
def con():
    with closing(duckdb.connect()) as con:
        for contract in (SYMBOLS, CHANGES):
            con.execute(f"CREATE SCHEMA {contract.layer}")
            con.execute(contract.ddl())
        yield con


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake", tmp_path / "selloff.duckdb")


def change(con, version, run_id="run"):
    con.execute(
        "INSERT INTO meta.changes VALUES (?, ?, NULL, ?, ?)",
        [SYMBOLS.qualified, version, run_id, NOW],
    )


def test_a_version_is_written_once_and_the_one_before_is_deleted(con, lake):
    change(con, 1)
    first = lake.path_of(con, SYMBOLS)
    stamp = (first / FILE).stat().st_mtime_ns
    assert lake.path_of(con, SYMBOLS) == first
    assert (first / FILE).stat().st_mtime_ns == stamp
    con.execute(INSERT)
    change(con, 2)
    second = lake.path_of(con, SYMBOLS)
    assert pq.read_table(second / FILE)["listing_id"].to_pylist() == ["X:A"]
    assert [each.name for each in second.parent.iterdir()] == [second.name]


def test_a_version_counted_anew_after_a_restore_is_another(con, lake):
    change(con, 1)
    first = lake.path_of(con, SYMBOLS)
    con.execute("DELETE FROM meta.changes")
    change(con, 1, "another run")
    assert lake.path_of(con, SYMBOLS) != first


def test_rows_that_no_change_was_noted_for_are_seen(con, lake):
    first = lake.path_of(con, SYMBOLS)
    assert pq.read_table(first / FILE).num_rows == 0
    con.execute(INSERT)
    assert pq.read_table(lake.path_of(con, SYMBOLS) / FILE).num_rows == 1


def test_two_warehouses_in_one_lake_do_not_meet(tmp_path):
    places = {Lake(tmp_path, tmp_path / name / "selloff.duckdb").folder for name in "ab"}
    assert len(places) == 2


def test_what_a_killed_run_left_is_deleted_and_what_lives_is_not(lake):
    living, killed = lake.work(), lake.work()
    killed._lock.close()  # as the operating system does
    other = lake.work()
    assert not killed.folder.exists()
    assert living.folder.exists()
    living.close()
    other.close()
    living.close()
    assert not living.folder.exists()


def test_a_lake_without_permission_is_one_line(con, tmp_path):
    (tmp_path / "taken").write_text("")
    lake = Lake(tmp_path / "taken", tmp_path / "selloff.duckdb")
    with pytest.raises(EngineError, match=r"^SELLOFF_LAKE: .*; nothing was computed$"):
        lake.path_of(con, SYMBOLS)


class Writer:
    """A data frame of Spark that writes rows, or fails in the middle of them."""

    def __init__(self, rows, *, done=True, error=None):
        self.rows, self.done, self.error = rows, done, error
        self.write = self

    def parquet(self, uri):
        from pathlib import Path

        folder = Path(uri.removeprefix("file://"))
        folder.mkdir()
        pq.write_table(self.rows, folder / "part-00000.parquet")
        if self.error:
            raise self.error
        if self.done:
            (folder / "_SUCCESS").touch()


def rows(at=None):
    instant = pa.array([NOW if at is None else at], pa.timestamp("us", tz="UTC"))
    return pa.table({"day": [date(2025, 1, 27)], "at": instant})


def test_a_complete_result_is_read_in_utc_without_zone_and_taken_away(con, lake):
    con.execute("SET TimeZone = 'Asia/Tokyo'")
    result = written(Writer(rows()), lake.work())
    assert isinstance(result, Result)
    assert con.execute(result.relation(con)).fetchall() == [(date(2025, 1, 27), NOW)]
    with Spill(lake.folder, SYMBOLS) as kept:
        kept.keep(con, result)
        kept.show(con, "computed")
        assert con.execute("SELECT count(*) FROM computed").fetchall() == [(1,)]
    assert not result.folder.exists()


def test_a_result_that_was_not_finished_is_never_read(lake):
    work = lake.work()
    with pytest.raises(OSError, match="worker"):
        written(Writer(rows(), error=OSError("worker lost")), work)
    assert not work.folder.exists()


def test_a_result_written_where_we_cannot_see_it_is_refused(lake):
    with pytest.raises(EngineError, match=r"^SELLOFF_LAKE: what Spark wrote"):
        written(Writer(rows(), done=False), lake.work())


def test_every_table_that_stays_is_one_and_has_a_reason():
    assert set(STAYS) <= {table.qualified for table in TABLES}
    assert all(STAYS.values())
    assert "quarantined_bars" in BY_NAME


@pytest.mark.parametrize("table", ["core.quarantined_bars", "core.daily_prices"])
def test_on_duckdb_and_for_what_stays_the_core_file_computes(con, tmp_path, table):
    engine = "local[2]" if table in STAYS else "duckdb"
    named = SimpleNamespace(qualified=table)
    with place(named, con, engine, tmp_path, tmp_path / "core") as found:
        assert isinstance(found, Here)
        result, sql = found.computed(found.table(SYMBOLS).limit(1))
        assert result == sql
        assert "listing_symbols" in sql
        assert found.computed("a frame") == ("a frame", None)


def test_what_an_engine_lacks_is_told_of_the_table_and_other_errors_are_ours():
    with (
        pytest.raises(WarehouseError, match=r"^core.listing_symbols: no Java$"),
        told(SYMBOLS, "local"),
    ):
        raise EngineError("no Java")
    with pytest.raises(KeyError), told(SYMBOLS, "local"):
        raise KeyError("a defect")


def test_a_lost_connection_is_told_in_one_line():
    with (
        pytest.raises(WarehouseError, match=r" on Spark at local: gone; nothing") as said,
        told(SYMBOLS, "local"),
    ):
        raise ConnectionResetError("gone\nat org.apache")
    assert "\n" not in str(said.value)
    assert is_of_spark(type("Py4JError", (Exception,), {"__module__": "py4j.protocol"})())
    assert not is_of_spark(ValueError())
