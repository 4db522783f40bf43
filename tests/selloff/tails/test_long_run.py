"""Simulated long-run shortfalls: against integrals, enumerations, and their own spread."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import integrate
from scipy.stats import norm

from selloff.series import SeriesError
from selloff.tails import long_run
from selloff.tails.dcc import Dcc, dcc_path
from selloff.tails.gjr import Gjr
from selloff.tails.long_run import long_run_shortfalls

RULES = (Gjr(0.0003, 2e-6, 0.02, 0.1, 0.9, 1e-4), Gjr(-0.0002, 6e-6, 0.05, 0.08, 0.88, 4e-4))


def constant(means, sigmas, rho):
    """Return a market and a series that never change."""
    margins = [
        Gjr(mean, sigma**2, 0.0, 0.0, 0.0, sigma**2)
        for mean, sigma in zip(means, sigmas, strict=True)
    ]
    target = np.array([[1.0, rho], [rho, 1.0]])
    return Dcc(("SPY", "XLF"), tuple(margins), 0.0, 0.0, target, target)


def moving(rho=0.6):
    """Return a market and a series whose variances and correlation move."""
    target = np.array([[1.0, rho], [rho, 1.0]])
    return Dcc(("SPY", "XLF"), RULES, 0.06, 0.9, target, target)


def normal_returns(parameters, n_rows, seed=0):
    """Return normal returns whose sample moments are those of the parameters, exactly."""
    drawn = np.random.default_rng(seed).standard_normal((n_rows, len(parameters.names)))
    drawn -= drawn.mean(axis=0)
    drawn = drawn @ np.linalg.inv(np.linalg.cholesky(np.cov(drawn.T, bias=True))).T
    drawn = drawn @ np.linalg.cholesky(parameters.target).T
    means = [each.mean for each in parameters.margins]
    sigmas = np.sqrt([each.first_variance for each in parameters.margins])
    return pd.DataFrame(means + drawn * sigmas, columns=list(parameters.names))


def integral(parameters, fall, horizon):
    """Return -E[R_i | R_m < fall] of jointly normal log returns, by quadrature."""
    (mean_m, mean_i) = (horizon * each.mean for each in parameters.margins)
    (s_m, s_i) = (np.sqrt(horizon * each.first_variance) for each in parameters.margins)
    rho = parameters.target[0, 1]

    def loss(z):
        center = mean_i + rho * s_i * z
        return (1 - np.exp(center + s_i**2 * (1 - rho**2) / 2)) * norm.pdf(z)

    end = (np.log1p(fall) - mean_m) / s_m
    total, _ = integrate.quad(loss, -12, end, epsabs=1e-13)
    return total / norm.cdf(end), norm.cdf(end)


@pytest.mark.parametrize(
    ("sigmas", "rho", "fall", "horizon"),
    [
        ((0.012, 0.02), 0.7, -0.10, 22),
        ((0.02, 0.03), 0.3, -0.10, 22),
        ((0.008, 0.01), 0.9, -0.05, 10),
        ((0.02, 0.03), 0.0, -0.40, 126),
    ],
)
def test_in_a_constant_normal_world_it_is_the_integral(sigmas, rho, fall, horizon):
    known = constant((0.0002, -0.0003), sigmas, rho)
    frame = normal_returns(known, 20_000)
    found = long_run_shortfalls(frame, known, "SPY", fall=fall, horizon=horizon, n_paths=40_000)
    expected, probability = integral(known, fall, horizon)
    result = found["XLF"]
    assert abs(result.shortfall - expected) < 3 * result.standard_error
    assert abs(result.probability - probability) < 3 * result.probability_error
    assert result.standard_error < 0.015


def enumerated(frame, known, fall, horizon):
    """Return shortfall and probability over every sequence of rows, one path at a time."""
    path = dcc_path(frame, known)
    rho = path.correlations[:-1, 0, 1]
    own = (path.residuals[:, 1] - rho * path.residuals[:, 0]) / np.sqrt(1 - rho**2)
    losses, n_paths = [], 0
    for rows in product(range(len(frame)), repeat=horizon):
        h, quasi, totals = path.variances[-1].copy(), path.quasi_correlations[-1], np.zeros(2)
        for row in rows:
            now = quasi[0, 1] / np.sqrt(quasi[0, 0] * quasi[1, 1])
            market = path.residuals[row, 0]
            drawn = np.array([market, now * market + np.sqrt(1 - now**2) * own[row]])
            shocks = np.sqrt(h) * drawn
            totals += [known.margins[0].mean + shocks[0], known.margins[1].mean + shocks[1]]
            h = np.array(
                [
                    rule.omega + (rule.alpha + rule.gamma * (e < 0)) * e**2 + rule.beta * variance
                    for rule, e, variance in zip(known.margins, shocks, h, strict=True)
                ]
            )
            back = (1 - known.news - known.decay) * known.target
            quasi = back + known.news * np.outer(drawn, drawn) + known.decay * quasi
        simple = np.exp(totals) - 1
        n_paths += 1
        if simple[0] < fall:
            losses.append(-simple[1])
    return np.mean(losses), len(losses) / n_paths


def test_with_moving_variances_and_correlations_it_is_the_mean_over_every_path():
    known = moving()
    frame = normal_returns(known, 16, seed=3)
    found = long_run_shortfalls(frame, known, "SPY", fall=-0.02, horizon=3, n_paths=200_000)["XLF"]
    shortfall, probability = enumerated(frame, known, -0.02, 3)
    assert abs(found.shortfall - shortfall) < 3 * found.standard_error
    assert abs(found.probability - probability) < 3 * found.probability_error
    assert found.standard_error < 2e-4


def test_a_path_compounds_simple_returns():
    # frds asks for log returns in one docstring and for simple ones in the other.
    drawn = np.array([[-1.0, 0.5], [-2.0, 1.0]])
    known = constant((0.001, 0.0), (0.02, 0.03), 0.5)
    start = long_run._start(dcc_path(normal_returns(known, 50), known), known, 0, [1])
    daily = np.expm1(0.001 + 0.02 * drawn)
    expected = (1 + daily).prod(axis=0) - 1
    np.testing.assert_allclose(long_run._market_returns(drawn, start), expected, rtol=1e-12)


def test_a_twin_of_the_market_loses_more_than_the_threshold_and_less_than_all():
    known = constant((0.0, 0.0), (0.02, 0.02), 0.9999)
    found = long_run_shortfalls(normal_returns(known, 2_000), known, "SPY", n_paths=20_000)["XLF"]
    assert 0.10 < found.shortfall < 0.25


def test_the_standard_error_is_the_spread_over_seeds():
    known = moving()
    frame = normal_returns(known, 1_000)
    found = [
        long_run_shortfalls(frame, known, "SPY", n_paths=4_000, seed=seed)["XLF"]
        for seed in range(80)
    ]
    spread = np.std([each.shortfall for each in found], ddof=1)
    assert np.mean([each.standard_error for each in found]) == pytest.approx(spread, rel=0.25)
    spread = np.std([each.probability for each in found], ddof=1)
    assert np.mean([each.probability_error for each in found]) == pytest.approx(spread, rel=0.25)


def test_drawing_falls_more_often_only_makes_the_error_smaller(monkeypatch):
    known = constant((0.0, 0.0), (0.009, 0.02), 0.6)
    frame = normal_returns(known, 3_000)
    tilted = long_run_shortfalls(frame, known, "SPY", n_paths=100_000)["XLF"]
    monkeypatch.setattr(long_run, "_SHARE", 0.0)
    plain = long_run_shortfalls(frame, known, "SPY", n_paths=100_000)["XLF"]
    assert plain.n_effective == plain.n_events
    error = np.hypot(plain.standard_error, tilted.standard_error)
    assert abs(plain.shortfall - tilted.shortfall) < 3 * error
    assert tilted.standard_error < plain.standard_error / 2


def test_the_same_seed_gives_the_same_numbers_and_another_one_others():
    known = moving()
    frame = normal_returns(known, 300)
    one, same, other = (
        long_run_shortfalls(frame, known, "SPY", n_paths=5_000, seed=seed) for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


def test_series_beside_it_change_no_number_of_a_series():
    target = np.array([[1.0, 0.6, 0.3], [0.6, 1.0, 0.2], [0.3, 0.2, 1.0]])
    three = Dcc(("XLF", "SPY", "XLU"), (RULES[1], RULES[0], RULES[0]), 0.06, 0.9, target, target)
    two = Dcc(("SPY", "XLF"), RULES, 0.06, 0.9, target[np.ix_([1, 0], [1, 0])], target[:2, :2])
    frame = normal_returns(three, 400)
    both = long_run_shortfalls(frame, three, "SPY", n_paths=5_000)
    alone = long_run_shortfalls(frame, two, "SPY", n_paths=5_000)
    assert list(both) == ["XLF", "XLU"]
    assert both["XLF"].shortfall == pytest.approx(alone["XLF"].shortfall, rel=1e-12)
    assert both["XLF"].probability == both["XLU"].probability == alone["XLF"].probability


def test_a_fall_that_no_path_reaches_leaves_no_number():
    known = constant((0.0, 0.0), (0.001, 0.001), 0.5)
    frame = normal_returns(known, 200)
    found = long_run_shortfalls(frame, known, "SPY", fall=-0.9, horizon=1, n_paths=100)["XLF"]
    assert found.n_events == found.n_effective == found.probability == 0
    assert np.isnan([found.shortfall, found.standard_error]).all()


def test_what_cannot_be_simulated_is_refused_with_numbers():
    known = constant((0.0, 0.0), (0.01, 0.01), 0.5)
    frame = normal_returns(known, 200)
    with pytest.raises(ValueError, match=r"between -1 and 0, not 0\.1"):
        long_run_shortfalls(frame, known, "SPY", fall=0.1)
    with pytest.raises(ValueError, match="a horizon of 0 sessions and 100 paths show nothing"):
        long_run_shortfalls(frame, known, "SPY", horizon=0, n_paths=100)
    with pytest.raises(SeriesError, match="QQQ is the market but has no parameters"):
        long_run_shortfalls(frame, known, "QQQ")


def test_exploding_paths_leave_numbers():
    rules = Gjr(0.0, 1e-6, 0.2, 0.6, 0.5, 1e-4)
    target = np.array([[1.0, 0.6], [0.6, 1.0]])
    known = Dcc(("SPY", "XLF"), (rules, rules), 0.06, 0.9, target, target)
    frame = pd.DataFrame(
        np.random.default_rng(0).standard_t(3, (500, 2)) * 0.01, columns=["SPY", "XLF"]
    )
    found = long_run_shortfalls(frame, known, "SPY", horizon=126, n_paths=4_000)["XLF"]
    assert np.isfinite([found.shortfall, found.standard_error, found.n_effective]).all()
    assert 0 < found.probability < 1
