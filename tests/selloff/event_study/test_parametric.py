from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from selloff.event_study.averages import average, path
from selloff.event_study.battery import CALENDAR, PARAMETRIC, RESAMPLED, by_day
from selloff.event_study.evidence import Evidence, complete
from selloff.event_study.evidence import given as made
from selloff.event_study.parametric import (
    adjusted_patell,
    bmp,
    cross_sectional,
    kolari_pynnonen,
    mackinlay_j1,
    mackinlay_j2,
    patell,
)
from selloff.event_study.portfolio import brown_warner_1980, brown_warner_1985
from tests.selloff.event_study import plain
from tests.selloff.event_study.synthetic import (
    common,
    random_sample,
    scaled,
    seeds,
    taken,
    with_empty_event,
)

each_test = pytest.mark.parametrize("test", PARAMETRIC, ids=lambda test: test.__name__)
few_examples = settings(max_examples=20)  # of each of 17 tests
each_of_all = pytest.mark.parametrize(
    "test", [*PARAMETRIC, *RESAMPLED, *CALENDAR], ids=lambda test: test.__name__
)


def same(one, other, sign=1.0):
    assert one.test == other.test
    assert one.n == other.n
    assert one.degrees_of_freedom == other.degrees_of_freedom
    assert sign * one.statistic == pytest.approx(other.statistic, rel=1e-7, abs=1e-9, nan_ok=True)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-6, abs=1e-12, nan_ok=True)


@given(seeds)
def test_patell_over_a_window_of_one_day_is_the_daily_patell(seed):
    sample = random_sample(seed)
    error = sample.sigma[:, None] * np.sqrt(1 + (sample.loadings**2).sum(axis=2))
    df = (sample.n_estimation - 2.0)[:, None]
    variance = np.where(np.isfinite(sample.abnormal), df / (df - 2), 0.0).sum(axis=0)
    daily = np.nansum(sample.abnormal / error, axis=0) / np.sqrt(np.maximum(variance, 1e-300))
    for result, expected, n in zip(
        by_day(patell, sample, -2, 2), daily, path(sample, -2, 2).n, strict=True
    ):
        assert result.n == n
        if n:
            assert result.statistic == pytest.approx(expected, rel=1e-12)


@given(seeds)
def test_kolari_pynnonen_without_correlation_is_bmp(seed):
    sample = random_sample(seed)
    assert kolari_pynnonen(sample, -1, 1, correlation=0.0).statistic == pytest.approx(
        bmp(sample, -1, 1).statistic, rel=1e-12
    )


@given(seeds)
def test_adjusted_patell_without_correlation_is_patells(seed):
    sample = random_sample(seed)
    assert adjusted_patell(sample, -1, 1, correlation=0.0).statistic == pytest.approx(
        patell(sample, -1, 1).statistic, rel=1e-12
    )


@each_of_all
@few_examples
@given(seed=seeds, factor=st.sampled_from([1e-3, 0.5, 100.0]))
def test_the_unit_of_returns_changes_nothing(test, seed, factor):
    sample = random_sample(seed)
    same(test(sample, -1, 1), test(scaled(sample, factor), -1, 1))


@each_of_all
@few_examples
@given(seed=seeds)
def test_rises_are_judged_as_falls_are(test, seed):
    sample = random_sample(seed)
    same(test(sample, -1, 1), test(scaled_signs(sample), -1, 1), sign=-1.0)


def scaled_signs(sample):
    names = ("abnormal", "returns", "residuals")
    return replace(sample, **{name: -getattr(sample, name) for name in names})


@each_of_all
@few_examples
@given(seed=seeds)
def test_the_order_of_events_changes_nothing(test, seed):
    sample = random_sample(seed)
    order = np.random.default_rng(seed).permutation(sample.n_events)
    same(test(sample, -1, 1), test(taken(sample, order), -1, 1))


@each_of_all
@few_examples
@given(seed=seeds)
def test_an_event_without_data_changes_nothing(test, seed):
    sample = random_sample(seed)
    same(test(sample, -1, 1), test(with_empty_event(sample), -1, 1))


@each_of_all
@few_examples
@given(seed=seeds)
def test_shared_evidence_gives_what_a_plain_sample_gives(test, seed):
    sample = random_sample(seed)
    same(test(Evidence.of(sample), -1, 1), test(sample, -1, 1))


@given(seeds)
def test_bmp_on_a_common_date_is_free_of_the_scale_of_prediction_errors(seed):
    sample = random_sample(seed, missing=0.0, dates=1)
    alike = replace(sample, loadings=np.repeat(sample.loadings[:1], sample.n_events, axis=0))
    without = replace(sample, loadings=np.zeros_like(sample.loadings))
    assert bmp(alike, -1, 1).statistic == pytest.approx(bmp(without, -1, 1).statistic, rel=1e-9)


