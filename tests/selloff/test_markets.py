from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff._ibis import fetched
from selloff.markets import market_levels, market_returns
from warehouse.tables.instruments import INSTRUMENTS, SESSIONS, SHARES_OUTSTANDING
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.returns import MARKET_RETURNS

COLUMNS = [
    "region",
    "session_date",
    "market",
    "log_level",
    "n_flagged",
    "n_quarantined",
    "is_simulated",
    "as_of",
]


@pytest.fixture
def levels(bench, make):
    """Return the market levels of these bars."""

    def run(bars, instruments, sessions, shares=None, markets=None):
        counts = make.shares() if shares is None else shares
        table = market_levels(
            bench.put(DAILY_PRICES, pd.concat(bars, ignore_index=True)),
            bench.put(INSTRUMENTS, pd.concat(instruments, ignore_index=True)),
            bench.put(SESSIONS, pd.concat(sessions, ignore_index=True)),
            bench.put(SHARES_OUTSTANDING, counts),
            {"US": "SPY"} if markets is None else markets,
        )
        assert sorted(table.columns) == sorted(COLUMNS)
        found = fetched(table).sort_values(["region", "session_date"], ignore_index=True)
        return {region: rows.reset_index(drop=True) for region, rows in found.groupby("region")}

    return run


def test_a_configured_market_is_its_ticker(levels, make):
    marks = {"quality_flags": ["", "stale"], "n_quarantined": [0, 2]}
    spy = make.bars("SPY", [400, 410], is_simulated=[True, False], **marks)
    found = levels(
        [spy],
        [make.listings("SPY", asset_class="etf", exchange_mic="ARCX")],
        [make.sessions("ARCX", make.days(2))],
    )["US"]
    assert found["log_level"].tolist() == pytest.approx(np.log([400, 410]), rel=1e-15)
    assert found["market"].tolist() == ["SPY", "SPY"]
    assert found["n_flagged"].tolist() == [0, 1]
    assert found["n_quarantined"].tolist() == [0, 2]
    assert found["is_simulated"].tolist() == [True, False]


def test_without_a_ticker_known_shares_weigh_the_regions_equities(levels, make):
    found = levels(
        [make.bars("A", [10, 11, 11]), make.bars("B", [20, 20, 30]), make.bars("C", [1, 9, 9])],
        [make.listings("A", "B", "C", region="JP")],
        [make.sessions("XNYS", make.days(3))],
        make.shares(A=100, B=50),
    )["JP"]
    # C has no share count. Day 1: (1100 + 1000) / (1000 + 1000). Day 2: (1100 + 1500) / 2100.
    steps = [2100 / 2000, 2600 / 2100]
    assert found["log_level"].tolist() == pytest.approx(np.cumsum(np.log(steps)), rel=1e-14)
    assert set(found["market"]) == {"capitalisation-weighted"}


def test_a_share_count_weighs_from_the_session_after_it_was_known(levels, make):
    days = make.days(4)
    shares = make.shares(A=100, B=50).assign(known_on=[days[0], days[1]])
    found = levels(
        [make.bars("A", [10, 11, 12, 13]), make.bars("B", [20, 21, 22, 23])],
        [make.listings("A", "B", region="JP")],
        [make.sessions("XNYS", days)],
        shares,
    )["JP"]
    assert found["session_date"].tolist() == list(days[2:])


def test_the_newest_share_count_known_by_then_weighs(levels, make):
    days = make.days(3)
    shares = pd.concat([make.shares(A=100, B=100), make.shares(B=300)], ignore_index=True)
    shares["known_on"] = [days[0], days[0], days[1]]
    found = levels(
        [make.bars("A", [10, 10, 20]), make.bars("B", [10, 10, 10])],
        [make.listings("A", "B", region="JP")],
        [make.sessions("XNYS", days)],
        shares,
    )["JP"]
    assert found["log_level"].iloc[-1] == pytest.approx(np.log(5000 / 4000), rel=1e-14)


