"""The blocking checks made from the contracts: grain, rules, and tables that must hold rows."""

from __future__ import annotations

import json
from datetime import date, datetime

import pytest

from checks import contract
from checks.contract import contract_check
from resources.batch import BACKFILL_TAG, Days
from warehouse.tables import TABLES, table
from warehouse.tables.meta import CHANGES, DQ_RESULTS

PRICES = table("core.daily_prices")
EVENTS = table("mart.selloff_events")
BAR = {"listing_id": "XNAS:NVDA", "ticker": "NVDA", "close": 118.42}
FRIDAY, MONDAY = date(2025, 1, 24), date(2025, 1, 27)


@pytest.fixture
def verdict(verdicts):
    def run(contract_table, warehouse, **when):
        return verdicts(contract_check(contract_table), warehouse, **when)["contract_holds"]

    return run


def test_a_table_that_keeps_its_contract_passes(tables, verdict):
    tables.put(PRICES, **BAR, session_date=MONDAY)
    found = verdict(PRICES, tables)
    assert found.passed
    assert (found.rows_checked, found.rows_failed, found.first_failing_rows) == (1, 0, [])


def test_an_identity_that_stands_twice_is_an_error(tables, verdict):
    tables.put(PRICES, **BAR, session_date=MONDAY)
    tables.put(PRICES, **BAR, session_date=MONDAY)
    tables.put(PRICES, **BAR, session_date=date(2025, 1, 28))
    found = verdict(PRICES, tables)
    assert not found.passed
    assert found.severity == "ERROR"
    assert (found.rows_checked, found.rows_failed) == (3, 2)
    twins = {"listing_id": "XNAS:NVDA", "session_date": "2025-01-27", "n_rows": 2}
    assert found.first_failing_rows == [{"check": "grain_is_unique", "n_violations": 2, **twins}]


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"close": -1.0}, "close_is_positive"),
        ({"close": float("inf")}, "close_is_finite"),
        ({"close": None}, "close_is_present"),
        ({"volume": -5.0}, "volume_is_at_least_0"),
        ({"open": 117.0, "low": 118.0}, "low_is_at_most_open"),
        ({"source": None}, "source_is_present"),
    ],
)
def test_a_row_that_no_constraint_kept_out_is_found(unguarded, verdict, values, rule):
    unguarded.put(PRICES, **{**BAR, "session_date": MONDAY, **values})
    unguarded.put(PRICES, **BAR, session_date=date(2025, 1, 28))
    found = verdict(PRICES, unguarded)
    assert not found.passed
    first = {"listing_id": "XNAS:NVDA", "session_date": "2025-01-27"}
    assert found.first_failing_rows == [{"check": rule, "n_violations": 1, **first}]


def test_a_value_outside_a_closed_list_is_found(unguarded, verdict):
    unguarded.put(EVENTS, event_id="market-us", threshold_multiple=1.2, status="forgotten")
    found = verdict(EVENTS, unguarded)
    first = {"check": "status_is_known", "n_violations": 1, "event_id": "market-us"}
    assert first in found.first_failing_rows


@pytest.mark.parametrize("name", ["core.daily_prices", "core.sessions", "raw.price_vintages"])
def test_a_table_that_cannot_be_empty_is_an_error_when_it_is(tables, verdict, name):
    found = verdict(table(name), tables)
    assert not found.passed
    assert found.severity == "ERROR"
    assert found.note == f"{name} has no rows"
    assert found.first_failing_rows == [{"check": "table_is_not_empty", "n_violations": 1}]


@pytest.mark.parametrize("name", ["mart.selloff_events", "raw.articles", "mart.sector_contagion"])
def test_a_quiet_market_leaves_tables_empty_and_that_is_well(tables, verdict, name):
    assert verdict(table(name), tables).passed


def test_a_failure_stops_the_run(tables, verdict):
    assert not verdict(PRICES, tables).success
    tables.put(PRICES, **BAR, session_date=MONDAY)
    assert verdict(PRICES, tables).success


def test_the_whole_table_is_held_against_its_contract_whatever_the_days(tables, verdict):
    for _ in range(2):
        tables.put(PRICES, **BAR, session_date=date(2001, 9, 17))
    assert verdict(PRICES, tables, days=Days(MONDAY, MONDAY)).rows_failed == 2


@pytest.fixture
def proved(tables):
    """A table of two sessions that was found to keep its contract, and what is written since."""
    checked = datetime.fromisoformat("2025-01-24T22:00")
    for name in [check.name for check in contract.contract_of(PRICES)]:
        found = {"run_id": "r", "table_name": PRICES.qualified, "check_name": name}
        tables.put(DQ_RESULTS, **found, is_passed=True, severity="ERROR", checked_at=checked)
    tables.put(PRICES, **BAR, session_date=date(2001, 9, 17))
    tables.put(PRICES, **BAR, session_date=FRIDAY)

    def write(from_session, at="2025-01-27T22:00", version=1):
        change = {"table_name": PRICES.qualified, "version": version, "run_id": "s"}
        written = datetime.fromisoformat(at)
        tables.put(CHANGES, **change, from_session=from_session, written_at=written)

    return write


def examined(tables, name="grain_is_unique"):
    """Return over how many rows a statement was held the last time."""
    return next(row["n_rows"] for _, row in reversed(tables.recorded) if row["check_name"] == name)


