"""Measures of tails against those of other systems; provenance in `parity_tails`."""

from __future__ import annotations

import numpy as np
import pytest

from selloff.quantile_regression import quantile_regression
from tests.selloff.tails import parity_tails as parity
from tests.selloff.tails.worlds import REASON, REFERENCE

pytestmark = pytest.mark.skipif(not REFERENCE.exists(), reason=REASON)


def test_every_quantity_is_that_of_the_peer():
    seen = set()
    for pair in parity.pairs():
        assert pair.ours.shape == pair.theirs.shape, pair.quantity
        assert np.abs(pair.ours - pair.theirs).max() <= pair.limit, (pair.quantity, pair.peer)
        seen.add(pair.quantity)
    assert len(seen) == 20


def test_the_published_table_of_another_package_has_one_slope_for_tail_and_median():
    # SystemicR 0.1.0, f_CoVaR_Delta_CoVaR_i_q on its own 72 stocks (not stored with its output):
    # Delta-CoVaR is the difference of the two CoVaR, as by our definition.
    table = parity.read("expected/systemicr_covar.csv").to_numpy()
    np.testing.assert_allclose(table[0] - table[1], table[2], atol=1e-17)
    assert table.shape == (3, 72)
    assert (table[2] < 0).all()


def test_the_regression_of_another_package_at_the_median_overstates_what_hangs_on_aig():
    # SystemicR 0.1.0, f_CoVaR_Delta_CoVaR_i_q_t: the regression named 95% has tau = 1 - q_50.
    banks = parity.read("inputs/sr_large_logret_2006_2010.csv")
    x = np.column_stack([np.ones(len(banks)), banks["AIG"]])
    tail, median = (quantile_regression(banks["SP500"], x, q)[1] for q in (0.05, 0.5))
    assert median / tail > 1.15


def test_a_gaussian_value_at_risk_is_not_the_quantile_of_banks():
    # SystemicR 0.1.0 takes qnorm(0.05, mean, sd) for the value at risk.
    from scipy.special import ndtri

    banks = parity.read("inputs/sr_large_logret_2006_2010.csv")
    gaussian = banks["AIG"].mean() + ndtri(0.05) * banks["AIG"].std()
    assert gaussian / np.quantile(banks["AIG"], 0.05) > 1.4
