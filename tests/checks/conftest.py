"""A run of checks alone, days to hold them against, and a small market to put faults into."""

from __future__ import annotations

import functools
import random
from contextlib import closing
from datetime import date, datetime, timedelta
from types import SimpleNamespace

import dagster as dg
import duckdb
import pyarrow as pa
import pytest

from checks import (
    claims,
    contagion,
    drawdowns,
    losses,
    prices,
    reference,
    returns,
    selloffs,
    sources,
    spread,
)
from checks.contract import contract_of
from checks.scan import scan
from resources.batch import Answer, Batch, Days
from resources.clock import Clock
from resources.warehouse import landing
from selloff import adjustments, identity
from selloff import implied_shares as runs
from selloff import prices as current
from selloff import proposed_splits as unapplied
from selloff import quarantine as kept_out
from selloff import restatements as history
from tests.conftest import Tables
from warehouse.tables import TABLES, table
from warehouse.views import views

START = date(2025, 1, 20)
ALWAYS = Days(date(2025, 1, 1), date(2025, 12, 31))
TICKERS = ("NVDA", "AMD", "AVGO", "MU", "MSFT", "ORCL")
JUDGEMENTS = (
    *prices.JUDGEMENTS,
    *prices.OF_PROPOSALS,
    *sources.JUDGEMENTS,
    *reference.JUDGEMENTS,
    *returns.JUDGEMENTS,
    *drawdowns.JUDGEMENTS,
)
# What each table of core is computed from; see `assets.prices` and `assets.instruments`.
DERIVED = {
    "core.splits": (adjustments.splits, ("raw.corporate_actions",)),
    "core.dividends": (adjustments.dividends, ("raw.corporate_actions", "core.splits")),
    "core.restatements": (history.restatements, ("raw.price_vintages", "core.splits")),
    "core.quarantined_bars": (
        kept_out.quarantined_bars,
        (
            "raw.price_vintages",
            "core.splits",
            "core.restatements",
            "raw.quarantine",
            "raw.quarantine_decisions",
        ),
    ),
    "core.implied_shares": (
        runs.implied_shares,
        ("raw.price_vintages", "core.quarantined_bars", "core.splits"),
    ),
    "core.proposed_splits": (
        unapplied.proposed_splits,
        (
            "raw.price_vintages",
            "core.quarantined_bars",
            "core.splits",
            "core.implied_shares",
        ),
    ),
    "core.daily_prices": (
        current.daily_prices,
        (
            "raw.price_vintages",
            "core.quarantined_bars",
            "core.splits",
            "core.sessions",
            "core.instruments",
        ),
    ),
    "core.delistings": (
        identity.delistings,
        ("raw.fetches", "raw.price_vintages", "core.sessions", "core.instruments"),
    ),
}


@pytest.fixture
def tables(tables):
    """The tables with the views over them."""
    for statement in views().values():
        tables.con.execute(statement)
    return tables


@pytest.fixture(scope="session")
def verdicts():
    """Run a definition's checks alone; return each result by its check's name."""

    def run(check, warehouse, *, days=None, now="2025-01-28T12:00", tags=None):
        defs = dg.Definitions(
            asset_checks=[check],
            resources={"warehouse": warehouse, "clock": Clock(fixed_at=now)},
        )
        with dg.DagsterInstance.ephemeral() as instance:
            result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
                instance=instance,
                tags={**(days.tags() if days else {}), **(tags or {})},
                raise_on_error=False,
            )
        return {
            found.check_name: SimpleNamespace(
                passed=found.passed,
                severity=found.severity.value,
                note=found.description,
                success=result.success,
                **{
                    "first_failing_rows": [],
                    **{name: value.value for name, value in found.metadata.items()},
                },
            )
            for found in result.get_asset_check_evaluations()
        }

    return run


@pytest.fixture(scope="session")
def verdict(verdicts):
    """Run the judgement of that name, and those counted with it; return its result."""
    modules = (
        *(prices, sources, reference, returns, drawdowns, losses, selloffs, spread, claims),
        contagion,
    )
    every = [check for module in modules for check in module.CHECKS]
    by_name = {spec.name: check for check in every for spec in check.check_specs}

    def run(name, warehouse, days=ALWAYS, **when):
        return verdicts(by_name[name], warehouse, days=days, **when)[name]

    return run


@pytest.fixture(scope="session")
def weekdays():
    """Return so many weekdays from 2025-01-20 on."""

    def some(number):
        days = (START + timedelta(days=n) for n in range(number * 2))
        return [day for day in days if day.weekday() < 5][:number]

    return some


@functools.cache
def sql_of(name):
    """Return the SQL that fills a table of core; writing it takes longer than running it."""
    import ibis

    function, inputs = DERIVED[name]
    with closing(duckdb.connect()) as con:
        Tables(con)
        backend = ibis.duckdb.from_connection(con)
        parts = [one.split(".") for one in inputs]
        given = [backend.table(plain, database=layer) for layer, plain in parts]
        return str(ibis.to_sql(function(*given), dialect="duckdb"))


