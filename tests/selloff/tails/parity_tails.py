"""What the measures of tails are held against: each quantity, by whom, on which panel.

R's quantreg (method br) and PerformanceAnalytics, Python's frds 2.4.1 and SystemicR's published
example, from ../shared/reference/contagion; scipy's linear program where no peer's figures are
stored. The tests and the table of parity are made from this one list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from selloff.tails.betas import market_betas
from selloff.tails.covar import delta_covar, delta_covar_given_states
from selloff.tails.shortfalls import marginal_expected_shortfall, srisk
from tests.selloff.tails.worlds import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

BANKS = "17 US financials 2006-2010"
LIMIT = 1e-9
# A column of quantreg's table, ours with the firm for the source, ours with the index for it.
COVAR = {
    "alpha": ("alpha", "exposure_alpha"),
    "beta": ("beta", "exposure_beta"),
    "value_at_risk": ("VaR", None),
    "median": ("median", None),
    "covar": ("CoVaR", None),
    "delta_covar": ("dCoVaR", "exposure_dCoVaR"),
}


class Pair(NamedTuple):
    """A quantity as a peer found it and as we do, value by value, and how far they may differ."""

    quantity: str
    peer: str
    panel: str
    ours: np.ndarray
    theirs: np.ndarray
    limit: float


def pairs() -> Iterator[Pair]:
    """Yield every quantity that a peer has found too."""
    banks = read("inputs/sr_large_logret_2006_2010.csv")
    yield from _covars(banks)
    yield from _given_states(banks)
    yield from _shortfalls(banks)
    yield from _betas(banks)
    yield from _capital()


def read(path: str, column: int = 0) -> pd.DataFrame:
    """Return a file of the reference."""
    return pd.read_csv(REFERENCE / path, index_col=column)


def _covars(banks: pd.DataFrame) -> Iterator[Pair]:
    theirs = pd.read_csv(REFERENCE / "expected/rq_covar_sr_large_2006_2010.csv")
    asked = list(zip(theirs["firm"], theirs["q"], strict=True))
    ways = (
        [delta_covar(banks, firm, "SP500", quantile) for firm, quantile in asked],
        [delta_covar(banks, "SP500", firm, quantile) for firm, quantile in asked],
    )
    for name, columns in COVAR.items():
        for found, column, word in zip(ways, columns, ("", "exposure "), strict=True):
            if column:
                ours = np.array([getattr(one, name) for one in found])
                yield Pair(
                    word + name, "quantreg br", BANKS, ours, theirs[column].to_numpy(), LIMIT
                )
    citi = asked.index(("C", 0.05))
    ours = [getattr(ways[0][citi], name) for name in ("alpha", "beta", "covar", "delta_covar")]
    theirs_of_citi = np.array([-0.016757590, 0.22126194, -0.030424286, -0.013492832])
    yield Pair("S&P 500 on C", "quantreg br", BANKS, np.array(ours), theirs_of_citi, 5e-9)


def _given_states(banks: pd.DataFrame) -> Iterator[Pair]:
    states = read("inputs/sr_large_state_variables.csv")
    days = banks.index.intersection(states.index)
    found = delta_covar_given_states(banks.loc[days], states.loc[days], "C", "SP500")
    before = np.column_stack([np.ones(len(days) - 1), states.loc[days].to_numpy()[:-1]])
    x, y = (banks.loc[days, name].to_numpy()[1:] for name in ("C", "SP500"))
    low = before @ linear_program(x, before, 0.05)
    median = before @ linear_program(x, before, 0.5)
    b = linear_program(y, np.column_stack([before, x]), 0.05)
    program = "linear program"
    yield Pair("beta given states", program, BANKS, np.array([found.beta]), b[-1:], LIMIT)
    yield Pair("VaR given states", program, BANKS, found.value_at_risk, low, LIMIT)
    yield Pair("median given states", program, BANKS, found.median, median, LIMIT)
    covar = before @ b[:-1] + b[-1] * low
    yield Pair("CoVaR given states", program, BANKS, found.covar, covar, LIMIT)
    change = b[-1] * (low - median)
    yield Pair("Delta-CoVaR given states", program, BANKS, found.delta_covar, change, LIMIT)


def linear_program(y: np.ndarray, x: np.ndarray, quantile: float) -> np.ndarray:
    """Return the coefficients of a quantile regression by the simplex method of HiGHS."""
    from scipy.optimize import linprog
    from scipy.sparse import eye_array, hstack

    n, m = x.shape
    scale = np.abs(x).max(axis=0)
    costs = np.r_[np.zeros(m), np.full(n, quantile), np.full(n, 1 - quantile)]
    rows = hstack([x / scale, eye_array(n), -eye_array(n)], format="csc")
    bounds = [(None, None)] * m + [(0, None)] * (2 * n)
    found = linprog(costs, A_eq=rows, b_eq=y, bounds=bounds, method="highs-ds")
    # Polished: the vertex is where residuals are zero.
    at = np.argsort(np.abs(y - x @ (found.x[:m] / scale)))[:m]
    return np.linalg.solve(x[at], y[at])


def _shortfalls(banks: pd.DataFrame) -> Iterator[Pair]:
    theirs = read("expected/frds_mes05_sr_large_2006_2010.csv").iloc[:, 0]
    found = marginal_expected_shortfall(banks, "SP500")
    ours = dict(zip(found.names, found.shortfall[0], strict=True))
    values = np.array([ours[name] for name in theirs.index])
    yield Pair("MES", "frds", BANKS, values, theirs.to_numpy(), LIMIT)
    stocks = marginal_expected_shortfall(read("inputs/frds_stocks_us.csv"), "^GSPC")
    published = {
        "GS": -0.03289644707815817,
        "JPM": -0.032599289363282873,
        "GOOGL": -0.029774961210686131,
    }
    values = np.array([stocks.shortfall[0, stocks.names.index(name)] for name in published])
    theirs_of_stocks = np.array(list(published.values()))
    yield Pair("MES", "frds", "GS, JPM, GOOGL 2010-2022", values, theirs_of_stocks, LIMIT)


def _betas(banks: pd.DataFrame) -> Iterator[Pair]:
    theirs = read("expected/pa_betas_sr_large_2006_2010.csv")
    for row, side in (("beta", "all"), ("bear", "fall"), ("bull", "rise")):
        found = market_betas(banks, "SP500", side, threshold="zero")
        ours = dict(zip(found.names, found.beta[0], strict=True))
        values = np.array([ours[name] for name in theirs.columns])
        yield Pair(
            f"market {row}",
            "PerformanceAnalytics",
            BANKS,
            values,
            theirs.loc[row].to_numpy(),
            LIMIT,
        )


def _capital() -> Iterator[Pair]:
    # The documentation of frds gives LRMES to four digits (0.0975): 92 times half a digit.
    ours = srisk([900.0], [100.0], 0.0975)
    yield Pair("SRISK", "frds", "GS", ours, np.array([-11.032087743990681]), 92 * 0.5e-4)
