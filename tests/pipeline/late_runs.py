"""A warehouse that a simulated market reaches in parts, restated on the way, and its whole anew."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from unittest import mock

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

import definitions
from benchmarks import simulated_market
from resources.articles import REPLAY, Articles
from resources.batch import Answer, Batch, Days
from resources.prices import Prices
from resources.reference import Reference
from resources.warehouse import Warehouse
from selloff import contagion_battery, event_tests
from warehouse.tables import TABLES
from warehouse.tables.actions import CORPORATE_ACTIONS
from warehouse.tables.prices import PRICE_VINTAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MARK = 1_000_000
N_LISTINGS, N_YEARS = 44, 1.9
# Raw tables are landed, and what is of articles rests on none of this.
WHOLE = dg.AssetSelection.assets(
    ["mart", "event_study_tests"],
    ["mart", "dropped_observations"],
    ["mart", "sector_contagion"],
    ["mart", "contagion_paths"],
    ["mart", "car_paths"],
    ["core", "risk_measures"],
).upstream() - dg.AssetSelection.groups("raw")


@dataclass(frozen=True)
class Market:
    """Bars in the order of their sessions, and those sessions."""

    bars: pa.Table
    sessions: list[date]
    folder: Path

    @staticmethod
    def made(folder: Path, seed: int) -> Market:
        """Draw one."""
        simulated_market.make(folder, N_LISTINGS, N_YEARS, seed)
        paths = sorted((folder / "prices").glob("*.parquet"))
        bars = pa.concat_tables([pq.read_table(path) for path in paths])
        days = sorted(set(bars["date"].to_pylist()))
        return Market(bars, days, folder / "prices")

    def between(self, first: int, last: int) -> pa.Table:
        """Return the bars of some sessions, by their numbers, the last not included."""
        days = pa.array(self.sessions[first:last], pa.date32())
        return self.bars.filter(pa.compute.is_in(self.bars["date"], days))

    def lasting(self) -> str:
        """Return the listing that has the most bars."""
        counts = self.bars.group_by("symbol").aggregate([("close", "count")])
        return str(counts.sort_by([("close_count", "descending")])["symbol"][0])

    def split(self, ticker: str, first: int, ratio: float) -> Market:
        """Return the market in which a listing trades in other shares from a session on."""
        days = pa.array(self.sessions[first:], pa.date32())
        is_new = pyarrow.compute.and_(
            pyarrow.compute.equal(self.bars["symbol"], ticker),
            pyarrow.compute.is_in(self.bars["date"], days),
        )
        bars = self.bars
        for name, factor in (("close", 1 / ratio), ("volume", ratio)):
            old = bars[name].cast(pa.float64())
            new = pyarrow.compute.if_else(is_new, pyarrow.compute.multiply(old, factor), old)
            bars = bars.set_column(bars.schema.get_field_index(name), name, new)
        return Market(bars, self.sessions, self.folder)

    def restated(self, ticker: str, first: int, last: int, factors: list[float]) -> pa.Table:
        """Return a listing's bars of some sessions with other closes, which no split explains."""
        rows = self.between(first, last)
        rows = rows.filter(pa.compute.equal(rows["symbol"], ticker))
        assert rows.num_rows, "nothing to mend"
        closes = rows["close"].to_numpy() * np.resize(factors, rows.num_rows)
        at = rows.schema.get_field_index("close")
        return rows.set_column(at, "close", pa.array(np.round(closes, 4)))


