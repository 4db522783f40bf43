"""Tables computed as their assets compute them, in a warehouse of any engine."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from resources.batch import Days
from resources.engine.groups import in_groups, is_spread
from resources.engine.lake import Lake
from selloff import drawdowns, returns
from selloff import risk_measures as risk
from selloff.returns import MarketModel
from tests.selloff.spark.comparing import difference, frame_of
from warehouse.tables.drawdowns import DRAWDOWN_EPISODES, RISK_MEASURES
from warehouse.tables.instruments import INSTRUMENTS, SHARES_OUTSTANDING
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.returns import ABNORMAL_RETURNS, MARKET_RETURNS
from warehouse.tables.valuation import FX_RATES

if TYPE_CHECKING:
    from resources.warehouse import Warehouse, Written
    from warehouse.contract import Table

NOW = datetime(2025, 1, 27, 22, tzinfo=UTC).replace(tzinfo=None)
DAYS = Days(date(2024, 1, 1), date(2024, 12, 31))
MODEL = MarketModel(first=60, last=5, minimum=40)
READ = (DAILY_PRICES, INSTRUMENTS, SHARES_OUTSTANDING, FX_RATES, MARKET_RETURNS, ABNORMAL_RETURNS)


def measured(bars: Any, moves: Any) -> Any:
    """Return the risk measures, by listing where they are spread."""
    if not is_spread(bars):
        return risk.risk_measures(bars, moves)
    return in_groups(risk.bars(bars, moves), "listing_id", risk.of_bars, RISK_MEASURES)


# Two panel expressions and a matrix method by group, each with what it reads.
ASKED = {
    ABNORMAL_RETURNS: (
        lambda *tables: returns.abnormal_returns(*tables, MODEL),
        *(DAILY_PRICES, MARKET_RETURNS, INSTRUMENTS),
    ),
    DRAWDOWN_EPISODES: (
        drawdowns.drawdown_episodes,
        *(DAILY_PRICES, INSTRUMENTS, SHARES_OUTSTANDING, FX_RATES),
    ),
    RISK_MEASURES: (measured, DAILY_PRICES, ABNORMAL_RETURNS),
}


def compute(warehouse: Warehouse, table: Table, ask: Any, *sources: Table) -> Written:
    """Compute a table as its asset does."""

    def computed(con: Any, _days: Any) -> Any:
        with warehouse.computing(table, con) as place:
            return place.computed(ask(*map(place.table, sources)))[0]

    days = DAYS if table.partition else None
    return warehouse.materialize(table, computed, inputs=sources, days=days, run_id="r", now=NOW)


def held(warehouse: Warehouse, table: Table) -> Any:
    """Return what the core file has of a table."""
    with warehouse.reading() as con:
        return con.sql(f"FROM {table.qualified} ORDER BY ALL").to_arrow_table()


def refuse_differences(ours: Warehouse, theirs: Warehouse) -> None:
    """Compute all that is asked on two engines, and fail where they part."""
    for table, asked in ASKED.items():
        compute(ours, table, *asked)
        compute(theirs, table, *asked)
        one, other = (frame_of(held(each, table)) for each in (ours, theirs))
        assert len(one)
        assert difference(one, other) is None


def leftovers(warehouse: Warehouse) -> list[Any]:
    """Return the computations that still lie in the lake."""
    return list((Lake(warehouse.lake_folder, warehouse.file).folder / ".work").iterdir())
