"""Whether a derived table becomes what was computed, and its dependants learn what changed."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import date, datetime

import duckdb
import pandas as pd
import pytest

from resources.batch import Days
from resources.warehouse import Warehouse, WarehouseError, spill, writing
from warehouse.tables.actions import DIVIDENDS
from warehouse.tables.instruments import INSTRUMENTS, SHARES_OUTSTANDING
from warehouse.tables.prices import DAILY_PRICES, PRICE_VINTAGES
from warehouse.tables.returns import ABNORMAL_RETURNS

FRIDAY, MONDAY, TUESDAY = date(2025, 1, 24), date(2025, 1, 27), date(2025, 1, 28)
A, B = "XNAS:A", "XNAS:B"
NOW = datetime.fromisoformat("2025-01-29")
CHANGES = "SELECT version, from_session FROM meta.changes WHERE table_name = ? ORDER BY ALL"


@pytest.fixture
def write(warehouse, now):
    """Make core.daily_prices, or days of it, equal to rows."""

    def run(rows, *days, table=DAILY_PRICES, inputs=()):
        return warehouse.materialize(
            table,
            rows if callable(rows) else lambda _con, _days: rows,
            inputs=list(inputs),
            days=Days(days[0], days[-1]) if days else None,
            run_id="run",
            now=now,
        )

    return run


@pytest.fixture
def land(warehouse, bar, batch, now):
    """Land one bar of a day."""

    def run(day, close=100.0):
        row = bar(session_date=day, close=close, open=None, high=None, low=None)
        return warehouse.land(PRICE_VINTAGES, batch(row), run_id=f"{day}{close}", now=now)

    return run


def changes(warehouse, query, table=DAILY_PRICES):
    return query(warehouse, CHANGES, table.qualified)


def test_writing_twice_gives_the_same_table_and_no_second_version(
    warehouse, query, daily, closes, write
):
    rows = daily((A, FRIDAY, 10.0), (B, FRIDAY, 20.0))
    first, again = write(rows, FRIDAY), write(rows, FRIDAY)
    assert (first.n_rows, first.n_changed, first.from_session) == (2, 2, FRIDAY)
    assert (again.n_rows, again.n_changed, again.from_session) == (2, 0, None)
    assert closes(warehouse) == [(A, FRIDAY, 10.0), (B, FRIDAY, 20.0)]
    assert changes(warehouse, query) == [(1, FRIDAY)]


def test_a_listing_that_is_no_longer_computed_disappears(warehouse, daily, closes, write):
    write(daily((A, FRIDAY, 10.0), (B, FRIDAY, 20.0)), FRIDAY)
    written = write(daily((A, FRIDAY, 10.0)), FRIDAY)
    assert (written.n_rows, written.n_changed) == (1, 1)
    assert closes(warehouse) == [(A, FRIDAY, 10.0)]


def test_rows_of_other_days_are_neither_deleted_nor_written(warehouse, daily, closes, write):
    write(daily((A, FRIDAY, 10.0), (A, MONDAY, 11.0), (A, TUESDAY, 12.0)))
    write(daily((A, FRIDAY, 99.0), (A, MONDAY, 11.5), (A, TUESDAY, 99.0)), MONDAY)
    assert closes(warehouse) == [(A, FRIDAY, 10.0), (A, MONDAY, 11.5), (A, TUESDAY, 12.0)]


def test_a_range_of_days_is_replaced_at_once_and_changes_from_its_first_difference(
    warehouse, query, daily, closes, write
):
    write(daily((A, FRIDAY, 10.0), (A, MONDAY, 11.0), (A, TUESDAY, 12.0)))
    written = write(daily((A, FRIDAY, 10.0), (A, MONDAY, 11.5)), FRIDAY, TUESDAY)
    assert (written.n_rows, written.n_changed, written.from_session) == (2, 2, MONDAY)
    assert closes(warehouse) == [(A, FRIDAY, 10.0), (A, MONDAY, 11.5)]
    assert changes(warehouse, query) == [(1, FRIDAY), (2, MONDAY)]


def test_a_day_without_rows_is_emptied(warehouse, daily, closes, write):
    write(daily((A, FRIDAY, 10.0), (A, MONDAY, 11.0)))
    assert write(daily(), MONDAY).n_changed == 1
    assert closes(warehouse) == [(A, FRIDAY, 10.0)]


def shares(*rows):
    return pd.DataFrame(rows, columns=list(SHARES_OUTSTANDING.column_names))


def dividends(*rows):
    return pd.DataFrame(rows, columns=list(DIVIDENDS.column_names))


def test_a_table_without_partitions_is_replaced_whole_and_changes_without_a_session(
    warehouse, query, write
):
    one = (A, FRIDAY, 2.0, "USD", "files", NOW)
    write(dividends(one, (B, FRIDAY, 3.0, "USD", "files", NOW)), table=DIVIDENDS)
    written = write(dividends(one), MONDAY, table=DIVIDENDS)
    assert (written.n_rows, written.n_changed, written.from_session) == (1, 1, None)
    assert query(warehouse, "FROM core.dividends") == [one]
    assert changes(warehouse, query, DIVIDENDS) == [(1, None), (2, None)]


def test_a_row_that_breaks_the_contract_raises_and_changes_nothing(
    warehouse, query, daily, closes, write
):
    write(daily((A, FRIDAY, 10.0)))
    with pytest.raises(duckdb.ConstraintException, match="CHECK"):
        write(daily((A, FRIDAY, -1.0), (B, FRIDAY, 20.0)), FRIDAY, inputs=[PRICE_VINTAGES])
    assert closes(warehouse) == [(A, FRIDAY, 10.0)]
    assert changes(warehouse, query) == [(1, FRIDAY)]
    assert query(warehouse, "FROM meta.inputs") == []


def test_columns_are_written_by_name_and_a_missing_number_is_null(warehouse, query, write):
    frame = shares((A, "A", FRIDAY, 1e9, 1.0, "issue")).iloc[:, ::-1]
    write(frame, table=SHARES_OUTSTANDING)
    assert query(warehouse, "FROM core.shares_outstanding") == [(A, "A", FRIDAY, 1e9, 1.0, "issue")]
    frame = shares((A, "A", FRIDAY, float("nan"), 1.0, "issue"))
    with pytest.raises(duckdb.ConstraintException, match="NOT NULL"):
        write(frame, table=SHARES_OUTSTANDING)


def test_a_frame_that_lacks_a_column_is_refused(warehouse, query, write):
    with pytest.raises(KeyError, match="known_on"):
        write(shares().drop(columns="known_on"), table=SHARES_OUTSTANDING)
    assert query(warehouse, "FROM meta.changes") == []


def stale(warehouse, table, *inputs):
    with warehouse.reading() as con:
        return writing.stale_from(con, table, inputs)


def test_a_table_never_computed_is_stale_from_the_beginning(warehouse):
    assert stale(warehouse, DAILY_PRICES, PRICE_VINTAGES) == date.min


def test_a_table_without_inputs_is_never_stale(warehouse):
    assert stale(warehouse, INSTRUMENTS) is None


def test_a_table_is_stale_from_the_earliest_session_that_changed_upstream(
    warehouse, daily, write, land
):
    land(MONDAY)
    write(daily(), inputs=[PRICE_VINTAGES])
    assert stale(warehouse, DAILY_PRICES, PRICE_VINTAGES) is None
    land(TUESDAY)
    land(FRIDAY)
    assert stale(warehouse, DAILY_PRICES, PRICE_VINTAGES) == FRIDAY
    write(daily(), inputs=[PRICE_VINTAGES])
    assert stale(warehouse, DAILY_PRICES, PRICE_VINTAGES) is None


def test_a_table_is_stale_from_the_beginning_where_an_input_without_sessions_changed(
    warehouse, daily, write
):
    write(daily(), inputs=[DIVIDENDS])
    assert stale(warehouse, DAILY_PRICES, DIVIDENDS) is None
    write(dividends((A, FRIDAY, 2.0, "USD", "files", NOW)), table=DIVIDENDS)
    assert stale(warehouse, DAILY_PRICES, DIVIDENDS) == date.min


def test_a_new_input_makes_the_table_stale_from_the_beginning(warehouse, daily, write, land):
    land(MONDAY)
    write(daily(), inputs=[PRICE_VINTAGES])
    assert stale(warehouse, DAILY_PRICES, PRICE_VINTAGES, SHARES_OUTSTANDING) == date.min


def test_days_are_widened_to_everything_that_is_stale(daily, write, land):
    asked = []

    def compute(_con, days):
        asked.append(days)
        return daily()

    land(MONDAY)
    write(compute, TUESDAY, inputs=[PRICE_VINTAGES])  # never computed: everything
    write(compute, TUESDAY, inputs=[PRICE_VINTAGES])  # nothing stale: as asked
    land(FRIDAY)
    write(compute, TUESDAY, inputs=[PRICE_VINTAGES])
    land(TUESDAY)
    write(compute, FRIDAY, FRIDAY, inputs=[PRICE_VINTAGES])
    land(FRIDAY, close=101.0)
    write(compute, inputs=[PRICE_VINTAGES])
    assert asked == [
        Days(date.min, date.max),
        Days(TUESDAY, TUESDAY),
        Days(FRIDAY, date.max),
        Days(FRIDAY, date.max),
        None,
    ]


def test_an_unchanged_table_makes_nothing_downstream_stale(warehouse, daily, write, land):
    land(MONDAY)
    rows = daily((A, MONDAY, 10.0))
    write(rows, inputs=[PRICE_VINTAGES])
    with warehouse.writing() as con:
        writing._record_inputs(con, ABNORMAL_RETURNS, {DAILY_PRICES.qualified: 1})
    land(MONDAY, close=101.0)
    write(rows, MONDAY, inputs=[PRICE_VINTAGES])
    assert stale(warehouse, ABNORMAL_RETURNS, DAILY_PRICES) is None
    write(daily((A, MONDAY, 11.0)), MONDAY, inputs=[PRICE_VINTAGES])
    assert stale(warehouse, ABNORMAL_RETURNS, DAILY_PRICES) == MONDAY


@pytest.fixture
def after_reading(monkeypatch):
    """Do something each time a computation has let go of the shared lock."""

    def install(action):
        real = Warehouse.reading

        @contextmanager
        def reading(self):
            with real(self) as con:
                yield con
            action()

        monkeypatch.setattr(Warehouse, "reading", reading)

    return install


def test_a_computation_is_done_again_where_its_input_moved_meanwhile(
    warehouse, query, daily, write, land, after_reading
):
    land(MONDAY, close=100.0)
    late = iter([101.0])
    after_reading(lambda: [land(MONDAY, close=close) for close in late])
    computed = []

    def compute(con, _days):
        sql = "SELECT arg_max(close, known_from) FROM raw.price_vintages"
        computed.append(con.execute(sql).fetchall()[0][0])
        return daily((A, MONDAY, computed[-1]))

    write(compute, MONDAY, inputs=[PRICE_VINTAGES])
    assert computed == [100.0, 101.0]
    assert query(warehouse, "SELECT close FROM core.daily_prices") == [(101.0,)]
    assert query(warehouse, "SELECT version FROM meta.inputs") == [(2,)]


def test_inputs_that_never_rest_end_in_one_line(
    warehouse, query, daily, write, land, after_reading
):
    numbers = iter(range(1, 1000))
    after_reading(lambda: land(MONDAY, close=float(next(numbers))))
    with pytest.raises(WarehouseError, match=r"^core\.daily_prices: its inputs kept changing"):
        write(daily((A, MONDAY, 1.0)), MONDAY, inputs=[PRICE_VINTAGES])
    assert query(warehouse, "FROM core.daily_prices") == []


def as_expression(_con, _days):
    """Return a computation as Ibis makes it."""
    import ibis

    schema = ibis.Schema.from_pyarrow(spill.arrow_schema(PRICE_VINTAGES))
    prices = ibis.table(schema, name="price_vintages", database="raw")
    return prices.select(
        "listing_id",
        "ticker",
        "session_date",
        *("open", "high", "low", "close", "adj_close", "volume", "currency", "source"),
        split_ratio_after=1.0,
        quality_flags=ibis.literal(""),
        n_sources=ibis.literal(1),
        n_quarantined=ibis.literal(0),
        is_simulated="is_simulated",
        as_of="known_from",
    )


def as_stream(con, days):
    """Return the same as a stream of Arrow, which is computed while it is read."""
    import ibis
    import pyarrow as pa

    rows = ibis.duckdb.from_connection(con).to_pyarrow(as_expression(con, days))
    return pa.RecordBatchReader.from_batches(rows.schema, iter(rows.to_batches(max_chunksize=1)))


@pytest.mark.parametrize("compute", [as_expression, as_stream])
@pytest.mark.parametrize("limit", [256 * 2**20, 0], ids=["in memory", "through Parquet"])
def test_an_expression_is_computed_and_written_and_leaves_no_file(
    warehouse, closes, write, land, monkeypatch, limit, compute
):
    monkeypatch.setattr(spill, "IN_MEMORY_BYTES", limit)
    spilled = []
    show = spill.Spill.show

    def spy(self, con, name):
        spilled.extend(warehouse.file.parent.glob("spill/*.parquet"))
        show(self, con, name)

    monkeypatch.setattr(spill.Spill, "show", spy)
    for day in (FRIDAY, MONDAY, TUESDAY):
        land(day)
    write(compute, inputs=[PRICE_VINTAGES])
    assert closes(warehouse) == [("XNAS:NVDA", day, 100.0) for day in (FRIDAY, MONDAY, TUESDAY)]
    assert len(spilled) == (limit == 0)
    assert list(warehouse.file.parent.glob("spill/*")) == []


def test_an_expression_that_fails_leaves_the_file_open_to_the_next_writer(
    warehouse, query, daily, write, land
):
    land(MONDAY)

    def compute(con, days):
        prices = as_expression(con, days)
        return prices.mutate(close=prices.source.cast("float64"))

    with pytest.raises(duckdb.Error) as failed:
        write(compute, inputs=[PRICE_VINTAGES])
    write(daily((A, MONDAY, 1.0)))  # while the traceback still holds the frames of the failure
    assert "Could not convert" in str(failed.value)
    assert query(warehouse, "SELECT count(*) FROM core.daily_prices") == [(1,)]


def test_the_spill_of_a_killed_process_is_cleared_and_a_living_one_kept(
    warehouse, write, land, monkeypatch
):
    monkeypatch.setattr(spill, "IN_MEMORY_BYTES", 0)
    folder = warehouse.file.parent / "spill"
    folder.mkdir()
    old, young = folder / "old.parquet", folder / "young.parquet"
    for path in (old, young):
        path.touch()
    os.utime(old, (0, 0))
    land(MONDAY)
    write(as_expression, inputs=[PRICE_VINTAGES])
    assert list(folder.iterdir()) == [young]


def test_bookkeeping_is_appended_in_the_order_of_its_columns(warehouse, query, now):
    from warehouse.tables.meta import DQ_RESULTS

    row = ("run", "core.daily_prices", "close_is_positive", True, "ERROR", 5, 0, None, None, now)
    warehouse.record(DQ_RESULTS, [row])
    warehouse.record(DQ_RESULTS, [])
    stored = (*row[:-1], datetime.fromisoformat("2025-01-27 22:00"))
    assert query(warehouse, "FROM meta.dq_results") == [stored]
