"""Share counts and proposed splits of late days, carried on, against all of them anew."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff._ibis import fetched
from selloff.implied_shares import implied_shares, late_implied_shares
from selloff.proposed_splits import SplitEvidence, late_proposed_splits, proposed_splits
from tests.selloff.restated_market import START, Known, restated_market
from tests.selloff.worlds import seldom
from warehouse.tables.actions import PROPOSED_SPLITS, SPLITS
from warehouse.tables.prices import PRICE_VINTAGES
from warehouse.tables.quarantine import QUARANTINED_BARS
from warehouse.tables.valuation import IMPLIED_SHARES

LATE = SimpleNamespace(start=START.date(), end=date.max)
# In a market of months, more is on the edge if the count answers within a week.
NEAR = SplitEvidence(days=7, calm=3.0)


class Market:
    """What is computed of a restated market, before and now."""

    def __init__(self, bench):
        self.bench = bench

    def put(self, known, splits):
        """Store what is known."""
        self.bench.put(PRICE_VINTAGES, known.vintages, strict=False)
        self.bench.put(QUARANTINED_BARS, known.out, strict=False)
        self.bench.put(SPLITS, splits)

    def run(self, contract, function, *inputs, **options):
        """Return what a function says of what is stored, in order."""
        known = (PRICE_VINTAGES, QUARANTINED_BARS, SPLITS, *inputs)
        tables = [self.bench.table(each) for each in known]
        name = (function.__name__, *(f"{key}={value}" for key, value in options.items()))
        rows = self.bench.run(name, lambda: function(*tables, **options))
        assert not rows.duplicated(list(contract.grain)).any()
        rows = rows.sort_values(list(contract.grain), ignore_index=True)
        return rows[list(contract.column_names)]

    def late_proposals(self, inputs, evidence):
        """Return the proposals as carried on: that looks at what is stored before it is asked."""
        known = (PRICE_VINTAGES, QUARANTINED_BARS, SPLITS, *inputs)
        tables = [self.bench.table(each) for each in known]
        rows = fetched(late_proposed_splits(*tables, LATE, evidence))
        rows = rows.sort_values(["listing_id", "ex_date"], ignore_index=True)
        return rows[list(PROPOSED_SPLITS.column_names)]

    def hold(self, contract, rows):
        """Store rows as the content of a table."""
        self.bench.put(contract, rows, strict=False)


@pytest.fixture
def market(bench):
    return Market(bench)


def written(contract, held, returned):
    """Return what a table that is carried on holds after rows were returned."""
    keys = list(contract.grain)
    told = pd.MultiIndex.from_frame(returned[keys])
    stands = ~pd.MultiIndex.from_frame(held[keys]).isin(told)
    stands &= held[contract.seen_through] < START
    stands &= contract.open_where != "true"
    rows = pd.concat([held[stands], returned], ignore_index=True)
    return rows.sort_values(keys, ignore_index=True)


def same(found, expected):
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_exact=True)


def run_both(market, before, now, splits, evidence=None):
    """Return runs and proposals: those held, those carried on from them, those computed anew."""
    market.put(before, splits)
    runs = market.run(IMPLIED_SHARES, implied_shares)
    market.hold(IMPLIED_SHARES, runs)
    held = market.run(PROPOSED_SPLITS, proposed_splits, IMPLIED_SHARES, evidence=evidence)
    market.hold(PROPOSED_SPLITS, held)
    market.put(now, splits)
    late = market.run(IMPLIED_SHARES, late_implied_shares, IMPLIED_SHARES, days=LATE)
    anew = market.run(IMPLIED_SHARES, implied_shares)
    market.hold(IMPLIED_SHARES, anew)
    inputs = IMPLIED_SHARES, PROPOSED_SPLITS
    proposed = market.late_proposals(inputs, evidence)
    full = market.run(PROPOSED_SPLITS, proposed_splits, IMPLIED_SHARES, evidence=evidence)
    return {"runs": (runs, late, anew), "proposals": (held, proposed, full)}


@seldom
@given(seed=st.integers(0, 10**6), evidence=st.sampled_from([None, NEAR]))
def test_carried_on_is_as_computed_anew(market, seed, evidence):
    found = run_both(market, *restated_market(seed), evidence)
    held, late, anew = found["runs"]
    same(written(IMPLIED_SHARES, held, late), anew)
    held, late, anew = found["proposals"]
    same(written(PROPOSED_SPLITS, held, late), anew)


NO_SPLITS = pd.DataFrame(columns=["ticker", "ex_date", "split_ratio"])
DAYS = pd.bdate_range("2023-10-02", START)


def listing(moves, steps):
    """Return bars up to the late day: what the price is divided, the count multiplied by."""
    closes = 100 * np.exp(np.cumsum([0.01 * (-1) ** n for n in range(len(DAYS))]))
    counts = np.full(len(DAYS), 1e6)
    for day, ratio in moves:
        closes[pd.Timestamp(day) <= DAYS] /= ratio
    for day, ratio in steps:
        counts[pd.Timestamp(day) <= DAYS] *= ratio
    bars = {"session_date": DAYS, "close": closes, "volume": 1e6 / closes}
    return pd.DataFrame({"ticker": "A", **bars, "market_value": closes * counts})


def carried(market, bars):
    """Return held runs and proposals of the days before the late one, and those carried on."""
    out = pd.DataFrame(columns=["ticker", "session_date"])
    known = [Known(rows, out) for rows in (bars[bars["session_date"] < START], bars)]
    found = run_both(market, *known, NO_SPLITS)
    held, late, _ = found["proposals"]
    days = [[f"{day:%Y-%m-%d}" for day in rows["ex_date"]] for rows in (held, late)]
    return days, found["runs"][1]


def test_a_new_move_takes_the_count_from_one_six_weeks_before(market):
    moves = ("2024-05-20", 2 * np.exp(0.08)), ("2024-07-01", 2)
    days, _ = carried(market, listing(moves, [("2024-06-10", 2)]))
    assert days == [["2024-05-20"], ["2024-07-01"]]


@pytest.mark.parametrize(("back", "after"), [(0.5, []), (1, ["2024-01-08"])])
def test_a_listing_halted_since_its_count_went_tells_of_an_old_split(market, back, after):
    bars = listing([("2024-01-08", 2)], [("2024-01-08", 2), ("2024-07-01", back)])
    halted = bars["session_date"].between("2024-01-10", "2024-06-30")
    days, runs = carried(market, bars[~halted])
    assert days == [["2024-01-08"], after]
    # Two sessions before the halt; the third carries the run on, or begins one.
    assert runs["n_sessions"].tolist() == ([3] if back == 1 else [2, 1])


def test_a_count_that_creeps_is_held_against_the_session_before(market):
    bars = listing([], [])
    bars["market_value"] *= np.exp(np.arange(len(bars)) * 9e-5)
    _, runs = carried(market, bars)
    assert runs["n_sessions"].tolist() == [len(bars)]
    assert runs["first_session_date"].tolist() == [DAYS[0]]
    assert runs["last_session_date"].tolist() == [START]
    bars.loc[bars["session_date"] == START, "market_value"] *= 1.0002
    _, runs = carried(market, bars)
    assert runs["n_sessions"].tolist() == [len(bars) - 1, 1]
