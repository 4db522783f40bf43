"""Groups: the plain loop here, and on Spark one task's worth each, in the contract's types."""

from __future__ import annotations

from contextlib import closing
from types import SimpleNamespace

import duckdb
import ibis
import pandas as pd
import pyarrow as pa
import pytest

from resources.engine import groups, sessions, shared
from warehouse.tables.instruments import LISTING_SYMBOLS as SYMBOLS

ROWS = pd.DataFrame(
    {
        "listing_id": ["X:B", "X:A", "X:A"],
        "session_date": pd.to_datetime(["2025-01-24", "2025-01-27", "2025-01-28"]).date,
    }
)


def spans(rows, symbol):
    """Return each listing's first and last day under one symbol."""
    days = rows.groupby("listing_id")["session_date"]
    found = pd.DataFrame({"valid_from": days.min(), "valid_to": days.max()}).reset_index()
    return found.assign(symbol=symbol)


class Frame:
    """A data frame of Spark, as far as groups go."""

    def __init__(self, rows):
        self.rows, self.asked = rows, []

    def repartition(self, n_parts, key):
        self.asked.append((n_parts, key))
        return self

    def groupBy(self, key):  # noqa: N802 - Spark's name
        self.key = key
        return self

    def applyInPandas(self, function, schema):  # noqa: N802 - Spark's name
        self.asked.append(schema)
        return pd.concat([function(part) for _, part in self.rows.groupby(self.key)])


@pytest.fixture
def there(monkeypatch):
    """Return what Spark would be asked, with the rows on a backend of that name."""
    frame = Frame(ROWS)
    conf = SimpleNamespace(get={"spark.sql.shuffle.partitions": "7"}.get)
    backend = SimpleNamespace(name="pyspark", _session=SimpleNamespace(conf=conf))
    monkeypatch.setattr(shared, "rows_of", lambda *_: frame)
    monkeypatch.setattr(sessions, "send_selloff", lambda _: None)
    schema = ibis.schema({"listing_id": "string", "session_date": "date"})
    frame.table = SimpleNamespace(get_backend=lambda: backend, schema=lambda: schema)
    return frame


def test_here_the_function_is_given_all_rows_at_once():
    seen = []

    def counted(rows, symbol):
        seen.append(len(rows))
        return spans(rows, symbol)

    with closing(duckdb.connect()) as con:
        con.register("given", ROWS)
        con.execute("CREATE TABLE bars AS FROM given")
        rows = ibis.duckdb.from_connection(con).table("bars")
        found = groups.in_groups(rows, "listing_id", counted, SYMBOLS, "S")
    assert seen == [3]
    assert found["valid_from"].tolist() == list(pd.to_datetime(["2025-01-27", "2025-01-24"]))


def test_there_it_is_given_each_group_with_dates_as_here(there):
    found = groups.in_groups(there.table, "listing_id", spans, SYMBOLS, "S")
    assert found["listing_id"].tolist() == ["X:A", "X:B"]
    assert [str(day) for day in found["valid_to"]] == ["2025-01-28", "2025-01-24"]
    assert list(found.columns) == list(SYMBOLS.column_names)


def test_small_groups_are_not_put_into_one_part(there):
    groups.in_groups(there.table, "listing_id", spans, SYMBOLS, "S")
    parts, schema = there.asked
    assert parts == (7, "listing_id")
    assert schema == groups.spark_schema(SYMBOLS)


@pytest.mark.parametrize("n_frames", [0, 1, 3])
def test_spark_is_given_each_column_as_one_array(there, n_frames):
    def several(rows, symbol):
        found = spans(rows, symbol)
        return pd.concat([found.iloc[:0], *[found] * n_frames], ignore_index=True)

    given = []
    there.applyInPandas = lambda function, _schema: given.append(function(ROWS))
    groups.in_groups(there.table, "listing_id", several, SYMBOLS, "S")
    [found] = given
    assert list(found.columns) == list(SYMBOLS.column_names)
    assert len(found) == 2 * n_frames
    assert all(isinstance(pa.array(found[name]), pa.Array) for name in found)
