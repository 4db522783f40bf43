from __future__ import annotations

import json

import pandas as pd
import pytest

from selloff.quarantine import quarantined_bars
from selloff.restatements import restatements
from warehouse.tables.actions import RESTATEMENTS, SPLITS
from warehouse.tables.prices import PRICE_VINTAGES
from warehouse.tables.quarantine import QUARANTINE, QUARANTINE_DECISIONS, QUARANTINED_BARS

DAY, NEXT = pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02")
T1, T2, T3, T4 = (f"2024-02-0{day} 22:00" for day in (1, 2, 3, 4))


def known(bars, at, **columns):
    stamps = {"load_id": at, "row_hash": at, "known_from": at}
    return bars.assign(**{"basis": "split_adjusted", "source": "files", **stamps, **columns})


@pytest.fixture
def kept_out(bench):
    """Return core.quarantined_bars of these versions, refusals, decisions and splits."""

    def run(*bars, refused=(), decided=(), splits=(), **options):
        versions = bench.empty(PRICE_VINTAGES)
        if bars:
            versions = bench.put(PRICE_VINTAGES, pd.concat(bars, ignore_index=True))
        actions = bench.empty(SPLITS)
        if splits:
            dated = pd.DataFrame(splits, columns=["ex_date", "split_ratio"])
            actions = bench.put(SPLITS, dated.assign(ticker="A"))
        bench.hold(RESTATEMENTS, restatements(versions, actions))
        rows = bench.empty(QUARANTINE)
        if refused:
            rows = bench.put(QUARANTINE, pd.DataFrame(list(refused)))
        decisions = bench.empty(QUARANTINE_DECISIONS)
        if decided:
            decisions = bench.put(QUARANTINE_DECISIONS, pd.DataFrame(list(decided)))
        found = quarantined_bars(
            versions, actions, bench.table(RESTATEMENTS), rows, decisions, **options
        )
        return bench.hold(QUARANTINED_BARS, found)

    return run


def decision(case, word, at=T4):
    return {
        "quarantine_id": case,
        "decision": word,
        "note": "",
        "subject": "",
        "decided_at": pd.Timestamp(at),
    }


def refusal(**columns):
    usual = {
        "quarantine_id": "case",
        "table_name": "raw.price_vintages",
        "reason": "close_is_positive: -1",
        "payload": "{}",
        "listing_id": "X:A",
        "session_date": DAY,
        "source": "yahoo",
        "load_id": T2,
        "first_seen_at": pd.Timestamp(T2),
        "last_seen_at": pd.Timestamp(T2),
        "resolved_at": pd.NaT,
    }
    return {**usual, **columns}


@pytest.fixture
def two(make):
    """Return a bar in two sources, and the next one in both alike."""

    def bars(one=100.0, other=101.0, at=T2):
        return (
            known(make.bars("A", [one, 50.0]), T1, source="files"),
            known(make.bars("A", [other, 50.0]), at, source="yahoo"),
        )

    return bars


# -- conflicts ------------------------------------------------------------------------------
def test_a_bar_on_which_two_sources_disagree_is_out_with_what_each_says(kept_out, two):
    row = kept_out(*two()).iloc[0]
    assert len(kept_out(*two())) == 1
    assert (row["ticker"], row["session_date"], row["kind"]) == ("A", DAY, "conflict")
    assert json.loads(row["payload"]) == {"files": 100, "yahoo": 101}
    assert row["reason"] == "the closes disagree: files, yahoo"
    assert row["first_seen_at"] == row["as_of"] == pd.Timestamp(T2)
    assert not row["is_rejected"]
    assert len(row["quarantine_id"]) == 64


def test_sources_that_agree_within_the_tolerance_are_in(kept_out, two):
    assert kept_out(*two(100.0, 100.09)).empty
    assert len(kept_out(*two(100.0, 100.09), tolerance=0.0005)) == 1


