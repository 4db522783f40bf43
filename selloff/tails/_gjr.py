"""The likelihood of a GJR-GARCH(1,1), its slopes, and the climb to its maximum."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

# The presample variance of `arch` and frds: 75 squares, each 0.94 times the weight of the one
# before (arch.univariate.GARCH.backcast).
_BACKCAST_ROWS, _BACKCAST_DECAY = 75, 0.94
# Least omega, in units of the sample variance: `arch` has the same order of magnitude.
_LEAST_OMEGA = 1e-8
# A parameter is on its bound when it is closer than this to it.
_ON_BOUND = 1e-6
# Slope of what the persistence leaves below 1, in the optimiser's parameters.
_PERSISTENCE = np.array([0, 0, -0.5, -0.5, -1])


def recursion(steps: Values, beta: float) -> Values:
    """Return ``h_t = step_t + beta h_{t-1}`` along the last axis.

    Examples
    --------
    >>> recursion(np.array([1.0, 0.0, 1.0]), 0.5).tolist()
    [1.0, 0.5, 1.25]
    """
    from scipy.signal import lfilter

    found: Values = lfilter([1.0], [1.0, -beta], steps, axis=-1)
    return found


class Point(NamedTuple):
    """A point the optimiser looks at: the likelihood of each row, and its gradient."""

    rows: Values  # (n,)
    scores: Values  # (n, 5)


class Likelihood:
    """The likelihood of returns of unit variance in (mean, omega, a rise's, a fall's, beta).

    The weights of squares after a rise and after a fall make every bound but one a bound on a
    parameter: alpha is the first, gamma the difference.
    """

    def __init__(self, returns: Values, *, is_backcast: bool) -> None:
        self.returns = returns
        count = min(_BACKCAST_ROWS, len(returns))
        weights = _BACKCAST_DECAY ** np.arange(count)
        about = returns[:count] - returns.mean()
        self.before = float(weights @ about**2 / weights.sum()) if is_backcast else None

    def at(self, theta: Values) -> Point:
        """Return rows and scores at one point."""
        mean, omega, rise, fall, beta = theta
        residuals = self.returns - mean
        squares = residuals**2
        is_fall = residuals < 0
        weights = np.where(is_fall, fall, rise)
        first, slopes = self.first(theta)
        variances = recursion(
            np.concatenate([[first], omega + weights[:-1] * squares[:-1]]), float(beta)
        )
        steps = np.empty((5, len(residuals)))
        steps[:, 0] = slopes
        steps[0, 1:] = -2 * weights[:-1] * residuals[:-1]
        steps[1, 1:] = 1
        steps[2, 1:] = np.where(is_fall[:-1], 0, squares[:-1])
        steps[3, 1:] = np.where(is_fall[:-1], squares[:-1], 0)
        steps[4, 1:] = variances[:-1]
        ratio = squares / variances
        scores = recursion(steps, float(beta)) * ((ratio - 1) / (2 * variances))
        scores[0] += residuals / variances
        return Point(-(np.log(2 * np.pi * variances) + ratio) / 2, scores.T)

    def first(self, theta: Values) -> tuple[float, Values]:
        """Return the variance of the first row, and its gradient."""
        mean, omega, rise, fall, beta = theta
        if self.before is None:
            residuals = self.returns - mean
            return float(np.mean(residuals**2)), np.array([-2 * residuals.mean(), 0, 0, 0, 0])
        slopes = np.array([0, 1, self.before / 2, self.before / 2, self.before])
        return float(omega + ((rise + fall) / 2 + beta) * self.before), slopes


def starts(likelihood: Likelihood) -> list[Values]:
    """Return the best point of a grid with a small, a middling and a large beta."""
    starts = []
    for betas in ((0.0, 0.3), (0.6, 0.8), (0.88, 0.95)):
        points = [
            np.array([likelihood.returns.mean(), 1 - left, rise, fall, beta])
            for beta in betas
            for rise in (0.0, 0.05)
            for fall in (0.05, 0.2)
            if (left := (rise + fall) / 2 + beta) < 1
        ]
        starts.append(max(points, key=lambda point: likelihood.at(point).rows.sum()))
    return starts


def climbed(likelihood: Likelihood, start: Values) -> tuple[Values, bool]:
    """Return where the optimiser ends from a start, and whether it says that it is a maximum."""
    from scipy.optimize import minimize

    n = len(likelihood.returns)
    least = np.array([-np.inf, _LEAST_OMEGA, 0, 0, 0])
    most = np.array([np.inf, np.inf, 2, 2, 1])

    def downhill(theta: Values) -> tuple[float, Values]:
        point = likelihood.at(np.clip(theta, least, most))
        return -float(point.rows.sum()) / n, -point.scores.sum(axis=0) / n

    found = minimize(
        downhill,
        start,
        jac=True,
        method="SLSQP",
        bounds=list(zip(least, most, strict=True)),
        constraints={"type": "ineq", "fun": _unspent, "jac": lambda _: _PERSISTENCE},
        options={"ftol": 1e-13, "maxiter": 500},
    )
    end: Values = np.clip(found.x, least, most)
    return end, bool(found.success)


def _unspent(theta: Values) -> float:
    return 1 + float(_PERSISTENCE @ theta)


def standard_errors(likelihood: Likelihood, theta: Values) -> Values:
    """Return the sandwich's, of mean, omega, alpha, gamma and beta in the optimiser's units.

    Only along the directions in which the maximum could have been elsewhere: not off a bound, and
    along a persistence of 1 where it is on that.
    """
    is_free = theta > np.array([-np.inf, 10 * _LEAST_OMEGA, _ON_BOUND, _ON_BOUND, _ON_BOUND])
    along = np.eye(5)[:, is_free]
    if _unspent(theta) < _ON_BOUND and is_free[4]:
        along = along[:, :-1]
        along[4] = _PERSISTENCE[is_free][:-1]
    scores = likelihood.at(theta).scores @ along
    hessian = np.empty((along.shape[1],) * 2)
    for row, direction in enumerate(along.T):
        step = 1e-5 * max(1e-2, float(np.abs(theta * direction).max()))
        ahead, behind = (
            likelihood.at(theta + way * direction).scores.sum(axis=0) for way in (step, -step)
        )
        hessian[row] = (ahead - behind) @ along / (2 * step)
    covariance = along @ sandwich(hessian, scores) @ along.T
    to_gamma = np.eye(5)
    to_gamma[3, 2] = -1
    errors: Values = np.sqrt(np.diag(to_gamma @ covariance @ to_gamma.T))
    errors[~is_free] = np.nan
    return errors


def sandwich(hessian: Values, scores: Values) -> Values:
    """Return ``H^-1 (sum s s') H^-1``, or NaN where the likelihood is flat in some direction.

    Examples
    --------
    >>> sandwich(np.array([[-2.0]]), np.array([[1.0], [-1.0]])).tolist()
    [[0.5]]
    """
    try:
        inverse = np.linalg.inv((hessian + hessian.T) / 2)
    except np.linalg.LinAlgError:
        return np.full_like(hessian, np.nan)
    found: Values = inverse @ (scores.T @ scores) @ inverse
    return found
