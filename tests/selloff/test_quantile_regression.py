"""Quantile regressions against optimality conditions, linear programs and simulated truth."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from selloff.quantile_regression import (
    quantile_line,
    quantile_regression,
    quantile_standard_errors,
    rolling_quantile_line,
)
from selloff.series import SeriesError

QUANTILES = st.sampled_from([0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.95])
SEEDS = st.integers(0, 2**32 - 1)


def loss(y, x, b, quantile):
    residual = y - x @ b
    return float((residual * (quantile - (residual < 0))).sum())


def best_of_all_vertices(y, x, quantile):
    """The least loss over every vertex there is, tried one by one."""
    losses = []
    for rows in combinations(range(len(y)), x.shape[1]):
        corner = x[list(rows)]
        if abs(np.linalg.det(corner)) > 1e-9:
            losses.append(loss(y, x, np.linalg.solve(corner, y[list(rows)]), quantile))
    return min(losses)


def world(seed, n, m, *, ticks=None):
    random = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), random.normal(0, 0.01, (n, m - 1))])
    y = x @ random.normal(0, 1, m) + 0.02 * random.standard_t(3, n)
    return (y, x) if ticks is None else (np.round(y, ticks), np.round(x, ticks))


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(30, 120), st.integers(1, 6), QUANTILES)
def test_no_direction_leads_down_from_the_coefficients(seed, n, m, quantile):
    y, x = world(seed, n, m)
    b = quantile_regression(y, x, quantile)
    residual = y - x @ b
    at = np.argsort(np.abs(residual))[:m]
    assert np.abs(residual[at]).max() < 1e-12
    others = np.setdiff1d(np.arange(n), at)
    slope = (quantile - (residual[others] < 0)) @ x[others]
    multiplier = np.linalg.solve(x[at].T, slope)
    assert multiplier.max() <= 1 - quantile + 1e-7
    assert multiplier.min() >= -quantile - 1e-7


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(4, 9), st.integers(1, 3), QUANTILES, st.sampled_from([2, 3, None]))
@example(2645, 11, 2, 0.75, 2)  # several rows on one line: went round in circles
@example(911, 4, 3, 0.05, 2)  # least squares already goes through a row
@example(591, 4, 2, 0.5, 2)  # least squares already leaves half of the rows below
def test_no_vertex_of_a_small_problem_is_better(seed, n, m, quantile, ticks):
    y, x = world(seed, n, m, ticks=ticks)
    if np.linalg.matrix_rank(x) < m:
        return
    found = loss(y, x, quantile_regression(y, x, quantile), quantile)
    assert found <= best_of_all_vertices(y, x, quantile) + 1e-10


def test_the_published_engel_curves_are_reproduced():
    # Koenker's quantreg vignette: food expenditure on income of 235 Belgian households.
    data = pytest.importorskip("statsmodels.datasets.engel").load_pandas().data
    published = {
        0.05: (124.88004, 0.34336),
        0.25: (95.48354, 0.47410),
        0.5: (81.48225, 0.56018),
        0.75: (62.39659, 0.64401),
        0.95: (64.10396, 0.70907),
    }
    for quantile, line in published.items():
        found = quantile_line(data["foodexp"], data["income"], quantile)
        np.testing.assert_allclose(found, line, atol=5e-6)


def test_a_linear_program_finds_the_same_with_twelve_regressors():
    from scipy.optimize import linprog

    y, x = world(7, 250, 12)
    own = np.eye(250)
    program = linprog(
        np.r_[np.zeros(12), np.full(250, 0.05), np.full(250, 0.95)],
        A_eq=np.hstack([x, own, -own]),
        b_eq=y,
        bounds=[(None, None)] * 12 + [(0, None)] * 500,
        method="highs-ds",
    )
    np.testing.assert_allclose(quantile_regression(y, x, 0.05), program.x[:12], atol=1e-11)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=2, max_size=40), QUANTILES)
def test_an_intercept_alone_is_the_lower_sample_quantile(values, quantile):
    y = np.array(values, float)
    found = quantile_regression(y, np.ones((len(y), 1)), quantile)
    assert found[0] == np.quantile(y, quantile, method="inverted_cdf")


def test_of_equally_good_lines_the_one_with_the_lowest_mean_fit_is_taken():
    x = np.array([0.0, 0.0, 1.0, 1.0])
    line = quantile_line([0.0, 1.0, 5.0, 7.0], x, 0.5)
    assert (line.intercept, line.slope) == (0.0, 5.0)


@settings(max_examples=30, deadline=None)
@given(SEEDS, QUANTILES, st.floats(0.1, 10), st.floats(-1, 1))
def test_scale_and_shift_of_outcomes_pass_through(seed, quantile, scale, shift):
    y, x = world(seed, 50, 2)
    plain = quantile_regression(y, x, quantile)
    moved = quantile_regression(scale * y + x @ [shift, 2 * shift], x, quantile)
    np.testing.assert_allclose(moved, scale * plain + [shift, 2 * shift], atol=1e-9)


@pytest.mark.parametrize("ticks", [None, 2])
def test_a_rolling_line_is_that_of_its_window_to_the_last_bit(ticks):
    random = np.random.default_rng(3)
    x = random.standard_t(3, 300) * 0.01
    y = 0.8 * x + random.standard_t(3, 300) * 0.01
    if ticks:  # coarse prices: many ties, many zero returns
        x, y = np.round(x, ticks), np.round(y, ticks)
    rolling = rolling_quantile_line(y, x, 40, 0.1)
    assert np.isnan(rolling.slope[:39]).all()
    for row in range(39, 300):
        alone = quantile_line(y[row - 39 : row + 1], x[row - 39 : row + 1], 0.1)
        assert alone.intercept == rolling.intercept[row]
        assert alone.slope == rolling.slope[row]


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(60, 150), st.integers(1, 60))
def test_neither_the_future_nor_the_rows_asked_for_change_a_line(seed, n, back):
    random = np.random.default_rng(seed)
    y, x = np.round(random.normal(0, 0.02, (2, n)), 3)
    whole = rolling_quantile_line(y, x, 30, 0.05)
    cut = rolling_quantile_line(y[: n - back], x[: n - back], 30, 0.05)
    some = rolling_quantile_line(y, x, 30, 0.05, since=n - back, until=n)
    for full, truncated, part in zip(whole, cut, some, strict=True):
        np.testing.assert_array_equal(truncated, full[: n - back])
        np.testing.assert_array_equal(part, full[n - back :])


def test_windows_with_gaps_or_a_constant_regressor_have_no_line():
    random = np.random.default_rng(5)
    y, x = random.normal(size=(2, 60))
    y[20], y[54:56], x[30:45] = np.nan, (np.inf, -np.inf), 0.5
    slope = rolling_quantile_line(y, x, 10, 0.5).slope
    without = np.isnan(slope)
    expected = np.arange(60) < 9
    expected[20:30] = expected[39:45] = expected[54:] = True
    np.testing.assert_array_equal(without, expected)


def test_pairs_roll_together_as_they_do_alone():
    random = np.random.default_rng(11)
    y, x = random.normal(size=(3, 100)), random.normal(size=100)
    together = rolling_quantile_line(y, x, 25, 0.1)
    for place in range(3):
        alone = rolling_quantile_line(y[place], x, 25, 0.1)
        np.testing.assert_array_equal(together.slope[place], alone.slope)


def test_a_planted_slope_of_the_lower_tail_is_found():
    random = np.random.default_rng(13)
    x = random.uniform(0, 1, 20_000)
    # Spread grows with x: the 5% quantile of u ~ U(0, 1) is 0.05, so it is (2 x) + (1 + x) 0.05.
    y = 2 * x + (1 + x) * random.uniform(0, 1, 20_000)
    line = quantile_line(y, x, 0.05)
    assert line.intercept == pytest.approx(0.05, abs=0.01)
    assert line.slope == pytest.approx(2.05, abs=0.02)


@pytest.mark.parametrize(
    ("y", "x", "quantile", "cause"),
    [
        ([1.0, 2.0, 3.0], np.ones((3, 1)), 5, "the quantile 5 does not lie between 0 and 1"),
        ([1.0, 2.0], np.ones((2, 2)), 0.5, "2 rows, at least 3 are needed for 2 regressors"),
        ([1.0, np.nan, 3.0], np.ones((3, 1)), 0.5, "1 of 3 outcomes are missing"),
        ([1.0, 2.0, 3.0], np.ones((3, 2)), 0.5, "the 2 regressors are linearly dependent"),
        ([1.0, 2.0, 3.0], np.zeros((3, 1)), 0.5, "the 1 regressors are linearly dependent"),
        ([1.0, 2.0], np.ones((3, 1)), 0.5, "do not fit"),
    ],
)
def test_what_no_regression_can_come_from_is_refused_with_its_cause(y, x, quantile, cause):
    with pytest.raises(SeriesError, match=cause):
        quantile_regression(y, x, quantile)


def test_a_window_of_two_rows_is_refused():
    with pytest.raises(SeriesError, match="2 rows, at least 3"):
        rolling_quantile_line([1.0, 2.0, 3.0], [1.0, 3.0, 2.0], 2, 0.5)


def test_rows_that_are_not_there_are_refused():
    with pytest.raises(SeriesError, match="rows 0 to 9 are not among the 4 there are"):
        rolling_quantile_line([1.0, 2.0, 3.0, 5.0], [1.0, 3.0, 2.0, 0.0], 3, 0.5, until=9)


def test_residuals_without_spread_have_no_standard_error():
    x = np.column_stack([np.ones(20), np.arange(20.0)])
    y = 2 * x[:, 1]
    y[[3, 11]] = (-5.0, 60.0)
    b = quantile_regression(y, x, 0.5)
    np.testing.assert_allclose(b, [0, 2], atol=1e-12)
    assert np.isnan(quantile_standard_errors(y, x, b, 0.5)).all()


def test_standard_errors_are_those_of_the_published_formulas():
    # quantreg: bandwidth.rq (Hall-Sheather), summary.rq(se = "ker"), written out row by row.
    from scipy.stats import iqr, norm

    y, x = world(17, 300, 3)
    b = quantile_regression(y, x, 0.1)
    left = y - x @ b
    z = norm.ppf(0.1)
    share = 300 ** (-1 / 3) * norm.ppf(0.975) ** (2 / 3)
    share *= (1.5 * norm.pdf(z) ** 2 / (2 * z**2 + 1)) ** (1 / 3)
    assert share < 0.1
    width = norm.ppf(0.1 + share) - norm.ppf(0.1 - share)
    width *= min(np.std(left, ddof=1), iqr(left) / 1.34)
    inside = sum(
        norm.pdf(u, scale=width) * np.outer(row, row) for u, row in zip(left, x, strict=True)
    )
    outside = sum(np.outer(row, row) for row in x)
    bread = np.linalg.inv(inside)
    expected = np.sqrt(np.diag(0.1 * 0.9 * bread @ outside @ bread))
    np.testing.assert_allclose(quantile_standard_errors(y, x, b, 0.1), expected, rtol=1e-10)


def test_a_bandwidth_wider_than_the_tail_is_halved():
    y, x = world(18, 60, 2)
    errors = quantile_standard_errors(y, x, quantile_regression(y, x, 0.02), 0.02)
    assert np.isfinite(errors).all()
