"""Networks, absorption and turbulence agree with others; where they do not, the cause is shown.

The peers and their versions stand in the parity module.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import norm

from selloff.network.granger import granger_network
from tests.selloff.network.parity_networks import as_mixed, pairs
from tests.selloff.network.reference import expected, needs_reference, sectors

pytestmark = needs_reference

QUANTITIES = [
    *(
        f"{quantity}, {lags} lags"
        for lags in (1, 5)
        for quantity in (
            "Granger F",
            "p-value of the Granger F",
            "Newey-West Wald",
            "chi-squared p-value of the Newey-West Wald",
        )
    ),
    "absorption ratio",
    "eigenvalues of the covariance",
    "eigenvalues of the correlation",
    "absorption ratio, rolling",
    "turbulence, full sample",
    "turbulence of the last day",
    "turbulence, day in its covariance",
]


@cache
def compared():
    return {pair[0]: pair for pair in pairs()}


def test_every_file_is_compared():
    assert list(compared()) == QUANTITIES


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_the_figures_agree(quantity):
    *_, ours, theirs, limit = compared()[quantity]
    assert len(ours) == len(theirs) > 0
    assert ours == pytest.approx(theirs, rel=limit, abs=0)


def year():
    return sectors().tail(252).to_numpy() * 100


def test_systemicrisk_counts_the_day_in_the_covariance_it_is_held_against():
    # f5e9b48: covariance of 252 rows that end with the day, mean of the 251 before it.
    theirs = expected("sr_sectors11_component_w252")
    values = sectors().to_numpy() * 100
    for row in theirs.itertuples():
        window = values[row.row - 252 : row.row]
        spread = np.cov(window.T)
        away = window[-1] - window[:-1].mean(axis=0)
        distance = away @ np.linalg.solve(spread, away)
        alone = (away**2 / np.diag(spread)).sum()
        assert distance == pytest.approx(row.turbulence, rel=1e-10)
        assert distance / alone == pytest.approx(row.correlation_surprise, rel=1e-10)


def test_with_the_day_in_its_covariance_no_fall_is_far_away():
    assert as_mixed(np.array([10.0, 1e3, 1e9]), 252) == pytest.approx([9.66, 201.3, 252], rel=1e-3)


@pytest.mark.parametrize(("file", "bandwidth"), [("", None), ("_robust", 25)])
def test_systemicrisks_adjacency_has_no_intercept_and_one_side(file, bandwidth):
    # f5e9b48: each target on its own and the source's return of the day before, without intercept;
    # "robust" is Newey-West with a tenth of the rows as bandwidth.
    theirs = expected(f"sr_sectors11_granger_adj{file}_last252", header=None).to_numpy()
    statistic = np.array(
        [[without_intercept(i, j, bandwidth) for j in range(11)] for i in range(11)]
    )
    one_sided = norm.sf(statistic) < 0.05
    assert (one_sided == theirs.astype(bool)).all()
    # A leader whose rise is followed by falls is no link for it, however sure.
    two_sided = 2 * norm.sf(np.abs(statistic)) < 0.05
    assert (two_sided & ~one_sided).any()


def without_intercept(source, target, bandwidth):
    if source == target:
        return 0.0
    values = year()
    y, x = values[1:, target], values[:-1, [target, source]]
    inverse = np.linalg.inv(x.T @ x)
    slopes = inverse @ x.T @ y
    errors = y - x @ slopes
    n = len(y)
    if bandwidth is None:
        return slopes[1] / np.sqrt(inverse[1, 1] * (errors @ errors) / (n - 2))
    scores = x * errors[:, None]
    meat = scores.T @ scores
    for lag in range(1, bandwidth + 1):
        both = scores[lag:].T @ scores[:-lag]
        meat += (1 - lag / (bandwidth + 1)) * (both + both.T)
    return slopes[1] / np.sqrt((inverse @ meat @ inverse)[1, 1] * n / (n - 2))


def test_of_systemicrisks_sixteen_links_none_is_left_once_110_pairs_are_counted():
    theirs = expected("sr_sectors11_granger_adj_last252", header=None).to_numpy()
    network = granger_network(sectors().tail(252))
    assert theirs.sum() == 16
    assert network.adjacency.sum() == 0
