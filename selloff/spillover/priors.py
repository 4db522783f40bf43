"""What a time-varying vector autoregression believes before its first row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

TIGHTNESS = 0.1
# What Koop and Korobilis take for a variance that says nothing.
FLAT = 4.0
# Primiceri (2005) widens the least-squares covariance fourfold: the first block is not for ever.
WIDENING = 4.0


@dataclass(frozen=True, slots=True)
class Prior:
    """Means and covariances before the first row, of k series and p lags.

    Coefficients are ordered by equation, then lag, then regressor.

    Parameters
    ----------
    level : array of shape (k,)
        What is subtracted from every row, in the unit of the series.
    coefficients : array of shape (k, k p)
        Mean of the coefficients: one row per equation, the first k columns for lag 1.
    coefficient_covariance : array of shape (k k p, k k p)
        Their covariance, row by row of `coefficients`.
    error_covariance : array of shape (k, k)
        Covariance of the errors, in squared units.

    Examples
    --------
    >>> Prior(np.zeros(2), np.zeros((2, 4)), np.eye(8), np.eye(2)).lags
    2
    >>> Prior(np.zeros(2), np.zeros((2, 4)), np.eye(4), np.eye(2))
    Traceback (most recent call last):
    ...
    ValueError: 8 coefficients need a covariance of shape (8, 8), not (4, 4)
    """

    level: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    coefficient_covariance: NDArray[np.float64]
    error_covariance: NDArray[np.float64]

    def __post_init__(self) -> None:
        k, m = len(self.level), self.coefficients.size
        if len(self.coefficients) != k or self.coefficients.shape[1] % k:
            raise ValueError(f"{k} series cannot have coefficients {self.coefficients.shape}")
        if self.coefficient_covariance.shape != (m, m):
            raise ValueError(
                f"{m} coefficients need a covariance of shape {(m, m)}, "
                f"not {self.coefficient_covariance.shape}"
            )
        if self.error_covariance.shape != (k, k):
            raise ValueError(
                f"{k} series need an error covariance of shape {(k, k)}, "
                f"not {self.error_covariance.shape}"
            )

    @property
    def lags(self) -> int:
        """Lags p."""
        return int(self.coefficients.shape[1] // len(self.level))


def minnesota(
    values: NDArray[np.float64], lags: int, tightness: float = TIGHTNESS, *, scaled: bool = True
) -> Prior:
    """Return a prior of no dependence, the firmer the further back a lag lies.

    Mean 0; the coefficient of series j at lag l in the equation of series i has the variance
    ``tightness / l^2 * s_i^2 / s_j^2``, s the standard deviations in the block: the same belief in
    whatever unit each series is measured.

    Parameters
    ----------
    values : array of shape (n, k)
        The training block, which also gives the level and the error covariance.
    lags : int
        Lags p.
    tightness : float
        Prior variance of the first own lag.
    scaled : bool
        False leaves out ``s_i^2 / s_j^2``, as ConnectednessApproach does.

    Returns
    -------
    Prior

    References
    ----------
    Litterman (1986), Forecasting with Bayesian Vector Autoregressions, JBES 4(1), 25-38; Koop and
    Korobilis (2010), Bayesian Multivariate Time Series Methods for Empirical Macroeconomics.

    Examples
    --------
    >>> values = np.array([[0.01, 0.0], [-0.01, 0.02], [0.03, 0.01], [0.0, 0.02]])
    >>> np.diag(minnesota(values, 2, scaled=False).coefficient_covariance).tolist()
    [0.1, 0.1, 0.025, 0.025, 0.1, 0.1, 0.025, 0.025]
    >>> np.diag(minnesota(values, 1).coefficient_covariance).round(3).tolist()
    [0.1, 0.318, 0.031, 0.1]
    """
    spread = values.var(axis=0) if scaled else np.ones(values.shape[1])
    by_lag = tightness / np.arange(1, lags + 1) ** 2
    variance = spread[:, None, None] * by_lag[:, None] / spread
    return _independent(values, variance)


def uninformative(values: NDArray[np.float64], lags: int, variance: float = FLAT) -> Prior:
    """Return a prior of mean 0 and one variance for all coefficients, in the unit of the series.

    Parameters
    ----------
    values : array of shape (n, k)
        The training block, which gives the level and the error covariance.
    lags : int
        Lags p.
    variance : float
        Prior variance of each coefficient.

    Returns
    -------
    Prior

    Examples
    --------
    >>> values = np.array([[0.01, 0.0], [-0.01, 0.02], [0.03, 0.01], [0.0, 0.02]])
    >>> np.diag(uninformative(values, 1).coefficient_covariance).tolist()
    [4.0, 4.0, 4.0, 4.0]
    """
    k = values.shape[1]
    return _independent(values, np.full((k, lags, k), variance))


def _independent(values: NDArray[np.float64], variance: NDArray[np.float64]) -> Prior:
    k = values.shape[1]
    none = np.zeros((k, variance.size // k))
    return Prior(values.mean(axis=0), none, np.diag(variance.ravel()), np.cov(values, rowvar=False))


def least_squares(values: NDArray[np.float64], lags: int, widening: float = WIDENING) -> Prior:
    """Return a prior that is the vector autoregression of the training block.

    With an intercept in X and ``S = E'E / n``::

        B = (X'X)^(-1) X'Y      covariance of vec(B') = widening * S kron (X'X)^(-1)

    ConnectednessApproach leaves S out, so that its prior is another one when percent become
    fractions.

    Parameters
    ----------
    values : array of shape (n, k)
        The training block, which also gives the level and the error covariance S.
    lags : int
        Lags p; n must exceed p by more than k p + 1.
    widening : float
        Factor on the covariance.

    Returns
    -------
    Prior

    References
    ----------
    Primiceri (2005), Time Varying Structural Vector Autoregressions and Monetary Policy, Review of
    Economic Studies 72(3), 821-852.

    Examples
    --------
    >>> values = np.array([[1.0, 0.0], [0.5, 1.0], [0.5, 0.0], [0.25, 0.5], [0.25, 0.0]])
    >>> least_squares(values, 1).coefficients.round(2).tolist()
    [[0.5, 0.25], [1.0, -0.5]]
    """
    n = len(values) - lags
    lagged = [values[lags - lag : lags - lag + n] for lag in range(1, lags + 1)]
    design = np.column_stack([np.ones(n), *lagged])
    response = values[lags:]
    gram = np.linalg.inv(design.T @ design)
    solution = gram @ (design.T @ response)
    errors = response - design @ solution
    covariance: NDArray[np.float64] = errors.T @ errors / n
    return Prior(
        values.mean(axis=0),
        np.ascontiguousarray(solution[1:].T),
        np.kron(widening * covariance, gram[1:, 1:]).astype(np.float64, copy=False),
        covariance,
    )


PRIORS: dict[str, Callable[[NDArray[np.float64], int], Prior]] = {
    "minnesota": minnesota,
    "uninformative": uninformative,
    "least_squares": least_squares,
}
