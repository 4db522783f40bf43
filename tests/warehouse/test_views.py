"""Whether every view works and says what it shows."""

from __future__ import annotations

import duckdb
import pytest

from warehouse import views
from warehouse.contract import LAYERS
from warehouse.tables import TABLES

NAMES = [view.name for view in views.read()]


@pytest.fixture(scope="module")
def con():
    """Every table, empty, and every view."""
    with duckdb.connect() as connection:
        for layer in LAYERS:
            connection.execute(f"CREATE SCHEMA {layer}")
        for table in TABLES:
            connection.execute(table.ddl())
        for statement in views.views().values():
            connection.execute(statement)
        yield connection


def test_there_are_views():
    assert "mart.event_losses" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_view_can_be_read_from_an_empty_warehouse(con, name):
    assert con.execute(f"SELECT * FROM {name}").fetchall() == []


@pytest.mark.parametrize("name", NAMES)
def test_a_view_says_in_the_database_what_it_shows(con, name):
    sql = "SELECT comment FROM duckdb_views() WHERE schema_name || '.' || view_name = ?"
    ((comment,),) = con.execute(sql, [name]).fetchall()
    assert len(comment) > 20


@pytest.mark.parametrize("name", NAMES)
def test_a_view_is_no_table(name):
    assert name not in {table.qualified for table in TABLES}


def test_a_comment_with_an_apostrophe_and_a_last_semicolon_do_no_harm(tmp_path, monkeypatch):
    (tmp_path / "mart.odd.sql").write_text("-- The vendor's\n-- word.\nSELECT 1 AS one;\n")
    monkeypatch.setattr(views, "HERE", tmp_path)
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA mart")
        con.execute(views.views()["mart.odd"])
        sql = "SELECT comment FROM duckdb_views() WHERE view_name = 'odd'"
        assert con.execute(sql).fetchall() == [("The vendor's word.",)]
        assert con.execute("FROM mart.odd").fetchall() == [(1,)]
