"""Paths through a window: sums with their errors, and what a holder of the shares saw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.event_study import models
from selloff.event_study.events import TOLERABLE, Windows
from selloff.event_study.panels import panel_of_prices
from selloff.event_study.paths import bhar, bhar_path, car_path
from selloff.event_study.sample import window
from selloff.event_study.studies import study
from tests.selloff.event_study.model_worlds import world

# Closes of NVDA around 27 January 2025; the fall of that day is from the close before it.
CLOSES = [140.83, 147.07, 147.22, 142.62, 118.42, 128.99, 123.70]
DAYS = Windows(first=-30, last=-3, event_first=-1, event_last=2, minimum=10)


def nvidia(kind, model=models.RAW, missing=()):
    rng = np.random.default_rng(1)
    before = 140 * np.exp(rng.normal(0, 0.01, 40).cumsum())
    prices = pd.DataFrame({"NVDA": np.r_[before, CLOSES]})
    prices.iloc[list(missing)] = np.nan
    market = pd.Series(5000 * np.exp(rng.normal(0, 0.01, len(prices)).cumsum()))
    asked = pd.DataFrame({"listing_id": ["NVDA"], "session_date": [44]})
    panel = panel_of_prices(prices, market, kind=kind)
    return study(panel, asked, model, DAYS, TOLERABLE).sample


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.2]))
@settings(deadline=None, max_examples=10)
def test_each_row_of_a_path_is_the_window_up_to_it(seed, share):
    sample = world(seed, share_missing=share).study(models.CARHART).sample
    path = car_path(sample, -2, 3)
    for last in range(-2, 4):
        up_to = window(sample, -2, last)
        np.testing.assert_allclose(path.car[:, last + 2], up_to.car, rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(
            path.standard_error[:, last + 2], up_to.standard_error, rtol=1e-12
        )


@pytest.mark.parametrize("kind", ["log", "simple"])
def test_the_fall_of_the_day_itself_is_in_every_window_that_begins_on_it(kind):
    found = bhar_path(nvidia(kind), 0, 2, is_log=kind == "log")[0]
    expected = np.array(CLOSES[4:]) / CLOSES[3] - 1
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert found[0] == pytest.approx(-0.1697, abs=1e-4)


def test_a_holder_is_compared_with_who_got_what_was_expected():
    sample = nvidia("simple", models.MARKET_MODEL)
    expected = (sample.returns - sample.abnormal)[0, 1:]
    held = CLOSES[6] / CLOSES[3]
    assert bhar(sample, 0, 2)[0] == pytest.approx(held - np.prod(1 + expected), rel=1e-12)


def test_log_and_simple_returns_tell_the_same_of_the_market():
    one, two = (nvidia(kind, models.MARKET_ADJUSTED) for kind in ("log", "simple"))
    np.testing.assert_allclose(bhar(one, -1, 2, is_log=True), bhar(two, -1, 2), rtol=1e-11)


def test_a_row_without_a_trade_is_left_out_of_both_products():
    sample = nvidia("simple", models.MARKET_ADJUSTED, missing=[45])
    path = bhar_path(sample, 0, 2)[0]
    assert path[1] == path[2] == path[0]
    assert np.isnan(bhar_path(sample, 1, 2)).all()
    assert np.isnan(car_path(sample, 1, 2).car).all()
    assert np.isnan(car_path(sample, 1, 2).standard_error).all()


def test_a_window_outside_the_event_rows_is_refused():
    for path in (car_path, bhar_path, bhar):
        with pytest.raises(ValueError, match="is not within the rows"):
            path(nvidia("log"), -2, 2)
