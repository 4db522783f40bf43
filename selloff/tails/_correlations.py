"""The second stage of a DCC(1,1): the likelihood of news and decay, and the climb up it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selloff.tails._gjr import recursion, sandwich

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

# Largest news + decay: at 1 the target would count for nothing, and none is known to be needed.
_MOST = 1 - 1e-6
# Step of the slopes in news and decay: rounding and curvature both stay below 1e-9 of a mean
# likelihood of order one.
_STEP = 1e-6
# Of the grid, how long news lasts: the optimiser starts from the best point of each.
_STARTS = ((0.0, 0.5, 0.8), (0.93, 0.97, 0.99))
_NEWS = (0.01, 0.04, 0.1)


class Correlations:
    """The second stage's likelihood of standardized residuals, in news and decay.

    Matrices are held as their lower triangles, with the rows of time last: every step of a
    factorization is then one operation over all rows.
    """

    def __init__(self, residuals: Values, target: Values, before: Values | None) -> None:
        self.residuals = np.ascontiguousarray(residuals.T)
        self.k = len(self.residuals)
        self.lower = np.tril_indices(self.k)
        rows, columns = self.lower
        self.products = self.residuals[rows] * self.residuals[columns]
        self.target = target[self.lower]
        self.before = self.target if before is None else before[rows] * before[columns]

    def first(self, news: float) -> Values:
        """Return the quasi-correlations of the first row."""
        return (1 - news) * self.target + news * self.before

    def unpacked(self, triangles: Values) -> Values:
        """Return full matrices, of shape (k, k, ...), from lower triangles."""
        full = np.empty((self.k, self.k, *triangles.shape[1:]))
        rows, columns = self.lower
        full[rows, columns] = triangles
        full[columns, rows] = triangles
        return full

    def path(self, news: float, decay: float, first: Values) -> Values:
        """Return the quasi-correlations of all rows and the next, as (k (k + 1) / 2, n + 1)."""
        steps = news * self.products + ((1 - news - decay) * self.target)[:, None]
        return recursion(np.concatenate([first[:, None], steps], axis=1), decay)

    def rows(self, news: float, decay: float) -> Values:
        """Return each row's ``-1/2 (log|R| + z' R^-1 z - z' z)``.

        Of Q itself: R = D Q D with D = diag(q_ii^-1/2), so that log|R| = log|Q| - sum log q_ii and
        z' R^-1 z = y' Q^-1 y with y_i = q_ii^1/2 z_i.
        """
        k = self.k
        quasi = self.path(news, decay, self.first(news))[:, :-1]
        work = np.zeros((k + 1, k, quasi.shape[1]))
        work[self.lower] = quasi
        diagonal = work[range(k), range(k)]
        work[k] = self.residuals * np.sqrt(diagonal)
        # Cholesky, a column at a time, with y as a last row that becomes L^-1 y.
        total = -np.log(diagonal).sum(axis=0) - np.square(self.residuals).sum(axis=0)
        for at in range(k):
            pivot = work[at, at]
            total += np.log(pivot) + work[k, at] ** 2 / pivot
            scaled = work[at + 1 :, at] / pivot
            for column in range(at + 1, k):
                work[column:, column] -= scaled[column - at - 1 :] * work[column, at]
        found: Values = total / -2
        return found

    def scores(self, news: float, decay: float) -> Values:
        """Return the slopes of each row in news and decay, of shape (n, 2)."""
        found = []
        for way in np.eye(2):
            ahead = np.array([news, decay]) + _STEP * way
            behind = np.maximum([news, decay] - _STEP * way, 0)
            gap = (ahead - behind).sum()
            found.append((self.rows(*ahead) - self.rows(*behind)) / gap)
        return np.column_stack(found)


def fitted(second: Correlations) -> tuple[tuple[float, float], bool]:
    """Return news and decay of the largest likelihood, and whether it is a maximum."""
    ends = []
    for memories in _STARTS:
        grid = [(news, memory * (1 - news)) for memory in memories for news in _NEWS]
        ends.append(_climbed(second, max(grid, key=lambda each: second.rows(*each).mean())))
    news, decay, _, is_converged = max(ends, key=lambda each: each[2])
    return (news, decay), is_converged


def _climbed(second: Correlations, start: tuple[float, float]) -> tuple[float, float, float, bool]:
    """Return where the optimiser ends from a start, how high, and whether it is a maximum."""
    from scipy.optimize import minimize

    def clipped(point: Values) -> tuple[float, float]:
        news, decay = np.clip(point, 0, _MOST)
        return float(news), float(min(decay, _MOST - news))

    found = minimize(
        lambda point: -float(second.rows(*clipped(point)).mean()),
        np.array(start),
        jac=lambda point: -second.scores(*clipped(point)).mean(axis=0),
        method="SLSQP",
        bounds=[(0, _MOST)] * 2,
        constraints={
            "type": "ineq",
            "fun": lambda p: _MOST - p.sum(),
            "jac": lambda _: -np.ones(2),
        },
        options={"ftol": 1e-13, "maxiter": 200},
    )
    news, decay = clipped(found.x)
    return news, decay, float(second.rows(news, decay).sum()), bool(found.success)


def standard_errors(second: Correlations, news: float, decay: float) -> list[float]:
    """Return the sandwich's of news and decay; NaN on a bound, where it says nothing."""
    if min(news, decay, _MOST - news - decay) < 1e-5:  # noqa: PLR2004 - the step below
        return [float("nan")] * 2
    step = min(1e-4, min(news, decay, _MOST - news - decay) / 2)
    hessian = np.array(
        [
            (
                second.scores(news + step * one, decay + step * two).sum(axis=0)
                - second.scores(news - step * one, decay - step * two).sum(axis=0)
            )
            / (2 * step)
            for one, two in ((1, 0), (0, 1))
        ]
    )
    covariance = sandwich(hessian, second.scores(news, decay))
    errors: list[float] = np.sqrt(np.diag(covariance)).tolist()
    return errors
