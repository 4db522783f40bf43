"""Where the reference set is not beside the repository, its tests are skipped."""

from __future__ import annotations

import pytest

from tests.selloff.spillover.parity_connectedness import REFERENCE

needs_reference = pytest.mark.skipif(
    not REFERENCE.exists(), reason="needs ../shared/reference/contagion, not in the clone"
)
