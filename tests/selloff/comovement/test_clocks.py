from __future__ import annotations

from datetime import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.comovement.clocks import (
    close_hours_of,
    lead_lag_correlations,
    long_run_variance,
    news_share,
    ordered_by_close,
)
from selloff.comovement.synchronization import rolling_synchronized, synchronized
from selloff.event_study.events import Windows
from selloff.event_study.nonsynchronous import Dimson
from selloff.event_study.panels import panel_of_returns
from selloff.event_study.studies import study
from selloff.series import SeriesError

CLOSES = {"TYO": 6.0, "LON": 16.0, "NYC": 21.0}
RHO, N = 0.6, 20_000
# Monte Carlo error of a correlation from N days is at most 1 / sqrt(N) = 0.007; four of them, and
# sums of two.
BAND = 4 * np.sqrt(2 / N)
hours = st.floats(0, 23.99)
seconds = st.integers(0, 24 * 3600 - 1)


def world(seed, days=N, rho=RHO, closes=CLOSES):
    """Return markets whose hourly news correlates by rho, each from close to close."""
    rng = np.random.default_rng(seed)
    shape = ((days + 1) * 24, len(closes))
    own = rng.normal(size=shape) * np.sqrt(1 - rho)
    news = (np.sqrt(rho) * rng.normal(size=(len(own), 1)) + own) * 0.01 / np.sqrt(24)
    levels = np.cumsum(news, axis=0).reshape(days + 1, 24, len(closes))
    at = np.stack([levels[:, int(hour) - 1, i] for i, hour in enumerate(closes.values())], axis=1)
    index = pd.bdate_range("1950-01-02", periods=days)
    return pd.DataFrame(np.diff(at, axis=0), index, list(closes))


@pytest.fixture(scope="module")
def markets():
    return world(1)


PAIRS = [("TYO", "NYC", 15), ("TYO", "LON", 10), ("LON", "NYC", 5)]


def test_markets_stand_in_the_order_of_their_closes():
    closes = {"US": time(21), "AU": 5.0, "DE": time(16, 30), "JP": time(6, 30), "UK": 16.5}
    assert ordered_by_close(closes) == ["AU", "JP", "DE", "UK", "US"]


def test_hours_are_asked_for_by_name():
    with pytest.raises(SeriesError, match="HK has no closing time"):
        close_hours_of(["HK"], CLOSES)
    with pytest.raises(SeriesError, match=r"HK closes at hour 24.0, not within \[0, 24\) UTC"):
        close_hours_of(["HK"], {"HK": 24.0})


@given(hours, hours)
def test_there_and_back_is_a_day(start, end):
    there, back = news_share(start, end), news_share(end, start)
    assert there == pytest.approx(((end - start) % 24 or 24) / 24, abs=1e-12)
    assert there + back == pytest.approx(2 if start == end else 1)


@given(seconds, seconds, st.lists(st.floats(0.01, 9), min_size=24, max_size=24))
def test_the_flow_of_news_adds_up(start, end, flow):
    fine = np.repeat(np.array(flow), 3600)
    part = fine[start:end].sum() if end > start else fine[start:].sum() + fine[:end].sum()
    share = news_share(start / 3600, end / 3600, flow)
    assert share == pytest.approx(part / fine.sum(), abs=1e-9)


@pytest.mark.parametrize("flow", [[1] * 23, [0] * 24, [1] * 23 + [-1]])
def test_a_flow_is_24_weights(flow):
    with pytest.raises(ValueError, match="24 numbers"):
        news_share(6, 21, flow)


@pytest.mark.parametrize(("early", "late", "gap"), PAIRS)
def test_same_date_correlations_lose_the_hours_between_the_closes(markets, early, late, gap):
    found = lead_lag_correlations(markets, CLOSES).set_index(["early", "late"]).loc[early, late]
    assert found["hours_between_closes"] == gap
    assert found["same_date"] == pytest.approx(RHO * (1 - gap / 24), abs=BAND)
    assert found["date_before"] == pytest.approx(RHO * gap / 24, abs=BAND)
    assert found["correlation"] == pytest.approx(RHO, abs=BAND)
    assert found["expected_same_date"] == pytest.approx(found["same_date"], abs=BAND)
    same = markets[early].corr(markets[late])
    assert found["same_date"] == pytest.approx(same, abs=1e-3)