def test_the_newest_version_of_each_source_is_compared(kept_out, two, make):
    mended = known(make.bars("A", [100.0]), T3, source="yahoo")
    assert kept_out(*two(), mended).empty


def test_other_values_are_another_case_and_the_same_values_the_same(kept_out, two):
    first, again, other = (
        kept_out(*two(100.0, close, at))["quarantine_id"].iloc[0]
        for close, at in ((101.0, T2), (101.0, T3), (102.0, T2))
    )
    assert first == again
    assert first != other


def test_a_conflict_stays_the_same_case_when_a_split_restates_every_source(kept_out, two, make):
    before = kept_out(*two())["quarantine_id"].tolist()
    restated = [
        known(make.bars("A", [close / 10, 5.0]), T3, source=source)
        for source, close in (("files", 100.0), ("yahoo", 101.0))
    ]
    after = kept_out(*two(), *restated, splits=[("2024-02-03", 10.0)])
    assert after["quarantine_id"].tolist() == before


def test_an_odd_source_name_keeps_the_payload_json(kept_out, make):
    bars = [
        known(make.bars("A", [close]), T1, source=source)
        for source, close in (('the "best" \\ source', 1.0), ("yahoo", 2.0))
    ]
    found = kept_out(*bars)
    assert json.loads(found["payload"].iloc[0]) == {'the "best" \\ source': 1, "yahoo": 2}


def test_a_released_conflict_is_in_and_a_rejected_one_is_out_for_good(kept_out, two):
    case = kept_out(*two())["quarantine_id"].iloc[0]
    assert kept_out(*two(), decided=[decision(case, "released")]).empty
    assert kept_out(*two(), decided=[decision(case, "rejected")])["is_rejected"].tolist() == [True]


def test_the_newest_decision_counts(kept_out, two):
    case = kept_out(*two())["quarantine_id"].iloc[0]
    decided = [decision(case, "released", T3), decision(case, "rejected", T4)]
    assert kept_out(*two(), decided=decided)["is_rejected"].tolist() == [True]
    assert kept_out(*two(), decided=[decision(case, "rejected", T2), decided[0]]).empty


def test_a_decision_about_other_values_does_not_count(kept_out, two):
    case = kept_out(*two(100.0, 102.0))["quarantine_id"].iloc[0]
    assert len(kept_out(*two(), decided=[decision(case, "released")])) == 1


# -- histories that changed unexplained -----------------------------------------------------
@pytest.fixture
def moved(make):
    """Return a history and the same one times a ratio."""

    def bars(ratio=100, at=T2, source="files"):
        return known(make.bars("A", [100 * ratio, 50 * ratio]), at, source=source)

    return bars


def test_every_bar_of_a_listing_that_moved_unexplained_is_out_under_one_case(kept_out, moved, make):
    other = known(make.bars("B", [7.0]), T1)
    newer = known(make.bars("A", [5000.0], start="2024-01-03"), T3)
    found = kept_out(moved(1, T1), moved(), newer, other)
    assert found["session_date"].tolist() == [DAY, NEXT, pd.Timestamp("2024-01-03")]
    assert set(found["ticker"]) == {"A"}
    assert set(found["kind"]) == {"restatement"}
    assert len(set(found["quarantine_id"])) == 1
    assert json.loads(found["payload"].iloc[0]) == {"source": "files", "load_id": T2, "ratio": 100}
    assert found["reason"].iloc[0].endswith("by 100.0")


def test_bars_of_another_source_are_out_with_the_listing(kept_out, moved, make):
    other = known(make.bars("A", [8.0], start="2024-01-03"), T1, source="yahoo")
    assert len(kept_out(moved(1, T1), moved(), other)) == 3


def test_a_revision_afterwards_does_not_let_the_listing_back(kept_out, moved, make):
    revised = known(make.bars("A", [10_001.0]), T3)
    assert len(kept_out(moved(1, T1), moved(), revised)) == 2


