"""What followed a fall, with answers by hand and by a plain loop."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff._ibis import fetched
from selloff.recovery import followed, with_outcomes

FIGURES = [
    "rebound_return",
    "trough_return",
    "peak_to_trough_market_value_lost_usd",
    "days_to_recover_half",
    "days_to_recover",
]


@pytest.fixture(scope="module")
def follow(bench):
    """Return the outcomes of falls of one listing, given its closes and the rows of the falls."""

    def run(closes, *falls, basis=None, **options):
        days = pd.date_range("2025-01-01", periods=len(closes))
        bars = pd.DataFrame(
            {
                "listing_id": "A",
                "session_date": days,
                "row": range(len(closes)),
                "basis": basis or [0] * len(closes),
                "close": np.asarray(closes, dtype=float),
            }
        )
        before = bars.shift()
        same = before["basis"] == bars["basis"]
        events = bars.assign(
            event_id=bars["row"].astype(str),
            previous_close=before["close"],
            simple_return=(bars["close"] / before["close"] - 1).where(same),
            shares_outstanding=10.0,
            usd_per_currency=2.0,
        ).iloc[list(falls)]
        bench.engine.con.register("bars", bars)
        bench.engine.con.register("falls", events)
        tables = bench.engine.table("falls"), bench.engine.table("bars")
        found = fetched(with_outcomes(followed(*tables, **options)).order_by("row"))
        return found if len(falls) > 1 else found.iloc[0]

    return run


@pytest.mark.parametrize(
    ("after", "rebound", "trough", "at", "half", "whole"),
    [
        # From 100 to 80: half is 90, all is 100.
        ([90, 100], 0.125, 80, 1, 1, 2),
        ([89.99, 90, 99.99], 89.99 / 80 - 1, 80, 1, 2, None),
        ([76, 60, 60, 95, 101, 20], -0.05, 60, 3, 4, 5),
        ([100], 0.25, 80, 1, 1, 1),
        ([79, 78], -0.0125, 78, 3, None, None),
        ([], None, 80, 1, None, None),
    ],
)
def test_the_way_back_is_counted_in_sessions_from_the_fall(
    follow, after, rebound, trough, at, half, whole
):
    found = follow([100, 80, *after], 1)
    expected = [rebound, trough / 100 - 1, 10 * 2 * (100 - trough), half, whole]
    for name, value in zip(FIGURES, expected, strict=True):
        assert pd.isna(found[name]) if value is None else found[name] == pytest.approx(value), name
    assert found["trough_date"] == pd.Timestamp("2025-01-01") + pd.Timedelta(days=at)


def test_a_listing_that_rose_has_neither_trough_nor_a_way_back(follow):
    found = follow([100, 101, 50, 60], 1)
    assert found[["days_to_recover_half", "days_to_recover"]].tolist() == [0, 0]
    names = ["trough_date", "trough_return", "peak_to_trough_market_value_lost_usd"]
    assert found[names].isna().all()
    assert found["rebound_return"] == pytest.approx(50 / 101 - 1)


def test_a_new_low_after_the_recovery_is_another_story(follow):
    assert follow([100, 80, 100, 30], 1)["trough_return"] == pytest.approx(-0.2)


def test_a_trough_lies_within_the_sessions_asked_for(follow):
    closes = [100, 90, *range(89, 59, -1)]
    # Row 21 is the twentieth after the fall: 89 - 19 = 70.
    assert follow(closes, 1)["trough_return"] == pytest.approx(-0.3)
    assert follow(closes, 1, trough_sessions=2)["trough_return"] == pytest.approx(-0.12)
    assert follow(closes, 1, trough_sessions=0)["trough_return"] == pytest.approx(-0.1)


def test_trough_sessions_cannot_be_negative(follow):
    with pytest.raises(ValueError, match="a trough cannot lie 1 sessions before"):
        follow([100, 80], 1, trough_sessions=-1)


def test_nothing_is_seen_beyond_an_unapplied_split(follow):
    # A consolidation after the fourth bar: its closes would look like a recovery.
    found = follow([100, 80, 85, 84, 900, 950], 1, basis=[0, 0, 0, 0, 1, 1])
    assert pd.isna(found["days_to_recover"])
    assert found["observed_through"] == pd.Timestamp("2025-01-04")
    assert found["trough_return"] == pytest.approx(-0.2)


def test_a_fall_that_is_a_split_has_no_outcome(follow):
    found = follow([100, 10, 11, 12], 1, basis=[0, 1, 1, 1])
    assert found[[*FIGURES[:0], *FIGURES[1:]]].isna().all()


def by_loop(closes, at):
    """Return the same figures the plain way."""
    before, close, rest = closes[at - 1], closes[at], closes[at:]
    half = next((n for n, c in enumerate(rest) if c * 2 >= before + close), None)
    whole = next((n for n, c in enumerate(rest) if c >= before), None)
    low = min(rest[: min(21, len(rest) if whole is None else max(whole, 1))])
    rebound = rest[1] / close - 1 if len(rest) > 1 else None
    trough = None if whole == 0 else low / before - 1
    return [rebound, trough, None if trough is None else 20 * (before - low), half, whole]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 12), min_size=3, max_size=40))
def test_every_fall_of_a_series_is_followed_as_a_plain_loop_does(follow, closes):
    found = follow(closes, *range(1, len(closes)))
    for row, at in zip(found.to_dict("records"), range(1, len(closes)), strict=True):
        for name, expected in zip(FIGURES, by_loop(closes, at), strict=True):
            if expected is None:
                assert pd.isna(row[name]), (name, at)
            else:
                assert row[name] == pytest.approx(expected, rel=1e-12, abs=1e-12), (name, at)


def test_bars_and_falls_may_come_in_any_order():
    days = pd.date_range("2025-01-01", periods=5)
    bars = pd.DataFrame(
        {
            "listing_id": "A",
            "session_date": days,
            "row": range(5),
            "basis": 0,
            "close": [100.0, 80.0, 70.0, 90.0, 100.0],
        }
    )
    fall = bars.iloc[[1]].assign(
        event_id="e",
        previous_close=100.0,
        simple_return=-0.2,
        shares_outstanding=1.0,
        usd_per_currency=1.0,
    )
    one = followed(ibis.memtable(fall), ibis.memtable(bars)).to_pyarrow()
    other = followed(ibis.memtable(fall), ibis.memtable(bars.iloc[::-1])).to_pyarrow()
    assert one.equals(other)
    assert one["trough_date"].to_pylist() == [days[2].to_pydatetime()]
