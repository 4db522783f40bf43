"""GJR-GARCH(1,1): conditional variances, in which falls may count for more than rises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from selloff.series import matrix
from selloff.tails._gjr import Likelihood, climbed, recursion, standard_errors, starts

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

Presample = Literal["backcast", "sample"]

# Short series have several maxima: of 200 simulated with a beta of 0.88, as many are ambiguous
# (`GjrFit`) as: of 100 rows 34%, of 250 9%, of 500 0.5%, of 1,000 none.
FEWEST_ROWS = 100
# Two maxima are as good as one another when their likelihoods differ by less than this, half the
# 5% point of a chi-square with one degree of freedom ...
_AS_LIKELY = 1.92
# ... and they are two when their betas are farther apart than this.
_APART = 0.1
_NAMES = ("mean", "omega", "alpha", "gamma", "beta")


@dataclass(frozen=True, slots=True)
class Gjr:
    """Parameters of a GJR-GARCH(1,1), with the variance it starts from.

    Parameters
    ----------
    mean : float
        Mean return per session, a fraction.
    omega : float
        Constant of the variance, a squared fraction.
    alpha : float
        Weight of the last squared residual.
    gamma : float
        What is added to it after a fall below the mean.
    beta : float
        Weight of the last variance.
    first_variance : float
        Variance of the first row, a squared fraction. It belongs to the parameters because it was
        estimated from the same rows: with it, a path does not depend on where it ends.

    Examples
    --------
    >>> round(Gjr(0.0, 1e-6, 0.02, 0.1, 0.9, 1e-4).persistence, 6)
    0.97
    """

    mean: float
    omega: float
    alpha: float
    gamma: float
    beta: float
    first_variance: float

    @property
    def persistence(self) -> float:
        """Return ``alpha + gamma / 2 + beta``: the share of a variance left after one session."""
        return self.alpha + self.gamma / 2 + self.beta


@dataclass(frozen=True, slots=True)
class GjrFit:
    """A GJR-GARCH(1,1) by maximum likelihood, and how far to believe it.

    Parameters
    ----------
    parameters : Gjr
        Those of the largest likelihood found.
    standard_errors : dict of str to float
        Of mean, omega, alpha, gamma, beta, robust against innovations that are not normal
        (Bollerslev and Wooldridge 1992); NaN for a parameter on its bound. Where the persistence is
        1, they hold along that bound.
    log_likelihood : float
        Of the returns as they are given, not scaled.
    n_rows : int
        Returns it rests on.
    is_converged : bool
        Whether the optimiser ended at a maximum.
    rival : Gjr or None
        Another maximum, with a beta more than 0.1 away and a likelihood that no test at 5% could
        tell from the largest; None where there is none. What is made of the fit is worth no more
        than what both agree on.
    """

    parameters: Gjr
    standard_errors: dict[str, float]
    log_likelihood: float
    n_rows: int
    is_converged: bool
    rival: Gjr | None

    @property
    def is_ambiguous(self) -> bool:
        """Return whether there is a rival."""
        return self.rival is not None


def fit_gjr(series: pd.DataFrame, *, presample: Presample = "backcast") -> dict[Any, GjrFit]:
    r"""Fit ``r_t = mean + e_t``, ``h_t = omega + (alpha + gamma 1[e<0]) e_{t-1}^2 + beta h_{t-1}``.

    All five parameters by normal maximum likelihood with exact gradients, from the best point of a
    grid in each of three ranges of beta; the largest likelihood is returned. The bounds are those
    of `arch`: omega > 0, alpha >= 0, alpha + gamma >= 0, 0 <= beta, persistence at most 1. Nothing
    is random: the same rows give the same parameters, to 1e-7 under another number of threads.
    About 15 ms per series of 1,300 rows.

    Parameters
    ----------
    series : DataFrame
        Returns, one row per session, one column per series; log returns or fractions,
        none missing.
    presample : {"backcast", "sample"}
        What stands for variance and squared residual before the first row. "backcast" (as `arch`
        and frds): 75 first squares about the sample mean, decaying by 0.94. "sample" (as rugarch):
        the first row's variance is the mean squared residual of all rows.

    Returns
    -------
    dict of GjrFit
        By column, in the order of the columns.

    Raises
    ------
    SeriesError
        If a column is unfit (`selloff.series.matrix`), or has fewer than 100 rows.
    ValueError
        If `presample` is neither of the two.

    References
    ----------
    Glosten, Jagannathan and Runkle (1993), Journal of Finance 48(5), 1779-1801. Bollerslev and
    Wooldridge (1992), Econometric Reviews 11(2), 143-172.

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> calm, wild = rng.normal(0, 0.01, 300), rng.normal(0, 0.03, 300)
    >>> fitted = fit_gjr(pd.DataFrame({"XLK": np.concatenate([calm, wild])}))["XLK"]
    >>> fitted.is_converged, round(fitted.parameters.persistence, 6)  # a break looks like this
    (True, 1.0)
    """
    if presample not in {"backcast", "sample"}:
        raise ValueError(f"presample is 'backcast' or 'sample', not {presample!r}")
    values = matrix(series, FEWEST_ROWS)
    return {
        name: _fit(column, is_backcast=presample == "backcast")
        for name, column in zip(series.columns, values.T, strict=True)
    }


def gjr_variances(series: pd.DataFrame, parameters: Mapping[Any, Gjr]) -> Values:
    """Filter the conditional variances of series with given parameters, one row past the last.

    Parameters
    ----------
    series : DataFrame
        Returns, one row per session, one column per series; fractions, none missing.
    parameters : mapping of column to Gjr
        One for each column.

    Returns
    -------
    ndarray
        Shape (n_rows + 1, n_series), squared fractions. Row t is the variance of session t as it
        was known at the close of t - 1; the last is that of the session to come.

    Raises
    ------
    SeriesError
        If a column is unfit (`selloff.series.matrix`).
    KeyError
        If a column has no parameters.

    Examples
    --------
    >>> import pandas as pd
    >>> two = pd.DataFrame({"XLK": [-0.02, 0.01]})
    >>> gjr_variances(two, {"XLK": Gjr(0.0, 1e-5, 0.05, 0.1, 0.8, 2e-4)}).ravel().round(9).tolist()
    [0.0002, 0.00023, 0.000199]
    """
    values = matrix(series, 1)
    paths = [
        variance_path(column, parameters[name])
        for name, column in zip(series.columns, values.T, strict=True)
    ]
    return np.column_stack(paths)


def gjr_log_likelihood(series: pd.DataFrame, parameters: Mapping[Any, Gjr]) -> Values:
    """Return the normal log-likelihood of each series under given parameters.

    ``-1/2 sum_t (log 2 pi + log h_t + e_t^2 / h_t)``.

    Parameters
    ----------
    series : DataFrame
        Returns, one row per session, one column per series; fractions, none missing.
    parameters : mapping of column to Gjr
        One for each column.

    Returns
    -------
    ndarray
        Shape (n_series,). Of returns in percent it is ``n_rows log 100`` smaller.

    Raises
    ------
    SeriesError
        If a column is unfit (`selloff.series.matrix`).

    Examples
    --------
    >>> import pandas as pd
    >>> two = pd.DataFrame({"XLK": [-0.02, 0.01]})
    >>> steady = {"XLK": Gjr(0.0, 1e-4, 0.0, 0.0, 0.0, 1e-4)}
    >>> gjr_log_likelihood(two, steady).round(6).tolist()
    [4.872463]
    """
    values = matrix(series, 1)
    variances = gjr_variances(series, parameters)[:-1]
    means = np.array([parameters[name].mean for name in series.columns])
    terms = np.log(2 * np.pi * variances) + (values - means) ** 2 / variances
    total: Values = -terms.sum(axis=0) / 2
    return total


def variance_path(returns: Values, parameters: Gjr) -> Values:
    """Return the n + 1 conditional variances of n returns (`gjr_variances`).

    Examples
    --------
    >>> variance_path(np.array([0.01]), Gjr(0.0, 1e-5, 0.05, 0.1, 0.8, 2e-4)).round(9).tolist()
    [0.0002, 0.000175]
    """
    residuals = returns - parameters.mean
    weights = parameters.alpha + parameters.gamma * (residuals < 0)
    steps = parameters.omega + weights * residuals**2
    return recursion(np.concatenate([[parameters.first_variance], steps]), parameters.beta)


def _fit(returns: Values, *, is_backcast: bool) -> GjrFit:
    """Fit one series, in units of its standard deviation: the optimiser's steps are absolute."""
    scale = float(returns.std())
    likelihood = Likelihood(returns / scale, is_backcast=is_backcast)
    ends = [climbed(likelihood, start) for start in starts(likelihood)]
    heights = [float(likelihood.at(end).rows.sum()) for end, _ in ends]
    order = sorted(range(len(ends)), key=lambda place: -heights[place])
    theta, is_converged = ends[order[0]]
    rivals = [
        ends[place][0]
        for place in order[1:]
        if heights[place] > heights[order[0]] - _AS_LIKELY
        and abs(ends[place][0][4] - theta[4]) > _APART
    ]
    errors = standard_errors(likelihood, theta) * np.array([scale, scale**2, 1, 1, 1])
    return GjrFit(
        _rules(likelihood, theta, scale),
        dict(zip(_NAMES, errors.tolist(), strict=True)),
        heights[order[0]] - len(returns) * float(np.log(scale)),
        len(returns),
        is_converged,
        _rules(likelihood, rivals[0], scale) if rivals else None,
    )


def _rules(likelihood: Likelihood, theta: Values, scale: float) -> Gjr:
    """Return the optimiser's parameters in the unit of the returns."""
    mean, omega, rise, fall, beta = (float(value) for value in theta)
    first, _ = likelihood.first(theta)
    return Gjr(mean * scale, omega * scale**2, rise, fall - rise, beta, first * scale**2)
