"""A bench for the mathematics: an engine, tables by contract, and small worlds to put on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from warehouse.tables.actions import SPLITS
from warehouse.tables.contagion import CONTAGION_MEASURES
from warehouse.tables.detection import DECLARED_EVENTS, GROUP_RETURNS, MARKET_DAYS
from warehouse.tables.drawdowns import DRAWDOWN_EPISODES, RISK_MEASURES
from warehouse.tables.instruments import INSTRUMENTS, SESSIONS, SHARES_OUTSTANDING
from warehouse.tables.losses import CAR_PATHS, LOSS_TOTALS, MARKET_VALUE_LOSSES
from warehouse.tables.prices import DAILY_PRICES, PRICE_VINTAGES
from warehouse.tables.quarantine import QUARANTINED_BARS
from warehouse.tables.returns import ABNORMAL_RETURNS, MARKET_RETURNS
from warehouse.tables.selloffs import SELLOFF_EVENTS, SELLOFF_METRICS
from warehouse.tables.spread import CONTAGION_PATHS, SECTOR_CONTAGION
from warehouse.tables.valuation import FX_RATES, RAW_FX_RATES

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from warehouse.contract import Table

KNOWN = "2025-03-01"
_USUAL = {
    "source": "files",
    "currency": "USD",
    "quality_flags": "",
    "is_simulated": False,
    "is_provisional": False,
    "basis": "split_adjusted",
    "n_sources": 1,
    "row_hash": "0",
    "load_id": "load",
    "known_from": KNOWN,
    "as_of": KNOWN,
    "fall_as_of": KNOWN,
    "asset_class": "equity",
    "region": "US",
    "exchange_mic": "XNYS",
    "registered_from": "repository",
    "is_half_day": False,
    "market": "SPY",
    "n_flagged": 0,
    "n_quarantined": 0,
    "is_primary": True,
    "is_counted": True,
    "has_simulated_inputs": False,
    "n_estimation": 250,
    "split_ratio_after": 1.0,
    "status": "detected",
    "scope": "market",
    "n_sessions": 1,
    "version": 1,
}


def stored(contract: Table) -> str:
    """Return the name under which a table is stored: two layers may share one."""
    return f"{contract.layer}_{contract.name}"


class Bench:
    """An engine and tables on it that follow the contracts."""

    def __init__(self) -> None:
        import ibis

        self.engine = ibis.duckdb.connect()
        self.sql = self.engine.con.execute
        self.compiled: dict[Any, str] = {}

    def put(self, contract: Table, frame: pd.DataFrame, *, strict: bool = True) -> Any:
        """Store rows under the contract, usual values for columns not given; return the table."""
        name, frame = stored(contract), frame.copy()
        for column in contract.columns:
            if column.name == "listing_id" and "listing_id" not in frame:
                frame["listing_id"] = "X:" + frame["ticker"].astype(str)
            elif column.name == "worst_session_date" and column.name not in frame:
                frame[column.name] = frame.get("session_date")
            elif column.name not in frame and column.name in _USUAL:
                frame[column.name] = _USUAL[column.name]
        names = ", ".join(name for name in contract.column_names if name in frame)
        types = ", ".join(f"{column.name} {column.type}" for column in contract.columns)
        plain = f"CREATE TABLE {name} ({types})"
        self.sql(f"DROP TABLE IF EXISTS {name}")
        self.sql(contract.ddl(name) if strict else plain)
        self.engine.con.register("incoming", frame)
        self.sql(f"INSERT INTO {name} BY NAME SELECT {names} FROM incoming")
        self.engine.con.unregister("incoming")
        return self.engine.table(name)

    def empty(self, contract: Table) -> Any:
        """Store a table without rows; return it."""
        import pandas as pd

        return self.put(contract, pd.DataFrame(columns=list(contract.column_names)))

    def hold(self, contract: Table, result: Any) -> pd.DataFrame:
        """Store a result under the contract, all its checks on, and return what was stored."""
        import pandas as pd
        import pyarrow as pa

        if isinstance(result, pa.RecordBatchReader):
            result = result.read_all()
        is_frame = isinstance(result, pd.DataFrame | pa.Table)
        if is_frame:
            self.engine.con.register("computed", result)
        names = result.column_names if isinstance(result, pa.Table) else list(result.columns)
        assert names == list(contract.column_names)
        query = "FROM computed" if is_frame else self.engine.compile(result)
        name = stored(contract)
        self.sql(f"DROP TABLE IF EXISTS {name}")
        self.sql(contract.ddl(name))
        self.sql(f"INSERT INTO {name} BY NAME {query}")
        keys = ", ".join(contract.grain)
        twice = self.sql(f"SELECT {keys} FROM {name} GROUP BY ALL HAVING count(*) > 1")
        assert twice.fetchall() == []
        return self.sql(f"SELECT * FROM {name} ORDER BY {keys}").df()

    def table(self, contract: Table) -> Any:
        """Return a table stored before."""
        return self.engine.table(stored(contract))

    def run(self, name: Any, expression: Callable[[], Any]) -> pd.DataFrame:
        """Run an expression over stored tables; it takes longer to write than to run: once each."""
        if name not in self.compiled:
            self.compiled[name] = self.engine.compile(expression())
        return self.sql(self.compiled[name]).df()

    def detect(
        self, previous: Any, thresholds: Any = None, declared: Any = None
    ) -> dict[str, pd.DataFrame]:
        """Return groups, market days and events of the core tables stored before, by name."""
        from selloff import events, groups, market_days
        from selloff._ibis import fetched
        from selloff.detection import Detection

        if declared is None:
            self.empty(DECLARED_EVENTS)
        else:
            self.put(DECLARED_EVENTS, declared)
        chosen = thresholds or Detection()
        core = (ABNORMAL_RETURNS, DAILY_PRICES, INSTRUMENTS, SHARES_OUTSTANDING, FX_RATES)
        market = self.table(MARKET_RETURNS)

        def sums_of_groups() -> Any:
            panel = groups.valued_members(*(self.table(each) for each in core))
            return groups.group_days(panel, market, chosen.listing_z)

        sums = self.run(("groups", chosen.listing_z), sums_of_groups)
        held = {"group_returns": self.hold(GROUP_RETURNS, groups.group_returns(sums))}
        markets, of_groups = (fetched(self.table(t)) for t in (MARKET_RETURNS, GROUP_RETURNS))
        found = market_days.market_days(markets, of_groups, chosen)
        held["market_days"] = self.hold(MARKET_DAYS, found)
        asked = (MARKET_DAYS, GROUP_RETURNS, ABNORMAL_RETURNS, DAILY_PRICES, INSTRUMENTS, SESSIONS)
        tables = [self.table(each) for each in (*asked, DECLARED_EVENTS)]
        rows = self.run(("events", chosen), lambda: events.event_rows(*tables, chosen))
        happened = events.remembered(events.named(rows), previous)
        held["selloff_events"] = self.hold(SELLOFF_EVENTS, happened)
        return held


@dataclass
class World:
    """What is known before anything is computed."""

    vintages: pd.DataFrame
    instruments: pd.DataFrame
    sessions: pd.DataFrame
    shares: pd.DataFrame


class Chain:
    """Every expression of the mathematics, one after the other, stored by contract."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def __call__(
        self,
        world: World,
        *,
        strict: bool = True,
        previous: Any = None,
        declared: Any = None,
        **thresholds: Any,
    ) -> dict[str, pd.DataFrame]:
        """Return the tables computed from a world, by name."""
        import pandas as pd

        from selloff import drawdowns, fx, losses, markets, prices, returns
        from selloff._ibis import fetched
        from selloff.risk_measures import risk_measures

        put, hold, table = self.bench.put, self.bench.hold, self.bench.table
        vintages = put(PRICE_VINTAGES, world.vintages, strict=strict)
        listed = put(INSTRUMENTS, world.instruments)
        calendar = put(SESSIONS, world.sessions)
        shares = put(SHARES_OUTSTANDING, world.shares)
        held: dict[str, pd.DataFrame] = {}
        bars = prices.daily_prices(
            vintages, self.bench.empty(QUARANTINED_BARS), self.bench.empty(SPLITS), calendar, listed
        )
        held["daily_prices"] = hold(DAILY_PRICES, bars)
        bars = table(DAILY_PRICES)
        hold(FX_RATES, fx.fx_rates(self.bench.empty(RAW_FX_RATES), bars, listed))
        rates = table(FX_RATES)
        regions = thresholds.get("markets", {"US": "SPY"})
        levels = markets.market_levels(bars, listed, calendar, shares, regions)
        burn_in = thresholds.get("burn_in", 30)
        held["market_returns"] = hold(
            MARKET_RETURNS, markets.market_returns(fetched(levels), burn_in=burn_in)
        )
        market = table(MARKET_RETURNS)
        fitted = returns.abnormal_returns(bars, market, listed, thresholds.get("model"))
        held["abnormal_returns"] = hold(ABNORMAL_RETURNS, fitted)
        fitted = table(ABNORMAL_RETURNS)
        measured = risk_measures(bars, fitted, windows=thresholds.get("windows"))
        measured = measured.read_all().to_pandas(date_as_object=False)
        held["risk_measures"] = hold(RISK_MEASURES, measured)
        fallen = drawdowns.drawdown_episodes(bars, listed, shares, rates)
        held["drawdown_episodes"] = hold(DRAWDOWN_EPISODES, fallen)
        before = pd.DataFrame() if previous is None else previous
        detection = thresholds.get("detection")
        held.update(self.bench.detect(before, detection, declared))
        happened = table(SELLOFF_EVENTS)
        lost = losses.selloff_metrics(happened, bars, fitted, listed, calendar, shares, rates)
        held["selloff_metrics"] = hold(SELLOFF_METRICS, lost)
        lost = table(SELLOFF_METRICS)
        held |= self._losses(bars, fitted, listed, shares, rates, thresholds.get("model"))
        prices = (bars, fitted, listed, calendar, shares, rates)
        held |= self._spread(*prices, thresholds.get("model"))
        return held

    def _spread(
        self,
        bars: Any,
        fitted: Any,
        listed: Any,
        calendar: Any,
        shares: Any,
        rates: Any,
        model: Any,
    ) -> dict[str, pd.DataFrame]:
        """Return the tables of how the events spread."""
        from selloff.contagion_paths import contagion_paths
        from selloff.returns import MarketModel
        from selloff.sector_contagion import Contagion, sector_contagion

        hold, table = self.bench.hold, self.bench.table
        happened, lost = table(SELLOFF_EVENTS), table(SELLOFF_METRICS)
        chosen = Contagion(model=model or MarketModel())
        sectors = sector_contagion(
            happened, lost, fitted, listed, calendar, self.bench.empty(CONTAGION_MEASURES), chosen
        )
        ways = contagion_paths(
            happened, bars, fitted, listed, calendar, shares, rates, estimation=model
        )
        return {
            "sector_contagion": hold(SECTOR_CONTAGION, sectors),
            "contagion_paths": hold(CONTAGION_PATHS, ways),
        }

    def _losses(
        self, bars: Any, fitted: Any, listed: Any, shares: Any, rates: Any, model: Any
    ) -> dict[str, pd.DataFrame]:
        """Return the tables of what was lost, and of the way back."""
        from selloff import car_paths, records, totals

        hold, table = self.bench.hold, self.bench.table
        happened, lost = table(SELLOFF_EVENTS), table(SELLOFF_METRICS)
        ranked = records.market_value_losses(bars, fitted, listed, shares, rates)
        summed = totals.loss_totals(happened, lost, listed)
        followed = car_paths.car_paths(happened, lost, fitted, listed, model)
        return {
            "market_value_losses": hold(MARKET_VALUE_LOSSES, ranked),
            "loss_totals": hold(LOSS_TOTALS, summed),
            "car_paths": hold(CAR_PATHS, followed),
        }


