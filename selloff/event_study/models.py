"""What a return is expected to be: nothing, its mean, the market's, or what factors explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selloff.event_study.events import Reason, Span
from selloff.event_study.fits import (
    Errors,
    Fit,
    Line,
    enough,
    on_line,
    refused,
    series,
)
from selloff.event_study.least_squares import Regression, least_squares, whitened
from selloff.event_study.panels import MARKET
from selloff.returns import NOISE_SIGMA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from selloff.event_study.events import Placed

RISKLESS = "rf"

# Events fitted at a time: 256 windows of 250 rows are half a megabyte, so that a response and a
# few regressors stay in the second-level cache together.
_BLOCK = 256


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Expected returns by least squares over the estimation rows.

    With y the return less the `baseline`, X an intercept and the `factors`::

        B = (X'X)^(-1) X'y      E R_t = baseline_t + x_t' B      s^2 = e'e / (n - K)

    A model that estimates nothing (`has_intercept` False) expects the baseline, and its s is the
    standard deviation of y about its mean, so that K = 1 counts for the degrees of freedom; its
    events have no prediction error (loadings of no column).

    Parameters
    ----------
    name : str
        Name, as tables carry it.
    factors : tuple of str
        Series of the panel that explain returns.
    baseline : str, optional
        Series of the panel that is expected one for one.
    has_intercept : bool
        Whether anything is estimated.

    References
    ----------
    Brown and Warner (1980, 1985), JFE; MacKinlay (1997), JEL 35, 13-39; Fama and French (1993,
    2015), JFE; Carhart (1997), JF.
    """

    name: str
    factors: tuple[str, ...] = ()
    baseline: str | None = None
    has_intercept: bool = True

    def __post_init__(self) -> None:
        if self.factors and not self.has_intercept:
            raise ValueError("a model with factors has an intercept")

    @property
    def n_parameters(self) -> int:
        """Parameters K: the intercept (or the mean about which s is taken) and the slopes."""
        return 1 + len(self.factors)

    def fit(self, placed: Placed) -> Fit:
        """Estimate each event on its estimation rows, and judge its event rows.

        Parameters
        ----------
        placed : Placed
            Events on a frame.

        Returns
        -------
        Fit
            A pair is valid where the return, the baseline and every factor are finite.

        Raises
        ------
        ValueError
            If the panel lacks a series, or the least number of pairs leaves no residual.
        """
        enough(placed.windows, self.n_parameters)
        returns = Span(placed, placed.frame.returns)
        regressors = tuple(Span(placed, series(placed.frame, name)) for name in self.factors)
        baseline = Span(placed, series(placed.frame, self.baseline)) if self.baseline else None
        found, moves = _regressed(returns, regressors, baseline, len(placed.row))
        with np.errstate(invalid="ignore", divide="ignore"):
            alpha = found.mean - (found.slopes * found.means).sum(axis=1)
            sigma = np.sqrt(found.error_squares / (found.n - self.n_parameters))
            loadings = self._loadings(found, regressors, placed)
        line = Line(alpha if self.has_intercept else 0 * alpha, found.slopes, regressors, baseline)
        errors = Errors(sigma, found.n, self.n_parameters, loadings)
        sample, is_unknown = on_line(placed, returns, line, errors)
        rejected = refused(placed, found, moves)
        rejected.add(is_unknown, Reason.NO_BENCHMARK)
        slopes = dict(zip(self.factors, found.slopes.T, strict=True))
        return Fit(sample, {"alpha": line.alpha, **slopes}, _explained(found), rejected)

    def _loadings(
        self, found: Regression, regressors: tuple[Span, ...], placed: Placed
    ) -> NDArray[np.float64]:
        """Return A of every event row."""
        shape = (len(found.n), placed.windows.n_rows)
        if not self.has_intercept:
            return np.zeros((*shape, 0))
        loadings = np.empty((*shape, self.n_parameters))
        loadings[:, :, 0] = 1 / np.sqrt(found.n)[:, None]
        if regressors:
            away = np.stack([one.event() for one in regressors], axis=2) - found.means[:, None]
            loadings[:, :, 1:] = whitened(found.root, away)
        return loadings


RAW = LinearModel("raw", has_intercept=False)
CONSTANT_MEAN = LinearModel("constant_mean")
MARKET_ADJUSTED = LinearModel("market_adjusted", baseline=MARKET, has_intercept=False)
MARKET_MODEL = LinearModel("market_model", (MARKET,))
CAPM = LinearModel("capm", ("mktrf",), RISKLESS)
FAMA_FRENCH_3 = LinearModel("fama_french_3", ("mktrf", "smb", "hml"), RISKLESS)
CARHART = LinearModel("carhart", ("mktrf", "smb", "hml", "mom"), RISKLESS)
FAMA_FRENCH_5 = LinearModel("fama_french_5", ("mktrf", "smb", "hml", "rmw", "cma"), RISKLESS)


def blocks(n_events: int) -> Iterator[slice]:
    """Yield the events that are fitted together."""
    for start in range(0, n_events, _BLOCK):
        yield slice(start, min(start + _BLOCK, n_events))


def _regressed(
    returns: Span, regressors: tuple[Span, ...], baseline: Span | None, n_events: int
) -> tuple[Regression, NDArray[np.bool_]]:
    """Regress block by block; return the fits, and whether the returns themselves moved."""
    parts, moves = [], []
    for some in blocks(n_events):
        response = returns.estimation(some)
        if baseline is not None:
            alone = least_squares(response.copy(), [])
            moves.append(alone.squares > alone.n * NOISE_SIGMA**2)
            response -= baseline.estimation(some)
        parts.append(least_squares(response, [one.estimation(some) for one in regressors]))
        if baseline is None:
            moves.append(parts[-1].squares > parts[-1].n * NOISE_SIGMA**2)
    return Regression(*map(np.concatenate, zip(*parts, strict=True))), np.concatenate(moves)


def _explained(found: Regression) -> NDArray[np.float64]:
    """Return the share of the variance explained; NaN without regressors."""
    if not found.slopes.shape[1]:
        return np.full(len(found.n), np.nan)
    unexplained: NDArray[np.float64] = np.full(len(found.n), np.nan)
    np.divide(found.error_squares, found.squares, out=unexplained, where=found.squares > 0)
    return 1 - unexplained
