"""Betas as they were known: what each date's rest on, and that none looks ahead."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.series import SeriesError
from selloff.tails.dcc import conditional_betas, fit_dcc
from selloff.tails.known_betas import betas_as_known

RNG = np.random.default_rng(7)
MARKET = RNG.normal(0, 0.01, 260)
FRAME = pd.DataFrame(
    {"SPY": MARKET, "XLF": 1.3 * MARKET + RNG.normal(0, 0.006, 260)},
    pd.bdate_range("2024-01-02", periods=260),
)
WHOLE = betas_as_known(FRAME, "SPY", window=200, every=13)


def test_every_date_follows_from_the_last_estimate_at_or_before_it():
    assert list(WHOLE.fits) == list(FRAME.index[199::13])
    assert list(WHOLE.betas.index) == list(FRAME.index[199:])
    for end in (200, 213):
        fitted = fit_dcc(FRAME.iloc[end - 200 : end])
        expected = conditional_betas(
            FRAME.iloc[end - 200 : end + 12], fitted.parameters, "SPY"
        ).iloc[199:]
        pd.testing.assert_frame_equal(WHOLE.betas.loc[expected.index], expected, rtol=1e-12, atol=0)


@settings(max_examples=8, deadline=None)
@given(st.integers(200, 259))
def test_what_came_later_changes_no_beta(cut):
    part = betas_as_known(FRAME.iloc[:cut], "SPY", window=200, every=13)
    pd.testing.assert_frame_equal(
        part.betas, WHOLE.betas.loc[: FRAME.index[cut - 1]], check_exact=True
    )


def test_a_frame_shorter_than_the_window_or_a_window_shorter_than_a_fit_is_refused():
    with pytest.raises(SeriesError, match="260 rows, at least 300 are needed"):
        betas_as_known(FRAME, "SPY", window=300)
    with pytest.raises(SeriesError, match="50 rows, at least 100 are needed"):
        betas_as_known(FRAME, "SPY", window=50)
    with pytest.raises(ValueError, match="an estimate every 0 rows"):
        betas_as_known(FRAME, "SPY", window=200, every=0)
