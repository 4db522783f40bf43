"""Events that come in parts, and are forgotten, say what they say together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.event_study import dependence, pooled
from selloff.event_study.battery import run
from selloff.event_study.dependence import (
    dates_cluster,
    mean_residual_correlation,
    variance_inflation,
)
from selloff.event_study.evidence import Evidence, once
from selloff.event_study.parametric import moments
from selloff.event_study.pooled import OF_SUMS, Pool
from selloff.event_tests import BRIEF, OF_ALL_EVENTS
from tests.selloff.event_study.synthetic import random_sample, seeds, taken, with_empty_event

TESTS = sorted(OF_SUMS, key=lambda test: test.__name__)
WINDOWS = st.sampled_from([(0, 0), (-1, 1), (1, 2), (-2, 2)])


@pytest.fixture
def few(monkeypatch):
    """Set the number of events up to which they are kept, and correlated pair by pair."""

    def of(number):
        for module in (dependence, pooled):
            monkeypatch.setattr(module, "PAIRED_EVENTS", number)

    return of


@st.composite
def parted(draw):
    """Draw a sample of dates two sessions apart, and which part each of its events comes in."""
    seed, n_parts = draw(seeds), draw(st.integers(1, 5))
    random = np.random.default_rng(seed)
    sample = random_sample(seed, int(random.integers(n_parts + 2, 25)), dates=4)
    # Seven sessions apart as they are drawn, no date would be in the windows of two.
    back = 5 * ((sample.positions[:, 2] - 42) // 7)[:, None]
    places = {name: getattr(sample, name) - back for name in ("positions", "estimation_positions")}
    sample = replace(sample, **places)
    if draw(st.booleans()):
        sample = with_empty_event(sample)
    parts = np.append(np.arange(n_parts), random.integers(0, n_parts, sample.n_events - n_parts))
    return sample, random.permutation(parts)


def pool_of(sample, parts, window):
    pool = Pool(*window)
    some = [taken(sample, np.flatnonzero(parts == part)) for part in np.unique(parts)]
    for each in some:
        pool.add(each)
    if pool.wants_ranks:
        for each in some:
            pool.rank(each)
    return pool


def same(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert (one.test, one.n, one.note) == (other.test, other.n, other.note)
        assert one.degrees_of_freedom == other.degrees_of_freedom
        for name in ("statistic", "p_value"):
            figures = getattr(one, name), getattr(other, name)
            assert figures[0] == pytest.approx(figures[1], rel=1e-9, abs=1e-12, nan_ok=True)


@settings(deadline=None, max_examples=150)
@given(parted(), WINDOWS)
def test_the_sums_of_parts_are_tested_as_all_their_events_are(asked, window):
    sample, parts = asked
    with pytest.MonkeyPatch.context() as patch:
        for module in (dependence, pooled):
            patch.setattr(module, "PAIRED_EVENTS", 1)
        pool = pool_of(sample, parts, window)
        assert pool.wants_ranks, "nothing added up, nothing shown"
        whole, found = Evidence.of(sample), pool.evidence()
        same(run(found, *window, TESTS), run(whole, *window, TESTS))
        for part in (mean_residual_correlation, variance_inflation):
            assert once(found, part) == pytest.approx(once(whole, part), rel=1e-9, abs=1e-12)
        assert once(found, dates_cluster) == once(whole, dates_cluster)
        means = [once(each, moments, *window).mean for each in (found, whole)]
        assert means[0] == pytest.approx(means[1], rel=1e-9, nan_ok=True)


@settings(deadline=None, max_examples=30)
@given(parted(), WINDOWS)
def test_few_events_are_kept_and_correlated_pair_by_pair(asked, window):
    sample, parts = asked
    pool = pool_of(sample, parts, window)
    assert not pool.wants_ranks
    order = np.argsort(parts, kind="stable")
    found, whole = pool.evidence(), Evidence.of(taken(sample, order))
    same(run(found, *window, TESTS), run(whole, *window, TESTS))


def test_so_many_events_as_are_correlated_pair_by_pair_are_kept_and_one_more_is_not(few):
    sample = random_sample(1, 9, missing=0)
    few(9)
    assert not pool_of(sample, np.arange(9), (0, 0)).wants_ranks
    few(8)
    pool = pool_of(sample, np.arange(9), (0, 0))
    assert pool.wants_ranks
    assert pool.evidence().n_events == 0, "an event is held"


def test_before_every_event_is_ranked_there_is_no_evidence(few):
    few(1)
    pool = Pool(0, 0)
    pool.add(random_sample(1, 9))
    with pytest.raises(ValueError, match="rank every event"):
        pool.evidence()


def test_what_all_events_are_tested_by_asks_for_sums_alone():
    assert {*OF_ALL_EVENTS, *BRIEF} <= OF_SUMS
