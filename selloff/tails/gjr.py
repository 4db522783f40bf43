"""GJR-GARCH(1,1): conditional variances, in which falls may count for more than rises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from selloff.series import matrix

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

Presample = Literal["backcast", "sample"]

# Short series have several maxima: of 200 simulated with a beta of 0.88, as many are ambiguous
# (`GjrFit`) as: of 100 rows 34%, of 250 9%, of 500 0.5%, of 1,000 none.
FEWEST_ROWS = 100
# The presample variance of `arch` and frds: 75 squares, each 0.94 times the weight of the one
# before (arch.univariate.GARCH.backcast).
_BACKCAST_ROWS, _BACKCAST_DECAY = 75, 0.94
# Least omega, in units of the sample variance: `arch` has the same order of magnitude.
_LEAST_OMEGA = 1e-8
# Two maxima are as good as one another when their likelihoods differ by less than this, half the
# 5% point of a chi-square with one degree of freedom ...
_AS_LIKELY = 1.92
# ... and they are two when their betas are farther apart than this.
_APART = 0.1
# A parameter is on its bound when it is closer than this to it.
_ON_BOUND = 1e-6
# Slope of what the persistence leaves below 1, in the optimiser's parameters.
_PERSISTENCE = np.array([0, 0, -0.5, -0.5, -1])
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
    is_ambiguous : bool
        Whether from another start it ended at another maximum, with a beta more than 0.1 away and
        a likelihood that no test at 5% could tell from this one.
    """

    parameters: Gjr
    standard_errors: dict[str, float]
    log_likelihood: float
    n_rows: int
    is_converged: bool
    is_ambiguous: bool


def fit_gjr(series: pd.DataFrame, *, presample: Presample = "backcast") -> dict[Any, GjrFit]:
    r"""Fit ``r_t = mean + e_t``, ``h_t = omega + (alpha + gamma 1[e<0]) e_{t-1}^2 + beta h_{t-1}``.

    All five parameters by normal maximum likelihood with exact gradients, from the best point of a
    grid in each of three ranges of beta; the largest likelihood is returned. The bounds are those
    of `arch`: omega > 0, alpha >= 0, alpha + gamma >= 0, 0 <= beta, persistence at most 1. Nothing
    is random: the same rows give the same parameters. About 15 ms per series of 1,300 rows.

    Parameters
    ----------
    series : DataFrame
        Returns, one row per session, one column per series; log returns or fractions.
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
    >>> fitted.is_converged, bool(0.9 < fitted.parameters.persistence < 1)
    (True, True)
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
        Returns, one row per session, one column per series; fractions.
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
        Returns, one row per session, one column per series; fractions.
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


# ------------------------------------------------------------------------------ the likelihood


class _Point(NamedTuple):
    """A point the optimiser looks at: the likelihood of each row, and its gradient."""

    rows: Values  # (n,)
    scores: Values  # (n, 5)


class _Likelihood:
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

    def at(self, theta: Values) -> _Point:
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
        return _Point(-(np.log(2 * np.pi * variances) + ratio) / 2, scores.T)

    def first(self, theta: Values) -> tuple[float, Values]:
        """Return the variance of the first row, and its gradient."""
        mean, omega, rise, fall, beta = theta
        if self.before is None:
            residuals = self.returns - mean
            return float(np.mean(residuals**2)), np.array([-2 * residuals.mean(), 0, 0, 0, 0])
        slopes = np.array([0, 1, self.before / 2, self.before / 2, self.before])
        return float(omega + ((rise + fall) / 2 + beta) * self.before), slopes


# ----------------------------------------------------------------------------------- the fit


def _fit(returns: Values, *, is_backcast: bool) -> GjrFit:
    """Fit one series, in units of its standard deviation: the optimiser's steps are absolute."""
    scale = float(returns.std())
    likelihood = _Likelihood(returns / scale, is_backcast=is_backcast)
    ends = [_climbed(likelihood, start) for start in _starts(likelihood)]
    heights = [float(likelihood.at(end).rows.sum()) for end, _ in ends]
    best = int(np.argmax(heights))
    theta, is_converged = ends[best]
    rivals = [
        height > heights[best] - _AS_LIKELY and abs(end[4] - theta[4]) > _APART
        for height, (end, _) in zip(heights, ends, strict=True)
    ]
    mean, omega, rise, fall, beta = (float(value) for value in theta)
    first, _ = likelihood.first(theta)
    units = np.array([scale, scale**2, 1, 1, 1])
    errors = _standard_errors(likelihood, theta) * units
    return GjrFit(
        Gjr(mean * scale, omega * scale**2, rise, fall - rise, beta, first * scale**2),
        dict(zip(_NAMES, errors.tolist(), strict=True)),
        heights[best] - len(returns) * float(np.log(scale)),
        len(returns),
        is_converged,
        any(rivals),
    )


def _starts(likelihood: _Likelihood) -> list[Values]:
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


def _climbed(likelihood: _Likelihood, start: Values) -> tuple[Values, bool]:
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


def _standard_errors(likelihood: _Likelihood, theta: Values) -> Values:
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
    try:
        inverse = np.linalg.inv((hessian + hessian.T) / 2)
    except np.linalg.LinAlgError:  # a likelihood flat in some direction has no errors to show
        return np.full(5, np.nan)
    covariance = along @ inverse @ (scores.T @ scores) @ inverse @ along.T
    to_gamma = np.eye(5)
    to_gamma[3, 2] = -1
    errors: Values = np.sqrt(np.diag(to_gamma @ covariance @ to_gamma.T))
    errors[~is_free] = np.nan
    return errors
