"""A small warehouse, and the whole graph on it in a process that may be killed."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TICKERS = ("SPY", "NVDA", "AMD", "MU", "VST", "CEG")
LAST = date(2025, 1, 31)
FALL = date(2025, 1, 29)
N_SESSIONS = 300
N_NEW = 5


def write_prices(path: Path) -> list[date]:
    """Write random walks that fall together on one of the last sessions; return the sessions."""
    from resources.calendars import sessions

    table = sessions("XNYS", LAST - timedelta(days=2 * N_SESSIONS), LAST)
    days = table["session_date"].to_pylist()[-N_SESSIONS:]
    rng = random.Random(27)  # noqa: S311 - a test's prices
    lines = ["ticker,date,open,high,low,close,volume"]
    for ticker in TICKERS:
        close = 100.0
        for day in days:
            fall = 0.05 if ticker == "SPY" else 0.15
            close *= 1 - fall if day == FALL else 1 + rng.gauss(0, 0.01)
            volume = rng.randint(900_000, 1_100_000)
            lines.append(f"{ticker},{day},{close:.2f},{close:.2f},{close:.2f},{close:.2f},{volume}")
    path.write_text("\n".join(lines) + "\n")
    return days


def seed(path: Path, prices: Path, days: list[date]) -> None:
    """Land all but the newest sessions: what an earlier run of long ago had brought."""
    from datetime import datetime

    from resources.batch import Days
    from resources.prices import Prices
    from resources.reference import Reference
    from resources.warehouse import Warehouse
    from warehouse.tables.prices import PRICE_VINTAGES

    provider = Prices(provider="files", path=str(prices))
    batch = provider.fetch(Reference().listings(), Days(days[0], days[-N_NEW - 1]))
    now = datetime.fromisoformat("2025-01-25T12:00")
    Warehouse(path=str(path)).land(PRICE_VINTAGES, batch, run_id="seed", now=now)


def run(path: str, prices: str, first: date, steps) -> None:
    """Run every asset over the newest sessions; send the name of each step that starts.

    Without the checks and their pages: they write their own findings only, in half of the time.
    """
    import dagster as dg

    import definitions
    from resources.articles import REPLAY, Articles
    from resources.batch import Days
    from resources.prices import Prices
    from resources.warehouse import Warehouse

    docs = dg.AssetSelection.assets(["meta", "data_docs"])
    defs = dg.Definitions(
        assets=definitions.defs.assets,
        jobs=[dg.define_asset_job("whole", selection=dg.AssetSelection.all() - docs)],
        executor=dg.in_process_executor,
        resources={
            **definitions.defs.resources,
            "warehouse": Warehouse(path=path),
            "price_provider": Prices(provider="files", path=prices),
            "article_source": Articles(path=str(REPLAY)),
        },
    )

    def follow(entry, _cursor=None):
        happened = entry.dagster_event
        if happened and happened.event_type_value == "STEP_START":
            steps.send(happened.step_key)

    run_id = "00000000-0000-0000-0000-000000000001"
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_event_listener(run_id, follow)
        defs.resolve_job_def("whole").execute_in_process(
            instance=instance,
            run_id=run_id,
            tags=Days(first, LAST).tags(),
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    steps.send("end")
