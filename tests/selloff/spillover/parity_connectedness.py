"""Connectedness beside what other programs found on the same series, value by value.

R ConnectednessApproach 1.0.4 (ca_), frequencyConnectedness 0.2.4 (fc_), Spillover 0.1.1 and vars
1.6-1, and pyconnectedness 0.1.0, run when the reference set was made. Theirs are percent, ours
fractions. The tests compare these pairs, and a table of parity can be printed from them.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from selloff.spillover.connectedness import connectedness, rolling_connectedness
from selloff.spillover.r_squared import r_squared_connectedness
from selloff.spillover.vector_autoregression import fit, lag_choice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selloff.spillover.spillovers import Spillovers

REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "contagion"
LIMIT = 1e-9
CA, FC, SPILLOVER = "ConnectednessApproach", "frequencyConnectedness", "Spillover"
PY = "pyconnectedness"


class Pair(NamedTuple):
    """A quantity as a peer found it and as we do, and how far apart they may be."""

    quantity: str
    peer: str
    panel: str
    ours: np.ndarray
    theirs: np.ndarray
    limit: float = LIMIT


@cache
def panel(name: str) -> pd.DataFrame:
    """Return an input of the reference set."""
    return pd.read_csv(REFERENCE / "inputs" / f"{name}.csv", index_col=0, parse_dates=True)


@cache
def expected(name: str) -> pd.DataFrame:
    """Return an output of a peer."""
    return pd.read_csv(REFERENCE / "expected" / name, index_col=0)


@cache
def dy2012(horizon: int = 10, decomposition: str = "generalized") -> Spillovers:
    """Return the four asset classes of Diebold and Yilmaz (2012), at four lags."""
    return connectedness(panel("ca_dy2012"), lags=4, horizon=horizon, decomposition=decomposition)


@cache
def rolled(window: int) -> Spillovers:
    """Return the same in rolling windows."""
    return rolling_connectedness(panel("ca_dy2012"), window=window, lags=4, has_radius=False)


def pairs() -> Iterator[Pair]:
    """Yield every quantity that a peer has found too."""
    yield from _fits()
    yield from _generalized()
    yield from _measures()
    yield from _orthogonalized()
    yield from _joint()
    yield from _rolling()
    yield from _rolling_of_196_rows()
    yield from _numbers()


def _table(quantity: str, peer: str, found: Spillovers, name: str) -> Pair:
    theirs = expected(name).iloc[: len(found.names), : len(found.names)].to_numpy() / 100
    of = "dy2009" if "2009" in name else "dy2012"
    return Pair(quantity, peer, of, found.shares[0], theirs)


def _fits() -> Iterator[Pair]:
    found = fit(panel("ca_dy2012").to_numpy(), 4)
    theirs = expected("ca_dy2012_var4_B.csv").to_numpy()
    yield Pair("coefficients", CA, "dy2012", found.coefficients, theirs)
    theirs = expected("ca_dy2012_var4_Q.csv").to_numpy()
    yield Pair("residual covariance", CA, "dy2012", found.covariance, theirs)
    chosen, theirs = (
        lag_choice(panel("ca_dy2012").to_numpy(), 10),
        expected("vars_dy2012_varselect.csv"),
    )
    for row, name in (("AIC(n)", "aic"), ("HQ(n)", "hq"), ("SC(n)", "bic"), ("FPE(n)", "fpe")):
        values = theirs.loc[row].to_numpy()
        yield Pair(f"lag choice, {name}", "vars", "dy2012", getattr(chosen, name), values)


def _generalized() -> Iterator[Pair]:
    for horizon in (5, 10, 20, 100):
        name = f"ca_dy2012_gfevd_H{horizon}.csv"
        yield _table(f"generalized shares, H = {horizon}", CA, dy2012(horizon), name)
    # Its n.ahead sums one term more than it says.
    for ahead in (9, 10, 100):
        name = f"fc_dy2012_DY12_nahead{ahead}.csv"
        yield _table(f"generalized shares, H = {ahead + 1}", FC, dy2012(ahead + 1), name)
    for peer, name in ((SPILLOVER, "spillover_dy2012_G_H10.csv"), (PY, "pyconn_dy2012_H10.csv")):
        yield _table("generalized shares, H = 10", peer, dy2012(), name)
    world = connectedness(panel("ca_dy2009"), lags=2)
    yield _table("generalized shares, H = 10", CA, world, "ca_dy2009_gfevd_H10.csv")


def _measures() -> Iterator[Pair]:
    for horizon in (5, 10, 20, 100):
        theirs, found = expected(f"ca_dy2012_tofromnet_H{horizon}.csv"), dy2012(horizon)
        for row, ours in (
            ("TO", found.to_others[0]),
            ("FROM", found.from_others[0]),
            ("NET", found.net[0]),
        ):
            quantity = f"{row.lower()}, H = {horizon}"
            yield Pair(quantity, CA, "dy2012", ours, theirs.loc[row].to_numpy() / 100)
        counts = theirs.loc["NPT"].to_numpy()
        yield Pair(f"net receivers, H = {horizon}", CA, "dy2012", found.n_net_receivers[0], counts)
    for quantity, name in (
        ("pairwise_index", "pci"),
        ("influence", "influence"),
        ("net_pairwise", "npdc"),
    ):
        theirs = expected(f"ca_dy2012_{name}_H10.csv").to_numpy() / 100
        yield Pair(quantity, CA, "dy2012", getattr(dy2012(), quantity)[0], theirs)
    yield from _margins(SPILLOVER, "spillover_dy2012_G_H10.csv")
    yield from _margins(PY, "pyconn_dy2012_H10.csv")


def _margins(peer: str, name: str) -> Iterator[Pair]:
    theirs = expected(name) / 100
    sent = theirs.iloc[4, :4].to_numpy()
    yield Pair(
        "from, H = 10", peer, "dy2012", dy2012().from_others[0], theirs.iloc[:4, 4].to_numpy()
    )
    yield Pair("to, H = 10", peer, "dy2012", dy2012().to_others[0], sent)


def _orthogonalized() -> Iterator[Pair]:
    found = dy2012(decomposition="orthogonalized")
    for peer, name in ((CA, "ca_dy2012_ofevd_H10.csv"), ("vars", "vars_dy2012_ofevd_H10.csv")):
        yield _table("orthogonalized shares, H = 10", peer, found, name)
    world = connectedness(panel("ca_dy2009"), lags=2, decomposition="orthogonalized")
    for peer, name in ((CA, "ca_dy2009_ofevd_H10.csv"), (FC, "fc_dy2009_DY09_nahead9.csv")):
        yield _table("orthogonalized shares, H = 10", peer, world, name)
    # Spillover's table is of the whole world's variance: each share is divided by k.
    theirs = expected("spillover_dy2009_O_H10.csv").iloc[:19, :19].to_numpy() * 19 / 100
    yield Pair("orthogonalized shares, H = 10", SPILLOVER, "dy2009", world.shares[0], theirs)


def _joint() -> Iterator[Pair]:
    found, theirs = dy2012(decomposition="joint"), expected("ca_dy2012_joint_H10.csv") / 100
    for row, measure in (("TO", "to_others"), ("FROM", "from_others"), ("NET", "net")):
        ours = getattr(found, measure)[0]
        yield Pair(f"joint {row.lower()}, H = 10", CA, "dy2012", ours, theirs.loc[row].to_numpy())
    extended = dy2012(decomposition="extended_joint")
    yield _table("extended joint shares, H = 10", CA, extended, "ca_dy2012_extjoint_H10.csv")


def _rolling() -> Iterator[Pair]:
    found = rolled(200)
    theirs = expected("fc_dy2012_roll200_var4_H10.csv.gz") / 100
    yield Pair("rolling total", FC, "dy2012", found.total, theirs["TCI"].to_numpy())
    yield Pair("rolling net", FC, "dy2012", found.net, theirs.iloc[:, 1:].to_numpy())
    theirs = expected("spillover_dy2012_roll200_var4_H10.csv.gz") / 100
    yield Pair("rolling total", SPILLOVER, "dy2012", found.total, theirs["TCI"].to_numpy())
    theirs = expected("pyconn_dy2012_roll200_var4_H10.csv") / 100
    yield Pair("rolling total", PY, "dy2012", found.total, theirs["total"].to_numpy())


def _rolling_of_196_rows() -> Iterator[Pair]:
    # Its window.size = 200 at four lags takes 196 rows.
    found, theirs = rolled(196), expected("ca_dy2012_roll200_var4_H10.csv.gz").to_numpy() / 100
    yield Pair("rolling total", CA, "dy2012", found.total, theirs[:, 0])
    for place, (quantity, ours) in enumerate(
        (("net", found.net), ("to", found.to_others), ("from", found.from_others))
    ):
        columns = slice(1 + 4 * place, 5 + 4 * place)
        yield Pair(f"rolling {quantity}", CA, "dy2012", ours, theirs[:, columns])


def _numbers() -> Iterator[Pair]:
    """Yield what the reference set's list of numbers has."""
    for horizon, value in (
        (5, 10.077649028271797),
        (10, 12.592113069702034),
        (20, 15.082186759162836),
        (100, 16.092244764327301),
    ):
        yield _number(f"total, H = {horizon}", CA, "dy2012", dy2012(horizon).total[0], value)
    corrected = dy2012().corrected_total[0]
    yield _number("corrected total, H = 10", CA, "dy2012", corrected, 16.789484092936)
    for decomposition, value in (
        ("orthogonalized", 8.1441355467911123),
        ("joint", 11.72668428339197),
        ("extended_joint", 11.72668428339197),
    ):
        ours = dy2012(decomposition=decomposition).total[0]
        yield _number(f"{decomposition} total, H = 10", CA, "dy2012", ours, value)
    for decomposition, value in (
        ("generalized", 65.832675497619675),
        ("orthogonalized", 35.528154600174631),
    ):
        ours = connectedness(panel("ca_dy2009"), lags=2, decomposition=decomposition).total[0]
        yield _number(f"{decomposition} total, H = 10", CA, "dy2009", ours, value)
    parts = r_squared_connectedness(panel("sectors11_sim"), lags=1)
    for part, value in (
        ("total", 57.4939911488383),
        ("contemporaneous", 55.9828885026776),
        ("lagged", 1.51110264616071),
    ):
        ours = getattr(parts, part).total[0]
        yield _number(f"R-squared connectedness, {part}", CA, "sectors11", ours, value)


def _number(quantity: str, peer: str, of: str, ours: float, percent: float) -> Pair:
    return Pair(quantity, peer, of, np.array([ours]), np.array([percent / 100]))
