"""The sums of groups in the order of sessions are those that the expression defines."""

from __future__ import annotations

from itertools import pairwise
from threading import Event

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff import session_groups
from selloff._group_sums import worst
from selloff._session_lookups import Latest
from selloff._spans import ahead, spans
from selloff.groups import group_days, valued_members
from tests.selloff.spark.comparing import difference, frame_of
from tests.selloff.worlds import COUNT, moves_of, seldom, world
from warehouse.tables.instruments import INSTRUMENTS, SHARES_OUTSTANDING
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.returns import ABNORMAL_RETURNS, MARKET_RETURNS
from warehouse.tables.valuation import FX_RATES

CORE = (ABNORMAL_RETURNS, DAILY_PRICES, INSTRUMENTS, SHARES_OUTSTANDING, FX_RATES, MARKET_RETURNS)


def put(bench, frames):
    return [bench.put(*pair, strict=False) for pair in zip(CORE, frames, strict=True)]


def defined(bench, tables):
    """Return what the expression says, compiled once."""
    sums = bench.run("sums of groups", lambda: group_days(valued_members(*tables[:5]), tables[5]))
    return frame_of(sums)


@seldom
@given(
    seed=st.integers(0, 2**20),
    n_listings=st.integers(1, 14),
    rows=st.sampled_from([150, 10**6]),
    start=st.integers(1, COUNT - 1),
)
def test_any_market_in_any_parts_has_the_sums_that_the_expression_gives(
    bench, make, monkeypatch, seed, n_listings, rows, start
):
    tables = put(bench, world(make, seed, n_listings))
    monkeypatch.setattr(session_groups, "ROWS_AT_ONCE", rows)
    whole = defined(bench, tables)
    assert difference(frame_of(session_groups.group_sums(*tables)), whole) is None
    first = make.days(COUNT)[start]
    moves = tables[0].filter(tables[0].session_date >= first.date())
    late = whole[whole["session_date"] >= first].reset_index(drop=True)
    found = frame_of(session_groups.group_sums(moves, *tables[1:]))
    assert difference(found, late) is None or len(found) == len(late) == 0


def test_a_session_sums_alike_to_the_last_digit_with_whichever_others(bench, make, monkeypatch):
    tables = put(bench, world(make, 8, 14))
    keys = ["grouping", "region", "group_name", "session_date"]
    whole = session_groups.group_sums(*tables).sort_values(keys, ignore_index=True)
    monkeypatch.setattr(session_groups, "ROWS_AT_ONCE", 1)
    parts = session_groups.group_sums(*tables).sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(parts, whole, check_exact=True, check_dtype=False)
    assert whole["value"].notna().any()
    assert whole["worst_listing_id"].notna().any()
    assert whole["top_5_lost"].notna().any()


def test_a_firm_of_two_listings_loses_once_what_its_shares_lost(bench, make):
    names = ("A", "B", "C")
    bars = pd.concat([make.bars(name, [10.0, 8.0]) for name in names])
    random = np.random.default_rng(0)
    moves = moves_of(random, bars).assign(abnormal_return=-0.2, abnormal_z=[1, -3, 1, -4, 1, -1])
    listed = make.listings(*names, sector="Chips", issuer_id=["ab", "ab", None])
    listed["is_primary"] = [False, True, True]
    market = pd.DataFrame({"session_date": make.days(2), "market_sigma": 0.02, "region": "US"})
    frames = (moves, bars, listed, make.shares(A=5, B=7, C=1), make.rates("USD", []), market)
    sums = session_groups.group_sums(*put(bench, frames))
    last = sums[(sums["grouping"] == "sector") & (sums["n_members"] > 0)].iloc[0]
    # Seven and one shares at 10 that fell to 8; of A, the same firm's other line, nothing.
    assert last["value"] == pytest.approx(80)
    assert last["value_lost"] == pytest.approx(16)
    assert last["most_lost"] == pytest.approx(14)
    assert last["worst_listing_id"].endswith("B")
    assert last["falling_lost"] == pytest.approx(70 * (1 - np.exp(-0.2)))


def test_nothing_gives_nothing_under_the_same_names(bench, make):
    tables = put(bench, world(make, 8, 14))
    none = tables[0].filter(tables[0].ticker == "nobody")
    found, some = (session_groups.group_sums(each, *tables[1:]) for each in (none, tables[0]))
    assert len(found) == 0
    assert set(found.columns) == set(some.columns)


def test_of_two_that_lost_the_same_the_first_is_the_worst():
    groups, losses = np.array([0, 0, 0, -1]), np.array([3.0, 7.0, 7.0, 9.0])
    assert worst(groups, losses, 2).tolist() == [1, -1]


@given(st.data())
def test_the_latest_is_the_last_that_was_known(data):
    numbers = st.integers(-1, 3), st.integers(0, 30)
    rows = data.draw(st.lists(st.tuples(*numbers), unique=True, max_size=20))
    key, day = data.draw(st.tuples(st.integers(-1, 4), st.integers(-9, 40)))
    age = data.draw(st.none() | st.integers(0, 10))
    told = np.array(rows, dtype=np.int64).reshape(-1, 2)
    known = [
        (on, place)
        for place, (of, on) in enumerate(rows)
        if of == key >= 0 and on <= day and (age is None or day - on <= age)
    ]
    expected = max(known)[1] if known else -1
    assert Latest(*told.T).at(np.array([key]), np.array([day]), age).tolist() == [expected]


def test_runs_of_sessions_follow_one_another_and_leave_none_out(bench, make):
    moves, *_ = put(bench, world(make, 8, 14))
    runs = spans(moves, 100)
    assert len(runs) > 3
    for (_, last), (first, _) in pairwise(runs):
        between = moves.filter(moves.session_date > last, moves.session_date < first)
        assert between.count().to_pyarrow().as_py() == 0
    ends = moves.aggregate(first=moves.session_date.min(), last=moves.session_date.max())
    assert (runs[0][0], runs[-1][1]) == tuple(ends.to_pyarrow().to_pylist()[0].values())
    assert spans(moves.filter(moves.ticker == "nobody"), 100) == []


def test_reads_come_in_their_order_and_what_one_raises_is_raised():
    def refused():
        raise ValueError("no such session")

    reads = ahead([lambda: 1, lambda: 2, refused, lambda: 3])
    assert [next(reads), next(reads)] == [1, 2]
    with pytest.raises(ValueError, match="no such session"):
        next(reads)


def test_a_read_is_under_way_while_the_one_before_is_worked_on():
    begun = Event()
    reads = ahead([lambda: 1, begun.set])
    assert next(reads) == 1
    assert begun.wait(timeout=60)  # nobody has asked for it yet
    reads.close()
