"""`@table_asset`, the one decorator that binds a function to its table contract."""

import inspect
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import dagster as dg

from resources.batch import Batch, Days, naive_utc
from resources.warehouse import Warehouse, WarehouseError, Written
from warehouse.contract import Column, Table
from warehouse.tables import BY_NAME

if TYPE_CHECKING:
    import duckdb

# One definition for everything that is partitioned: a calendar date, whichever exchange is open.
# Today's date exists from midnight UTC, before any close of the day.
DAILY = dg.DailyPartitionsDefinition(start_date="1990-01-01", end_offset=1)
RESOURCES = {"price_provider", "article_source", "reference", "calendars", "clock", "settings"}
OWNERS = ["team:market-data"]
RETRIES = dg.RetryPolicy(
    max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
PREVIEW_ROWS = 5


def table_asset(
    table: Table, *, daily: bool | None = None, config: type[dg.Config] | None = None
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Bind a function to the table it fills.

    The function's parameters say what it needs: a table's name gives that table as an Ibis
    table and makes it an upstream asset; `previous` gives the table's own content; `days` the
    days to compute; a resource's name the resource; `config` the run configuration. What it
    returns is written by the contract: a `Batch` is landed (append-only), an Ibis expression or
    a frame replaces the table, or the days of it that were asked for or are stale.

    Parameters
    ----------
    table : Table
        The contract. Its name must be the function's.
    daily : bool, optional
        Whether the asset has daily partitions; by default, whether the contract has.
    config : type, optional
        Class of the run configuration, where the function takes one.
    """
    partitioned = table.partition is not None if daily is None else daily

    def bind(function: Callable[..., Any]) -> dg.AssetsDefinition:
        names = list(inspect.signature(function).parameters)
        if function.__name__ != table.name:
            raise ValueError(
                f"asset {function.__name__} fills {table.qualified}: one name for both"
            )
        inputs = [BY_NAME[name] for name in names if name in BY_NAME]

        def run(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
            given = {name: getattr(context.resources, name) for name in RESOURCES & set(names)}
            if config:
                given["config"] = config(**context.op_execution_context.op_config)
            step = _Step(table, function, names, inputs, given)
            try:
                return step.run(context)
            except WarehouseError as error:  # the user must act: trying again cannot help
                raise dg.Failure(str(error), allow_retries=False) from error

        with warnings.catch_warnings():
            # Single-run backfills are marked beta; the lock file holds the version they work in.
            warnings.simplefilter("ignore", dg.BetaWarning)
            asset = dg.asset(
                key=[table.layer, table.name],
                deps=[dg.AssetKey([source.layer, source.name]) for source in inputs],
                partitions_def=DAILY if partitioned else None,
                backfill_policy=dg.BackfillPolicy.single_run() if partitioned else None,
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
                retry_policy=RETRIES,
                required_resource_keys={"warehouse", "clock", *(RESOURCES & set(names))},
                config_schema=cast("Any", config.to_config_schema()) if config else None,
            )
        return asset(run)

    return bind


class _Step:
    """One execution of a table asset."""

    def __init__(
        self,
        table: Table,
        function: Callable[..., Any],
        names: list[str],
        inputs: list[Table],
        given: dict[str, Any],
    ) -> None:
        self.table, self.function, self.names, self.inputs = table, function, names, inputs
        self.given = given
        self.sql: str | None = None
        self.reason: str | None = None

    def run(self, context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Compute and write the table; return the metadata of the materialization."""
        warehouse: Warehouse = context.resources.warehouse
        stamp = {"run_id": context.run.run_id, "now": naive_utc(context.resources.clock.now())}
        days = Days.of_run(context.run.tags)
        if self.inputs or "previous" in self.names:
            wanted = days if self.table.partition else None
            written = warehouse.materialize(
                self.table, self._compute(days), inputs=self.inputs, days=wanted, **stamp
            )
        else:
            written = self._deliver(warehouse, days, stamp)
        return dg.MaterializeResult(metadata=self._metadata(warehouse, written, days))

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
        self, days: Days | None
    ) -> Callable[["duckdb.DuckDBPyConnection", Days | None], Any]:
        def compute(con: "duckdb.DuckDBPyConnection", wanted: Days | None) -> Any:
            import ibis

            backend = ibis.duckdb.from_connection(con)
            named = {source.name: source for source in self.inputs}
            if "previous" in self.names:
                named["previous"] = self.table
            tables = {
                name: backend.table(source.name, database=source.layer)
                for name, source in named.items()
            }
            result = self._call(tables, wanted or days)
            self.sql = ibis.to_sql(result, dialect="duckdb") if _is_ibis(result) else None
            return result

        return compute

    def _call(self, tables: dict[str, Any], days: Days | None) -> Any:
        known = {**tables, **self.given, "days": days}
        return self.function(**{name: known[name] for name in self.names})

    def _metadata(
        self, warehouse: Warehouse, written: Written, days: Days | None
    ) -> dict[str, Any]:
        found: dict[str, Any] = {
            "dagster/row_count": written.n_rows,
            "changed_rows": written.n_changed,
            "preview": preview(warehouse, self.table),
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


def preview(warehouse: Warehouse, table: Table) -> Any:
    """Return the newest rows of a table as Dagster metadata; long text is cut."""
    order = f" ORDER BY {table.partition} DESC" if table.partition else ""
    cells = ", ".join(f"left({name}::VARCHAR, 80)" for name in table.column_names)
    with warehouse.reading() as con:
        rows = con.execute(
            f"SELECT {cells} FROM {table.qualified}{order} LIMIT {PREVIEW_ROWS}"  # noqa: S608 - contract names
        ).fetchall()
    schema = dg.TableSchema(columns=[dg.TableColumn(name) for name in table.column_names])
    records = [
        dg.TableRecord(
            {
                name: "" if value is None else value
                for name, value in zip(table.column_names, row, strict=True)
            }
        )
        for row in rows
    ]
    return dg.MetadataValue.table(records, schema=schema)


def _is_ibis(result: Any) -> bool:
    return hasattr(result, "to_pyarrow_batches")
