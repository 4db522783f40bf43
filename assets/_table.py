"""`@table_asset`, the one decorator that binds a function to its table contract."""

import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets._days import DAILY
from resources.batch import Batch, Days, naive_utc
from resources.warehouse import Warehouse, WarehouseError, Written, late, rebasing
from warehouse.contract import Column, Table
from warehouse.tables import BY_NAME
from warehouse.tables.actions import SPLITS

if TYPE_CHECKING:
    import duckdb

RESOURCES = {
    "article_source",
    "calendars",
    "clock",
    "price_provider",
    "reference",
    "settings",
    "valuation_source",
    "warehouse",
}
OWNERS = ["team:market-data"]
RETRIES = dg.RetryPolicy(
    max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
NOTHING = Written(n_rows=0, n_changed=0, from_session=None)


def table_asset(
    table: Table,
    *,
    daily: bool | None = None,
    config: type[dg.Config] | None = None,
    beside: tuple[Table, ...] = (),
    reach: int = 0,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Bind a function to the table it fills.

    The function's parameters say what it needs: a table's name gives that table as an Ibis
    table and makes it an upstream asset; `previous` gives the table's own content; `days` the
    days to compute (of tables of events, and those that are carried on, from the first stale one
    on, or None for everything); `rebased` the listings whose known splits changed since; a
    resource's name the resource; `config` the run configuration. What it returns is written by the
    contract: a `Batch` is landed (append-only), an Ibis expression or a frame replaces the table,
    or the days of it that were asked for or are stale.

    Parameters
    ----------
    table : Table
        The contract. Its name must be the function's.
    daily : bool, optional
        Whether the asset has daily partitions; by default, whether the contract has.
    config : type, optional
        Class of the run configuration, where the function takes one.
    beside : tuple of Table
        Other raw tables that the same answers fill (`Batch.beside`): assets of the same step.
    reach : int
        Of a table of events: how many sessions after an event any of its rows has seen. Events
        that have seen more are not made anew for a new session: `days` begins with the first
        session whose events are, and is None where all of them are.
    """
    partitioned = table.partition is not None if daily is None else daily

    def bind(function: Callable[..., Any]) -> dg.AssetsDefinition:
        names = list(inspect.signature(function).parameters)
        if BY_NAME.get(function.__name__, table) != table or table.name not in function.__name__:
            raise ValueError(
                f"asset {function.__name__} fills {table.qualified}: one name for both"
            )
        inputs = [BY_NAME[name] for name in names if name in BY_NAME and name not in RESOURCES]
        if table.in_todays_shares and SPLITS not in inputs:
            inputs.append(SPLITS)

        def run(context: dg.AssetExecutionContext) -> Any:
            given = {name: getattr(context.resources, name) for name in RESOURCES & set(names)}
            if config:
                given["config"] = config(**context.op_execution_context.op_config)
            step = _Step(table, beside, function, names, inputs, given, reach)
            try:
                yield from step.run(context)
            except WarehouseError as error:  # the user must act: trying again cannot help
                raise dg.Failure(str(error), allow_retries=False) from error

        with warnings.catch_warnings():
            # Single-run backfills are marked beta; the lock file holds the version they work in.
            warnings.simplefilter("ignore", dg.BetaWarning)
            asset = dg.multi_asset(
                name=f"{table.layer}__{table.name}",
                specs=[spec(each, inputs) for each in (table, *beside)],
                description=(function.__doc__ or "").strip(),
                partitions_def=DAILY if partitioned else None,
                backfill_policy=dg.BackfillPolicy.single_run() if partitioned else None,
                retry_policy=RETRIES,
                required_resource_keys={"warehouse", "clock", *(RESOURCES & set(names))},
                config_schema=config.to_fields_dict() if config else None,
            )
        return asset(run)

    return bind


def spec(table: Table, inputs: list[Table]) -> dg.AssetSpec:
    """Return what Dagster shows of a table and of what it is made from."""
    return dg.AssetSpec(
        key=[table.layer, table.name],
        deps=[dg.AssetKey([source.layer, source.name]) for source in inputs],
        group_name=table.layer,
        description=table.doc,
        metadata={
            "dagster/column_schema": column_schema(table),
            "dagster/table_name": table.qualified,
            "grain": ", ".join(table.grain),
        },
        kinds={"duckdb", "ibis"} if inputs else {"duckdb"},
        owners=OWNERS,
        code_version=table.hash,
    )


class _Step:
    """One execution of a table asset."""

    def __init__(
        self,
        table: Table,
        beside: tuple[Table, ...],
        function: Callable[..., Any],
        names: list[str],
        inputs: list[Table],
        given: dict[str, Any],
        reach: int,
    ) -> None:
        self.table, self.beside, self.function = table, beside, function
        self.names, self.inputs, self.given, self.reach = names, inputs, given, reach
        self.sql: str | None = None
        self.reason: str | None = None

    def run(self, context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        """Compute and write the table; yield what Dagster notes of it and of those beside it."""
        warehouse: Warehouse = context.resources.warehouse
        stamp = {"run_id": context.run.run_id, "now": naive_utc(context.resources.clock.now())}
        days = Days.of_run(context.run.tags)
        if self.inputs or "previous" in self.names:
            wanted = days if self.table.partition else None
            written = warehouse.materialize(
                self.table,
                self._compute(warehouse, days),
                inputs=self.inputs,
                days=wanted,
                reach=self.reach,
                **stamp,
            )
        else:
            written = self._deliver(warehouse, days, stamp)
        for table in (self.table, *self.beside):
            done = written if table is self.table else written.beside.get(table.qualified, NOTHING)
            yield dg.MaterializeResult(
                asset_key=[table.layer, table.name],
                metadata=self._metadata(table, done, days),
            )

    def _deliver(self, warehouse: Warehouse, days: Days | None, stamp: dict[str, Any]) -> Written:
        """Fetch from the outside: a batch is landed, reference data replaces its table."""
        result = self._call({}, days)
        if isinstance(result, Batch):
            reasons = {answer.reason for answer in result.answers}
            self.reason = reasons.pop() if len(reasons) == 1 else None
            return warehouse.land(self.table, result, **stamp)
        return warehouse.materialize(
            self.table, lambda _con, _days: result, inputs=[], days=None, **stamp
        )

    def _compute(
        self, warehouse: Warehouse, days: Days | None
    ) -> Callable[["duckdb.DuckDBPyConnection", Days | None], Any]:
        def compute(con: "duckdb.DuckDBPyConnection", wanted: Days | None) -> Any:
            named = {name: BY_NAME[name] for name in self.names if BY_NAME.get(name) in self.inputs}
            ratios = rebasing.ratios(con, self.table) if SPLITS in self.inputs else {}
            with warehouse.computing(self.table, con) as place:
                known = {name: place.table(source) for name, source in named.items()}
                if "previous" in self.names:
                    held = place.table(self.table)
                    known["previous"] = rebasing.brought(held, self.table, ratios)
                known["rebased"] = sorted(ratios)
                result = self._call(known, self._range(wanted, days))
                if isinstance(result, list):
                    return as_arrow(self.table, result)
                result, self.sql = place.computed(result)
                return result

        return compute

    def _range(self, wanted: Days | None, days: Days | None) -> Days | None:
        """Return the days that the function is told: those that are stale alone, if it asks."""
        return wanted if late.by_staleness(self.table) else wanted or days

    def _call(self, found: dict[str, Any], days: Days | None) -> Any:
        known = {**found, **self.given, "days": days}
        return self.function(**{name: known[name] for name in self.names})

    def _metadata(self, table: Table, written: Written, days: Days | None) -> dict[str, Any]:
        found: dict[str, Any] = {
            "dagster/row_count": written.n_rows,
            "changed_rows": written.n_changed,
            "preview": preview(table, written),
        }
        if written.n_changed and written.from_session:
            found["changed_from_session"] = str(written.from_session)
        if written.n_quarantined:
            found["quarantined_rows"] = written.n_quarantined
            found["first_refused"] = dg.MetadataValue.json(list(written.first_refused))
        if not written.n_rows and days:
            found["reason"] = self.reason or f"nothing new for {days.start} to {days.end}"
        if self.sql:
            found["sql"] = dg.MetadataValue.md(f"```sql\n{self.sql}\n```")
        return found


def column_schema(table: Table) -> dg.TableSchema:
    """Return the contract as Dagster shows it, with units in the descriptions."""

    def described(column: Column) -> dg.TableColumn:
        rules = [rule.sql for rule in column.rules() if rule.kind != "present"]
        constraints = dg.TableColumnConstraints(nullable=column.nullable, other=rules)
        return dg.TableColumn(
            column.name, column.type, description=column.comment, constraints=constraints
        )

    return dg.TableSchema(columns=[described(column) for column in table.columns])


def preview(table: Table, written: Written) -> Any:
    """Return the newest rows of a table as Dagster metadata."""
    schema = dg.TableSchema(columns=[dg.TableColumn(name) for name in table.column_names])
    records = [
        dg.TableRecord(
            {
                name: "" if value is None else value
                for name, value in zip(table.column_names, row, strict=True)
            }
        )
        for row in written.newest
    ]
    return dg.MetadataValue.table(records, schema=schema)


def as_arrow(table: Table, rows: list[dict[str, Any]]) -> Any:
    """Return rows as an Arrow table of the contract's columns and types."""
    import pyarrow as pa

    kinds = {
        "BIGINT": pa.int64(),
        "BOOLEAN": pa.bool_(),
        "DATE": pa.date32(),
        "DOUBLE": pa.float64(),
        "TIMESTAMP": pa.timestamp("us"),
        "VARCHAR": pa.string(),
    }
    schema = pa.schema([(column.name, kinds[column.type]) for column in table.columns])
    return pa.Table.from_pylist(rows, schema=schema)
