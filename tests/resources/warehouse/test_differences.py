"""Whether what changed between two releases is found, counted, and put down to its cause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from resources.warehouse import WarehouseError
from resources.warehouse.differences import Difference, cells, differences

NOW = datetime(2025, 1, 28, 3, tzinfo=UTC)
TABLE = "core.daily_prices"


@pytest.fixture
def pair(warehouse):
    """Publish twice, with SQL between, run on the core file; return both ids."""
    import warehouse_workers as workers

    def make(*statements):
        workers.write_version(warehouse, 100)
        first = warehouse.publish(run_id="a", is_backfill=False, now=NOW)
        with warehouse.writing() as con:
            for statement in statements:
                con.execute(statement)
        second = warehouse.publish(run_id="b", is_backfill=False, now=NOW + timedelta(days=1))
        return first, second

    return make


@pytest.fixture
def found(warehouse, pair):
    def compare(*statements):
        with warehouse.comparing(*pair(*statements)) as con:
            return differences(con, ("core",))

    return compare


def test_two_releases_of_the_same_figures_do_not_differ(found):
    assert found() == []


def test_a_restated_close_is_put_down_to_its_vintage(found):
    changed = found(
        f"UPDATE {TABLE} SET close = 110, as_of = TIMESTAMP '2025-02-01' WHERE ticker = 'XNAS:T1'",
        f"UPDATE {TABLE} SET close = 80, as_of = TIMESTAMP '2025-02-01' WHERE ticker = 'XNAS:T2'",
    )
    # 100 to 110 is a tenth, 100 to 80 a fifth.
    assert changed == [Difference(TABLE, "changed", "close", "vintage", 2, pytest.approx(0.2))]


def test_a_figure_that_moved_with_the_same_vintage_and_code_is_relative_to_others(found):
    changed = found(f"UPDATE {TABLE} SET close = 50 WHERE ticker = 'XNAS:T1'")
    assert changed == [
        Difference(TABLE, "changed", "close", "what it is compared with", 1, pytest.approx(0.5))
    ]


def test_a_table_of_another_contract_explains_what_changed_in_it(warehouse, pair):
    first, second = pair(f"UPDATE {TABLE} SET close = 50 WHERE ticker = 'XNAS:T1'")
    path = warehouse.file_of(second)
    path.chmod(0o644)
    with duckdb.connect(str(path)) as con:
        con.execute(f"UPDATE meta.contracts SET contract_hash = 'x' WHERE table_name = '{TABLE}'")
    with warehouse.comparing(first, second) as con:
        assert [each.reason for each in differences(con, ("core",))] == ["contract"]


def test_another_commit_explains_what_nothing_else_does(warehouse, pair):
    first, second = pair(f"UPDATE {TABLE} SET close = 50 WHERE ticker = 'XNAS:T1'")
    path = warehouse.file_of(second)
    path.chmod(0o644)
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE meta.releases SET code_version = 'another'")
    with warehouse.comparing(first, second) as con:
        assert [each.reason for each in differences(con, ("core",))] == ["code"]


def test_rows_that_came_and_went_are_counted(found):
    changed = found(
        f"DELETE FROM {TABLE} WHERE ticker IN ('XNAS:T1', 'XNAS:T2', 'XNAS:T3')",
        f"INSERT INTO {TABLE} SELECT * REPLACE ('XNAS:NEW' AS listing_id, "
        f"TIMESTAMP '2025-02-01' AS as_of) FROM {TABLE} WHERE ticker = 'XNAS:T4'",
    )
    assert changed == [
        Difference(TABLE, "added", None, "vintage", 1, None),
        Difference(TABLE, "removed", None, "vintage", 3, None),
    ]


def test_a_last_digit_is_no_difference(found):
    assert found(f"UPDATE {TABLE} SET close = 100 * (1 + 1e-14) WHERE ticker = 'XNAS:T1'") == []


def test_a_figure_that_became_unknown_has_changed(found):
    ((table, change, column, *_),) = found(f"UPDATE {TABLE} SET volume = 5 WHERE rowid = 1")
    assert (table, change, column) == (TABLE, "changed", "volume")


def test_single_figures_are_listed_with_what_they_were(warehouse, pair):
    ids = pair(
        f"UPDATE {TABLE} SET close = 110, as_of = TIMESTAMP '2025-02-01' WHERE ticker = 'XNAS:T1'"
    )
    with warehouse.comparing(*ids) as con:
        (row,) = cells(con, TABLE, 10)
    assert row == ("XNAS:T1 2025-01-27", "close", "100.0", "110.0", "vintage")


def test_no_more_figures_are_listed_than_asked_for(warehouse, pair):
    ids = pair(f"UPDATE {TABLE} SET close = close + rowid + 1")
    with warehouse.comparing(*ids) as con:
        assert len(cells(con, TABLE, 7)) == 7


def test_a_table_that_neither_release_has_is_named(warehouse, pair):
    with (
        warehouse.comparing(*pair()) as con,
        pytest.raises(WarehouseError, match=r"mart\.no_such: no table of both releases"),
    ):
        cells(con, "mart.no_such", 5)


def test_a_release_that_is_not_kept_is_named(warehouse, pair):
    first, second = pair()
    with (
        pytest.raises(WarehouseError, match=f"no release 1999; kept: {first}, {second}"),
        warehouse.comparing("1999", second),
    ):
        pytest.fail("it was opened")


def test_releases_that_are_compared_cannot_be_written_nor_left(warehouse, pair, tmp_path):
    with warehouse.comparing(*pair()) as con:
        for sql in (
            f"DELETE FROM older.{TABLE}",
            f"COPY older.{TABLE} TO '{tmp_path / 'stolen.csv'}'",
        ):
            with pytest.raises(duckdb.Error):
                con.execute(sql)
