"""Drawdowns, volatilities and moves equal those of other systems, value by value."""

from __future__ import annotations

import numpy as np
import pytest

from tests.selloff.parity_moves import PEERS, pairs

# Relative to the value, or to a percent where it is smaller: it is a difference of larger ones.
TOLERANCE = 1e-12


@pytest.fixture(scope="module")
def found():
    if not PEERS.exists():
        pytest.skip("the reference set lies beside the repository, in ../shared, and is not there")
    return list(pairs())


def test_every_quantity_equals_the_peers(found):
    far = {}
    for pair in found:
        ours, theirs = np.asarray(pair.ours, float), np.asarray(pair.theirs, float)
        assert ours.shape == theirs.shape, pair.quantity
        assert (np.isnan(ours) == np.isnan(theirs)).all(), pair.quantity
        assert np.isfinite(ours).sum() > 100, pair.quantity
        difference = np.nanmax(np.abs(ours - theirs) / np.maximum(0.01, np.abs(theirs)))
        if difference > TOLERANCE:
            far[pair.quantity, pair.peer] = difference
    assert far == {}


def test_all_that_the_peers_have_is_compared(found):
    quantities = {pair.quantity for pair in found}
    assert len(found) == len({(pair.quantity, pair.peer) for pair in found}) == 25
    assert {"drawdown", "EWMA sigma", "yang_zhang_volatility"} <= quantities
