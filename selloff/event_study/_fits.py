"""From fitted coefficients to a sample: what every linear expectation has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from selloff.event_study._rows import Span, blocks, positions
from selloff.event_study.events import Reason, Rejected
from selloff.event_study.lazy import Lazy
from selloff.event_study.least_squares import whitened
from selloff.event_study.sample import Sample
from selloff.returns import NOISE_SHARE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selloff.event_study._rows import Placed
    from selloff.event_study.events import Windows
    from selloff.event_study.lazy import Some
    from selloff.event_study.least_squares import Regression
    from selloff.event_study.panels import Frame


class Fit(NamedTuple):
    """What a model makes of N events.

    Parameters
    ----------
    sample : Sample
        Of all events; the figures of those rejected mean nothing.
    coefficients : dict of str to array of shape (N,)
        By name: `alpha`, then a slope for each factor.
    r_squared : array of shape (N,)
        Share of the response's variance that the factors explain; NaN without factors.
    rejected : Rejected
        Which events the model cannot judge.
    """

    sample: Sample
    coefficients: dict[str, NDArray[np.float64]]
    r_squared: NDArray[np.float64]
    rejected: Rejected


class Model(Protocol):
    """Anything that makes abnormal returns of events on a frame."""

    @property
    def name(self) -> str:
        """Name, as tables carry it."""
        ...

    def fit(self, placed: Placed) -> Fit:
        """Estimate each event on its estimation rows, and judge its event rows."""
        ...


class Line(NamedTuple):
    """Expected returns of N events: ``baseline + alpha + sum of slope * regressor``.

    Parameters
    ----------
    alpha : array of shape (N,)
        Intercepts.
    slopes : array of shape (N, M)
        Coefficients.
    regressors : tuple of M Span
        What they multiply.
    baseline : Span, optional
        What is expected one for one.
    """

    alpha: NDArray[np.float64]
    slopes: NDArray[np.float64]
    regressors: tuple[Span, ...]
    baseline: Span | None = None

    def residuals(self, returns: Span, some: Some) -> NDArray[np.float64]:
        """Return what the line leaves of the estimation rows of some events."""
        left = returns.estimation(some)
        if self.baseline is not None:
            left -= self.baseline.estimation(some)
        left -= self.alpha[some, None]
        for slope, regressor in zip(self.slopes[some].T, self.regressors, strict=True):
            left -= slope[:, None] * regressor.estimation(some)
        return left

    def expected(self, n_rows: int) -> NDArray[np.float64]:
        """Return the expectations on the `n_rows` event rows of all events."""
        found = np.repeat(self.alpha[:, None], n_rows, axis=1)
        if self.baseline is not None:
            found += self.baseline.event()
        for slope, regressor in zip(self.slopes.T, self.regressors, strict=True):
            found += slope[:, None] * regressor.event()
        return found


class Errors(NamedTuple):
    """What is known of the errors of N events.

    Parameters
    ----------
    sigma : array of shape (N,)
        Residual sigma.
    n : array of shape (N,)
        Valid pairs.
    n_parameters : int
        Parameters of the model.
    loadings : array of shape (N, n_rows, K)
        As in `Sample`.
    """

    sigma: NDArray[np.float64]
    n: NDArray[np.int64]
    n_parameters: int
    loadings: NDArray[np.float64]


class Explaining(NamedTuple):
    """What explains returns.

    Parameters
    ----------
    names : tuple of M str
        Names of the regressors.
    regressors : tuple of M Span
        Their values.
    baseline : Span, optional
        What is expected one for one.
    """

    names: tuple[str, ...]
    regressors: tuple[Span, ...]
    baseline: Span | None = None


def judged(
    placed: Placed,
    explaining: Explaining,
    found: Regression,
    moves: NDArray[np.bool_],
    *,
    has_intercept: bool = True,
) -> Fit:
    """Judge events by regressions of the returns on what explains them.

    Parameters
    ----------
    placed : Placed
        N events.
    explaining : Explaining
        The regressors.
    found : Regression
        Their fits.
    moves : bool array of shape (N,)
        Whether the returns themselves moved on the estimation rows.
    has_intercept : bool
        Whether anything was estimated; without it the baseline is expected, nothing loads, and
        sigma remains the standard deviation about the mean.
    """
    returns = Span(placed, placed.frame.returns)
    n_parameters = 1 + len(explaining.names)
    with np.errstate(invalid="ignore", divide="ignore"):
        alpha = found.mean - (found.slopes * found.means).sum(axis=1)
        sigma = np.sqrt(found.error_squares / (found.n - n_parameters))
    line = Line(alpha if has_intercept else 0 * alpha, found.slopes, *explaining[1:])
    loadings = _loadings(placed, found, line, n_parameters if has_intercept else 0)
    sample, is_unknown = on_line(
        placed, returns, line, Errors(sigma, found.n, n_parameters, loadings)
    )
    rejected = refused(placed, found, moves)
    rejected.add(is_unknown, Reason.NO_BENCHMARK)
    slopes = dict(zip(explaining.names, found.slopes.T, strict=True))
    return Fit(sample, {"alpha": line.alpha, **slopes}, _explained(found), rejected)


def _loadings(placed: Placed, found: Regression, line: Line, n_columns: int) -> NDArray[np.float64]:
    """Return A of every event row."""
    loadings = np.zeros((len(found.n), placed.windows.n_rows, n_columns))
    if n_columns:
        with np.errstate(divide="ignore"):
            loadings[:, :, 0] = 1 / np.sqrt(found.n)[:, None]
    for some in blocks(len(found.n)) if line.regressors else ():
        rows = np.stack([one.event(some) for one in line.regressors], axis=2)
        rows -= found.means[some, None]
        loadings[some, :, 1:] = whitened(found.root[some], rows)
    return loadings


def _explained(found: Regression) -> NDArray[np.float64]:
    """Return the share of the variance explained; NaN without regressors."""
    unexplained: NDArray[np.float64] = np.full(len(found.n), np.nan)
    if found.slopes.shape[1]:
        np.divide(found.error_squares, found.squares, out=unexplained, where=found.squares > 0)
    return 1 - unexplained


def on_line(
    placed: Placed, returns: Span, line: Line, errors: Errors
) -> tuple[Sample, NDArray[np.bool_]]:
    """Judge events by a line, whose residuals are computed when they are asked for.

    Returns
    -------
    tuple of Sample and bool array of shape (N,)
        The sample, and which events have no expectation on their own day.
    """
    windows = placed.windows
    expected = line.expected(windows.n_rows)
    residuals = Lazy(
        lambda some: line.residuals(returns, some), (len(placed.row), windows.n_estimation)
    )
    actual = returns.event()
    sample = sample_of(placed, actual, actual - expected, errors, residuals)
    return sample, ~np.isfinite(expected[:, -windows.event_first])


def sample_of(
    placed: Placed,
    returns: NDArray[np.float64],
    abnormal: NDArray[np.float64],
    errors: Errors,
    residuals: Lazy[np.float64],
) -> Sample:
    """Return a sample of events, places on the calendar and firms added."""
    windows = placed.windows
    return Sample(
        days=np.arange(windows.event_first, windows.event_last + 1),
        abnormal=abnormal,
        returns=returns,
        sigma=errors.sigma,
        n_estimation=errors.n,
        n_parameters=np.full(len(errors.n), errors.n_parameters),
        loadings=errors.loadings,
        positions=positions(placed, windows.event_first, windows.n_rows),
        firms=placed.frame.firms[placed.listing],
        residuals=residuals,
        estimation_positions=Lazy(
            lambda some: positions(placed, windows.first, windows.n_estimation, some),
            residuals.shape,
        ),
    )


def series(frame: Frame, name: str) -> NDArray[np.float64]:
    """Return a series of a frame.

    Raises
    ------
    ValueError
        If the frame has none of that name.
    """
    if name not in frame.series:
        known = ", ".join(sorted(frame.series)) or "none"
        raise ValueError(f"the model needs the series {name!r}; the panel has {known}")
    return frame.series[name]


def enough(windows: Windows, n_parameters: int) -> None:
    """Refuse windows whose least number of pairs leaves no variance of the prediction errors.

    Raises
    ------
    ValueError
        If ``minimum - K`` is not above 2: the variance of a t variable needs as many.
    """
    if windows.minimum - n_parameters <= 2:  # noqa: PLR2004 - as the docstring says
        raise ValueError(f"{windows.minimum} pairs are too few for {n_parameters} parameters")


def refused(placed: Placed, found: Regression, moves: NDArray[np.bool_]) -> Rejected:
    """Say which events a regression cannot judge.

    Parameters
    ----------
    placed : Placed
        The events.
    found : Regression
        Their fits.
    moves : bool array of shape (N,)
        Whether the returns themselves moved on the estimation rows.
    """
    rejected = Rejected(len(found.n))
    minimum = placed.windows.minimum
    rejected.add(found.n_responses < minimum, Reason.TOO_FEW_ESTIMATION_ROWS)
    rejected.add(found.n < minimum, Reason.NO_BENCHMARK)
    rejected.add(~moves, Reason.CONSTANT_PRICES)
    rejected.add(found.is_collinear, Reason.COLLINEAR_FACTORS)
    is_noise = ~(found.error_squares > NOISE_SHARE * found.squares)
    rejected.add(is_noise, Reason.NO_RESIDUAL_VARIANCE)
    return rejected
