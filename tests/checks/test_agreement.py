"""The two readings of a contract agree: the scan over history, Great Expectations on a load."""

from __future__ import annotations

import math
from contextlib import closing
from datetime import date, datetime

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.batches import findings, of_load
from checks.catalogue import contract, unique
from checks.scan import scan
from resources.expectations import SHAPE, STAMPS, UNIQUE, batch_rules
from warehouse.tables import table

DELIVERED = [
    table(name)
    for name in (
        "raw.price_vintages",
        "raw.corporate_actions",
        "raw.shares_outstanding",
        "raw.fx_rates",
    )
]
# NaN is left out: pandas does not tell it from a missing value, and the landing lets none in.
VALUES = {
    "BIGINT": (None, -1, 0, 1, 2**40),
    "BOOLEAN": (None, True, False),
    "DATE": (None, date(2025, 1, 24), date(2025, 1, 27)),
    "DOUBLE": (None, -math.inf, -1.0, -0.0, 0.0, 1e-300, 1.0, 1 + 9e-7, 1 + 2e-6, 2.0, math.inf),
    "TIMESTAMP": (None, datetime.fromisoformat("2025-01-27T21:00")),
    "VARCHAR": (None, "", "NVDA", "nvda", "<b>split</b>"),
}
ARROW = {
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "DOUBLE": pa.float64(),
    "TIMESTAMP": pa.timestamp("us"),
    "VARCHAR": pa.string(),
}


def delivered_columns(of):
    return [column for column in of.columns if column.name not in STAMPS]


def loads(of):
    """Rows as a vendor might deliver them: good values, the bounds of the contract, nonsense."""
    row = {
        column.name: st.sampled_from((*VALUES[column.type], *column.one_of))
        for column in delivered_columns(of)
    }
    return st.lists(st.fixed_dictionaries(row), max_size=30)


def counted_twice(of, rows):
    """Count what breaks each rule, by the scan and by Great Expectations."""
    schema = pa.schema([(column.name, ARROW[column.type]) for column in delivered_columns(of)])
    with closing(duckdb.connect()) as con:
        con.execute("CREATE SCHEMA raw")
        con.register("load", pa.Table.from_pylist(rows, schema=schema))
        stamps = ", ".join(f"NULL AS {name}" for name in STAMPS)
        con.execute(f"CREATE TABLE {of.qualified} AS SELECT *, {stamps} FROM load")
        wanted = {rule.name for rule in batch_rules(of)}
        rules = [check for check in contract(of, may_be_empty=True) if check.name in wanted]
        twins = unique(of, of.versions_of)
        scanned = scan(con, [*rules, twins])
        expected = findings(of, con.execute("FROM load").df())
    by_scan = {of_load(name): found.n_violations for name, found in scanned.items()}
    by_scan[UNIQUE] = by_scan.pop(of_load(twins.name))
    by_suite = {name: found.n_violations for name, found in expected.items() if name != SHAPE}
    return by_scan, by_suite


@pytest.mark.parametrize("of", DELIVERED, ids=lambda of: of.qualified)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_the_scan_and_great_expectations_count_the_same_violations(of, data):
    by_scan, by_suite = counted_twice(of, data.draw(loads(of)))
    assert by_scan == by_suite


@pytest.mark.parametrize("of", DELIVERED, ids=lambda of: of.qualified)
def test_every_rule_on_what_is_delivered_can_be_broken_by_the_generated_values(of):
    rows = [
        dict(zip((c.name for c in delivered_columns(of)), values, strict=True))
        for values in broken_one_by_one(of)
    ]
    by_scan, by_suite = counted_twice(of, rows)
    assert by_scan == by_suite
    assert {name for name, count in by_scan.items() if not count} == set()


def broken_one_by_one(of):
    """Two twins, two rows of nothing, and every column with each of its values beside good ones."""
    columns = delivered_columns(of)
    good = [(*column.one_of, *reversed(VALUES[column.type]))[0] for column in columns]
    good = [1.0 if value == math.inf else value for value in good]
    yield from [["twin", *good[1:]]] * 2
    yield from [[None] * len(columns)] * 2
    for place, column in enumerate(columns):
        for value in (*VALUES[column.type], *column.one_of):
            yield [*good[:place], value, *good[place + 1 :]]
