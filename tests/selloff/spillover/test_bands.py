from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.series import SeriesError
from selloff.spillover.bands import band_connectedness, band_shares, by_band, within_band
from selloff.spillover.connectedness import connectedness
from selloff.spillover.spillovers import Conventions, Spillovers
from tests.selloff.spillover import parity_bands
from tests.selloff.spillover.parity_connectedness import panel
from tests.selloff.spillover.reference import needs_reference


def systems(n=1, k=3, lags=2, seed=0, radius=0.9):
    """Draw systems whose companion matrices have all the same spectral radius."""
    random = np.random.default_rng(seed)
    coefficients = random.normal(0, 1, (n, k, k * lags))
    for one in coefficients:
        companion = np.eye(k * lags, k=-k)
        companion[:k] = one
        by = radius / np.abs(np.linalg.eigvals(companion)).max()
        for lag in range(lags):
            one[:, lag * k : (lag + 1) * k] *= by ** (lag + 1)
    roots = random.normal(0, 1, (n, k, k + 2))
    return coefficients, roots @ roots.swapaxes(1, 2)


def closed_form(coefficients, covariance, periods):
    """Integrate by partial fractions: with roots r, s and z = exp(-i w),

    1 / ((1 - r z)(1 - s* / z)) = (1 / (1 - r z) + 1 / (1 - s* / z) - 1) / (1 - r s*),
    and int 1 / (1 - r exp(-i w)) dw = w - i log(1 - r exp(-i w)).
    """
    k, width = coefficients.shape
    companion = np.eye(width, k=-k)
    companion[:k] = coefficients
    roots, vectors = np.linalg.eig(companion)
    parts = np.linalg.inv(vectors)[:, :k] @ covariance
    terms = vectors[:k, :, None] * parts[None]
    edges = [np.pi, *(2 * np.pi / period for period in periods), 0.0]
    single = [w - 1j * np.log(1 - roots * np.exp(-1j * w)) for w in edges]
    found = []
    for number in range(len(edges) - 1):
        one = single[number] - single[number + 1]
        width = edges[number] - edges[number + 1]
        both = (one[:, None] + one.conj() - width) / (1 - np.outer(roots, roots.conj()))
        found.append(np.einsum("iaj,ibj,ab->ij", terms, terms.conj(), both).real)
    found = np.array(found) / np.diag(covariance)
    return found / found.sum(axis=(0, 2))[:, None]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    k=st.integers(2, 5),
    lags=st.integers(1, 4),
    radius=st.sampled_from([0.2, 0.6, 0.9, 0.99, 0.9999]),
    periods=st.sampled_from([(10.0, 40.0), (2.5,), (5.0, 20.0, 250.0)]),
)
def test_the_integral_is_that_of_partial_fractions(seed, k, lags, radius, periods):
    coefficients, covariance = systems(1, k, lags, seed, radius)
    found = band_shares(coefficients, covariance, periods)[:, 0]
    assert found == pytest.approx(closed_form(coefficients[0], covariance[0], periods), abs=1e-9)


@pytest.mark.parametrize("distance", [1e-2, 1e-4, 1e-6, 1e-8])
def test_the_narrow_peak_of_a_near_unit_root_is_not_missed(distance):
    coefficients = np.array([[[1 - distance, 0.0], [0.3, 0.2]]])
    covariance = np.array([[[1.0, 0.4], [0.4, 1.0]]])
    found = band_shares(coefficients, covariance)[:, 0]
    # int |1 / (1 - r z)|^2 dw over (0, pi) is pi / (1 - r^2); over (0, a) an arctangent.
    r = 1 - distance
    edge = np.arctan((1 + r) / (1 - r) * np.tan(np.pi / 40)) * 2 / np.pi
    assert found[2, 0].sum() == pytest.approx(edge, abs=1e-9)


def test_bands_add_up_to_the_decomposition_at_a_long_horizon():
    coefficients, covariance = systems(20, seed=3)
    total = band_shares(coefficients, covariance).sum(axis=0)
    for a, s, share in zip(coefficients, covariance, total, strict=True):
        companion = np.eye(6, k=-3)
        companion[:3] = a
        state, sums = np.eye(6, 3), np.zeros((3, 3))
        for _ in range(400):
            sums += (state[:3] @ s) ** 2 / np.diag(s)
            state = companion @ state
        assert share == pytest.approx(sums / sums.sum(axis=1, keepdims=True), abs=1e-12)


def test_a_band_that_is_split_is_the_sum_of_its_parts():
    coefficients, covariance = systems(20, seed=4)
    coarse = band_shares(coefficients, covariance, (10.0,))
    fine = band_shares(coefficients, covariance, (4.0, 10.0, 60.0))
    assert fine[:2].sum(axis=0) == pytest.approx(coarse[0], abs=1e-12)
    assert fine[2:].sum(axis=0) == pytest.approx(coarse[1], abs=1e-12)