def test_doubtful_bars_of_every_member_count_and_of_no_other(levels, make):
    found = levels(
        [
            make.bars("A", [10, 11, 12], n_quarantined=[4, 1, 0], quality_flags=""),
            make.bars("B", [20, 21, 22], n_quarantined=[0, 2, 0], quality_flags="jump"),
            make.bars("C", [1, 9, 9], n_quarantined=8, quality_flags="stale"),
        ],
        [make.listings("A", "B", "C", region="JP")],
        [make.sessions("XNYS", make.days(3))],
        make.shares(A=100, B=50),
    )["JP"]
    assert found["n_quarantined"].tolist() == [3, 0]
    assert found["n_flagged"].tolist() == [1, 1]


def test_a_firm_weighs_once_however_many_of_its_listings_trade(levels, make):
    listed = make.listings(
        "A", "B", "B2", region="JP", issuer_id=[None, "b", "b"], is_primary=[True, True, False]
    )
    found = levels(
        [make.bars("A", [10, 11]), make.bars("B", [20, 30]), make.bars("B2", [21, 90])],
        [listed],
        [make.sessions("XNYS", make.days(2))],
        make.shares(A=100, B=50, B2=50),
    )["JP"]
    # (100 x 11 + 50 x 30) / (100 x 10 + 50 x 20); B2 is B once more.
    assert found["log_level"].tolist() == pytest.approx([np.log(2600 / 2000)], rel=1e-14)


def test_two_listings_of_one_firm_are_no_market(levels, make):
    found = levels(
        [make.bars("B", [20, 30]), make.bars("B2", [21, 90])],
        [make.listings("B", "B2", region="JP", issuer_id="b", is_primary=[True, False])],
        [make.sessions("XNYS", make.days(2))],
        make.shares(B=50, B2=50),
    )
    assert found == {}


def test_one_equity_is_no_market(levels, make):
    found = levels(
        [make.bars("A", [10, 11])],
        [make.listings("A", region="JP")],
        [make.sessions("XNYS", make.days(2))],
        make.shares(A=100),
    )
    assert found == {}


@pytest.fixture
def tokyo(levels, make):
    """SPY and a Tokyo listing: Tokyo closes at 06:00 UTC, New York at 21:00."""

    def run(new_york_days, tokyo_days, tokyo_close="06:00"):
        spy = pd.DataFrame({"ticker": "SPY", "session_date": new_york_days})
        spy["close"] = 400.0 + np.arange(len(spy))
        local = pd.DataFrame({"ticker": "T", "session_date": tokyo_days, "close": 9.0})
        return levels(
            [spy, local],
            [
                make.listings("SPY", asset_class="etf", exchange_mic="ARCX"),
                make.listings("T", region="JP", exchange_mic="XTKS"),
            ],
            [
                make.sessions("ARCX", new_york_days),
                make.sessions("XTKS", make.days(20), tokyo_close),
            ],
        )

    return run


def test_a_region_without_a_market_sees_what_it_could_know_at_its_close(tokyo, make):
    days = make.days(4)
    found = tokyo(days, days)["JP"]
    assert found["session_date"].tolist() == list(days[1:])
    assert found["log_level"].tolist() == pytest.approx(np.log([400, 401, 402]), rel=1e-15)
    assert set(found["market"]) == {"SPY, previous close"}


def test_the_same_instant_is_not_before(tokyo, make):
    days = make.days(3)
    found = tokyo(days, days, tokyo_close="21:00")["JP"]
    assert found["log_level"].tolist() == pytest.approx(np.log([400, 401]), rel=1e-15)


def test_a_session_without_a_new_close_has_no_level(tokyo, make):
    days = make.days(6)
    found = tokyo(days.delete(2), days)["JP"]
    # New York rests on day 2: on day 3 Tokyo still knows day 1 only.
    assert found["session_date"].tolist() == [days[1], days[2], days[4], days[5]]
    assert found["log_level"].tolist() == pytest.approx(np.log([400, 401, 402, 403]), rel=1e-15)


