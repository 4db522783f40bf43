"""GJR-GARCH(1,1): known recursions, known truths, and what a fit may not depend on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.series import SeriesError
from selloff.tails._gjr import Likelihood
from selloff.tails.gjr import Gjr, fit_gjr, gjr_log_likelihood, gjr_variances

TRUTH = Gjr(0.0004, 3e-6, 0.03, 0.12, 0.88, 1e-4)


def simulated(n_rows, seed=0, truth=TRUTH):
    """Return a frame of one series that has the parameters of the truth."""
    rng = np.random.default_rng(seed)
    residuals, variance = np.empty(n_rows), truth.first_variance
    for row in range(n_rows):
        residuals[row] = np.sqrt(variance) * rng.standard_normal()
        weight = truth.alpha + truth.gamma * (residuals[row] < 0)
        variance = truth.omega + weight * residuals[row] ** 2 + truth.beta * variance
    days = pd.bdate_range("2015-01-02", periods=n_rows)
    return pd.DataFrame({"XLF": truth.mean + residuals}, days)


def test_a_fall_raises_the_variance_of_the_next_session_by_gamma():
    frame = pd.DataFrame({"XLF": [0.02, -0.02, 0.0]})
    rules = Gjr(0.0, 1e-6, 0.05, 0.1, 0.9, 1e-4)
    after_rise = 1e-6 + 0.05 * 4e-4 + 0.9 * 1e-4
    after_fall = 1e-6 + 0.15 * 4e-4 + 0.9 * after_rise
    expected = [1e-4, after_rise, after_fall, 1e-6 + 0.9 * after_fall]
    np.testing.assert_allclose(gjr_variances(frame, {"XLF": rules})[:, 0], expected, rtol=1e-14)


def test_the_likelihood_is_that_of_normal_densities():
    from scipy.stats import norm

    frame = simulated(50)
    sigma = np.sqrt(gjr_variances(frame, {"XLF": TRUTH})[:-1, 0])
    expected = norm.logpdf(frame["XLF"], TRUTH.mean, sigma).sum()
    assert gjr_log_likelihood(frame, {"XLF": TRUTH})[0] == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("is_backcast", [True, False])
def test_the_scores_are_the_slopes_of_the_likelihood(is_backcast):
    returns = simulated(300)["XLF"].to_numpy() * 100
    likelihood = Likelihood(returns, is_backcast=is_backcast)
    theta = np.array([0.05, 0.04, 0.06, 0.2, 0.8])
    for place in range(5):
        step = np.zeros(5)
        step[place] = 1e-6
        slope = (likelihood.at(theta + step).rows - likelihood.at(theta - step).rows) / 2e-6
        np.testing.assert_allclose(likelihood.at(theta).scores[:, place], slope, atol=2e-7)


def test_the_parameters_that_made_a_long_series_are_found_again():
    fitted = fit_gjr(simulated(20_000))["XLF"]
    found, errors = fitted.parameters, fitted.standard_errors
    assert fitted.is_converged
    assert not fitted.is_ambiguous
    for name, error in errors.items():
        assert abs(getattr(found, name) - getattr(TRUTH, name)) < 3 * error, name
    assert errors["beta"] < 0.01


def test_standard_errors_are_the_spread_over_samples():
    fits = [fit_gjr(simulated(3_000, seed))["XLF"] for seed in range(60)]
    for name in ("mean", "alpha", "gamma", "beta"):
        spread = np.std([getattr(each.parameters, name) for each in fits], ddof=1)
        typical = np.median([each.standard_errors[name] for each in fits])
        assert typical == pytest.approx(spread, rel=0.3), name


def test_a_fit_does_not_depend_on_the_unit_of_the_returns():
    frame = simulated(600)
    one, hundred = fit_gjr(frame)["XLF"], fit_gjr(100 * frame)["XLF"]
    assert hundred.parameters.beta == pytest.approx(one.parameters.beta, rel=1e-9)
    assert hundred.parameters.omega == pytest.approx(1e4 * one.parameters.omega, rel=1e-9)
    shift = 600 * np.log(100)
    assert hundred.log_likelihood == pytest.approx(one.log_likelihood - shift, rel=1e-12)
    assert hundred.standard_errors["mean"] == pytest.approx(
        100 * one.standard_errors["mean"], rel=1e-6
    )


@pytest.mark.parametrize("presample", ["backcast", "sample"])
def test_the_likelihood_of_a_fit_is_that_of_its_parameters(presample):
    frame = simulated(700)
    fitted = fit_gjr(frame, presample=presample)["XLF"]
    again = gjr_log_likelihood(frame, {"XLF": fitted.parameters})[0]
    assert again == pytest.approx(fitted.log_likelihood, rel=1e-12)


def test_no_neighbour_is_more_likely_than_the_fit():
    frame = simulated(900)
    fitted = fit_gjr(frame, presample="sample")["XLF"]
    likelihood = Likelihood(frame["XLF"].to_numpy(), is_backcast=False)
    found = fitted.parameters
    theta = np.array([found.mean, found.omega, found.alpha, found.alpha + found.gamma, found.beta])
    rng = np.random.default_rng(2)
    for size in (1e-2, 1e-3, 1e-4):
        for _ in range(20):
            near = theta * (1 + size * rng.standard_normal(5))
            assert likelihood.at(near).rows.sum() <= fitted.log_likelihood + 1e-8


def test_a_series_without_clusters_has_a_parameter_on_its_bound_and_no_error_for_it():
    rng = np.random.default_rng(0)
    fitted = fit_gjr(pd.DataFrame({"XLU": rng.normal(0, 0.01, 2_000)}))["XLU"]
    found, errors = fitted.parameters, fitted.standard_errors
    assert found.alpha + found.gamma < 1e-6
    assert np.isnan(errors["gamma"])
    assert errors["alpha"] > 0
    assert fitted.standard_errors["mean"] == pytest.approx(0.01 / np.sqrt(2_000), rel=0.05)


def test_at_a_persistence_of_one_errors_hold_along_the_bound():
    frame = simulated(1_500, 3, Gjr(0.0, 1e-6, 0.08, 0.06, 0.9, 1e-4))
    fitted = fit_gjr(frame)["XLF"]
    assert fitted.parameters.persistence == pytest.approx(1, abs=1e-9)
    assert np.isfinite(list(fitted.standard_errors.values())).all()


def test_short_series_are_ambiguous_and_say_so():
    flags = [fit_gjr(simulated(100, seed))["XLF"].is_ambiguous for seed in range(30)]
    assert 0.1 < np.mean(flags) < 0.7
    assert not any(fit_gjr(simulated(2_000, seed))["XLF"].is_ambiguous for seed in range(5))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-0.3, 0.3).map(lambda x: round(x, 6)), min_size=3, max_size=80, unique=True),
    st.integers(2, 79),
)
def test_what_came_later_changes_no_variance(returns, cut):
    frame = pd.DataFrame({"XLF": returns})
    whole = gjr_variances(frame, {"XLF": TRUTH})
    if 2 <= cut < len(frame):
        np.testing.assert_array_equal(
            gjr_variances(frame.iloc[:cut], {"XLF": TRUTH}), whole[: cut + 1]
        )


def test_the_same_rows_give_the_same_fit():
    frame = simulated(300)
    assert repr(fit_gjr(frame)) == repr(fit_gjr(frame))


def test_each_series_is_fitted_by_itself():
    pair = pd.concat([simulated(400), simulated(400, 1).rename(columns={"XLF": "XLK"})], axis=1)
    assert repr(fit_gjr(pair)["XLK"]) == repr(fit_gjr(pair[["XLK"]])["XLK"])


def test_too_few_rows_are_refused_with_numbers():
    with pytest.raises(SeriesError, match="99 rows, at least 100 are needed"):
        fit_gjr(simulated(99))


def test_an_unknown_presample_is_refused():
    with pytest.raises(ValueError, match="'backcast' or 'sample', not 'zero'"):
        fit_gjr(simulated(200), presample="zero")