@pytest.mark.parametrize(("early", "late", "gap"), PAIRS)
def test_two_day_averages_keep_half_of_the_loss(markets, early, late, gap):
    two = (markets + markets.shift()).iloc[1:]
    assert two[early].corr(two[late]) == pytest.approx(RHO * (1 - gap / 48), abs=1.5 * BAND)
    weekly = markets.groupby(np.arange(N) // 5).sum()
    # A week has a fifth of the rows.
    assert weekly[early].corr(weekly[late]) == pytest.approx(RHO * (1 - gap / 120), abs=2 * BAND)


@pytest.mark.parametrize("sides", ["clocks", "both"])
def test_synchronized_returns_have_the_correlation_of_one_moment(markets, sides):
    found = synchronized(markets, CLOSES, sides=sides)
    assert found.is_stable
    for early, late, _ in PAIRS:
        assert found.returns.corr().loc[early, late] == pytest.approx(RHO, abs=1.5 * BAND)
    # The last to close has nothing to learn from the others' yesterday.
    assert np.abs(found.moving_average.loc["NYC"]).max() < BAND
    assert found.moving_average.loc["TYO", "NYC"] > 0.3


def test_dimsons_beta_sees_what_the_clock_hides(markets):
    # All deviations are equal: the slope on the late market is the correlation.
    days = Windows(first=-6000)
    for early, late, _ in PAIRS:
        part = markets.iloc[:6500].reset_index(drop=True)
        panel = panel_of_returns(part[[early]], part[late])
        asked = pd.DataFrame({"listing_id": [early], "session_date": [6400]})
        beta = study(panel, asked, Dimson(), days).fits["market"].iloc[0]
        assert beta == pytest.approx(RHO, abs=6 * np.sqrt(3 / 6000))


def test_the_standard_error_is_the_spread_over_samples():
    found = pd.concat(
        lead_lag_correlations(world(seed, 400), CLOSES, lags=2) for seed in range(60)
    ).groupby(["early", "late"])
    spread = found["correlation"].std()
    # The standard deviation of 60 draws is known to 9%.
    np.testing.assert_allclose(found["standard_error"].mean(), spread, rtol=0.35)


def test_markets_that_close_together_have_their_correlation():
    series = world(2, 300)
    closes = dict.fromkeys(CLOSES, 16.0)
    found = lead_lag_correlations(series, closes)
    assert (found["date_before"] == 0).all()
    expected = series.iloc[1:].corr().to_numpy()[np.triu_indices(3, 1)]
    np.testing.assert_allclose(found["correlation"], expected, atol=1e-14)


@given(st.integers(0, 50))
def test_the_order_of_the_columns_does_not_matter(seed):
    series = world(seed, 60)
    mixed = series[np.random.default_rng(seed).permutation(series.columns)]
    one, other = (
        lead_lag_correlations(each, CLOSES).set_index(["early", "late"]).sort_index()
        for each in (series, mixed)
    )
    np.testing.assert_allclose(one, other, rtol=1e-12)


def test_a_window_takes_the_last_rows():
    series = world(3, 300)
    pd.testing.assert_frame_equal(
        lead_lag_correlations(series, CLOSES, window=100),
        lead_lag_correlations(series.iloc[200:], CLOSES),
    )


@given(st.integers(0, 50), st.integers(0, 6))
def test_long_run_variance_is_the_double_sum(seed, lags):
    x = np.random.default_rng(seed).normal(size=30)
    weights = np.clip(1 - np.abs(np.subtract.outer(range(30), range(30))) / (lags + 1), 0, None)
    assert long_run_variance(x, lags) == pytest.approx(x @ weights @ x / 30, rel=1e-10)
    assert long_run_variance(x, lags) >= 0


def test_too_few_rows_are_counted():
    with pytest.raises(SeriesError, match="14 rows, at least 15 are needed"):
        lead_lag_correlations(world(1, 14), CLOSES)
    with pytest.raises(SeriesError, match="15 rows, at least 16 are needed for 3 series"):
        synchronized(world(1, 15), CLOSES)
    with pytest.raises(SeriesError, match="15 rows, at least 16 are needed for 3 series"):
        rolling_synchronized(world(1, 40), CLOSES, window=15)
    with pytest.raises(SeriesError, match="40 rows, at least 50 are needed"):
        rolling_synchronized(world(1, 40), CLOSES, window=50)
    with pytest.raises(ValueError, match="'clocks' or 'both'"):
        synchronized(world(1, 40), CLOSES, sides="east")


@given(st.integers(0, 30))
def test_moments_of_the_moving_average_are_those_of_the_returns(seed):
    series = world(seed, 400)
    found = synchronized(series, CLOSES)
    m, s = found.moving_average.to_numpy(), found.innovation_covariance.to_numpy()
    centred = (series - series.mean()).to_numpy()
    np.testing.assert_allclose(s + m @ s @ m.T, centred.T @ centred / 400, atol=1e-12 * 1e-4)
    lagged = centred[1:].T @ centred[:-1] / 400
    # Only early rows follow late columns: Tokyo both others, London New York.
    np.testing.assert_allclose((m @ s)[np.triu_indices(3, 1)], lagged[np.triu_indices(3, 1)])
    np.testing.assert_allclose((m @ s)[np.tril_indices(3)], 0, atol=1e-16)
    # Hence the correlation of synchronized returns is the lead-lag sum, by its moments.
    whole = s + m @ s + s @ m.T + m @ s @ m.T
    scale = np.sqrt(np.diag(whole))
    sums = lead_lag_correlations(series, CLOSES).set_index(["early", "late"])["correlation"]
    assert whole[0, 2] / scale[0] / scale[2] == pytest.approx(sums["TYO", "NYC"], abs=0.01)


def test_innovations_and_returns_are_those_of_the_recursion():
    series = world(4, 200)
    found = synchronized(series, CLOSES)
    m, e = found.moving_average.to_numpy(), found.innovations.to_numpy()
    mean = series.mean().to_numpy()
    np.testing.assert_allclose(series.iloc[1:] - mean, e[1:] + e[:-1] @ m.T, atol=1e-15)
    np.testing.assert_allclose(found.returns, mean + e + e @ m.T, atol=1e-15)


@given(st.integers(0, 30), st.integers(101, 160))
def test_later_rows_change_no_synchronized_return(seed, rows):
    series = world(seed, 160)
    trained = synchronized(series, CLOSES, training=100).returns
    early = synchronized(series.iloc[:rows], CLOSES, training=100).returns
    assert trained.iloc[:100].isna().all(axis=None)
    np.testing.assert_array_equal(trained.iloc[:rows], early)
    whole = rolling_synchronized(series, CLOSES, window=60)
    part = rolling_synchronized(series.iloc[:rows], CLOSES, window=60)
    np.testing.assert_array_equal(whole.returns.iloc[:rows], part.returns)
    np.testing.assert_array_equal(whole.is_stable.iloc[:rows], part.is_stable)


def test_a_rolling_return_is_that_of_its_window_alone():
    series = world(5, 400)
    found = rolling_synchronized(series, CLOSES, window=120)
    assert found.returns.iloc[:119].isna().all(axis=None)
    assert not found.is_stable.iloc[:119].any()
    for end in (119, 250, 399):
        alone = synchronized(series.iloc[end - 119 : end + 1], CLOSES)
        np.testing.assert_allclose(found.returns.iloc[end], alone.returns.iloc[-1], atol=1e-14)
        assert found.is_stable.iloc[end] == alone.is_stable


def test_windows_without_a_moving_average_are_flagged_and_kept():
    rng = np.random.default_rng(1)
    # Two waves of a period of two days in step: no moving average of order one has such moments.
    wave = np.cos(np.pi * np.arange(60))[:, None] + 0.1 * rng.normal(size=(60, 3))
    series = pd.DataFrame(wave, pd.bdate_range("2025-01-01", periods=60), list(CLOSES))
    found = synchronized(series, CLOSES, sides="both")
    assert not found.is_stable
    assert found.returns.shape == (60, 3)
    rolled = rolling_synchronized(series, CLOSES, window=30, sides="both")
    assert not rolled.is_stable.any()
    assert rolled.returns.shape == (60, 3)
