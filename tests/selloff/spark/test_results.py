"""A table computed by Spark comes into the core file as if DuckDB had computed it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from resources.engine.groups import in_groups
from resources.engine.lake import Lake
from resources.engine.spread import Spread, told
from resources.warehouse import Warehouse, WarehouseError
from tests.selloff.spark.conftest import MASTER
from warehouse.tables.instruments import SESSIONS

NOW = datetime(2025, 1, 27, 22, tzinfo=UTC).replace(tzinfo=None)
DAYS = [date(2025, 1, 24), date(2025, 1, 27)]
CLOSES = [datetime.fromisoformat(f"{day}T21:00") for day in DAYS]
OPENS = [datetime.fromisoformat(f"{day}T14:30") for day in DAYS]


def calendar(*mics):
    n = len(mics)
    return pa.table(
        {
            "exchange_mic": [mic for mic in mics for _ in DAYS],
            "session_date": pa.array(DAYS * n, pa.date32()),
            "opens_at": pa.array(OPENS * n, pa.timestamp("us")),
            "closes_at": pa.array(CLOSES * n, pa.timestamp("us")),
            "is_half_day": [False, True] * n,
        }
    )


@pytest.fixture
def warehouse(tmp_path):
    # A folder whose name a URI would write otherwise, which Spark would not decode.
    made = Warehouse(path=str(tmp_path / "my data" / "selloff.duckdb"), engine=MASTER)
    stamp = {"inputs": [], "days": None, "run_id": "first", "now": NOW}
    made.materialize(SESSIONS, lambda _con, _days: calendar("XNYS", "XNAS"), **stamp)
    return made


def held(warehouse):
    with warehouse.reading() as con:
        return con.execute("FROM core.sessions ORDER BY ALL").fetchall()


def recompute(warehouse, spark, expression):
    lake = Lake(warehouse.lake_folder, warehouse.file)

    def compute(con, _days):
        with told(SESSIONS, MASTER):
            place = Spread(con, MASTER, lake, spark)
            return place.computed(expression(place.table(SESSIONS)))[0]

    return warehouse.materialize(
        SESSIONS, compute, inputs=[SESSIONS], days=None, run_id="second", now=NOW
    )


def leftovers(warehouse):
    return list((Lake(warehouse.lake_folder, warehouse.file).folder / ".work").iterdir())


def test_what_spark_gives_back_is_what_it_was_given_to_the_microsecond(warehouse, spark):
    before = held(warehouse)
    assert recompute(warehouse, spark, lambda rows: rows).n_changed == 0
    assert held(warehouse) == before
    assert not leftovers(warehouse)


def test_instants_with_a_zone_are_kept_in_utc(warehouse, spark):
    before = held(warehouse)
    aware = "timestamp('UTC')"
    written = recompute(
        warehouse, spark, lambda rows: rows.mutate(closes_at=rows.closes_at.cast(aware))
    )
    assert written.n_changed == 0
    assert held(warehouse) == before


def test_a_result_without_rows_empties_the_table(warehouse, spark):
    recompute(warehouse, spark, lambda rows: rows.filter(rows.exchange_mic == "none"))
    assert held(warehouse) == []


def test_a_failure_on_spark_is_one_line_and_changes_nothing(warehouse, spark):
    before = held(warehouse)
    with pytest.raises(WarehouseError, match=r"^core.sessions on Spark at .*; nothing") as said:
        recompute(
            warehouse,
            spark,
            lambda rows: rows.mutate(exchange_mic=rows.exchange_mic.cast("int64").cast("string")),
        )
    assert "\n" not in str(said.value)
    assert held(warehouse) == before
    assert not leftovers(warehouse)


def test_groups_on_spark_are_those_of_the_loop(warehouse, spark):
    def first_session(rows):
        return rows[~rows["exchange_mic"].duplicated()]

    written = recompute(
        warehouse,
        spark,
        lambda rows: in_groups(rows, "exchange_mic", first_session, SESSIONS),
    )
    assert written.n_rows == 2
    assert [row[:2] for row in held(warehouse)] == [("XNAS", DAYS[0]), ("XNYS", DAYS[0])]
