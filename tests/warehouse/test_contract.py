"""Whether the contracts mean in the database what they say in Python."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import duckdb
import pytest

from warehouse import columns
from warehouse.contract import LAYERS, Column, Order, Table
from warehouse.tables import TABLES, table

KEY = Column("listing_id", "VARCHAR", "Which listing.")
DAY = Column("session_date", "DATE", "Which day.")
PRICE = Column("price", "DOUBLE", "Its price; the vendor's word.", unit="USD", above=0)
SHARE = Column("share", "DOUBLE", "A share.", unit="fraction", nullable=True, minimum=0, maximum=1)
KIND = Column("kind", "VARCHAR", "Which kind.", one_of=("day", "night"))
LOW = PRICE.but(name="low", nullable=True)
QUOTES = Table(
    layer="core",
    name="quotes",
    doc="One row per quote, the vendor's.",
    columns=(KEY, DAY, PRICE, SHARE, KIND, LOW),
    grain=("listing_id", "session_date"),
    orders=(Order("low", "price", tolerance=1e-6),),
    partition="session_date",
)
GOOD = ("'A'", "DATE '2025-01-27'", "10.0", "0.5", "'day'", "9.0")


@pytest.fixture(scope="module")
def con():
    """Every table of the registry, and `core.quotes`, in memory."""
    with duckdb.connect() as connection:
        for layer in LAYERS:
            connection.execute(f"CREATE SCHEMA {layer}")
        for each in (*TABLES, QUOTES):
            connection.execute(each.ddl())
            for statement in each.comments():
                connection.execute(statement)
        yield connection


def insert(con, **changed):
    values = dict(zip(QUOTES.column_names, GOOD, strict=True)) | changed
    con.execute(f"INSERT INTO core.quotes VALUES ({', '.join(values.values())})")


def test_a_good_row_is_accepted(con):
    before = con.execute("SELECT count(*) FROM core.quotes").fetchall()[0][0]
    insert(con)
    assert con.execute("SELECT count(*) FROM core.quotes").fetchall()[0][0] == before + 1


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"listing_id": "NULL"}, "NOT NULL constraint failed: quotes.listing_id"),
        ({"price": "NULL"}, "NOT NULL constraint failed: quotes.price"),
        ({"price": "0.0"}, "CHECK constraint failed.*price"),
        ({"price": "-1.0"}, "CHECK constraint failed.*price"),
        ({"price": "'inf'::DOUBLE"}, "CHECK constraint failed.*price"),
        ({"price": "'nan'::DOUBLE"}, "CHECK constraint failed.*price"),
        ({"share": "-0.1"}, "CHECK constraint failed.*share"),
        ({"share": "1.1"}, "CHECK constraint failed.*share"),
        ({"kind": "'noon'"}, "CHECK constraint failed.*kind"),
        ({"low": "10.1"}, "CHECK constraint failed.*low"),
    ],
)
def test_a_row_that_breaks_a_rule_is_refused_by_the_database(con, changed, complaint):
    with pytest.raises(duckdb.ConstraintException, match=complaint):
        insert(con, **changed)


@pytest.mark.parametrize("changed", [{"share": "NULL"}, {"low": "NULL"}, {"low": "10.000005"}])
def test_what_is_not_known_or_within_the_tolerance_breaks_no_rule(con, changed):
    insert(con, **changed)


def stored(con, each):
    sql = """
        SELECT column_name, data_type, is_nullable, comment FROM duckdb_columns()
        WHERE schema_name = ? AND table_name = ? ORDER BY column_index
    """
    return con.execute(sql, [each.layer, each.name]).fetchall()


@pytest.mark.parametrize("each", TABLES, ids=lambda each: each.qualified)
def test_the_database_holds_every_type_nullability_and_comment_with_its_unit(con, each):
    wanted = [
        (c.name, c.type, c.nullable, c.doc + (f" [{c.unit}]" if c.unit else ""))
        for c in each.columns
    ]
    assert stored(con, each) == wanted


@pytest.mark.parametrize("each", TABLES, ids=lambda each: each.qualified)
def test_the_database_holds_every_rule_and_the_tables_doc(con, each):
    # DuckDB 2.0 makes up its own names for CHECK constraints, so their text is compared.
    sql = """
        SELECT expression FROM duckdb_constraints()
        WHERE schema_name = ? AND table_name = ? AND constraint_type = 'CHECK'
    """
    held = [bare(row[0]) for row in con.execute(sql, [each.layer, each.name]).fetchall()]
    assert sorted(held) == sorted(bare(r.sql) for r in each.rules() if r.kind != "present")
    sql = "SELECT comment FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?"
    assert con.execute(sql, [each.layer, each.name]).fetchall() == [(each.doc,)]


def bare(expression):
    return expression.translate(str.maketrans("", "", '() "'))


def test_a_quantity_under_other_circumstances_keeps_its_unit_and_type():
    changed = PRICE.but(name="previous_price", doc="Before.", nullable=True, minimum=1, default="1")
    assert (changed.unit, changed.type, changed.above) == ("USD", "DOUBLE", 0)
    assert (changed.name, changed.nullable, changed.minimum) == ("previous_price", True, 1)


@pytest.mark.parametrize("forbidden", [{"unit": "EUR"}, {"type": "BIGINT"}, {"one_of": ("a",)}])
def test_but_cannot_make_another_quantity(forbidden):
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        PRICE.but(**forbidden)


@pytest.mark.parametrize(
    "changed",
    [
        {"grain": ("isin",)},
        {"partition": "isin"},
        {"versions_of": ("isin",)},
        {"orders": (Order("isin", "price"),)},
    ],
)
def test_a_table_that_names_an_unknown_column_is_refused(changed):
    with pytest.raises(ValueError, match=r"^core\.quotes: no such column: isin$"):
        replace(QUOTES, **changed)


def test_a_table_that_names_a_column_twice_is_refused():
    with pytest.raises(ValueError, match="named twice"):
        replace(QUOTES, columns=(*QUOTES.columns, KEY))


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "BIGINT"},
        {"doc": "Another."},
        {"unit": "EUR"},
        {"nullable": True},
        {"above": 1},
        {"minimum": 2},
        {"maximum": 3},
    ],
    ids=str,
)
def test_the_hash_changes_with_a_column(changed):
    other = tuple(replace(c, **changed) if c is PRICE else c for c in QUOTES.columns)
    assert replace(QUOTES, columns=other).hash != QUOTES.hash


@pytest.mark.parametrize(
    "changed",
    [
        {"doc": "Another."},
        {"grain": ("listing_id",)},
        {"orders": ()},
        {"orders": (Order("low", "price"),)},
        {"versions_of": ("listing_id",)},
        {"columns": QUOTES.columns[::-1]},
        {"columns": (*QUOTES.columns, PRICE.but(name="other"))},
    ],
    ids=str,
)
def test_the_hash_changes_with_the_table(changed):
    assert replace(QUOTES, **changed).hash != QUOTES.hash


def test_the_hash_stays_where_nothing_changed():
    assert replace(QUOTES, columns=tuple(QUOTES.columns)).hash == QUOTES.hash


def test_every_shared_quantity_is_used():
    used = {column.name for each in TABLES for column in each.columns}
    shared = {c.name for c in vars(columns).values() if isinstance(c, Column)}
    assert shared
    assert shared <= used


def test_the_same_name_is_the_same_quantity_in_every_table_of_data():
    kinds = defaultdict(set)
    for each in TABLES:
        if each.layer != "meta":
            for column in each.columns:
                kinds[column.name].add((column.type, column.unit))
    assert {name: kind for name, kind in kinds.items() if len(kind) > 1} == {}


def test_names_follow_the_house_rules():
    for each in TABLES:
        for c in each.columns:
            assert c.name.endswith("_at") <= (c.type == "TIMESTAMP"), c.name
            assert c.name.startswith(("is_", "has_")) == (c.type == "BOOLEAN") or (
                c.name == "needs_cue"
            ), c.name
            assert (c.type == "TIMESTAMP") == (c.unit == "UTC"), c.name
            assert c.unit != "percent"


def test_a_table_is_found_by_its_name_with_or_without_the_layer():
    assert table("daily_prices") is table("core.daily_prices")
    assert table("core.daily_prices").qualified == "core.daily_prices"
