from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.comovement.adjusted_correlations import Moments, adjusted_correlation, shift_of_moments
from selloff.comovement.correlation_shifts import correlation_shift, correlation_shifts
from selloff.series import SeriesError

N = 4000
# Three binomial standard errors of a share of 5% in N samples.
BAND = 3 * np.sqrt(0.05 * 0.95 / N)
correlations = st.floats(-0.99, 0.99)


def frame(seed, columns=4, rows=80):
    values = np.random.default_rng(seed).normal(0, 0.01, (rows, columns))
    values[:, 1:] += values[:, :1] / 2
    days = pd.bdate_range("2024-01-02", periods=rows)
    return pd.DataFrame(values, days, [f"S{number}" for number in range(columns)])


def samples(seed, n, deviation, slope, *, heavy=False):
    """Return moments of N samples of y = slope * x + e, e of unit deviation."""
    rng = np.random.default_rng(seed)
    draw = rng.standard_t(6, (2, N, n)) / np.sqrt(1.5) if heavy else rng.normal(size=(2, N, n))
    x = deviation * draw[0]
    y = slope * x + draw[1]
    x -= x.mean(axis=1, keepdims=True)
    y -= y.mean(axis=1, keepdims=True)
    squares = (x * x).sum(axis=1), (y * y).sum(axis=1)
    rho = (x * y).sum(axis=1) / np.sqrt(squares[0] * squares[1])
    return Moments(rho, *(np.sqrt(each / (n - 1)) for each in squares), np.full(N, n))


def slope_of(rho):
    return rho / np.sqrt(1 - rho**2)


def test_the_adjustment_takes_out_exactly_what_a_wider_source_adds():
    # rho = b s / sqrt(b^2 s^2 + e^2): the same b and e with 3 s in turmoil.
    calm, crisis = (b / np.sqrt(b * b + 1) for b in (0.4, 1.2))
    assert adjusted_correlation(crisis, 8.0) == pytest.approx(calm, rel=1e-14)


@given(correlations, st.floats(-0.9, 50))
def test_the_adjustment_and_its_opposite_cancel(rho, delta):
    adjusted = adjusted_correlation(rho, delta)
    assert adjusted_correlation(adjusted, 1 / (1 + delta) - 1) == pytest.approx(rho, abs=1e-12)
    if abs(rho) > 1e-300:  # half of the least number there is is nought
        assert np.sign(adjusted) == np.sign(rho)


@pytest.mark.parametrize(("rho", "delta"), [(1.2, 0.0), (0.5, -1.0)])
def test_impossible_moments_are_refused(rho, delta):
    with pytest.raises(ValueError, match="between -1 and 1"):
        adjusted_correlation(rho, delta)


def test_every_number_of_a_pair_by_hand():
    stable, turmoil = Moments(0.3, 0.01, 0.02, 100), Moments(0.6, 0.02, 0.03, 30)
    found = shift_of_moments(stable, turmoil)
    assert found.delta == pytest.approx(3)
    assert found.adjusted_correlation == pytest.approx(0.6 / np.sqrt(1 + 3 * 0.64))
    se = np.sqrt(1 / 97 + 1 / 27)
    z = (np.arctanh(0.6 / np.sqrt(2.92)) - np.arctanh(0.3)) / se
    assert found.standard_error == pytest.approx(se)
    assert found.statistic == pytest.approx(z)
    assert found.chi_square == pytest.approx((0.6 / np.sqrt(2.92) - 0.3) ** 2 / (0.01 + 1 / 30))
    assert shift_of_moments(stable, turmoil, adjusts="target").delta == pytest.approx(1.25)
    assert shift_of_moments(stable, turmoil, adjusts="none").delta == 0


@given(correlations, correlations, st.integers(5, 500), st.integers(5, 500))
def test_unadjusted_it_is_fishers_test_of_two_correlations(before, after, n_s, n_t):
    stable, turmoil = Moments(before, 1, 1, n_s), Moments(after, 3, 2, n_t)
    found = shift_of_moments(stable, turmoil, adjusts="none")
    assert found.linkage_standard_error == found.standard_error
    assert found.statistic * found.standard_error == pytest.approx(
        np.arctanh(after) - np.arctanh(before)
    )


@pytest.mark.parametrize("delta", [0.0, 3.0, 10.0])
@pytest.mark.parametrize("rho", [0.2, 0.6])
def test_constant_linkage_is_no_shift_however_much_wider_the_source(rho, delta):
    stable = samples(1, 250, 1.0, slope_of(rho))
    turmoil = samples(2, 30, np.sqrt(1 + delta), slope_of(rho))
    found = shift_of_moments(stable, turmoil)
    assert (found.linkage_p_value < 0.05).mean() == pytest.approx(0.05, abs=BAND + 0.01)
    # Forbes and Rigobon's keeps its size by far: its standard error is too large.
    if delta:
        assert (found.p_value < 0.05).mean() < 0.025
        assert (shift_of_moments(stable, turmoil, adjusts="none").p_value < 0.05).mean() > 0.2


def test_fat_tails_make_the_linkage_test_find_a_little_more():
    stable = samples(1, 250, 1.0, slope_of(0.5), heavy=True)
    turmoil = samples(2, 30, 2.0, slope_of(0.5), heavy=True)
    assert 0.04 < (shift_of_moments(stable, turmoil).linkage_p_value < 0.05).mean() < 0.12


