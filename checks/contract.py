"""The blocking checks, made from the contracts: facts about a table after it was written."""

from dataclasses import replace
from typing import TYPE_CHECKING

import dagster as dg

from checks._check import NEEDS, key, record, results, summed
from checks._unproved import unproved
from checks.catalogue import Check, contract
from checks.scan import newest_vintage, scan
from resources.batch import BACKFILL_TAG
from warehouse.contract import Table
from warehouse.tables import TABLES
from warehouse.tables.prices import FETCHES
from warehouse.tables.quarantine import QUARANTINE, QUARANTINE_DECISIONS

if TYPE_CHECKING:
    import duckdb

# What a market without texts, actions, conflicts or sell-offs leaves empty. Market returns are
# empty where nothing stands for a market, of which `every_region_has_a_market` warns.
MAY_BE_EMPTY = {
    "core.article_tones",
    "core.claims",
    "core.contagion_series",
    "core.declared_events",
    "core.delistings",
    "core.dividends",
    "core.documents",
    "core.fx_rates",
    "core.implied_shares",
    "core.group_returns",
    "core.market_returns",
    "core.mentions",
    "core.proposed_splits",
    "core.quarantined_bars",
    "core.quarantined_market_values",
    "core.restatements",
    "core.splits",
    "mart.claim_checks",
    "mart.drawdown_episodes",
    "mart.event_articles",
    "mart.event_coverage",
    "mart.dropped_observations",
    "mart.event_study_tests",
    "mart.car_paths",
    "mart.connectedness",
    "mart.connectedness_links",
    "mart.contagion_measures",
    "mart.contagion_paths",
    "mart.loss_totals",
    "mart.market_value_losses",
    "mart.market_days",
    "mart.mention_bursts",
    "mart.omitted_series",
    "mart.sector_contagion",
    "mart.selloff_events",
    "mart.selloff_metrics",
    "mart.source_records",
    "mart.systemic_risk",
    "raw.articles",
    "raw.corporate_actions",
    "raw.fx_rates",
    "raw.shares_outstanding",
}
# Filled by the way, with another asset's load, or by hand: no step to hang a check on.
BESIDE = {FETCHES.qualified, QUARANTINE.qualified, QUARANTINE_DECISIONS.qualified}


def contract_of(table: Table) -> tuple[Check, ...]:
    """Return everything that the contract says of a table that was written."""
    return contract(table, may_be_empty=table.qualified in MAY_BE_EMPTY)


def asked_of(
    con: "duckdb.DuckDBPyConnection", table: Table, *, is_backfill: bool
) -> tuple[Check, ...]:
    """Return the same of the rows that are not known to keep it; a backfill asks all of them."""
    whole = contract_of(table)
    if is_backfill:
        return whole
    rows = unproved(con, table, [check.name for check in whole])
    # Whether a table holds rows is a question to all of it.
    return tuple(each if each.kind == "filled" else replace(each, relation=rows) for each in whole)


def contract_check(table: Table) -> dg.AssetChecksDefinition:
    """Return the blocking check that a table keeps its contract.

    Dagster sees one check per table; `meta.dq_results` gets a row for each of its statements.
    """

    @dg.asset_check(
        asset=key(table),
        name="contract_holds",
        description="Every row is unique in its grain and keeps every rule of the contract.",
        blocking=True,
        required_resource_keys=NEEDS,
    )
    def run(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        is_backfill = BACKFILL_TAG in context.run.tags
        with context.resources.warehouse.reading() as con:
            findings = scan(con, asked_of(con, table, is_backfill=is_backfill))
            as_of = newest_vintage(con, table)
        record(context, table, findings, as_of)
        return results(table, {"contract_holds": summed(findings)})[0]

    return run


CHECKS = [
    contract_check(table)
    for table in TABLES
    if table.layer != "meta" and table.qualified not in BESIDE
]
