"""Great Expectations on what the last load delivered: one asset check per expectation.

The suite is made from the table's contract. What it finds broken has been quarantined before
the insert, so these checks warn; only a batch of the wrong shape stops the run.
"""

from typing import TYPE_CHECKING, Any

import dagster as dg

from checks._check import NEEDS, key, record, results
from checks.scan import Finding, newest_vintage
from resources.expectations import (
    SAMPLE_ROWS,
    SHAPE,
    UNIQUE,
    batch_rules,
    check_name,
    delivered,
    validate,
)
from warehouse.contract import Table
from warehouse.tables.articles import ARTICLES
from warehouse.tables.prices import PRICE_VINTAGES

if TYPE_CHECKING:
    import pandas as pd

_NAMED_BY = ("ticker", "session_date", "title")


def of_load(name: str) -> str:
    """Return how a rule is called that is held against a load: its table has the plain name."""
    return name if name in {SHAPE, UNIQUE} else f"delivered_{name}"


def findings(table: Table, batch: "pd.DataFrame") -> dict[str, Finding]:
    """Hold a batch against the table's suite; return one finding per expectation."""
    validated = validate(table, batch).results
    return {of_load(check_name(item)): _finding(batch, item) for item in validated}


def _finding(batch: "pd.DataFrame", item: Any) -> Finding:
    """Return one expectation's result as a finding, its severity mapped."""
    found = item.result
    positions = list(found.get("partial_unexpected_index_list") or [])[:SAMPLE_ROWS]
    names = [name for name in _NAMED_BY if name in batch.columns]
    # Values of texts are untrusted: the rows are named, and the value is not shown.
    sample = [
        {name: str(batch.iloc[at][name]) for name in names}
        for at in positions
        if isinstance(at, int)
    ]
    return Finding(
        n_rows=int(found.get("element_count") or len(batch)),
        n_violations=int(found.get("unexpected_count") or not item.success),
        sample_keys=sample,
        is_error=item.expectation_config.severity.value == "critical",
        note="Great Expectations: " + item.expectation_config.type,
    )


def batch_checks(table: Table) -> dg.AssetChecksDefinition:
    """Return the asset checks that hold the table's last load against its suite."""
    names = [of_load(name) for name in (SHAPE, UNIQUE, *(r.name for r in batch_rules(table)))]

    @dg.multi_asset_check(
        name=f"great_expectations_on_{table.name}",
        specs=[
            dg.AssetCheckSpec(
                name,
                asset=key(table),
                blocking=name == SHAPE,
                description=f"Great Expectations on the last load: {name.replace('_', ' ')}.",
            )
            for name in names
        ],
        required_resource_keys=NEEDS,
    )
    def run(context: dg.AssetCheckExecutionContext) -> Any:
        with context.resources.warehouse.reading() as con:
            found = findings(table, delivered(con, table))
            as_of = newest_vintage(con, table)
        record(context, table, found, as_of)
        yield from results(table, found)

    return run


CHECKS = [batch_checks(PRICE_VINTAGES), batch_checks(ARTICLES)]
