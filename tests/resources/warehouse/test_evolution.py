"""Whether a file written under older contracts takes the form of these, and keeps what it must."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date

import duckdb
import pytest

from resources.warehouse import Warehouse, WarehouseError, files, writing
from warehouse.contract import Column, Table
from warehouse.tables import TABLES
from warehouse.tables.meta import DQ_RESULTS
from warehouse.tables.prices import DAILY_PRICES, PRICE_VINTAGES
from warehouse.tables.returns import MARKET_RETURNS

DAY = date(2025, 1, 27)
NEW = {"basis", "exchange_mic", "is_provisional", "is_simulated", "market_value"}
OLD_VINTAGES = replace(
    PRICE_VINTAGES,
    doc="Prices.",
    columns=tuple(
        replace(c, doc="Old.", nullable=True) for c in PRICE_VINTAGES.columns if c.name not in NEW
    ),
    orders=(),
)
OLD_DAILY = replace(DAILY_PRICES, doc="Daily prices, as they were.")
ABANDONED = Table("mart", "old_measures", "Gone.", (Column("x", "DOUBLE", "X."),), ("x",))
OLD_TABLES = (
    *(table for table in TABLES if table not in {PRICE_VINTAGES, DAILY_PRICES, DQ_RESULTS}),
    OLD_VINTAGES,
    OLD_DAILY,
    ABANDONED,
)
OLD_VIEWS = {
    "mart.event_losses": "CREATE VIEW mart.event_losses AS SELECT 1 AS one",
    "core.old_view": "CREATE VIEW core.old_view AS SELECT x FROM mart.old_measures",
}


def shape(con):
    """Everything the catalog says of the tables and views."""
    sqls = (
        "SELECT schema_name, table_name, comment FROM duckdb_tables() ORDER BY ALL",
        """SELECT schema_name, table_name, column_name, column_index, data_type, is_nullable,
        comment FROM duckdb_columns() WHERE NOT internal ORDER BY ALL""",
        "SELECT schema_name, table_name, constraint_text FROM duckdb_constraints() ORDER BY ALL",
        """SELECT schema_name, view_name, sql, comment FROM duckdb_views()
        WHERE NOT internal ORDER BY ALL""",
        "SELECT table_name, contract_hash FROM meta.contracts ORDER BY ALL",
    )
    return [con.execute(sql).fetchall() for sql in sqls]


@pytest.fixture
def old(tmp_path, monkeypatch, daily, now):
    """A warehouse written under older contracts: one bar, its daily price, its market's return."""
    warehouse = Warehouse(path=str(tmp_path / "selloff.duckdb"))
    with monkeypatch.context() as patch:
        patch.setattr(files, "TABLES", OLD_TABLES)
        patch.setattr(files, "views", lambda: OLD_VIEWS)
        patch.setattr(files, "in_order", tuple)
        with warehouse.writing() as con:
            con.execute("""
                INSERT INTO raw.price_vintages BY NAME SELECT 'XNAS:MU' AS listing_id,
                  'MU' AS ticker, DATE '2025-01-27' AS session_date, 91.11 AS close,
                  'files' AS source, 'hash' AS row_hash, 'load' AS load_id,
                  TIMESTAMP '2025-01-27 22:00' AS known_from
            """)
            con.execute("""
                INSERT INTO core.market_returns VALUES ('US', '2025-01-27', 'SPY', 6.4, -0.014,
                  NULL, NULL, 0, 0, false, false, '2025-01-27 22:00')
            """)
            writing.record_change(con, PRICE_VINTAGES, DAY, run_id="old", now=now)
        warehouse.materialize(
            OLD_DAILY,
            lambda _con, _days: daily(("XNAS:MU", DAY, 91.11)),
            inputs=[PRICE_VINTAGES],
            days=None,
            run_id="old",
            now=now,
        )
    return warehouse


def raw_shape(warehouse):
    """The catalog and the rows as they lie in the file, without bringing it up to date."""
    con = files.connect(warehouse.file, read_only=True)
    try:
        return shape(con), con.execute("FROM raw.price_vintages").fetchall()
    finally:
        con.close()


def test_raw_rows_survive_with_the_defaults_of_new_columns(old, query):
    sql = (
        "SELECT ticker, session_date, close, row_hash, is_provisional, is_simulated, "
        "market_value, exchange_mic FROM raw.price_vintages"
    )
    assert query(old, sql) == [("MU", DAY, 91.11, "hash", False, False, None, None)]


def test_an_empty_raw_table_whose_rules_alone_changed_takes_them(warehouse, monkeypatch, query):
    older = replace(PRICE_VINTAGES, doc="Prices.", orders=())
    with monkeypatch.context() as patch:
        others = (table for table in TABLES if table != PRICE_VINTAGES)
        patch.setattr(files, "TABLES", (*others, older))
        query(warehouse, "FROM raw.price_vintages")
    sql = "SELECT comment FROM duckdb_tables() WHERE table_name = 'price_vintages'"
    assert query(warehouse, sql) == [(PRICE_VINTAGES.doc,)]


def test_the_file_then_has_the_form_of_a_new_one(old, warehouse):
    other = Warehouse(path=str(warehouse.file.with_name("new.duckdb")))
    with old.reading() as upgraded, other.reading() as new:
        assert shape(upgraded) == shape(new)


