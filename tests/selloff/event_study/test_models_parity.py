"""Every figure that may be trusted of other systems, and of a plain textbook computation."""

from __future__ import annotations

import pytest

from tests.selloff.event_study.reference_models import COMPARISONS, REASON, REFERENCE

pytestmark = pytest.mark.skipif(not REFERENCE.exists(), reason=REASON)


@pytest.mark.parametrize(
    "comparison", COMPARISONS, ids=lambda one: f"{one.quantity}-{one.peer}-{one.panel}"
)
def test_ours_is_what_others_found(comparison):
    if comparison.peer == "arch":
        pytest.importorskip("arch")
    assert comparison.difference() <= comparison.limit
