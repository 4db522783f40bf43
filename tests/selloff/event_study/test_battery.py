from __future__ import annotations

import numpy as np
import pytest

from selloff.event_study import battery, evidence, parametric
from selloff.event_study.battery import (
    FIXED_VARIANCE,
    HEADLINES,
    OVER_REJECTING,
    RISEN,
    TESTS,
    WARNING,
    by_day,
    run,
    variance_rises,
)
from selloff.event_study.evidence import Evidence
from selloff.event_study.evidence import given as made
from selloff.event_study.parametric import bmp, kolari_pynnonen
from selloff.event_study.results import TestResult, normal_result, student_result
from tests.selloff.event_study.synthetic import common, random_sample


def test_each_test_is_named_as_its_function_and_only_once():
    found = [result.test for result in run(common(1, 12), 0, 0)]
    assert found == [test.__name__ for test in TESTS]
    assert len(set(found)) == len(found)


def test_no_headline_is_among_those_that_reject_too_often():
    assert not (OVER_REJECTING | FIXED_VARIANCE) & set(HEADLINES)
    assert "kolari_pynnonen" in {test.__name__ for test in TESTS}


def test_on_one_date_those_that_take_events_for_independent_say_so():
    results = run(common(1, 12), 0, 0)
    warned = {result.test for result in results if WARNING in result.note}
    assert warned == OVER_REJECTING & {test.__name__ for test in TESTS}
    assert {"cross_sectional", "patell", "bmp", "mackinlay_j1"} <= warned


def test_apart_nothing_is_warned_of():
    random = np.random.default_rng(3)
    sample = made(
        random.normal(0, 0.02, (20, 1)), random.normal(0, 0.02, (20, 40)), 0, range(50, 250, 10)
    )
    assert not any(WARNING in result.note for result in run(sample, 0, 0))


@pytest.mark.parametrize("correlation", [0.0, 0.2])
def test_a_variance_that_trebles_is_noticed_and_one_that_does_not_seldom(correlation):
    def rate(variance):
        worlds = (common([seed, 5], 30, correlation, variance) for seed in range(200))
        return np.mean([variance_rises(world, 0, 0) for world in worlds])

    # By the chi-square law of normal returns the level is 5%; fat tails make it more.
    assert rate(1.0) < 0.2
    assert rate(3.0) > 0.85


def test_where_the_variance_rises_those_that_take_it_for_fixed_say_so():
    sample = common(1, 30, variance=6.0)
    assert variance_rises(sample, 0, 0)
    results = run(sample, 0, 0)
    assert {result.test for result in results if RISEN in result.note} == set(FIXED_VARIANCE)
    both = next(result for result in results if result.test == "patell")
    assert both.note == f"{WARNING}; {RISEN}"


def test_a_single_event_has_no_spread_that_could_rise():
    assert not variance_rises(common(1, 1, variance=100.0), 0, 0)


def test_a_warning_stands_beside_what_else_is_to_be_known():
    results = run(made([[-0.02]] * 8, np.eye(8)), 0, 0, [bmp])
    assert results[0].note == f"too few events, or no spread among them; {WARNING}"


def test_any_function_of_a_sample_and_a_window_is_a_test():
    def sign(sample, first, last):
        return normal_result("sign", float(first + last), sample.n_events)

    results = run(common(1, 12), 0, 0, [kolari_pynnonen, sign])
    assert [result.test for result in results] == ["kolari_pynnonen", "sign"]
    assert results[1].note == WARNING


def test_all_tests_of_all_windows_go_once_through_the_residuals(monkeypatch):
    passes = []
    scaled = evidence._scaled

    def counted(held, valid):
        passes.append(len(held))
        return scaled(held, valid)

    monkeypatch.setattr(evidence, "_scaled", counted)
    shared = Evidence.of(random_sample(1, events=20))
    for first, last in [(0, 0), (-1, 1), (-2, 2)]:
        run(shared, first, last)
    assert passes == [20]


def test_days_are_tested_one_by_one():
    sample = random_sample(2)
    found = by_day(bmp, sample, -1, 1)
    assert found == [bmp(sample, day, day) for day in (-1, 0, 1)]


def test_a_result_is_judged_on_both_sides():
    assert normal_result("z", -1.959963984540054, 9).p_value == pytest.approx(0.05, rel=1e-12)
    assert student_result("t", 2.2009851600829, 12, 11).p_value == pytest.approx(0.05, rel=1e-9)
    assert normal_result("z", 0.0, 9).p_value == 1.0


@pytest.mark.parametrize("statistic", [np.nan, np.inf, -np.inf])
def test_a_statistic_that_is_no_number_has_neither_p_value_nor_degrees_of_freedom(statistic):
    for result in (normal_result("z", statistic, 3), student_result("t", statistic, 3, 2)):
        assert np.isnan(result.statistic)
        assert np.isnan(result.p_value)
        assert result.degrees_of_freedom is None
        assert result.note


def test_results_are_plain_values():
    result = parametric.bmp(common(1, 12), 0, 0)
    assert isinstance(result, TestResult)
    kinds = [type(value) for value in (result.statistic, result.p_value, result.n)]
    assert kinds == [float, float, int]
    assert battery.TESTS
