from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.event_study import dependence
from selloff.event_study.dependence import (
    correlation_by_dates,
    correlation_by_pairs,
    dates_cluster,
    effective_number,
    mean_residual_correlation,
    variance_inflation,
)
from selloff.event_study.evidence import Evidence, estimation_sums, once
from selloff.event_study.evidence import given as made
from selloff.event_study.sample import Sample
from tests.selloff.event_study import plain
from tests.selloff.event_study.synthetic import (
    common,
    random_sample,
    scaled,
    seeds,
    taken,
    with_empty_event,
)


def one_pair(one, other):
    """Correlate two events' residuals, dictionaries by date, as a textbook would."""
    dates = sorted(one.keys() & other.keys())
    x, y = [one[date] for date in dates], [other[date] for date in dates]
    return np.corrcoef(x, y)[0, 1] if len(dates) > 1 else 0.0


def brute_force(sample):
    """Correlate all pairs, one by one, on the dates that both have."""
    events = [
        {int(at): e for at, e in zip(places, residuals, strict=True) if np.isfinite(e)}
        for places, residuals in zip(sample.estimation_positions, sample.residuals, strict=True)
    ]
    pairs = [one_pair(a, b) for i, a in enumerate(events) for b in events[i + 1 :]]
    return np.mean(pairs)


@given(seeds)
def test_it_is_the_mean_of_all_pairs_correlations(seed):
    sample = random_sample(seed)
    assert mean_residual_correlation(sample) == pytest.approx(brute_force(sample), abs=1e-10)


@given(seeds)
def test_the_linear_time_identity_is_exact_on_common_dates(seed):
    sample = random_sample(seed, missing=0.0, dates=1)
    assert correlation_by_dates(sample) == pytest.approx(brute_force(sample), abs=1e-12)


@given(seeds)
def test_by_dates_it_equals_the_formula_in_standardised_residuals(seed):
    # z_i = e_i / (s_i sqrt(n_i - K)), with residuals of mean 0, as an intercept makes them.
    drawn = random_sample(seed)
    centred = drawn.residuals - np.nanmean(drawn.residuals, axis=1)[:, None]
    sample = replace(drawn, residuals=centred)
    z = centred / np.sqrt(np.nansum(centred**2, axis=1))[:, None]
    total = np.zeros(sample.estimation_positions.max() + 1)
    for places, row in zip(sample.estimation_positions, z, strict=True):
        total[places] += np.nan_to_num(row)
    n = sample.n_events
    expected = (total @ total - np.nansum(z**2)) / (n * (n - 1))
    assert correlation_by_dates(sample) == pytest.approx(expected, abs=1e-12)


def test_blocks_add_up_to_the_whole(monkeypatch):
    sample = random_sample(3, events=30)
    whole = estimation_sums(sample)
    every = sample.blocks
    monkeypatch.setattr(Sample, "blocks", lambda _self, _size: every(7))
    parts = estimation_sums(sample)
    for one, other in zip(whole, parts, strict=True):
        assert np.allclose(one, other, rtol=1e-13, atol=1e-15)


def test_many_ragged_events_are_added_up_by_date(monkeypatch):
    sample = random_sample(4, events=8)
    by_pairs = mean_residual_correlation(sample)
    assert by_pairs == correlation_by_pairs(sample)
    monkeypatch.setattr(dependence, "PAIRED_EVENTS", 7)
    assert mean_residual_correlation(sample) == correlation_by_dates(sample) != by_pairs


@plain.needs_reference
def test_staggered_events_meet_on_the_calendar_not_by_relative_day():
    sample = plain.sample("staggered", "market")
    by_relative_day = replace(
        sample, estimation_positions=np.tile(np.arange(250), (sample.n_events, 1))
    )
    assert mean_residual_correlation(sample) == pytest.approx(0.1059, abs=5e-5)
    assert mean_residual_correlation(by_relative_day) == pytest.approx(-0.0075, abs=5e-5)


@plain.needs_reference
def test_in_linear_time_partly_shared_dates_count_in_proportion():
    assert correlation_by_dates(plain.sample("staggered", "market")) == pytest.approx(
        0.0963, abs=5e-5
    )
    clustered = plain.sample("clustered", "market")
    assert correlation_by_dates(clustered) == pytest.approx(0.023189570023867935, rel=1e-9)


