"""Twenty-five years of real sector funds: how connected they were, through the asset's own step.

The returns are put where the steps before it would leave them: to land and detect that history
takes minutes.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from unittest import mock

import duckdb
import numpy as np
import pytest

from resources.batch import Days
from resources.warehouse import Warehouse
from warehouse.tables import table

pytestmark = pytest.mark.pipeline

FILE = Path(__file__).parents[3] / "shared" / "data" / "prices" / "sector_etfs_1990_2023.parquet"
FIRST, LAST = date(1998, 12, 23), date(2023, 12, 29)
SERIES, CONNECTEDNESS = table("core.contagion_series"), table("mart.connectedness")
SET = "US sector funds"
A_DAY = date(2020, 3, 16)


def returns_of(copy):
    """Return log returns of the funds from a file of closes, a column per fund."""
    closes = duckdb.sql(f"SELECT ticker, date, adj_close FROM '{copy}'").df()
    wide = closes.pivot_table(index="date", columns="ticker", values="adj_close")
    wide.index = wide.index.astype("datetime64[ns]")
    return np.log(wide).diff().loc[str(FIRST) :]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    """A warehouse that holds the series of the funds, and nothing measured."""
    from tests.selloff.contagion_rows import rows_of

    if not FILE.exists():
        pytest.skip("the real prices lie beside the repository, in ../shared, and are not there")
    home = tmp_path_factory.mktemp("funds")
    copy = home / "funds.parquet"
    chosen = f"FROM read_parquet('{FILE}') WHERE ticker LIKE 'XL%' OR ticker = 'SPY'"
    duckdb.sql(chosen).write_parquet(str(copy))
    wide = returns_of(copy)
    rows = rows_of(
        wide.drop(columns="SPY"), SET, market_log_return=wide["SPY"], market_value_usd=np.nan
    )
    held = Warehouse(path=str(home / "selloff.duckdb"))
    stamp = {"run_id": "funds", "now": datetime.fromisoformat("2024-01-02T12:00")}
    held.materialize(SERIES, lambda _con, _days: rows, inputs=[], days=None, **stamp)
    return held


@pytest.fixture(scope="module")
def run(warehouse):
    """Run the step for some days."""
    import dagster as dg

    import definitions

    key = dg.AssetKey([CONNECTEDNESS.layer, CONNECTEDNESS.name])
    defs = dg.Definitions(
        assets=definitions.defs.assets,
        jobs=[dg.define_asset_job("some", selection=dg.AssetSelection.assets(key))],
        executor=dg.in_process_executor,
        resources={**definitions.defs.resources, "warehouse": warehouse},
    )

    def of(first, last):
        # Dagster notes one date: nine thousand of them took it 50 s, and say nothing of ours.
        with (
            mock.patch.object(Days, "of_run", return_value=Days(first, last)),
            dg.DagsterInstance.ephemeral() as instance,
        ):
            done = defs.resolve_job_def("some").execute_in_process(
                instance=instance,
                tags=Days(last, last).tags(),
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
        assert done.success

    return of


@pytest.fixture(scope="module")
def query(warehouse, run):
    run(FIRST, LAST)

    def ask(sql, *values):
        with warehouse.reading() as con:
            return con.execute(sql, list(values)).fetchall()

    return ask


TOTALS = f"""
FROM mart.connectedness
WHERE series_set = '{SET}' AND measure = 'total' AND window_rows = 250
  AND session_date BETWEEN ? AND ?
"""


def test_every_session_since_the_first_whole_window_is_measured(query):
    found = query(
        f"SELECT count(*), min(session_date), max(session_date) {TOTALS}",
        FIRST,
        LAST,
    )
    # The first of 250 returns is that of 23 December 1998.
    assert found == [(6046, date(1999, 12, 20), LAST)]


def test_before_2020_they_were_never_so_connected_as_in_a_crisis(query):
    ((day, most),) = query(
        f"SELECT arg_max(session_date, value), max(value) {TOTALS}",
        date(2005, 1, 1),
        date(2019, 12, 31),
    )
    crises = (
        (date(2008, 9, 1), date(2009, 6, 30)),
        (date(2011, 8, 1), date(2012, 6, 30)),
    )
    assert any(first <= day <= last for first, last in crises), day
    assert 0.8 < most < 1


def test_every_day_of_march_2020_lies_above_every_day_of_2017(query):
    extremes = f"SELECT min(value), max(value), count(*) {TOTALS}"
    ((lowest, _, n_days),) = query(extremes, date(2020, 3, 1), date(2020, 3, 31))
    ((_, highest, _),) = query(extremes, date(2017, 1, 1), date(2017, 12, 31))
    assert n_days == 22
    assert lowest > highest


@pytest.mark.parametrize(
    ("fund", "listed"), [("XLRE", date(2015, 10, 9)), ("XLC", date(2018, 6, 20))]
)
def test_a_late_fund_joins_when_it_has_a_year_of_returns(query, fund, listed):
    found = query(
        "SELECT min(session_date) - min(window_from) > 350, min(window_from) "
        "FROM mart.connectedness WHERE series_name = ? AND window_rows = 250",
        fund,
    )
    assert found == [(True, listed)]


def test_a_day_computed_again_alone_gives_the_same_rows(query, run, warehouse):
    asked = "FROM mart.connectedness WHERE session_date = ? ORDER BY ALL"
    whole = query(asked, A_DAY)
    assert len(whole) > 60
    with warehouse.writing() as con:
        con.execute("DELETE FROM mart.connectedness WHERE session_date = ?", [A_DAY])
    assert not query(asked, A_DAY)
    run(A_DAY, A_DAY)
    assert query(asked, A_DAY) == whole
