from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from scipy import stats

from selloff.event_study.battery import by_day
from selloff.event_study.calendar_time import (
    CalendarPortfolio,
    calendar_alpha,
    calendar_portfolio,
    calendar_time,
    jaffe_mandelker,
)
from selloff.event_study.evidence import given as made
from tests.selloff.event_study import plain
from tests.selloff.event_study.synthetic import common, random_sample, seeds


def portfolio_of(sample, first, last):
    """Collect abnormal returns in a dictionary by calendar place."""
    found = {}
    columns = sample.columns(first, last)
    rows = zip(sample.positions[:, columns], sample.abnormal[:, columns], strict=True)
    for places, returns in rows:
        for at, value in zip(places.tolist(), returns.tolist(), strict=True):
            if np.isfinite(value):
                found.setdefault(at, []).append(value)
    return dict(sorted(found.items()))


def series(length, seed=0):
    random = np.random.default_rng(seed)
    factors = random.normal(0, 0.01, (length, 2))
    noise = np.convolve(random.normal(0, 0.01, length + 3), [1, 0.6, 0.3, 0.1], "valid")
    returns = -0.002 + factors @ [1.2, -0.4] + noise
    return CalendarPortfolio(np.arange(length), np.ones(length, int), returns), factors


@given(seeds)
def test_the_portfolio_is_the_mean_by_calendar_date(seed):
    sample = random_sample(seed)
    expected = portfolio_of(sample, -1, 1)
    found = calendar_portfolio(sample, -1, 1)
    assert found.positions.tolist() == list(expected)
    assert found.n.tolist() == [len(values) for values in expected.values()]
    assert found.mean == pytest.approx([np.mean(values) for values in expected.values()], rel=1e-9)


def test_firms_of_one_date_are_one_observation_not_many():
    # Grouped by relative day, the two dates would make one portfolio of [0, 1] of two days.
    sample = made([[-0.02, 0.0], [-0.04, 0.02], [-0.06, 0.01]], np.eye(3), dates=[5, 5, 6])
    found = calendar_portfolio(sample, 0, 1)
    assert found.positions.tolist() == [5, 6, 7]
    assert found.n.tolist() == [2, 3, 1]
    assert found.mean == pytest.approx([-0.03, (0.0 + 0.02 - 0.06) / 3, 0.01])


def test_raw_returns_are_held_where_asked():
    sample = made([[-0.02], [-0.04]], np.eye(2))
    sample = replace(sample, returns=sample.returns + 0.01)
    assert calendar_portfolio(sample, 0, 0, raw=True).mean == pytest.approx([-0.02])


@pytest.mark.parametrize("lags", [0, 1, 5])
def test_alpha_and_its_error_are_those_of_statsmodels(lags):
    portfolio, factors = series(80)
    fit = sm.OLS(portfolio.mean, sm.add_constant(factors)).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )
    found = calendar_alpha(portfolio, factors, lags)
    assert found.alpha == pytest.approx(fit.params[0], rel=1e-10)
    assert found.standard_error == pytest.approx(fit.bse[0], rel=1e-10)
    assert found.n_dates == 80
    assert found.degrees_of_freedom == 77


def test_lags_grow_slowly_with_the_dates():
    portfolio, factors = series(80)
    assert calendar_alpha(portfolio, factors) == calendar_alpha(portfolio, factors, lags=3)


def test_across_a_gap_between_windows_nothing_is_correlated():
    portfolio, _ = series(6)
    late = replace_positions(portfolio, [0, 1, 2, 50, 51, 52])
    away = portfolio.mean - portfolio.mean.mean()
    near = away[0] * away[1] + away[1] * away[2] + away[3] * away[4] + away[4] * away[5]
    expected = np.sqrt(away @ away + 2 * 0.5 * near) / 6
    assert calendar_alpha(late, lags=1).standard_error == pytest.approx(expected, rel=1e-12)


def replace_positions(portfolio, positions):
    return portfolio._replace(positions=np.array(positions))


def test_dates_without_a_factor_are_left_out():
    portfolio, factors = series(40)
    factors[7, 1] = np.nan
    without = CalendarPortfolio(*(np.delete(part, 7) for part in portfolio))
    assert calendar_alpha(portfolio, factors) == calendar_alpha(without, factors)
    assert calendar_alpha(portfolio, factors).n_dates == 39


def test_too_few_dates_have_no_alpha_or_no_error():
    portfolio, factors = series(3)
    assert np.isfinite(calendar_alpha(portfolio, factors).alpha)
    assert np.isnan(calendar_alpha(portfolio, factors).standard_error)
    short, factors = series(2)
    assert np.isnan(calendar_alpha(short, factors).alpha)


def test_the_test_is_that_of_the_mean_by_date():
    sample = random_sample(5, events=20, dates=12, missing=0.0)
    found = calendar_alpha(calendar_portfolio(sample, -2, 2))
    result = calendar_time(sample, -2, 2)
    assert result.statistic == pytest.approx(found.alpha / found.standard_error, rel=1e-12)
    assert result.degrees_of_freedom == found.n_dates - 1
    assert result.n == 20


@settings(max_examples=30)
@given(seeds)
def test_each_date_is_standardised_by_its_own_firms_together(seed):
    sample = random_sample(seed)
    z = []
    for at, values in portfolio_of(sample, -1, 1).items():
        event, column = np.nonzero((sample.positions == at) & np.isfinite(sample.abnormal))
        inside = (sample.days[column] >= -1) & (sample.days[column] <= 1)
        event, column = event[inside], column[inside]
        sums = {}
        for i, t in zip(event, column, strict=True):
            width = np.sqrt(1 + sample.loadings[i, t] @ sample.loadings[i, t])
            for place, e in zip(sample.estimation_positions[i], sample.residuals[i], strict=True):
                if np.isfinite(e):
                    sums[place] = sums.get(place, 0.0) + width * e
        freedom = np.mean(sample.degrees_of_freedom[event])
        deviation = np.sqrt(sum(s * s for s in sums.values()) / freedom) / len(values)
        z.append(np.mean(values) / deviation)
    result = jaffe_mandelker(sample, -1, 1)
    if len(z) > 1:
        assert result.statistic == pytest.approx(stats.ttest_1samp(z, 0).statistic, rel=1e-9)
        assert result.p_value == pytest.approx(stats.ttest_1samp(z, 0).pvalue, rel=1e-9)
    else:
        assert np.isnan(result.p_value)


def test_a_single_date_is_left_undefined():
    for test in (calendar_time, jaffe_mandelker):
        assert np.isnan(test(common(1, 10), 0, 0).p_value)
        assert test(common(1, 10), 0, 0).n == 10
        assert test(common(1, 10), 0, 0).note == "calendar dates: only 1"
        assert test(common(1, 10, rows=19), 0, 18).note == "calendar dates: only 19"
        assert test(common(1, 10, rows=20), 0, 19).note == ""


@plain.needs_reference
def test_staggered_days_differ_where_a_peer_repeats_the_first():
    # R's EventStudy: the same number on all eleven days, grouped by relative day besides.
    peer = plain.expected("EventStudyR/multi_staggered_market")["caltime_t"]
    assert peer.nunique() == 1
    sample = plain.sample("staggered", "market")
    found = [result.statistic for result in by_day(calendar_time, sample, -5, 5)]
    assert len(set(found)) == 11
