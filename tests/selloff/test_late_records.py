"""Losses some sessions at a time, and day by day, are those of all at once."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff import records
from tests.selloff.worlds import COUNT, seldom, world
from warehouse.tables.instruments import INSTRUMENTS, SHARES_OUTSTANDING
from warehouse.tables.losses import MARKET_VALUE_LOSSES
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.returns import ABNORMAL_RETURNS
from warehouse.tables.valuation import FX_RATES

ORDER = DAILY_PRICES, ABNORMAL_RETURNS, INSTRUMENTS, SHARES_OUTSTANDING, FX_RATES
KEYS = ["listing_id", "session_date"]


@pytest.fixture
def losses(bench, make):
    """Return the losses of a random market, given its seed: all, or those of some days."""

    def run(seed, n_listings, previous=None, start=None):
        moves, bars, listed, shares, rates, _ = world(make, seed, n_listings)
        moves = moves[moves["simple_return"].isna() | moves["previous_session_date"].notna()]
        frames = bars, moves, listed, shares, rates
        tables = [
            bench.put(table, frame, strict=False)
            for table, frame in zip(ORDER, frames, strict=True)
        ]
        held = None if previous is None else bench.put(MARKET_VALUE_LOSSES, previous, strict=False)
        days = None if start is None else SimpleNamespace(start=start.date())
        found = records.market_value_losses(*tables, held, days).read_pandas()
        assert found[["session_date", "listing_id"]].apply(tuple, axis=1).is_monotonic_increasing
        return found.astype({"session_date": "datetime64[us]"})

    return run


def counted(rows, mask, same):
    """Return, by counting, how many losses up to each session were larger, and one."""
    usd, day = rows["market_value_lost_usd"].to_numpy(), rows["session_date"].to_numpy()
    group = rows[same].fillna("") if same else pd.Series("", rows.index)
    return [
        float("nan")
        if not mask[at]
        else 1 + (mask & (usd > usd[at]) & (day <= day[at]) & (group == group.iloc[at])).sum()
        for at in range(len(rows))
    ]


@seldom
@given(st.integers(0, 2**32), st.integers(1, 20), st.sampled_from([400, 10_000]))
def test_ranks_are_those_that_counting_gives_whatever_is_read_at_once(losses, seed, n, rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "ROWS_AT_ONCE", rows)
        found = losses(seed, n)
    every, is_counted = pd.Series(data=True, index=found.index), found["is_counted"]
    for name, mask, same in (
        ("listing", every, "listing_id"),
        ("region", is_counted, "region"),
        ("history", is_counted, None),
    ):
        expected = pd.Series(counted(found, mask, same), index=found.index, dtype=float)
        ranks = found[f"rank_in_{name}_so_far"].astype(float)
        pd.testing.assert_series_equal(ranks, expected, check_names=False)


@seldom
@given(st.integers(0, 2**32), st.integers(1, 20), st.integers(1, COUNT - 1))
def test_the_losses_of_late_days_are_those_of_all_at_once(losses, make, seed, n, cut):
    whole = losses(seed, n)
    start = make.days(COUNT)[cut]
    # What was said of the days themselves is not what they are held against.
    # Larger than any: were they counted, no rank would be what it is.
    stale = whole.assign(market_value_lost_usd=1e15)
    held = whole.where(whole["session_date"] < start, stale)
    late = losses(seed, n, held.astype(whole.dtypes), start)
    expected = whole[whole["session_date"] >= start].reset_index(drop=True)
    pd.testing.assert_frame_equal(late, expected, check_dtype=False)
