"""Delta-CoVaR against planted tails, plain recomputation and the errors of others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.quantile_regression import quantile_regression, quantile_standard_errors
from selloff.series import SeriesError
from selloff.tails.covar import (
    Resampling,
    delta_covar,
    delta_covar_given_states,
)
from selloff.tails.rolling_covar import rolling_delta_covar
from tests.selloff.tails.worlds import frame, noise


def tail_world(n=20_000, seed=3):
    """A system whose median moves 0.5 with the firm, and whose 5% quantile moves 2.

    y = 0.5 x + (1 + s x) (u - 1/2): the q-quantile has slope 0.5 + s (q - 1/2), 2 for s = -1.5/.45.
    """
    random = np.random.default_rng(seed)
    firm = random.uniform(-0.2, 0.2, n)
    system = 0.5 * firm + (1 - 1.5 / 0.45 * firm) * (random.uniform(0, 1, n) - 0.5)
    return frame(np.column_stack([firm, system]), ["firm", "system"])


def test_the_planted_slope_of_the_tail_is_found_and_that_of_the_median_is_not():
    found = delta_covar(tail_world(), "firm", "system")
    assert found.beta == pytest.approx(2.0, abs=0.05)
    assert found.value_at_risk == pytest.approx(-0.18, abs=0.005)
    assert found.delta_covar == pytest.approx(2.0 * -0.18, abs=0.015)
    assert found.covar == pytest.approx(-0.45 + 2.0 * -0.18, abs=0.015)
    assert found.p_value < 1e-10
    assert abs(found.delta_covar + 0.36) < 4 * found.standard_error


def test_the_regression_of_another_package_at_the_median_misses_the_tail():
    # R's SystemicR 0.1.0 fits its 95% system regression at tau = 1 - q_50, and takes firm i's
    # value at risk from column i of returns whose first column is the index.
    world = tail_world()
    x = np.column_stack([np.ones(len(world)), world["firm"]])
    theirs = quantile_regression(world["system"], x, 0.5)[1]
    assert theirs == pytest.approx(0.5, abs=0.05)
    assert delta_covar(world, "firm", "system").beta > 3 * theirs
    of_the_index = np.quantile(world["system"], 0.05)
    assert abs(of_the_index) > 2 * abs(delta_covar(world, "firm", "system").value_at_risk)


def test_states_of_which_the_firm_depends_move_its_value_at_risk():
    random = np.random.default_rng(8)
    n = 6_000
    fear = random.uniform(1, 3, n)
    firm = np.r_[0.0, fear[:-1]] * random.uniform(-0.01, 0.01, n)
    system = 0.7 * firm + 0.005 * random.uniform(-1, 1, n)
    series = frame(np.column_stack([firm, system]), ["firm", "system"])
    states = pd.DataFrame({"fear": fear}, series.index)
    found = delta_covar_given_states(series, states, "firm", "system")
    assert found.beta == pytest.approx(0.7, abs=0.02)
    assert found.gamma[0] == pytest.approx(0, abs=2e-4)
    np.testing.assert_allclose(found.value_at_risk, -0.009 * fear[:-1], atol=1.5e-3)
    np.testing.assert_allclose(found.median, 0, atol=1.5e-3)
    np.testing.assert_allclose(found.delta_covar, 0.7 * -0.009 * fear[:-1], atol=1.5e-3)
    assert (found.dates == series.index[1:]).all()


def test_states_are_those_of_the_row_before_and_no_later_one():
    series = noise(5, 120, 2)
    states = noise(6, 120, 3)
    lagged = delta_covar_given_states(series, states, "S0", "S1", 0.1)
    shifted = delta_covar_given_states(
        series.iloc[1:], states.shift(1).iloc[1:], "S0", "S1", 0.1, lag=0
    )
    np.testing.assert_array_equal(lagged.delta_covar, shifted.delta_covar)
    changed = states.copy()
    changed.iloc[-1] = 9.0
    again = delta_covar_given_states(series, changed, "S0", "S1", 0.1)
    np.testing.assert_array_equal(lagged.delta_covar, again.delta_covar)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 2]))
def test_a_rolling_covar_is_that_of_its_window_to_the_last_bit(seed, ticks):
    series = noise(seed, 70, 3, ticks)
    found = rolling_delta_covar(series, 40, 0.1)
    for place in range(0, 31, 5):
        for s, t in ((0, 1), (2, 0)):
            alone = delta_covar(series.iloc[place : place + 40], f"S{s}", f"S{t}", 0.1)
            assert alone.alpha == found.alpha[place, s, t]
            assert alone.beta == found.beta[place, s, t]
            assert alone.value_at_risk == found.value_at_risk[place, s]
            assert alone.median == found.median[place, s]
            assert alone.delta_covar == found.delta_covar[place, s, t]
    assert np.isnan(found.beta[:, [0, 1, 2], [0, 1, 2]]).all()


def test_rolling_errors_are_those_of_the_windows():
    series = noise(12, 80, 3)
    found = rolling_delta_covar(series, 60, 0.1, targets=["S2", "S0"], with_errors=True)
    for place in (0, 7, 20):
        alone = delta_covar(series.iloc[place : place + 60], "S1", "S0", 0.1)
        assert found.standard_error[place, 1, 1] == pytest.approx(alone.standard_error, rel=1e-11)
        assert found.p_value[place, 1, 1] == pytest.approx(alone.p_value, rel=1e-9)
    assert np.isnan(found.p_value[:, 2, 0]).all()
    without = rolling_delta_covar(series, 60, 0.1)
    assert np.isnan(without.standard_error).all()


def test_a_source_that_stands_still_in_a_window_has_no_covar_there():
    series = noise(13, 120, 2)
    series.iloc[20:80, 0] = 0.001
    found = rolling_delta_covar(series, 40, 0.1, with_errors=True)
    still = np.arange(81) >= 20
    still &= np.arange(81) <= 40
    np.testing.assert_array_equal(np.isnan(found.delta_covar[:, 0, 1]), still)
    np.testing.assert_array_equal(np.isnan(found.p_value[:, 0, 1]), still)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_the_future_changes_no_covar(seed, back):
    series = noise(seed, 100, 3)
    whole = rolling_delta_covar(series, 50, with_errors=True)
    cut = rolling_delta_covar(series.iloc[: 100 - back], 50, with_errors=True)
    np.testing.assert_array_equal(cut.delta_covar, whole.delta_covar[: len(cut.dates)])
    np.testing.assert_allclose(cut.p_value, whole.p_value[: len(cut.dates)], rtol=1e-13)


def test_standard_errors_are_the_spread_over_samples():
    random = np.random.default_rng(9)
    x = random.uniform(0, 1, (400, 600))
    y = x + (1 + x) * random.normal(size=(400, 600))
    columns = np.stack([np.ones_like(x), x], axis=-1)
    b = quantile_regression(y, columns, 0.1)
    errors = quantile_standard_errors(y, columns, b, 0.1)
    np.testing.assert_allclose(errors.mean(axis=0), b.std(axis=0), rtol=0.15)


def test_without_an_effect_few_p_values_are_small():
    random = np.random.default_rng(10)
    found = [
        delta_covar(frame(random.normal(0, 0.01, (500, 2))), "S0", "S1", 0.1).p_value
        for _ in range(200)
    ]
    assert np.mean(np.array(found) < 0.05) < 0.10


def test_drawing_rows_again_gives_an_error_of_the_same_size():
    series = tail_world(1_000)
    plain = delta_covar(series, "firm", "system")
    drawn = delta_covar(series, "firm", "system", resampling=Resampling(draws=199, block=1.0))
    assert drawn.delta_covar == plain.delta_covar
    assert drawn.standard_error == pytest.approx(plain.standard_error, rel=0.35)
    assert drawn.p_value == 2 / 200


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("S0", "S0"), "S0 is both source and target"),
        (("S0", "SPY"), "no series is named SPY; there are S0, S1"),
        (("S0", "S1", 0.001), r"200 rows, at least 1000 are needed for the quantile 0\.001"),
        (("S0", "S1", 5), "the quantile 5 does not lie between 0 and 1"),
    ],
)
def test_what_has_no_covar_is_refused_with_its_cause(arguments, cause):
    with pytest.raises(SeriesError, match=cause):
        delta_covar(noise(1, k=2), *arguments)


def test_states_of_other_dates_are_refused():
    series = noise(1, 100, 2)
    with pytest.raises(SeriesError, match="do not have the same dates"):
        delta_covar_given_states(series, series.iloc[1:], "S0", "S1")
    with pytest.raises(SeriesError, match="a lag of -1 rows would look ahead"):
        delta_covar_given_states(series, series, "S0", "S1", lag=-1)