def test_a_calendar_day_on_which_the_region_did_not_trade_has_no_level(tokyo, make):
    days = make.days(4)
    found = tokyo(days, days.delete(2))["JP"]
    assert found["session_date"].tolist() == [days[1], days[3]]


def test_without_the_default_market_nothing_can_be_borrowed(levels, make):
    found = levels(
        [make.bars("T", [9, 9])],
        [make.listings("T", region="JP", exchange_mic="XTKS")],
        [make.sessions("XTKS", make.days(2))],
    )
    assert found == {}


def frame(log_levels, market="SPY", **columns):
    count = len(log_levels)
    return pd.DataFrame(
        {
            "region": "US",
            "session_date": pd.bdate_range("2024-01-01", periods=count),
            "market": market,
            "log_level": np.asarray(log_levels, dtype=float),
            "n_flagged": 0,
            "n_quarantined": 0,
            "is_simulated": False,
            "as_of": pd.Timestamp("2025-01-01"),
            **columns,
        }
    )


def test_a_fall_is_measured_against_the_volatility_of_the_day_before(bench):
    found = bench.hold(MARKET_RETURNS, market_returns(frame([0, 0.01, 0.0, -0.05]), burn_in=1))
    second = (0.94 * 0.01**2 + 0.06 * 0.01**2) ** 0.5
    assert found["market_return"].iloc[1:].tolist() == pytest.approx(
        np.exp([0.01, -0.01, -0.05]) - 1, rel=1e-12
    )
    assert found["market_sigma"].iloc[2:].tolist() == pytest.approx([0.01, second], rel=1e-12)
    assert found["market_z"].iloc[2:].tolist() == pytest.approx([-1, -0.05 / second], rel=1e-12)
    assert found[["market_return", "market_z"]].iloc[0].isna().all()
    assert found[["market_sigma", "market_z"]].iloc[1].isna().all()


def test_the_first_thirty_returns_have_no_z():
    random = np.random.default_rng(1)
    found = market_returns(frame(np.cumsum(random.normal(0, 0.01, 40))))
    assert found["market_z"].isna().tolist() == [True] * 31 + [False] * 9


def test_a_market_that_never_moved_has_no_z(bench):
    found = bench.hold(MARKET_RETURNS, market_returns(frame([5.0] * 6), burn_in=1))
    assert found[["market_sigma", "market_z"]].isna().all(axis=None)
    assert found["market_return"].iloc[1:].tolist() == [0.0] * 5


def test_a_change_of_market_breaks_the_return():
    mixed = frame([1.0, 1.1, 9.0, 9.1], market=["a", "a", "b", "b"])
    found = market_returns(mixed)["market_return"]
    assert found.isna().tolist() == [True, False, True, False]


def test_flags_count_for_both_sessions_of_a_return_and_simulation_for_ever():
    levels = frame(
        [1, 2, 3, 4],
        n_flagged=[0, 1, 0, 0],
        n_quarantined=[0, 0, 3, 1],
        is_simulated=[False, True, False, False],
    )
    found = market_returns(levels)
    assert found["n_flagged"].tolist() == [0, 1, 1, 0]
    assert found["n_quarantined"].tolist() == [0, 0, 3, 4]
    assert found["has_simulated_inputs"].tolist() == [False, True, True, True]
    assert found["is_simulated"].tolist() == [False, True, False, False]


def test_a_restated_level_marks_every_later_row():
    stamps = pd.to_datetime(["2025-01-01", "2025-03-01", "2025-01-02"])
    found = market_returns(frame([1, 2, 3], as_of=stamps))
    assert found["as_of"].tolist() == [stamps[0], stamps[1], stamps[1]]


def test_regions_do_not_mix_and_order_does_not_matter():
    other = frame([3, 3.5, 3.4]).assign(region="JP")
    both = pd.concat([frame([1, 1.1, 1.3]), other]).sample(frac=1, random_state=4)
    found = market_returns(both, burn_in=0)
    assert found["region"].tolist() == ["JP"] * 3 + ["US"] * 3
    alone = market_returns(other, burn_in=0)
    pd.testing.assert_frame_equal(found.iloc[:3], alone)


