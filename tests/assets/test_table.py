"""`@table_asset`: what a function asks for by name it gets, and what it returns is written."""

from __future__ import annotations

from contextlib import closing, contextmanager
from datetime import date, datetime

import dagster as dg
import duckdb
import pyarrow as pa
import pytest

from assets._table import table_asset
from resources.batch import Answer, Batch, Days
from resources.clock import Clock
from resources.engine.places import Here
from resources.settings import Settings
from resources.warehouse import WarehouseError, Written
from resources.warehouse.writing import shown
from warehouse.columns import CLOSE, SESSION_DATE, TICKER
from warehouse.contract import Table
from warehouse.tables import table

CLOSES = Table(
    layer="core",
    name="closes",
    doc="One row per ticker and session.",
    columns=(TICKER, SESSION_DATE, CLOSE),
    grain=("ticker", "session_date"),
    partition="session_date",
)
NAMES = Table(
    layer="core", name="names", doc="One row per ticker.", columns=(TICKER,), grain=("ticker",)
)
ARRIVALS = Table(
    layer="raw",
    name="arrivals",
    doc="One row per ticker that came.",
    columns=(TICKER,),
    grain=("ticker",),
    versions_of=("ticker",),
)
# The only contract of the house that these tests read from: inputs are found by their names.
ALIASES = table("core.instrument_aliases")
MONDAY = Days(date(2025, 1, 27), date(2025, 1, 27))
NOON = datetime.fromisoformat("2025-01-27T12:00")


class Notebook:
    """A warehouse that computes on a DuckDB in memory and notes what it was asked to write."""

    def __init__(self, con, *, stale=None, changed=2, quarantined=0, error=None):
        self.con, self.stale, self.error = con, stale, error
        self.changed, self.quarantined = changed, quarantined
        self.landed, self.written, self.n_calls = [], [], 0

    def land(self, contract, batch, **stamp):
        self.landed.append((contract, batch, stamp))
        n_rows = batch.rows.num_rows
        written = Written(n_rows, n_rows, MONDAY.start if n_rows else None, self.quarantined)
        return shown(self.con, contract, written)

    def materialize(self, contract, compute, *, inputs, days, **stamp):
        self.n_calls += 1
        if self.error:
            raise self.error
        result = compute(self.con, self.stale or days)
        if isinstance(result, str):
            result = self.con.sql(result).to_arrow_table()
        self.written.append((contract, result, inputs, days, stamp))
        rows = len(result)
        written = Written(rows, min(rows, self.changed), MONDAY.start if rows else None)
        return shown(self.con, contract, written)

    @contextmanager
    def reading(self):
        yield self.con

    @contextmanager
    def computing(self, _table, con):
        yield Here(con)


@pytest.fixture
def con():
    with closing(duckdb.connect()) as con:
        for layer in ("raw", "core"):
            con.execute(f"CREATE SCHEMA {layer}")
        for contract in (CLOSES, NAMES, ARRIVALS, ALIASES):
            con.execute(contract.ddl())
        con.execute(
            f"INSERT INTO {ALIASES.qualified} "
            "(listing_id, ticker, alias, needs_cue, valid_from, valid_to, alias_kind) VALUES "
            "('XNAS:NVDA', 'NVDA', 'Nvidia', false, NULL, NULL, 'company'), "
            "('XNAS:META', 'META', 'Meta', true, NULL, NULL, 'company')"
        )
        yield con


@pytest.fixture
def run(con):
    """Materialize an asset for some days; return the result and the warehouse's notes."""

    def materialize(asset, days=MONDAY, config=None, resources=None, **notebook):
        notes = Notebook(con, **notebook)
        given = {"warehouse": notes, "clock": Clock(fixed_at="2025-01-27T12:00"), "settings": 7}
        with dg.DagsterInstance.ephemeral() as instance:
            result = dg.materialize(
                [asset],
                instance=instance,
                tags=days.tags() if days else {},
                resources={**given, **(resources or {})},
                run_config=config,
                raise_on_error=False,
            )
        return result, notes

    return materialize


def metadata(result):
    """Return the metadata of the one materialization."""
    (event,) = result.get_asset_materialization_events()
    return event.materialization.metadata


def frame(*rows):
    """Return rows of `core.closes`."""
    tickers, days, closes = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table(
        {
            "ticker": pa.array(tickers, pa.string()),
            "session_date": pa.array(days, pa.date32()),
            "close": pa.array(closes, pa.float64()),
        }
    )