class Market:
    """Six listings of one exchange over 40 sessions, all in order until a fault is put in.

    `bars` and `actions` are what the source will answer; `deliver` lands them, `compute` fills
    core from what has landed.
    """

    def __init__(self, tables, days):
        self.tables, self.con, self.days = tables, tables.con, days
        self.now = datetime.combine(days[-1] + timedelta(days=1), datetime.min.time())
        self.actions = []
        self.loads = 0
        for ticker in TICKERS:
            self.list(ticker)
        for day in days:
            opens = datetime.combine(day, datetime.min.time()) + timedelta(hours=14, minutes=30)
            hours = {"opens_at": opens, "closes_at": opens + timedelta(hours=6, minutes=30)}
            tables.put(table("core.sessions"), exchange_mic="XNAS", session_date=day, **hours)
        tables.put(table("core.market_returns"), region="US", session_date=days[0])
        self.bars = {
            (ticker, day): self._bar(ticker, n) for ticker in TICKERS for n, day in enumerate(days)
        }

    def list(self, ticker, **values):
        """Register a listing."""
        known = {"currency": "USD", "sector": "Information Technology", "region": "US"}
        known |= {"listing_id": f"XNAS:{ticker}", "exchange_mic": "XNAS", "is_primary": True}
        self.tables.put(table("core.instruments"), ticker=ticker, **{**known, **values})

    def _bar(self, ticker, number):
        chance = random.Random(f"{ticker} {number}")  # noqa: S311 - a market, not a secret
        close = round(100 + 10 * TICKERS.index(ticker) + chance.uniform(-1, 1), 2)
        return {
            "listing_id": f"XNAS:{ticker}",
            "ticker": ticker,
            "session_date": self.days[number],
            "open": round(close - 0.2, 2),
            "high": round(close + 0.9, 2),
            "low": round(close - 0.9, 2),
            "close": close,
            "adj_close": close,
            "volume": float(chance.randrange(900_000, 1_100_000)),
            "currency": "USD",
            "source": "yahoo",
            "is_provisional": False,
        }

    def scale(self, ticker, factor, days):
        """Multiply the prices of some sessions."""
        for day in days:
            bar = self.bars[ticker, day]
            bar |= {
                name: bar[name] * factor for name in ("open", "high", "low", "close", "adj_close")
            }

    def act(self, ticker, ex_date, action, **values):
        """Announce a corporate action."""
        row = {"listing_id": f"XNAS:{ticker}", "ticker": ticker, "currency": "USD"}
        row |= {"split_ratio": None, "amount": None, "source": "yahoo", **values}
        self.actions.append({**row, "ex_date": ex_date, "action": action})

    def deliver(self, more=(), **causes):
        """Land what the source answers now: every bar, `more`, and why a ticker has no answer."""
        self.loads += 1
        at = self.now + timedelta(hours=self.loads)
        answers = [_answer(ticker, causes.get(ticker), at) for ticker in TICKERS]
        beside = {"raw.corporate_actions": pa.Table.from_pylist(self.actions)}
        rows = pa.Table.from_pylist([*self.bars.values(), *more])
        batch = Batch(rows, answers, beside=beside if self.actions else {})
        run = {"run_id": f"run{self.loads}", "now": at}
        landing.land(self.con, table("raw.price_vintages"), batch, **run)

    def compute(self):
        """Fill core from what has landed."""
        for name in DERIVED:
            self.con.execute(f"DELETE FROM {name}")
            self.con.execute(f"INSERT INTO {name} BY NAME {sql_of(name)}")

    def failed(self, first=None):
        """Return the checks of the catalogue that fail, by name, over the days of a run."""
        values = {"start": first or self.days[0], "end": self.days[-1], "now": self.now}
        contracts = [contract_of(one) for one in TABLES if one.layer == "core"]
        found = scan(self.con, JUDGEMENTS, values)
        for one in contracts:
            found |= {
                f"{one[0].table.qualified} {name}": each
                for name, each in scan(self.con, one).items()
                if name != "table_is_not_empty"
            }
        return {name: each for name, each in found.items() if each.n_violations}

    def refused(self):
        """Return why rows were refused, without the values."""
        found = self.con.execute("SELECT reason FROM raw.quarantine").fetchall()
        return {cause.partition(":")[0] for (text,) in found for cause in text.split("; ")}


def _answer(ticker, cause, at):
    if cause is None:
        return Answer(ticker, "delivered", None, 40, at, source="yahoo")
    return Answer(ticker, "failed", f"{cause}: {ticker}", 0, at, cause=cause, source="yahoo")


@pytest.fixture
def market(tables, weekdays):
    return Market(tables, weekdays(40))
