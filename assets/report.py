"""What leaves the warehouse: the release that readers open, its event pages, the Data Docs."""

import dagster as dg

from assets._table import OWNERS, column_schema
from pages import writing as event_page_files
from resources import data_docs as pages
from resources.batch import BACKFILL_TAG, naive_utc
from resources.expectations import delivered, validate
from resources.summary import summaries
from warehouse.tables import TABLES
from warehouse.tables.articles import ARTICLES
from warehouse.tables.meta import RELEASES
from warehouse.tables.prices import FETCHES, PRICE_VINTAGES
from warehouse.tables.quarantine import QUARANTINE, QUARANTINE_DECISIONS

# What comes from the outside, and so is held against Great Expectations as it came.
DOCUMENTED = (PRICE_VINTAGES, ARTICLES)


@dg.asset(
    key=[RELEASES.layer, RELEASES.name],
    # Everything: a blocking check that fails anywhere keeps the last good release in place.
    deps=[
        dg.AssetKey([table.layer, table.name])
        for table in TABLES
        if table.layer != "meta" and table not in {FETCHES, QUARANTINE, QUARANTINE_DECISIONS}
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


@dg.asset(
    key=["meta", "data_docs"],
    deps=[dg.AssetKey([table.layer, table.name]) for table in DOCUMENTED],
    group_name="meta",
    description="What Great Expectations says of the last loads, as one page to be read anywhere.",
    kinds={"duckdb", "greatexpectations"},
    owners=OWNERS,
    # After all that can run: a page that waited for every table would be missing when one fails.
    op_tags={"dagster/priority": "-10"},
    required_resource_keys={"warehouse", "clock"},
)
def data_docs(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Write what the last loads are worth and what every check last found, as a page."""
    warehouse = context.resources.warehouse
    with warehouse.reading() as con:
        loads = {table: delivered(con, table) for table in DOCUMENTED}
        history = summaries(con)
    path = pages.write(
        warehouse.file.parent / "data_docs",
        [*(validate(table, load) for table, load in loads.items()), *history],
        at=naive_utc(context.resources.clock.now()),
    )
    return dg.MaterializeResult(metadata={"path": dg.MetadataValue.path(path)})


EVENTS = dg.DynamicPartitionsDefinition(name="event")
event_page = dg.AssetSpec(
    ["meta", "event_page"],
    deps=[dg.AssetKey(["meta", "event_pages"])],
    group_name="meta",
    description="The page of one event, a file that can be sent; each event is a partition.",
    partitions_def=EVENTS,
    kinds={"html"},
    owners=OWNERS,
)


@dg.asset(
    key=["meta", "event_pages"],
    deps=[releases],
    group_name="meta",
    description="A page per event of the release and their index; what is sent to a colleague.",
    kinds={"duckdb", "html"},
    owners=OWNERS,
    required_resource_keys={"warehouse"},
)
def event_pages(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Write the page of every event of the release, and note each as a partition."""
    warehouse = context.resources.warehouse
    folder = warehouse.file.parent / event_page_files.FOLDER
    with warehouse.reading_release() as con:
        written = event_page_files.write_all(con, folder)
    context.instance.add_dynamic_partitions("event", [page.event_id for page in written])
    for page in written:
        context.log_event(_noted(page))
    return dg.MaterializeResult(
        metadata={"index": dg.MetadataValue.path(folder / "index.html"), "pages": len(written)}
    )


def _noted(page: event_page_files.Page) -> dg.AssetMaterialization:
    """Return what Dagster shows of one event's page: where it lies, as a link and as a path."""
    return dg.AssetMaterialization(
        event_page.key,
        partition=page.event_id,
        metadata={
            "page": dg.MetadataValue.url(page.path.as_uri()),
            "path": dg.MetadataValue.path(page.path),
            "bytes": page.n_bytes,
        },
    )


ASSETS = [releases, event_pages, event_page, data_docs]
