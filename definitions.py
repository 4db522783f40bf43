"""Everything put together, nothing decided."""

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


# The same settings are each resource's run configuration.
def env(name: str, default: str = "") -> str:
    """Return a setting; an empty one, as compose files write it, is none."""
    return os.environ.get(f"SELLOFF_{name}") or default


PRICES, PRICES_PATH = env("PRICES", "replay"), env("PRICES_PATH")
WAREHOUSE = env("WAREHOUSE", str(Path(__file__).parent / "warehouse/selloff.duckdb"))

defs = dg.Definitions(
    assets=[asset for module in ASSETS for asset in module.ASSETS],
    asset_checks=[check for module in CHECKS for check in module.CHECKS],
    jobs=automation.JOBS,
    schedules=automation.SCHEDULES,
    sensors=automation.SENSORS,
    executor=dg.in_process_executor,
    resources={
        "alerts": Alerts(webhook=env("WEBHOOK")),
        "article_source": Articles(path=env("ARTICLES_PATH"), feeds=env("FEEDS").split()),
        "calendars": Calendars(),
        "clock": Clock(),
        "price_provider": Prices(
            provider=PRICES,
            path=PRICES_PATH,
            tickers=env("TICKERS").split(),
            columns=dict(pair.split("=", 1) for pair in env("PRICES_COLUMNS").split()),
        ),
        "reference": Reference(prices_path=PRICES_PATH),
        "settings": Settings(),
        "warehouse": Warehouse(path=WAREHOUSE),
    },
)
