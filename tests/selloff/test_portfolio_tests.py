"""A few members as one portfolio: the right t, the right size, and power where others have none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.event_study.multiplicity import benjamini_hochberg
from selloff.portfolio_tests import portfolio_tests
from selloff.returns import MarketModel

MODEL = MarketModel(first=120, last=11, minimum=60)
DAYS = pd.bdate_range("2024-06-03", periods=121)


def series(market, returns, event="e", sector="Power", members=2):
    """Return one portfolio's rows, the event on the last day."""
    return pd.DataFrame(
        {
            "event_id": event,
            "sector": sector,
            "event_date": DAYS[-1],
            "session_date": DAYS,
            "n_listings": members,
            "y": returns,
            "x": market,
        }
    )


def shocks(seed, shape, correlation=0.0):
    """Return members' returns beyond the market, one row per day, equally correlated."""
    random = np.random.default_rng(seed)
    common = random.normal(size=(shape[0], 1))
    own = random.normal(size=shape)
    return 0.02 * (np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own)


def test_the_statistic_is_the_prediction_error_of_an_ordinary_regression():
    import statsmodels.api as sm

    market = shocks(1, (len(DAYS), 1))[:, 0]
    returns = 0.001 + 1.3 * market + shocks(2, (len(DAYS), 1))[:, 0]
    found = portfolio_tests(series(market, returns), MODEL).iloc[0]
    rows = slice(len(DAYS) - 1 - MODEL.first, len(DAYS) - MODEL.last)
    fit = sm.OLS(returns[rows], sm.add_constant(market[rows])).fit()
    predicted = fit.get_prediction([[1.0, market[-1]]])
    t = (returns[-1] - predicted.predicted_mean[0]) / predicted.se_obs[0]
    assert found["statistic"] == pytest.approx(t, rel=1e-12)
    assert found["n_estimation"] == 110
    from scipy import stats

    assert found["p_value"] == pytest.approx(2 * stats.t.sf(abs(t), 108), rel=1e-10)


def test_a_true_null_is_rejected_in_one_of_twenty_however_the_members_are_correlated():
    market = shocks(3, (len(DAYS), 1))[:, 0]
    for correlation in (0.0, 0.8):
        rows = [
            series(market, market + shocks(100 + n, (len(DAYS), 4), correlation).mean(axis=1), n)
            for n in range(400)
        ]
        rejected = (portfolio_tests(pd.concat(rows), MODEL)["p_value"] <= 0.05).mean()
        # Counting four correlated members as independent, 1.96 is passed in 29 of 100.
        assert rejected == pytest.approx(0.05, abs=0.025)


def test_three_of_four_members_that_crash_are_found_where_tests_over_members_find_nothing():
    from scipy import stats

    market = shocks(4, (len(DAYS), 1))[:, 0]
    own = shocks(5, (len(DAYS), 4), 0.5)
    # As VST, CEG, NRG and NEE on 2025-01-27.
    own[-1] = -0.31, -0.21, -0.13, 0.02
    found = portfolio_tests(series(market, market + own.mean(axis=1)), MODEL).iloc[0]
    assert found["statistic"] < -8
    assert found["adjusted_p_value"] < 1e-10
    assert stats.ttest_1samp(own[-1], 0).pvalue > 0.1


def test_p_values_are_adjusted_among_the_sectors_of_each_event_alone():
    market = shocks(6, (len(DAYS), 1))[:, 0]
    rows = [
        series(market, market + shocks(7 + n, (len(DAYS), 2)).mean(axis=1), event, str(n))
        for n in range(6)
        for event in ("e", "f")[: 1 + (n < 2)]
    ]
    found = portfolio_tests(pd.concat(rows), MODEL)
    for _, event in found.groupby("event_id"):
        expected = benjamini_hochberg(event["p_value"].to_numpy())
        assert event["adjusted_p_value"].to_numpy() == pytest.approx(expected, rel=1e-15)
    assert found.groupby("event_id").size().to_dict() == {"e": 6, "f": 2}


def test_sessions_in_which_most_members_did_not_trade_are_left_out():
    market = shocks(8, (len(DAYS), 1))[:, 0]
    returns = market + shocks(9, (len(DAYS), 1))[:, 0]
    rows = series(market, returns, members=4)
    rows.loc[[20, 30], "n_listings"] = [1, 2]
    rows.loc[20, "y"] = 5.0
    assert portfolio_tests(rows, MODEL).iloc[0]["n_estimation"] == 109


@pytest.mark.parametrize("members", [59, 60])
def test_too_few_sessions_are_no_test(members):
    market = shocks(10, (len(DAYS), 1))[:, 0]
    rows = series(market, market + shocks(11, (len(DAYS), 1))[:, 0]).iloc[-members - 11 :]
    assert len(portfolio_tests(rows, MODEL)) == int(members >= MODEL.minimum)


def test_a_portfolio_without_a_return_on_the_day_is_no_test():
    market = shocks(12, (len(DAYS), 1))[:, 0]
    rows = series(market, market + shocks(13, (len(DAYS), 1))[:, 0]).iloc[:-1]
    assert portfolio_tests(rows, MODEL).empty


def test_a_portfolio_that_is_the_market_is_no_test():
    market = shocks(14, (len(DAYS), 1))[:, 0]
    assert portfolio_tests(series(market, market), MODEL).empty


def test_without_series_there_are_no_tests_and_every_column():
    found = portfolio_tests(series([0.0] * len(DAYS), 0.0).iloc[:0], MODEL)
    assert found.empty
    assert set(found.columns) >= {"statistic", "p_value", "adjusted_p_value", "n_estimation"}


@settings(max_examples=25, deadline=None)
@given(scale=st.floats(0.01, 100), seed=st.integers(0, 10_000))
def test_the_statistic_knows_no_unit_and_no_order_of_rows(scale, seed):
    market = shocks(seed, (len(DAYS), 1))[:, 0]
    rows = series(market, market + shocks(seed + 1, (len(DAYS), 1))[:, 0])
    expected = portfolio_tests(rows, MODEL).iloc[0]["statistic"]
    shuffled = rows.sample(frac=1, random_state=seed)
    assert portfolio_tests(shuffled, MODEL).iloc[0]["statistic"] == expected
    scaled = portfolio_tests(rows.assign(y=rows["y"] * scale), MODEL).iloc[0]["statistic"]
    assert scaled == pytest.approx(expected, rel=1e-9)
