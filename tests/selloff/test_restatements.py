from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff._ibis import fetched, stacked
from selloff.restatements import late_restatements, restatements
from tests.selloff.restated_market import START, restated_market
from tests.selloff.worlds import seldom
from warehouse.tables.actions import RESTATEMENTS, SPLITS
from warehouse.tables.prices import PRICE_VINTAGES

BEFORE, AFTER, LATER = "2024-01-31 22:00", "2024-02-29 22:00", "2024-03-29 22:00"
CLOSES = [100.0, 104.0, 98.5, 101.25, 99.99, 103.17]


def load(bars, number, known_from):
    stamps = {"load_id": f"load{number}", "row_hash": str(number), "known_from": known_from}
    return bars.assign(**{name: value for name, value in stamps.items() if name not in bars})


@pytest.fixture
def judged(bench):
    """Return what became of bars loaded one after the other."""

    def run(*loads, splits=()):
        rows = [
            load(bars, number, known)
            for number, (bars, known) in enumerate(
                zip(loads, (BEFORE, AFTER, LATER), strict=False), start=1
            )
        ]
        rows = pd.concat(rows, ignore_index=True)
        for column, usual in {"is_provisional": False, "basis": "split_adjusted"}.items():
            rows[column] = rows[column].fillna(usual) if column in rows else usual
        versions = bench.put(PRICE_VINTAGES, rows.infer_objects())
        known = bench.empty(SPLITS)
        if splits:
            dated = pd.DataFrame(splits, columns=["ex_date", "split_ratio"]).assign(ticker="A")
            known = bench.put(SPLITS, dated)
        return bench.hold(RESTATEMENTS, restatements(versions, known))

    return run


def only(found):
    """Return the one row, as plain values."""
    assert len(found) == 1
    return found.iloc[0].to_dict()


@pytest.fixture
def first(make):
    return make.bars("A", CLOSES)


def test_a_first_load_and_new_bars_restate_nothing(judged, make, first):
    assert judged(first, make.bars("A", [50.0], start="2024-02-01")).empty


def test_a_history_divided_by_a_split_is_a_restatement(judged, make, first):
    after = make.bars("A", [close / 10 for close in CLOSES])
    row = only(judged(first, after, splits=[("2024-02-15", 10.0)]))
    assert row["kind"] == "restatement"
    assert (row["n_changed"], row["n_known"]) == (6, 6)
    assert row["ratio"] == pytest.approx(0.1, rel=1e-15)
    assert row["ratio_spread"] < 1e-15
    assert row["expected_ratio"] == 0.1
    assert row["as_of"] == pd.Timestamp(AFTER)
    assert row["load_id"] == "load2"
    assert [row["first_session_date"], row["last_session_date"]] == list(make.days(6)[[0, -1]])


def test_a_restatement_rounded_to_cents_is_still_one(judged, make, first):
    after = make.bars("A", [round(close / 7, 2) for close in CLOSES])
    row = only(judged(first, after, splits=[("2024-02-15", 7.0)]))
    assert row["kind"] == "restatement"
    assert 0 < row["ratio_spread"] < 1e-3


def test_a_consolidation_of_190_to_one_is_a_restatement(judged, make, first):
    after = make.bars("A", [close * 190 for close in CLOSES])
    row = only(judged(first, after, splits=[("2024-02-15", 1 / 190)]))
    assert row["kind"] == "restatement"
    assert row["expected_ratio"] == pytest.approx(190, rel=1e-15)


def test_two_splits_between_the_loads_are_one_restatement(judged, make, first):
    after = make.bars("A", [close / 20 for close in CLOSES])
    splits = [("2024-02-15", 10.0), ("2024-02-20", 2.0)]
    assert only(judged(first, after, splits=splits))["expected_ratio"] == 0.05


def test_a_split_applied_to_some_of_the_changed_bars_is_unexplained(judged, make, first):
    # yfinance#1531: only some rows are divided, while the volume of all of them changed.
    mixed = [close / 10 for close in CLOSES[:3]] + CLOSES[3:]
    found = judged(first, make.bars("A", mixed, volume=1.0), splits=[("2024-02-15", 10.0)])
    assert only(found)["kind"] == "unexplained"


