"""The published replication of Forbes and Rigobon on Hong Kong 1997; see parity_shifts."""

from __future__ import annotations

import numpy as np
import pytest

from selloff.comovement.adjusted_correlations import shift_of_moments
from tests.selloff.comovement.parity_shifts import (
    REASON,
    REFERENCE,
    as_published,
    mixed_source,
    moments,
    pairs,
    published,
)

pytestmark = pytest.mark.skipif(not REFERENCE.exists(), reason=REASON)


def number_of_rises(found):
    return int((found.p_value < 0.05).sum())


def test_every_published_number_is_reproduced():
    for quantity, _, panel, ours, theirs, limit in pairs():
        off = np.abs(np.asarray(ours, float) - np.asarray(theirs, float)).max()
        assert off <= limit, (quantity, panel, off)


def test_the_only_correlation_without_published_covariance_is_indias():
    table = published()
    assert table.index[table["StdDevCrossTurmoil"] == 0].tolist() == ["INDIA"]
    assert table.loc["INDIA", "CorrelTurmoil"] < 0


def test_without_adjustment_20_of_28_markets_are_struck():
    stable, turmoil = moments("Stable"), moments("Turmoil")
    assert number_of_rises(shift_of_moments(stable, turmoil, adjusts="none")) == 20
    assert number_of_rises(as_published("none")) == 20


def test_three_are_left_with_the_targets_variance_and_the_full_period_as_published():
    found = as_published("target")
    struck = published().index[found.p_value < 0.05]
    assert struck.tolist() == ["ITALY", "SWITZERLAND", "TAIWAN"]


def test_one_is_left_with_the_sources_variance_against_two_bases_and_none_against_one():
    # The one of 28 takes delta against the full period and the correlation against the stable one.
    assert published().index[mixed_source().p_value < 0.05].tolist() == ["ITALY"]
    assert number_of_rises(as_published("source")) == 0
    stable, turmoil = moments("Stable"), moments("Turmoil")
    assert number_of_rises(shift_of_moments(stable, turmoil)) == 0


def test_a_test_on_22_rows_could_hardly_have_found_anything():
    found = shift_of_moments(moments("Stable"), moments("Turmoil"))
    # Beside stable correlations of 0.04 to 0.50, the adjusted ones had to rise by this much.
    assert 0.28 < found.detectable_shift.min() < found.detectable_shift.max() < 0.44
    assert found.detectable_correlation.min() > 0.75
