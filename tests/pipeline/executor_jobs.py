"""The job that each child process of an executor builds again."""

from __future__ import annotations

import time

# Four that wait for nothing, so that all start at once and want the lock at once; then one that
# reads what two of them wrote, and the release.
ASSETS = (
    "raw/price_vintages",
    "core/listing_symbols",
    "core/share_classes",
    "core/declared_events",
    "core/instruments",
    "meta/releases",
)


def several():
    """Return the job of a few assets, each in a process of its own."""
    import dagster as dg

    import definitions

    chosen = dg.AssetSelection.assets(*ASSETS).required_multi_asset_neighbors()
    chosen -= dg.AssetSelection.all_asset_checks()
    job = dg.define_asset_job("several", selection=chosen, executor_def=dg.multiprocess_executor)
    return dg.Definitions(
        assets=definitions.defs.assets, jobs=[job], resources=definitions.defs.resources
    ).resolve_job_def("several")


def publish_in_a_loop(path, ready, stop, answers):
    """Publish until told to stop, as a command by hand would; say how often, and what failed."""
    from datetime import UTC, datetime

    from resources.warehouse import Warehouse

    warehouse, done, failures = Warehouse(path=path), 0, []
    while not stop.is_set():
        try:
            warehouse.publish(run_id=f"hand{done}", is_backfill=False, now=datetime.now(UTC))
            done += 1
        except Exception as error:  # noqa: BLE001 - any failure counts
            failures.append(str(error))
        ready.set()
        time.sleep(0.05)
    answers.put((done, failures))
