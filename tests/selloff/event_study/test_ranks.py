"""Ranks, and the tests made of them: identities, missing rows, and what peers got wrong."""

from __future__ import annotations

from dataclasses import fields, replace

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from selloff.event_study.evidence import Evidence, given
from selloff.event_study.generalized_ranks import generalized_ranks, grank_t, grank_z
from selloff.event_study.rank_sums import EVENTS_AT_ONCE, average_ranks, rank_sums, ranked
from selloff.event_study.ranks import (
    COUNTED_UP_TO,
    corrado_rank,
    corrado_zivney,
    corrado_zivney_uniform,
    wilcoxon,
)
from selloff.event_study.sample import window
from selloff.event_study.signs import corrado_sign, generalized_sign, sign
from tests.selloff.event_study.plain_ranks import sample

DATE_TESTS = (corrado_rank, corrado_zivney_uniform, corrado_zivney, corrado_sign)
CAR_TESTS = (grank_t, grank_z, sign, generalized_sign)
Z_TESTS = (*DATE_TESTS, *CAR_TESTS)
ALL_TESTS = (*Z_TESTS, wilcoxon)
few = settings(deadline=None, max_examples=40)
WINDOWS = st.sampled_from([(0, 0), (-1, 1), (0, 2), (-2, 2)])


