from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.series import SeriesError
from selloff.spillover.forgetting_filter import follow, initial_state
from selloff.spillover.priors import Prior, least_squares, minnesota, uninformative
from tests.selloff.spillover.plain_filter import textbook

NAMES = ["XLK", "XLU", "XLE"]


def returns(n=120, seed=1, scale=0.01, k=3):
    """Draw k series that follow one another, in fractions."""
    random = np.random.default_rng(seed)
    rows = random.normal(0, scale, (n, k)) @ np.linalg.cholesky(0.5 + 0.5 * np.eye(k)).T
    for t in range(1, n):
        rows[t] += 0.3 * np.roll(rows[t - 1], 1)
    return pd.DataFrame(rows, pd.bdate_range("2024-01-02", periods=n), NAMES[:k])


def assert_equal_states(ours, theirs):
    for field in ("coefficients", "coefficient_covariance", "error_covariance", "recent"):
        assert (getattr(ours, field) == getattr(theirs, field)).all()
    assert (ours.date, ours.n_rows) == (theirs.date, theirs.n_rows)


@pytest.mark.parametrize("lags", [1, 2, 3])
@pytest.mark.parametrize("make", [minnesota, uninformative, least_squares])
def test_the_filter_is_the_textbooks(lags, make):
    series = returns()
    prior = make(series.to_numpy()[:60], lags)
    path = follow(series, initial_state(series, training=60, lags=lags, prior=prior))
    steps = textbook(series.to_numpy(), prior, (0.99, 0.96))
    assert path.coefficients == pytest.approx(np.array([b for b, _, _ in steps]), abs=1e-10)
    assert path.error_covariance == pytest.approx(np.array([q for *_, q in steps]), abs=1e-16)
    assert path.state.coefficient_covariance == pytest.approx(steps[-1][1] / 0.99, abs=1e-10)


@settings(max_examples=12, deadline=None)
@given(
    cut=st.integers(61, 119),
    lags=st.integers(1, 2),
    prior=st.sampled_from(["minnesota", "uninformative", "least_squares"]),
    seed=st.integers(0, 99),
)
def test_what_comes_later_changes_nothing(cut, lags, prior, seed):
    series = returns(seed=seed)
    later = series.copy()
    later.iloc[cut:] *= -7
    given_rows = {"training": 60, "lags": lags, "prior": prior}
    whole = follow(series, initial_state(series, **given_rows))
    for other in (series[:cut], later):
        path = follow(other, initial_state(other, **given_rows))
        assert (path.coefficients[:cut] == whole.coefficients[:cut]).all()
        assert (path.error_covariance[:cut] == whole.error_covariance[:cut]).all()
        assert (path.spectral_radius[:cut] == whole.spectral_radius[:cut]).all()


@settings(max_examples=12, deadline=None)
@given(cuts=st.lists(st.integers(0, 120), max_size=4), lags=st.integers(1, 3))
def test_a_filter_that_stops_goes_on_to_the_last_bit(cuts, lags):
    series = returns()
    whole = follow(series, initial_state(series, training=60, lags=lags))
    state = initial_state(series, training=60, lags=lags)
    parts = []
    for first, last in zip([0, *sorted(cuts)], [*sorted(cuts), 120], strict=True):
        path = follow(series[first:last], state)
        parts.append(path.coefficients)
        state = path.state
    assert (np.concatenate(parts) == whole.coefficients).all()
    assert_equal_states(state, whole.state)


def test_rows_the_state_has_seen_are_passed_over():
    series = returns()
    state = follow(series[:100], initial_state(series, training=60)).state
    of_all, of_new = follow(series, state), follow(series[100:], state)
    assert list(of_all.dates) == list(series.index[100:])
    assert_equal_states(of_all.state, of_new.state)
    assert not len(follow(series[:100], state).dates)
    assert_equal_states(follow(series[:100], state).state, state)


def test_a_state_that_was_handed_in_is_not_changed():
    series = returns()
    state = initial_state(series, training=60)
    before = {field: np.copy(getattr(state, field)) for field in ("recent", "error_covariance")}
    assert (follow(series, state).coefficients == follow(series, state).coefficients).all()
    for field, value in before.items():
        assert (getattr(state, field) == value).all()


def test_the_coefficients_covariance_stays_symmetric_to_the_last_bit():
    series = returns(600)
    found = follow(series, initial_state(series, training=60)).state.coefficient_covariance
    assert (found == found.T).all()
    assert np.linalg.eigvalsh(found).min() > 0


def test_one_covariance_of_the_coefficients_is_held_and_not_that_of_every_row():
    series = returns(1500, k=3)
    state = initial_state(series, training=60, lags=4)
    tracemalloc.start()
    path = follow(series, state)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    of_every_row = 1500 * path.state.coefficient_covariance.nbytes
    assert peak < 0.2 * of_every_row


