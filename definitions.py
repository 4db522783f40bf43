"""Everything put together, nothing decided."""

from __future__ import annotations

import json
import os
from pathlib import Path

import dagster as dg

import automation
from assets import articles, contagion, instruments, prices, report, returns, selloffs
from checks import batches, contract, freshness
from checks import prices as price_checks
from checks import returns as return_checks
from resources.alerts import Alerts
from resources.articles import Articles
from resources.calendars import Calendars
from resources.clock import Clock
from resources.prices import Prices
from resources.reference import Reference
from resources.settings import Settings
from resources.warehouse import Warehouse

ASSETS = (prices, instruments, articles, returns, selloffs, contagion, report)
CHECKS = (contract, batches, price_checks, return_checks, freshness)

# The environment is the only difference between a laptop, a server and a test; the same
# settings are each resource's run configuration.
ENV = os.environ.get
PRICES_PATH = ENV("SELLOFF_PRICES_PATH", "")
WAREHOUSE = ENV("SELLOFF_WAREHOUSE") or str(Path(__file__).parent / "warehouse/selloff.duckdb")

defs = dg.Definitions(
    assets=[asset for module in ASSETS for asset in module.ASSETS],
    asset_checks=[check for module in CHECKS for check in module.CHECKS],
    jobs=automation.JOBS,
    schedules=automation.SCHEDULES,
    sensors=automation.SENSORS,
    # Steps share one warehouse file: in one process they take turns for free.
    executor=dg.in_process_executor,
    resources={
        "alerts": Alerts(webhook=ENV("SELLOFF_WEBHOOK", "")),
        "article_source": Articles(
            path=ENV("SELLOFF_ARTICLES_PATH", ""), feeds=ENV("SELLOFF_FEEDS", "").split()
        ),
        "calendars": Calendars(),
        "clock": Clock(),
        "price_provider": Prices(
            provider=ENV("SELLOFF_PRICES", "replay"),
            path=PRICES_PATH,
            tickers=ENV("SELLOFF_TICKERS", "").split(),
            columns=json.loads(ENV("SELLOFF_PRICES_COLUMNS", "{}")),
        ),
        "reference": Reference(prices_path=PRICES_PATH),
        "settings": Settings(),
        "warehouse": Warehouse(path=WAREHOUSE),
    },
)
