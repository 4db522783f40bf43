from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.stats import false_discovery_control

from selloff.event_study.multiplicity import benjamini_hochberg

panels = arrays(float, array_shapes(max_dims=2, max_side=12), elements=st.floats(0, 1))


def test_the_example_of_the_paper():
    # Benjamini and Hochberg (1995), section 4.2: four of 15 rejected at a rate of 5%.
    raw = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
        0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0,
    ]  # fmt: skip
    assert (benjamini_hochberg(raw) <= 0.05).sum() == 4


@given(panels)
def test_it_equals_scipys_over_names_and_days_together(raw):
    expected = false_discovery_control(raw.ravel()).reshape(raw.shape)
    assert benjamini_hochberg(raw) == pytest.approx(expected, rel=1e-12, abs=1e-300)


@given(panels, st.integers(0, 100))
def test_missing_p_values_count_for_nothing(raw, seed):
    missing = np.random.default_rng(seed).random(raw.shape) < 0.3
    adjusted = benjamini_hochberg(np.where(missing, np.nan, raw))
    assert np.isnan(adjusted[missing]).all()
    assert adjusted[~missing] == pytest.approx(benjamini_hochberg(raw[~missing]), rel=1e-12)


@given(panels)
def test_adjusted_values_keep_their_order_and_are_never_below_the_raw(raw):
    adjusted = benjamini_hochberg(raw)
    assert (adjusted >= raw * (1 - 1e-12)).all()
    assert adjusted.max() <= 1
    order = np.argsort(raw, axis=None)
    assert (np.diff(adjusted.ravel()[order]) >= 0).all()


def test_nothing_is_adjusted_to_nothing():
    assert benjamini_hochberg([]).tolist() == []
    assert np.isnan(benjamini_hochberg([np.nan])).all()


@pytest.mark.parametrize("wrong", [-0.01, 1.01, 5.0])
def test_what_is_no_p_value_is_refused(wrong):
    with pytest.raises(ValueError, match="between 0 and 1"):
        benjamini_hochberg([0.5, wrong])
