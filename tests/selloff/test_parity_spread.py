"""Every sector's test of the real file equals statsmodels', in every session and not one alone."""

from __future__ import annotations

import numpy as np
import pytest

from tests.selloff.parity_spread import PRICES, pairs


def test_every_sectors_test_is_that_of_statsmodels():
    if not PRICES.exists():
        pytest.skip("the real prices lie beside the repository, in ../shared, and are not there")
    found = list(pairs())
    assert len(found) == 3
    for pair in found:
        assert pair.ours.shape == pair.theirs.shape
        assert len(pair.ours) > 11 * 25
        far = np.max(np.abs(pair.ours - pair.theirs) / np.maximum(1e-3, np.abs(pair.theirs)))
        assert far <= pair.limit, (pair.quantity, far)
