"""The resources as the environment configures them; the same settings are run configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from resources.alerts import Alerts
from resources.articles import Articles
from resources.calendars import Calendars
from resources.clock import Clock
from resources.prices import Prices
from resources.reference import Reference
from resources.settings import Settings, env
from resources.valuation import Valuation
from resources.warehouse import Warehouse

ROOT = Path(__file__).parents[1]


def configured() -> dict[str, Any]:
    """Return every resource, by the name under which assets and checks ask for it."""
    warehouse = Path(env("WAREHOUSE", str(ROOT / "warehouse" / "selloff.duckdb")))
    payloads = str(warehouse.parent / "payloads")
    return {
        "alerts": Alerts(webhook=env("WEBHOOK")),
        "article_source": Articles(
            path=env("ARTICLES_PATH"),
            feeds=env("FEEDS").split(),
            gdelt=[query.strip() for query in env("GDELT").split(";") if query.strip()],
            news=env("NEWS").split(),
            filings=env("FILINGS").split(),
            sec_contact=env("SEC_CONTACT"),
            payloads=payloads,
            full_text=env("FULL_TEXT") == "yes",
            archives=env("ARCHIVES").split(),
            keep_bodies=env("KEEP_BODIES").split(),
            tone_words=env("TONE_WORDS"),
        ),
        "calendars": Calendars(),
        "clock": Clock(),
        "price_provider": Prices(
            provider=env("PRICES", "replay"),
            path=env("PRICES_PATH"),
            tickers=env("TICKERS").split(),
            columns=dict(pair.split("=", 1) for pair in env("PRICES_COLUMNS").split()),
            zone=env("PRICES_ZONE"),
            basis=env("PRICES_BASIS", "split_adjusted"),
            symbols=env("PRICES_SYMBOLS", "today"),
            payloads=payloads,
        ),
        "reference": Reference(prices_path=env("PRICES_PATH"), events_path=env("EVENTS")),
        "settings": Settings(),
        "valuation_source": Valuation(
            shares=env("SHARES").split(),
            rates=env("FX").split(),
            sec_contact=env("SEC_CONTACT"),
            payloads=payloads,
        ),
        "warehouse": Warehouse(
            path=str(warehouse), engine=env("ENGINE", "duckdb"), lake=env("LAKE")
        ),
    }