@pytest.mark.parametrize("chunk", [1, 5_000, 10_000_000])
def test_a_window_alone_is_the_window_among_others_to_the_last_bit(chunk, monkeypatch):
    monkeypatch.setattr("selloff.spillover.bands.CHUNK", chunk)
    coefficients, covariance = systems(12, seed=5)
    together = band_shares(coefficients, covariance)
    for place in range(12):
        some = slice(place, place + 1)
        assert (band_shares(coefficients[some], covariance[some])[:, 0] == together[:, place]).all()


def test_a_system_without_memory_spreads_evenly_over_frequencies():
    shares = band_shares(np.zeros((1, 2, 2)), np.array([[[1.0, 0.5], [0.5, 1.0]]]), (10.0, 40.0))
    assert shares.sum(axis=3)[:, 0, 0] == pytest.approx([0.8, 0.15, 0.05], abs=1e-12)


def test_units_of_the_series_change_nothing():
    coefficients, covariance = systems(1, lags=1)
    units = np.array([1.0, 100.0, 0.001])
    scaled = band_shares(
        coefficients * (units[:, None] / units), covariance * np.outer(units, units)
    )
    assert scaled == pytest.approx(band_shares(coefficients, covariance), abs=1e-12)


def test_only_windows_that_explode_are_without_bands():
    coefficients, covariance = systems(3)
    coefficients[1] *= 3
    found = band_shares(coefficients, covariance)
    assert np.isnan(found[:, 1]).all()
    assert np.isfinite(found[:, [0, 2]]).all()


def table(coefficients, detail="", model="var"):
    n, k = coefficients.shape[:2]
    how = Conventions(model, "generalized", 250, 248, 2, 10, detail)
    days = pd.bdate_range("2025-01-27", periods=n)
    return Spillovers(tuple("abcdef"[:k]), days, np.full((n, k, k), 1 / k), np.full(n, 0.9), how)


def test_the_tables_of_bands_add_up_to_the_whole():
    coefficients, covariance = systems(5, seed=6)
    bands = by_band(table(coefficients), coefficients, covariance, (10.0, 40.0, 62.5))
    assert list(bands) == ["2 to 10", "10 to 40", "40 to 62.5", "over 62.5"]
    assert sum(band.shares for band in bands.values()).sum(axis=2) == pytest.approx(1, abs=1e-14)
    received = sum(band.from_others for band in bands.values())
    assert received.mean(axis=1) == pytest.approx(sum(band.total for band in bands.values()))
    for band in bands.values():
        assert band.net.sum(axis=1) == pytest.approx(0, abs=1e-14)
        assert list(band.dates) == list(table(coefficients).dates)


def test_a_band_says_which_it_is_and_of_what_model():
    coefficients, covariance = systems(1)
    of_var = by_band(table(coefficients), coefficients, covariance)["over 40"].conventions
    assert (of_var.model, of_var.horizon, of_var.detail) == ("band", 0, "periods over 40")
    other = table(coefficients, "quantile 0.05", "quantile_var")
    found = by_band(other, coefficients, covariance)["2 to 10"]
    assert found.conventions.detail == "periods 2 to 10, quantile_var of quantile 0.05"
    within = within_band(found).conventions.detail
    assert within == "periods 2 to 10, quantile_var of quantile 0.05, within the band"


def test_within_a_band_the_shares_sum_to_the_number_of_series():
    coefficients, covariance = systems(4, seed=8)
    for band in by_band(table(coefficients), coefficients, covariance).values():
        within = within_band(band)
        assert within.shares.sum(axis=(1, 2)) == pytest.approx(3, abs=1e-12)
        ratio = within.net / band.net
        assert ratio == pytest.approx(np.repeat(ratio[:, :1], 3, axis=1), rel=1e-9)


@pytest.mark.parametrize("periods", [(), (2.0,), (40.0, 10.0), (10.0, 10.0)])
def test_periods_that_do_not_ascend_are_refused(periods):
    with pytest.raises(ValueError, match="periods ascend from above 2 rows"):
        band_shares(*systems(), periods)


@needs_reference
def test_the_bands_of_peers_are_met_as_far_as_they_go():
    found = list(parity_bands.pairs())
    assert len(found) == 1 + 2 * 3 * 2 + 2
    for quantity, peer, _, ours, theirs, limit in found:
        assert ours == pytest.approx(theirs, rel=0, abs=limit), (quantity, peer)


@needs_reference
@pytest.mark.parametrize("size", parity_bands.SIZES)
@pytest.mark.parametrize("prefix", parity_bands.R_PEERS)
def test_bins_are_all_that_keeps_the_r_packages_apart_from_the_integral(prefix, size):
    binned = parity_bands.binned(size + 1, parity_bands.r_frequencies, *parity_bands.fitted())
    assert binned == pytest.approx(parity_bands.theirs(prefix, size), abs=1e-9)