def test_a_load_that_brings_the_ratio_back_lets_the_listing_back(kept_out, moved):
    assert kept_out(moved(1, T1), moved(100, T2), moved(1, T3)).empty


def test_a_second_ratio_that_does_not_bring_it_back_is_the_case_that_stands(kept_out, moved):
    found = kept_out(moved(1, T1), moved(100, T2), moved(300, T3))
    assert {json.loads(text)["load_id"] for text in found["payload"]} == {T3}


def test_a_split_that_becomes_known_lets_the_listing_back(kept_out, moved):
    history = (moved(1, T1), moved(0.1, T2))
    assert len(kept_out(*history)) == 2
    assert kept_out(*history, splits=[("2024-02-02", 10.0)]).empty


def test_a_released_history_is_in_and_going_back_is_another_case(kept_out, moved):
    case = kept_out(moved(1, T1), moved())["quarantine_id"].iloc[0]
    released = [decision(case, "released")]
    assert kept_out(moved(1, T1), moved(), decided=released).empty
    back = kept_out(moved(1, T1), moved(), moved(1, T3), decided=released)
    assert set(back["quarantine_id"]).isdisjoint({case})
    assert len(back) == 2


# -- rows that broke the contract -----------------------------------------------------------
def test_a_bar_that_was_only_ever_refused_is_out(kept_out):
    row = kept_out(refused=[refusal()]).iloc[0]
    assert (row["quarantine_id"], row["kind"], row["ticker"]) == ("case", "contract", "A")
    assert row["reason"] == "close_is_positive: -1"
    assert row["as_of"] == pd.Timestamp(T2) == refusal()["first_seen_at"]


def test_the_ticker_is_the_newest_the_listing_had(kept_out, make):
    old = known(make.bars("FB", [1.0], start="2024-01-05"), T1, listing_id="X:A")
    new = known(make.bars("META", [1.0], start="2024-01-08"), T2, listing_id="X:A")
    assert kept_out(old, new, refused=[refusal()])["ticker"].tolist() == ["META"]


@pytest.mark.parametrize("at", [T1, T2, T3])
def test_a_row_in_order_keeps_the_bar_in_whether_it_came_before_or_after(kept_out, make, at):
    clean = known(make.bars("A", [1.0]), at, source="yahoo")
    assert kept_out(clean, refused=[refusal()]).empty


def test_a_row_in_order_of_another_session_keeps_nothing_in(kept_out, make):
    clean = known(make.bars("A", [1.0], start="2024-02-20"), T1, source="yahoo")
    assert len(kept_out(clean, refused=[refusal()])) == 1


def test_another_source_that_has_the_bar_is_enough(kept_out, make):
    assert kept_out(known(make.bars("A", [1.0]), T1, source="files"), refused=[refusal()]).empty


@pytest.mark.parametrize(
    "harmless",
    [
        {"resolved_at": pd.Timestamp(T3)},
        {"table_name": "raw.articles"},
        {"listing_id": None},
        {"session_date": pd.NaT},
    ],
)
def test_what_is_resolved_or_speaks_of_no_bar_keeps_none_out(kept_out, harmless):
    assert kept_out(refused=[refusal(**harmless)]).empty


def test_a_release_cannot_put_in_what_was_refused_and_a_rejection_is_noted(kept_out):
    released = kept_out(refused=[refusal()], decided=[decision("case", "released")])
    assert released["is_rejected"].tolist() == [False]
    rejected = kept_out(refused=[refusal()], decided=[decision("case", "rejected")])
    assert rejected["is_rejected"].tolist() == [True]


def test_a_bar_with_several_cases_has_one_row_the_rejected_one_first(kept_out):
    rows = [refusal(quarantine_id=name, payload=name) for name in ("a", "b")]
    assert kept_out(refused=rows)["quarantine_id"].tolist() == ["a"]
    found = kept_out(refused=rows, decided=[decision("b", "rejected")])
    assert found["quarantine_id"].tolist() == ["b"]
