"""Whether what is refused is seen again, resolved by a clean row, and decided by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pytest

from resources.batch import Reject
from resources.warehouse import WarehouseError
from warehouse.tables.prices import PRICE_VINTAGES

DAY = date(2025, 1, 27)
CASES = (
    "SELECT listing_id, session_date, source, first_seen_at, last_seen_at, resolved_at "
    "FROM raw.quarantine"
)
QUARANTINE_VERSIONS = (
    "SELECT from_session FROM meta.changes WHERE table_name = 'raw.quarantine' ORDER BY version"
)


@pytest.fixture
def land(warehouse, now):
    def run(batch, *, days=0):
        at = now + timedelta(days=days)
        return warehouse.land(PRICE_VINTAGES, batch, run_id=f"run{days}", now=at)

    return run


@pytest.fixture
def at(now):
    return lambda days: (now + timedelta(days=days)).replace(tzinfo=None)


def test_a_refused_row_says_which_bar_it_was_and_when_it_came(
    query, warehouse, bar, batch, land, at
):
    land(batch(bar(close=-1.0)))
    assert query(warehouse, CASES) == [("XNAS:NVDA", DAY, "files", at(0), at(0), None)]


def test_a_case_that_comes_again_is_only_seen_again(query, warehouse, bar, batch, land, at):
    land(batch(bar(close=-1.0)))
    land(batch(bar(close=-1.0)), days=1)
    assert query(warehouse, CASES) == [("XNAS:NVDA", DAY, "files", at(0), at(1), None)]
    assert query(warehouse, QUARANTINE_VERSIONS) == [(DAY,)]


def test_a_later_clean_bar_resolves_the_case(query, warehouse, bar, batch, land, at):
    land(batch(bar(close=-1.0)))
    land(batch(bar()), days=1)
    assert query(warehouse, CASES) == [("XNAS:NVDA", DAY, "files", at(0), at(0), at(1))]
    assert query(warehouse, QUARANTINE_VERSIONS) == [(DAY,), (DAY,)]


def test_a_bar_that_was_known_already_resolves_it_too(query, warehouse, bar, batch, land, at):
    land(batch(bar()))
    land(batch(bar(close=-1.0)), days=1)
    land(batch(bar()), days=2)  # equal to the first version, so nothing is appended
    assert query(warehouse, "SELECT count(*) FROM raw.price_vintages") == [(1,)]
    assert query(warehouse, CASES)[0][-1] == at(2)


@pytest.mark.parametrize(
    "other",
    [{"session_date": date(2025, 1, 28)}, {"listing_id": "XNAS:MU"}, {"source": "yahoo"}],
)
def test_another_bar_resolves_nothing(query, warehouse, bar, batch, land, other):
    land(batch(bar(close=-1.0)))
    land(batch(bar(**other)), days=1)
    assert query(warehouse, CASES)[0][-1] is None


def test_a_case_that_comes_back_is_open_again(query, warehouse, bar, batch, land, at):
    land(batch(bar(close=-1.0)))
    land(batch(bar()), days=1)
    land(batch(bar(close=-1.0)), days=2)
    assert query(warehouse, CASES) == [("XNAS:NVDA", DAY, "files", at(0), at(2), None)]
    assert query(warehouse, QUARANTINE_VERSIONS) == [(DAY,)] * 3


def test_a_duplicate_beside_its_good_twin_stays_open(query, warehouse, bar, batch, land):
    land(batch(bar(), bar(close=119.0, source_row=3)))
    assert query(warehouse, CASES)[0][-1] is None


def test_a_piece_that_is_no_row_names_no_bar_and_makes_nothing_stale(
    query, warehouse, bar, batch, land
):
    land(batch(bar(), rejects=[Reject("x.csv", 7, "torn", "{")]))
    assert query(warehouse, CASES)[0][:3] == (None, None, None)
    assert query(warehouse, QUARANTINE_VERSIONS) == []


# -- decisions ------------------------------------------------------------------------------------


@pytest.fixture
def decide(warehouse, now):
    def run(decision, case=None, note="seen the tape"):
        with warehouse.reading() as con:
            known = con.execute("SELECT quarantine_id FROM core.quarantine").fetchall()
        return warehouse.decide(case or known[0][0][:12], decision, note, now=now)

    return run


def test_a_released_duplicate_becomes_the_newest_version(
    query, warehouse, bar, batch, land, decide
):
    land(batch(bar(), bar(close=119.0, source_row=3)))
    said = decide("released")
    assert said == "XNAS:NVDA 2025-01-27: duplicate of row 2, other values"
    closes = "SELECT close, load_id LIKE 'released %' FROM raw.price_vintages ORDER BY known_from"
    assert query(warehouse, closes) == [(118.42, False), (119.0, True)]
    shown = "SELECT resolution, note, reason FROM core.quarantine"
    assert query(warehouse, shown) == [
        ("released", "seen the tape", "duplicate of row 2, other values")
    ]


def test_a_row_that_breaks_the_contract_cannot_be_released(
    query, warehouse, bar, batch, land, decide
):
    land(batch(bar(close=-1.0)))
    with pytest.raises(WarehouseError, match=r"still refused: close is not positive: close -1\.0"):
        decide("released")
    assert query(warehouse, "FROM raw.quarantine_decisions") == []
    assert query(warehouse, "FROM raw.price_vintages") == []


def test_a_torn_piece_cannot_be_released(bar, batch, land, decide):
    land(batch(bar(), rejects=[Reject("x.csv", 7, "torn", "{")]))
    with pytest.raises(WarehouseError, match="no row that could be landed: torn"):
        decide("released")


def test_a_rejected_case_is_closed_with_its_note(query, warehouse, bar, batch, land, decide):
    land(batch(bar(close=-1.0)))
    decide("rejected", note="a typing error")
    shown = "SELECT resolution, note FROM core.quarantine"
    assert query(warehouse, shown) == [("rejected", "a typing error")]
    changes = "SELECT from_session FROM meta.changes WHERE table_name = 'raw.quarantine_decisions'"
    assert query(warehouse, changes) == [(DAY,)]


def test_the_newest_decision_counts(query, warehouse, bar, batch, land, now):
    land(batch(bar(close=-1.0)))
    ((case,),) = query(warehouse, "SELECT quarantine_id FROM raw.quarantine")
    warehouse.decide(case, "rejected", "no", now=now)
    land(batch(bar(), bar(close=119.0, source_row=3)), days=1)
    warehouse.decide(case, "rejected", "still no", now=now + timedelta(days=2))
    shown = "SELECT note FROM core.quarantine WHERE resolution = 'rejected'"
    assert query(warehouse, shown) == [("still no",)]


@pytest.mark.parametrize(
    ("case", "message"),
    [("ffffffffffff", "no quarantined case 'ffffffffffff'"), ("", "no quarantined case ''")],
)
def test_a_case_that_is_not_there_is_said_in_one_line(warehouse, now, case, message):
    with pytest.raises(WarehouseError, match=message):
        warehouse.decide(case, "rejected", "why", now=now)


def test_an_ambiguous_id_asks_for_more(warehouse, bar, batch, land, query, now):
    rows = [bar(close=-1.0, source_row=n) for n in range(2, 40)]
    land(batch(*rows))
    ids = [case for (case,) in query(warehouse, "SELECT quarantine_id FROM raw.quarantine")]
    first = next(each[0] for each in ids if sum(other[0] == each[0] for other in ids) > 1)
    with pytest.raises(WarehouseError, match=f"begin with '{first}': say more"):
        warehouse.decide(first, "rejected", "why", now=now)


# -- several tables in one batch -------------------------------------------------------------------

SPLIT = {
    "listing_id": "XNAS:NVDA",
    "ticker": "NVDA",
    "ex_date": date(2024, 6, 10),
    "action": "split",
    "split_ratio": 10.0,
    "basis": "split_adjusted",
    "currency": "USD",
    "source": "yahoo",
}


def with_actions(batch, *rows):
    from dataclasses import replace

    return replace(batch, beside={"raw.corporate_actions": pa.Table.from_pylist(list(rows))})


def test_actions_land_beside_the_bars_they_came_with(query, warehouse, bar, batch, land):
    written = land(with_actions(batch(bar()), SPLIT))
    assert written.beside["raw.corporate_actions"].n_rows == 1
    actions = "SELECT listing_id, split_ratio, load_id FROM raw.corporate_actions"
    assert query(warehouse, actions) == [("XNAS:NVDA", 10.0, "run0/price_vintages")]
    assert (
        land(with_actions(batch(bar()), SPLIT), days=1).beside["raw.corporate_actions"].n_rows == 0
    )


def test_a_broken_action_is_quarantined_under_its_own_table(query, warehouse, bar, batch, land):
    written = land(with_actions(batch(bar()), {**SPLIT, "split_ratio": 0.0}, SPLIT))
    assert written.beside["raw.corporate_actions"].n_quarantined == 1
    cases = "SELECT table_name, reason FROM raw.quarantine"
    assert query(warehouse, cases) == [
        ("raw.corporate_actions", "split_ratio is not positive: split_ratio 0.0")
    ]


def test_a_share_count_without_a_filing_date_is_stored_once(query, warehouse, batch, now):
    from warehouse.tables.valuation import RAW_SHARES_OUTSTANDING

    row = {
        "listing_id": "XNAS:NVDA",
        "ticker": "NVDA",
        "measured_on": date(2024, 11, 15),
        "filed_on": None,
        "shares_outstanding": 24.49e9,
        "source": "yahoo",
    }
    counts = pa.Table.from_pylist([row]).set_column(3, "filed_on", pa.nulls(1, pa.date32()))
    delivered = batch(row).__class__(counts, [])
    for day in range(2):
        at = now + timedelta(days=day)
        warehouse.land(RAW_SHARES_OUTSTANDING, delivered, run_id=f"r{day}", now=at)
    stored = "SELECT count(*), any_value(share_class) FROM raw.shares_outstanding"
    assert query(warehouse, stored) == [(1, "all")]
