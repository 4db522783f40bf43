"""Great Expectations on what the checks counted: nothing contradicts any of them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from checks.catalogue import contract
from checks.scan import scan
from resources.expectations import check_name
from resources.summary import summaries
from warehouse.tables import table
from warehouse.tables.meta import DQ_RESULTS

PRICES = table("core.daily_prices")
NOW = datetime.fromisoformat("2025-01-28T12:00")


@pytest.fixture
def note(tables):
    """Note what a check found, as a run does."""

    def put(check, n_violations=0, *, of=PRICES.qualified, severity="WARN", run="run", hours=0):
        tables.put(
            DQ_RESULTS,
            run_id=run,
            table_name=of,
            check_name=check,
            is_passed=not n_violations,
            severity=severity,
            n_rows=100,
            n_violations=n_violations,
            checked_at=NOW + timedelta(hours=hours),
        )

    return put


def verdicts(result):
    """Return which expectations of a result were met, by the check they stand for."""
    return {check_name(item): item.success for item in result.results}


def validated(tables):
    """Hold what was noted against its suites."""
    return [summary.validated() for summary in summaries(tables.con)]


def test_a_check_is_met_where_nothing_contradicts_it(tables, note):
    note("unit_is_constant")
    note("bars_are_not_stale", 3)
    (result,) = validated(tables)
    assert verdicts(result) == {"bars_are_not_stale": False, "unit_is_constant": True}
    assert not result.success
    broken = next(item for item in result.results if not item.success)
    assert broken.result["observed_value"] == 3


def test_one_contradiction_is_enough(tables, note):
    note("unit_is_constant", 1)
    assert not validated(tables)[0].success


def test_every_table_that_was_checked_has_its_own_result(tables, note):
    note("unit_is_constant")
    note("sources_agree", of="core.quarantined_bars")
    note("sources_agree", 1, of="core.another")
    found = validated(tables)
    assert [result.suite_name for result in found] == [
        "history of core.another",
        "history of core.daily_prices",
        "history of core.quarantined_bars",
    ]
    assert [result.success for result in found] == [False, True, True]


@pytest.mark.parametrize(("severity", "shown"), [("ERROR", "critical"), ("WARN", "warning")])
def test_an_error_is_critical_and_a_warning_a_warning(tables, note, severity, shown):
    note("unit_is_constant", 1, severity=severity)
    ((item,),) = [result.results for result in validated(tables)]
    assert item.expectation_config.severity.value == shown


@pytest.mark.parametrize("hours", [1, -1])
def test_the_newest_result_of_a_check_counts_whatever_the_order_of_the_rows(tables, note, hours):
    note("unit_is_constant", 5, run="one")
    note("unit_is_constant", 0, run="two", hours=hours)
    assert validated(tables)[0].success is (hours == 1)


def test_a_run_of_one_check_alone_leaves_the_others_as_they_were(tables, note):
    note("unit_is_constant", 5, run="daily")
    note("prices_are_fresh", 0, run="freshness", hours=6)
    (result,) = validated(tables)
    assert verdicts(result) == {"prices_are_fresh": True, "unit_is_constant": False}


def test_before_the_first_run_there_is_nothing_to_hold(tables):
    assert validated(tables) == []


def test_the_summary_says_of_a_table_what_the_scan_of_its_contract_says(unguarded):
    changes = [{}, {"close": -1.0}, {"close": None}, {"source": None, "volume": -5.0}]
    for change in changes:
        unguarded.put(
            PRICES, **{"listing_id": "XNAS:NVDA", "close": 118.42, "n_sources": 1, **change}
        )
    scanned = scan(unguarded.con, contract(PRICES, may_be_empty=False))
    for name, found in scanned.items():
        unguarded.put(
            DQ_RESULTS,
            table_name=PRICES.qualified,
            check_name=name,
            severity="ERROR",
            n_violations=found.n_violations,
        )
    (result,) = validated(unguarded)
    assert {name for name, is_met in verdicts(result).items() if not is_met} == {
        "close_is_positive",
        "close_is_present",
        "volume_is_at_least_0",
        "source_is_present",
        "grain_is_unique",
    }
    assert len(result.results) == len(scanned)


def test_the_summary_counts_what_great_expectations_counts(tables, note):
    note("unit_is_constant")
    note("bars_are_not_stale", 3)
    note("prices_are_fresh", 1)
    (summary,) = summaries(tables.con)
    result = summary.validated()
    assert summary.statistics.items() <= result.statistics.items()
    assert summary.suite_name == result.suite_name
