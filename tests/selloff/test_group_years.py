"""A year at a time the groups have the sums that they have all at once."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from selloff import group_years
from selloff._spans import spans
from selloff.groups import group_days, valued_members
from tests.selloff.spark.comparing import difference, frame_of
from warehouse.tables.instruments import INSTRUMENTS, SHARES_OUTSTANDING
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.returns import ABNORMAL_RETURNS, MARKET_RETURNS
from warehouse.tables.valuation import FX_RATES

NAMES = [f"L{place}" for place in range(8)]
COUNT = 60
CORE = (ABNORMAL_RETURNS, DAILY_PRICES, INSTRUMENTS, SHARES_OUTSTANDING, FX_RATES, MARKET_RETURNS)


@pytest.fixture(scope="module")
def tables(bench, make):
    """Return a small market with halts, two firms of several listings, and its returns."""
    random = np.random.default_rng(4)
    closes = {name: 50 * np.exp(np.cumsum(random.normal(0, 0.03, COUNT))) for name in NAMES}
    closes["L3"][5:50] = np.nan
    bars = pd.concat([make.bars(name, values) for name, values in closes.items()])
    by_listing = bars.groupby("ticker")
    moves = bars.assign(
        previous_session_date=by_listing["session_date"].shift(),
        simple_return=by_listing["close"].pct_change(),
        abnormal_z=random.normal(-1, 2, len(bars)),
        residual_sigma=0.03,
        beta=1.0,
    )
    moves["log_return"] = moves["abnormal_return"] = np.log1p(moves["simple_return"])
    moves["abnormal_volume_z"] = moves["abnormal_z"]
    listed = make.listings(
        *NAMES,
        sector=["A", "A", "B", "B", "B", None, "A", "B"],
        industry=["a", "a", "a", "b", None, None, "b", "b"],
        issuer_id=["one", "one", None, "two", "two", None, None, None],
        is_primary=[False, True, True, False, False, True, True, True],
    )
    market = pd.DataFrame({"session_date": make.days(COUNT), "market_sigma": 0.02})
    frames = (
        moves.drop(columns="close"),
        bars,
        listed,
        make.shares(**dict.fromkeys(NAMES[:6], 1e6)),
        make.rates("USD", []),
        market.assign(region="US", log_level=0.0),
    )
    return [bench.put(*pair) for pair in zip(CORE, frames, strict=True)]


@pytest.mark.parametrize("rows", [10**6, 100])
def test_sums_of_some_sessions_at_a_time_are_the_sums_of_all(tables, monkeypatch, rows):
    monkeypatch.setattr(group_years, "ROWS_AT_ONCE", rows)
    whole = group_days(valued_members(*tables[:5]), tables[5])
    found = group_years.group_sums(*tables)
    assert difference(frame_of(found), frame_of(whole)) is None
    assert found["value"].notna().any()
    assert found["worst_listing_id"].notna().any()


def test_runs_of_sessions_follow_one_another_and_leave_none_out(tables):
    runs = spans(tables[0], 100)
    days = pd.bdate_range("2024-01-01", periods=COUNT)
    assert (runs[0][0], runs[-1][1]) == (days[0].date(), days[-1].date())
    assert len(runs) == 5
    places = {day.date(): place for place, day in enumerate(days)}
    for (_, last), (first, _) in pairwise(runs):
        assert places[first] == places[last] + 1
    assert spans(tables[0].filter(tables[0].ticker == "nobody"), 100) == []
