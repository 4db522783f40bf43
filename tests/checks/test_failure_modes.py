"""Every known failure of daily bars, put into a market in order, is caught by a named check."""

from __future__ import annotations

from datetime import timedelta

import pytest

from checks import contract, prices, reference, sources
from checks.catalogue import contract as rules_of
from checks.failure_modes import FAILURE_MODES
from resources.batch import Days
from tests.checks.faults import CASES
from warehouse.tables import table

EVERY = (*prices.JUDGEMENTS, *sources.JUDGEMENTS, *reference.JUDGEMENTS)


@pytest.mark.parametrize(("number", "inject", "caught_by", "refused"), CASES)
def test_a_known_failure_is_caught_by_name(market, number, inject, caught_by, refused):
    inject(market)
    found = market.failed()
    assert caught_by <= found.keys(), f"{FAILURE_MODES[number]}: {sorted(found)}"
    assert refused <= market.refused()
    assert bool(refused) == bool(market.refused())
    assert all(found[name].sample_keys for name in caught_by)


def test_a_market_in_order_passes_every_check(market):
    market.deliver()
    market.deliver()
    market.compute()
    assert market.failed() == {}
    assert market.refused() == set()


def test_a_session_that_is_missing_for_most_listings_is_the_fault_of_the_source(market, verdicts):
    for ticker in ("NVDA", "AMD", "AVGO"):
        del market.bars[ticker, market.days[-1]]
    market.deliver()
    market.compute()
    span = Days(market.days[0], market.days[-1])
    found = verdicts(
        prices.every_session_is_present, market.tables, days=span, now=market.now.isoformat()
    )["every_session_is_present"]
    assert (found.severity, found.rows_failed, found.success) == ("ERROR", 3, False)


def test_every_known_failure_has_a_check_that_claims_it_and_a_fault_that_proves_it():
    catalogue = (*EVERY, *rules_of(table("raw.price_vintages")))
    claimed = {number for check in catalogue for number in check.failure_modes}
    # A missing session is judged by `every_session_is_present`, which is no statement about a row.
    assert claimed == set(FAILURE_MODES) == set(range(1, 23))
    assert {case.values[0] for case in CASES} | {1} == set(FAILURE_MODES)


@pytest.mark.parametrize(("number", "caught_by"), [case.values[::2] for case in CASES])
def test_what_catches_a_fault_claims_it(number, caught_by):
    modes = {check.name: check.failure_modes for check in EVERY}
    by_contract = {"no_row_was_quarantined"}
    assert all(number in modes[name] for name in caught_by - by_contract)


def test_a_true_crash_stays_a_crash(market):
    crash = market.days[-1]
    market.scale("AMD", 0.5, [crash])
    market.bars["AMD", crash]["volume"] *= 8
    market.deliver()
    market.compute()
    assert market.failed() == {}
    close = market.con.execute(
        "SELECT close FROM core.daily_prices WHERE ticker = 'AMD' ORDER BY session_date DESC"
    ).fetchall()[0][0]
    assert close == market.bars["AMD", crash]["close"]


def test_a_split_that_vendors_apply_once_is_no_fault(market):
    ex_date = market.days[-1]
    known = market.bars
    market.now -= timedelta(hours=26)  # late on the day before
    market.bars = {key: bar for key, bar in known.items() if key[1] != ex_date}
    market.deliver()
    market.now += timedelta(hours=26)
    market.bars = known
    market.act("NVDA", ex_date, "split", split_ratio=10.0)
    market.scale("NVDA", 0.1, market.days)
    for day in market.days:
        market.bars["NVDA", day]["volume"] *= 10
    market.deliver()
    market.compute()
    assert market.failed() == {}


def test_a_dividend_in_the_adjusted_close_is_no_fault(market):
    ex_date = market.days[-3]
    before = market.bars["AVGO", market.days[-4]]["close"]
    market.act("AVGO", ex_date, "dividend", amount=1.5)
    for day in market.days[:-3]:
        market.bars["AVGO", day]["adj_close"] *= 1 - 1.5 / before
    market.deliver()
    market.compute()
    assert market.failed() == {}


def test_a_case_that_was_decided_or_came_in_order_is_no_longer_open(market):
    day = market.days[-1]
    good = market.bars["NVDA", day]
    market.bars["NVDA", day] = {**good, "close": None}
    market.deliver()
    assert "no_row_was_quarantined" in market.failed()
    market.bars["NVDA", day] = good
    market.deliver()
    assert market.failed().keys() <= {"no_bar_is_lost"}  # core is not computed yet


def test_only_the_days_of_the_run_and_what_they_look_back_on_are_judged(market):
    market.scale("MSFT", 100, market.days[10:11])
    market.deliver()
    market.compute()
    assert "unit_is_constant" in market.failed()
    assert "unit_is_constant" in market.failed(first=market.days[11])  # the way back
    assert "unit_is_constant" not in market.failed(first=market.days[12])


def test_only_a_source_that_failed_and_unexplained_history_are_errors():
    assert {check.name for check in EVERY if check.severity == "ERROR"} == {
        "every_request_was_answered",
        "every_answer_is_of_its_ticker",
        "every_source_is_up",
        "restatements_are_explained",
    }
    rules = contract.contract_of(table("core.daily_prices"))
    assert {check.severity for check in rules} == {"ERROR"}


def test_no_two_judgements_have_one_name():
    names = [check.name for check in EVERY]
    assert len(set(names)) == len(names)