@given(seeds)
def test_j2_is_patells_where_all_have_the_same_degrees_of_freedom(seed):
    sample = random_sample(seed, missing=0.0)
    assert mackinlay_j2(sample, -1, 1).statistic == pytest.approx(
        patell(sample, -1, 1).statistic, rel=1e-12
    )


def test_p_values_come_from_the_distributions_that_are_named():
    sample = common(5, 12, rows=3)
    for test in PARAMETRIC:
        result = test(sample, 0, 2)
        judge = (
            stats.norm if result.degrees_of_freedom is None else stats.t(result.degrees_of_freedom)
        )
        assert result.p_value == pytest.approx(2 * judge.sf(abs(result.statistic)), rel=1e-10)
    by_events = {cross_sectional(sample, 0, 2), bmp(sample, 0, 2), kolari_pynnonen(sample, 0, 2)}
    assert {result.degrees_of_freedom for result in by_events} == {11.0}
    assert brown_warner_1985(sample, 0, 2).degrees_of_freedom == 249.0


@each_of_all
@pytest.mark.parametrize(
    "abnormal", [[[-0.05]], [[np.nan], [np.nan]]], ids=["one event", "no data on the day"]
)
def test_too_few_events_give_no_number_and_no_error(test, abnormal):
    residuals = np.random.default_rng(1).normal(0, 0.02, (len(abnormal), 30))
    result = test(made(abnormal, residuals), 0, 0)
    about_one = {
        "patell",
        "adjusted_patell",
        "mackinlay_j1",
        "mackinlay_j2",
        "brown_warner_1980",
        "brown_warner_1985",
        "lamb",
    }
    if len(abnormal) == 1 and result.test in about_one - {"adjusted_patell"}:
        assert result.statistic < -1
        assert result.n == 1
    else:
        assert np.isnan(result.statistic)
        assert np.isnan(result.p_value)
        assert result.note
        assert result.degrees_of_freedom is None


@each_test
def test_events_that_do_not_differ_or_never_move_give_no_infinity(test):
    still = made([[-0.02]] * 4, np.zeros((4, 30)))
    result = test(still, 0, 0)
    assert np.isnan(result.statistic)
    assert np.isnan(result.p_value)


def test_events_that_are_the_same_or_opposite_have_no_headline():
    twice = taken(common(4, 12), [*range(12)] * 2)
    assert np.isfinite(kolari_pynnonen(twice, 0, 0).statistic)
    for r in (1.0, 1 - 1e-15, -1 / 11, -0.5):
        assert np.isnan(kolari_pynnonen(common(4, 12), 0, 0, correlation=r).p_value)


@each_of_all
def test_a_window_outside_the_event_rows_is_refused(test):
    with pytest.raises(ValueError, match="not within the rows"):
        test(common(1, 4), 0, 1)


def test_an_event_on_two_degrees_of_freedom_has_no_patell_but_a_cross_section():
    short = made([[-0.02], [-0.03], [-0.05]], [[0.01, -0.01, 0.02]] * 3)
    assert patell(short, 0, 0).n == 0
    assert np.isnan(patell(short, 0, 0).p_value)
    assert cross_sectional(short, 0, 0).n == 3


def test_a_window_may_ask_for_all_of_its_rows():
    halted = made([[-0.02, 0.01], [np.nan, -0.03], [-0.04, -0.01]], [[0.01, -0.02, 0.01]] * 3)
    assert average(halted, 0, 1).n == 3
    assert average(halted, 0, 1).mean == pytest.approx((-0.01 - 0.03 - 0.05) / 3)
    assert average(complete(halted, 0, 1), 0, 1).n == 2
    assert path(halted, 0, 1).aar == pytest.approx([-0.03, -0.01])


def test_the_precise_weigh_more_in_the_weighted_mean():
    sample = made([[-0.02], [-0.06]], [[0.01, -0.01] * 5, [0.02, -0.02] * 5])
    assert average(sample, 0, 0).weighted == pytest.approx((-0.02 * 2 - 0.06) / 3)
    assert average(sample, 0, 0).mean == pytest.approx(-0.04)


