"""The blocking checks made from the contracts: grain, rules, and tables that must hold rows."""

from __future__ import annotations

from datetime import date

import pytest

from checks import contract
from checks.contract import contract_check
from resources.batch import Days
from warehouse.tables import TABLES, table
from warehouse.tables.meta import DQ_RESULTS

PRICES = table("core.daily_prices")
EVENTS = table("mart.selloff_events")
BAR = {"listing_id": "XNAS:NVDA", "ticker": "NVDA", "close": 118.42}
MONDAY = date(2025, 1, 27)


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
    assert found.first_failing_rows == [
        {"listing_id": "XNAS:NVDA", "session_date": "2025-01-27", "n_rows": 2}
    ]


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
    assert found.first_failing_rows == [{"rule": rule, "n_rows": 1}]


def test_a_value_outside_a_closed_list_is_found(unguarded, verdict):
    unguarded.put(EVENTS, event_id="market-us", severity=1.2, status="forgotten")
    found = verdict(EVENTS, unguarded)
    assert {"rule": "status_is_known", "n_rows": 1} in found.first_failing_rows


@pytest.mark.parametrize("name", ["core.daily_prices", "core.sessions", "raw.price_vintages"])
def test_a_table_that_cannot_be_empty_is_an_error_when_it_is(tables, verdict, name):
    found = verdict(table(name), tables)
    assert not found.passed
    assert found.severity == "ERROR"
    assert found.note == f"{name} has no rows"
    assert found.first_failing_rows == [{"rule": "table_is_not_empty", "n_rows": 0}]


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


def test_no_more_than_five_samples_are_shown_and_all_are_counted(tables, verdict):
    for day in range(1, 9):
        for _ in range(2):
            tables.put(PRICES, **BAR, session_date=date(2025, 1, day))
    found = verdict(PRICES, tables)
    assert found.rows_failed == 16
    assert len(found.first_failing_rows) == 5


def test_what_was_found_is_kept_in_the_warehouse(tables, verdict):
    verdict(PRICES, tables)
    ((kept_in, row),) = tables.recorded
    assert kept_in is DQ_RESULTS
    assert row["table_name"] == "core.daily_prices"
    assert row["check_name"] == "contract_holds"
    assert (row["is_passed"], row["severity"], row["n_failed"]) == (False, "ERROR", 1)
    assert row["sample"] == '[{"rule": "table_is_not_empty", "n_rows": 0}]'
    assert row["checked_at"].isoformat() == "2025-01-28T12:00:00"


def test_every_table_with_an_asset_has_its_check():
    checked = {next(iter(check.check_keys)).asset_key.path[1] for check in contract.CHECKS}
    expected = {one.name for one in TABLES if one.layer != "meta"} - {"fetches", "quarantine"}
    assert checked == expected
