"""A late slice has what its windows look back on, and no more."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff._ibis import fetched
from selloff.history import around, begun, days_behind, from_day, rows_at, since, until

START = pd.Timestamp("2025-01-27")


def panel(**days):
    rows = [(name, pd.Timestamp(day)) for name, known in days.items() for day in known]
    return ibis.memtable(pd.DataFrame(rows, columns=["listing_id", "session_date"]))


def kept(found):
    rows = fetched(found).sort_values(["listing_id", "session_date"])
    return list(zip(rows["listing_id"], rows["session_date"].dt.date.astype(str), strict=True))


def test_rows_are_counted_not_days():
    halted = panel(A=["2020-01-02", "2023-01-03", "2024-01-02", "2025-01-27"])
    assert kept(from_day(halted, START.date(), 2)) == [
        ("A", "2023-01-03"),
        ("A", "2024-01-02"),
        ("A", "2025-01-27"),
    ]


def test_a_listing_that_no_longer_trades_is_not_looked_back_on():
    both = panel(A=["2025-01-24", "2025-01-27"], GONE=["2025-01-23", "2025-01-24"])
    assert {name for name, _ in kept(from_day(both, START.date(), 5))} == {"A"}


def test_versions_of_a_bar_stay_together():
    twice = panel(A=["2025-01-23", "2025-01-24", "2025-01-24", "2025-01-27"])
    assert [day for _, day in kept(from_day(twice, START.date(), 1))] == [
        "2025-01-24",
        "2025-01-24",
        "2025-01-27",
    ]


def test_from_before_the_first_session_everything_is_there():
    everything = panel(A=["2025-01-23", "2025-01-24"], B=["2025-01-24"])
    assert len(kept(from_day(everything, date.min, 260))) == 3


@settings(deadline=None, max_examples=15)
@given(
    ages=st.lists(st.integers(-5, 900), min_size=1, max_size=40, unique=True),
    rows=st.integers(1, 30),
)
def test_the_last_rows_before_are_those_that_counting_backwards_finds(ages, rows):
    days = sorted(START - timedelta(days=age) for age in ages)
    found = kept(from_day(panel(A=days), START.date(), rows))
    later = [day for day in days if day >= START]
    before = [day for day in days if day < START][-rows:] if later else []
    assert found == [("A", str(day.date())) for day in (*before, *later)]


@settings(deadline=None, max_examples=15)
@given(
    ages=st.lists(st.integers(1, 900), min_size=1, max_size=40, unique=True),
    rows=st.integers(1, 30),
)
def test_days_behind_hold_the_last_rows_of_every_listing_that_trades(ages, rows):
    """The days that most look back on, and of who has fewer there what lies further back."""
    own = sorted(START - timedelta(days=age) for age in ages)
    both = panel(A=own, DAILY=pd.bdate_range("2022-01-03", "2025-01-24"), GONE=["2019-05-02"])
    near, older = (kept(each) for each in days_behind(both, panel(A=[START]), START.date(), rows))
    assert [day for name, day in [*older, *near] if name == "A"][-rows:] == [
        str(day.date()) for day in own[-rows:]
    ]
    assert {name for name, _ in older} <= {"A"}
    assert len(older) <= rows
    assert max([day for _, day in older], default="") < min(day for _, day in near)
    assert len([day for name, day in near if name == "DAILY"]) >= rows


def test_the_bars_of_places_are_found_however_far_back_they_lie():
    both = panel(A=["2025-01-23", "2025-01-24", "2025-01-27"], HALTED=["2019-05-02", "2019-05-03"])
    places = panel(A=["2025-01-24"], HALTED=["2019-05-03"], B=["2025-01-24"])
    assert kept(rows_at(both, places, START.date())) == [
        ("A", "2025-01-24"),
        ("HALTED", "2019-05-03"),
    ]


def test_what_is_not_looked_at_counts_for_no_row():
    days = panel(A=["2025-01-22", "2025-01-23", "2025-01-24", "2025-01-27"], B=["2025-01-27"])
    out = panel(A=["2025-01-23"], B=["2025-01-27"])
    keys = ["listing_id", "session_date"]
    found = from_day(days, START.date(), 2, lambda t: t.anti_join(out, keys))
    assert [day for _, day in kept(found)] == ["2025-01-22", "2025-01-24", "2025-01-27"]


def test_without_days_nothing_is_cut():
    everything = panel(A=["2025-01-24"])
    assert since(everything, None, 3) is everything
    assert around(everything, None) is everything
    assert begun(everything, None) is everything
    assert until(everything, None) is None


def test_a_slice_of_no_rows_before_is_the_days_alone():
    days = SimpleNamespace(start=START.date())
    rows = panel(A=["2025-01-24", "2025-01-27"], GONE=["2025-01-24"])
    assert kept(since(rows, days, 0)) == [("A", "2025-01-27")]
    assert until(rows, days)["listing_id"].tolist() == ["A", "GONE"]


@pytest.mark.parametrize(("last", "is_kept"), [("2024-12-01", False), ("2024-12-20", True)])
def test_events_come_with_their_neighbours(last, is_kept):
    events = ibis.memtable(pd.DataFrame({"last_session_date": [pd.Timestamp(last)]}))
    assert len(fetched(begun(events, SimpleNamespace(start=START.date())))) == is_kept


YEARS = pd.bdate_range("2020-01-01", "2025-01-28")
# The earliest event, and what is kept of every listing: 45 days, and 595, before the start.
EARLIEST, KEPT = START - timedelta(days=45), START - timedelta(days=595)
LATE = SimpleNamespace(start=START.date())


def test_around_events_a_year_of_the_market_is_kept():
    found = kept(around(panel(A=YEARS), LATE))
    assert [pd.Timestamp(day) for _, day in found] == list(YEARS[YEARS >= KEPT])


@pytest.mark.parametrize("n_between", [0, 5, 260, 261, 300])
def test_around_events_each_listing_has_a_year_of_its_own_rows(n_between):
    late = YEARS[(YEARS >= KEPT) & (EARLIEST - timedelta(days=60) > YEARS)][::-1][:n_between][::-1]
    own = [*YEARS[YEARS < KEPT], *late, *YEARS[YEARS >= EARLIEST]]
    found = kept(around(panel(A=YEARS, HALTED=own), LATE))
    own_kept = [pd.Timestamp(day) for name, day in found if name == "HALTED"]
    before = [day for day in own_kept if day < EARLIEST - timedelta(days=60)]
    assert own_kept == own[-len(own_kept) :]
    assert len(before) == (n_between if n_between > 260 else n_between + 261)


def test_around_events_nothing_is_kept_of_a_listing_that_is_long_gone():
    found = kept(around(panel(A=YEARS, GONE=YEARS[YEARS < KEPT]), LATE))
    assert {name for name, _ in found} == {"A"}
