from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from selloff.resampling import resampled_rows
from selloff.series import SeriesError
from selloff.spillover.connectedness import connectedness
from selloff.spillover.decompositions import generalized
from selloff.spillover.uncertainty import (
    MEASURES,
    bootstrap_connectedness,
)

SLOPES = np.array([[0.3, 0.2, 0.0], [0.1, 0.3, 0.1], [0.0, 0.1, 0.4]])
IMPACT = np.array([[1.0, 0.0, 0.0], [0.5, 0.8, 0.0], [0.3, 0.2, 1.0]])


def world(seed, rows=250):
    """Simulate a process of which the connectedness is known."""
    random = np.random.default_rng(seed)
    values = np.zeros((rows + 50, 3))
    shocks = random.standard_normal((rows + 50, 3)) @ IMPACT.T
    for row in range(1, rows + 50):
        values[row] = SLOPES @ values[row - 1] + shocks[row]
    return pd.DataFrame(values[50:], pd.bdate_range("2024-01-01", periods=rows), list("ABC"))


def test_the_estimate_is_that_of_the_window():
    found = bootstrap_connectedness(world(1), lags=2, horizon=5, draws=20)
    alone = connectedness(world(1), lags=2, horizon=5)
    assert (found.estimate.shares == alone.shares).all()
    assert found.estimate.conventions == alone.conventions
    assert found.draws.shares.shape == (20, 3, 3)
    assert found.draws.shares.sum(axis=2) == pytest.approx(np.ones((20, 3)))


def test_a_draw_is_a_plain_loop_over_the_model():
    series, random = world(2, rows=60), np.random.default_rng(7)
    found = bootstrap_connectedness(series, lags=2, draws=3, seed=7)
    values = series.to_numpy()
    rows = resampled_rows(58, 3, 1, random)
    x = np.column_stack([np.ones(58), values[1:-1], values[:-2]])
    slopes = np.linalg.lstsq(x, values[2:], rcond=None)[0]
    residuals = values[2:] - x @ slopes
    for draw in range(3):
        path = [values[0], values[1]]
        for row in rows[draw]:
            path.append(np.hstack([1, path[-1], path[-2]]) @ slopes + residuals[row])
        again = connectedness(pd.DataFrame(np.array(path)), lags=2)
        assert found.draws.shares[draw] == pytest.approx(again.shares[0], abs=1e-12)


def test_the_same_seed_draws_the_same_and_chunks_do_not_show():
    first, second, other = (
        bootstrap_connectedness(world(1), draws=60, seed=seed) for seed in (5, 5, 6)
    )
    assert (first.draws.shares == second.draws.shares).all()
    assert (first.draws.shares != other.draws.shares).any()


def test_the_standard_error_is_that_of_repeated_samples():
    totals = [connectedness(world(seed)).total[0] for seed in range(400)]
    errors = [
        bootstrap_connectedness(world(seed), draws=150, seed=seed).band("total").standard_error
        for seed in range(8)
    ]
    assert np.mean(errors) == pytest.approx(np.std(totals), rel=0.12)


def test_the_band_holds_the_truth_about_as_often_as_it_says():
    truth = generalized(SLOPES[None], (IMPACT @ IMPACT.T)[None], 10)[0]
    net = truth.sum(axis=0) - truth.sum(axis=1)
    total = 1 - np.diag(truth).mean()
    hits = []
    for seed in range(100):
        found = bootstrap_connectedness(world(seed), draws=99, level=0.9, seed=seed)
        nets, whole = found.band("net"), found.band("total")
        is_in = (nets.lower <= net) & (net <= nets.upper)
        hits.append([whole.lower <= total <= whole.upper, *is_in])
    assert np.mean(hits, axis=0) == pytest.approx(np.full(4, 0.9), abs=0.09)


def test_nothing_sent_is_never_found_to_be_nothing():
    # Shares are squares: of independent series they are positive in every draw. The bias says so.
    random = np.random.default_rng(1)
    series = pd.DataFrame(random.standard_normal((120, 3)))
    found = bootstrap_connectedness(series, lags=2, draws=200)
    assert found.band("total").bias > 0.5 * found.band("total").standard_error
    assert found.band("total", "percentile").lower > 0
    assert (found.band("shares").lower >= 0).all()