@given(seeds, st.sampled_from([1e-6, 0.5, 1e6]))
def test_the_unit_of_returns_changes_no_correlation(seed, factor):
    sample = random_sample(seed)
    assert mean_residual_correlation(scaled(sample, factor)) == pytest.approx(
        mean_residual_correlation(sample), abs=1e-12
    )


@given(seeds)
def test_order_and_empty_events_change_no_correlation(seed):
    sample = random_sample(seed)
    expected = mean_residual_correlation(sample)
    order = np.random.default_rng(seed).permutation(sample.n_events)
    assert mean_residual_correlation(taken(sample, order)) == pytest.approx(expected, abs=1e-12)
    assert mean_residual_correlation(with_empty_event(sample)) == pytest.approx(expected, abs=1e-12)


def test_a_firms_second_event_in_the_same_rows_correlates_with_the_first():
    sample = common(8, 1)
    assert mean_residual_correlation(taken(sample, [0, 0])) == pytest.approx(1.0, rel=1e-12)


def test_events_that_never_share_a_date_are_not_correlated():
    sample = made([[-0.1]] * 2, [[0.01, -0.02, 0.01]] * 2, dates=[3, 9])
    assert mean_residual_correlation(sample) == 0.0


def test_constant_residuals_have_no_correlation():
    sample = made([[-0.1]] * 3, [[0.01, -0.02, 0.01], [0.01, -0.02, 0.01], [0.001] * 3])
    assert mean_residual_correlation(sample) == pytest.approx(1.0, rel=1e-12)
    assert np.isnan(mean_residual_correlation(taken(sample, [0, 2])))
    assert np.isnan(mean_residual_correlation(taken(sample, [0])))


def test_correlated_events_say_as_much_as_fewer_independent_ones():
    assert effective_number(12, 0.0) == 12
    assert effective_number(12, 1.0) == 1
    assert effective_number(1001, 0.05) == pytest.approx(1001 / 51)
    assert np.isnan(effective_number(12, -0.2))


def test_the_variance_of_a_mean_rises_as_formula_and_simulation_say():
    # 30 events of one date correlated by 0.2: 1 + 29 x 0.2.
    found = [variance_inflation(common(seed, 30, correlation=0.2)) for seed in range(20)]
    assert np.mean(found) == pytest.approx(6.8, rel=0.1)
    means = [common([seed, 1], 30, correlation=0.2).abnormal.mean() for seed in range(400)]
    assert np.var(means) / (0.02**2 / 30) == pytest.approx(6.8, rel=0.25)


@given(seeds)
def test_the_shared_rows_are_those_counted_pair_by_pair(seed):
    sample = random_sample(seed)
    rows = [
        set(places[np.isfinite(returns)].tolist())
        for places, returns in zip(sample.positions, sample.abnormal, strict=True)
    ]
    meetings = sum(len(a & b) for i, a in enumerate(rows) for b in rows[i + 1 :])
    partners = 2 * meetings / sum(map(len, rows))
    assert variance_inflation(sample) >= 1 + 0.05 * partners - 1e-12
    uncorrelated = replace(sample, residuals=np.full_like(sample.residuals, np.nan))
    assert variance_inflation(uncorrelated) == pytest.approx(1 + 0.05 * partners, rel=1e-12)


def test_dates_cluster_from_the_sixth_uncorrelated_event_of_a_date_on():
    assert not dates_cluster(common(2, 5))
    assert dates_cluster(common(2, 7))


def test_dates_do_not_cluster_where_events_stand_apart():
    random = np.random.default_rng(5)
    apart = made(
        random.normal(0, 0.02, (40, 3)), random.normal(0, 0.02, (40, 30)), -1, range(40, 400, 9)
    )
    assert not dates_cluster(apart)


@plain.needs_reference
def test_the_reference_events_of_one_date_cluster():
    assert dates_cluster(plain.sample("clustered", "market"))


def test_evidence_computes_a_part_once():
    calls = []

    def part(sample, number):
        calls.append(number)
        return sample.n_events + number

    evidence = Evidence.of(common(1, 4))
    assert [once(evidence, part, 1), once(evidence, part, 1), once(evidence, part, 2)] == [5, 5, 6]
    assert calls == [1, 2]
    assert Evidence.of(evidence) is evidence
    assert once(common(1, 4), part, 1) == 5
    assert calls == [1, 2, 1]


def test_evidence_that_is_changed_forgets():
    evidence = Evidence.of(common(1, 4))
    once(evidence, estimation_sums)
    assert replace(evidence, abnormal=2 * evidence.abnormal).parts == {}
