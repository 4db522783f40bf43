from __future__ import annotations

import pytest

from tests.selloff.spillover import parity_bands, parity_time_varying
from tests.selloff.spillover.parity_connectedness import REFERENCE, expected
from tests.selloff.spillover.reference import needs_reference


@needs_reference
@pytest.mark.parametrize(
    ("module", "marks", "count"),
    [
        (parity_bands, ("_freq_", "_BK12_", "own_bk"), 19),
        (parity_time_varying, ("ca_acg2020",), 7),
    ],
)
def test_every_file_of_bands_and_of_the_time_varying_model_is_compared(
    module, marks, count, monkeypatch
):
    names = (each.name for each in (REFERENCE / "expected").iterdir())
    there = {name for name in names if any(mark in name for mark in marks)}
    assert len(there) == count
    used = set()

    def watched(name):
        used.add(name)
        return expected(name)

    monkeypatch.setattr(module, "expected", watched)
    assert list(module.pairs())
    assert there <= used
