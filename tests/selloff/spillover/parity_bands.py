"""Frequency bands beside those of other systems: ours exact, theirs sums over Fourier bins.

`pairs` yields what they publish beside ours. `binned` does what they do, to show that the bins are
all the difference.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from selloff.spillover.bands import band_shares
from tests.selloff.spillover.reference import expected

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


def pairs():
    """Yield quantity, peer, panel, ours, theirs and the largest difference allowed."""
    exact = expected("own_bk_exact_dy2012_bands.csv").to_numpy()[:, 1:].reshape(3, 4, 4) / 100
    yield "band shares", "converged integral", "dy2012", ours(), exact, 1e-11
    for prefix, peer in R_PEERS.items():
        for size in SIZES:
            table = theirs(prefix, size)
            yield f"bands, {size} bins", peer, "dy2012", between(ours()), between(table), 0.0035
            total, their_total = between(ours()).sum(), between(table).sum()
            yield f"bands' sum, {size} bins", peer, "dy2012", total, their_total, 1e-6
    peer = "pyconnectedness"
    yield "bands, 100 bins", peer, "dy2012", between(ours()), np.array(PYCONNECTEDNESS), 0.0035
    yield "bands' sum, 100 bins", peer, "dy2012", between(ours()).sum(), sum(PYCONNECTEDNESS), 1e-6


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
