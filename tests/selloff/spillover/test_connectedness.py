"""Connectedness by what must hold of it; the reference numbers are in `parity_connectedness`."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff._window_sums import rows_between
from selloff.series import SeriesError
from selloff.spillover import decompositions
from selloff.spillover.connectedness import (
    connectedness,
    rolling_connectedness,
    unfit_windows,
)
from selloff.spillover.rolling_fits import rolling_fits
from selloff.spillover.vector_autoregression import fit, lag_choice, moving_average, spectral_radius

LAGS = "a series or its lags 1 to 1 are constant, or a combination of others, in the regression"
NAMES = tuple(decompositions.BY_NAME)


def simulated(seed, rows=160, k=3, level=0.0):
    """Simulate a stable VAR(1) with correlated shocks."""
    random = np.random.default_rng(seed)
    mixing = np.eye(k) + 0.4 * random.standard_normal((k, k))
    slopes = random.uniform(-0.3, 0.3, (k, k)) + 0.2 * np.eye(k)
    values = np.zeros((rows, k))
    for row in range(1, rows):
        values[row] = slopes @ values[row - 1] + mixing @ random.standard_normal(k)
    days = pd.bdate_range("2020-01-01", periods=rows)
    return pd.DataFrame(level + values, days, [f"S{i}" for i in range(k)])


def loop(values, lags, horizon):
    """Return the textbook's generalized shares of one window, denominators and all."""
    x = np.column_stack(
        [np.ones(len(values) - lags)]
        + [values[lags - j : len(values) - j] for j in range(1, lags + 1)]
    )
    y = values[lags:]
    slopes = np.linalg.lstsq(x, y, rcond=None)[0]
    residuals = y - x @ slopes
    sigma = residuals.T @ residuals / len(y)
    k = values.shape[1]
    a = [slopes[1 + j * k : 1 + (j + 1) * k].T for j in range(lags)]
    psi = [np.eye(k)]
    for h in range(1, horizon):
        psi.append(sum(a[j] @ psi[h - 1 - j] for j in range(min(h, lags))))
    above = sum((p @ sigma) ** 2 for p in psi) / np.diag(sigma)
    below = sum(np.diag(p @ sigma @ p.T) for p in psi)
    theta = above / below[:, None]
    return theta / theta.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("lags", [1, 2, 3])
def test_every_window_is_what_a_plain_loop_finds_in_its_rows(lags):
    series = simulated(lags, rows=140)
    found = rolling_connectedness(series, window=50, lags=lags, horizon=7)
    assert len(found.dates) == 91
    assert found.dates[-1] == series.index[-1]
    for place in range(91):
        plain = loop(series.to_numpy()[place : place + 50], lags, 7)
        assert found.shares[place] == pytest.approx(plain, abs=1e-12)


@pytest.mark.parametrize("decomposition", NAMES)
def test_a_window_is_the_static_result_of_its_rows(decomposition):
    series = simulated(5, rows=130, k=4)
    found = rolling_connectedness(series, window=90, lags=2, decomposition=decomposition)
    for place in (0, 17, 40):
        alone = connectedness(series.iloc[place : place + 90], lags=2, decomposition=decomposition)
        assert found.shares[place] == pytest.approx(alone.shares[0], abs=1e-12)
        assert found.spectral_radius[place] == pytest.approx(alone.spectral_radius[0], abs=1e-12)
        assert alone.conventions == found.conventions


@given(st.integers(0, 2**32 - 1), st.integers(16, 40), st.integers(1, 3), st.data())
@settings(max_examples=25, deadline=None)
def test_days_asked_for_alone_are_the_same_to_the_last_bit(seed, window, lags, data):
    series = simulated(seed, rows=90)
    whole = rolling_connectedness(series, window=window, lags=lags)
    low = data.draw(st.integers(0, 89))
    high = data.draw(st.integers(low, 89))
    some = rolling_connectedness(
        series, window=window, lags=lags, since=series.index[low], until=series.index[high]
    )
    wanted = (whole.dates >= series.index[low]) & (whole.dates <= series.index[high])
    assert some.dates.equals(whole.dates[wanted])
    assert (some.shares == whole.shares[wanted]).all()
    assert (some.spectral_radius == whole.spectral_radius[wanted]).all()


