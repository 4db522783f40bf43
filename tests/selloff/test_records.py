"""The rank of a loss: by counting, as known on its day, each firm once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.ranks import larger_among, larger_before, rank_so_far
from selloff.records import market_value_losses
from warehouse.tables.instruments import INSTRUMENTS, SHARES_OUTSTANDING
from warehouse.tables.losses import MARKET_VALUE_LOSSES
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.returns import ABNORMAL_RETURNS
from warehouse.tables.valuation import FX_RATES

VALUES = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 6)), min_size=0, max_size=60
)


def columns(rows):
    return [np.array([row[place] for row in rows], dtype=float) for place in range(3)]


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_ranks_are_what_counting_says(rows):
    values, groups, sessions = columns(rows)
    n = range(len(rows))

    def larger(i, seen):
        return sum(groups[j] == groups[i] and values[j] > values[i] and seen(j, i) for j in n)

    before = [larger(i, lambda j, i: j < i) for i in n]
    assert larger_before(values, groups).tolist() == before
    known = [larger(i, lambda j, i: sessions[j] <= sessions[i]) + 1 for i in n]
    assert rank_so_far(values, sessions, groups).tolist() == known


@settings(max_examples=50, deadline=None)
@given(VALUES, st.integers(0, 6), st.randoms())
def test_what_comes_later_changes_no_rank_of_a_day_and_neither_does_the_order(rows, cut, random):
    known = [row for row in rows if row[2] <= cut]

    def ranked(given_rows):
        values, groups, sessions = columns(given_rows)
        ranks = rank_so_far(values, sessions, groups)
        return sorted(zip(given_rows, ranks.tolist(), strict=True))

    part = ranked(known)
    assert part == [(row, rank) for row, rank in ranked(rows) if row[2] <= cut]
    random.shuffle(known)
    assert ranked(known) == part


@settings(max_examples=200, deadline=None)
@given(VALUES, VALUES, st.integers(1, 9), st.sampled_from([0, 8]))
def test_those_larger_in_a_past_are_what_counting_says(rows, past, size, few):
    (values, groups, _), (theirs, of, _) = columns(rows), columns(past)
    batches = [
        (theirs[at : at + size], of[at : at + size].astype(int)) for at in range(0, len(past), size)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("selloff.ranks.FEW_GROUPS", few)
        found = larger_among(batches, values, groups.astype(int))
    counted = [
        sum(group == other and value < their for their, other in zip(theirs, of, strict=True))
        for value, group in zip(values, groups, strict=True)
    ]
    assert found.tolist() == counted


def test_without_groups_all_values_are_one_history():
    assert rank_so_far([1.0, 3.0, 2.0], [1, 2, 3]).tolist() == [1, 1, 2]
    assert larger_before([]).tolist() == larger_among([], []).tolist() == []


@pytest.fixture
def lose(bench, make):
    """Return the losses of listings, given bars, instruments and counts."""

    def run(bars, instruments, shares, rates=None, without_return=()):
        bars = bars.sort_values(["ticker", "session_date"], ignore_index=True)
        before = bars.groupby("ticker")[["close", "session_date"]].shift()
        simple = bars["close"] / before["close"] - 1
        measured = bars[["ticker", "session_date"]].assign(
            previous_session_date=before["session_date"],
            simple_return=simple.mask(bars.index.isin(without_return)),
            abnormal_return=np.log1p(simple) / 2,
        )
        found = market_value_losses(
            bench.put(DAILY_PRICES, bars),
            bench.put(ABNORMAL_RETURNS, measured),
            bench.put(INSTRUMENTS, instruments),
            bench.put(SHARES_OUTSTANDING, shares),
            bench.put(FX_RATES, make.rates("USD", []) if rates is None else rates),
        )
        return bench.hold(MARKET_VALUE_LOSSES, found)

    return run


def ranks(found, name, *kinds):
    rows = found[found["ticker"] == name].sort_values("session_date")
    return [rows[f"rank_in_{kind}"].tolist() for kind in kinds]


def test_a_record_is_one_on_its_day_though_a_larger_loss_follows(lose, make):
    # A loses 100, 300 and 200; B loses 250 in the session of A's 200.
    bars = pd.concat([make.bars("A", [100, 90, 60, 40]), make.bars("B", [100, 100, 100, 75])])
    found = lose(bars, make.listings("A", "B"), make.shares(A=10, B=10))
    assert found["market_value_lost_usd"].tolist() == [100, 300, 200, 250]
    assert ranks(found, "A", "listing_so_far", "history_so_far") == [[1, 1, 2], [1, 1, 3]]
    assert ranks(found, "B", "listing_so_far", "history_so_far") == [[1], [2]]


def test_a_gain_and_a_loss_of_unknown_size_have_no_row(lose, make):
    bars = pd.concat([make.bars("A", [100, 110, 99]), make.bars("B", [100, 50, 40])])
    found = lose(bars, make.listings("A", "B"), make.shares(A=10))
    assert found[["ticker", "market_value_lost_usd"]].to_numpy().tolist() == [["A", 110]]
    assert found["market_value_usd"].tolist() == [1100]
    assert found["abnormal_market_value_lost_usd"][0] == pytest.approx(1100 * (1 - 0.9**0.5))


def test_only_equities_lose_market_value(lose, make):
    bars = pd.concat([make.bars("A", [100, 90]), make.bars("SPY", [100, 90])])
    listed = make.listings("A", "SPY", asset_class=["equity", "etf"])
    found = lose(bars, listed, make.shares(A=10, SPY=1e9))
    assert found["ticker"].tolist() == ["A"]


def test_a_firm_of_two_listings_is_ranked_once(lose, make):
    # The primary one gained: what the other lost is not the firm's.
    bars = pd.concat(
        [
            make.bars("GOOGL", [100, 90, 95]),
            make.bars("GOOG", [100, 80, 70]),
            make.bars("B", [100, 99, 50]),
        ]
    )
    listed = make.listings(
        "GOOGL", "GOOG", "B", issuer_id=["g", "g", None], is_primary=[True, False, True]
    )
    found = lose(bars, listed, make.shares(GOOGL=10, GOOG=10, B=10)).set_index("ticker")
    assert found.loc["GOOGL", "rank_in_history_so_far"] == 1
    assert found.loc["GOOG", "rank_in_listing_so_far"].tolist() == [1, 2]
    assert found.loc["GOOG", "rank_in_history_so_far"].isna().all()
    assert found.loc["B", "rank_in_history_so_far"].tolist() == [2, 1]
    once = found[found["is_counted"]]
    assert once["market_value_lost_usd"].sum() == 100 + 10 + 490


def test_regions_have_histories_of_their_own(lose, make):
    bars = pd.concat([make.bars("A", [100, 90]), make.bars("J", [100, 50], currency="JPY")])
    listed = make.listings("A", "J", region=["US", "JP"])
    rates = make.rates("JPY", [0.01, 0.02])
    found = lose(bars, listed, make.shares(A=10, J=10), rates).set_index("ticker")
    assert found["market_value_lost_usd"].to_dict() == {"A": 100, "J": pytest.approx(5)}
    assert found["rank_in_region_so_far"].tolist() == [1, 1]
    assert found["rank_in_history_so_far"].to_dict() == {"A": 1, "J": 2}


def test_a_step_without_a_return_is_no_loss(lose, make):
    bars = make.bars("A", [100, 99, 9.9, 9.8])
    found = lose(bars, make.listings("A"), make.shares(A=10), without_return=[2])
    assert found["market_value_lost_usd"].tolist() == pytest.approx([10, 1])


def test_a_split_between_count_and_fall_changes_no_loss(lose, make):
    plain = lose(make.bars("A", [100, 90]), make.listings("A"), make.shares(A=10))
    counted = make.shares(A=10).assign(split_ratio_after=10.0)
    split = lose(make.bars("A", [10, 9]), make.listings("A"), counted)
    names = ["market_value_usd", "market_value_lost_usd"]
    assert plain[names].to_numpy().tolist() == split[names].to_numpy().tolist() == [[1000, 100]]


def test_nothing_lost_is_an_empty_table(lose, make):
    assert lose(make.bars("A", [100, 110]), make.listings("A"), make.shares(A=10)).empty
