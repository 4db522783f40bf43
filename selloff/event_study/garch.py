"""The market model with GARCH(1,1) errors, one maximum likelihood per event."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff.event_study._fits import Errors, Fit, Line, on_line, series
from selloff.event_study._rows import Span
from selloff.event_study.events import Reason
from selloff.event_study.models import MARKET_MODEL
from selloff.event_study.panels import MARKET

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selloff.event_study._rows import Placed
    from selloff.event_study.sample import Sample

# With SciPy's own step of 1.5e-8 the gradient is lost in rounding: of the reference set's twelve
# fits one then stops at a likelihood 0.01 below the maximum, on 1e-6 none (1e-5 stops short).
_OPTIONS = {"ftol": 1e-10, "eps": 1e-6}


@dataclass(frozen=True, slots=True)
class Garch:
    r"""The market model whose error variance follows ``h_t = omega + alpha1 e^2 + beta1 h``.

    Alpha and beta weigh calm sessions more than turbulent ones. s is the residuals' unconditional
    standard deviation on n - 2 degrees of freedom, so that it suits residuals and ranks of the
    same rows, and loadings are those of least squares. About 10 ms per event.

    Parameters
    ----------
    name : str
        Name, as tables carry it.

    References
    ----------
    Bollerslev (1986), JoE 31, 307-327; fitted by the package `arch` (extra ``selloff[garch]``).

    Examples
    --------
    >>> import pandas as pd
    >>> from selloff.event_study.panels import panel_of_returns
    >>> from selloff.event_study.studies import study
    >>> rng = np.random.default_rng(1)
    >>> market = pd.Series(rng.normal(0, 0.01, 300))
    >>> returns = pd.DataFrame({"A": 1.5 * market + rng.normal(0, 0.001, 300)})
    >>> asked = pd.DataFrame({"listing_id": ["A"], "session_date": [280]})
    >>> study(panel_of_returns(returns, market), asked, Garch()).fits["market"].round(1).tolist()
    [1.5]
    """

    name: str = "garch"

    def fit(self, placed: Placed) -> Fit:
        """Estimate each event on its estimation rows, and judge its event rows.

        Parameters
        ----------
        placed : Placed
            Events on a frame that has the series `market`. Missing rows are left out, and the
            variance goes on from the row before.

        Returns
        -------
        Fit
            Coefficients `alpha`, `market`, and `omega` (squared unit of the returns), `arch`,
            `garch`; an event whose likelihood has no maximum that is found is `not_converged`.

        Raises
        ------
        ImportError
            If `arch` is not installed.
        ValueError
            As the market model.
        """
        model = _arch_model()
        ordinary = MARKET_MODEL.fit(placed)
        rejected = ordinary.rejected
        returns = Span(placed, placed.frame.returns)
        market = Span(placed, series(placed.frame, MARKET))
        found = np.full((len(placed.row), 5), np.nan)
        for at in rejected.kept:
            some = slice(at, at + 1)
            pair = (returns.estimation(some)[0], market.estimation(some)[0])
            found[at] = _parameters(model, *pair, ordinary.sample.sigma[at])
        rejected.add(np.isnan(found[:, 0]), Reason.NOT_CONVERGED)
        line = Line(found[:, 0], found[:, 1:2], (market,))
        sample = _with_sigma(placed, returns, line, ordinary.sample)
        names = ("alpha", MARKET, "omega", "arch", "garch")
        coefficients = dict(zip(names, found.T, strict=True))
        return Fit(sample, coefficients, np.full(len(found), np.nan), rejected)


def _with_sigma(placed: Placed, returns: Span, line: Line, ordinary: Sample) -> Sample:
    """Return the sample on a line, with the sigma of its own residuals."""
    errors = Errors(ordinary.sigma, ordinary.n_estimation, 2, ordinary.loadings)
    sample, _ = on_line(placed, returns, line, errors)
    squares = np.concatenate([np.nansum(block.residuals**2, axis=1) for block in sample.blocks()])
    with np.errstate(invalid="ignore", divide="ignore"):
        return replace(sample, sigma=np.sqrt(squares / sample.degrees_of_freedom))


def _arch_model() -> Any:
    """Return `arch`'s maker of models."""
    try:
        from arch import arch_model
    except ImportError as missing:
        raise ImportError("the GARCH market model needs arch: install selloff[garch]") from missing
    return arch_model


def _parameters(
    model: Any, y: NDArray[np.float64], x: NDArray[np.float64], sigma: float
) -> NDArray[np.float64]:
    """Return alpha, beta, omega, the arch and the garch term; NaN without convergence.

    In units of the ordinary residual sigma: the optimiser's steps and tolerance are absolute.
    """
    valid = np.isfinite(y) & np.isfinite(x)
    asked = model(
        y[valid] / sigma,
        x=x[valid, None] / sigma,
        mean="LS",
        vol="GARCH",
        p=1,
        q=1,
        rescale=False,
    )
    fitted = asked.fit(disp="off", show_warning=False, options=dict(_OPTIONS))
    if fitted.convergence_flag:
        return np.full(5, np.nan)
    alpha, beta, omega, arch, garch = np.asarray(fitted.params, dtype=np.float64)
    return np.array([alpha * sigma, beta, omega * sigma**2, arch, garch])