@given(st.integers(0, 2**32 - 1), st.integers(12, 40), st.sampled_from(NAMES), st.data())
@settings(max_examples=25, deadline=None)
def test_truncating_the_future_changes_no_published_number(seed, window, decomposition, data):
    series = simulated(seed, rows=90)
    end = data.draw(st.integers(window, 90))
    known = rolling_connectedness(series.iloc[:end], window=window, decomposition=decomposition)
    later = rolling_connectedness(series, window=window, decomposition=decomposition)
    assert (known.shares == later.shares[: len(known.dates)]).all()
    assert (known.spectral_radius == later.spectral_radius[: len(known.dates)]).all()


@given(st.integers(0, 2**32 - 1), st.floats(-1e4, 1e4), st.floats(1e-6, 1e6))
@settings(max_examples=20, deadline=None)
def test_neither_level_nor_unit_matters(seed, level, unit):
    series = simulated(seed, rows=60)
    moved = level * series.abs().max().max() / 100 + series
    moved["S1"] *= unit
    here, there = (rolling_connectedness(each, window=40, lags=2) for each in (series, moved))
    assert there.shares == pytest.approx(here.shares, abs=1e-8)


def test_a_level_of_a_million_costs_no_digits_that_the_numbers_still_have():
    # Powers of two: adding the level loses nothing, so that both frames hold the same movements.
    series = (simulated(9, rows=80) * 2**20).round() / 2**20
    here = rolling_connectedness(series, window=40, lags=2)
    there = rolling_connectedness(series + 2.0**20, window=40, lags=2)
    assert (here.shares == there.shares).all()


def test_what_has_left_the_window_has_left_no_trace():
    # Sums from which old rows are subtracted would keep the rounding of the largest row for ever.
    series = simulated(12, rows=200)
    struck = series.copy()
    struck.iloc[50] = 1e9
    here, there = (rolling_connectedness(each, window=40, lags=2) for each in (series, struck))
    assert (here.shares[51:] == there.shares[51:]).all()
    assert (here.shares[:11] == there.shares[:11]).all()


def test_thirty_series_are_no_trouble():
    # R ConnectednessApproach 1.0.4 fails at 30: "number of items to replace".
    series = simulated(13, rows=140, k=4)
    random = np.random.default_rng(13)
    mixed = series.to_numpy() @ random.standard_normal((4, 30)) + random.standard_normal((140, 30))
    series = pd.DataFrame(mixed, series.index)
    found = rolling_connectedness(series, window=120)
    alone = connectedness(series.iloc[-120:])
    assert found.shares[-1] == pytest.approx(alone.shares[0], abs=1e-12)
    assert found.names[-1] == "29"


def test_prices_that_wander_are_fitted_as_exactly_as_returns():
    random = np.random.default_rng(14)
    prices = 5000 + random.standard_normal((400, 3)).cumsum(axis=0)
    series = pd.DataFrame(prices)
    found = rolling_connectedness(series, window=100, lags=2)
    for place in (0, 133, 300):
        alone = connectedness(series.iloc[place : place + 100], lags=2)
        assert found.shares[place] == pytest.approx(alone.shares[0], abs=1e-10)


@given(st.integers(0, 2**32 - 1), st.permutations(range(4)))
@settings(max_examples=20, deadline=None)
def test_the_order_of_series_does_not_matter_but_to_a_cholesky_factor(seed, order):
    series = simulated(seed, rows=80, k=4)
    turned = series.iloc[:, order]
    for name in ("generalized", "joint", "extended_joint"):
        here = connectedness(series, decomposition=name).shares[0]
        there = connectedness(turned, decomposition=name).shares[0]
        assert there == pytest.approx(here[np.ix_(order, order)], abs=1e-11)


