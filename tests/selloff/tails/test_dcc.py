"""Dynamic conditional correlations: recursions, known truths, and what was known at a close."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.series import SeriesError
from selloff.tails._correlations import Correlations
from selloff.tails.dcc import Dcc, conditional_betas, dcc_path, fit_dcc
from selloff.tails.gjr import Gjr

CALM = Gjr(0.0003, 2e-6, 0.02, 0.1, 0.9, 1e-4)
WILD = Gjr(0.0001, 6e-6, 0.05, 0.08, 0.88, 4e-4)
HALF = np.array([[1.0, 0.5], [0.5, 1.0]])
PAIR = Dcc(("SPY", "XLF"), (CALM, WILD), 0.06, 0.9, HALF, HALF)


def simulated(n_rows, seed=0, truth=PAIR):
    """Return a frame of returns that the truth made, session by session."""
    rng = np.random.default_rng(seed)
    k = len(truth.names)
    returns, quasi = np.empty((n_rows, k)), truth.first
    variances = np.array([each.first_variance for each in truth.margins])
    for row in range(n_rows):
        scales = np.sqrt(np.diag(quasi))
        drawn = np.linalg.cholesky(quasi / np.outer(scales, scales)) @ rng.standard_normal(k)
        residuals = np.sqrt(variances) * drawn
        returns[row] = [each.mean for each in truth.margins] + residuals
        variances = np.array(
            [
                each.omega
                + (each.alpha + each.gamma * (residual < 0)) * residual**2
                + each.beta * variance
                for each, residual, variance in zip(
                    truth.margins, residuals, variances, strict=True
                )
            ]
        )
        news = truth.news * np.outer(drawn, drawn)
        quasi = (1 - truth.news - truth.decay) * truth.target + news + truth.decay * quasi
    return pd.DataFrame(returns, pd.bdate_range("2010-01-04", periods=n_rows), list(truth.names))


def of_seven():
    """Return parameters of seven series with different margins and targets."""
    loads = np.linspace(0.3, 0.9, 7)
    target = np.outer(loads, loads) + np.diag(1 - loads**2)
    margins = [Gjr(0.0, 1e-6 * (1 + i), 0.02, 0.05 + 0.01 * i, 0.9, 1e-4) for i in range(7)]
    return Dcc(tuple("ABCDEFG"), tuple(margins), 0.03, 0.94, target, target)


def test_quasi_correlations_follow_the_recursion_of_the_paper():
    frame = simulated(40)
    path = dcc_path(frame, PAIR)
    expected = HALF
    for row in range(40):
        np.testing.assert_allclose(path.quasi_correlations[row], expected, rtol=1e-13)
        moved = 0.06 * np.outer(path.residuals[row], path.residuals[row])
        expected = 0.04 * HALF + moved + 0.9 * expected
    np.testing.assert_allclose(path.quasi_correlations[40], expected, rtol=1e-13)


def test_the_second_stage_is_the_density_of_correlated_normals():
    from scipy.stats import multivariate_normal, norm

    truth = of_seven()
    frame = simulated(30, truth=truth)
    path = dcc_path(frame, truth)
    second = Correlations(path.residuals, truth.target, None)
    joint = [
        multivariate_normal.logpdf(drawn, cov=correlations)
        for drawn, correlations in zip(path.residuals, path.correlations, strict=False)
    ]
    expected = np.array(joint) - norm.logpdf(path.residuals).sum(axis=1)
    np.testing.assert_allclose(second.rows(truth.news, truth.decay), expected, rtol=1e-11)


def test_the_joint_likelihood_is_that_of_the_returns():
    from scipy.stats import multivariate_normal

    frame = simulated(300)
    fitted = fit_dcc(frame)
    path = dcc_path(frame, fitted.parameters)
    sigmas = np.sqrt(path.variances)
    means = [each.mean for each in fitted.parameters.margins]
    expected = sum(
        multivariate_normal.logpdf(returns, means, correlations * np.outer(sigma, sigma))
        for returns, correlations, sigma in zip(
            frame.to_numpy(), path.correlations, sigmas, strict=False
        )
    )
    assert fitted.log_likelihood == pytest.approx(expected, rel=1e-12)


def test_news_and_decay_that_made_long_series_are_found_again():
    fitted = fit_dcc(simulated(8_000))
    assert fitted.is_converged
    for name, truth in (("news", 0.06), ("decay", 0.9)):
        error = fitted.standard_errors[name]
        assert abs(getattr(fitted.parameters, name) - truth) < 3 * error
        assert error < 0.02


def test_standard_errors_are_the_spread_over_samples():
    margins = dict(zip(PAIR.names, PAIR.margins, strict=True))
    fits = [fit_dcc(simulated(2_000, seed), margins=margins, target=HALF) for seed in range(40)]
    for name in ("news", "decay"):
        spread = np.std([getattr(each.parameters, name) for each in fits], ddof=1)
        typical = np.median([each.standard_errors[name] for each in fits])
        assert typical == pytest.approx(spread, rel=0.35)


def test_every_series_returns_to_its_own_target():
    # SystemicRisk (f5e9b48) gives every series the variance of the first as its target.
    frame = simulated(3_000)
    found = fit_dcc(frame).parameters
    np.testing.assert_array_equal(np.diag(found.target), [1.0, 1.0])
    long_run = [each.omega / (1 - each.persistence) for each in found.margins]
    np.testing.assert_allclose(long_run, frame.var(), rtol=0.25)
    assert long_run[1] > 2 * long_run[0]


def test_constant_correlations_have_no_news():
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(rng.normal(0, 0.01, (3_000, 2)) @ np.linalg.cholesky(HALF).T)
    fitted = fit_dcc(frame)
    assert fitted.parameters.news < 0.02
    path = dcc_path(frame, fitted.parameters).correlations[:, 0, 1]
    assert np.abs(path - 0.5).max() < 0.12


@pytest.mark.parametrize("size", [1e-2, 1e-3])
def test_no_neighbour_is_more_likely_than_the_fit(size):
    frame = simulated(1_200, 2)
    fitted = fit_dcc(frame)
    residuals = dcc_path(frame, fitted.parameters).residuals
    second = Correlations(residuals, fitted.parameters.target, None)
    found = np.array([fitted.parameters.news, fitted.parameters.decay])
    best = second.rows(*found).sum()
    for angle in np.linspace(0, 2 * np.pi, 16):
        near = found * (1 + size * np.array([np.cos(angle), np.sin(angle)]))
        assert second.rows(*near).sum() <= best + 1e-9


def test_correlations_stay_correlations():
    path = dcc_path(simulated(500, truth=of_seven()), of_seven()).correlations
    np.testing.assert_allclose(np.einsum("tii->ti", path), 1.0, rtol=1e-14)
    assert np.linalg.eigvalsh(path).min() > 0


def test_a_beta_is_the_correlation_in_units_of_the_two_sigmas_of_the_session_to_come():
    frame = simulated(60)
    path = dcc_path(frame, PAIR)
    sigmas = np.sqrt(path.variances)
    expected = path.correlations[1:, 1, 0] * sigmas[1:, 1] / sigmas[1:, 0]
    betas = conditional_betas(frame, PAIR, "SPY")
    assert list(betas) == ["XLF"]
    np.testing.assert_allclose(betas["XLF"], expected, rtol=1e-13)
    pd.testing.assert_index_equal(betas.index, frame.index)


def test_conditional_betas_follow_the_truth_when_it_changes():
    rng = np.random.default_rng(0)
    market = rng.normal(0, 0.01, 3_000)
    beta = np.repeat([0.4, 1.6], 1_500)
    frame = pd.DataFrame({"SPY": market, "XLF": beta * market + rng.normal(0, 0.006, 3_000)})
    found = conditional_betas(frame, fit_dcc(frame).parameters, "SPY")["XLF"]
    assert found[200:1_500].mean() == pytest.approx(0.4, abs=0.1)
    assert found[1_700:].mean() == pytest.approx(1.6, abs=0.15)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**16), st.integers(3, 59))
def test_what_came_later_changes_no_path(seed, cut):
    frame = simulated(60, seed)
    whole, part = dcc_path(frame, PAIR), dcc_path(frame.iloc[:cut], PAIR)
    np.testing.assert_array_equal(part.variances, whole.variances[: cut + 1])
    np.testing.assert_array_equal(part.quasi_correlations, whole.quasi_correlations[: cut + 1])
    pd.testing.assert_frame_equal(
        conditional_betas(frame.iloc[:cut], PAIR, "SPY"),
        conditional_betas(frame, PAIR, "SPY").iloc[:cut],
        check_exact=True,
    )


def test_the_order_of_the_columns_changes_nothing():
    frame = simulated(50)
    np.testing.assert_array_equal(
        dcc_path(frame[["XLF", "SPY"]], PAIR).quasi_correlations,
        dcc_path(frame, PAIR).quasi_correlations,
    )


def test_one_series_or_one_without_returns_is_refused_by_name():
    frame = simulated(200)
    with pytest.raises(SeriesError, match="1 series, at least 2 are needed"):
        fit_dcc(frame[["SPY"]])
    with pytest.raises(SeriesError, match="XLF has parameters but no returns"):
        dcc_path(frame[["SPY"]], PAIR)
    with pytest.raises(SeriesError, match="QQQ is the market but has no parameters"):
        conditional_betas(frame, PAIR, "QQQ")


def test_a_target_that_is_none_is_refused_with_numbers():
    frame = simulated(200)
    with pytest.raises(ValueError, match=r"a target of shape \(3, 3\) for 2 series"):
        fit_dcc(frame, target=np.eye(3))
    with pytest.raises(ValueError, match=r"least eigenvalue is -0\.2, not above 0"):
        fit_dcc(frame, target=np.array([[1.0, 1.2], [1.2, 1.0]]))


def test_a_fit_is_ambiguous_when_one_of_its_variances_is():
    fitted = fit_dcc(simulated(2_000))
    assert not fitted.is_ambiguous
    margins = fitted.margins | {"XLF": replace(fitted.margins["XLF"], rival=CALM)}
    assert replace(fitted, margins=margins).is_ambiguous
