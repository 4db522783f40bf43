from __future__ import annotations

import numpy as np
import pytest

from tests.selloff.event_study import plain
from tests.selloff.event_study.parity_parametric import ANCHORS, of_anchor

pytestmark = plain.needs_reference


@pytest.mark.parametrize("anchor", ANCHORS, ids=lambda a: f"{a.quantity}, {a.peer}, {a.column}")
def test_every_trusted_column_is_met(anchor):
    found = list(of_anchor(anchor))
    assert len(found) >= 4
    _, ours, theirs = zip(*found, strict=True)
    assert ours == pytest.approx(np.array(theirs), rel=1e-9)


@pytest.mark.parametrize("panel", plain.PANELS)
@pytest.mark.parametrize("model", plain.MODELS)
def test_the_plain_builder_meets_the_references_abnormal_returns_and_errors(panel, model):
    sample = plain.sample(panel, model)
    single = plain.expected(f"textbook/single_{panel}_{model}")
    error = sample.sigma[:, None] * np.sqrt(1 + (sample.loadings**2).sum(axis=2))
    assert sample.abnormal.ravel() == pytest.approx(single["ar"].to_numpy(), rel=1e-9, nan_ok=True)
    assert error.ravel() == pytest.approx(single["se_ar"].to_numpy(), rel=1e-9)