@pytest.mark.parametrize("decomposition", NAMES)
def test_shares_are_shares(decomposition):
    shares = rolling_connectedness(
        simulated(3, rows=90, k=4), window=60, decomposition=decomposition
    ).shares
    assert (shares >= 0).all()
    assert (shares <= 1).all()
    if decomposition != "joint":
        assert shares.sum(axis=2) == pytest.approx(np.ones(shares.shape[:2]))
    assert shares.sum(axis=(1, 2)) == pytest.approx(4 * np.ones(len(shares)))


def test_the_joint_share_is_that_of_the_definition():
    # Lastrapes and Wiesen's formula, written down with its elimination matrices.
    found = fit(simulated(11, rows=200, k=4).to_numpy(), 2)
    sigma, psi = found.covariance, moving_average(found.coefficients, 6)
    shares = decompositions.joint(found.coefficients[None], sigma[None], 6)[0]
    for i in range(4):
        m = np.delete(np.eye(4), i, axis=1)
        middle = m @ np.linalg.inv(m.T @ sigma @ m) @ m.T
        above = sum((p @ sigma @ middle @ sigma @ p.T)[i, i] for p in psi)
        below = sum((p @ sigma @ p.T)[i, i] for p in psi)
        assert 1 - shares[i, i] == pytest.approx(above / below, rel=1e-12)


def test_what_one_known_shock_sends_is_found():
    random = np.random.default_rng(2)
    first, own = random.standard_normal((2, 200_000))
    second = own.copy()
    second[1:] += first[:-1]
    series = pd.DataFrame({"leader": first, "follower": second})
    assert connectedness(series, horizon=1).shares[0] == pytest.approx(np.eye(2), abs=1e-4)
    shares = connectedness(series, horizon=2).shares[0]
    # Two days ahead the follower errs by its own second shock and the leader's first.
    assert shares == pytest.approx(np.array([[1, 0], [0.5, 0.5]]), abs=0.005)


def test_a_series_that_stands_still_costs_its_windows_only():
    series = simulated(4, rows=120)
    series.iloc[40:80, 1] = 7.0
    found = rolling_connectedness(series, window=30)
    is_lost = np.isnan(found.shares).all(axis=(1, 2))
    # The 11 windows inside the stretch; the one before, in which only the first row, a lag, moves,
    # and the one after, in which only the last does, which is no lag.
    assert np.flatnonzero(is_lost).tolist() == list(range(39, 52))
    assert (np.isnan(found.spectral_radius) == is_lost).all()
    assert not found.is_stable[is_lost].any()
    causes = dict(unfit_windows(series, found))
    assert list(causes) == list(found.dates[is_lost])
    assert causes[series.index[69]] == "S1 is constant from 2020-02-26 to 2020-04-07"
    assert causes[series.index[68]] == causes[series.index[80]] == LAGS
    clean = simulated(4, rows=120)
    untouched = rolling_connectedness(clean, window=30)
    assert (found.shares[:11] == untouched.shares[:11]).all()
    assert (found.shares[-11:] == untouched.shares[-11:]).all()


@pytest.mark.parametrize("decomposition", NAMES)
def test_a_twin_within_a_window_is_named(decomposition):
    series = simulated(6, rows=100)
    series.iloc[:60, 2] = series.iloc[:60, 0] * 3 - 1
    found = rolling_connectedness(series, window=40, decomposition=decomposition)
    causes = dict(unfit_windows(series, found))
    named = [causes[day] for day in series.index[39:60]]
    assert all(each.startswith("S2 is a linear combination of the other") for each in named)
    # With one row that moves by itself the lags are twins still.
    others = set(list(causes.values())[21:])
    assert others <= {LAGS}
    assert list(causes)[:21] == list(series.index[39:60])
    assert np.isfinite(found.shares[25:]).all()


def test_windows_come_in_order_without_gaps():
    values = simulated(8, rows=60).to_numpy()
    places = [at for at, _ in rolling_fits(values, 20, 1, 25, 59)]
    assert places[0].start == 0
    assert places[-1].stop == 35
    assert all(a.stop == b.start for a, b in pairwise(places))