def test_bars_on_either_side_of_the_ex_date_each_follow_their_own_expectation(judged, make):
    # The split of the fourth day: the first fetch came before it, the second holds later bars too.
    before = make.bars("A", CLOSES[:3], known_from="2024-01-03 22:00")
    since = make.bars("A", CLOSES, volume=1.0)[3:].assign(known_from="2024-01-08 22:00")
    mixed = [close / 10 for close in CLOSES[:3]] + CLOSES[3:]
    found = judged(pd.concat([before, since]), make.bars("A", mixed), splits=[("2024-01-04", 10.0)])
    row = only(found)
    assert (row["kind"], row["n_changed"], row["n_known"]) == ("restatement", 6, 6)
    assert row["expected_ratio"] == 0.1


def test_a_split_known_before_both_loads_explains_nothing(judged, make, first):
    after = make.bars("A", [close / 10 for close in CLOSES])
    row = only(judged(first, after, splits=[("2024-01-30", 10.0)]))
    assert row["kind"] == "unexplained"
    assert pd.isna(row["expected_ratio"])


def test_a_split_of_another_ratio_explains_nothing(judged, make, first):
    after = make.bars("A", [close / 10 for close in CLOSES])
    assert only(judged(first, after, splits=[("2024-02-15", 5.0)]))["kind"] == "unexplained"


def test_a_source_as_traded_is_not_restated_by_a_split(judged, make):
    before = make.bars("A", CLOSES, basis="as_traded")
    after = make.bars("A", [close / 10 for close in CLOSES], basis="as_traded")
    assert only(judged(before, after, splits=[("2024-02-15", 10.0)]))["kind"] == "unexplained"


@pytest.mark.parametrize("ratio", [100, 0.01, 1000, 0.001, 0.995])
def test_one_ratio_without_an_action_is_unexplained(judged, make, first, ratio):
    after = make.bars("A", [close * ratio for close in CLOSES])
    row = only(judged(first, after))
    assert row["kind"] == "unexplained"
    assert row["ratio"] == pytest.approx(ratio)


def test_the_bars_of_the_fetch_window_are_enough_to_tell(judged, make, first):
    after = make.bars("A", [None, None, None, *(close * 100 for close in CLOSES[3:])])
    row = only(judged(first, after))
    assert (row["kind"], row["n_changed"], row["n_known"]) == ("unexplained", 3, 3)


def test_one_ratio_that_skips_bars_is_a_correction(judged, make, first):
    after = make.bars("A", [10_000.0, None, 9_850.0])
    row = only(judged(first, after))
    assert (row["kind"], row["n_changed"], row["n_known"]) == ("correction", 2, 3)


def test_a_bar_that_became_known_later_is_not_counted_as_skipped(judged, make):
    gap = make.bars("A", [100.0, None, 98.5])
    after = make.bars("A", [10_000.0, None, 9_850.0])
    filled = make.bars("A", [None, 101.0, None])
    assert only(judged(gap, after, filled))["kind"] == "unexplained"


def test_ratios_that_differ_are_a_correction(judged, make, first):
    after = make.bars("A", [101.0, 104.5, 97.5, 101.0, 99.0, 104.0])
    row = only(judged(first, after))
    ratios = np.array([101.0, 104.5, 97.5, 101.0, 99.0, 104.0]) / CLOSES
    assert row["kind"] == "correction"
    assert row["ratio"] == pytest.approx(np.median(ratios))
    assert row["ratio_spread"] == pytest.approx((ratios.max() - ratios.min()) / np.median(ratios))


def test_one_ratio_within_the_tolerance_of_one_is_a_correction(judged, make, first):
    after = make.bars("A", [round(close * 1.0005, 4) for close in CLOSES])
    assert only(judged(first, after))["kind"] == "correction"


def test_one_changed_bar_is_a_revision_however_far_it_moved(judged, make, first):
    row = only(judged(first, make.bars("A", [None, 10_400.0])))
    assert (row["kind"], row["n_changed"], row["n_known"]) == ("revision", 1, 1)
    assert row["ratio"] == 100