def test_a_function_with_another_name_than_its_table_is_refused():
    def prices(instrument_aliases):
        return instrument_aliases

    with pytest.raises(ValueError, match=r"prices fills core\.closes: one name for both"):
        table_asset(CLOSES)(prices)


def test_the_names_of_the_arguments_say_what_the_asset_reads():
    @table_asset(CLOSES)
    def closes(instrument_aliases, sessions, days, settings):
        raise AssertionError(instrument_aliases, sessions, days, settings)

    spec = closes.get_asset_spec()
    reads = {dep.asset_key.to_user_string() for dep in spec.deps}
    assert reads == {"core/instrument_aliases", "core/sessions"}
    assert closes.required_resource_keys - {"io_manager"} == {"warehouse", "clock", "settings"}
    assert spec.partitions_def
    assert spec.kinds == {"duckdb", "ibis"}
    assert spec.code_version == CLOSES.hash


def test_a_table_without_a_partition_column_makes_an_asset_without_partitions():
    @table_asset(NAMES)
    def names(instrument_aliases):
        return instrument_aliases

    assert names.partitions_def is None
    assert names.backfill_policy is None


def test_a_raw_table_can_be_filled_by_date_though_it_is_not_replaced_by_date():
    @table_asset(ARRIVALS, daily=True)
    def arrivals(days):
        raise AssertionError(days)

    assert arrivals.partitions_def.has_partition_key("2025-01-27")
    assert arrivals.backfill_policy.max_partitions_per_run is None


def test_a_table_comes_as_an_ibis_table_of_its_layer(run):
    seen = []

    @table_asset(NAMES)
    def names(instrument_aliases):
        seen.append(instrument_aliases.count().to_pyarrow().as_py())
        return instrument_aliases.filter(instrument_aliases.needs_cue).select("ticker")

    result, notes = run(names, days=None)
    assert result.success
    ((contract, written, inputs, days, _),) = notes.written
    assert seen == [2]
    assert written.to_pylist() == [{"ticker": "META"}]
    assert (contract, inputs, days) == (NAMES, [ALIASES], None)


def test_the_days_of_the_run_are_given_and_written(run):
    seen = []

    @table_asset(CLOSES)
    def closes(instrument_aliases, days):
        seen.append((instrument_aliases.columns[0], days))
        return frame(("NVDA", date(2025, 1, 27), 118.42))

    week = Days(date(2025, 1, 27), date(2025, 1, 31))
    result, notes = run(closes, days=week)
    assert result.success
    assert seen == [("listing_id", week)]
    assert notes.written[0][3] == week


def test_stale_days_widen_what_the_function_is_asked_for(run):
    seen = []

    @table_asset(CLOSES)
    def closes(instrument_aliases, days):
        seen.append((len(instrument_aliases.columns), days))
        return frame()

    wide = Days(date(2024, 12, 2), date.max)
    result, _ = run(closes, stale=wide)
    assert result.success
    assert [days for _, days in seen] == [wide]


def test_previous_is_the_table_itself_and_no_dependency(run, con):
    con.execute("INSERT INTO core.names VALUES ('ENR.DE')")

    @table_asset(NAMES)
    def names(previous):
        return previous.mutate(ticker=previous.ticker.lower())

    result, notes = run(names, days=None)
    assert result.success
    assert not list(names.get_asset_spec().deps)
    assert notes.written[0][1].to_pylist() == [{"ticker": "enr.de"}]


def test_run_configuration_and_resources_are_given_by_their_names(run):
    class Wishes(dg.Config):
        shout: bool = False

    @table_asset(ARRIVALS, config=Wishes)
    def arrivals(config, settings):
        word = settings.default_region
        return Batch(pa.table({"ticker": [word.upper() if config.shout else word]}), [])

    wish = {"ops": {"raw__arrivals": {"config": {"shout": True}}}}
    given = {"settings": Settings(default_region="jp")}
    for config, expected in ((wish, "JP"), (None, "jp")):
        result, notes = run(arrivals, days=None, config=config, resources=given)
        assert result.success
        assert notes.landed[0][1].rows["ticker"].to_pylist() == [expected]


def test_a_batch_is_landed_with_the_run_and_the_time_of_the_clock(run):
    @table_asset(ARRIVALS, daily=True)
    def arrivals(days):
        return Batch(pa.table({"ticker": [str(days.start)]}), [])

    result, notes = run(arrivals)
    ((contract, batch, stamp),) = notes.landed
    assert contract is ARRIVALS
    assert batch.rows["ticker"].to_pylist() == ["2025-01-27"]
    assert stamp == {"run_id": result.run_id, "now": NOON}


