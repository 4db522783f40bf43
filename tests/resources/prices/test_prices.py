"""The resource: one interface, the provider chosen by configuration alone."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from resources.batch import Days, Listing
from resources.prices import Prices
from resources.prices.bars import COLUMNS, together

ROOT = Path(__file__).parents[3]
DAY = Days(date(2025, 1, 27), date(2025, 1, 27))
NVDA = Listing("XNAS:NVDA", "NVDA", "XNAS", "USD")


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({}, "replay"),
        ({"provider": "files", "path": "somewhere"}, "real"),
        ({"provider": "yahoo"}, "real"),
    ],
)
def test_only_the_replay_is_not_real(config, kind):
    assert Prices(**config).kind == kind


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"provider": "bloomberg"},
            "unknown price provider 'bloomberg'; there are: yahoo, eastmoney, files, replay",
        ),
        (
            {"provider": "files"},
            "the price provider 'files' needs a path (a file or a folder)",
        ),
        (
            {"provider": "files", "path": "x", "columns": {"tikcer": "symbol"}},
            (
                "columns: no such column of ours: tikcer; use: ticker, session_date, open, high, "
                "low, close, adj_close, volume, market_value, currency, exchange_mic"
            ),
        ),
    ],
)
def test_a_wrong_configuration_is_one_line_when_used(config, message):
    prices = Prices(**config)
    for use in (lambda: prices.fetch([NVDA], DAY), prices.coverage):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            use()


def test_every_provider_hands_over_the_same_columns(tmp_path):
    (tmp_path / "NVDA.csv").write_text("Date,Close\n2025-01-27,118.42\n")
    files = Prices(provider="files", path=str(tmp_path)).fetch([NVDA], DAY).rows
    replay = Prices(tickers=["NVDA"]).fetch([NVDA], DAY).rows
    assert files.column_names == replay.column_names == together([]).column_names == list(COLUMNS)
    assert files["listing_id"].to_pylist() == replay["listing_id"].to_pylist() == ["XNAS:NVDA"]
    assert [float(close) for close in files["close"].to_pylist()] == replay["close"].to_pylist()


def test_what_yahoo_holds_is_not_known_beforehand():
    assert Prices(provider="yahoo").coverage() is None


def test_dagster_configures_it(tmp_path):
    (tmp_path / "a.csv").write_text("symbol,day,close\nNVDA,2025-01-27,118.42\n")
    found = {}

    @dg.asset
    def closes(prices: Prices) -> None:
        found["closes"] = prices.fetch([NVDA], DAY).rows["close"].to_pylist()

    config = {
        "provider": "files",
        "path": str(tmp_path),
        "tickers": ["NVDA"],
        "columns": {"session_date": "day"},
    }
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize(
            [closes],
            resources={"prices": Prices()},
            run_config={"resources": {"prices": {"config": config}}},
            instance=instance,
        )
    assert found == {"closes": ["118.42"]}


def test_importing_the_resource_imports_nothing_heavy():
    code = (
        "import sys, resources.prices, resources.prices.files, resources.prices.replay, "
        "resources.prices.yahoo\n"
        "print([m for m in ('pyarrow', 'pandas', 'yfinance', 'exchange_calendars') "
        "if m in sys.modules])"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter, our own line
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
