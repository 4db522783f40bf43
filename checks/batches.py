"""Great Expectations on what the last load delivered: one asset check per expectation.

The suite is made from the table's contract. What it finds broken has been quarantined before
the insert, so these checks warn; only a batch of the wrong shape stops the run.
"""

from typing import TYPE_CHECKING, Any

import dagster as dg

from checks._check import SAMPLE_ROWS, Finding, key, report
from warehouse.contract import Order, Rule, Table
from warehouse.tables.articles import ARTICLES
from warehouse.tables.prices import PRICE_VINTAGES

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

SHAPE = "batch_has_the_contract_columns"
UNIQUE = "batch_has_no_duplicates"
# Filled when a row lands, so a refused row has none of them.
STAMPS = ("row_hash", "load_id", "known_from")
# Great Expectations needs 5.9 GB and two minutes for 10 million rows, where the landing's own scan
# takes 9 s: it sees the newest rows of a large load, and all of a day's.
ROWS_AT_MOST = 100_000
SEVERITIES = {"critical": True, "warning": False, "info": False}


def batch_rules(table: Table) -> list[Rule]:
    """Return the contract's rules on what a provider delivers."""
    return [rule for rule in table.rules() if not set(rule.columns) & set(STAMPS)]


def delivered(con: "duckdb.DuckDBPyConnection", table: Table) -> "pd.DataFrame":
    """Return the last load as it came: the rows that were added and those that were refused."""
    names = [column.name for column in table.columns if column.name not in STAMPS]
    typed = {column.name: column.type for column in table.columns}
    refused = ", ".join(
        f"TRY_CAST(payload ->> '{name}' AS {typed[name]}) AS {name}" for name in names
    )
    newest = "session_date" if "session_date" in names else names[0]
    load = "SELECT arg_max(load_id, fetched_at) FROM raw.fetches WHERE asset = $asset"
    return con.execute(
        f"""
        (SELECT {", ".join(names)} FROM {table.qualified} WHERE load_id = ({load})
         ORDER BY {newest} DESC LIMIT {ROWS_AT_MOST})
        UNION ALL BY NAME
        (SELECT {refused} FROM raw.quarantine
         WHERE table_name = $name AND load_id = ({load}) AND json_valid(payload)
         ORDER BY quarantine_id LIMIT {ROWS_AT_MOST})
        """,
        {"asset": table.name, "name": table.qualified},
    ).df()


def _expectations() -> Any:
    """Return the module of expectations, imported when first needed (decision 0006)."""
    from great_expectations import expectations

    return expectations


def suite(table: Table) -> dict[str, Any]:
    """Return the expectations by check name, made from the contract."""
    gxe = _expectations()

    made: dict[str, Any] = {
        SHAPE: gxe.ExpectTableColumnsToMatchSet(
            column_set=[c.name for c in table.columns if c.name not in STAMPS],
            exact_match=False,
            severity="critical",
        ),
        UNIQUE: gxe.ExpectCompoundColumnsToBeUnique(
            column_list=list(table.versions_of), severity="warning"
        )
        if len(table.versions_of) > 1
        else gxe.ExpectColumnValuesToBeUnique(
            column="".join(table.versions_of), severity="warning"
        ),
    }
    orders = {order.rule().name: order for order in table.orders}
    for rule in batch_rules(table):
        made[rule.name] = _expectation(table, rule, orders.get(rule.name))
    return made


def _expectation(table: Table, rule: Rule, order: Order | None) -> Any:
    """Return one rule as an expectation."""
    gxe = _expectations()

    if order is not None:
        return gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A=_with_slack(order),
            column_B=order.lesser,
            or_equal=True,
            ignore_row_if="either_value_is_missing",
            severity="warning",
        )
    column = table.column(rule.columns[0])
    if rule.kind == "present":
        return gxe.ExpectColumnValuesToNotBeNull(column=column.name, severity="warning")
    if rule.kind == "one_of":
        values = list(column.one_of)
        return gxe.ExpectColumnValuesToBeInSet(
            column=column.name, value_set=values, severity="warning"
        )
    largest = 1.7976931348623157e308
    bounds: dict[str, Any] = {
        "finite": {"min_value": -largest, "max_value": largest},
        "above": {"min_value": column.above, "strict_min": True},
        "minimum": {"min_value": column.minimum},
        "maximum": {"max_value": column.maximum},
    }[rule.kind]
    return gxe.ExpectColumnValuesToBeBetween(column=column.name, severity="warning", **bounds)


def _with_slack(order: Order) -> str:
    """Name the helper column that carries the greater side with its tolerance."""
    return f"{order.greater}_with_slack"


def validate(table: Table, batch: "pd.DataFrame") -> dict[str, Finding]:
    """Hold a batch against the suite; return one finding per expectation."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    framed = batch.assign(
        **{
            _with_slack(order): batch[order.greater] * (1 + order.tolerance)
            for order in table.orders
        }
    )
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("delivered")
    definition = source.add_dataframe_asset(table.name).add_batch_definition_whole_dataframe("load")
    made = suite(table)
    result = definition.get_batch({"dataframe": framed}).validate(
        gx.ExpectationSuite(name=table.name, expectations=list(made.values())),
        # Values of texts are untrusted and would be shown as they are: counts and rows only.
        result_format={"result_format": "SUMMARY", "partial_unexpected_count": SAMPLE_ROWS},
    )
    by_id = {_identity(item.expectation_config): item for item in result.results}
    return {
        name: _finding(batch, by_id[_identity(expectation.configuration)])
        for name, expectation in made.items()
    }


def _identity(configuration: Any) -> str:
    """Return what tells one expectation of a suite from another."""
    values = {k: v for k, v in configuration.kwargs.items() if k != "batch_id"}
    return f"{configuration.type} {sorted(values.items(), key=str)}"


def _finding(batch: "pd.DataFrame", item: Any) -> Finding:
    """Return one expectation's result as a finding, its severity mapped."""
    found = item.result
    positions = list(found.get("partial_unexpected_index_list") or [])[:SAMPLE_ROWS]
    names = [name for name in ("ticker", "session_date", "title") if name in batch.columns]
    sample = [
        {name: str(batch.iloc[at][name]) for name in names}
        for at in positions
        if isinstance(at, int)
    ]
    failed = int(found.get("unexpected_count") or 0) or int(not item.success)
    return Finding(
        n_checked=int(found.get("element_count") or len(batch)),
        n_failed=0 if item.success else failed,
        sample=sample,
        is_error=SEVERITIES[item.expectation_config.severity.value],
        note="Great Expectations: " + item.expectation_config.type,
    )


def batch_checks(table: Table) -> dg.AssetChecksDefinition:
    """Return the asset checks that hold the table's last load against its suite."""
    names = [SHAPE, UNIQUE, *(rule.name for rule in batch_rules(table))]

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
        required_resource_keys={"warehouse", "clock"},
    )
    def run(context: dg.AssetCheckExecutionContext) -> Any:
        with context.resources.warehouse.reading() as con:
            batch = delivered(con, table)
        yield from report(context, table, validate(table, batch))

    return run


CHECKS = [batch_checks(PRICE_VINTAGES), batch_checks(ARTICLES)]
