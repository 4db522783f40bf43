"""Granger networks: planted leaders are found, absent ones are not, and nobody looks ahead.

Figures of R are compared in the parity module; the plain regression here is numpy's `lstsq`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.event_study.multiplicity import benjamini_hochberg
from selloff.network._pairs import regressed
from selloff.network.granger import granger_network
from selloff.network.pair_tests import wald_p_values
from selloff.network.rolling_granger import rolling_granger
from selloff.series import SeriesError
from tests.selloff.network.reference import noise


def plain(values, source, target, lags, bandwidth):
    """Return Wald, F, sum of coefficients and its error of one pair, by the book."""
    n = len(values) - lags
    past = [
        [values[lags - lag : lags - lag + n, each] for lag in range(1, lags + 1)]
        for each in (target, source)
    ]
    own = np.column_stack([np.ones(n), *past[0]])
    x = np.column_stack([own, *past[1]])
    y = values[lags:, target]
    slopes = np.linalg.lstsq(x, y, rcond=None)[0]
    errors = y - x @ slopes
    restricted = y - own @ np.linalg.lstsq(own, y, rcond=None)[0]
    freedom = n - x.shape[1]
    f = (restricted @ restricted - errors @ errors) / lags / (errors @ errors / freedom)
    scores = x * errors[:, None]
    meat = scores.T @ scores
    for lag in range(1, bandwidth + 1):
        both = scores[lag:].T @ scores[:-lag]
        meat += (1 - lag / (bandwidth + 1)) * (both + both.T)
    inverse = np.linalg.inv(x.T @ x)
    spread = (inverse @ meat @ inverse)[-lags:, -lags:] * n / freedom
    last = slopes[-lags:]
    return last @ np.linalg.solve(spread, last), f, last.sum(), np.sqrt(spread.sum())


@given(st.integers(0, 50), st.integers(1, 3), st.integers(0, 6))
def test_each_pair_is_what_its_own_regression_says(seed, lags, bandwidth):
    series = noise(60, 3, seed)
    network = granger_network(series, lags=lags, bandwidth=bandwidth)
    for source in range(3):
        for target in range(3):
            found = [
                getattr(network, name)[source, target]
                for name in ("wald", "f", "coefficient", "standard_error")
            ]
            if source == target:
                assert np.isnan(found).all()
            else:
                expected = plain(series.to_numpy(), source, target, lags, bandwidth)
                assert found == pytest.approx(expected, rel=1e-7, abs=1e-9)


def worlds(n_worlds, n_rows, seed, kind="normal"):
    """Return independent worlds of six series without any lead."""
    random = np.random.default_rng(seed)
    if kind == "factor":
        market = random.standard_t(5, (n_worlds, n_rows, 1))
        return market + random.standard_t(5, (n_worlds, n_rows, 6))
    return random.normal(size=(n_worlds, n_rows, 6))


def adjusted(values, lags=1, bandwidth=5):
    n = values.shape[1] - lags
    wald = regressed(values, lags, bandwidth).wald
    return np.array([benjamini_hochberg(wald_p_values(w, n, lags, bandwidth)) for w in wald])


@pytest.mark.parametrize("kind", ["normal", "factor"])
def test_where_nobody_leads_a_link_is_found_hardly_more_often_than_the_rate_says(kind):
    # 5% in the limit, 6.6% with a year of sessions; 500 worlds have a standard error of a point.
    found = adjusted(worlds(500, 250, 11, kind)) <= 0.05
    assert 0.03 < found.any(axis=(1, 2)).mean() < 0.09
    long = adjusted(worlds(500, 1000, 16, kind)) <= 0.05
    assert long.any(axis=(1, 2)).mean() < 0.075


def test_the_chi_squared_of_the_textbooks_would_find_one_too_often():
    # With five lags in a year of sessions: in a quarter of all worlds without a lead.
    values = worlds(200, 250, 12)
    wald = regressed(values, 5, 5).wald
    limit = [benjamini_hochberg(wald_p_values(each, 10**9, 5, 5)) <= 0.05 for each in wald]
    ours = adjusted(values, lags=5) <= 0.05
    assert np.any(limit, axis=(1, 2)).mean() > 0.2
    assert ours.any(axis=(1, 2)).mean() < 0.6 * np.any(limit, axis=(1, 2)).mean()


def test_a_planted_leader_is_found_with_its_direction_sign_and_size():
    values = worlds(200, 250, 13)
    values[:, 1:, 2] += 0.4 * values[:, :-1, 0]
    values[:, 1:, 5] -= 0.4 * values[:, :-1, 3]
    found = adjusted(values) <= 0.05
    coefficients = regressed(values, 1, 5).coefficient
    for (source, target), size in {(0, 2): 0.4, (3, 5): -0.4}.items():
        assert found[:, source, target].mean() > 0.99
        assert coefficients[:, source, target].mean() == pytest.approx(size, abs=0.02)
        # The way back is no link but by chance.
        assert found[:, target, source].mean() < 0.03


def test_the_realised_false_discovery_rate_stays_at_the_rate():
    values = worlds(400, 250, 14)
    planted = np.zeros((6, 6), dtype=bool)
    for source, target in ((0, 1), (0, 2), (3, 4), (3, 5)):
        values[:, 1:, target] += 0.35 * values[:, :-1, source]
        planted[source, target] = True
    found = adjusted(values) <= 0.05
    false = (found & ~planted).sum(axis=(1, 2)) / np.maximum(found.sum(axis=(1, 2)), 1)
    assert false.mean() <= 0.05 + 3 * false.std() / 20
    assert found[:, planted].mean() > 0.95


def test_the_standard_error_is_the_spread_of_the_coefficient():
    found = regressed(worlds(600, 400, 15), 2, 5)
    spread = found.coefficient[:, 0, 1].std()
    assert np.sqrt((found.standard_error[:, 0, 1] ** 2).mean()) == pytest.approx(spread, rel=0.08)


@given(st.integers(0, 30), st.integers(20, 39), st.integers(1, 2))
def test_cutting_the_future_off_changes_no_window(seed, cut, lags):
    series = noise(40, 3, seed)
    known = rolling_granger(series.iloc[: cut + 1], 20, lags=lags, bandwidth=2)
    whole = rolling_granger(series, 20, lags=lags, bandwidth=2)
    for name in ("wald", "f", "adjusted_p_value", "coefficient", "standard_error"):
        ours, theirs = getattr(known, name), getattr(whole, name)
        np.testing.assert_array_equal(ours, theirs[: len(known)])


@given(st.integers(0, 30), st.integers(0, 39), st.integers(0, 39))
def test_windows_asked_for_are_the_same_to_the_last_bit(seed, one, other):
    series = noise(40, 3, seed)
    since, until = series.index[min(one, other)], series.index[max(one, other)]
    some = rolling_granger(series, 20, bandwidth=2, since=since, until=until).links()
    whole = rolling_granger(series, 20, bandwidth=2).links()
    expected = whole[whole["date"].between(since, until)].reset_index(drop=True)
    pd.testing.assert_frame_equal(some, expected, check_exact=True)


@settings(max_examples=20)
@given(st.integers(0, 30), st.integers(1, 3))
def test_each_window_is_the_network_of_its_rows(seed, lags):
    series = noise(34, 4, seed)
    groups = {"S0": "a", "S1": "a", "S2": "b", "S3": "b"}
    rolling = rolling_granger(series, 30, lags=lags, bandwidth=3)
    measures = rolling.measures(level=0.4, groups=groups)
    assert len(rolling) == len(measures) == 5
    for at, network in enumerate(rolling.networks(level=0.4, groups=groups)):
        rows = series.iloc[at : at + 30]
        alone = granger_network(rows, lags=lags, bandwidth=3, level=0.4, groups=groups)
        pd.testing.assert_frame_equal(network.links(), alone.links(), check_exact=True)
        row = measures.iloc[at]
        assert row["n_edges"] == alone.adjacency.sum()
        assert row["density"] == alone.density
        assert row["cross_group_share"] == pytest.approx(alone.cross_group_share, nan_ok=True)


@given(st.permutations(range(4)), st.floats(0.01, 100))
def test_neither_order_nor_unit_of_the_series_matters_for_who_leads(order, unit):
    series = noise(60, 4)
    turned = series.iloc[:, order] * unit
    known = granger_network(series).links().set_index(["source", "target"])
    found = granger_network(turned).links().set_index(["source", "target"]).loc[known.index]
    np.testing.assert_allclose(found["statistic"], known["statistic"], rtol=1e-8)
    np.testing.assert_allclose(found["coefficient"], known["coefficient"], rtol=1e-8)


def test_links_carry_the_direction_and_the_network_its_measures():
    series = noise(300, 3, seed=4)
    series.iloc[1:, 2] += 0.8 * series["S0"].to_numpy()[:-1]
    network = granger_network(series, groups={"S0": "US", "S1": "US", "S2": "CN"})
    found = network.links()
    assert found.columns.tolist() == [
        "source",
        "target",
        "statistic",
        "p_value",
        "adjusted_p_value",
        "coefficient",
        "standard_error",
        "n",
        "is_edge",
    ]
    assert len(found) == 6
    edge = found[found["is_edge"]]
    assert edge[["source", "target", "n"]].to_numpy().tolist() == [["S0", "S2", 299]]
    assert edge["coefficient"].iloc[0] == pytest.approx(0.8, abs=0.2)
    assert network.density == pytest.approx(1 / 6)
    assert network.cross_group_share == 1.0
    assert network.centralities()["out_degree"].tolist() == [1, 0, 0]
    assert np.isnan(granger_network(series).cross_group_share)


def test_windows_in_which_a_series_stands_still_lose_its_pairs_and_no_others():
    series = noise(60, 3)
    series.iloc[20:41, 1] = 0.004
    rolling = rolling_granger(series, 20, bandwidth=2)
    whole = rolling_granger(series[["S0", "S2"]], 20, bandwidth=2)
    # Lags of a window that ends at row t are rows t - 19 to t - 1.
    still = series.index[39:42]
    lost = rolling.measures()["n_tested"] == 2
    assert lost.index[lost].tolist() == still.tolist()
    for at, date in enumerate(rolling.dates):
        pairs = np.isfinite(rolling.wald[at])
        assert pairs[0, 2]
        assert pairs[2, 0]
        assert pairs[0, 1] == (date not in still)
    np.testing.assert_allclose(rolling.wald[:, 0, 2], whole.wald[:, 0, 1], rtol=1e-9)


def test_a_source_whose_lags_are_the_targets_own_says_nothing():
    series = noise(100, 2)
    series["copy"] = series["S0"].shift(1).fillna(0.0)
    network = granger_network(series, lags=2)
    place = network.names.index("copy")
    # Its two lags and the two own ones of S0 are three series, of which one is there twice.
    assert np.isnan(network.wald[place, 0])
    assert np.isfinite(network.wald[place, 1])
    assert not network.links().query("source == 'copy' and target == 'S0'")["is_edge"].any()


def test_a_prefilter_sees_one_window_at_a_time():
    series = noise(40, 2)
    seen = []

    def standardized(rows):
        seen.append(rows.copy())
        return rows / rows.std(axis=0)

    found = rolling_granger(series, 30, bandwidth=2, prefilter=standardized)
    assert [each.shape for each in seen] == [(30, 2)] * len(found)
    assert (seen[3] == series.to_numpy()[3:33]).all()
    plain_ones = rolling_granger(series, 30, bandwidth=2)
    np.testing.assert_allclose(found.wald, plain_ones.wald, rtol=1e-9)
    assert not np.allclose(found.coefficient, plain_ones.coefficient, equal_nan=True)


def test_the_rule_of_thumb_follows_the_rows():
    assert granger_network(noise(252, 2), bandwidth=None).bandwidth == 4
    assert granger_network(noise(275, 2), bandwidth=None).bandwidth == 5
    assert granger_network(noise(252, 2)).bandwidth == 5


def test_in_the_limit_the_p_value_is_chi_squareds():
    network = granger_network(noise(250, 3), lags=2)
    limit = wald_p_values(network.wald, 10**9, 2, 5)
    np.testing.assert_allclose(network.chi_squared_p_value, limit, rtol=1e-6)
    assert (network.p_value >= network.chi_squared_p_value)[~np.eye(3, dtype=bool)].all()


def test_what_cannot_be_estimated_is_refused_with_its_cause():
    series = noise(30, 3)
    with pytest.raises(SeriesError, match=r"24 rows, at least 25 .* 5 lags and a bandwidth of 5"):
        granger_network(series.head(24), lags=5)
    granger_network(series.head(25), lags=5)
    with pytest.raises(SeriesError, match=r"24 rows, at least 25 .* 5 lags and a bandwidth of 5"):
        rolling_granger(series, 24, lags=5)
    with pytest.raises(SeriesError, match="1 series, at least 2"):
        granger_network(series[["S0"]])
    with pytest.raises(SeriesError, match="S1 is missing"):
        granger_network(series.assign(S1=np.nan))
    with pytest.raises(ValueError, match="at least one lag is needed, not 0"):
        granger_network(series, lags=0)
    with pytest.raises(ValueError, match="bandwidth is at least 0, not -1"):
        granger_network(series, bandwidth=-1)
    with pytest.raises(ValueError, match="between 0 and 1, not 5"):
        granger_network(series, level=5)
    with pytest.raises(ValueError, match="S2 in no group"):
        granger_network(series, groups={"S0": "US", "S1": "US"})
