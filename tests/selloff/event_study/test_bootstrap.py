from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import stats

from selloff.event_study.bands import bootstrap_band, dependence_band
from selloff.event_study.bootstrap import cluster_bootstrap, event_dates, wild_bootstrap
from selloff.event_study.evidence import given as made
from selloff.event_study.parametric import cross_sectional, kolari_pynnonen
from selloff.event_study.sample import window
from tests.selloff.event_study.synthetic import common, random_sample, taken

DATES = 12


def by_dates(seed, dates=DATES, each=5, together=0.8, rows=1):
    """Draw events of some dates that move together, under the null hypothesis."""
    random = np.random.default_rng(seed)
    at = np.repeat(300 + 20 * np.arange(dates), each)
    shared = np.repeat(random.standard_normal((dates, rows)), each, axis=0)
    own = random.standard_normal((dates * each, rows))
    abnormal = 0.02 * (np.sqrt(together) * shared + np.sqrt(1 - together) * own)
    return made(abnormal, 0.02 * random.standard_normal((dates * each, 60)), 0, at)


def test_dates_are_flipped_with_all_their_events():
    # Two dates of 50 events that all fell: by firm p would be 2^-99, by date it is a half.
    random = np.random.default_rng(1)
    at = np.repeat([300, 400], 50)
    sample = made(-0.05 + 0.001 * random.random((100, 1)), random.normal(0, 0.02, (100, 60)), 0, at)
    result = wild_bootstrap(sample, 0, 0, draws=1999)
    assert result.p_value == pytest.approx(0.5, abs=0.04)
    assert result.note == "only 2 event dates: the least p-value is 0.5"
    apart = replace(sample, positions=np.arange(300, 400)[:, None])
    assert wild_bootstrap(apart, 0, 0).p_value == 1 / 1000


@pytest.mark.parametrize("scaled", [True, False])
def test_the_wild_p_value_is_that_of_all_ways_to_flip(scaled):
    sample = by_dates(3, dates=8)
    cut = window(sample, 0, 0)
    values = cut.scar if scaled else cut.car
    sums = np.array([values[5 * g : 5 * g + 5].sum() for g in range(8)])
    flips = np.array([abs(np.dot(signs, sums)) for signs in product([-1, 1], repeat=8)])
    exact = np.mean(flips >= abs(sums.sum()) * (1 - 1e-12))
    result = wild_bootstrap(sample, 0, 0, scaled=scaled, draws=9999, seed=1)
    assert result.p_value == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 9999))
    assert result.statistic == pytest.approx(sums.sum() / np.sqrt(sums @ sums), rel=1e-12)


def test_dates_are_drawn_as_a_plain_loop_draws_them():
    sample = by_dates(4, dates=7)
    groups = window(sample, 0, 0).scar.reshape(7, 5)
    mean = groups.mean()

    def studentized(drawn, about):
        centre = drawn.mean()
        error = np.sqrt(((drawn - centre).sum(axis=1) ** 2).sum()) / drawn.size
        return abs(centre - about) / error

    random = np.random.default_rng(99)
    observed = studentized(groups, 0.0)
    drawn = [studentized(groups[random.integers(0, 7, 7)], mean) for _ in range(4000)]
    exact = np.mean(np.array(drawn) >= observed)
    result = cluster_bootstrap(sample, 0, 0, draws=4000, seed=1)
    assert abs(result.statistic) == pytest.approx(observed, rel=1e-12)
    assert result.p_value == pytest.approx(exact, abs=6 * np.sqrt(exact * (1 - exact) / 4000))


def test_under_the_null_the_wild_p_value_is_uniform():
    found = [wild_bootstrap(by_dates(seed), 0, 0, draws=199).p_value for seed in range(300)]
    assert stats.kstest(found, "uniform").pvalue > 0.01
    assert np.mean(np.array(found) <= 0.05) == pytest.approx(0.05, abs=0.03)
    by_events = [cross_sectional(by_dates(seed), 0, 0).p_value for seed in range(300)]
    assert np.mean(np.array(by_events) <= 0.05) > 0.2


def test_a_fall_on_many_dates_is_found():
    fallen = by_dates(2)
    fallen = replace(fallen, abnormal=fallen.abnormal - 0.05)
    for test in (wild_bootstrap, cluster_bootstrap):
        result = test(fallen, 0, 0)
        assert result.statistic < -3
        assert result.p_value < 0.01
        assert result.n == 60
        assert result.note == ""


