"""The rules by themselves: one session, its measures by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from selloff.detection import Detection, detected

DAY = pd.Timestamp("2025-01-27")
CALM = {
    "region": "US",
    "session_date": DAY,
    "market": "SPY",
    "market_return": -0.001,
    "market_z": -0.1,
    "n_falling": 0,
    "breadth": 0.0,
    "market_value_usd": 1e13,
    "abnormal_share_lost": 0.0,
    "abnormal_share_lost_severity": 0.1,
    "worst_abnormal_z": None,
    "worst_share_of_loss": None,
    "worst_share_lost": 0.0,
    "worst_share_lost_severity": 0.1,
    "industry_share_of_loss": None,
    "is_simulated": False,
}
# A twentieth of the market fell, 1.5% of its value went, two fifths of that in one firm.
CONCENTRATED = {
    "n_falling": 245,
    "breadth": 0.04,
    "abnormal_share_lost": 0.015,
    "abnormal_share_lost_severity": 1.0,
    "worst_abnormal_z": -5.7,
    "worst_share_of_loss": 0.42,
    "worst_share_lost": 0.0063,
    "worst_share_lost_severity": 1.0,
    "industry_share_of_loss": 0.57,
}
SINGLE = {
    "n_falling": 12,
    "worst_abnormal_z": -8.0,
    "worst_share_of_loss": 0.9,
    "worst_share_lost": 0.003,
    "worst_share_lost_severity": 0.99,
}
GROUP = {
    "region": "US",
    "session_date": DAY,
    "grouping": "sector",
    "group_name": "Chips",
    "n_members": 70,
    "group_z": -4.0,
    "residual_z": -4.0,
    "severity": 1.0,
    "falling_value_lost_usd": 1e11,
    "largest_falling_value_lost_usd": 3e10,
}


def found(day=None, *groups, **thresholds):
    """Return the one session's verdict."""
    columns = list(GROUP)
    rows = pd.DataFrame([{**GROUP, **group} for group in groups], columns=columns)
    frame = pd.DataFrame([{**CALM, **(day or {})}])
    for name in ("worst_abnormal_z", "worst_share_of_loss", "industry_share_of_loss"):
        frame[name] = frame[name].astype(float)
    return detected(frame, rows, Detection(**thresholds)).iloc[0]


def scope(*arguments, **thresholds):
    value = found(*arguments, **thresholds)["scope"]
    return None if pd.isna(value) else value


def test_a_calm_session_is_none():
    verdict = found()
    assert verdict["scope"] is None
    assert verdict["detected_by"] is None


@pytest.mark.parametrize(("z", "expected"), [(-2.5, "market"), (-2.49, None)])
def test_a_market_beyond_its_threshold_fell(z, expected):
    assert scope({"market_z": z}) == expected


def test_a_market_that_is_another_regions_tells_nothing():
    assert scope({"market_z": -9.0, "market": "SPY, previous close"}) is None


def test_a_concentrated_fall_is_of_sector_scope_without_any_sector():
    verdict = found(CONCENTRATED)
    assert verdict["scope"] == "sector"
    assert verdict["detected_by"] == "share_lost single_name"
    assert verdict["threshold_multiple"] == pytest.approx(1.5)


@pytest.mark.parametrize(
    "other",
    [
        {"abnormal_share_lost": 0.0099},
        {"abnormal_share_lost_severity": 0.97},
        {"abnormal_share_lost_severity": None},
        {"n_falling": 4},
        {"market_return": 0.025},
    ],
)
def test_a_concentrated_fall_is_large_rare_of_several_and_in_a_falling_market(other):
    assert scope({**CONCENTRATED, "worst_abnormal_z": -3.0, **other}) is None


def test_a_fall_that_one_firm_carries_is_of_a_single_name():
    assert scope({**CONCENTRATED, "worst_share_of_loss": 0.75}) == "single_name"


def test_a_fall_that_one_industry_carries_is_the_industrys():
    assert scope({**CONCENTRATED, "industry_share_of_loss": 0.75}) == "industry"


def test_a_broad_fall_is_more_than_the_industry_that_carries_it():
    broad = {**CONCENTRATED, "breadth": 0.2, "industry_share_of_loss": 0.9}
    assert scope(broad) == "sector"


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({}, "single_name"),
        ({"worst_abnormal_z": -3.9}, None),
        ({"worst_share_lost": 0.0009}, None),
        ({"worst_share_lost_severity": 0.97}, None),
        ({"worst_share_lost_severity": None}, None),
    ],
)
def test_a_single_name_is_an_event_where_its_fall_is_abnormal_large_and_rare(other, expected):
    assert scope({**SINGLE, **other}) == expected


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({}, "sector"),
        ({"group_z": -3.4}, None),
        ({"residual_z": -3.4}, None),
        ({"n_members": 4}, None),
        ({"falling_value_lost_usd": 1.9e10, "largest_falling_value_lost_usd": 1e9}, None),
        ({"largest_falling_value_lost_usd": 7.5e10}, None),
        ({"falling_value_lost_usd": None, "largest_falling_value_lost_usd": None}, "sector"),
        ({"grouping": "industry"}, "industry"),
    ],
)
def test_a_group_fell_by_itself_and_beyond_the_market_as_a_group_and_by_much(other, expected):
    assert scope({}, other) == expected


def test_of_several_groups_the_sector_before_its_industry_and_the_worst_is_named():
    groups = (
        {"grouping": "industry", "group_name": "Foundries", "residual_z": -9.0},
        {"group_name": "Power", "residual_z": -3.6, "severity": 0.99},
        {"group_name": "Chips", "residual_z": -5.0},
    )
    verdict = found({}, *groups)
    assert (verdict["scope"], verdict["group_name"]) == ("sector", "Chips")
    assert (verdict["group_residual_z"], verdict["group_severity"]) == (-5.0, 1.0)


def test_the_market_is_wider_than_all_of_them():
    verdict = found({**CONCENTRATED, "market_z": -3.0}, {})
    assert verdict["scope"] == "market"
    assert verdict["detected_by"] == "market share_lost sector single_name"


def test_simulated_sessions_are_none():
    assert scope({**CONCENTRATED, "market_z": -9.0, "is_simulated": True}, {}) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"group_z": 3.0},
        {"single_z": 0.0},
        {"share_lost": 1.5},
        {"dominant_share": 75.0},
        {"lost_severity": 98.0},
        {"group_members": 0},
        {"gap": -1},
    ],
)
def test_thresholds_of_the_wrong_sign_in_percent_or_below_one_are_refused(wrong):
    with pytest.raises(ValueError, match="thresholds"):
        Detection(**wrong)
