"""What leaves the warehouse: the published release that readers open."""

import dagster as dg

from assets._table import OWNERS, column_schema
from resources.batch import naive_utc
from warehouse.tables import TABLES
from warehouse.tables.meta import RELEASES
from warehouse.tables.prices import FETCHES, QUARANTINE

BACKFILL_TAG = "selloff/backfill"


@dg.asset(
    key=[RELEASES.layer, RELEASES.name],
    # Everything: a blocking check that fails anywhere keeps the last good release in place.
    deps=[
        dg.AssetKey([table.layer, table.name])
        for table in TABLES
        if table.layer != "meta" and table not in {FETCHES, QUARANTINE}
    ],
    group_name="meta",
    description=RELEASES.doc,
    metadata={"dagster/column_schema": column_schema(RELEASES)},
    kinds={"duckdb"},
    owners=OWNERS,
    required_resource_keys={"warehouse", "clock"},
)
def releases(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Copy the checked core file to a release and swing `current` to it."""
    release_id = context.resources.warehouse.publish(
        run_id=context.run.run_id,
        is_backfill=BACKFILL_TAG in context.run.tags,
        now=naive_utc(context.resources.clock.now()),
    )
    return dg.MaterializeResult(metadata={"release": release_id})


ASSETS = [releases]
