"""Whether an earlier release comes back on one word, and what goes wrong leaves readers theirs."""

from __future__ import annotations

import errno
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from resources.warehouse import WarehouseError, copies, files, releases, unfitness

NOW = datetime(2025, 1, 28, 3, tzinfo=UTC)
SPAN = "SELECT min(close), max(close) FROM core.daily_prices"


@pytest.fixture
def published(warehouse):
    """Publish a version: every close of the day is that number."""
    import warehouse_workers as workers

    def run(number):
        workers.write_version(warehouse, number)
        at = NOW + timedelta(minutes=number)
        return warehouse.publish(run_id=f"run{number}", is_backfill=False, now=at)

    return run


@pytest.fixture
def closes(warehouse):
    """Return what readers see: the one close of the day."""

    def read():
        with warehouse.reading_release() as con:
            ((low, high),) = con.execute(SPAN).fetchall()
        assert low == high
        return low

    return read


def test_readers_see_the_release_before_again(warehouse, published, closes):
    first, _ = published(1), published(2)
    assert closes() == 2
    assert warehouse.rollback() == first
    assert closes() == 1
    assert warehouse.current_release() == first


def test_a_release_is_chosen_by_its_id(warehouse, published, closes):
    ids = [published(number) for number in (1, 2, 3)]
    assert warehouse.rollback(ids[0]) == ids[0]
    assert closes() == 1
    assert warehouse.rollback(ids[2]) == ids[2]
    assert closes() == 3


def test_a_release_that_is_not_kept_is_refused_and_the_kept_ones_named(warehouse, published):
    first, second = published(1), published(2)
    with pytest.raises(WarehouseError, match=f"no release 2024; kept: {first}, {second}"):
        warehouse.rollback("2024")
    assert warehouse.current_release() == second


@pytest.mark.parametrize("name", ["", "..", "../..", "."])
def test_an_id_is_a_name_and_no_path(warehouse, published, name):
    only = published(1)
    with pytest.raises(WarehouseError, match="kept"):
        warehouse.rollback(name)
    assert warehouse.current_release() == only


def test_there_is_nothing_before_the_only_release(warehouse, published):
    only = published(1)
    with pytest.raises(WarehouseError, match="no release before the live one"):
        warehouse.rollback()
    assert warehouse.current_release() == only


def test_after_a_rollback_the_next_release_is_the_newest_and_no_history_is_lost(
    warehouse, published, closes
):
    ids = [published(1), published(2)]
    warehouse.rollback()
    ids.append(published(3))
    assert closes() == 3
    with warehouse.reading_release() as con:
        found = con.execute("SELECT release_id FROM meta.releases ORDER BY ALL").fetchall()
    assert [row[0] for row in found] == ids


def test_the_live_release_is_kept_after_a_rollback_while_others_go(warehouse, published):
    ids = [published(number) for number in (1, 2, 3)]
    warehouse.rollback(ids[0])
    releases.prune(warehouse.file.parent, ids[0])
    assert ids[0] in warehouse.releases()


def test_more_releases_are_kept_where_that_is_asked_for(warehouse, published, monkeypatch):
    monkeypatch.setenv("SELLOFF_KEEP_RELEASES", "4")
    ids = [published(number) for number in range(1, 6)]
    assert warehouse.releases() == ids[1:]


@pytest.mark.parametrize(
    ("value", "cause"), [("2", "=2: at least 3"), ("many", "='many' is not a whole number")]
)
def test_a_wrong_number_of_releases_is_said_before_anything_is_published(
    warehouse, published, monkeypatch, value, cause
):
    first = published(1)
    monkeypatch.setenv("SELLOFF_KEEP_RELEASES", value)
    with pytest.raises(WarehouseError, match=f"SELLOFF_KEEP_RELEASES{cause}"):
        published(2)
    assert warehouse.releases() == [first]


def test_a_release_says_what_it_holds_of_every_table_and_how_new_that_is(warehouse, published):
    release_id = published(1)
    sql = (
        "SELECT n_rows, as_of FROM meta.release_tables "
        "WHERE table_name = 'core.daily_prices' AND release_id = ?"
    )
    with warehouse.reading_release() as con:
        vintage = datetime.fromisoformat("2025-01-28")
        assert con.execute(sql, [release_id]).fetchall() == [(50, vintage)]
        assert con.execute("SELECT as_of FROM meta.releases").fetchall() == [(vintage,)]
        sql = "SELECT count(*) FROM meta.release_tables WHERE contract_hash IS NULL"
        assert con.execute(sql).fetchall() == [(0,)]