@st.composite
def samples(draw, *, gaps=True):
    """Draw 3 to 12 events of 20 + 5 rows, some of them missing."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    number = draw(st.integers(3, 12))
    returns = random.standard_t(5, (number, 25)) * random.uniform(0.01, 0.05, (number, 1))
    if gaps:
        returns[random.random(returns.shape) < draw(st.sampled_from([0, 0.1]))] = np.nan
    returns[:, 20:] += draw(st.sampled_from([0, -0.05]))
    return given(returns[:, 20:], returns[:, :20], -2)


def statistics(known, first, last, tests=ALL_TESTS):
    return np.array([test(known, first, last).statistic for test in tests])


def picked(known, order):
    """Return the sample with only these events, in this order."""
    names = [each.name for each in fields(known) if each.name != "days"]
    return replace(known, **{name: getattr(known, name)[order] for name in names})


@few
@for_all(
    hnp.arrays(
        float,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=40),
        elements=st.one_of(
            st.floats(allow_nan=True, allow_infinity=True),
            st.sampled_from([0.0, -0.0, 1.0, np.nextafter(1.0, 2.0), 5e-324, -5e-324]),
        ),
    )
)
def test_ranks_are_those_of_scipy_whatever_the_values(values):
    finite = np.where(np.isfinite(values), values, np.nan)
    wanted = scipy.stats.rankdata(finite, axis=1, nan_policy="omit")
    assert np.array_equal(average_ranks(values), wanted, equal_nan=True)


def test_values_that_differ_in_their_last_bit_only_have_ranks_of_their_own():
    steps = 0.01 + np.spacing(0.01) * np.arange(600)
    order = np.random.default_rng(1).permutation(600)
    assert np.array_equal(average_ranks(steps[order][None, :])[0], order + 1.0)


def test_the_largest_number_is_still_below_what_is_missing():
    largest = np.finfo(float).max
    ranks = average_ranks(np.array([[np.nan, largest, np.nan], [largest, np.nan, 1.0]]))
    assert np.array_equal(ranks, [[np.nan, 1, np.nan], [2, np.nan, 1]], equal_nan=True)


def test_nothing_lost_and_nothing_won_are_the_same_return():
    assert average_ranks(np.array([[0.0, 0.1, -0.0, -0.1]])).tolist() == [[2.5, 4, 2.5, 1]]


@few
@for_all(st.integers(2, 300), st.integers(0, 2**32 - 1))
def test_uniform_ranks_have_mean_zero_and_the_variance_of_the_textbook(n, seed):
    values = np.random.default_rng(seed).normal(size=(1, n))
    uniform = rank_sums(values).uniform
    assert uniform.sum() == pytest.approx(0, abs=1e-12)
    assert np.mean(uniform**2) == pytest.approx((n - 1) / (12 * (n + 1)), rel=1e-12)


@few
@for_all(samples())
def test_the_ranks_of_all_rows_add_up_to_nothing(known):
    sums = ranked(known)
    assert sums.centred.sum() == pytest.approx(0, abs=1e-9)
    assert sums.uniform.sum() == pytest.approx(0, abs=1e-12)


@few
@for_all(samples(), WINDOWS)
def test_a_growing_function_of_each_firms_returns_leaves_corrado_unchanged(known, asked):
    def bent(rows):
        return np.sinh(rows * np.linspace(5, 50, known.n_events)[:, None])

    curved = replace(known, abnormal=bent(known.abnormal), residuals=bent(known.residuals))
    tests = (corrado_rank, corrado_zivney_uniform)
    assert statistics(curved, *asked, tests) == pytest.approx(statistics(known, *asked, tests))


@few
@for_all(samples(), WINDOWS, st.randoms(use_true_random=False))
def test_the_order_of_events_does_not_matter(known, asked, random):
    order = random.sample(range(known.n_events), known.n_events)
    shuffled = statistics(picked(known, order), *asked)
    assert shuffled == pytest.approx(statistics(known, *asked), rel=1e-9, abs=1e-12, nan_ok=True)


@few
@for_all(samples(), WINDOWS)
def test_an_event_without_data_changes_nothing(known, asked):
    more = picked(known, [*range(known.n_events), 0])
    for rows in (more.abnormal, more.returns, more.residuals):
        rows[-1] = np.nan
    more.sigma[-1], more.n_estimation[-1] = np.nan, 0
    for test in ALL_TESTS:
        with_it, without = test(more, *asked), test(known, *asked)
        assert with_it.n == without.n
        assert with_it.statistic == pytest.approx(without.statistic, rel=1e-9, nan_ok=True)
        assert with_it.p_value == pytest.approx(without.p_value, rel=1e-9, nan_ok=True)


@few
@for_all(samples(), WINDOWS)
def test_statistics_change_sign_with_returns(known, asked):
    turned = replace(known, abnormal=-known.abnormal, residuals=-known.residuals)
    there, back = statistics(known, *asked, Z_TESTS), statistics(turned, *asked, Z_TESTS)
    assert back == pytest.approx(-there, rel=1e-9, abs=1e-12, nan_ok=True)
    signed, n = wilcoxon(known, *asked), wilcoxon(known, *asked).n
    assert wilcoxon(turned, *asked).statistic == n * (n + 1) / 2 - signed.statistic
    assert wilcoxon(turned, *asked).p_value == pytest.approx(signed.p_value, rel=1e-9)


@few
@for_all(samples(), WINDOWS, st.floats(0.001, 1000))
def test_the_unit_of_returns_does_not_matter(known, asked, unit):
    names = ("abnormal", "returns", "residuals", "sigma")
    scaled = replace(known, **{name: getattr(known, name) * unit for name in names})
    before = statistics(known, *asked)
    assert statistics(scaled, *asked) == pytest.approx(before, rel=1e-9, abs=1e-12, nan_ok=True)


@few
@for_all(samples(), WINDOWS)
def test_evidence_gives_what_the_sample_gives(known, asked):
    evidence = Evidence.of(known)
    for test in ALL_TESTS:
        plain = test(known, *asked)
        assert repr(test(evidence, *asked)) == repr(plain) == repr(test(evidence, *asked))


@few
@for_all(samples(gaps=False), WINDOWS)
def test_without_missing_rows_uniform_ranks_are_corrados(known, asked):
    uniform = corrado_zivney_uniform(known, *asked).statistic
    assert uniform == pytest.approx(corrado_rank(known, *asked).statistic, rel=1e-9, abs=1e-12)


@few
@for_all(samples(gaps=False))
def test_the_rank_of_a_day_does_not_depend_on_the_window(known):
    days = [corrado_rank(known, day, day).statistic for day in range(-2, 3)]
    whole = corrado_rank(known, -2, 2).statistic
    assert whole == pytest.approx(sum(days) / np.sqrt(len(days)), rel=1e-9, abs=1e-9)


def plain_generalized(known, first, last):
    """Return Z, n and T' of GRANK-T by ranking every event's rows and SCAR together."""
    scar = window(known, first, last).scar
    star = scar / np.nanstd(scar, ddof=1)
    rows = np.column_stack([known.residuals / known.sigma[:, None], star])
    rows = rows[np.isfinite(rows).any(axis=1)]
    ranks = scipy.stats.rankdata(rows, axis=1, nan_policy="omit")
    uniform = ranks / (np.isfinite(rows).sum(axis=1)[:, None] + 1) - 0.5
    n = np.isfinite(rows).sum(axis=0)
    means = np.nansum(uniform, axis=0) / n
    return means[-1] / np.sqrt(np.mean(n / len(rows) * means**2)), n[-1], len(n)


@pytest.mark.parametrize("number", [8, 2 * EVENTS_AT_ONCE + 88])
def test_generalized_ranks_are_those_of_ranking_everything_together(number):
    random = np.random.default_rng(number)
    returns = random.standard_t(5, (number, 43)) * 0.02
    returns[random.random(returns.shape) < 0.05] = np.nan
    returns[::7, 40:] = np.nan  # estimation rows, but no event
    known = given(returns[:, 40:], returns[:, :40], -1)
    for asked in ((0, 0), (-1, 1)):
        z, n, rows = plain_generalized(known, *asked)
        found = grank_t(known, *asked)
        t = z * np.sqrt((rows - 2) / (rows - 1 - z**2))
        assert found.statistic == pytest.approx(t, rel=1e-9)
        assert (found.n, found.degrees_of_freedom) == (n, rows - 2)
        assert found.p_value == pytest.approx(2 * scipy.stats.t.sf(abs(t), rows - 2), rel=1e-9)


def test_ranks_of_many_blocks_are_those_of_one():
    random = np.random.default_rng(3)
    returns = np.round(random.standard_t(5, (2 * EVENTS_AT_ONCE + 1, 30)), 1)
    known = given(returns[:, 25:], returns[:, :25], -2)
    ranks = scipy.stats.rankdata(returns, axis=1)
    assert np.array_equal(ranked(known).centred, ranks.sum(axis=0) - len(returns) * 15.5)


def test_a_scar_equal_to_a_residual_shares_its_rank():
    residuals = np.array([[0.01, -0.01, 0.02, -0.02], [0.03, -0.03, 0.01, -0.01]])
    known = given([[0.0], [0.04]], residuals)
    known.residuals[0, 0] = 0.0
    found = generalized_ranks(known, 0, 0)
    # Event 1: -0.02, -0.01, (0, SCAR 0), 0.02: rank 3.5 of 5. Event 2: SCAR* = sqrt(2), 1.41
    # sigmas or 0.0365: rank 5 of 5.
    assert found.mean == pytest.approx(((3.5 / 6 - 0.5) + (5 / 6 - 0.5)) / 2)


@pytest.mark.parametrize("test", ALL_TESTS)
def test_an_event_window_without_returns_is_undefined_and_says_so(test):
    known = given(np.full((4, 3), np.nan), np.random.default_rng(1).normal(size=(4, 20)), -1)
    found = test(known, 0, 1)
    assert np.isnan([found.statistic, found.p_value]).all()
    assert found.n == 0
    assert found.note


@pytest.mark.parametrize("test", ALL_TESTS)
def test_a_window_beyond_the_event_rows_is_an_error(test):
    known = given(np.ones((4, 3)), np.ones((4, 20)), -1)
    with pytest.raises(ValueError, match=r"window \[0, 5\] is not within the rows"):
        test(known, 0, 5)


@pytest.mark.parametrize("test", [corrado_zivney, grank_t, grank_z])
def test_one_event_alone_has_no_spread_to_judge_it_by(test):
    known = given([[-0.3]], np.random.default_rng(1).normal(size=(1, 20)))
    assert np.isnan(test(known, 0, 0).statistic)


@pytest.mark.parametrize("test", ALL_TESTS)
def test_the_name_of_a_result_is_that_of_its_test(test):
    known = given([[-0.3], [-0.1]], np.random.default_rng(1).normal(size=(2, 20)))
    assert test(known, 0, 0).test == test.__name__


@pytest.mark.parametrize("test", [*DATE_TESTS, grank_z, sign, generalized_sign])
def test_z_is_held_against_the_normal_distribution(test):
    found = test(sample("staggered", "market"), -1, 1)
    assert found.degrees_of_freedom is None
    assert found.p_value == pytest.approx(2 * scipy.stats.norm.sf(abs(found.statistic)), rel=1e-9)


# Of 12 names one does not trade on the day: peers multiply means over 11 names by 12.
@pytest.mark.parametrize(
    ("test", "wanted", "peer"),
    [
        (sign, -1.508, -1.343),
        (generalized_sign, -1.492, -1.342),
        (corrado_rank, -2.380, -2.246),
        (corrado_sign, -1.413, -1.348),
        (wilcoxon, 8, 8.727),
    ],
)
def test_a_halted_name_counts_in_no_denominator(test, wanted, peer):
    found = test(sample("missing", "market"), 0, 0)
    assert found.statistic == pytest.approx(wanted, abs=5e-4)
    assert found.statistic != pytest.approx(peer, abs=5e-3)
    assert found.n == 11


def test_every_day_has_a_rank_statistic_of_its_own():
    # R's EventStudy 0.50.0 repeats the first day's, -0.525, on all days.
    days = [corrado_rank(sample("clustered", "market"), day, day) for day in range(-5, 6)]
    found = [day.statistic for day in days]
    assert len({round(value, 9) for value in found}) == len(found)
    assert found[5] == pytest.approx(-2.0191, abs=5e-5)


@few
@for_all(st.integers(1, 2 * COUNTED_UP_TO), st.integers(0, 2**32 - 1), st.sampled_from([2, 9]))
def test_signed_ranks_have_the_p_value_of_scipy(n, seed, digits):
    car = np.round(np.random.default_rng(seed).normal(0.2, size=n), digits)
    car = car[car != 0]
    if not len(car):
        return
    found = wilcoxon(given(car[:, None], np.ones((len(car), 2))), 0, 0)
    has_ties = len(set(np.abs(car))) < len(car)
    method = "exact" if len(car) <= COUNTED_UP_TO and not has_ties else "asymptotic"
    wanted = scipy.stats.wilcoxon(car, method=method)
    assert found.p_value == pytest.approx(wanted.pvalue, rel=1e-9)
    low = min(found.statistic, len(car) * (len(car) + 1) / 2 - found.statistic)
    assert low == wanted.statistic


def test_a_return_of_nothing_is_on_neither_side():
    known = given([[-0.01], [0.0], [0.02], [-0.03]], np.ones((4, 2)) * [0.01, -0.01])
    assert (wilcoxon(known, 0, 0).n, wilcoxon(known, 0, 0).statistic) == (3, 2)
    assert (sign(known, 0, 0).n, sign(known, 0, 0).statistic) == (3, pytest.approx(-1 / 3**0.5))


def test_one_wild_return_moves_no_rank_statistic_further_than_its_rank():
    random = np.random.default_rng(4)
    returns = random.normal(size=(10, 41))
    calm, wild = returns.copy(), returns.copy()
    calm[0, 40], wild[0, 40] = 10, 1e6
    for test in (corrado_rank, corrado_sign, sign, wilcoxon):
        there = test(given(calm[:, 40:], calm[:, :40]), 0, 0).statistic
        assert test(given(wild[:, 40:], wild[:, :40]), 0, 0).statistic == there
