"""What a walk over the sessions finds of every fall is what the expression defines."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff import _session_ranks, losses, session_falls
from selloff._session_ranks import Ranks
from tests.selloff.spark.comparing import difference, frame_of
from tests.selloff.worlds import COUNT, seldom, world
from warehouse.tables.instruments import INSTRUMENTS, SESSIONS, SHARES_OUTSTANDING
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.returns import ABNORMAL_RETURNS
from warehouse.tables.selloffs import SELLOFF_EVENTS
from warehouse.tables.valuation import FX_RATES

ORDER = (
    SELLOFF_EVENTS,
    DAILY_PRICES,
    ABNORMAL_RETURNS,
    INSTRUMENTS,
    SESSIONS,
    SHARES_OUTSTANDING,
    FX_RATES,
)


@pytest.fixture(autouse=True)
def _short_history(monkeypatch):
    # Severity is asked of sixty returns, as many as these markets have sessions.
    monkeypatch.setattr(losses, "MINIMUM_HISTORY", 10)


def events_of(random, make):
    """Return events of either region, of which two may fall into one session."""
    days, at = make.days(COUNT), random.integers(1, COUNT, 8)
    return pd.DataFrame(
        {
            "event_id": [f"e{number}" for number in range(8)],
            "region": random.choice(["US", "JP"], 8),
            "session_date": days[at],
            "started_at": days[at - 1] + pd.to_timedelta(random.choice([6, 21], 8), "h"),
            "status": random.choice(["detected", "detected", "declared", "withdrawn"], 8),
        }
    )


def fallen(make, seed, n_listings):
    """Return the frames of a market with events, unapplied splits and bars put aside."""
    random = np.random.default_rng(seed)
    moves, bars, listed, shares, rates, _ = world(make, seed, n_listings)
    n_bars = len(bars)
    flags = random.choice(["", "", "", "stale", "jump unapplied_split"], n_bars)
    bars = bars.assign(
        open=np.where(random.random(n_bars) < 0.1, np.nan, bars["close"] + 1),
        quality_flags=np.where(random.random(n_bars) < 0.95, "", flags),
        n_quarantined=random.integers(0, 2, n_bars),
        is_simulated=random.random(n_bars) < 0.02,
        as_of=pd.Timestamp("2025-03-01") + pd.to_timedelta(random.integers(0, 99, n_bars), "D"),
    )
    listed = listed.assign(exchange_mic=random.choice(["XNYS", "XTKS", None], n_listings))
    calendar = (
        make.sessions("XNYS", make.days(COUNT)),
        make.sessions("XTKS", make.days(COUNT), "06:00"),
    )
    events = events_of(random, make)
    return events, bars, moves, listed, pd.concat(calendar), shares, rates


def put(bench, frames):
    return [bench.put(*pair, strict=False) for pair in zip(ORDER, frames, strict=True)]


def defined(bench, tables):
    """Return what the expression says, compiled once."""
    return frame_of(bench.run("losses by expression", lambda: losses.selloff_metrics(*tables)))


@seldom
@given(
    seed=st.integers(0, 2**20),
    n_listings=st.integers(1, 14),
    rows=st.sampled_from([60, 10**6]),
)
def test_any_falls_in_any_parts_are_those_that_the_expression_gives(
    bench, make, monkeypatch, seed, n_listings, rows
):
    monkeypatch.setattr(session_falls, "ROWS_AT_ONCE", rows)
    monkeypatch.setattr(losses, "FALLS_AT_ONCE", rows)
    tables = put(bench, fallen(make, seed, n_listings))
    found, expected = frame_of(losses.by_sessions(*tables)), defined(bench, tables)
    assert difference(found, expected) is None or len(found) == len(expected) == 0


def test_the_markets_above_hold_what_could_go_wrong(bench, make):
    found = pd.concat(
        [defined(bench, put(bench, fallen(make, seed, 14))) for seed in range(6)]
    )  # what the property looks at
    assert (found["days_to_recover"] > 20).any()
    assert (found["days_to_recover"] == 0).any()
    assert (found["days_to_recover_half"] < found["days_to_recover"]).any()
    assert found["trough_date"].nunique() > 20
    assert found["abnormal_severity"].between(0, 1, inclusive="neither").any()
    for name in ("observed_through", "return_severity", "simple_return", "rebound_return"):
        assert 0 < found[name].isna().sum() < len(found), name


def test_no_falls_are_none(bench, make):
    frames = fallen(make, 3, 5)
    events = frames[0].assign(status="withdrawn")
    found = losses.by_sessions(*put(bench, (events, *frames[1:])))
    assert found.read_all().num_rows == 0


def test_two_bars_of_a_listing_in_a_session_are_refused(bench, make):
    frames = fallen(make, 3, 5)
    bars = pd.concat([frames[1], frames[1].iloc[[4]].assign(close=7.0)])
    with pytest.raises(ValueError, match="two bars"):
        losses.by_sessions(*put(bench, (frames[0], bars, *frames[2:])))


def test_a_trough_before_its_fall_is_refused(bench, make):
    _, bars, moves, *_ = put(bench, fallen(make, 3, 5))
    asked = bars.inner_join(moves.drop("ticker"), ("listing_id", "session_date")).limit(1)
    asked = asked.mutate(event_id=asked.listing_id)
    with pytest.raises(ValueError, match="2 sessions before"):
        session_falls.with_past_and_future(asked, bars, moves, trough_sessions=-2)


@given(st.data())
def test_ranks_count_as_a_loop_does(data):
    n_days, n_listings, n_events = (data.draw(st.integers(1, top)) for top in (9, 4, 3))
    random = np.random.default_rng(data.draw(st.integers(0, 999)))
    values = np.where(
        random.random((n_days, n_listings)) < 0.2,
        np.nan,
        random.integers(-3, 3, (n_days, n_listings)).astype(float),
    )
    event, listing = np.divmod(np.arange(n_events * n_listings), n_listings)
    day = random.integers(0, n_days, len(event))
    own = values[day, listing]
    ranks = Ranks.of(event, listing, day, own, (n_events, n_listings))
    for some in np.array_split(np.arange(n_days), data.draw(st.integers(1, 4))):
        at, of = (each.ravel() for each in np.meshgrid(some, np.arange(n_listings), indexing="ij"))
        ranks.add(of, at, values[at, of])
    past = [values[: until + 1, of] for until, of in zip(day, listing, strict=True)]
    assert ranks.n.tolist() == [int((~np.isnan(each)).sum()) for each in past]
    expected = [int((each >= than).sum()) for each, than in zip(past, own, strict=True)]
    assert ranks.n_no_lower.tolist() == expected


def test_a_byte_of_marks_does_not_run_over(monkeypatch):
    n_days = 3 * _session_ranks.SESSIONS_AT_ONCE + 1
    zero = np.array([0])
    ranks = Ranks.of(zero, zero, np.array([n_days]), np.array([-0.5]), (1, 1))
    monkeypatch.setattr(_session_ranks, "LISTINGS_AT_ONCE", 1)
    ranks.add(np.zeros(n_days, np.int64), np.arange(n_days), np.zeros(n_days))
    assert ranks.n_no_lower.tolist() == [n_days]