def test_a_single_bar_divided_by_a_split_is_a_restatement(judged, make):
    found = judged(make.bars("A", [100.0]), make.bars("A", [10.0]), splits=[("2024-02-15", 10.0)])
    assert only(found)["kind"] == "restatement"


@pytest.mark.parametrize(("count", "kind"), [(1, "revision"), (3, "correction")])
def test_a_revised_volume_leaves_the_ratio_at_one(judged, make, count, kind):
    before = make.bars("A", CLOSES, volume=1000.0)
    row = only(judged(before, make.bars("A", CLOSES[:count], volume=730.0)))
    assert (row["kind"], row["ratio"], row["ratio_spread"]) == (kind, 1, 0)


def test_provisional_bars_that_settle_are_a_revision(judged, make):
    row = only(judged(make.bars("A", CLOSES, is_provisional=True), make.bars("A", CLOSES[::-1])))
    assert row["kind"] == "revision"


@pytest.mark.parametrize(
    ("splits", "kind"), [([("2024-02-15", 10.0)], "restatement"), ([], "unexplained")]
)
def test_a_bar_that_settles_in_the_same_load_does_not_hide_the_ratio(judged, make, splits, kind):
    state = [*[False] * 5, True]
    before = make.bars("A", CLOSES, is_provisional=state)
    after = make.bars("A", [*(close / 10 for close in CLOSES[:5]), 11.9], is_provisional=False)
    row = only(judged(before, after, splits=splits))
    assert (row["kind"], row["n_changed"]) == (kind, 6)
    assert row["ratio_spread"] < 1e-12


def test_each_load_listing_and_source_is_judged_by_itself(judged, make):
    two = pd.concat(
        [make.bars("A", CLOSES, source="yahoo"), make.bars("B", CLOSES, source="files")]
    )
    hundredfold = make.bars("A", [close * 100 for close in CLOSES], source="yahoo")
    revised = make.bars("B", [101.0], source="files")
    back = make.bars("A", CLOSES, source="yahoo")
    found = judged(two, pd.concat([hundredfold, revised]), back)
    said = found[["ticker", "source", "load_id", "kind"]].to_numpy().tolist()
    assert said == [
        ["A", "yahoo", "load2", "unexplained"],
        ["A", "yahoo", "load3", "unexplained"],
        ["B", "files", "load2", "revision"],
    ]
    assert found["ratio"].tolist()[:2] == pytest.approx([100, 0.01])


def test_two_sources_that_differ_do_not_replace_each_other(judged, make):
    other = make.bars("A", [close * 10 for close in CLOSES], source="yahoo")
    assert judged(make.bars("A", CLOSES, source="files"), other).empty


KEYS = ["listing_id", "source", "load_id"]


@seldom
@given(seed=st.integers(0, 10**6), days=st.sampled_from([1, 3, 40]))
def test_new_loads_are_told_beside_the_old_as_all_of_them_at_once(bench, seed, days):
    before, now, known = restated_market(seed)
    splits = bench.put(SPLITS, known)
    is_new = ~now.vintages["row_hash"].isin(before.vintages["row_hash"])
    # A load is of some days, and nothing lands with what was there before.
    load_id = now.vintages["known_from"].dt.floor(f"{days}D").astype(str) + is_new.astype(str)
    known_from = now.vintages["known_from"] + is_new.astype(int) * pd.Timedelta("9000h")
    is_provisional = np.random.default_rng(seed).random(len(is_new)) < 0.1
    rows = now.vintages.assign(
        load_id=load_id, known_from=known_from, is_provisional=is_provisional
    )
    held = restatements(bench.put(PRICE_VINTAGES, rows[~is_new], strict=False), splits)
    held = bench.put(RESTATEMENTS, fetched(held), strict=False)
    versions = bench.put(PRICE_VINTAGES, rows, strict=False)
    late = late_restatements(versions, splits, held, SimpleNamespace(start=START.date()))
    stands = held.filter(held.last_session_date < START.date())
    found, expected = (
        fetched(table).sort_values(KEYS, ignore_index=True)[list(RESTATEMENTS.column_names)]
        for table in (stacked(stands, late), restatements(versions, splits))
    )
    pd.testing.assert_frame_equal(found, expected)
    assert len(expected) > len(fetched(held)) or not is_new.any()
