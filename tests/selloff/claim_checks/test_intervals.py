"""What the words of a claim allow, and the interval of a share."""

from __future__ import annotations

import pytest

from selloff.claim_checks.intervals import implied_interval
from selloff.wilson import wilson_interval


@pytest.mark.parametrize(
    ("figure", "unit", "bound", "inside", "outside"),
    [
        (0.174, 0.001, "exact", (-0.1735, -0.1745), (-0.1734, -0.1746, 0.174)),
        (0.17, 0.01, "nearly", (-0.1598, -0.1697, -0.175), (-0.159, -0.176)),
        (0.06, 0.01, "above", (-0.0637, -0.075), (-0.059, -0.076)),
        (0.20, 0.01, "about", (-0.18, -0.22), (-0.17, -0.23)),
        (0.05, 0.01, "at_most", (0.0, -0.055), (0.01, -0.056)),
        (0.05, 0.01, "at_least", (-0.045, -0.0625), (-0.044, -0.063)),
        (0.05, 0.01, "below", (0.0, -0.05), (-0.051,)),
    ],
)
def test_words_imply_an_interval(figure, unit, bound, inside, outside):
    interval = implied_interval((figure, figure), unit, bound, "down")
    assert all(interval.holds(value) for value in inside)
    assert not any(interval.holds(value) for value in outside)


def test_a_range_runs_from_the_smaller_to_the_larger_figure():
    interval = implied_interval((0.03, 0.05), 0.01, "exact", "up")
    assert interval.holds(0.025)
    assert interval.holds(0.055)
    assert not interval.holds(0.02)


def test_an_unknown_bound_is_named():
    with pytest.raises(ValueError, match="roughly"):
        implied_interval((0.1, 0.1), 0.01, "roughly", None)


def test_a_share_has_the_interval_that_wilson_gives():
    # Newcombe (1998), Statistics in Medicine 17, table I: 81/263, 15/148, 0/20, 1/29.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)
    assert wilson_interval(0, 0) is None