class TestDefectsOfOthers:
    """Each is a number that a peer gets wrong on the reference inputs, and why ours is right."""

    pytestmark = plain.needs_reference

    def test_a_halted_name_is_in_no_denominator(self):
        # estudy2 multiplies means by the number of columns: -11.19.
        result = patell(plain.sample("missing", "market"), 0, 0)
        assert result.n == 11
        assert result.statistic == pytest.approx(-10.67, abs=0.005)
        peer = plain.expected("estudy2/parametric_missing_sim")["pt_stat"][5]
        assert peer == pytest.approx(-11.19, abs=0.005)

    @pytest.mark.parametrize(
        "test", [cross_sectional, patell, bmp, mackinlay_j1, brown_warner_1980]
    )
    def test_a_halted_name_might_as_well_not_be_there(self, test):
        sample = plain.sample("missing", "market")
        there = np.isfinite(sample.abnormal[:, 5])
        assert there.sum() == 11
        same(test(sample, 0, 0), test(taken(sample, there), 0, 0))

    def test_brown_warner_with_the_halted_names_variance_is_seven_percent_away(self):
        sample = plain.sample("missing", "market")
        peer = plain.expected("estudy2/parametric_missing_sim")["bw_1980_stat"][5]
        ours = brown_warner_1980(sample, 0, 0).statistic
        assert ours / peer - 1 == pytest.approx(-0.0702, abs=1e-3)

    def test_patell_takes_both_parameters_from_the_degrees_of_freedom(self):
        # estudy2 divides by n - 1 instead of n - 2.
        peer = plain.expected("estudy2/parametric_full_sim")["pt_stat"]
        ours = by_day(patell, plain.sample("clustered", "market"), -5, 5)
        off = [abs(theirs / mine.statistic - 1) for theirs, mine in zip(peer, ours, strict=True)]
        assert max(off) == pytest.approx(0.002, abs=1e-4)

    def test_prediction_errors_of_a_window_go_together(self):
        # Vibe-Trading sums the daily variances: Patell 1.9% high on [-5, 5].
        sample = plain.sample("clustered", "market")
        windows = plain.expected("textbook/windows_clustered_market").set_index(["a", "b"])
        naive = windows["patell_z_naive"][-5, 5]
        assert naive / patell(sample, -5, 5).statistic - 1 == pytest.approx(0.019, abs=1e-3)

    def test_patell_of_two_days_is_not_a_running_sum_over_roots(self):
        # By its code, eventstudy2 for Stata gives -6.92.
        result = patell(plain.sample("clustered", "market"), 0, 1)
        assert result.statistic == pytest.approx(-4.05, abs=0.005)

    def test_bmp_carries_the_prediction_error(self):
        # R's EventStudy leaves it out: 3.2% off where dates differ.
        peer = plain.expected("EventStudyR/multi_staggered_market")["bmp_t"]
        ours = by_day(bmp, plain.sample("staggered", "market"), -5, 5)
        off = [abs(theirs / mine.statistic - 1) for theirs, mine in zip(peer, ours, strict=True)]
        assert max(off) == pytest.approx(0.0319, abs=1e-4)

    def test_staggered_events_are_correlated_on_calendar_dates(self):
        # R's EventStudy correlates by relative day: -2.31 on day -1.
        peer = plain.expected("EventStudyR/multi_staggered_market").set_index("relative_index")
        assert peer["kp_t"][-1] == pytest.approx(-2.31, abs=0.005)
        result = kolari_pynnonen(plain.sample("staggered", "market"), -1, -1)
        assert result.statistic == pytest.approx(-1.16, abs=0.005)

    def test_a_cross_product_is_no_correlation(self):
        # eventstudystatistics gives -1.929, as if there were none.
        result = kolari_pynnonen(plain.sample("clustered", "market"), 0, 0)
        assert result.statistic == pytest.approx(-1.727, abs=0.0005)


class TestSize:
    """How often a true null hypothesis is rejected at the 5% level; seeded, hence exact."""

    RUNS = 400

    def rejections(self, test, **world):
        samples = (common([seed, 7], 30, **world) for seed in range(self.RUNS))
        return sum(test(s, 0, s.abnormal.shape[1] - 1).p_value < 0.05 for s in samples) / self.RUNS

    @pytest.mark.parametrize("correlation", [0.0, 0.2])
    @pytest.mark.parametrize("variance", [1.0, 2.0])
    @pytest.mark.parametrize("rows", [1, 6])
    def test_the_headline_keeps_its_level(self, correlation, variance, rows):
        rate = self.rejections(
            kolari_pynnonen, correlation=correlation, variance=variance, rows=rows
        )
        assert 0.02 <= rate <= 0.085  # 400 runs leave +-2.2 percentage points about 5%

    def test_the_cross_section_does_not_on_one_date(self):
        assert self.rejections(cross_sectional, correlation=0.2) > 0.3

    def test_patell_does_not_when_the_variance_rises(self):
        assert self.rejections(patell, variance=2.0) > 0.1
        assert 0.02 <= self.rejections(bmp, variance=2.0) <= 0.085


def test_resampled_tests_are_drawn_alike_in_every_run():
    sample = random_sample(11, events=12, dates=8)
    for test in RESAMPLED:
        assert test(sample, 0, 0) == test(sample, 0, 0)
