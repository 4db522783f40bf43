"""GJR variances, dynamic correlations and long-run shortfalls beside what other systems found.

Provenance: `rmgarch_dcc_gjr_*` are by R rmgarch 1.3-9 (GJR margins by rugarch) on returns in
percent; `arch` is the installed one; frds 2.4.1's figures are written down here, as its
documentation and the reference set's README give them.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from selloff.tails._correlations import Correlations
from selloff.tails.dcc import Dcc, dcc_path, fit_dcc
from selloff.tails.gjr import Gjr, fit_gjr, gjr_log_likelihood
from selloff.tails.long_run import long_run_shortfalls

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "contagion"
RMGARCH = ("sp500_c", "sp500_jpm", "11")
PERCENT = 100.0
# rmgarch stops at a likelihood lower than ours by 0.0001 to 0.002 (`test_parity_gjr_dcc`), that is
# within sqrt(2 x 0.002) = 0.063 standard errors of it; of decay's, the largest, 0.13.
OPTIMUM = 0.063 * 0.132
# Bound of rugarch's persistence, 1 of ours.
RUGARCH_MOST = 0.999
# frds: likelihood to three digits; 10,000 paths with 500 events leave SRISK an error of 0.27.
FRDS = {"GS, beta 1e-6": -1182.245, "arch on GS, beta 0.926": -1182.362}
FRDS_LRMES, FRDS_SRISK = 0.0961, -11.032087743990681


class Pair(NamedTuple):
    """A quantity as a peer found it and as we do, and how far apart they may be."""

    quantity: str
    peer: str
    panel: str
    ours: np.ndarray
    theirs: np.ndarray
    limit: float


class Peer(NamedTuple):
    """One of rmgarch's fits: the returns, its parameters by its conventions, and its paths."""

    returns: pd.DataFrame
    parameters: Dcc
    paths: pd.DataFrame

    @property
    def margins(self) -> dict[str, Gjr]:
        """Return its variance parameters by series."""
        return dict(zip(self.parameters.names, self.parameters.margins, strict=True))


def peer(name: str) -> Peer:
    """Read one of rmgarch's fits.

    Its conventions: the first variance is the mean squared residual; the target is the covariance
    of the standardized residuals (divisor n - 1); the residuals before the first row are ones.
    """
    found = REFERENCE / f"expected/rmgarch_dcc_gjr_{name}"
    paths = pd.read_csv(f"{found}.csv.gz", index_col="date")
    values = pd.read_csv(f"{found}_coef.csv", index_col="par", skipinitialspace=True)["value"]
    names = [label[1:-4] for label in values.index if label.endswith("].mu")]
    returns = stocks("sr_large_logret_2006_2010")[names]
    margins = {}
    for series in names:
        mean, omega, alpha, beta, gamma = (
            values[f"[{series}].{each}"] for each in ("mu", "omega", "alpha1", "beta1", "gamma1")
        )
        first = ((returns[series] - mean / PERCENT) ** 2).mean()
        margins[series] = Gjr(mean / PERCENT, omega / PERCENT**2, alpha, gamma, beta, first)
    news, decay = values["[Joint]dcca1"], values["[Joint]dccb1"]
    ones = np.ones((len(names), len(names)))
    blank = Dcc(tuple(names), tuple(margins.values()), 0.0, 0.0, ones, ones)
    target = np.cov(dcc_path(returns, blank).residuals.T)
    first = (1 - news) * target + news * ones
    return Peer(
        returns, Dcc(tuple(names), tuple(margins.values()), news, decay, target, first), paths
    )


def stocks(name: str) -> pd.DataFrame:
    """Read one of the reference set's inputs."""
    return pd.read_csv(REFERENCE / f"inputs/{name}.csv", index_col="Date")


def frds_returns() -> pd.DataFrame:
    """Return the log returns of frds's example: Goldman Sachs and the index, last 600 sessions."""
    return np.log1p(stocks("frds_stocks_us")[["^GSPC", "GS"]].iloc[-600:])


def second_stage(theirs: Peer) -> Correlations:
    """Return the likelihood of news and decay as rmgarch has it."""
    residuals = dcc_path(theirs.returns, theirs.parameters).residuals
    ones = np.ones(len(theirs.parameters.names))
    return Correlations(residuals, theirs.parameters.target, ones)


def is_on_bound(rules: Gjr) -> bool:
    """Return whether rugarch ended on the bound of its persistence."""
    return rules.persistence > RUGARCH_MOST - 1e-6