@pytest.mark.parametrize("delta", [0.0, 8.0])
def test_a_shift_of_the_detectable_size_is_found_in_four_of_five_samples(delta):
    asked = Moments(0.4, 1, 1, 250), Moments(0.4, np.sqrt(1 + delta), 1, 60)
    least = 0.4 + float(shift_of_moments(*asked).detectable_shift)
    stable = samples(3, 250, 1.0, slope_of(0.4))
    turmoil = samples(4, 60, np.sqrt(1 + delta), slope_of(least))
    found = shift_of_moments(stable, turmoil)
    assert (found.p_value < 0.05).mean() == pytest.approx(0.8, abs=0.04)
    # The unadjusted correlation that is published with it is the one of that linkage.
    wide = slope_of(least) * np.sqrt(1 + delta)
    raw = shift_of_moments(*asked).detectable_correlation
    assert raw == pytest.approx(wide / np.sqrt(1 + wide**2), rel=1e-9)


@given(st.integers(0, 30))
def test_a_frame_gives_what_its_pairs_give(seed):
    series = frame(seed)
    turmoil = np.arange(80) >= 60
    table = correlation_shifts(series, "S2", stable=~turmoil, turmoil=turmoil)
    assert table["target"].tolist() == ["S0", "S1", "S3"]
    for row in table.itertuples():
        pair = correlation_shift(series["S2"], series[row.target], stable=~turmoil, turmoil=turmoil)
        for name in ("statistic", "linkage_statistic", "detectable_shift", "p_value"):
            assert getattr(row, name) == pytest.approx(getattr(pair, name)[0], rel=1e-9)
        before = np.corrcoef(series["S2"][~turmoil], series[row.target][~turmoil])[0, 1]
        assert row.correlation_stable == pytest.approx(before, abs=1e-13)


@given(st.integers(0, 30), st.floats(0.01, 100))
def test_units_do_not_matter(seed, scale):
    series, turmoil = frame(seed), np.arange(80) >= 60
    cut = {"stable": ~turmoil, "turmoil": turmoil}
    before, after = (correlation_shifts(each, "S0", **cut) for each in (series, series * scale))
    np.testing.assert_allclose(
        before.drop(columns="target"), after.drop(columns="target"), rtol=1e-8, atol=1e-12
    )


@given(st.integers(0, 30), st.integers(1, 20))
def test_rows_after_the_turmoil_change_nothing(seed, later):
    series = frame(seed)
    cut = {
        "stable": slice(None, series.index[39]),
        "turmoil": slice(series.index[40], series.index[59]),
    }
    whole = correlation_shifts(series, "S0", **cut)
    pd.testing.assert_frame_equal(whole, correlation_shifts(series.iloc[: 60 + later], "S0", **cut))


def test_slices_of_dates_and_booleans_are_the_same_periods():
    series = frame(5)
    turmoil = np.arange(80) >= 60
    days = series.index
    dated = {"stable": slice(None, days[59]), "turmoil": slice(str(days[60].date()), None)}
    pd.testing.assert_frame_equal(
        correlation_shifts(series, "S0", **dated),
        correlation_shifts(series, "S0", stable=~turmoil, turmoil=turmoil),
    )


def test_arrays_are_cut_by_row_numbers_and_series_by_their_labels():
    series = frame(8)
    stable, turmoil = slice(0, 49), slice(50, 79)
    arrays = correlation_shift(
        series["S0"].to_numpy(), series["S1"].to_numpy(), stable=stable, turmoil=turmoil
    )
    days = series.index
    dated = correlation_shift(
        series["S0"],
        series["S1"],
        stable=slice(days[0], days[49]),
        turmoil=slice(days[50], days[79]),
    )
    assert arrays.n_stable == dated.n_stable == 50
    assert arrays.statistic == dated.statistic


def test_residuals_are_cut_by_their_own_dates():
    series, turmoil = frame(6), np.arange(80) >= 60

    def without_yesterday(given):
        return given.iloc[2:] - 0.1 * given.shift().iloc[2:]

    found = correlation_shifts(
        series, "S0", stable=~turmoil, turmoil=turmoil, filtered=without_yesterday
    )
    assert found["n_stable"].tolist() == [58] * 3
    assert found["n_turmoil"].tolist() == [20] * 3
    plain = correlation_shifts(
        without_yesterday(series), "S0", stable=~turmoil[2:], turmoil=turmoil[2:]
    )
    pd.testing.assert_frame_equal(found, plain)


def test_what_cannot_be_tested_is_refused_with_numbers():
    series = frame(7)
    early, late = np.arange(80) < 40, np.arange(80) >= 38
    with pytest.raises(SeriesError, match="share 2 rows"):
        correlation_shifts(series, "S0", stable=early, turmoil=late)
    with pytest.raises(SeriesError, match="turmoil period has 3 rows"):
        correlation_shifts(series, "S0", stable=early, turmoil=np.arange(80) >= 77)
    with pytest.raises(SeriesError, match="no series is named XX; there are S0, S1"):
        correlation_shifts(series, "XX", stable=early, turmoil=~early)
    with pytest.raises(SeriesError, match="one boolean per row: 80"):
        correlation_shifts(series, "S0", stable=early[:-1], turmoil=~early)
    with pytest.raises(SeriesError, match="a source and a target"):
        correlation_shifts(series[["S0"]], "S0", stable=early, turmoil=~early)
    series.iloc[50, 1] = np.nan
    with pytest.raises(SeriesError, match="S1 is missing"):
        correlation_shifts(series, "S0", stable=early, turmoil=~early)
    series.iloc[40:, 1] = 0.01
    with pytest.raises(SeriesError, match=r"S1 is constant from .* in the turmoil period"):
        correlation_shifts(series, "S0", stable=early, turmoil=~early)
    with pytest.raises(ValueError, match="'source', 'target' or 'none'"):
        shift_of_moments(Moments(0.1, 1, 1, 9), Moments(0.1, 1, 1, 9), adjusts="both")
    with pytest.raises(ValueError, match="3 rows, at least 4"):
        shift_of_moments(Moments(0.1, 1, 1, 3), Moments(0.1, 1, 1, 9))