def test_no_levels_give_no_returns():
    found = market_returns(frame([]))
    assert list(found.columns) == list(MARKET_RETURNS.column_names)
    assert found.empty


@settings(max_examples=30)
@given(st.lists(st.floats(-0.1, 0.1), min_size=5, max_size=50), st.integers(2, 49))
def test_truncating_the_levels_changes_no_earlier_row(steps, cut):
    whole = market_returns(frame(np.cumsum(steps)), burn_in=3)
    part = market_returns(frame(np.cumsum(steps)[:cut]), burn_in=3)
    pd.testing.assert_frame_equal(whole.iloc[: len(part)], part)


def test_a_configured_ticker_without_any_bar_gives_way_to_the_members(levels, make):
    found = levels(
        [make.bars("A", [10, 11]), make.bars("B", [20, 20])],
        [make.listings("A", "B"), make.listings("SPY", asset_class="etf")],
        [make.sessions("XNYS", make.days(2))],
        make.shares(A=100, B=50),
    )["US"]
    assert found["market"].tolist() == ["capitalisation-weighted"]
    assert found["log_level"].tolist() == pytest.approx([np.log(2100 / 2000)], rel=1e-14)


def test_a_configured_ticker_with_any_bar_stands_alone(levels, make):
    found = levels(
        [make.bars("A", [10, 11]), make.bars("B", [20, 20]), make.bars("SPY", [400])],
        [make.listings("A", "B"), make.listings("SPY", asset_class="etf")],
        [make.sessions("XNYS", make.days(2))],
        make.shares(A=100, B=50),
    )["US"]
    assert found["market"].tolist() == ["SPY"]


def test_a_region_whose_ticker_is_absent_and_whose_members_have_no_count_borrows(levels, make):
    days = make.days(3)
    found = levels(
        [make.bars("SPY", [400, 401, 402]), make.bars("T", [9, 9, 9])],
        [
            make.listings("SPY", asset_class="etf", exchange_mic="ARCX"),
            make.listings("T", region="JP", exchange_mic="XTKS"),
        ],
        [make.sessions("ARCX", days), make.sessions("XTKS", days, "06:00")],
        markets={"US": "SPY", "JP": "^N225"},
    )
    assert set(found["JP"]["market"]) == {"SPY, previous close"}


def test_a_member_is_left_out_of_the_step_to_another_basis(levels, make):
    found = levels(
        [
            make.bars("A", [100, 10, 11], quality_flags=["", "unapplied_split", ""]),
            make.bars("B", [20, 21, 21], quality_flags=""),
            make.bars("C", [20, 19, 19], quality_flags=""),
        ],
        [make.listings("A", "B", "C", region="JP")],
        [make.sessions("XNYS", make.days(3))],
        make.shares(A=100, B=50, C=50),
    )["JP"]
    steps = [(1050 + 950) / 2000, (1100 + 1050 + 950) / (1000 + 1050 + 950)]
    assert found["log_level"].tolist() == pytest.approx(np.cumsum(np.log(steps)), rel=1e-14)


def test_a_ticker_that_goes_on_upon_another_basis_has_no_return_to_it(levels, make):
    spy = make.bars("SPY", [400, 410, 41, 42], quality_flags=["", "", "jump unapplied_split", ""])
    found = levels(
        [spy],
        [make.listings("SPY", asset_class="etf", exchange_mic="ARCX")],
        [make.sessions("ARCX", make.days(4))],
    )["US"]
    assert found["market"].tolist() == ["SPY", "SPY", "SPY, basis 2", "SPY, basis 2"]
    returns = market_returns(found)["market_return"].tolist()
    assert returns == pytest.approx([np.nan, 0.025, np.nan, 1 / 41], nan_ok=True, rel=1e-12)