def test_reference_data_that_is_no_batch_replaces_its_table(run):
    @table_asset(NAMES)
    def names(settings):
        return pa.table({"ticker": [str(settings)]})

    result, notes = run(names, days=None)
    assert result.success
    ((_, written, inputs, days, _),) = notes.written
    assert written.to_pylist() == [{"ticker": "7"}]
    assert (inputs, days) == ([], None)


def test_what_only_the_user_can_mend_fails_at_once_in_one_line(run):
    @table_asset(NAMES)
    def names(instrument_aliases):
        return instrument_aliases.select("ticker")

    result, notes = run(names, days=None, error=WarehouseError("file holds replay data"))
    (failure,) = result.get_step_failure_events()
    assert not result.success
    assert notes.n_calls == 1
    assert failure.step_failure_data.user_failure_data.description == "file holds replay data"


def test_anything_else_is_tried_again_twice():
    @table_asset(NAMES)
    def names(instrument_aliases):
        return instrument_aliases.select("ticker")

    policy = names.op.retry_policy
    assert policy.max_retries == 2
    assert policy.backoff is dg.Backoff.EXPONENTIAL


def test_the_materialization_says_how_many_rows_and_from_when_they_changed(run):
    @table_asset(CLOSES)
    def closes(instrument_aliases):
        rows = [("NVDA", date(2025, 1, 27), 118.42), ("AMD", date(2025, 1, 27), 115.01)]
        return frame(*rows[: len(instrument_aliases.columns)])

    result, _ = run(closes, changed=1)
    said = metadata(result)
    assert said["dagster/row_count"].value == 2
    assert said["changed_rows"].value == 1
    assert said["changed_from_session"].value == "2025-01-27"
    assert "reason" not in said


def test_a_write_that_changed_nothing_names_no_session(run):
    @table_asset(CLOSES)
    def closes(instrument_aliases):
        return frame(("NVDA", date(2025, 1, 27), float(len(instrument_aliases.columns))))

    result, _ = run(closes, changed=0)
    assert metadata(result)["changed_rows"].value == 0
    assert "changed_from_session" not in metadata(result)


def test_the_query_of_an_expression_is_shown(run):
    @table_asset(NAMES)
    def names(instrument_aliases):
        return instrument_aliases.select("ticker").distinct()

    result, _ = run(names, days=None)
    text = metadata(result)["sql"].value
    assert text.startswith("```sql\nSELECT DISTINCT")
    assert "instrument_aliases" in text


def test_the_newest_rows_are_shown_with_long_texts_cut(run, con):
    con.execute(
        "INSERT INTO core.closes SELECT repeat('x', 200), DATE '2025-01-01' + i::INTEGER, 1 + i "
        "FROM range(9) AS days(i)"
    )

    @table_asset(CLOSES)
    def closes(instrument_aliases):
        return frame(("NVDA", date(2025, 1, 27), float(len(instrument_aliases.columns))))

    result, _ = run(closes)
    shown = metadata(result)["preview"]
    assert [column.name for column in shown.schema.columns] == ["ticker", "session_date", "close"]
    assert [row.data["session_date"] for row in shown.records] == [
        f"2025-01-0{day}" for day in (9, 8, 7, 6, 5)
    ]
    assert {len(row.data["ticker"]) for row in shown.records} == {80}


def test_refused_rows_are_counted(run):
    @table_asset(ARRIVALS, daily=True)
    def arrivals(days):
        return Batch(pa.table({"ticker": [str(days.end)]}), [])

    assert "quarantined_rows" not in metadata(run(arrivals)[0])
    assert metadata(run(arrivals, quarantined=3)[0])["quarantined_rows"].value == 3


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (["every exchange was closed"], "every exchange was closed"),
        (["closed", "closed"], "closed"),
        (["delisted", "no bar"], "nothing new for 2025-01-27 to 2025-01-27"),
        ([None], "nothing new for 2025-01-27 to 2025-01-27"),
    ],
)
def test_no_rows_carry_their_reason(run, answers, reason):
    @table_asset(ARRIVALS, daily=True)
    def arrivals(days):
        said = [
            Answer(f"{days.start} {n}", "no_data", text, 0, NOON) for n, text in enumerate(answers)
        ]
        return Batch(pa.table({"ticker": pa.array([], pa.string())}), said)

    result, _ = run(arrivals)
    assert metadata(result)["dagster/row_count"].value == 0
    assert metadata(result)["reason"].value == reason