@pytest.mark.parametrize("test", [wild_bootstrap, cluster_bootstrap])
def test_a_seed_gives_the_p_value_again_and_a_generator_goes_on(test):
    sample = by_dates(6)
    assert test(sample, 0, 0, seed=4) == test(sample, 0, 0, seed=4)
    random = np.random.default_rng(4)
    first, second = test(sample, 0, 0, seed=random), test(sample, 0, 0, seed=random)
    assert first == test(sample, 0, 0, seed=4)
    assert first.p_value != second.p_value


@pytest.mark.parametrize("test", [wild_bootstrap, cluster_bootstrap])
def test_a_single_date_cannot_be_resampled(test):
    result = test(common(1, 30), 0, 0)
    assert np.isnan(result.p_value)
    assert result.n == 30
    assert "single date" in result.note


def test_an_event_whose_place_is_unknown_is_a_date_of_its_own():
    sample = by_dates(1, dates=2, each=2)
    lost = sample.positions.copy()
    lost[[0, 3]] = -1
    dates = event_dates(replace(sample, positions=lost))
    assert len(set(dates.tolist())) == 4


def test_the_limits_hold_the_true_path_as_often_as_they_say():
    within = []
    for seed in range(200):
        band = bootstrap_band(by_dates(seed, dates=20, rows=5), 0, 4, level=0.9, draws=199)
        within.append((band.lower <= 0) & (band.upper >= 0))
    assert np.mean(within, axis=0) == pytest.approx(np.full(5, 0.9), abs=0.07)


def test_the_limits_are_as_wide_as_the_theory_of_independent_dates_says():
    sample = by_dates(7, dates=40, each=1, rows=3)
    cars = np.cumsum(sample.abnormal, axis=1)
    band = bootstrap_band(sample, 0, 2, draws=4999)
    expected = 1.96 * cars.std(axis=0, ddof=1) / np.sqrt(40)
    assert (band.upper - band.lower) / 2 == pytest.approx(expected, rel=0.06)
    assert band.caar == pytest.approx(cars.mean(axis=0), rel=1e-12)
    assert band.days.tolist() == [0, 1, 2]


def test_events_of_a_date_widen_the_limits():
    sample = by_dates(8, dates=20, each=10, together=0.9)
    apart = replace(sample, positions=np.arange(200)[:, None])
    together = bootstrap_band(sample, 0, 0)
    alone = bootstrap_band(apart, 0, 0)
    assert together.upper - together.lower > 2 * (alone.upper - alone.lower)


def test_a_single_date_has_no_resampled_limits_but_those_of_its_correlation():
    sample = common(3, 30, correlation=0.2, rows=4)
    assert np.isnan(bootstrap_band(sample, 0, 3).lower).all()
    band = dependence_band(sample, 0, 3)
    assert (band.lower < band.caar).all()
    assert (band.caar < band.upper).all()


def test_zero_is_on_the_limit_of_the_level_at_which_the_headline_rejects_it():
    drawn = common(9, 12, correlation=0.1)
    sample = replace(drawn, sigma=np.full(12, 0.02))  # equal sigmas: SCARs are CARs in another unit
    result = kolari_pynnonen(sample, 0, 0)
    band = dependence_band(sample, 0, 0, level=1 - result.p_value)
    limits = np.array([band.lower[0], band.upper[0]])
    assert np.abs(limits).min() == pytest.approx(0, abs=1e-12)


def test_limits_that_hold_on_one_date_hold_as_often_as_they_say():
    within = []
    for seed in range(300):
        band = dependence_band(common([seed, 3], 30, correlation=0.2), 0, 0, level=0.9)
        within.append(band.lower[0] <= 0 <= band.upper[0])
    assert np.mean(within) == pytest.approx(0.9, abs=0.05)


def test_a_missing_day_leaves_a_car_as_it_was_and_one_before_the_first_is_none():
    nan = np.nan
    sample = made([[-0.02, nan, 0.01], [nan, -0.04, 0.02]], [[0.01, -0.02, 0.01]] * 2)
    assert dependence_band(sample, 0, 2).caar == pytest.approx([-0.02, -0.03, -0.015])
    empty = dependence_band(taken(sample, [1, 1]), 0, 0)
    assert np.isnan(empty.caar).all()


@pytest.mark.parametrize("band", [bootstrap_band, dependence_band])
@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_a_level_that_is_no_probability_is_refused(band, level):
    with pytest.raises(ValueError, match="between 0 and 1"):
        band(random_sample(1), 0, 1, level=level)