class Late:
    """The warehouse of a market."""

    def __init__(self, path: Path, market: Market) -> None:
        self.warehouse = Warehouse(path=str(path))
        provider = Prices(provider="files", path=str(market.folder))
        self.reference = Reference(prices_path=str(market.folder))
        self.listed = {each.ticker: each.listing_id for each in self.reference.listings()}
        self.job = dg.Definitions(
            assets=definitions.defs.assets,
            jobs=[dg.define_asset_job("late", selection=WHOLE)],
            executor=dg.in_process_executor,
            resources={
                **definitions.defs.resources,
                "warehouse": self.warehouse,
                "price_provider": provider,
                "reference": self.reference,
                "article_source": Articles(path=str(REPLAY)),
            },
        ).resolve_job_def("late")

    def land(
        self, bars: pa.Table, now: datetime, splits: tuple[tuple[str, date, float], ...] = ()
    ) -> date:
        """Land some bars and splits (ticker, ex-date, ratio); return the last of the sessions."""
        ids = pa.array([self.listed[ticker] for ticker in bars["symbol"].to_pylist()])
        rows = pa.table(
            {
                "listing_id": ids,
                "ticker": bars["symbol"],
                "session_date": bars["date"],
                "close": bars["close"],
                "volume": bars["volume"],
                "market_value": bars["market_cap"],
                "source": pa.array(["files"] * bars.num_rows),
                "basis": pa.array(["as_traded"] * bars.num_rows),
                "fetched_at": pa.array([now] * bars.num_rows, pa.timestamp("us")),
            }
        )
        answer = Answer("a part", "delivered", None, bars.num_rows, now)
        told = [
            {"listing_id": self.listed[ticker], "ticker": ticker, "ex_date": day}
            | {"action": "split", "split_ratio": ratio, "source": "files", "basis": "as_traded"}
            for ticker, day, ratio in splits
        ]
        beside = {CORPORATE_ACTIONS.qualified: pa.Table.from_pylist(told)} if told else {}
        batch = Batch(rows, [answer], beside=beside)
        self.warehouse.land(PRICE_VINTAGES, batch, run_id=str(now), now=now)
        last: date = max(bars["date"].to_pylist())
        return last

    def run(self, day: date) -> None:
        """Compute everything that is stale, and a day; of the batteries the first tests alone."""
        brief = {"OF_ONE_DATE": event_tests.BRIEF, "OF_ALL_EVENTS": event_tests.BRIEF}
        with (
            mock.patch.multiple(event_tests, **brief),
            mock.patch.object(contagion_battery, "BATTERY", contagion_battery.BATTERY[:2]),
        ):
            self._run(day)

    def _run(self, day: date) -> None:
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        with dg.DagsterInstance.ephemeral() as instance:
            self.job.execute_in_process(
                instance=instance, tags=Days(day, day).tags(), run_config=quiet
            )

    @contextmanager
    def marked(self, table: str, where: str = "") -> Iterator[Callable[[], bool]]:
        """Mark some rows, or the first event's; yield whether they still are; take the mark off."""
        oldest = (
            f"event_id = (SELECT e.event_id FROM mart.selloff_events AS e SEMI JOIN {table} "
            "USING (event_id) ORDER BY e.session_date LIMIT 1)"
        )
        rows = f"{table} SET n_flagged = n_flagged + $n WHERE {where or oldest}"

        def is_marked() -> bool:
            with self.warehouse.reading() as con:
                counts = f"SELECT min(n_flagged) FROM {table} WHERE {where or oldest}"
                return bool(con.execute(counts).fetchall()[0][0] >= MARK)

        with self.warehouse.writing() as con:
            con.execute(f"UPDATE {rows}", {"n": MARK})
        yield is_marked
        with self.warehouse.writing() as con:
            con.execute(f"UPDATE {rows}", {"n": -MARK})

    def forget(self) -> None:
        """Forget what every table was computed from, so that all of it is stale."""
        with self.warehouse.writing() as con:
            con.execute("DELETE FROM meta.inputs")

    def tables(self) -> dict[str, pa.Table]:
        """Return every derived table, in the order of its grain."""
        with self.warehouse.reading() as con:
            return {
                table.qualified: con.sql(
                    f"FROM {table.qualified} ORDER BY {', '.join(table.grain)}"
                ).to_arrow_table()
                for table in TABLES
                if table.layer in {"core", "mart"}
            }


def moment(number: int) -> datetime:
    """Return when the part of that number came."""
    return datetime.fromisoformat("2025-07-01T12:00") + timedelta(days=number)
