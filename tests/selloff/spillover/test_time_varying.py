from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.series import SeriesError
from selloff.spillover.decompositions import decomposed
from selloff.spillover.forgetting_filter import follow, initial_state
from selloff.spillover.priors import least_squares
from selloff.spillover.time_varying import (
    path_bands,
    path_connectedness,
    time_varying_connectedness,
)
from tests.selloff.spillover import parity_time_varying as parity
from tests.selloff.spillover.parity_connectedness import expected, panel
from tests.selloff.spillover.reference import needs_reference


def returns(n=150, seed=1, k=3):
    random = np.random.default_rng(seed)
    rows = random.normal(0, 0.01, (n, k)) + random.normal(0, 0.01, (n, 1))
    return pd.DataFrame(rows, pd.bdate_range("2024-01-02", periods=n), list("abcdef")[:k])


@settings(max_examples=12, deadline=None)
@given(
    cut=st.integers(70, 149),
    lags=st.integers(1, 2),
    horizon=st.integers(1, 20),
    prior=st.sampled_from(["minnesota", "uninformative", "least_squares"]),
)
def test_rows_to_come_change_no_published_number(cut, lags, horizon, prior):
    series = returns()
    asked = {"training": 60, "lags": lags, "horizon": horizon, "prior": prior}
    whole = time_varying_connectedness(series, **asked)
    known = time_varying_connectedness(series[:cut], **asked)
    assert (known.shares == whole.shares[: cut - 59]).all()
    assert (known.spectral_radius == whole.spectral_radius[: cut - 59]).all()
    assert list(known.dates) == list(series.index[59:cut])


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(0, 150), max_size=4))
def test_shares_go_on_from_a_state_to_the_last_bit(cuts):
    series = returns()
    whole = time_varying_connectedness(series, training=60)
    state = initial_state(series, training=60)
    parts = []
    for cut in [*sorted(cuts), 150]:
        path = follow(series[:cut], state)
        parts.append(path_connectedness(path))
        state = path.state
    assert (np.concatenate([part.shares for part in parts]) == whole.shares).all()
    assert np.concatenate([part.dates for part in parts]).tolist() == whole.dates.tolist()


def test_each_row_of_shares_sums_to_one():
    found = time_varying_connectedness(returns(), training=60, lags=2)
    assert found.shares.sum(axis=2) == pytest.approx(1.0, abs=1e-14)
    assert found.is_stable.all()
    assert found.names == ("a", "b", "c")


@pytest.mark.parametrize("decomposition", ["orthogonalized", "joint", "extended_joint"])
def test_other_decompositions_are_those_of_the_same_coefficients(decomposition):
    series = returns()
    found = time_varying_connectedness(series, training=60, decomposition=decomposition)
    path = follow(series, initial_state(series, training=60))
    last = decomposed(path.coefficients[-1:], path.error_covariance[-1:], 10, decomposition)
    assert (found.shares[-1] == last[0]).all()
    assert found.conventions.decomposition == decomposition


def test_the_conventions_say_what_was_done():
    how = time_varying_connectedness(returns(), training=60, horizon=12).conventions
    assert (how.model, how.window, how.lags, how.horizon) == ("tvp_var", 0, 1, 12)
    assert how.detail == "forgetting 0.99 and 0.96, minnesota prior, 60 training rows"


def test_a_sell_off_that_ties_series_together_shows_within_weeks():
    series = returns(400, k=4)
    random = np.random.default_rng(9)
    series.iloc[300:] = random.normal(0, 0.03, (100, 1)) + random.normal(0, 0.004, (100, 4))
    total = time_varying_connectedness(series, training=200).total
    assert total[:100].max() < 0.6
    assert total[120:].min() > 0.68


def test_a_shorter_frame_than_the_training_block_is_refused():
    with pytest.raises(SeriesError, match="59 rows, at least 60 are needed"):
        time_varying_connectedness(returns(59), training=60)


@needs_reference
def test_the_peer_is_met_on_every_row_where_its_look_ahead_is_handed_in():
    found = list(parity.pairs())
    assert len(found) == 4 * 4 + 4
    for quantity, _, _, ours, theirs, limit in found:
        assert ours == pytest.approx(theirs, rel=0, abs=limit), quantity


@needs_reference
def test_the_peers_prior_is_least_squares_without_the_unit_of_the_errors():
    values = panel("ca_acg2020").to_numpy()[:199]
    ours = least_squares(values, 1, widening=1.0)
    coefficients, big, errors = (
        expected(f"ca_acg2020_bayesprior199_{part}.csv.gz").to_numpy() for part in "bVQ"
    )
    assert ours.coefficients.ravel() == pytest.approx(coefficients.ravel(), abs=1e-12)
    assert ours.error_covariance == pytest.approx(errors, abs=1e-12)
    assert ours.coefficient_covariance == pytest.approx(np.kron(errors, big[:4, :4]), abs=1e-15)


def test_the_peers_prior_gives_other_shares_in_percent_than_in_fractions_and_ours_the_same():
    series = returns()
    theirs, ours = [], []
    for unit in (1.0, 100.0):
        frame = series * unit
        found = least_squares(frame.to_numpy()[:60], 1)
        inverse_of_squares = found.coefficient_covariance[:3, :3] / found.error_covariance[0, 0] / 4
        prior = replace(found, coefficient_covariance=np.kron(np.eye(3), inverse_of_squares))
        asked = {"training": 60, "prior": prior}
        theirs.append(time_varying_connectedness(frame, **asked).total)
        ours.append(time_varying_connectedness(frame, training=60, prior="least_squares").total)
    assert np.abs(theirs[0] - theirs[1]).max() > 0.01
    assert ours[0] == pytest.approx(ours[1], abs=1e-12)


@needs_reference
def test_the_peer_looks_ahead_and_we_do_not():
    series = panel("ca_acg2020")
    ahead = parity.peers_way("minn01_k99_96", series).total[299]
    known = parity.peers_way("minn01_k99_96", series[:300]).total[-1]
    assert (ahead, known) == pytest.approx((0.48669, 0.48805), abs=5e-6)
    ours = time_varying_connectedness(series, training=200, horizon=12).total[100]
    cut = time_varying_connectedness(series[:300], training=200, horizon=12).total[-1]
    assert ours == cut


@needs_reference
def test_what_the_training_block_says_is_soon_forgotten():
    series = panel("ca_acg2020")
    theirs = expected("ca_acg2020_tvp_minn01_k99_96_H12.csv.gz")["TCI"].to_numpy() / 100
    ours = time_varying_connectedness(series, training=200, horizon=12).total
    assert np.abs(ours - theirs[199:]).max() < 0.02


@pytest.mark.parametrize("prior", ["minnesota", "uninformative", "least_squares"])
def test_the_order_of_the_series_changes_nothing(prior):
    series = returns()
    asked = {"training": 60, "lags": 2, "prior": prior}
    plain = time_varying_connectedness(series, **asked)
    turned = time_varying_connectedness(series[["c", "a", "b"]], **asked)
    order = [2, 0, 1]
    assert turned.shares == pytest.approx(plain.shares[:, order][:, :, order], abs=1e-10)


def test_nothing_is_published_before_the_training_block_ends():
    series = returns()
    path = follow(series[:59], initial_state(series, training=60))
    assert path_connectedness(path).shares.shape == (0, 3, 3)
    assert list(path_connectedness(follow(series[:60], path.state)).dates) == [series.index[59]]
    assert all(not len(band.dates) for band in path_bands(path).values())
