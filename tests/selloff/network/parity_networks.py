"""What networks, absorption and turbulence are held against: each figure, by whom, on which panel.

The tests and the table of parity are made from this one list. All of it is on sectors11_sim.csv.
Peers: R (lmtest, sandwich, base `eigen` and `mahalanobis`), frds 2.4.1, and the SystemicRisk
toolbox at f5e9b48 under Octave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selloff.network.absorption import absorption_ratio, eigenvalues
from selloff.network.granger import granger_network
from selloff.network.turbulence import full_sample_turbulence, turbulence
from tests.selloff.network.reference import expected, sectors

if TYPE_CHECKING:
    from collections.abc import Iterator

    Pair = tuple[str, str, str, list[float], list[float], float]

PANEL = "sectors11"
YEAR = 252
LIMIT = 1e-9
# README of the reference set: frds, R and Octave agree on these to 1e-15.
RATIOS = {
    0.1: 0.60319852829338838,
    0.2: 0.65837073076813457,
    0.4: 0.75720916519211956,
    0.6: 0.88309481167906778,
}
LAST_DAY = 10.930984772846116
# Squared percent in a squared fraction.
PERCENT_SQUARED = 1e4


def pairs() -> Iterator[Pair]:
    """Yield (quantity, peer, panel, ours, theirs, limit) for each comparison."""
    yield from _granger()
    yield from _absorption()
    yield from _turbulence()


def _granger() -> Iterator[Pair]:
    year = sectors().tail(YEAR)
    for lags in (1, 5):
        network = granger_network(year, lags=lags, bandwidth=5)
        for file, quantity, peer, ours in (
            ("F", "Granger F", "lmtest (R)", network.f),
            ("Fp", "p-value of the Granger F", "lmtest (R)", network.f_p_value),
            ("NW5_wald", "Newey-West Wald", "sandwich (R)", network.wald),
            (
                "NW5_waldp",
                "chi-squared p-value of the Newey-West Wald",
                "sandwich (R)",
                network.chi_squared_p_value,
            ),
        ):
            theirs = expected(f"r_granger_{file}_p{lags}_last252", index_col=0)
            off = ~np.eye(len(year.columns), dtype=bool)
            assert theirs.index.tolist() == theirs.columns.tolist() == year.columns.tolist()
            yield (
                f"{quantity}, {lags} lags",
                peer,
                PANEL,
                ours[off].tolist(),
                theirs.to_numpy()[off].tolist(),
                LIMIT,
            )


def _absorption() -> Iterator[Pair]:
    year = sectors().tail(YEAR)
    ours = [absorption_ratio(year, window=YEAR, share=share).iloc[0] for share in RATIOS]
    yield "absorption ratio", "frds", PANEL, ours, list(RATIOS.values()), LIMIT
    theirs = expected("r_eigen_last252", index_col=0)
    for file, basis, unit in (("cov", "covariance", PERCENT_SQUARED), ("cor", "correlation", 1.0)):
        found = eigenvalues(year, window=YEAR, basis=basis).iloc[0] * unit
        peers = theirs.loc[file].tolist()
        yield f"eigenvalues of the {basis}", "eigen (R)", PANEL, found.tolist(), peers, LIMIT
    component = expected("sr_sectors11_component_w252")
    rolling = absorption_ratio(sectors(), window=YEAR).tail(len(component)).tolist()
    peers = component["absorption_ratio_f20"].tolist()
    yield "absorption ratio, rolling", "SystemicRisk", PANEL, rolling, peers, LIMIT


def _turbulence() -> Iterator[Pair]:
    k = len(sectors().columns)
    ours = full_sample_turbulence(sectors())["turbulence"] * k
    theirs = expected("r_turbulence_fullsample_sectors11")["turbulence"].tolist()
    yield "turbulence, full sample", "mahalanobis (R)", PANEL, ours.tolist(), theirs, LIMIT
    before = turbulence(sectors(), window=YEAR - 1)["turbulence"] * k
    last = before.tolist()[-1:]
    yield "turbulence of the last day", "mahalanobis (R)", PANEL, last, [LAST_DAY], LIMIT
    component = expected("sr_sectors11_component_w252")
    mixed = as_mixed(before.tail(len(component)).to_numpy(), YEAR)
    peers = component["turbulence"].tolist()
    yield "turbulence, day in its covariance", "SystemicRisk", PANEL, mixed, peers, LIMIT


def as_mixed(distances: np.ndarray, window: int) -> list[float]:
    """Return what SystemicRisk publishes: the day in the covariance, but not in the mean.

    Of w rows with the day, with q our distance from the w - 1 before and S their covariance, theirs
    is ``a S + d d' / w`` with ``a = (w - 2) / (w - 1)``, and so (Sherman and Morrison) their
    distance is ``(q / a) / (1 + q / (a w))``: never above w, however far prices fall.
    """
    scaled = distances / ((window - 2) / (window - 1))
    return (scaled / (1 + scaled / window)).tolist()
