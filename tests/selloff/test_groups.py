"""Groups of members: their returns, breadth and losses by hand, and their own past."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.groups import group_days, group_returns, valued_members
from selloff.market_days import market_days
from selloff.severity import expanding_percentile
from selloff.volatility import ewma_volatility
from warehouse.tables.detection import GROUP_RETURNS
from warehouse.tables.instruments import INSTRUMENTS, SHARES_OUTSTANDING
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.returns import ABNORMAL_RETURNS, MARKET_RETURNS
from warehouse.tables.valuation import FX_RATES

DAY, BEFORE = pd.Timestamp("2025-01-27"), pd.Timestamp("2025-01-24")


@pytest.fixture
def measured(bench, make):
    """Return a function that measures one session: ticker to sector, return, z, shares at 100."""

    def measure(rows, order=1, **columns):
        frame = pd.DataFrame(rows, columns=["ticker", "sector", "simple_return", "z", "shares"])
        listed = make.listings(*frame["ticker"], sector=frame["sector"].tolist(), **columns)
        bench.put(INSTRUMENTS, listed[::order])
        shares = frame.dropna(subset="shares").set_index("ticker")["shares"]
        bench.put(SHARES_OUTSTANDING, make.shares(**shares))
        bars = pd.DataFrame({"ticker": frame["ticker"], "session_date": BEFORE, "close": 100.0})
        bench.put(DAILY_PRICES, bars[::order])
        bench.put(FX_RATES, make.rates("USD", []))
        returns = frame.assign(
            session_date=DAY,
            previous_session_date=BEFORE,
            log_return=np.log1p(frame["simple_return"]),
            abnormal_return=np.log1p(frame["simple_return"]),
            abnormal_z=frame["z"],
            abnormal_volume_z=frame["z"].abs(),
            beta=1.0,
            residual_sigma=0.03,
        )
        returns = returns.drop(columns=["sector", "simple_return", "z", "shares"]).assign(
            simple_return=frame["simple_return"]
        )
        bench.put(ABNORMAL_RETURNS, returns[::order])
        market = {"region": "US", "session_date": DAY, "log_level": 0.0, "market_sigma": 0.04}
        bench.put(MARKET_RETURNS, pd.DataFrame([market]))
        core = (ABNORMAL_RETURNS, DAILY_PRICES, INSTRUMENTS, SHARES_OUTSTANDING, FX_RATES)
        panel = valued_members(*(bench.table(each) for each in core))
        sums = bench.sql(bench.engine.compile(group_days(panel, bench.table(MARKET_RETURNS)))).df()
        found = bench.hold(GROUP_RETURNS, group_returns(sums))
        return found.set_index(["grouping", "group_name"])

    return measure


MARKET = [
    ("BIG", "Chips", -0.20, -6.0, 6e6),
    ("MID", "Chips", -0.10, -3.0, 2e6),
    ("LOW", "Food", -0.05, -1.0, 1e6),
    ("UP", "Food", 0.10, 2.0, 1e6),
    ("WHO", "Food", 0.00, None, None),
]


def test_the_market_is_all_its_members(measured):
    found = measured(MARKET).loc[("market", "US")]
    # Of 1,000 million USD 120 + 20 + 5 are lost, and 10 gained.
    assert found["market_value_usd"] == pytest.approx(1e9)
    assert found["market_value_lost_usd"] == pytest.approx(135e6)
    assert found["gross_value_lost_usd"] == pytest.approx(145e6)
    assert found["value_weighted_return"] == pytest.approx(-0.135)
    assert found["equal_weighted_return"] == pytest.approx(-0.05)
    assert found["group_return"] == found["value_weighted_return"]
    assert found[["n_members", "n_listings", "n_falling"]].tolist() == [5, 4, 2]
    assert found["breadth"] == 0.5
    assert found["breadth_by_value"] == pytest.approx(0.8)
    assert found["share_down"] == pytest.approx(0.6)
    assert found["share_down_by_value"] == pytest.approx(0.9)
    assert found["volume_z"] == pytest.approx(3.0)


def test_losses_are_concentrated_in_the_few_that_lost_most(measured):
    found = measured(MARKET).loc[("market", "US")]
    assert found["top_share_of_loss"] == pytest.approx(120 / 145)
    assert found["top_5_share_of_loss"] == pytest.approx(1.0)
    squares = 120**2 + 20**2 + 5**2
    assert found["loss_herfindahl"] == pytest.approx(squares / 145**2)
    # Of the falling only, beyond the market: these returns are abnormal through and through.
    assert found["falling_value_lost_usd"] == pytest.approx(140e6)
    assert found["largest_falling_value_lost_usd"] == pytest.approx(120e6)
    assert (found["worst_listing_id"], found["worst_abnormal_z"]) == ("X:BIG", -6.0)


def test_of_six_equal_losses_the_largest_five_are_five_sixths(measured):
    rows = [(f"E{n}", None, -0.1, -1.0, 1e6) for n in range(6)]
    found = measured(rows).loc[("market", "US")]
    assert found["top_5_share_of_loss"] == pytest.approx(5 / 6)
    assert found["loss_herfindahl"] == pytest.approx(1 / 6)
    # Nobody falls abnormally: nothing is lost so, which is not the same as not known.
    assert found["falling_value_lost_usd"] == 0
    assert pd.isna(found["worst_listing_id"])


def test_sectors_and_industries_are_measured_alike_and_the_unknown_are_in_none(measured):
    industries = ["Foundries", "Foundries", None, None, None]
    found = measured(MARKET, industry=industries)
    assert found.index.tolist() == [
        ("industry", "Foundries"),
        ("market", "US"),
        ("sector", "Chips"),
        ("sector", "Food"),
    ]
    chips, foundries = found.loc[("sector", "Chips")], found.loc[("industry", "Foundries")]
    assert chips["value_weighted_return"] == pytest.approx(-140 / 800)
    pd.testing.assert_series_equal(chips, foundries, check_names=False)


def test_without_share_counts_for_half_of_the_members_they_count_equally(measured):
    rows = [("A", "Chips", -0.1, -3.0, 1e6), *((f"U{n}", "Chips", 0.1, 1.0, None) for n in "12")]
    found = measured(rows).loc[("sector", "Chips")]
    assert not found["is_value_weighted"]
    assert found["group_return"] == found["equal_weighted_return"] == pytest.approx(0.1 / 3)


def test_without_any_share_count_nothing_is_said_of_value(measured):
    found = measured([("A", "Chips", -0.1, -3.0, None), ("B", "Chips", -0.1, -3.0, None)])
    by_value = ["market_value_usd", "falling_value_lost_usd", "breadth_by_value", "loss_herfindahl"]
    assert found[by_value].isna().all(axis=None)
    assert (found["breadth"] == 1).all()


def test_a_firm_of_two_listings_is_worth_what_it_is_once(measured):
    rows = [("A", "Chips", -0.1, -3.0, 1e6), ("B", "Chips", -0.1, -3.0, 1e6)]
    found = measured(rows, issuer_id="firm", is_primary=[False, True]).loc[("market", "US")]
    assert found["market_value_lost_usd"] == pytest.approx(1e7)
    assert found["n_falling"] == 2
    assert found["worst_listing_id"] == "X:B"


def test_the_order_of_the_listings_changes_nothing(measured):
    pd.testing.assert_frame_equal(measured(MARKET), measured(MARKET, order=-1), rtol=1e-12)


def test_the_product_of_all_pairs_is_found_without_looking_at_pairs(measured):
    found = measured(MARKET).loc[("market", "US")]
    # sqrt(0.03^2 + (1 x 0.04)^2) = 0.05
    scores = np.clip(np.log1p([row[2] for row in MARKET]) / 0.05, -5, 5)
    pairs = [a * b for a, b in itertools.combinations(scores, 2)]
    assert found["pair_product"] == pytest.approx(np.mean(pairs))
    assert found["mean_square"] == pytest.approx(np.mean(scores**2))


ABSENT = (
    "value_lost",
    "value_down",
    "gross_lost",
    "lost_squares",
    "most_lost",
    "value_judged",
    "value_falling",
    "value_modelled",
    "value_abnormal",
    "abnormal_lost",
    "falling_lost",
    "most_falling_lost",
    "top_5_lost",
    "worst_abnormal_z",
    "volume_z",
    "pair_product",
    "mean_square",
)


def history(returns, **columns):
    """Return the sums of a group that did this, session by session."""
    count = len(returns)
    usual = {
        "region": "US",
        "grouping": "market",
        "group_name": "US",
        "n_members": 10,
        "n_listings": 10,
        "n_falling": 0,
        "n_down": 5,
        "n_valued": 0,
        "value": np.nan,
        "n_flagged": 0,
        "n_quarantined": 0,
        "has_simulated_inputs": False,
        "is_simulated": False,
        "as_of": pd.Timestamp("2025-03-01"),
        "worst_listing_id": None,
    }
    absent = dict.fromkeys(ABSENT, np.nan)
    frame = pd.DataFrame({"session_date": pd.bdate_range("2024-01-01", periods=count)})
    stated = {"equal_weighted_return": returns, "equal_weighted_abnormal_return": returns}
    return frame.assign(**{**usual, **absent, **stated, **columns})


RETURNS = np.random.default_rng(7).normal(0, 0.01, 300)


def test_a_group_is_held_against_yesterdays_volatility_and_its_own_history():
    found = group_returns(history(RETURNS))
    logs = np.log1p(RETURNS)
    sigma = ewma_volatility(logs)[:-1]
    np.testing.assert_allclose(found["group_sigma"][1:], sigma, rtol=1e-14)
    np.testing.assert_allclose(found["group_z"][30:], (logs[1:] / sigma)[29:], rtol=1e-14)
    assert found["group_z"][:30].isna().all()
    np.testing.assert_allclose(found["severity"], expanding_percentile(-logs), equal_nan=True)


def test_no_group_sees_what_another_did():
    other = history(RETURNS[::-1] * 3, grouping="sector", group_name="Chips")
    both = group_returns(pd.concat([other, history(RETURNS)], ignore_index=True))
    alone = group_returns(history(RETURNS))
    kept = both[both["grouping"] == "market"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, alone)


def test_no_groups_are_no_rows():
    found = group_returns(history(RETURNS).iloc[:0])
    assert list(found.columns) == list(GROUP_RETURNS.column_names)
    assert found.empty


def days_of(sums):
    """Return the market days of a market that did this."""
    groups = group_returns(sums)
    market = groups[["region", "session_date", "as_of"]].assign(
        market="SPY",
        log_level=0.0,
        market_return=groups["group_return"],
        market_z=groups["group_z"],
        n_flagged=0,
        n_quarantined=0,
        has_simulated_inputs=False,
        is_simulated=False,
    )
    return market_days(market, groups)


def test_the_correlation_of_a_window_is_what_its_sessions_have_in_common():
    random = np.random.default_rng(3)
    common = np.where(np.arange(300) < 270, 0.1, 0.9)
    factor, own = random.normal(size=(300, 1)), random.normal(size=(300, 400))
    scores = np.sqrt(common)[:, None] * factor + np.sqrt(1 - common)[:, None] * own
    total, squares = scores.sum(axis=1), (scores**2).sum(axis=1)
    sums = history(
        RETURNS, pair_product=(total**2 - squares) / (400 * 399), mean_square=squares / 400
    )
    found = days_of(sums)
    pairs = np.array([np.mean(np.outer(row, row)[np.triu_indices(400, 1)]) for row in scores[280:]])
    expected = pairs.sum() / (squares[280:] / 400).sum()
    last = found.iloc[-1]
    assert last["correlation"] == pytest.approx(expected)
    assert last["correlation"] > 0.6
    assert last["correlation_before"] < 0.2
    assert last["correlation_jump"] == pytest.approx(
        last["correlation"] - last["correlation_before"]
    )
    assert found["correlation"][:9].isna().all()
    assert found["correlation_before"][:139].isna().all()


@settings(deadline=None, max_examples=10)
@given(cut=st.integers(61, 299))
def test_truncating_the_future_changes_no_measure_and_no_verdict(cut):
    returns = RETURNS.copy()
    returns[200] = -0.06
    sums = history(returns, pair_product=np.abs(RETURNS), mean_square=0.02, volume_z=0.1)
    texts = ["scope", "detected_by", "grouping", "group_name", "group_severity"]
    whole, part = (
        found.assign(**found[texts].astype(object).fillna("none"))
        for found in (days_of(sums), days_of(sums.iloc[:cut]))
    )
    assert whole["scope"].iloc[200] == "market"
    pd.testing.assert_frame_equal(part, whole.iloc[:cut], rtol=1e-9, check_dtype=False)


@settings(deadline=None, max_examples=10)
@given(cut=st.integers(1, 299))
def test_a_late_slice_on_what_was_said_before_is_the_end_of_the_whole(cut):
    flagged = np.arange(300) == 100
    sums = pd.concat(
        [
            history(RETURNS, has_simulated_inputs=flagged),
            history(RETURNS[::-1] * 3, grouping="sector", group_name="Chips").iloc[:250],
        ]
    )
    whole = group_returns(sums)
    first = pd.bdate_range("2024-01-01", periods=300)[cut]
    past = whole[whole["session_date"] < first]
    late = group_returns(sums[sums["session_date"] >= first], past=past)
    expected = whole[whole["session_date"] >= first].reset_index(drop=True)
    pd.testing.assert_frame_equal(late, expected, rtol=1e-12)
