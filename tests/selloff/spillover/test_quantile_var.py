from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.stats import norm

from selloff.series import SeriesError
from selloff.spillover.quantile_var import quantile_connectedness
from tests.selloff.spillover import parity_quantile
from tests.selloff.spillover.parity_connectedness import panel
from tests.selloff.spillover.reference import needs_reference


def returns(n=90, seed=1, k=3):
    random = np.random.default_rng(seed)
    rows = random.standard_t(4, (n, k)) * 0.01 + random.standard_t(4, (n, 1)) * 0.01
    rows[1:] += 0.2 * rows[:-1, ::-1]
    return pd.DataFrame(rows, pd.bdate_range("2024-01-02", periods=n), ["XLK", "XLU", "XLE"][:k])


def by_linear_program(rows, quantile, lags, horizon):
    """Return shares by the textbook: a linear program per equation, psi by its recursion."""
    n, k = len(rows) - lags, rows.shape[1]
    design = np.column_stack(
        [np.ones(n), *(rows[lags - i : lags - i + n] for i in range(1, lags + 1))]
    )
    cost = np.concatenate(
        [np.zeros(design.shape[1]), np.full(n, quantile), np.full(n, 1 - quantile)]
    )
    equal = np.hstack([design, np.eye(n), -np.eye(n)])
    bounds = [(None, None)] * design.shape[1] + [(0, None)] * (2 * n)
    found = np.array(
        [linprog(cost, A_eq=equal, b_eq=rows[lags:, i], bounds=bounds).x for i in range(k)]
    )[:, : design.shape[1]]
    errors = rows[lags:] - design @ found.T
    covariance = errors.T @ errors / n
    blocks = [found[:, 1 + i * k : 1 + (i + 1) * k] for i in range(lags)]
    psi = [np.eye(k)]
    for h in range(1, horizon):
        psi.append(sum(a @ psi[h - 1 - i] for i, a in enumerate(blocks[:h])))
    shares = sum((p @ covariance) ** 2 for p in psi) / np.diag(covariance)
    return shares / shares.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("lags", [1, 2])
@pytest.mark.parametrize("quantile", [0.05, 0.5, 0.9])
def test_shares_are_those_of_a_linear_program(quantile, lags):
    series = returns()
    found = quantile_connectedness(series, quantile=quantile, lags=lags, horizon=6)
    expected = by_linear_program(series.to_numpy() * 100, quantile, lags, 6)
    assert found.shares[0] == pytest.approx(expected, abs=1e-9)
    assert found.conventions.n_rows == 90 - lags
    assert found.conventions.detail == f"quantile {quantile}, errors not centred"


def test_a_window_alone_is_the_window_among_others_to_the_last_bit():
    series = returns()
    rolled = quantile_connectedness(series, quantile=0.1, window=60)
    assert len(rolled.dates) == 31
    for place in (0, 7, 30):
        alone = quantile_connectedness(series[place : place + 60], quantile=0.1)
        assert (alone.shares[0] == rolled.shares[place]).all()
        assert alone.spectral_radius[0] == rolled.spectral_radius[place]
        assert alone.dates[0] == rolled.dates[place]


@settings(max_examples=10, deadline=None)
@given(first=st.integers(59, 89), length=st.integers(0, 10), cut=st.integers(60, 90))
def test_some_dates_are_those_of_all_to_the_last_bit_whatever_follows(first, length, cut):
    series = returns()
    last = min(first + length, 89)
    whole = quantile_connectedness(series, quantile=0.1, window=60)
    days = series.index
    some = quantile_connectedness(
        series, quantile=0.1, window=60, since=days[first], until=days[last]
    )
    assert (some.shares == whole.shares[first - 59 : last - 58]).all()
    known = quantile_connectedness(series[:cut], quantile=0.1, window=60)
    assert (known.shares == whole.shares[: cut - 59]).all()


def test_the_lower_tail_is_the_upper_tail_of_what_is_turned_over():
    series = returns()
    below = quantile_connectedness(series, quantile=0.1)
    above = quantile_connectedness(-series, quantile=0.9)
    assert below.shares == pytest.approx(above.shares, abs=1e-8)