def full(_source, staged):
    """Write half, then be the disk that has no room for more."""
    Path(staged).write_bytes(b"half")
    raise OSError(errno.ENOSPC, "No space left on device", str(staged))


def test_a_full_disk_leaves_the_release_before_it_live_and_nothing_half_written(
    warehouse, published, closes, monkeypatch
):
    first = published(1)
    monkeypatch.setattr(copies.shutil, "copyfile", full)
    with pytest.raises(WarehouseError, match="No space left on device; nothing was") as refused:
        published(2)
    assert "\n" not in str(refused.value)
    assert [path.name for path in (warehouse.file.parent / "releases").iterdir()] == [first]
    assert closes() == 1
    monkeypatch.undo()
    published(3)
    with warehouse.reading_release() as con:
        assert con.execute("SELECT count(*) FROM meta.releases").fetchall() == [(2,)]
    assert closes() == 3


def test_without_the_right_to_make_links_the_release_before_stays_live(
    published, closes, monkeypatch
):
    published(1)

    def refused(self, _target, *, target_is_directory=False):
        assert target_is_directory
        raise OSError(errno.EPERM, "Operation not permitted", str(self))

    monkeypatch.setattr(Path, "symlink_to", refused)
    with pytest.raises(WarehouseError, match=r"current.*Operation not permitted"):
        published(2)
    assert closes() == 1


def test_a_copy_that_lacks_rows_is_not_published(warehouse, published, closes, monkeypatch):
    first = published(1)
    real = copies.copy

    def losing(source, target):
        real(source, target)
        with duckdb.connect(str(target)) as con:
            con.execute("DELETE FROM core.daily_prices WHERE rowid % 2 = 0")

    monkeypatch.setattr(copies, "copy", losing)
    with pytest.raises(WarehouseError, match=r"25 rows of core\.daily_prices, 50 were"):
        published(2)
    assert warehouse.current_release() == first
    assert closes() == 1


def test_a_copy_in_a_form_that_older_clients_cannot_open_is_not_published(
    warehouse, published, monkeypatch
):
    first = published(1)

    def newer(_source, target):
        with duckdb.connect(str(target)) as con:
            con.execute("CREATE TABLE t AS SELECT 1 AS x")

    monkeypatch.setattr(copies, "copy", newer)
    with pytest.raises(WarehouseError, match="cannot open"):
        published(2)
    assert warehouse.current_release() == first


def test_a_release_of_an_older_schema_says_so_instead_of_naming_a_missing_column(
    warehouse, published
):
    published(1)
    path = warehouse.published.resolve()
    path.chmod(0o644)
    with duckdb.connect(str(path)) as con:
        con.execute("DROP VIEW mart.event_losses")
        con.execute("UPDATE meta.contracts SET contract_hash = 'old' WHERE table_name = 'views'")
    with (
        pytest.raises(WarehouseError, match=r"older schema \(1 contracts have changed") as refused,
        warehouse.reading_release() as con,
    ):
        con.execute("FROM mart.event_losses")
    assert "\n" not in str(refused.value)


def test_a_wrong_name_in_a_release_of_this_schema_is_what_it_is(warehouse, published):
    published(1)
    with (
        pytest.raises(duckdb.CatalogException, match="no_such_table"),
        warehouse.reading_release() as con,
    ):
        con.execute("FROM mart.no_such_table")


def test_a_query_without_end_is_stopped(warehouse, published, monkeypatch):
    published(1)
    monkeypatch.setenv("SELLOFF_QUERY_SECONDS", "1")
    with (
        pytest.raises(WarehouseError, match=r"longer than 1 s \(SELLOFF_QUERY_SECONDS\)"),
        warehouse.reading_release() as con,
    ):
        con.execute("SELECT count(*) FROM range(1000000000000) AS t(x) WHERE sin(x) > 2")


