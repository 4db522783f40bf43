"""Bars of the last days, judged beside those that were kept before, are those of all at once."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff import prices
from selloff.history import n_sessions
from tests.selloff.worlds import seldom
from warehouse.tables.actions import SPLITS
from warehouse.tables.instruments import INSTRUMENTS, SESSIONS
from warehouse.tables.prices import DAILY_PRICES, PRICE_VINTAGES
from warehouse.tables.quarantine import QUARANTINED_BARS

COUNT = 320
TICKERS = ["A", "B", "C", "D", "halted", "new"]


def market(make, random):
    """Return versions of bars, what is kept out, splits, calendars and listings."""
    frames = []
    for place, ticker in enumerate(TICKERS):
        closes = 100 * np.exp(np.cumsum(random.choice([0.01, -0.01], COUNT)))
        jumps = random.random(COUNT) < 0.03
        jumps[-20:] |= random.random(20) < 0.2
        closes[jumps] *= random.choice([1.5, 0.6], jumps.sum())
        volume = np.where(random.random(COUNT) < 0.1, 0.0, 1000 * (1 + 4 * jumps * (place % 2)))
        again = 1 + np.flatnonzero(random.random(COUNT - 1) < 0.1)
        closes[again] = closes[again - 1]
        bars = make.bars(
            ticker, closes, volume=volume, known_from="2024-02-01", row_hash="1", source="files"
        )
        later = bars.iloc[random.permutation(COUNT)[:9]].assign(
            close=lambda rows: rows["close"] * 1.1,
            known_from=pd.Timestamp("2025-06-01"),
            row_hash="2",
        )
        other = bars.iloc[random.permutation(COUNT)[:9]].assign(source="yahoo", row_hash="3")
        traded = np.ones(COUNT, bool)
        if ticker == "halted":
            traded[random.integers(20, 60) : COUNT - random.integers(1, 8)] = False
        if ticker == "new":
            traded[: COUNT - random.integers(1, 30)] = False
        kept = bars[traded]
        days = kept["session_date"]
        frames += [kept, *(more[more["session_date"].isin(days)] for more in (later, other))]
    days = pd.DatetimeIndex(make.days(COUNT))
    out = [
        {"ticker": ticker, "session_date": day}
        for ticker in TICKERS
        for day in {*random.choice(days, 3), *random.choice(days[-9:], 2)}
    ]
    ex_dates = random.choice(days[-9:], 2)
    splits = pd.DataFrame({"ticker": ["A", "halted"], "ex_date": ex_dates, "split_ratio": [2.0, 3]})
    calendar = make.sessions("XNYS", days.delete(random.integers(COUNT - 9, COUNT, 2)))
    listings = make.listings(*TICKERS, sector="Chips")
    return pd.concat(frames, ignore_index=True), pd.DataFrame(out), splits, calendar, listings


@pytest.fixture
def judged(bench, make):
    """Return the bars of a random market: all of it, and its last sessions on their own."""

    def run(seed, n_late):
        contracts = PRICE_VINTAGES, QUARANTINED_BARS, SPLITS, SESSIONS, INSTRUMENTS
        frames = market(make, np.random.default_rng(seed))
        versions, *others = (
            bench.put(contract, frame, strict=False)
            for contract, frame in zip(contracts, frames, strict=True)
        )
        whole = bench.hold(DAILY_PRICES, prices.daily_prices(versions, *others))
        start = make.days(COUNT)[-n_late].date()
        # What was kept of the days that are made anew is wrong, and may not be looked at.
        held = whole.assign(close=whole["close"].mask(whole["session_date"].dt.date >= start, 1.0))
        known = bench.put(DAILY_PRICES, held, strict=False)
        wanted = versions.filter(versions.session_date >= start)
        found = prices.late_daily_prices(wanted, *others, known, start)
        rows = (whole, bench.hold(DAILY_PRICES, found.to_pyarrow()))
        keys = ["listing_id", "session_date"]
        return [
            rows[rows["session_date"].dt.date >= start].sort_values(keys, ignore_index=True)
            for rows in rows
        ]

    return run


@seldom
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_a_late_day_is_judged_as_in_the_whole_history(judged, seed, n_late):
    pd.testing.assert_frame_equal(*judged(seed, n_late), rtol=1e-12)


def test_the_random_markets_hold_every_case(judged):
    told = pd.concat([judged(seed, 12)[0] for seed in range(8)])
    words = set(" ".join(told["quality_flags"]).split())
    assert {"jump", "stale", "off_calendar"} <= words
    assert {0, 1, 2} <= set(told["n_quarantined"])
    assert {1, 2} <= set(told["n_sources"])
    assert {"halted", "new"} <= set(told["ticker"])


def test_the_dates_asked_for_are_counted_once_for_all_listings(bench, make):
    bars = [make.bars(ticker, range(1, 11)) for ticker in "AB"]
    panel = bench.put(PRICE_VINTAGES, pd.concat(bars, ignore_index=True), strict=False)
    days = make.days(10)
    asked = SimpleNamespace(start=days[3].date(), end=days[6].date())
    assert n_sessions(panel, asked) == 4
