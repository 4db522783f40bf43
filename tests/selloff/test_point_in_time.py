"""Nothing that a row says of its session may depend on what came after it."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from selloff.detection import Detection
from selloff.returns import MarketModel
from selloff.risk_measures import Windows

SETTINGS = {
    "model": MarketModel(first=40, last=3, minimum=20),
    "burn_in": 20,
    "windows": Windows(20, 40, minimum_returns=20, minimum_falls=10, burn_in=20),
    "detection": Detection(
        market_z=-2.0, breadth=0.15, min_falling=2, listing_z=-1.5, group_members=2, group_z=-2.0
    ),
}
# What an event says of its first session; scope, multiple and extent grow while it lasts.
AT_FIRST = [
    "event_id",
    "session_date",
    "started_at",
    "region",
    "origin_sector",
    "hardest_hit_sector",
    "worst_listing_id",
    "first_listing_id",
    "first_region",
    "first_fell_at",
    "market_return",
    "market_z",
    "market_severity",
    "sector_severity",
    "breadth",
    "breadth_by_value",
    "n_falling",
    "n_listings",
    "market_value_lost_usd",
    "abnormal_market_value_lost_usd",
    "abnormal_share_lost",
    "detected_by",
    "n_flagged",
    "n_quarantined",
]


# What a loss and a fall say of their own day; the rest has seen what followed.
OUTCOMES = [
    "rebound_return",
    "trough_date",
    "trough_return",
    "peak_to_trough_market_value_lost_usd",
    "days_to_recover_half",
    "days_to_recover",
    "observed_through",
]


def assert_losses_stand(part, whole, day):
    """Hold losses, ranks, falls and paths up to a day against those that saw more."""
    for name, seen_later in (
        ("market_value_losses", []),
        ("selloff_metrics", OUTCOMES),
        ("car_paths", []),
    ):
        expected, found = (until(tables[name], day) for tables in (whole, part))
        if name == "car_paths":  # the days before an event that is still to come
            known = set(part["selloff_events"]["event_id"])
            expected = expected[expected["event_id"].isin(known)].reset_index(drop=True)
        assert len(expected) > 0
        pd.testing.assert_frame_equal(
            found.drop(columns=seen_later), expected.drop(columns=seen_later), rtol=1e-9, atol=1e-9
        )


def assert_spread_stands(part, whole, day):
    """Hold who was hit, and the way up to a day, against those that saw more."""
    seen_later = [
        "correlation_after",
        "n_after",
        "first_falling_at",
        "first_falling_region",
        "first_falling_order",
        "observed_through",
        "as_of",
    ]
    for name, outcomes in (("sector_contagion", seen_later), ("contagion_paths", ["n_falls"])):
        expected, found = (until(tables[name], day) for tables in (whole, part))
        assert len(expected) > 0
        pd.testing.assert_frame_equal(
            found.drop(columns=outcomes), expected.drop(columns=outcomes), rtol=1e-9, atol=1e-9
        )


def until(frame, day):
    return frame[frame["session_date"] <= day].reset_index(drop=True)


@pytest.mark.parametrize("markets", [{"US": "SPY"}, {}])
@pytest.mark.parametrize(("seed", "cut"), [(1, 75), (2, 90), (3, 104)])
def test_truncating_the_input_changes_no_earlier_row(chain, panel, seed, cut, markets):
    world = panel(seed, crash=cut)
    whole = chain(world, markets=markets, **SETTINGS)
    day = sorted(set(world.vintages["session_date"]))[cut]
    known = replace(world, vintages=until(world.vintages, day))
    part = chain(known, markets=markets, **SETTINGS)
    measured = ("daily_prices", "market_returns", "abnormal_returns", "risk_measures")
    for name in (*measured, "group_returns", "market_days"):
        expected = until(whole[name], day)
        assert len(expected) > 0
        pd.testing.assert_frame_equal(part[name], expected, rtol=1e-9, atol=1e-14)
    before = until(whole["selloff_events"], day)
    assert len(before) > 0
    pd.testing.assert_frame_equal(
        part["selloff_events"][AT_FIRST], before[AT_FIRST], rtol=1e-9, atol=1e-14
    )
    assert_losses_stand(part, whole, day)
    assert_spread_stands(part, whole, day)
    # An episode is over when more sessions than the gap have passed without another fall.
    closed = before["last_session_date"] < sorted(set(world.vintages["session_date"]))[cut - 1]
    grown = ["scope", "threshold_multiple", "last_session_date", "worst_session_date", "n_sessions"]
    pd.testing.assert_frame_equal(
        part["selloff_events"].loc[closed, grown], before.loc[closed, grown], rtol=1e-9
    )


def test_a_later_restatement_changes_only_rows_that_rest_on_it(chain, panel):
    world = panel(5)
    day = sorted(set(world.vintages["session_date"]))[60]
    here = (world.vintages["session_date"] == day) & (world.vintages["ticker"] == "U0")
    restated = world.vintages[here].assign(
        close=lambda t: t["close"] * 1.5, known_from="2025-04-01", row_hash="1"
    )
    vintages = world.vintages.assign(known_from="2025-03-01", row_hash="0")
    changed = replace(world, vintages=pd.concat([vintages, restated], ignore_index=True))
    first, second = (chain(w, **SETTINGS)["abnormal_returns"] for w in (world, changed))
    touched = first.compare(second)[("log_return", "other")].dropna().index
    assert set(second.loc[touched, "ticker"]) == {"U0"}
    assert second.loc[touched, "session_date"].min() == day
    is_new = second["as_of"] == pd.Timestamp("2025-04-01")
    assert set(second.loc[is_new, "ticker"]) == {"U0"}
    assert is_new.sum() == 2 + (41 - 3 + 1)
