"""Share counts and proposed splits of late days, carried on, against all of them anew."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.implied_shares import implied_shares, late_implied_shares
from selloff.proposed_splits import SplitEvidence, late_proposed_splits, proposed_splits
from tests.selloff.restated_market import START, restated_market
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
    stands = (held[contract.seen_through] < START) & ~pd.MultiIndex.from_frame(held[keys]).isin(
        told
    )
    if contract.open_where == "true":
        stands &= False
    rows = pd.concat([held[stands], returned], ignore_index=True)
    return rows.sort_values(keys, ignore_index=True)


def same(found, expected):
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_exact=True)


def run_both(market, seed, evidence):
    """Return runs and proposals of now, carried on from before and computed anew."""
    before, now, splits = restated_market(seed)
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
    proposed = market.run(
        PROPOSED_SPLITS, late_proposed_splits, *inputs, days=LATE, evidence=evidence
    )
    full = market.run(PROPOSED_SPLITS, proposed_splits, IMPLIED_SHARES, evidence=evidence)
    return {
        "runs": (runs, late, anew),
        "proposals": (held, proposed, full),
    }


@seldom
@given(seed=st.integers(0, 10**6), evidence=st.sampled_from([None, NEAR]))
def test_carried_on_is_as_computed_anew(market, seed, evidence):
    found = run_both(market, seed, evidence)
    held, late, anew = found["runs"]
    same(written(IMPLIED_SHARES, held, late), anew)
    held, late, anew = found["proposals"]
    same(written(PROPOSED_SPLITS, held, late), anew)
