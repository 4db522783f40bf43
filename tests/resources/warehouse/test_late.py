"""What a late run makes anew: events that are not over, and everything when the code changed."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, datetime, timedelta

import pyarrow as pa
import pytest

from resources.batch import Days
from resources.warehouse import late, writing
from resources.warehouse.spill import arrow_schema
from warehouse.tables.actions import PROPOSED_SPLITS
from warehouse.tables.instruments import SHARES_OUTSTANDING
from warehouse.tables.losses import CAR_PATHS
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.selloffs import SELLOFF_EVENTS, SELLOFF_METRICS
from warehouse.tables.valuation import FX_RATES, IMPLIED_SHARES

FIRST = date(2025, 1, 1)
USUAL = {
    "BIGINT": 1,
    "BOOLEAN": False,
    "DATE": FIRST,
    "DOUBLE": None,
    "TIMESTAMP": datetime.fromisoformat("2025-03-01"),
    "VARCHAR": "x",
}
CHOSEN = {"scope": "market", "status": "detected", "grouping": "all", "method": "portfolio"}
CHOSEN |= {"action": "split", "evidence": "shares"}


def day(number):
    return FIRST + timedelta(days=number)


def rows_of(table, *given):
    """Return rows of a table with usual values for columns that are not given."""
    usual = {}
    for column in table.columns:
        value = CHOSEN.get(column.name, USUAL[column.type])
        usual[column.name] = (column.minimum or 1) if value in {None, 1} else value
        if column.nullable:
            usual[column.name] = None
    return pa.Table.from_pylist([{**usual, **each} for each in given], schema=arrow_schema(table))


@pytest.fixture
def fill(warehouse, now):
    """Write rows of a table as a run would, from inputs."""

    def run(table, *given, inputs=(), reach=0, seen=None):
        def compute(_con, days):
            if seen is not None:
                seen.append(days)
            return rows_of(table, *given)

        return warehouse.materialize(
            table, compute, inputs=list(inputs), days=None, run_id="r", now=now, reach=reach
        )

    return run


def event(number, last=None):
    days = {"session_date": day(number), "last_session_date": day(last or number)}
    return {"event_id": f"e{number}", **days, "worst_session_date": day(number)}


def path(number, **columns):
    return {"event_id": f"e{number}", "session_date": day(number), "day": 0, **columns}


def bars(*spans):
    return [
        {"listing_id": name, "session_date": day(number), "close": 1.0}
        for name, numbers in spans
        for number in numbers
    ]


@pytest.mark.parametrize(
    ("spans", "stale", "rows", "expected"),
    [
        ([("A", range(100))], 99, 10, 89),
        ([("A", range(100)), ("HALTED", [3, 50, 99])], 99, 2, 3),
        ([("A", range(100)), ("GONE", [3, 50])], 99, 2, 97),
        ([("A", range(100)), ("NEW", [99])], 99, 5, 94),
        ([("A", range(5))], 4, 60, 0),
        ([("A", range(5))], 9, 60, 9),
    ],
)
def test_the_bars_of_what_still_trades_say_how_far_back_a_session_reaches(
    warehouse, fill, spans, stale, rows, expected
):
    fill(DAILY_PRICES, *bars(*spans))
    with warehouse.reading() as con:
        assert late.first_concerned(con, day(stale), rows) == day(expected)


def test_an_event_that_is_over_is_left_as_it_is_and_a_late_one_is_replaced(fill, query, warehouse):
    fill(SELLOFF_EVENTS, event(10), event(70), event(90))
    fill(DAILY_PRICES, *bars(("A", range(99))))
    inputs, seen = [SELLOFF_EVENTS, DAILY_PRICES], []
    fill(CAR_PATHS, path(10), path(70), inputs=inputs, seen=seen)
    fill(DAILY_PRICES, *bars(("A", range(100))))
    found = fill(
        CAR_PATHS,
        path(10, n_flagged=7),
        path(70, n_flagged=8),
        path(90, n_flagged=9),
        inputs=inputs,
        reach=20,
        seen=seen,
    )
    assert seen == [None, Days(day(99 - 20 - late.NEARBY_ROWS), date.max)]
    sql = "SELECT event_id, n_flagged FROM mart.car_paths ORDER BY ALL"
    assert query(warehouse, sql) == [("e10", 1), ("e70", 8), ("e90", 9)]
    assert (found.n_changed, found.from_session) == (2, day(70))


def test_an_event_of_many_sessions_is_late_as_long_as_its_last_one_is(fill, query, warehouse):
    fill(SELLOFF_EVENTS, event(10, last=95))
    fill(DAILY_PRICES, *bars(("A", range(99))))
    fill(CAR_PATHS, path(10), inputs=[DAILY_PRICES])
    fill(DAILY_PRICES, *bars(("A", range(100))))
    fill(CAR_PATHS, path(10, n_flagged=7), inputs=[DAILY_PRICES])
    assert query(warehouse, "SELECT n_flagged FROM mart.car_paths") == [(7,)]


def test_rows_of_an_event_that_is_known_no_more_go(fill, query, warehouse):
    fill(SELLOFF_EVENTS, event(10), event(95))
    fill(DAILY_PRICES, *bars(("A", range(99))))
    fill(CAR_PATHS, path(10), path(20), inputs=[DAILY_PRICES])
    fill(DAILY_PRICES, *bars(("A", range(100))))
    fill(CAR_PATHS, path(95), inputs=[DAILY_PRICES])
    assert query(warehouse, "SELECT event_id FROM mart.car_paths ORDER BY 1") == [
        ("e10",),
        ("e95",),
    ]


def test_where_nothing_is_stale_nothing_is_computed(fill):
    seen = []
    fill(SELLOFF_EVENTS, event(10))
    fill(DAILY_PRICES, *bars(("A", range(99))))
    fill(CAR_PATHS, path(10), inputs=[DAILY_PRICES], seen=seen)
    found = fill(CAR_PATHS, inputs=[DAILY_PRICES], seen=seen)
    assert seen == [None]
    assert (found.n_rows, found.n_changed) == (1, 0)


def test_where_no_event_is_late_nothing_is_computed_and_nothing_is_stale_after_it(
    fill, query, warehouse
):
    fill(SELLOFF_EVENTS, event(10), {**event(98), "status": "withdrawn"})
    fill(DAILY_PRICES, *bars(("A", range(99))))
    inputs, seen = [SELLOFF_EVENTS, DAILY_PRICES], []
    fill(CAR_PATHS, path(10), inputs=inputs, seen=seen)
    fill(DAILY_PRICES, *bars(("A", range(100))))
    found = fill(CAR_PATHS, inputs=inputs, reach=20, seen=seen)
    assert seen == [None]
    assert (found.n_rows, found.n_changed) == (1, 0)
    with warehouse.reading() as con:
        assert late.wanted(con, CAR_PATHS, inputs, None, 20) == late.NOTHING
        assert writing.stale_from(con, CAR_PATHS, inputs) is None
    assert query(warehouse, "SELECT event_id FROM mart.car_paths") == [("e10",)]


@pytest.mark.parametrize(
    "row",
    [
        {"event_id": "all", "session_date": FIRST, "day": 0},  # of all events together
        {"event_id": "e98", "session_date": FIRST, "day": 0},  # of one that is known no more
    ],
)
def test_a_row_that_is_of_no_event_that_is_over_is_made_anew(fill, row):
    fill(SELLOFF_EVENTS, event(10))
    fill(DAILY_PRICES, *bars(("A", range(99))))
    inputs, seen = [SELLOFF_EVENTS, DAILY_PRICES], []
    fill(CAR_PATHS, path(10), row, inputs=inputs, seen=seen)
    fill(DAILY_PRICES, *bars(("A", range(100))))
    fill(CAR_PATHS, inputs=inputs, reach=20, seen=seen)
    assert len(seen) == 2


def test_other_mathematics_makes_everything_anew(fill, monkeypatch):
    seen = []
    fill(SELLOFF_EVENTS, event(10))
    fill(DAILY_PRICES, *bars(("A", range(99))))
    fill(CAR_PATHS, path(10), inputs=[DAILY_PRICES], seen=seen)
    monkeypatch.setattr(late, "code_version", lambda: 5)
    fill(CAR_PATHS, path(10), inputs=[DAILY_PRICES], seen=seen)
    assert seen == [None, None]


def test_what_followed_a_fall_makes_nothing_stale_that_rests_on_it(
    fill, query, warehouse, monkeypatch
):
    versions = itertools.count()

    def metric(number, **columns):
        return {"event_id": f"e{number}", "listing_id": "A", "session_date": day(number), **columns}

    def changed_from():
        sql = "SELECT from_session FROM meta.changes WHERE table_name = 'mart.selloff_metrics'"
        return query(warehouse, f"{sql} ORDER BY version DESC LIMIT 1")[0][0]

    def write(*rows):
        version = next(versions)  # other code every time, so that all is computed
        monkeypatch.setattr(late, "code_version", lambda: version)
        fill(SELLOFF_METRICS, *rows)

    write(metric(10), metric(20), metric(90))
    write(metric(10, days_to_recover=5), metric(20), metric(90))
    assert changed_from() == date.max
    write(metric(10, days_to_recover=6), metric(20), metric(90, days_to_recover=2), metric(95))
    assert changed_from() == day(95)  # a new fall
    write(metric(10), metric(20, simple_return=-0.5), metric(90))
    assert changed_from() == day(20)


@pytest.mark.parametrize(
    ("table", "since"),
    [
        (SHARES_OUTSTANDING, "known_on"),
        (FX_RATES, "rate_date"),
        (replace(PROPOSED_SPLITS, seen_through=None), "ex_date"),
    ],
)
def test_what_takes_effect_on_a_day_makes_nothing_before_it_stale(fill, table, since):
    assert fill(table, {since: day(1)}).from_session == day(1)
    assert fill(table, {since: day(1)}, {since: day(5)}).from_session == day(5)
    assert fill(table, {since: day(5)}).from_session == day(1)


CARRIED_ON = replace(IMPLIED_SHARES, seen_through="last_session_date", open_where="ticker = 'OPEN'")


def run_of(name, first, last, **columns):
    days = {"first_session_date": day(first), "last_session_date": day(last)}
    return {"listing_id": name, "ticker": name, **days, **columns}


@pytest.fixture
def runs_held(fill, query, warehouse):
    """Return the runs of a table that is carried on: (listing, first session, sessions)."""
    fill(DAILY_PRICES, *bars(("A", range(90))))
    held = run_of("A", 0, 40), run_of("A", 41, 89), run_of("B", 0, 70), run_of("OPEN", 5, 9)
    fill(CARRIED_ON, *held, inputs=[DAILY_PRICES])

    def read():
        sql = "SELECT listing_id, first_session_date, n_sessions FROM core.implied_shares"
        return [
            (name, (first - FIRST).days, n)
            for name, first, n in query(warehouse, f"{sql} ORDER BY ALL")
        ]

    return read


def test_a_table_that_is_carried_on_keeps_what_ended_before_the_stale_day(fill, runs_held):
    seen = []
    fill(DAILY_PRICES, *bars(("A", range(91))))
    found = fill(CARRIED_ON, run_of("A", 41, 90, n_sessions=7), inputs=[DAILY_PRICES], seen=seen)
    assert seen == [Days(day(90), date.max)]
    # What was open and is not told again is gone; what saw nothing stale stands.
    assert runs_held() == [("A", 0, 1), ("A", 41, 7), ("B", 0, 1)]
    assert found.n_changed == 2


def test_a_row_that_is_told_anew_takes_the_place_of_one_that_had_ended(fill, runs_held):
    fill(DAILY_PRICES, *bars(("A", range(91))))
    told = run_of("B", 0, 90, n_sessions=9), run_of("OPEN", 5, 9)
    fill(CARRIED_ON, *told, inputs=[DAILY_PRICES])
    assert runs_held() == [("A", 0, 1), ("A", 41, 1), ("B", 0, 9), ("OPEN", 5, 1)]


@pytest.mark.usefixtures("runs_held")
def test_a_row_that_saw_more_says_nothing_new_of_what_it_had_seen(fill):
    fill(DAILY_PRICES, *bars(("A", range(91))))
    told = run_of("A", 41, 90), run_of("B", 0, 90), run_of("OPEN", 5, 9)
    assert fill(CARRIED_ON, *told, inputs=[DAILY_PRICES]).from_session == day(90)


def test_a_restatement_replaces_all_that_saw_it_and_nothing_before(fill, runs_held):
    fill(DAILY_PRICES, *bars(("A", [n for n in range(90) if n != 60])))
    fill(
        CARRIED_ON,
        run_of("A", 41, 59),
        run_of("A", 61, 89),
        run_of("OPEN", 5, 9),
        inputs=[DAILY_PRICES],
    )
    assert runs_held() == [("A", 0, 1), ("A", 41, 1), ("A", 61, 1), ("OPEN", 5, 1)]


def test_a_table_that_is_carried_on_is_left_alone_where_nothing_is_stale(fill, runs_held):
    seen = []
    fill(CARRIED_ON, inputs=[DAILY_PRICES], seen=seen)
    assert not seen
    assert len(runs_held()) == 4


def test_other_code_carries_nothing_on(fill, runs_held, monkeypatch):
    seen = []
    monkeypatch.setattr(late, "code_version", lambda: 1)
    fill(CARRIED_ON, run_of("A", 0, 89), inputs=[DAILY_PRICES], seen=seen)
    assert seen == [None]
    assert runs_held() == [("A", 0, 1)]
