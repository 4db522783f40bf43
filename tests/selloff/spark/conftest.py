"""Two engines over the same tables: DuckDB's own, and their Parquet files on Spark."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from warehouse.tables import BY_NAME

HERE = Path(__file__).parent
MASTER = os.environ.get("SELLOFF_TEST_ENGINE", "local[2]")


# What pyspark 4.0 and Ibis 12 do: sockets to Java are left to the collector, and pandas 3 is asked
# in the words of pandas 2.
IGNORED = (
    "ignore:unclosed <socket:ResourceWarning",
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning",
    "ignore:The copy keyword is deprecated",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let Spark be Spark: its libraries warn where ours may not."""
    for item in items:
        if item.path.parent == HERE:
            for warning in IGNORED:
                item.add_marker(pytest.mark.filterwarnings(warning))


def missing() -> str | None:
    """Return why Spark cannot be asked here, if it cannot."""
    if importlib.util.find_spec("pyspark") is None:
        return "needs pyspark (make test-spark)"
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        return "needs Java"
    return None


def stored(name: str) -> str:
    """Return the name under which a table is stored on both engines."""
    contract = BY_NAME[name]
    return f"{contract.layer}_{contract.name}"


class Tables:
    """Tables of one engine, by the name that an asset would ask for."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return self._engine.table(stored(name))


def copied(bench: Any, engine: Any, folder: Path) -> Tables:
    """Give an engine every table of a bench, by way of Parquet."""
    import pyarrow.parquet as pq

    from resources.warehouse.spill import arrow_schema

    kept = {row[0] for row in bench.sql("SHOW TABLES").fetchall()}
    for contract in dict.fromkeys(BY_NAME.values()):
        name = f"{contract.layer}_{contract.name}"
        if name in kept:
            names = ", ".join(contract.column_names)
            rows = bench.engine.con.sql(f"SELECT {names} FROM {name}").to_arrow_table()
            pq.write_table(rows.cast(arrow_schema(contract)), folder / f"{name}.parquet")
            engine.read_parquet(str(folder / f"{name}.parquet"), table_name=name)
    return Tables(engine)


@pytest.fixture(scope="session")
def spark():
    """Return Spark; or say why not."""
    if reason := missing():
        pytest.skip(reason)
    from resources.engine import connected

    with connected(MASTER) as engine:
        yield engine


@pytest.fixture
def say(capsys):
    """Show a line of the report: what is proved here is which worker did what."""

    def show(line):
        with capsys.disabled():
            sys.stdout.write(f"\n{line}\n")

    return show


@pytest.fixture(scope="module")
def world(chain, panel):
    """Return the tables of a small market, as Arrow, by contract."""
    from tests.selloff.spark.jobs import MODEL, READ

    chain(panel(7, 120), model=MODEL)
    names = {each: ", ".join(each.column_names) for each in READ}
    sql = chain.bench.engine.con.sql
    return {
        each: sql(f"SELECT {names[each]} FROM {stored(each.name)}").to_arrow_table()
        for each in READ
    }


@pytest.fixture
def filled(world, tmp_path):
    """Return a warehouse of an engine that holds these tables."""
    from resources.warehouse import Warehouse

    def fill(engine):
        made = Warehouse(path=str(tmp_path / f"of {engine[:5]}" / "selloff.duckdb"), engine=engine)
        with made.writing() as con:
            for contract, rows in world.items():
                con.register("rows", rows)
                con.execute(f"INSERT INTO {contract.qualified} BY NAME FROM rows")
        return made

    return fill
