"""Least squares of many events at once, where the regressors are hard to tell apart."""

from __future__ import annotations

import numpy as np
import pytest

from selloff.event_study.least_squares import least_squares, whitened


def twins(apart, n=40):
    """Return responses and two regressors that differ by little."""
    rng = np.random.default_rng(1)
    one, other = rng.normal(0, 0.01, (2, n, 250))
    return one + 0.3 * other + rng.normal(0, 0.015, (n, 250)), [one, one + apart * other]


@pytest.mark.parametrize("apart", [1.0, 1e-2, 1e-4])
def test_slopes_are_as_exact_as_those_of_a_decomposition(apart):
    y, (one, twin) = twins(apart)
    found = least_squares(y.copy(), [one.copy(), twin.copy()])
    for at in range(len(y)):
        design = np.stack([one[at] - one[at].mean(), twin[at] - twin[at].mean()], axis=1)
        # An error of eps * condition: normal equations alone leave its square, 2e-7 here.
        slopes = np.linalg.lstsq(design, y[at] - y[at].mean(), rcond=None)[0]
        np.testing.assert_allclose(found.slopes[at], slopes, rtol=1e-8)
        away = np.array([[0.01, 0.02], [0.0, -0.03]])
        loads = whitened(found.root[at : at + 1], away[None])[0]
        inner = away @ np.linalg.inv(design.T @ design) @ away.T
        np.testing.assert_allclose(loads @ loads.T, inner, rtol=1e-6)


def test_a_regressor_that_differs_by_rounding_is_a_copy():
    y, regressors = twins(1e-6)
    found = least_squares(y, regressors)
    assert found.is_collinear.all()
    assert np.isnan(found.slopes).all()


def test_events_that_cannot_be_fitted_leave_the_others_alone():
    y, (one, other) = twins(1.0, n=3)
    alone = least_squares(y[2:].copy(), [one[2:].copy(), other[2:].copy()])
    y[0], one[1] = np.nan, 0.5
    both = least_squares(y, [one, other])
    assert both.n.tolist() == [0, 250, 250]
    assert both.is_collinear.tolist() == [True, True, False]
    np.testing.assert_array_equal(both.slopes[2:], alone.slopes)
    np.testing.assert_array_equal(both.error_squares[2:], alone.error_squares)