def refitted(theirs: Peer) -> Dcc:
    """Return our optimum of news and decay, given rmgarch's margins and conventions."""
    return fit_dcc(
        theirs.returns,
        margins=theirs.margins,
        target=theirs.parameters.target,
        before=np.ones(len(theirs.parameters.names)),
    ).parameters


def pairs() -> Iterator[Pair]:
    """Yield every quantity that a peer has found too."""
    for name in RMGARCH:
        yield from _of_rmgarch(name)
    if find_spec("arch"):
        yield from _of_arch()
    yield from _of_frds()


def _of_rmgarch(name: str) -> Iterator[Pair]:
    theirs = peer(name)
    path = dcc_path(theirs.returns, theirs.parameters)
    who = ("rmgarch", f"sr_large {name}")
    sigmas = theirs.paths[["sigma1", "sigma2"]].to_numpy() / PERCENT
    rho = theirs.paths["rho12"].to_numpy()
    yield Pair("GJR sigma path", *who, np.sqrt(path.variances[:-1, :2]), sigmas, 1e-14)
    yield Pair("DCC correlation path", *who, path.correlations[:-1, 0, 1], rho, 1e-14)
    ours = refitted(theirs)
    yield Pair(
        "DCC news and decay, fitted",
        *who,
        np.array([ours.news, ours.decay]),
        np.array([theirs.parameters.news, theirs.parameters.decay]),
        OPTIMUM,
    )
    inside = [each for each, rules in theirs.margins.items() if not is_on_bound(rules)]
    fits = fit_gjr(theirs.returns[inside], presample="sample")
    yield Pair(
        "GJR parameters, fitted",
        *who,
        np.array([_numbers(fits[each].parameters) for each in inside]),
        np.array([_numbers(theirs.margins[each]) for each in inside]),
        1e-5,
    )


def _numbers(each: Gjr) -> list[float]:
    """Return the parameters, those of the unit of the returns in percent."""
    return [
        each.mean * PERCENT,
        each.omega * PERCENT**2,
        each.alpha,
        each.gamma,
        each.beta,
    ]


def _of_arch() -> Iterator[Pair]:
    for panel, returns in (
        ("sr_large", stocks("sr_large_logret_2006_2010")),
        ("frds_stocks_us", np.log1p(stocks("frds_stocks_us"))),
    ):
        theirs = {name: of_arch(returns[name]) for name in returns}
        margins = {name: each for name, (each, _) in theirs.items()}
        scale = len(returns) * np.log(PERCENT)
        yield Pair(
            "GJR log-likelihood at its parameters",
            "arch",
            panel,
            gjr_log_likelihood(returns, margins) - scale,
            np.array([likelihood for _, likelihood in theirs.values()]),
            1e-8,
        )


def of_arch(returns: pd.Series) -> tuple[Gjr, float]:
    """Return arch's fit in percent: its parameters, and its log-likelihood."""
    from arch import arch_model

    asked = arch_model(returns * PERCENT, mean="Constant", o=1, rescale=False)
    found = asked.fit(disp="off", show_warning=False)
    mean, omega, alpha, gamma, beta = found.params.to_numpy()
    first = float(found.conditional_volatility.iloc[0]) ** 2
    units = (mean / PERCENT, omega / PERCENT**2, alpha, gamma, beta, first / PERCENT**2)
    return Gjr(*map(float, units)), float(found.loglikelihood)


def _of_frds() -> Iterator[Pair]:
    returns = frds_returns()
    who = ("frds", "frds_stocks_us")
    likelihood = fit_gjr(returns[["GS"]])["GS"].log_likelihood - len(returns) * np.log(PERCENT)
    theirs = FRDS["GS, beta 1e-6"]
    yield Pair("GJR log-likelihood, fitted", *who, np.array([likelihood]), np.array([theirs]), 5e-4)
    found = long_run_shortfalls(returns, fit_dcc(returns).parameters, "^GSPC")["GS"]
    # A million paths, of which 47,000 in the event, leave an error of 0.0003 to theirs.
    error = np.hypot(found.standard_error, 0.0003)
    yield Pair("LRMES", *who, np.array([found.shortfall]), np.array([FRDS_LRMES]), 3 * float(error))
    srisk = 0.08 * 900 - 0.92 * (1 - found.shortfall) * 100
    yield Pair("SRISK of GS", *who, np.array([srisk]), np.array([FRDS_SRISK]), 0.3)