@needs_reference
def test_bins_are_all_that_keeps_pyconnectedness_apart_from_the_integral():
    binned = parity_bands.binned(100, parity_bands.true_frequencies, *parity_bands.fitted())
    published = parity_bands.PYCONNECTEDNESS
    assert parity_bands.between(binned) == pytest.approx(published, abs=5.1e-7)


@needs_reference
def test_two_hundred_bins_count_a_bin_of_the_long_band_to_the_middle_one():
    size = 201
    said, true = parity_bands.r_frequencies(size), parity_bands.true_frequencies(size)
    edge = 2 * np.pi / 40
    assert np.flatnonzero((said >= edge) != (true >= edge)).tolist() == [5, 196]
    wrong, right = (
        parity_bands.between(parity_bands.binned(size, each, *parity_bands.fitted()))
        for each in (parity_bands.r_frequencies, parity_bands.true_frequencies)
    )
    assert wrong == pytest.approx([0.029219, 0.022040, 0.109664], abs=1e-6)
    # The bin holds half a point: with it the middle band is 0.3 too high, without it 0.2 too low.
    assert (wrong - right)[1:] == pytest.approx([0.005249, -0.005575], abs=1e-6)


@needs_reference
def test_bins_come_nearer_to_the_integral_the_more_they_are():
    exact = parity_bands.between(parity_bands.ours())
    for size in (100, 201, 1_000, 10_001, 100_000):
        bins = parity_bands.binned(size, parity_bands.true_frequencies, *parity_bands.fitted())
        assert np.abs(parity_bands.between(bins) - exact).max() < 0.6 / size


def volatilities(n=160, seed=2):
    random = np.random.default_rng(seed)
    rows = random.normal(0, 1, (n, 3)) + random.normal(0, 1, (n, 1))
    for t in range(1, n):
        rows[t] += 0.6 * rows[t - 1] + 0.2 * np.roll(rows[t - 1], 1)
    return pd.DataFrame(rows, pd.bdate_range("2024-01-02", periods=n), ["XLK", "XLU", "XLE"])


def test_bands_add_up_to_the_decomposition_of_all_rows():
    series = volatilities()
    bands = band_connectedness(series, lags=2).values()
    whole = connectedness(series, lags=2, horizon=400)
    assert sum(band.shares for band in bands) == pytest.approx(whole.shares, abs=1e-10)
    for band in bands:
        assert list(band.dates) == [series.index[-1]]
        assert band.spectral_radius == pytest.approx(whole.spectral_radius, abs=1e-10)
        assert (band.conventions.window, band.conventions.n_rows) == (160, 158)


@settings(max_examples=10, deadline=None)
@given(first=st.integers(99, 159), length=st.integers(0, 20), cut=st.integers(100, 160))
def test_some_dates_are_those_of_all_to_the_last_bit_whatever_follows(first, length, cut):
    series, last = volatilities(), min(first + length, 159)
    asked = {"window": 100, "lags": 2, "periods": (5.0, 20.0)}
    whole = band_connectedness(series, **asked)
    days = series.index
    some = band_connectedness(series, **asked, since=days[first], until=days[last])
    known = band_connectedness(series[:cut], **asked)
    for name, band in whole.items():
        assert (some[name].shares == band.shares[first - 99 : last - 98]).all()
        assert list(some[name].dates) == list(days[first : last + 1])
        assert (known[name].shares == band.shares[: cut - 99]).all()


def test_a_window_of_a_series_that_stands_still_is_missing_and_alone():
    series = volatilities()
    series.iloc[20:150, 2] = 1.0
    for band in band_connectedness(series, window=60).values():
        still = np.isnan(band.shares).all(axis=(1, 2))
        assert 60 <= still.sum() <= 75
        assert np.isfinite(band.shares[~still]).all()


def test_too_few_rows_are_refused_with_numbers():
    with pytest.raises(SeriesError, match="19 rows, at least 20 are needed for 4 lags of 3 series"):
        band_connectedness(volatilities(), lags=4, window=19)


@needs_reference
def test_the_volatilities_of_2012_have_the_published_bands():
    bands = band_connectedness(panel("ca_dy2012"), lags=4)
    totals = [band.total[0] for band in bands.values()]
    assert totals == pytest.approx([0.02902151813, 0.01912210191, 0.11277931340], abs=1e-10)


def test_no_window_gives_tables_without_rows():
    series = volatilities()
    for band in band_connectedness(series, window=100, since="2030-01-01").values():
        assert band.shares.shape == (0, 3, 3)
        assert band.measures().empty


def test_a_window_whose_integral_does_not_settle_is_missing_and_alone(monkeypatch):
    monkeypatch.setattr("selloff.spillover.bands.BISECTIONS", 2)
    coefficients, covariance = systems(3, lags=1, radius=0.3)
    coefficients[1] = np.diag([1 - 1e-9, 0.5, 0.2])
    found = band_shares(coefficients, covariance)
    assert np.isnan(found[:, 1]).all()
    assert np.isfinite(found[:, [0, 2]]).all()
