"""Falls that come day by day are those of all at once."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from selloff import late_falls, losses
from tests.selloff.spark.comparing import difference, frame_of
from tests.selloff.test_session_falls import fallen, put
from tests.selloff.worlds import COUNT, seldom
from warehouse.tables.selloffs import SELLOFF_METRICS

KEYS = ["event_id", "listing_id"]


@pytest.fixture(autouse=True)
def _short_history(monkeypatch):
    monkeypatch.setattr(losses, "MINIMUM_HISTORY", 10)


def until(frames, day):
    """Return the events, bars and returns of a market before a day; the rest is reference."""
    return [frame[frame["session_date"] < day] for frame in frames[:3]] + list(frames[3:])


def carried_on(held, late, start):
    """Return a table with the rows that a late run returns in the place of those it replaces."""
    seen = pd.to_datetime(held["observed_through"])
    told = held[KEYS].apply(tuple, axis=1).isin(set(late[KEYS].apply(tuple, axis=1)))
    stands = held[~(seen.isna() | (seen >= start) | told)]
    return pd.concat([stands, late], ignore_index=True)


@seldom
@example(seed=478, n_listings=4, cuts=[54])  # an unapplied split in the session after a fall
@given(
    seed=st.integers(0, 2**20),
    n_listings=st.integers(1, 14),
    cuts=st.lists(st.integers(1, COUNT - 1), min_size=1, max_size=3, unique=True).map(sorted),
)
def test_falls_carried_on_from_day_to_day_are_those_of_all_at_once(
    bench, make, seed, n_listings, cuts
):
    frames, days = fallen(make, seed, n_listings), make.days(COUNT)
    held = frame_of(losses.by_sessions(*put(bench, until(frames, days[cuts[0]]))))
    for cut, end in zip(cuts, [*cuts[1:], COUNT], strict=True):
        known = frames if end == COUNT else until(frames, days[end])
        tables = put(bench, known)
        previous = bench.put(SELLOFF_METRICS, held, strict=False)
        assert late_falls.is_new(previous, days[cut].date())
        asked = SimpleNamespace(start=days[cut].date())
        late = frame_of(losses.late_by_sessions(tuple(tables), previous, asked))
        held = carried_on(held, late, days[cut])
        whole = frame_of(losses.by_sessions(*tables))
        assert difference(held, whole) is None or len(held) == len(whole) == 0


def test_where_a_session_was_restated_all_falls_are_looked_at_again(bench, make, monkeypatch):
    frames, days = fallen(make, 7, 14), make.days(COUNT)
    tables = put(bench, frames)
    whole = frame_of(losses.by_sessions(*tables))
    previous = bench.put(SELLOFF_METRICS, whole.assign(trough_return=-0.5), strict=False)
    monkeypatch.setattr(losses, "carried_on", None)
    asked = SimpleNamespace(start=days[-1].date())
    late = frame_of(losses.late_by_sessions(tuple(tables), previous, asked))
    assert difference(late, whole) is None


def test_what_is_carried_on_reads_no_bar_that_no_fall_can_ask_for(bench, make):
    """Of an old fall that is regained the days of its listing are asked for, never a price."""
    frames, days = fallen(make, 11, 14), make.days(COUNT)
    cut = days[50]
    held = frame_of(losses.by_sessions(*put(bench, until(frames, cut))))
    bars = frames[1].sort_values(["ticker", "session_date"])
    age = bars[bars["session_date"] < cut].groupby("ticker").cumcount(ascending=False)
    old = age.index[age > late_falls.TROUGH_SESSIONS]
    tables = put(
        bench,
        (frames[0], bars.assign(close=bars["close"].mask(bars.index.isin(old), 1.0)), *frames[2:]),
    )
    previous = bench.put(SELLOFF_METRICS, held, strict=False)
    found = frame_of(late_falls.carried_on(previous, tables[1], cut.date()))
    whole = frame_of(losses.by_sessions(*put(bench, frames)))
    expected = whole.merge(found[KEYS], on=KEYS)
    assert len(found) > 0
    assert difference(found[whole.columns], expected) is None