def test_what_failed_and_what_is_behind_speaks_against_publishing_by_hand(warehouse):
    assert "nothing has been fetched yet" in warehouse.unfit()[0]
    with warehouse.writing() as con:
        con.execute("INSERT INTO meta.warehouse VALUES ('real', now()::TIMESTAMP)")
        assert unfitness.reasons(con) == []
        for at, passed in (("2025-01-27", True), ("2025-01-28", False)):
            con.execute(
                "INSERT INTO meta.dq_results VALUES ('run', 'core.splits', 'grain_is_unique', "
                f"{passed}, 'ERROR', 9, 2, NULL, NULL, TIMESTAMP '{at}')"
            )
        con.execute(
            "INSERT INTO meta.dq_results VALUES ('run', 'core.splits', 'a_warning', "
            "false, 'WARN', 9, 2, NULL, NULL, TIMESTAMP '2025-01-28')"
        )
        for version in (1, 2):
            con.execute(
                "INSERT INTO meta.changes VALUES "
                f"('core.daily_prices', {version}, NULL, 'run', TIMESTAMP '2025-01-28')"
            )
        con.execute("INSERT INTO meta.inputs VALUES ('core.returns', 'core.daily_prices', 1)")
        assert unfitness.reasons(con) == [
            "core.splits grain_is_unique: 2 rows contradict it",
            "core.returns is behind core.daily_prices: `selloff run` brings it up to date",
        ]


def test_a_backup_onto_a_full_disk_leaves_no_half_file(warehouse, published, tmp_path, monkeypatch):
    published(1)
    monkeypatch.setattr(copies.shutil, "copyfile", full)
    with pytest.raises(WarehouseError, match="No space left on device; nothing was changed"):
        warehouse.backup(tmp_path / "backup.duckdb")
    assert not list(tmp_path.glob("backup.duckdb*"))


@pytest.mark.parametrize("value", ["abc", "nan", "0", "-5"])
def test_a_wrong_limit_of_time_is_one_line(warehouse, published, monkeypatch, value):
    published(1)
    monkeypatch.setenv("SELLOFF_QUERY_SECONDS", value)
    with (
        pytest.raises(WarehouseError, match="SELLOFF_QUERY_SECONDS"),
        warehouse.reading_release(),
    ):
        pytest.fail("it was opened")


def test_where_the_live_release_is_gone_it_is_said_how_to_go_on(warehouse, published):
    import shutil

    first, second = published(1), published(2)
    shutil.rmtree(warehouse.file_of(second).parent)
    with pytest.raises(WarehouseError, match="`selloff rollback ID`"), warehouse.reading_release():
        pytest.fail("it was opened")
    assert warehouse.rollback(first) == first


def test_a_restore_that_fails_loses_nothing_that_was_committed(
    warehouse, published, tmp_path, monkeypatch
):
    import subprocess
    import sys

    published(1)
    warehouse.backup(tmp_path / "backup.duckdb")
    committed = (
        "import duckdb, os\n"
        f"con = duckdb.connect({str(warehouse.file)!r})\n"
        "con.execute('SET checkpoint_threshold = \"1GB\"')\n"
        "con.execute('UPDATE core.daily_prices SET close = 7')\n"
        "os._exit(9)\n"  # killed: what it committed is in the log alone
    )
    subprocess.run([sys.executable, "-c", committed], check=False)  # noqa: S603 - our own words
    log = warehouse.file.with_name(warehouse.file.name + ".wal")
    assert log.stat().st_size > 0
    monkeypatch.setattr(copies.shutil, "copyfile", full)
    with pytest.raises(WarehouseError, match="No space left on device; nothing was changed"):
        warehouse.restore(tmp_path / "backup.duckdb")
    monkeypatch.undo()
    with warehouse.reading() as con:
        assert con.execute(SPAN).fetchall() == [(7.0, 7.0)]


@pytest.mark.parametrize(
    "target", ["selloff.duckdb", "current/warehouse.duckdb", "releases/mine.duckdb"]
)
def test_a_backup_replaces_neither_the_core_file_nor_a_release(warehouse, published, target):
    published(1)
    held = warehouse.published.read_bytes()
    with pytest.raises(WarehouseError, match="a backup lies elsewhere"):
        warehouse.backup(warehouse.file.parent / target)
    assert warehouse.published.read_bytes() == held
    assert warehouse.published.stat().st_mode & 0o777 == 0o444


def test_the_core_file_counts_no_contract_as_outdated(warehouse):
    with warehouse.reading() as con:
        assert files.outdated(con) == 0
