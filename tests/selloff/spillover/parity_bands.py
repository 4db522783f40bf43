"""Frequency bands beside those of other systems: ours exact, theirs sums over Fourier bins.

`pairs` yields what they publish beside ours. `binned` does what they do, to show that the bins are
all the difference.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from selloff.spillover.bands import band_shares
from tests.selloff.spillover.parity_connectedness import Pair, expected

if TYPE_CHECKING:
    from collections.abc import Iterator

PERIODS = (10.0, 40.0)
# Published by pyconnectedness 0.1.0 on the volatilities of Diebold and Yilmaz (2012).
PYCONNECTEDNESS = (0.029305, 0.018338, 0.113279)
SIZES = (100, 200, 500)
R_PEERS = {"ca_dy2012_freq": "ConnectednessApproach", "fc_dy2012_BK12": "frequencyConnectedness"}


def fitted():
    """Return coefficients and error covariance that ConnectednessApproach found, of VAR(4)."""
    return expected("ca_dy2012_var4_B.csv").to_numpy(), expected("ca_dy2012_var4_Q.csv").to_numpy()


def ours():
    coefficients, covariance = fitted()
    return band_shares(coefficients[None], covariance[None], PERIODS)[:, 0]


def theirs(prefix, size):
    names = (f"{prefix}_H{size}_band{band}.csv" for band in (1, 2, 3))
    return np.array([expected(name).to_numpy() / 100 for name in names])


def between(tables):
    """Return what passes between series in each table, per series."""
    k = tables.shape[-1]
    return (tables.sum(axis=(-2, -1)) - np.trace(tables, axis1=-2, axis2=-1)) / k


def pairs() -> Iterator[Pair]:
    """Yield what peers have found too; of bins no more can be asked than the limits here."""
    exact = expected("own_bk_exact_dy2012_bands.csv").to_numpy()[:, 1:].reshape(3, 4, 4) / 100
    yield Pair("band shares", "converged integral", "dy2012", ours(), exact, 1e-11)
    found = between(ours())
    for prefix, peer in R_PEERS.items():
        for size in SIZES:
            yield from _totals(peer, size, found, between(theirs(prefix, size)))
    yield from _totals("pyconnectedness", 100, found, np.array(PYCONNECTEDNESS))


def _totals(peer: str, size: int, found: np.ndarray, theirs: np.ndarray) -> Iterator[Pair]:
    yield Pair(f"total of bands, {size} bins", peer, "dy2012", found, theirs, 0.0035)
    ours, sums = np.array([found.sum()]), np.array([theirs.sum()])
    yield Pair(f"total of all bands, {size} bins", peer, "dy2012", ours, sums, 1e-6)


def r_frequencies(n):
    """Return where R frequencyConnectedness takes its n bins to lie: those of another n if odd."""
    half = np.arange(n // 2 + 1) / (n // 2) * np.pi
    return np.concatenate([half, half[1 : n - n // 2][::-1]])


def true_frequencies(n):
    return 2 * np.pi * np.abs(np.fft.fftfreq(n))


def binned(n, frequencies, coefficients, covariance):
    """Sum n Fourier bins of n responses, each to the band that its frequency is said to lie in."""
    k, width = coefficients.shape
    companion = np.eye(width, k=-k)
    companion[:k] = coefficients
    state, responses = np.eye(width, k), []
    for _ in range(n):
        responses.append(state[:k])
        state = companion @ state
    power = np.abs(np.fft.fft(responses, axis=0) @ covariance) ** 2 / np.diag(covariance)
    power /= power.sum(axis=(0, 2))[:, None]
    edges = [np.inf, *(2 * np.pi / period for period in PERIODS), 0.0]
    at = frequencies(n)
    slack = 1e-10 if frequencies is true_frequencies else 0.0
    inside = [(at >= low - slack) & (at < high - slack) for high, low in pairwise(edges)]
    return np.array([power[band].sum(axis=0) for band in inside])