def test_what_was_found_to_hold_and_not_written_since_is_not_asked_again(tables, verdict, proved):
    tables.put(PRICES, **BAR, session_date=MONDAY)
    assert verdict(PRICES, tables).passed
    assert (examined(tables), examined(tables, "table_is_not_empty")) == (0, 3)
    proved(MONDAY)
    assert verdict(PRICES, tables).passed
    assert (examined(tables), examined(tables, "table_is_not_empty")) == (1, 3)
    proved(FRIDAY, version=2)
    assert verdict(PRICES, tables).passed
    assert examined(tables) == 2


def test_what_was_written_in_the_moment_of_the_check_is_asked(tables, verdict, proved):
    proved(FRIDAY, at="2025-01-24T22:00")
    verdict(PRICES, tables)
    assert examined(tables) == 1


def test_a_twin_among_what_was_written_is_found(tables, verdict, proved):
    proved(MONDAY)
    for _ in range(2):
        tables.put(PRICES, **BAR, session_date=MONDAY)
    assert not verdict(PRICES, tables).passed


@pytest.mark.parametrize(
    ("spoil", "tags"),
    [
        ("UPDATE meta.dq_results SET is_passed = false WHERE check_name = 'close_is_positive'", {}),
        ("DELETE FROM meta.dq_results WHERE check_name = 'close_is_positive'", {}),
        ("UPDATE meta.changes SET from_session = NULL", {}),
        ("SELECT 1", {BACKFILL_TAG: "true"}),
    ],
)
def test_all_of_a_table_is_asked_where_that_is_not_known_or_history_is_written(
    tables, verdict, proved, spoil, tags
):
    proved(MONDAY)
    tables.con.execute(spoil)
    verdict(PRICES, tables, tags=tags)
    assert examined(tables) == 2


def test_changes_count_from_the_last_time_that_all_held(tables, verdict, proved):
    """A run that failed between proves nothing, whatever it examined."""
    proved(FRIDAY)
    found = {"run_id": "failed", "table_name": PRICES.qualified, "check_name": "grain_is_unique"}
    at = datetime.fromisoformat("2025-01-28T22:00")
    tables.put(DQ_RESULTS, **found, is_passed=False, severity="ERROR", checked_at=at)
    verdict(PRICES, tables)
    assert examined(tables) == 1


def test_of_every_broken_rule_the_newest_row_is_shown(unguarded, verdict):
    for day in (24, 27):
        session = date(2025, 1, day)
        unguarded.put(PRICES, **{**BAR, "session_date": session, "close": -1.0, "volume": -5.0})
    found = verdict(PRICES, unguarded)
    newest = {"n_violations": 2, "listing_id": "XNAS:NVDA", "session_date": "2025-01-27"}
    assert found.rows_failed == 4
    assert found.first_failing_rows == [
        {"check": "close_is_positive", **newest},
        {"check": "volume_is_at_least_0", **newest},
    ]


def test_what_was_found_is_kept_in_the_warehouse_statement_by_statement(tables, verdict):
    vintage = datetime.fromisoformat("2025-01-27T22:00")
    for _ in range(2):
        tables.put(PRICES, **BAR, session_date=MONDAY, as_of=vintage)
    verdict(PRICES, tables)
    assert all(kept_in is DQ_RESULTS for kept_in, _ in tables.recorded)
    rows = {row["check_name"]: row for _, row in tables.recorded}
    statements = {rule.name for rule in PRICES.rules()}
    assert set(rows) == statements | {"grain_is_unique", "table_is_not_empty"}
    assert {row["table_name"] for row in rows.values()} == {"core.daily_prices"}
    assert {row["as_of"] for row in rows.values()} == {vintage}
    assert {row["checked_at"].isoformat() for row in rows.values()} == {"2025-01-28T12:00:00"}
    twins = rows.pop("grain_is_unique")
    assert (twins["is_passed"], twins["severity"]) == (False, "ERROR")
    assert (twins["n_rows"], twins["n_violations"]) == (2, 2)
    assert json.loads(twins["sample_keys"]) == [
        {"listing_id": "XNAS:NVDA", "session_date": "2025-01-27", "n_rows": 2}
    ]
    assert {(row["is_passed"], row["sample_keys"]) for row in rows.values()} == {(True, None)}


def test_every_table_with_an_asset_has_its_check():
    checked = {"/".join(next(iter(check.check_keys)).asset_key.path) for check in contract.CHECKS}
    beside = {"raw/fetches", "raw/quarantine", "raw/quarantine_decisions"}
    every = {f"{one.layer}/{one.name}" for one in TABLES if one.layer != "meta"}
    assert checked == every - beside


def test_only_tables_that_exist_may_be_empty_or_have_no_check():
    known = {one.qualified for one in TABLES}
    assert known >= contract.MAY_BE_EMPTY | contract.BESIDE


def test_what_every_market_has_is_never_empty():
    filled = {
        check.table.qualified
        for one in TABLES
        for check in contract.contract_of(one)
        if check.kind == "filled" and one.layer != "meta"
    }
    assert filled >= {
        "core.abnormal_returns",
        "core.daily_prices",
        "core.instrument_aliases",
        "core.instruments",
        "core.listing_symbols",
        "core.sessions",
        "core.shares_outstanding",
        "raw.price_vintages",
    }