@pytest.mark.parametrize("prior", ["minnesota", "least_squares"])
def test_the_unit_of_a_series_changes_no_coefficient_but_by_that_unit(prior):
    series = returns()
    units = np.array([1.0, 100.0, 0.001])
    plain = follow(series, initial_state(series, training=60, prior=prior))
    scaled = follow(series * units, initial_state(series * units, training=60, prior=prior))
    expected = plain.coefficients * (units[:, None] / units)
    assert scaled.coefficients == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_constant_coefficients_are_found_when_nothing_is_forgotten():
    series = returns(4000)
    whole = initial_state(series, training=400, forgetting=(1.0, 0.999))
    found = follow(series, whole).coefficients[-1]
    assert found == pytest.approx(0.3 * np.roll(np.eye(3), 1, axis=0), abs=0.04)


def test_coefficients_that_change_are_followed():
    series = returns(1000)
    broken = series.copy()
    quiet = np.random.default_rng(5).normal(0, 0.01, (500, 3))
    broken.iloc[500:] = quiet
    path = follow(broken, initial_state(broken, training=250))
    assert path.coefficients[499, 1, 0] > 0.15
    assert abs(path.coefficients[-1, 1, 0]) < 0.15


def test_coefficients_that_would_explode_are_flagged_and_not_published():
    rows = np.random.default_rng(2).normal(0, 1, (80, 2))
    rows[60:] = 1.3 ** np.arange(20)[:, None] * [1.0, 2.0]
    series = pd.DataFrame(rows, columns=NAMES[:2])
    path = follow(series, initial_state(series, training=50))
    exploded = np.flatnonzero(path.spectral_radius > 1)
    assert len(exploded)
    for place in exploded:
        assert (path.coefficients[place] == path.coefficients[place - 1]).all()
    assert np.isfinite(path.coefficients).all()
    first = exploded[0]
    before = follow(series[:first], initial_state(series, training=50)).state
    after = follow(series[: first + 1], initial_state(series, training=50)).state
    assert (after.coefficients == 0.99 * before.coefficients).all()


def test_a_filter_needs_no_training_where_a_prior_is_given():
    series = returns(20)
    prior = Prior(np.zeros(3), np.zeros((3, 3)), 0.1 * np.eye(9), 1e-4 * np.eye(3))
    path = follow(series, initial_state(series, training=0, prior=prior))
    assert path.state.label == "given"
    assert len(path.dates) == 20


@pytest.mark.parametrize(
    ("given_rows", "message"),
    [
        ({"training": 3}, "3 training rows, at least 4 are needed for 1 lags of 3 series"),
        ({"training": 9, "lags": 2, "prior": "least_squares"}, "9 training rows, at least 10"),
        ({"training": 200}, "120 rows, at least 200"),
        ({"training": 60, "prior": "flat"}, "no prior is named flat"),
        ({"training": 60, "forgetting": (0.99, 1.2)}, "forgetting factors lie in"),
        ({"training": 60, "lags": 0}, "0 lags"),
    ],
)
def test_what_cannot_be_filtered_is_refused_with_numbers(given_rows, message):
    with pytest.raises(ValueError, match=message):
        initial_state(returns(), **given_rows)


def test_priors_of_another_shape_are_refused():
    prior = uninformative(returns().to_numpy(), 2)
    with pytest.raises(ValueError, match="the prior has 2 lags, the model 1"):
        initial_state(returns(), training=0, prior=prior)
    with pytest.raises(ValueError, match="the prior has 3 series, the frame 2"):
        initial_state(returns(k=2), training=0, lags=2, prior=prior)
    with pytest.raises(ValueError, match=r"3 series cannot have coefficients \(3, 4\)"):
        Prior(np.zeros(3), np.zeros((3, 4)), np.eye(12), np.eye(3))
    with pytest.raises(ValueError, match="error covariance of shape"):
        Prior(np.zeros(3), np.zeros((3, 3)), np.eye(9), np.eye(2))


def test_a_column_unfit_in_the_training_block_is_named():
    series = returns()
    series.iloc[:60, 1] = 0.0
    with pytest.raises(SeriesError, match="XLU is constant"):
        initial_state(series, training=60)


def test_a_value_missing_later_is_named():
    series = returns()
    state = initial_state(series, training=60)
    series.iloc[100, 2] = np.nan
    with pytest.raises(SeriesError, match="XLE is missing or infinite in 1 of 120 rows, first on"):
        follow(series, state)


def test_rows_of_other_series_or_out_of_order_are_refused():
    series = returns()
    state = initial_state(series, training=60)
    with pytest.raises(SeriesError, match="the state is of"):
        follow(series[["XLU", "XLK", "XLE"]], state)
    with pytest.raises(SeriesError, match="not in ascending order"):
        follow(series[::-1], state)


def test_a_forecast_without_an_invertible_covariance_is_named():
    series = returns().assign(XLU=0.0)
    prior = Prior(np.zeros(3), np.zeros((3, 3)), np.zeros((9, 9)), np.diag([1e-4, 0.0, 1e-4]))
    with pytest.raises(SeriesError, match=r"2024-01-03.* of XLU have the least variance, 0$"):
        follow(series, initial_state(series, training=0, prior=prior))