def test_units_of_the_series_change_nothing():
    series = returns()
    scaled = quantile_connectedness(series * [1.0, 100.0, 0.001], quantile=0.25)
    assert scaled.shares == pytest.approx(
        quantile_connectedness(series, quantile=0.25).shares, abs=1e-9
    )


def test_independent_series_are_tied_in_the_tails_by_errors_that_are_not_centred():
    """With no dependence at all, S = I + m m', and m = 2.06 at 0.05 leaves a total of 0.61."""
    rows = np.random.default_rng(1).normal(0, 0.01, (2500, 4))
    series = pd.DataFrame(rows, pd.bdate_range("2015-01-01", periods=2500), list("abcd"))
    m = norm.ppf(0.95)
    theirs = 3 * m**4 / (1 + m**2) / ((1 + m**2) + 3 * m**4 / (1 + m**2))
    for quantile in (0.05, 0.95):
        uncentred = quantile_connectedness(series, quantile=quantile).total[0]
        assert uncentred == pytest.approx(theirs, abs=0.01)
        assert quantile_connectedness(series, quantile=quantile, is_centred=True).total[0] < 0.01
    assert quantile_connectedness(series, quantile=0.5).total[0] < 0.01


def test_centred_errors_show_what_is_common_in_one_tail():
    random = np.random.default_rng(3)
    rows = random.normal(0, 0.01, (1500, 3))
    rows[::25] -= random.exponential(0.05, (60, 1))
    series = pd.DataFrame(rows, pd.bdate_range("2018-01-01", periods=1500), list("abc"))
    ties = quantile_connectedness(series, quantile=0.5, is_centred=True).total[0]
    quiet = quantile_connectedness(
        series[series.min(axis=1) > -0.04], quantile=0.5, is_centred=True
    )
    assert ties > 0.3
    assert quiet.total[0] < 0.1


def test_a_window_without_a_solution_is_missing_and_alone():
    series = returns()
    series.iloc[10:80, 1] = 0.0
    found = quantile_connectedness(series, quantile=0.1, window=60)
    # The last row of a window is no regressor, the first no outcome.
    still = [
        (series.iloc[end - 59 : end, 1] == 0.0).all()
        or (series.iloc[end - 58 : end + 1, 1] == 0.0).all()
        for end in range(59, 90)
    ]
    assert sum(still) == 13
    assert (np.isnan(found.shares).all(axis=(1, 2)) == still).all()
    assert (np.isnan(found.spectral_radius) == still).all()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"quantile": 5}, "the quantile 5 does not lie between 0 and 1"),
        ({"quantile": 0.05, "lags": 4, "window": 19}, "19 rows, at least 20 are needed for 4 lags"),
        ({"quantile": 0.05, "lags": 0}, "0 lags, at least 1 is needed"),
        ({"quantile": 0.05, "window": 91}, "90 rows, at least 91"),
    ],
)
def test_what_cannot_be_fitted_is_refused_with_numbers(asked, message):
    with pytest.raises(SeriesError, match=message):
        quantile_connectedness(returns(), **asked)


@needs_reference
def test_the_peers_totals_are_met():
    for quantity, _, _, ours, theirs, limit in parity_quantile.pairs():
        assert ours == pytest.approx(theirs, rel=0, abs=limit), quantity


@needs_reference
def test_the_tails_of_2012_are_hardly_more_connected_than_the_middle_once_errors_are_centred():
    series = panel("ca_dy2012")
    totals = [
        quantile_connectedness(series, quantile=quantile, is_centred=True).total[0]
        for quantile in parity_quantile.TOTALS
    ]
    assert totals == pytest.approx([0.162, 0.166, 0.169], abs=5e-4)


def test_no_window_gives_a_table_without_rows():
    found = quantile_connectedness(returns(), quantile=0.1, window=60, since="2030-01-01")
    assert found.shares.shape == (0, 3, 3)