def test_a_derived_table_whose_contract_changed_is_emptied_and_stale_from_the_beginning(old, query):
    assert query(old, "FROM core.daily_prices") == []
    with old.reading() as con:
        assert writing.stale_from(con, DAILY_PRICES, [PRICE_VINTAGES]) == date.min


def test_a_derived_table_whose_contract_did_not_change_keeps_its_rows(old, query):
    assert query(old, "SELECT market FROM core.market_returns") == [("SPY",)]
    assert MARKET_RETURNS in OLD_TABLES


def test_what_no_contract_speaks_of_any_more_is_dropped(old, query):
    assert raw_shape(old)[0][3] != []
    names = query(old, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'mart'")
    assert ("old_measures",) not in names
    views = query(old, "SELECT view_name FROM duckdb_views() WHERE NOT internal")
    assert ("old_view",) not in views
    assert ("event_losses",) in views
    assert query(old, "FROM mart.event_losses") == []


def test_new_rules_hold_after_the_upgrade(old, bar, batch, now):
    with (
        old.writing() as con,
        pytest.raises(duckdb.ConstraintException, match="CHECK"),
    ):
        con.execute("UPDATE raw.price_vintages SET close = -1")
    assert old.land(PRICE_VINTAGES, batch(bar()), run_id="new", now=now).n_rows == 1


def test_an_error_in_the_middle_leaves_the_old_file_as_it_was(old, monkeypatch):
    before = raw_shape(old)

    def fail():
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(files, "views", fail)
        patch.setattr(files, "_wanted", dict)
        with pytest.raises(ZeroDivisionError), old.reading():
            pytest.fail("it was opened")
    assert raw_shape(old) == before
    with old.reading() as con:
        assert con.execute("SELECT count(*) FROM raw.price_vintages").fetchall() == [(1,)]


def test_raw_rows_that_break_the_new_contract_are_named_and_nothing_is_changed(old):
    before = files.connect(old.file, read_only=False)
    before.execute("UPDATE raw.price_vintages SET close = NULL")
    before.close()
    held = raw_shape(old)
    with pytest.raises(WarehouseError, match=r"price_vintages.*close") as refused, old.reading():
        pytest.fail("it was opened")
    assert "nothing was changed" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert raw_shape(old) == held


def altered(warehouse, table, *statements):
    """Change a table behind the back of the contracts, as another version would have left it."""
    with closing(files.connect(warehouse.file, read_only=False)) as con:
        for statement in statements:
            con.execute(statement)
        con.execute("DELETE FROM meta.contracts WHERE table_name = ?", [table.qualified])
    return raw_shape(warehouse)


def test_an_older_version_refuses_a_newer_file_before_anything_delivered_is_lost(
    warehouse, bar, batch, now
):
    warehouse.land(PRICE_VINTAGES, batch(bar()), run_id="new", now=now)
    add = "ALTER TABLE raw.price_vintages ADD COLUMN mood VARCHAR"
    before = altered(warehouse, PRICE_VINTAGES, add, "UPDATE raw.price_vintages SET mood = 'calm'")
    with pytest.raises(WarehouseError, match=r"raw\.price_vintages holds mood, .* of a newer one"):
        files.prepare(warehouse.file)
    assert raw_shape(warehouse) == before


def test_an_unknown_column_without_any_value_is_dropped(warehouse, bar, batch, now, query):
    warehouse.land(PRICE_VINTAGES, batch(bar()), run_id="new", now=now)
    altered(warehouse, PRICE_VINTAGES, "ALTER TABLE raw.price_vintages ADD COLUMN mood VARCHAR")
    assert query(warehouse, "SELECT ticker FROM raw.price_vintages") == [("NVDA",)]
    names = "SELECT column_name FROM duckdb_columns() WHERE table_name = 'price_vintages'"
    assert ("mood",) not in query(warehouse, names)


def test_a_renamed_column_keeps_its_values_under_the_new_name(warehouse, query):
    altered(
        warehouse,
        DQ_RESULTS,
        "ALTER TABLE meta.dq_results DROP COLUMN n_rows",
        "ALTER TABLE meta.dq_results ADD COLUMN n_checked BIGINT",
        "INSERT INTO meta.dq_results BY NAME SELECT 'r' AS run_id, 'core.x' AS table_name, "
        "'c' AS check_name, true AS is_passed, 'WARN' AS severity, 0 AS n_violations, "
        "7 AS n_checked, TIMESTAMP '2025-01-27 22:00' AS checked_at",
    )
    assert query(warehouse, "SELECT n_rows FROM meta.dq_results") == [(7,)]


def test_an_interrupted_first_creation_is_completed(tmp_path):
    path = tmp_path / "selloff.duckdb"
    files.connect(path, read_only=False).close()
    with Warehouse(path=str(path)).reading() as con:
        assert con.execute("FROM core.daily_prices").fetchall() == []


def test_a_current_file_is_not_written_by_a_reader(warehouse):
    before = warehouse.file.stat().st_mtime_ns
    for _ in range(2):
        with warehouse.reading():
            pass
    assert warehouse.file.stat().st_mtime_ns == before
