"""GJR and DCC equal rmgarch, arch and frds, or are more likely; where they differ, why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from selloff.tails.dcc import fit_dcc
from selloff.tails.gjr import fit_gjr, gjr_log_likelihood
from selloff.tails.long_run import long_run_shortfalls
from tests.selloff.tails import parity_gjr_dcc as parity

pytestmark = pytest.mark.skipif(
    not parity.REFERENCE.exists(), reason="needs ../shared/reference, not in the clone"
)


def test_every_quantity_equals_the_peers():
    found = list(parity.pairs())
    assert len(found) >= 15
    for pair in found:
        label = (pair.quantity, pair.peer, pair.panel)
        assert pair.ours.shape == pair.theirs.shape, label
        assert np.isfinite(pair.ours).all(), label
        assert np.abs(pair.ours - pair.theirs).max() <= pair.limit, label


@pytest.mark.parametrize("name", parity.RMGARCH)
def test_rmgarch_never_finds_likelier_news_and_decay(name):
    theirs = parity.peer(name)
    second, ours = parity.second_stage(theirs), parity.refitted(theirs)
    at_ours = second.rows(ours.news, ours.decay).sum()
    at_theirs = second.rows(theirs.parameters.news, theirs.parameters.decay).sum()
    assert 0 <= at_ours - at_theirs < 0.003


def test_the_first_correlations_of_rmgarch_are_drawn_towards_one():
    theirs = parity.peer("sp500_c")
    target, news = theirs.parameters.target, theirs.parameters.news
    ones = (1 - news) * target + news
    first = ones[0, 1] / np.sqrt(ones[0, 0] * ones[1, 1])
    assert theirs.paths["rho12"].iloc[0] == pytest.approx(first, abs=1e-14)
    assert first - target[0, 1] / np.sqrt(target[0, 0] * target[1, 1]) > 0.013


def test_rugarch_never_finds_a_likelier_variance_and_stops_at_its_bound():
    theirs = parity.peer("11")
    fits = fit_gjr(theirs.returns, presample="sample")
    likelihoods = gjr_log_likelihood(theirs.returns, theirs.margins)
    on_bound = 0
    for (name, rules), likelihood in zip(theirs.margins.items(), likelihoods, strict=True):
        gain = fits[name].log_likelihood - likelihood
        if parity.is_on_bound(rules):
            on_bound += 1
            assert 0.005 < gain < 1, name
            assert fits[name].parameters.persistence > parity.RUGARCH_MOST
        else:
            assert -1e-9 < gain < 1e-6, name
    assert on_bound == 7


@pytest.mark.parametrize("panel", ["sr_large_logret_2006_2010", "frds_stocks_us", "last 600"])
def test_arch_never_finds_a_likelier_variance_within_its_own_bounds(panel):
    pytest.importorskip("arch")
    returns = parity.frds_returns() if panel == "last 600" else parity.stocks(panel)
    fits = fit_gjr(returns)
    for name in returns:
        rules, _ = parity.of_arch(returns[name])
        # It ends up to 2e-7 beyond a persistence of 1, which is worth 1e-4 of likelihood: back.
        beyond = max(0.0, rules.persistence - 1)
        before = (rules.first_variance - rules.omega) / rules.persistence
        within = replace(
            rules, beta=rules.beta - beyond, first_variance=rules.first_variance - beyond * before
        )
        theirs = gjr_log_likelihood(returns[[name]], {name: within})[0]
        assert beyond < 1e-6
        assert fits[name].is_converged
        assert fits[name].log_likelihood > theirs - 1e-6, name


def test_the_two_maxima_of_goldman_sachs_are_told():
    returns = parity.frds_returns()
    fitted = fit_gjr(returns)
    likelihood = fitted["GS"].log_likelihood - len(returns) * np.log(100)
    assert likelihood > max(parity.FRDS.values()) - 5e-4
    assert likelihood - parity.FRDS["arch on GS, beta 0.926"] == pytest.approx(0.117, abs=1e-3)
    assert fitted["GS"].parameters.beta < 1e-6
    assert fitted["GS"].rival.beta == pytest.approx(0.9257, abs=1e-4)
    assert fitted["^GSPC"].rival is None


def test_the_rival_maximum_moves_the_shortfall_by_far_more_than_simulation_does():
    returns = parity.frds_returns()
    fitted = fit_gjr(returns)
    likeliest = {name: each.parameters for name, each in fitted.items()}
    pair = [
        fit_dcc(returns, margins=margins)
        for margins in (likeliest, likeliest | {"GS": fitted["GS"].rival})
    ]
    ours, rival = (
        long_run_shortfalls(returns, each.parameters, "^GSPC", n_paths=40_000)["GS"]
        for each in pair
    )
    assert rival.shortfall - ours.shortfall == pytest.approx(0.0115, abs=0.004)
    assert rival.shortfall - ours.shortfall > 5 * ours.standard_error
    # With the correlations, it is the rival that is more likely.
    assert pair[1].log_likelihood - pair[0].log_likelihood == pytest.approx(1.85, abs=0.02)
