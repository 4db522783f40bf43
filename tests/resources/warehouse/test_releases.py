"""Whether a release is whole, readable by all, unable to do harm, and always the newest."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from resources.warehouse import WarehouseError, copies, files

NOW = datetime(2025, 1, 28, 3, tzinfo=UTC)
V1_4_0 = 67


@pytest.fixture
def publish(warehouse):
    def run(at=NOW, run_id="run"):
        return warehouse.publish(run_id=run_id, is_backfill=False, now=at)

    return run


@pytest.fixture
def version(warehouse):
    """Write a version: every close of the day is that number."""
    import warehouse_workers as workers

    return lambda number: workers.write_version(warehouse, number)


def test_the_file_is_of_the_storage_version_that_bi_clients_read(warehouse, publish):
    publish()
    for path in (warehouse.file, warehouse.published):
        with path.open("rb") as file:
            header = file.read(20)
        assert int.from_bytes(header[12:20], "little") == V1_4_0


def test_a_release_holds_the_rows_and_names_itself(warehouse, version, publish):
    version(1)
    release_id = publish()
    assert release_id == "20250128T030000.000000Z"
    with warehouse.reading_release() as con:
        assert con.execute("SELECT sum(close) FROM core.daily_prices").fetchall() == [(50.0,)]
        sql = "SELECT release_id, published_at, is_backfill, duckdb_version, n_rows"
        assert con.execute(f"{sql} FROM meta.releases").fetchall() == [
            (
                release_id,
                datetime.fromisoformat("2025-01-28 03:00"),
                False,
                duckdb.__version__,
                50,
            )
        ]


def test_comments_constraints_and_views_survive(warehouse, publish):
    publish()
    sqls = (
        """SELECT schema_name, table_name, column_name, comment FROM duckdb_columns()
        WHERE NOT internal ORDER BY ALL""",
        "SELECT table_name, constraint_text FROM duckdb_constraints() ORDER BY ALL",
        "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal ORDER BY ALL",
    )
    for sql in sqls:
        with warehouse.reading() as core, warehouse.reading_release() as release:
            found = release.execute(sql).fetchall()
            assert found == core.execute(sql).fetchall()
            assert len(found) > 0


def test_the_catalog_is_called_warehouse_in_every_release(warehouse, publish):
    for number in range(2):
        publish(NOW + timedelta(seconds=number))
        with warehouse.reading_release() as con:
            assert con.execute("SELECT current_database()").fetchall() == [("warehouse",)]
            assert con.execute("FROM warehouse.core.daily_prices").fetchall() == []


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{here}/stolen.csv'",
        "SELECT * FROM read_text('{here}/secret.txt')",
        "SELECT * FROM read_csv('{here}/secret.txt')",
        "SELECT * FROM glob('{here}/*')",
        "ATTACH '{here}/other.duckdb'",
        "INSTALL httpfs",
        "SET threads = 1",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "DELETE FROM core.daily_prices",
        "CREATE TABLE mart.mine (x INTEGER)",
        "DROP VIEW mart.event_losses",
    ],
)
def test_a_reader_can_only_read(warehouse, publish, tmp_path, sql):
    publish()
    (tmp_path / "secret.txt").write_text("secret")
    with warehouse.reading_release() as con, pytest.raises(duckdb.Error):
        con.execute(sql.format(here=tmp_path)).fetchall()
    assert not (tmp_path / "stolen.csv").exists()


def test_a_released_file_cannot_be_written(warehouse, publish):
    publish()
    assert warehouse.published.stat().st_mode & 0o777 == 0o444


def test_current_is_a_relative_link_to_a_folder(warehouse, publish):
    release_id = publish()
    link = warehouse.file.parent / "current"
    assert str(link.readlink()) == f"releases/{release_id}"
    assert link.resolve().is_dir()


def test_the_last_three_releases_are_kept(warehouse, publish):
    ids = [publish(NOW + timedelta(days=number)) for number in range(5)]
    assert sorted(path.name for path in (warehouse.file.parent / "releases").iterdir()) == ids[2:]
    with warehouse.reading_release() as con:
        found = con.execute("SELECT release_id FROM meta.releases ORDER BY ALL").fetchall()
    assert [row[0] for row in found] == ids


def test_the_live_release_is_kept_though_the_clock_went_back(warehouse, version, publish):
    for number in range(4):
        version(number + 1)
        publish(NOW - timedelta(days=number))
    with warehouse.reading_release() as con:
        assert con.execute("SELECT max(close) FROM core.daily_prices").fetchall() == [(4.0,)]
    assert len(list((warehouse.file.parent / "releases").iterdir())) == 3


def test_what_a_killed_publisher_left_is_cleared(warehouse, query, publish):
    first = publish()
    folder = warehouse.file.parent / "releases"
    leftover = folder / ".20250128T030001.000000Z.tmp"
    leftover.mkdir()
    (leftover / "warehouse.duckdb.part").write_bytes(b"half")
    with warehouse.writing() as con:  # it had entered its release before it copied
        con.execute(
            "INSERT INTO meta.releases SELECT * REPLACE ('20250128T030001.000000Z' AS release_id) "
            "FROM meta.releases"
        )
    last = publish(NOW + timedelta(seconds=2))
    assert sorted(path.name for path in folder.iterdir()) == [first, last]
    ids = query(warehouse, "SELECT release_id FROM meta.releases ORDER BY ALL")
    assert ids == [(first,), (last,)]


def test_a_copy_that_is_not_of_this_release_is_not_published(publish, tmp_path, blank, monkeypatch):
    first = publish()
    real = copies.copy
    monkeypatch.setattr(copies, "copy", lambda _source, target: real(blank, target))
    with pytest.raises(WarehouseError, match="nothing was published"):
        publish(NOW + timedelta(seconds=1))
    assert (tmp_path / "current").resolve().name == first


def test_before_the_first_release_a_reader_is_told_what_to_do(warehouse):
    with (
        pytest.raises(WarehouseError, match="nothing is published yet; `selloff run`") as refused,
        warehouse.reading_release(),
    ):
        pytest.fail("it was opened")
    assert "\n" not in str(refused.value)


def test_threads_that_read_see_each_new_release_at_once(warehouse, version, publish):
    stop, stale, errors, live = threading.Event(), [], [], [0]

    def read():
        while not stop.is_set():
            expected = live[0]
            try:
                with warehouse.reading_release() as con:
                    sql = "SELECT min(close), max(close) FROM core.daily_prices"
                    ((low, high),) = con.execute(sql).fetchall()
            except Exception as error:  # noqa: BLE001 - any failure of a reader counts
                errors.append(error)
                continue
            if low != high or high < expected:
                stale.append((expected, low, high))

    version(1)
    publish()
    live[0] = 1
    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(2, 10):
        version(number)
        publish(NOW + timedelta(seconds=number))
        live[0] = number
    stop.set()
    for thread in threads:
        thread.join()
    assert (stale, errors) == ([], [])


def test_a_backup_brings_everything_back(warehouse, version, closes, tmp_path):
    version(1)
    held = closes(warehouse)
    warehouse.backup(tmp_path / "backups" / "monday.duckdb")
    version(2)
    assert closes(warehouse) != held
    warehouse.restore(tmp_path / "backups" / "monday.duckdb")
    assert closes(warehouse) == held
    version(3)
    assert {close for *_, close in closes(warehouse)} == {3.0}


def test_a_backup_can_be_restored_where_there_is_no_warehouse(warehouse, version, closes, tmp_path):
    version(1)
    held = closes(warehouse)
    warehouse.backup(tmp_path / "backup.duckdb")
    warehouse.file.unlink()
    warehouse.restore(tmp_path / "backup.duckdb")
    assert closes(warehouse) == held


def test_a_backup_that_fails_leaves_the_older_one_whole(warehouse, version, tmp_path, monkeypatch):
    target = tmp_path / "backup.duckdb"
    version(1)
    warehouse.backup(target)
    held = target.read_bytes()

    def half(_source, staged):
        staged.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(copies.shutil, "copyfile", half)
    with pytest.raises(WarehouseError, match="No space left"):
        warehouse.backup(target)
    assert target.read_bytes() == held


def other_database(path):
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE t AS SELECT 1 AS x")


def text(path):
    path.write_text(json.dumps({"no": "database"}) * 100)


def unfinished(path):
    files.prepare(path)
    path.with_name(path.name + ".wal").write_bytes(b"")


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (other_database, "not a warehouse, it has no meta.contracts"),
        (text, "cannot be opened"),
        (lambda _path: None, "no such file"),
        (unfinished, "left by a crash"),
    ],
)
def test_what_is_no_backup_is_refused_and_the_core_file_left_alone(
    warehouse, version, closes, tmp_path, make, complaint
):
    version(1)
    held = closes(warehouse)
    source = tmp_path / "source.duckdb"
    make(source)
    with pytest.raises(WarehouseError, match=complaint) as refused:
        warehouse.restore(source)
    assert "\n" not in str(refused.value)
    assert closes(warehouse) == held


def test_a_second_warehouse_in_the_folder_neither_publishes_nor_reads_the_first(
    warehouse, version, publish
):
    version(1)
    publish()
    other = type(warehouse)(path=str(warehouse.file.with_name("other.duckdb")))
    with pytest.raises(WarehouseError, match=r"give other\.duckdb a folder of its own"):
        other.publish(run_id="run", is_backfill=False, now=NOW)
    with (
        pytest.raises(WarehouseError, match=r"give other\.duckdb a folder of its own"),
        other.reading_release(),
    ):
        pass
    assert warehouse.published.exists()


def test_the_folder_of_a_warehouse_that_is_gone_is_free(warehouse, version, publish):
    version(1)
    publish()
    other = type(warehouse)(path=str(warehouse.file.with_name("other.duckdb")))
    warehouse.file.unlink()
    other.publish(run_id="run", is_backfill=False, now=NOW + timedelta(days=1))
    with other.reading_release() as con:
        assert con.execute("SELECT count(*) FROM core.daily_prices").fetchall() == [(0,)]


def test_two_releases_of_one_instant_have_two_names(publish):
    assert publish() == "20250128T030000.000000Z"
    assert publish() == "20250128T030000.000001Z"


def test_the_columns_of_a_view_say_what_they_are(warehouse, publish):
    publish()
    with warehouse.reading_release() as con:
        sql = "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'event_losses'"
        comments = dict(con.execute(sql).fetchall())
    assert comments["market_value_lost_usd"].endswith("[USD]")
    assert comments["simple_return"].endswith("[fraction]")
