"""What a return is expected to be: nothing, its mean, the market's, or what factors explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selloff.event_study._fits import Explaining, Fit, enough, judged, series
from selloff.event_study._rows import Span, blocks
from selloff.event_study.least_squares import Regression, least_squares
from selloff.event_study.panels import MARKET
from selloff.returns import NOISE_SIGMA

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selloff.event_study._rows import Placed

RISKLESS = "rf"


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

    Examples
    --------
    >>> LinearModel("energy", factors=("market", "oil"), baseline="rf").n_parameters
    3
    >>> import pandas as pd
    >>> from selloff.event_study.events import Windows
    >>> from selloff.event_study.panels import panel_of_returns
    >>> from selloff.event_study.studies import study
    >>> market = pd.Series([0.01, -0.01, 0.02, -0.02, 0.0, 0.01, -0.03])
    >>> noise = pd.Series([0.001, 0.001, -0.001, -0.001, 0.0, 0.0, -0.14])
    >>> panel = panel_of_returns(pd.DataFrame({"NVDA": 2 * market + noise}), market)
    >>> asked = pd.DataFrame({"listing_id": ["NVDA"], "session_date": [6]})
    >>> days = Windows(first=-6, last=-1, event_first=0, event_last=0, minimum=6)
    >>> study(panel, asked, MARKET_MODEL, days).fits[["n", "market"]].round(2).values.tolist()
    [[6.0, 2.0]]
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
        explaining = Explaining(self.factors, regressors, baseline)
        return judged(placed, explaining, found, moves, has_intercept=self.has_intercept)


RAW = LinearModel("raw", has_intercept=False)
CONSTANT_MEAN = LinearModel("constant_mean")
MARKET_ADJUSTED = LinearModel("market_adjusted", baseline=MARKET, has_intercept=False)
MARKET_MODEL = LinearModel("market_model", (MARKET,))
CAPM = LinearModel("capm", ("mktrf",), RISKLESS)
FAMA_FRENCH_3 = LinearModel("fama_french_3", ("mktrf", "smb", "hml"), RISKLESS)
CARHART = LinearModel("carhart", ("mktrf", "smb", "hml", "mom"), RISKLESS)
FAMA_FRENCH_5 = LinearModel("fama_french_5", ("mktrf", "smb", "hml", "rmw", "cma"), RISKLESS)


def _regressed(
    returns: Span, regressors: tuple[Span, ...], baseline: Span | None, n_events: int
) -> tuple[Regression, NDArray[np.bool_]]:
    """Regress block by block; return the fits, and whether the returns themselves moved."""
    parts, moves = [], []
    for some in blocks(n_events):
        response = returns.estimation(some)
        if baseline is None:
            found = alone = least_squares(response, [one.estimation(some) for one in regressors])
        else:
            alone = least_squares(response.copy(), [])
            response -= baseline.estimation(some)
            found = least_squares(response, [one.estimation(some) for one in regressors])
        parts.append(found._replace(n_responses=alone.n_responses))
        moves.append(alone.squares > alone.n * NOISE_SIGMA**2)
    return Regression(*map(np.concatenate, zip(*parts, strict=True))), np.concatenate(moves)
