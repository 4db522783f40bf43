"""Sums of an event: by hand, complete, each firm once."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.totals import loss_totals
from warehouse.tables.instruments import INSTRUMENTS
from warehouse.tables.losses import LOSS_TOTALS
from warehouse.tables.selloffs import SELLOFF_EVENTS, SELLOFF_METRICS

DAY = pd.Timestamp("2025-01-27")


@pytest.fixture(scope="module")
def total(bench, make):
    """Return the totals of one US event, given its listings with what each lost."""

    def run(*listings, **columns):
        frame = pd.DataFrame(listings, columns=["ticker", "lost", "counted", "sector", "region"])
        frame["lost"] = frame["lost"].astype(float)
        rows = frame.assign(
            event_id="e",
            session_date=DAY,
            close=1.0,
            drawdown=0.0,
            market_value_usd=frame["lost"].abs().clip(lower=0.1) * 10,
            market_value_lost_usd=frame["lost"],
            abnormal_market_value_lost_usd=frame["lost"] / 2,
            peak_to_trough_market_value_lost_usd=frame["lost"].where(frame["lost"] > 0) * 2,
            is_counted=frame["counted"],
        )
        event = {
            "event_id": "e",
            "session_date": DAY,
            "last_session_date": DAY,
            "started_at": DAY,
            "n_falling": 0,
            "n_listings": 0,
            "severity": 1.0,
        }
        places = {name: frame[name].tolist() for name in ("sector", "region")}
        listed = make.listings(*frame["ticker"], **{**places, **columns})
        found = loss_totals(
            bench.put(SELLOFF_EVENTS, pd.DataFrame([event])),
            bench.put(SELLOFF_METRICS, rows),
            bench.put(INSTRUMENTS, listed),
        )
        return bench.hold(LOSS_TOTALS, found).set_index(["grouping", "group_name"])

    return run


def test_sums_are_those_by_hand(total):
    found = total(
        ("A", 60.0, True, "Chips", "US"),
        ("B", 40.0, True, "Chips", "US"),
        ("C", -30.0, True, "Food", "US"),
        ("D", None, True, "Food", "US"),
        ("J", 20.0, True, None, "JP"),
    )
    names = ["market_value_lost_usd", "gross_market_value_lost_usd", "n_firms", "n_unknown"]
    assert found[names].to_dict("index") == {
        key: dict(zip(names, row, strict=True))
        for key, row in {
            ("all", "all"): (90, 120, 4, 1),
            ("market", "US"): (70, 100, 3, 1),
            ("region", "JP"): (20, 20, 1, 0),
            ("region", "US"): (70, 100, 3, 1),
            ("sector", "Chips"): (100, 100, 2, 0),
            ("sector", "Food"): (-30, 0, 1, 1),
            ("sector", "unknown"): (20, 20, 1, 0),
        }.items()
    }
    whole = found.loc["all", "all"]
    assert whole["market_value_usd"] == 1500
    assert whole["abnormal_market_value_lost_usd"] == 45
    assert whole["gross_market_value_gained_usd"] == 30
    assert whole["peak_to_trough_market_value_lost_usd"] == 240
    assert (whole["largest_listing_id"], whole["largest_share_of_loss"]) == ("X:A", 0.5)
    assert pd.isna(found.loc[("sector", "Food"), "largest_listing_id"])


def test_a_firm_counts_once_in_all_and_once_in_its_market(total):
    # ASML is counted in Amsterdam; among the members of the US market its line there counts.
    found = total(
        ("ASML.AS", 50.0, True, "Chips", "EU"),
        ("ASML", 45.0, False, "Chips", "US"),
        ("GOOGL", 30.0, True, "Media", "US"),
        ("GOOG", 31.0, False, "Media", "US"),
        issuer_id=["asml", "asml", "g", "g"],
        is_primary=[True, False, True, False],
    )["market_value_lost_usd"]
    assert found["all", "all"] == 80
    assert (found["region", "EU"], found["region", "US"]) == (50, 30)
    assert (found["sector", "Chips"], found["sector", "Media"]) == (50, 30)
    assert found["market", "US"] == 75


def test_funds_are_no_firms(total):
    found = total(
        ("A", 5.0, True, "Chips", "US"),
        ("SPY", 90.0, True, None, "US"),
        asset_class=["equity", "etf"],
    )
    assert found["market_value_lost_usd"].tolist() == [5, 5, 5, 5]


LISTINGS = st.lists(
    st.tuples(
        st.sampled_from([None, -7.0, 0.0, 1.0, 2.5, 40.0]),
        st.booleans(),
        st.sampled_from([None, "Chips", "Food"]),
        st.sampled_from([None, "US", "JP"]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=10, deadline=None)
@given(LISTINGS, st.randoms())
def test_every_grouping_adds_up_to_all_whatever_the_order(total, listings, random):
    named = [(f"L{n:02d}", *listing) for n, listing in enumerate(listings)]
    found = total(*named)
    counted = [lost for _, lost, is_counted, _, _ in named if is_counted]
    known = [lost for lost in counted if lost is not None]
    for grouping in ("all", "region", "sector"):
        rows = found[found.index.get_level_values(0) == grouping]
        assert rows["market_value_lost_usd"].sum() == pytest.approx(sum(known))
        assert rows["n_firms"].sum() == len(known)
        assert rows["n_unknown"].sum() == len(counted) - len(known)
    random.shuffle(named)
    pd.testing.assert_frame_equal(total(*named), found)