class Maker:
    """Rows for tests, in as few words as they need."""

    def days(self, count: int, start: str = "2024-01-01") -> pd.DatetimeIndex:
        """Return weekdays."""
        import pandas as pd

        return pd.bdate_range(start, periods=count)

    def bars(self, ticker: str, closes: Any, start: str = "2024-01-01", **columns: Any) -> Any:
        """Return one listing's bars on weekdays from `start`; a close of None is no bar."""
        import pandas as pd

        closes = list(closes)
        frame = pd.DataFrame(
            {
                "ticker": ticker,
                "session_date": self.days(len(closes), start),
                "close": pd.Series(closes, dtype=float),
                **columns,
            }
        )
        return frame.dropna(subset="close").reset_index(drop=True)

    def listings(self, *tickers: str, **columns: Any) -> Any:
        """Return instruments."""
        import pandas as pd

        usual = {name: _USUAL[name] for name in ("asset_class", "region", "exchange_mic")}
        return pd.DataFrame({"ticker": list(tickers), **usual, **columns})

    def sessions(self, mic: str, days: Any, closes: str = "21:00") -> Any:
        """Return the sessions of an exchange that closes at that UTC time every day."""
        import pandas as pd

        days = pd.DatetimeIndex(days)
        at = days + pd.Timedelta(f"{closes}:00")
        return pd.DataFrame(
            {
                "exchange_mic": mic,
                "session_date": days,
                "opens_at": at - pd.Timedelta("6h"),
                "closes_at": at,
            }
        )

    def shares(self, **counts: float) -> Any:
        """Return share counts known before everything else."""
        import pandas as pd

        return pd.DataFrame(
            {
                "ticker": list(counts),
                "known_on": pd.Timestamp("2020-01-01"),
                "shares_outstanding": pd.Series(list(counts.values()), dtype=float),
            }
        )

    def rates(self, currency: str, rates: Any, start: str = "2024-01-01") -> Any:
        """Return a currency's rates, USD per unit, on weekdays from `start`; None is no rate."""
        import pandas as pd

        rates = list(rates)
        frame = pd.DataFrame(
            {
                "currency": currency,
                "rate_date": self.days(len(rates), start),
                "usd_per_currency": pd.Series(rates, dtype=float),
            }
        )
        return frame.dropna(subset="usd_per_currency").reset_index(drop=True)

    def world(self, bars: list[Any], instruments: Any, sessions: Any, shares: Any) -> World:
        """Return a world made of these bars."""
        import pandas as pd

        return World(pd.concat(bars, ignore_index=True), instruments, sessions, shares)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let Ibis 12 ask DuckDB 2.0 for tables by the old name."""
    ignore = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(ignore)


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


@pytest.fixture(scope="module")
def chain(bench) -> Chain:
    return Chain(bench)


@pytest.fixture(scope="module")
def make() -> Maker:
    return Maker()


@pytest.fixture(scope="module")
def panel(make):
    """Build a random world: eight US equities of three sectors, two of Tokyo, SPY, one FX pair."""
    import numpy as np
    import pandas as pd

    def build(seed: int, count: int = 120, crash: int | None = None) -> World:
        random = np.random.default_rng(seed)
        market = random.normal(0, 0.008, count)
        if crash is not None:
            market[crash] = -0.06
        sectors = ["Chips", "Chips", "Chips", "Power", "Power", "Power", "Food", "Food"]
        bars = [make.bars("SPY", 400 * np.exp(np.cumsum(market)), volume=1e6)]
        for number, sector in enumerate(sectors):
            own = random.normal(0, 0.015, count) + random.uniform(0.5, 2) * market
            if crash is not None and sector != "Food":
                own[crash] -= 0.12
            volume = random.integers(100_000, 900_000, count).astype(float)
            volume[random.random(count) < 0.03] = 0
            bars.append(make.bars(f"U{number}", 50 * np.exp(np.cumsum(own)), volume=volume))
        for number in range(2):
            own = random.normal(0, 0.015, count)
            closes = 900 * np.exp(np.cumsum(own))
            bars.append(make.bars(f"J{number}", closes, volume=5e5, currency="JPY"))
        yen = 150 * np.exp(np.cumsum(random.normal(0, 0.003, count)))
        bars.append(make.bars("USDJPY", yen, currency="JPY"))
        days = make.days(count + 5)
        instruments = pd.concat(
            [
                make.listings("SPY", asset_class="etf"),
                make.listings(*(f"U{n}" for n in range(8)), sector=sectors),
                make.listings("J0", "J1", sector="Chips", region="JP", exchange_mic="XTKS"),
                make.listings("USDJPY", asset_class="fx", region=None, exchange_mic=None),
            ],
            ignore_index=True,
        )
        sessions = pd.concat(
            [make.sessions("XNYS", days), make.sessions("XTKS", days, "06:00")], ignore_index=True
        )
        shares = make.shares(U0=1e9, U1=2e9, U3=5e8, U6=1e8, J0=3e9)
        return make.world(bars, instruments, sessions, shares)

    return build
