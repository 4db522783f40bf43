"""Whether every view works and says what it shows."""

from __future__ import annotations

import re

import duckdb
import pytest

from warehouse import views
from warehouse.contract import LAYERS
from warehouse.tables import TABLES

NAMES = [view.name for view in views.read()]
MACROS = [macro.name for macro in views.read_macros()]


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


@pytest.mark.parametrize("name", MACROS)
def test_a_macro_can_be_asked_of_an_empty_warehouse_and_says_what_it_shows(con, name):
    assert con.execute(f"SELECT * FROM {name}('2025-01-27 22:00')").fetchall() == []
    sql = """
        SELECT comment FROM duckdb_functions()
        WHERE schema_name || '.' || function_name = ? AND function_type = 'table_macro'
    """
    ((comment,),) = con.execute(sql, [name]).fetchall()
    assert len(comment) > 20


def test_every_relation_of_prices_has_a_form_as_of_an_instant():
    priced = [name for name in NAMES if name.startswith(("core.prices", "core.adjustment"))]
    assert len(priced) == 4
    tables = ["core.daily_prices", "core.splits", "core.dividends"]
    assert sorted(MACROS) == sorted(f"{name}_as_of" for name in (*priced, *tables))


@pytest.mark.parametrize("name", [name for name in MACROS if name.removesuffix("_as_of") in NAMES])
def test_the_form_as_of_an_instant_has_the_columns_of_its_view(con, name):
    relations = (name.removesuffix("_as_of"), f"{name}('2025-01-27')")
    view, macro = (con.execute(f"DESCRIBE FROM {each}").fetchall() for each in relations)
    assert [column[:2] for column in view] == [column[:2] for column in macro]


def test_a_twin_reads_the_forms_of_an_instant_only():
    twins = [each for each in views.read_macros() if each.name.removesuffix("_as_of") in NAMES]
    for twin in twins:
        read = re.findall(r"\b(?:raw|core|mart)\.\w+", twin.select)
        assert read
        assert all(name.endswith("_as_of") for name in read)


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