def test_short_windows_and_frames_are_refused_in_numbers():
    series = simulated(1, rows=50)
    with pytest.raises(SeriesError, match="17 rows, at least 20 are needed for 4 lags of 3 series"):
        rolling_connectedness(series, window=17, lags=4)
    with pytest.raises(SeriesError, match="50 rows, at least 60 are needed"):
        rolling_connectedness(series, window=60)
    with pytest.raises(SeriesError, match="10 rows, at least 20 are needed for 4 lags of 3 series"):
        connectedness(series.iloc[:10], lags=4)
    with pytest.raises(SeriesError, match="0 lags, at least 1 is needed"):
        connectedness(series, lags=0)
    with pytest.raises(SeriesError, match="1 series, at least 2 are needed"):
        connectedness(series[["S0"]])
    with pytest.raises(ValueError, match="a horizon of 0 terms, at least 1 is needed"):
        connectedness(series, horizon=0)
    with pytest.raises(ValueError, match="'cholesky' is no decomposition of forecast errors"):
        connectedness(series, decomposition="cholesky")
    series.iloc[20, 1] = np.nan
    with pytest.raises(SeriesError, match="S1 is missing or infinite in 1 of 50 rows"):
        rolling_connectedness(series, window=30)


def test_no_window_between_two_dates_is_an_empty_result():
    series = simulated(1, rows=50)
    found = rolling_connectedness(series, window=30, since="2030-01-01")
    assert found.shares.shape == (0, 3, 3)
    assert found.measures().empty
    assert found.links().empty
    early = rolling_connectedness(series, window=30, until=series.index[10])
    assert len(early.dates) == 0
    assert rows_between(pd.RangeIndex(9), 3, 4, 6) == (4, 6)


def test_fewer_terms_than_lags_are_no_trouble():
    # R ConnectednessApproach 1.0.4: "subscript out of bounds" where nlag > nfore.
    series = simulated(2, rows=80)
    found = connectedness(series, lags=4, horizon=2).shares[0]
    assert found == pytest.approx(loop(series.to_numpy(), 4, 2), abs=1e-12)


def test_radii_can_be_left_out():
    series = simulated(2, rows=80)
    found = rolling_connectedness(series, window=50, has_radius=False)
    assert np.isnan(found.spectral_radius).all()
    assert (found.shares == rolling_connectedness(series, window=50).shares).all()


def test_an_explosive_window_is_flagged_and_kept():
    series = pd.DataFrame(simulated(3, rows=60))
    series["S0"] = 1.06 ** np.arange(60) + 0.01 * series["S0"]
    found = rolling_connectedness(series, window=40)
    assert np.isfinite(found.shares).all()
    assert not found.is_stable.any()


def test_the_spectral_radius_is_that_of_the_lag_polynomial():
    # y_t = 1.1 y_{t-1} - 0.3 y_{t-2} has the roots 0.5 and 0.6.
    assert spectral_radius(np.array([[[1.1, -0.3]]])) == pytest.approx([0.6])
    both = spectral_radius(np.array([[[0.5]], [[np.nan]], [[-2.0]]]))
    assert both == pytest.approx([0.5, np.nan, 2.0], nan_ok=True)


def test_the_lags_of_a_simulated_process_are_chosen():
    random = np.random.default_rng(3)
    values = np.zeros((1500, 2))
    for row in range(2, 1500):
        values[row] = 0.2 * values[row - 1] - 0.5 * values[row - 2] + random.standard_normal(2)
    found = lag_choice(values, 6)
    assert found.best("bic") == found.best("hq") == 2
    with pytest.raises(SeriesError, match="at least"):
        lag_choice(values[:20], 8)


def test_constant_lags_are_refused_by_the_static_fit():
    values = simulated(1, rows=30).to_numpy(copy=True)
    values[:-1, 1] = 0.5
    with pytest.raises(SeriesError, match="a series does not move in the rows that are lags"):
        fit(values, 1)
    values = simulated(1, rows=30).to_numpy(copy=True)
    values[:-1, 1] = 2 * values[:-1, 0]
    with pytest.raises(SeriesError, match="3 lags of series have rank 2"):
        fit(values, 1)
