"""The price assets on the replay's real dates: closed dates, single dates, one exchange alone."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import dagster as dg
import pytest

from assets import instruments, prices, returns, valuation
from resources.batch import Days
from resources.calendars import Calendars
from resources.clock import Clock
from resources.prices import Prices
from resources.reference import Reference
from resources.settings import Settings
from resources.valuation import Valuation
from resources.warehouse import Warehouse
from warehouse.tables import TABLES

TICKERS = ["NVDA", "AVGO", "SPY", "6857.T", "ENR.DE", "^GSPC"]
KEPT = [*prices.ASSETS, *instruments.ASSETS, *valuation.ASSETS]
CHAIN = [*KEPT, *returns.ASSETS]
# When and by whom a row was written, not what it says.
STAMPS = {"load_id", "known_from", "as_of", "fetched_at", "first_seen_at", "last_seen_at"}


def day(number):
    return date(2025, 1, number)


@pytest.fixture
def house(tmp_path):
    """Materialize the chain of price assets in a warehouse of its own."""

    def build(name):
        held = Warehouse(path=str(tmp_path / name / "selloff.duckdb"))

        def run(first, last=None, exchanges=(), assets=CHAIN):
            wanted = {"config": {"exchanges": list(exchanges)}}
            with dg.DagsterInstance.ephemeral() as instance:
                return dg.materialize(
                    assets,
                    instance=instance,
                    tags=Days(first, last or first).tags(),
                    run_config={"ops": {"raw__price_vintages": wanted}},
                    resources={
                        "warehouse": held,
                        "price_provider": Prices(tickers=TICKERS),
                        "reference": Reference(),
                        "calendars": Calendars(),
                        "clock": Clock(),
                        "settings": Settings(),
                        "valuation_source": Valuation(),
                    },
                )

        def query(sql):
            with held.reading() as con:
                return con.execute(sql).fetchall()

        def content():
            """Return what every table of raw and core says."""
            said = {}
            for table in TABLES:
                columns = [name for name in table.column_names if name not in STAMPS]
                if table.layer in {"raw", "core"} and table.name != "fetches":
                    sql = f"SELECT {', '.join(columns)} FROM {table.qualified} ORDER BY ALL"
                    said[table.qualified] = query(sql)
            return said

        return SimpleNamespace(run=run, query=query, content=content)

    return build


def metadata(result, key):
    return result.asset_materializations_for_node(key)[0].metadata


def test_runs_of_single_dates_in_any_order_equal_one_run_of_the_range(house):
    one_by_one, at_once = house("single"), house("range")
    for number in (28, 24, 27):
        one_by_one.run(day(number))
    at_once.run(day(24), day(28))
    found, expected = one_by_one.content(), at_once.content()
    assert len(expected["core.daily_prices"]) == 6 * 3
    assert found == expected


@pytest.mark.parametrize("closed", [date(2025, 1, 25), date(2025, 1, 1)])
def test_a_date_on_which_everything_is_closed_gives_no_rows_and_says_so(house, closed):
    held = house("closed")
    result = held.run(closed, assets=prices.ASSETS[:1])
    said = metadata(result, "raw__price_vintages")
    assert said["dagster/row_count"].value == 0
    assert said["reason"].value == f"every exchange was closed from {closed} to {closed}"
    assert held.query("SELECT requested, outcome, reason, n_rows FROM raw.fetches") == [
        ("all listings", "no_data", said["reason"].value, 0)
    ]


def test_a_run_for_tokyo_alone_takes_nothing_away_and_adds_nothing_of_others(house):
    held = house("tokyo")
    held.run(day(24), assets=KEPT)
    before = held.content()["core.daily_prices"]
    result = held.run(day(24), exchanges=["XTKS"], assets=KEPT)
    assert held.content()["core.daily_prices"] == before
    assert metadata(result, "raw__price_vintages")["changed_rows"].value == 0
    held.run(day(27), exchanges=["XTKS"], assets=KEPT)
    new = "SELECT listing_id FROM core.daily_prices WHERE session_date = '2025-01-27'"
    assert held.query(new) == [("XTKS:6857.T",)]
    assert held.query("SELECT count(*) FROM core.instruments WHERE listing_id LIKE 'FILE:%'") == [
        (0,)
    ]


def test_a_holiday_of_one_market_brings_the_bars_of_the_others(house):
    held = house("holiday")  # Martin Luther King's day: New York is closed, Tokyo is not
    held.run(day(20), assets=KEPT)
    found = {row[0] for row in held.query("SELECT ticker FROM core.daily_prices")}
    assert found == {"6857.T", "ENR.DE"}


def test_the_first_load_makes_the_warehouse_a_replay(house):
    held = house("kind")
    held.run(day(24), assets=prices.ASSETS[:1])
    assert held.query("SELECT kind FROM meta.warehouse") == [("replay",)]