def test_where_noise_adds_up_the_reflected_interval_is_nearer_the_truth():
    # Four lags of four series that hardly touch: 64 slopes, 196 rows.
    slopes = np.hstack([0.3 * np.eye(4), np.zeros((4, 8)), 0.2 * np.eye(4)])
    slopes[0, 1] = 0.2
    truth = 1 - np.diag(generalized(slopes[None], np.eye(4)[None], 10)[0]).mean()
    hits, biases, estimates = [], [], []
    for seed in range(60):
        random = np.random.default_rng(seed)
        values = random.standard_normal((250, 4))
        for row in range(4, 250):
            values[row] += slopes @ values[row - 4 : row][::-1].ravel()
        found = bootstrap_connectedness(pd.DataFrame(values[50:]), lags=4, draws=99, seed=seed)
        bands = [found.band("total", interval) for interval in ("reflected", "percentile")]
        hits.append([each.lower <= truth <= each.upper for each in bands])
        biases.append(bands[0].bias)
        estimates.append(bands[0].estimate)
    reflected, percentile = np.mean(hits, axis=0)
    assert reflected > 0.7
    assert percentile < 0.3
    assert np.mean(biases) == pytest.approx(np.mean(estimates) - truth, rel=0.3)


def test_every_measure_has_a_band_of_its_shape():
    found = bootstrap_connectedness(world(3), decomposition="joint", draws=30)
    for measure in MEASURES:
        band = found.band(measure)
        shape = getattr(found.estimate, measure)[0].shape
        for each in (band.estimate, band.bias, band.standard_error, band.lower, band.upper):
            assert each.shape == shape
        assert (band.lower <= band.upper).all()
        assert (band.standard_error >= 0).all()
        explicit = found.band(measure, MEASURES[measure][2])
        assert (explicit.lower == band.lower).all()
    with pytest.raises(ValueError, match="'median' is no measure with a band: total"):
        found.band("median")
    with pytest.raises(ValueError, match="'basic' is no interval: reflected, percentile"):
        found.band("total", "basic")


def test_one_draw_has_no_spread():
    band = bootstrap_connectedness(world(3), draws=1).band("net")
    assert np.isnan(band.standard_error).all()
    assert np.isfinite(band.estimate).all()


def test_blocks_have_the_length_asked_for_and_run_on():
    rows = resampled_rows(2000, 10, 8, np.random.default_rng(3))
    follows = (rows[:, 1:] - rows[:, :-1]) % 2000 == 1
    assert follows.mean() == pytest.approx(1 - 1 / 8, abs=0.01)
    assert np.bincount(rows.ravel(), minlength=2000).mean() == 10
    assert rows.min() >= 0
    assert rows.max() < 2000


def test_blocks_widen_the_band_where_volatility_clusters():
    # For 25 rows at a time series move together or do not: the rows that tell are few.
    random = np.random.default_rng(4)
    together = np.repeat(random.choice([0.0, 0.95], 40), 25)[:, None]
    common, own = random.standard_normal((1000, 1)), random.standard_normal((1000, 3))
    series = pd.DataFrame(np.sqrt(together) * common + np.sqrt(1 - together) * own)
    alone = bootstrap_connectedness(series, draws=200).band("total").standard_error
    blocks = bootstrap_connectedness(series, draws=200, mean_block=25).band("total").standard_error
    assert blocks > 1.3 * alone


def test_what_cannot_be_drawn_is_refused():
    for options, message in (
        ({"draws": 0}, "0 draws, at least 1 is needed"),
        ({"mean_block": 0.5}, "a mean block of 0.5 rows, at least 1 is needed"),
        ({"level": 1.0}, "a level of 1.0, it lies between 0 and 1"),
    ):
        with pytest.raises(ValueError, match=message):
            bootstrap_connectedness(world(1), **options)
    with pytest.raises(SeriesError, match="6 rows, at least 8 are needed for 1 lags of 3 series"):
        bootstrap_connectedness(world(1).iloc[:6])
