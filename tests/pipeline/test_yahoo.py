"""The real yfinance through the whole job, chosen by environment, against a Yahoo of our own."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import fake_yahoo as fake

pytestmark = pytest.mark.pipeline

ROOT = Path(__file__).parents[2]
COMMAND = "import sys; from cli import main; main()"
CLOSES = {"NVDA": (142.62, 118.42, 128.99), "SPY": (607.97, 599.37, 604.52)}
DAYS = ("2025-01-24", "2025-01-27", "2025-01-28")


def chart(symbol):
    """Return Yahoo's answer for a symbol: real closes, the rest made up."""
    bars = []
    for day, close in zip(DAYS, CLOSES[symbol], strict=True):
        opens_at = datetime.fromisoformat(f"{day}T14:30").replace(tzinfo=UTC)
        bars.append((int(opens_at.timestamp()), close, close + 1, close - 1, close, 1_000_000))
    return fake.chart(symbol, bars)


@pytest.fixture(scope="module")
def backfilled(tmp_path_factory):
    """`selloff backfill` in a process of its own."""
    home = tmp_path_factory.mktemp("yahoo")
    charts = {**{symbol: chart(symbol) for symbol in CLOSES}, "MU": fake.not_found("MU")}
    with fake.FakeYahoo(charts) as server:
        server.write_authority(home / "ca.pem")
        given = {
            "SELLOFF_WAREHOUSE": str(home / "selloff.duckdb"),
            "SELLOFF_PRICES": "yahoo",
            "SELLOFF_TICKERS": "NVDA SPY MU",
            "DAGSTER_HOME": str(home / "dagster"),
            "HTTPS_PROXY": server.proxy,
            "https_proxy": server.proxy,
            "NO_PROXY": "",
            "no_proxy": "",
            "REQUESTS_CA_BUNDLE": str(home / "ca.pem"),
            "CURL_CA_BUNDLE": str(home / "ca.pem"),
        }
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-c", COMMAND, "backfill", "--from", DAYS[0], "--to", DAYS[-1]],
            cwd=ROOT,
            env={**os.environ, **given},
            capture_output=True,
            text=True,
            check=False,
        )
    return SimpleNamespace(
        done=done, asked=server.asked, release=home / "current" / "warehouse.duckdb"
    )


@pytest.fixture(scope="module")
def query(backfilled, asked):
    return asked(backfilled.release)


def test_yahoo_was_asked_through_the_proxy_and_nobody_else(backfilled):
    hosts = {path.partition("/")[0] for path in backfilled.asked}
    assert hosts
    assert all(host.endswith(".yahoo.com") for host in hosts)


def test_an_unknown_ticker_ends_with_status_three_and_one_line(backfilled):
    assert backfilled.done.returncode == 3, backfilled.done.stderr
    said = [line for line in backfilled.done.stderr.splitlines() if line.startswith("not read")]
    assert len(said) == 1
    assert said[0].startswith("not read: MU: unknown_ticker: ")


def test_the_bars_of_yahoo_reach_the_release(query):
    rows = query(
        "SELECT ticker, session_date, close, source FROM core.daily_prices "
        "ORDER BY ticker, session_date"
    )
    assert rows == [
        (ticker, date.fromisoformat(day), close, "yahoo")
        for ticker, closes in CLOSES.items()
        for day, close in zip(DAYS, closes, strict=True)
    ]
    assert query("SELECT kind FROM meta.warehouse") == [("real",)]


def test_the_return_of_27_january_is_the_known_one(query):
    rows = query(
        "SELECT simple_return FROM core.abnormal_returns "
        "WHERE ticker = 'NVDA' AND session_date = '2025-01-27'"
    )
    assert rows[0][0] == pytest.approx(-0.16968, abs=5e-5)
