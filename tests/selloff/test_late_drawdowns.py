"""Drawdown episodes that are carried on are those that all of history would give."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from selloff.drawdowns import drawdown_episodes, late_drawdown_episodes
from warehouse.tables.drawdowns import DRAWDOWN_EPISODES
from warehouse.tables.instruments import INSTRUMENTS, SHARES_OUTSTANDING
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.valuation import FX_RATES

COUNT, LISTINGS = 24, 9
GRAIN = list(DRAWDOWN_EPISODES.grain)
CUTS = [1, 9, 16, 23]
TABLES = (DAILY_PRICES, INSTRUMENTS, SHARES_OUTSTANDING, FX_RATES)
some = settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def bar_rows(random, days):
    """Return every bar that could be: few prices, so that highs and lows are often equal."""
    frame = pd.MultiIndex.from_product(
        [[f"L{number}" for number in range(LISTINGS)], days], names=["ticker", "session_date"]
    ).to_frame(index=False)
    n = len(frame)
    own = frame["ticker"].str[1:].astype(int)
    flags = ["", "", "", "", "", "", "stale", "unapplied_split"]
    return frame.assign(
        # Some drift up, some down, some stand still.
        close=random.integers(1, 6, n)
        + (own % 3 - 1) * frame.groupby("ticker").cumcount() // 4
        + 9,
        currency=np.where(own % 3 == 1, "EUR", np.where(own == 5, None, "USD")),
        quality_flags=random.choice(flags, n),
        n_quarantined=random.choice([0, 0, 0, 2], n),
        is_simulated=random.random(n) < 0.03,
        as_of=pd.Timestamp("2024-03-01") + pd.to_timedelta(random.integers(0, 99, n), "D"),
    )


def holes(random, bars):
    """Return the bars that there are: listings begin late, end early, are halted."""
    kept = random.random(len(bars)) < 0.93
    place = bars.groupby("ticker").cumcount()
    edges = np.sort(random.integers(0, COUNT + 6, (LISTINGS, 2)), axis=1)
    begin, end = (pd.Series(each).repeat(COUNT).to_numpy() for each in edges.T)
    kind = pd.Series(random.integers(0, 4, LISTINGS)).repeat(COUNT).to_numpy()
    kept &= np.select(
        [kind == 0, kind == 1, kind == 2],
        [place >= begin, place < end, (place < begin) | (place >= end)],
        default=True,
    )
    return bars[kept].reset_index(drop=True)


def restated(random, bars, day):
    """Return bars of which some, from a day on, say something else, and others come or go."""
    other = bar_rows(random, sorted(bars["session_date"].unique()))
    other = other[(other["session_date"] >= day) & (random.random(len(other)) < 0.4)]
    gone = (bars["session_date"] >= day) & (random.random(len(bars)) < 0.1)
    both = pd.concat([other, bars[~gone]]).drop_duplicates(["ticker", "session_date"])
    return both.sort_values(["ticker", "session_date"], ignore_index=True)


def surroundings(make, random, days):
    """Return listings of which some are of one firm, share counts and rates."""
    names = [f"L{number}" for number in range(LISTINGS)]
    listed = make.listings(
        *names,
        sector=random.choice(["A", "B"], LISTINGS),
        issuer_id=random.choice(np.array(["one", "two", None, None], object), LISTINGS),
        is_primary=random.random(LISTINGS) < 0.5,
        currency=random.choice(["USD", "EUR"], LISTINGS),
    )
    counts = pd.DataFrame(
        {
            "ticker": random.choice(names[1:], 14),
            "known_on": random.choice(days, 14),
            "shares_outstanding": random.integers(1, 4, 14) * 1e6 / 3,
            "split_ratio_after": random.choice([1.0, 1.1], 14),
        }
    ).drop_duplicates(["ticker", "known_on"])
    rates = make.rates(
        "EUR", np.where(random.random(COUNT) < 0.3, np.nan, random.random(COUNT) + 1)
    )
    as_of = pd.Timestamp("2024-03-01") + pd.to_timedelta(random.integers(0, 99, len(rates)), "D")
    return listed, counts, rates.assign(as_of=as_of)


@pytest.fixture(scope="module")
def episodes(bench):
    """Return all episodes of tables, or those that carrying on finds, as they are stored."""

    def run(tables, held=None, start=None):
        for contract, frame in zip(TABLES, tables, strict=True):
            bench.put(contract, frame)
        known = [bench.table(contract) for contract in TABLES]
        if start is None:
            return bench.run("all episodes", lambda: drawdown_episodes(*known))
        bench.put(DRAWDOWN_EPISODES, held)
        previous, days = bench.table(DRAWDOWN_EPISODES), SimpleNamespace(start=start.date())
        # Written anew each time: which listings have changed their basis stands in it.
        late = late_drawdown_episodes(*known, previous, days)
        return bench.sql(bench.engine.compile(late)).df()

    return run


def written(held, found, start):
    """Return what a table that is carried on holds after a late run (`Table.seen_through`)."""
    assert not found.duplicated(GRAIN).any()
    keys = pd.MultiIndex.from_frame(found[GRAIN])
    is_replaced = (
        (held["observed_through"] >= start)
        | (held["outcome"] == "open")
        | pd.MultiIndex.from_frame(held[GRAIN]).isin(keys)
    )
    return pd.concat([held[~is_replaced], found], ignore_index=True)


def assert_same(found, expected):
    in_order = [each.sort_values(GRAIN, ignore_index=True) for each in (found, expected)]
    pd.testing.assert_frame_equal(*in_order, check_exact=True, check_dtype=False)


@some
@example(seed=27949, cut=9)  # a rate that became known later than the bars of the next fall
@given(seed=st.integers(0, 2**32), cut=st.sampled_from(CUTS))
def test_new_sessions_are_carried_on_as_if_all_were_read_again(episodes, make, seed, cut):
    random, days = np.random.default_rng(seed), make.days(COUNT)
    bars = holes(random, bar_rows(random, days))
    around = surroundings(make, random, days)
    before = bars["session_date"] < days[cut]
    held = episodes((bars[before], *around))
    found = episodes((bars, *around), held, days[cut])
    assert_same(written(held, found, days[cut]), episodes((bars, *around)))


@some
@given(seed=st.integers(0, 2**32), cuts=st.lists(st.sampled_from(CUTS), min_size=1, max_size=3))
def test_what_is_restated_is_made_anew_from_its_first_day(episodes, make, seed, cuts):
    random, days = np.random.default_rng(seed), make.days(COUNT)
    bars = holes(random, bar_rows(random, days))
    listed, shares, rates = surroundings(make, random, days)
    held = episodes((bars, listed, shares, rates))
    for cut in cuts:
        start = days[cut]
        bars = restated(random, bars, start)
        _, later_shares, later_rates = surroundings(make, random, days)
        shares = pd.concat(
            [shares[shares["known_on"] < start], later_shares[later_shares["known_on"] >= start]]
        )
        rates = pd.concat(
            [rates[rates["rate_date"] < start], later_rates[later_rates["rate_date"] >= start]]
        )
        tables = bars, listed, shares, rates
        held = written(held, episodes(tables, held, start), start)
        assert_same(held, episodes(tables))


def test_a_fall_that_goes_on_is_not_read_again(episodes, make):
    # The bars of the fall are gone: what was held of it says enough.
    days = make.days(6)
    bars = make.bars("A", [9, 3, 4, 5, 2, 10])
    around = make.listings("A"), make.shares(A=1.0), make.rates("EUR", [])
    held = episodes((bars[:4], *around))
    found = episodes((bars[4:], *around), held, days[4])
    assert_same(found, episodes((bars, *around)))
