"""Betas on one side of the market against plain loops and the panel's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.series import SeriesError
from selloff.tails.betas import market_betas
from selloff.volatility import downside_beta
from tests.selloff.tails.worlds import frame, noise


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["all", "fall", "rise"]),
    st.sampled_from(["mean", "zero"]),
)
def test_rolling_betas_are_those_of_a_plain_loop(seed, side, threshold):
    series = noise(seed, 80, 3)
    found = market_betas(series, "S0", side, threshold=threshold, window=50)
    for place in range(0, 31, 5):
        rows = series.iloc[place : place + 50]
        level = rows["S0"].mean() if threshold == "mean" else 0.0
        sides = {"all": rows["S0"] < np.inf, "fall": rows["S0"] < level, "rise": rows["S0"] > level}
        some = rows[sides[side]]
        slopes = [np.polyfit(some["S0"], some[name], 1)[0] for name in ("S1", "S2")]
        assert len(some) == found.n_days[place]
        np.testing.assert_allclose(found.beta[place], slopes, rtol=1e-10, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_the_future_changes_no_beta(seed, back):
    series = noise(seed, 90)
    whole = market_betas(series, "S0", window=30)
    cut = market_betas(series.iloc[: 90 - back], "S0", window=30)
    np.testing.assert_array_equal(cut.beta, whole.beta[: len(cut.beta)])


def test_the_panel_of_listings_finds_the_same_below_zero():
    series = noise(4, 120, 2)
    found = market_betas(series, "S0", threshold="zero", window=60).beta[:-1, 0]
    panel = downside_beta(series["S1"].to_numpy(), series["S0"].to_numpy(), 60, 3)
    np.testing.assert_allclose(found, panel[60:], rtol=1e-12)


def test_planted_betas_of_falls_and_rises_are_found_apart():
    random = np.random.default_rng(2)
    market = 0.01 * random.standard_normal(5_000)
    firm = np.where(market < 0, 2.0, 0.5) * market + 0.002 * random.standard_normal(5_000)
    series = frame(np.column_stack([market, firm]))
    assert market_betas(series, "S0", "fall", threshold="zero").beta.item() == pytest.approx(
        2, abs=0.05
    )
    assert market_betas(series, "S0", "rise", threshold="zero").beta.item() == pytest.approx(
        0.5, abs=0.05
    )


def test_two_days_have_no_slope():
    market = [-0.02, -0.01, 0.01, 0.02, 0.04]
    found = market_betas(frame(np.c_[market, [0.1, 0.2, 0.3, 0.1, 0.05]]), "S0", threshold="zero")
    assert found.n_days.tolist() == [2]
    assert np.isnan(found.beta).all()


def test_words_that_mean_nothing_are_refused():
    with pytest.raises(SeriesError, match="the side 'down' is none of all, fall, rise"):
        market_betas(noise(1), "S0", "down")
    with pytest.raises(SeriesError, match="the threshold 'median' is neither mean nor zero"):
        market_betas(noise(1), "S0", threshold="median")
    with pytest.raises(SeriesError, match="2 rows, at least 3 are needed for a slope"):
        market_betas(noise(1), "S0", window=2)


def test_a_day_at_the_threshold_is_neither_fall_nor_rise_and_three_days_have_a_slope():
    market = [-0.02, -0.01, -0.03, 0.0, 0.01, 0.02, 0.03]
    series = frame(np.c_[market, [-0.04, -0.02, -0.06, 0.5, 0.03, 0.06, 0.09]])
    for side, slope in (("fall", 2), ("rise", 3)):
        found = market_betas(series, "S0", side, threshold="zero")
        assert found.n_days.tolist() == [3]
        assert found.beta.item() == pytest.approx(slope)
