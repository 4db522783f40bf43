"""The contracts as Great Expectations suites, and the last load held against them.

Not here: what a run makes of the results (`checks`), and how they are shown (`data_docs`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from warehouse.contract import Order, Rule, Table

SHAPE = "batch_has_the_contract_columns"
UNIQUE = "batch_has_no_duplicates"
# Filled when a row lands, so a refused row has none of them.
STAMPS = ("row_hash", "load_id", "known_from")
# Great Expectations needs 5.9 GB and two minutes for 10 million rows, where the landing's own scan
# takes 9 s: it sees the newest rows of a large load, and all of a day's.
ROWS_AT_MOST = 100_000
SAMPLE_ROWS = 5


def batch_rules(table: Table) -> list[Rule]:
    """Return the contract's rules on what a provider delivers."""
    return [rule for rule in table.rules() if not set(rule.columns) & set(STAMPS)]


def delivered(con: duckdb.DuckDBPyConnection, table: Table) -> pd.DataFrame:
    """Return the last load as it came: the rows that were added and those that were refused."""
    names = [column.name for column in table.columns if column.name not in STAMPS]
    typed = {column.name: column.type for column in table.columns}
    refused = ", ".join(
        f"TRY_CAST(payload ->> '{name}' AS {typed[name]}) AS {name}" for name in names
    )
    newest = "session_date" if "session_date" in names else names[0]
    load = "SELECT arg_max(load_id, fetched_at) FROM raw.fetches WHERE asset = $asset"
    sql = f"""
        (SELECT {", ".join(names)} FROM {table.qualified} WHERE load_id = ({load})
         ORDER BY {newest} DESC LIMIT {ROWS_AT_MOST})
        UNION ALL BY NAME
        (SELECT {refused} FROM raw.quarantine
         WHERE table_name = $name AND load_id = ({load}) AND json_valid(payload)
         ORDER BY quarantine_id LIMIT {ROWS_AT_MOST})
        """  # noqa: S608 - names of our own contracts
    return con.execute(sql, {"asset": table.name, "name": table.qualified}).df()


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
    for name, expectation in made.items():
        expectation.meta = {"check": name}
    return made


def validate(table: Table, batch: pd.DataFrame) -> Any:
    """Hold a batch against the table's suite.

    Returns
    -------
    ExpectationSuiteValidationResult
        Great Expectations' own result. It holds values of the batch as they came, untrusted
        texts among them: `data_docs` escapes them. `check_name` tells the items apart.
    """
    import great_expectations as gx

    framed = batch.assign(
        **{
            _with_slack(order): batch[order.greater] * (1 + order.tolerance)
            for order in table.orders
        }
    )
    source = _context().data_sources.add_pandas("delivered")
    definition = source.add_dataframe_asset(table.name).add_batch_definition_whole_dataframe("load")
    return definition.get_batch({"dataframe": framed}).validate(
        gx.ExpectationSuite(name=table.qualified, expectations=list(suite(table).values())),
        result_format={"result_format": "SUMMARY", "partial_unexpected_count": SAMPLE_ROWS},
    )


def check_name(item: Any) -> str:
    """Return the name of the check that one item of a result answers."""
    return item.expectation_config.meta["check"]


def _context() -> Any:
    """Return a context in memory: no progress bars, and no folder left behind for its own site."""
    import great_expectations as gx
    from great_expectations.data_context.types import base

    stores = base.InMemoryStoreBackendDefaults()
    bars = base.ProgressBarsConfig(globally=False)
    config = base.DataContextConfig(store_backend_defaults=stores, progress_bars=bars)
    return gx.get_context(mode="ephemeral", project_config=config)


def _expectations() -> Any:
    """Return the module of expectations, imported when first needed (decision 0006)."""
    from great_expectations import expectations

    return expectations


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
