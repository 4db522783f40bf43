from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from selloff.comovement.spillover_coefficients import spillover_coefficients
from selloff.event_study.multiplicity import benjamini_hochberg
from selloff.series import SeriesError

CLOSES = {"TYO a": 6.0, "TYO b": 6.0, "LON": 16.0, "NYC": 21.0}
# Of a source's close and a target's: hours to the target's next, dates to it, and the ratio of the
# hours that the next session shares with the source's, to those that the last one does.
CASES = [
    ("TYO a", "NYC", 15, 0, 9 / 15),
    ("NYC", "TYO a", 9, 1, 15 / 9),
    ("LON", "NYC", 5, 0, 19 / 5),
    ("LON", "TYO b", 14, 1, 10 / 14),
    ("TYO b", "TYO a", 24, 1, 0.0),
]


def frame(seed, rows=200):
    rng = np.random.default_rng(seed)
    # Too little in common for a firm link: what is tested here is what comes before any.
    values = rng.normal(0, 0.01, (rows, 4)) + rng.normal(0, 0.002, (rows, 1))
    return pd.DataFrame(values, pd.bdate_range("2024-01-01", periods=rows), list(CLOSES))


def pair(found, source, target):
    return found[(found["source"] == source) & (found["target"] == target)].iloc[0]


@pytest.mark.parametrize(("source", "target", "hours", "dates", "ratio"), CASES)
def test_a_coefficient_solves_its_moments(source, target, hours, dates, ratio):
    series = frame(1)
    found = pair(spillover_coefficients(series, CLOSES, lags=2), source, target)
    assert found["hours_between_closes"] == hours
    assert found["clock_share"] == pytest.approx(1 - hours / 24 if hours < 24 else 0)
    centred = series - series.mean()
    together = [name for name in CLOSES if CLOSES[name] == CLOSES[source]]
    x, y = centred[together].to_numpy(), centred[target].to_numpy()
    now, before = x[2 - dates : 200 - dates], x[1 - dates : 199 - dates]
    response, regressors = y[2:] - ratio * y[1:-1], now - ratio * before
    inverse = np.linalg.inv(now.T @ regressors)
    slopes = inverse @ now.T @ response
    place = together.index(source)
    assert found["coefficient"] == pytest.approx(slopes[place], rel=1e-10)
    leverage = np.clip(np.diag(regressors @ inverse @ now.T), 0, 0.9)
    scores = (now @ inverse.T)[:, place] * (response - regressors @ slopes) / (1 - leverage)
    apart = np.abs(np.subtract.outer(np.arange(198), np.arange(198)))
    expected = np.sqrt(scores @ np.clip(1 - apart / 3, 0, None) @ scores)
    assert found["standard_error"] == pytest.approx(expected, rel=1e-10)


def test_p_values_and_links_follow_from_the_statistics():
    series = frame(2)
    series.iloc[1:, 3] += 0.6 * series.iloc[:-1, 3].to_numpy()  # its own yesterday is no link
    series.iloc[:, 2] += 0.8 * series.iloc[:, 0]
    found = spillover_coefficients(series, CLOSES, level=0.1)
    assert len(found) == 12
    assert (found["statistic"] == found["coefficient"] / found["standard_error"]).all()
    p_value = 2 * ndtr(-found["statistic"].abs())
    np.testing.assert_allclose(found["p_value"], p_value, rtol=1e-12)
    np.testing.assert_allclose(found["adjusted_p_value"], benjamini_hochberg(p_value), rtol=1e-12)
    expected = (found["adjusted_p_value"] <= 0.1) & (found["coefficient"] > 0)
    assert (found["is_link"] == expected).all()


@given(st.integers(0, 200), st.floats(0.01, 100))
def test_coefficients_are_in_units_of_target_per_source(seed, scale):
    series = frame(seed, 80)
    scaled = series.assign(NYC=scale * series["NYC"])
    one, other = spillover_coefficients(series, CLOSES), spillover_coefficients(scaled, CLOSES)
    factor = np.where(one["source"] == "NYC", 1 / scale, np.where(one["target"] == "NYC", scale, 1))
    np.testing.assert_allclose(other["coefficient"], factor * one["coefficient"], rtol=1e-6)
    np.testing.assert_allclose(other["statistic"], one["statistic"], rtol=1e-6, atol=1e-9)


@given(st.integers(0, 200))
def test_the_order_of_the_columns_does_not_matter(seed):
    series = frame(seed, 80)
    mixed = series[np.random.default_rng(seed).permutation(series.columns)]
    one, other = (
        spillover_coefficients(each, CLOSES).set_index(["source", "target"]).sort_index()
        for each in (series, mixed)
    )
    np.testing.assert_allclose(one["statistic"], other["statistic"], rtol=1e-7, atol=1e-9)


def test_a_positive_link_one_way_is_a_negative_one_the_other():
    # With one source each way, and no firm link, the two coefficients are one number: see Notes.
    series = frame(3, 4000)[["LON", "NYC"]]
    series.iloc[:, 1] += 0.05 * series.iloc[:, 0]
    found = spillover_coefficients(series, CLOSES).set_index("source")
    assert found["statistic"].max() < 2.2
    slope, variance = found["coefficient"], series.var()
    mirror = -slope["LON"] * variance["LON"] / (19 / 5 * variance["NYC"])
    assert slope["NYC"] == pytest.approx(mirror, abs=0.01)
    assert slope["LON"] > 0 > slope["NYC"]


def test_closes_within_two_hours_are_taken_as_one():
    series = frame(4)
    near = CLOSES | {"LON": 19.5}
    found = spillover_coefficients(series, near)
    ahead = pair(found, "LON", "NYC")
    assert (ahead["hours_between_closes"], ahead["clock_share"]) == (25.5, 0.0)
    x, y = series["LON"].iloc[1:-1], series["NYC"].iloc[2:]
    centred = x - series["LON"].mean(), y - series["NYC"].mean()
    slope = (centred[0].to_numpy() @ centred[1].to_numpy()) / (centred[0] ** 2).sum()
    assert ahead["coefficient"] == pytest.approx(slope, rel=1e-10)
    # The other way round the target's next session is that of the next date, nearly a day later.
    assert pair(found, "NYC", "LON")["hours_between_closes"] == 22.5
    strict = spillover_coefficients(series, near, simultaneous_within=0.0)
    assert pair(strict, "LON", "NYC")["hours_between_closes"] == 1.5
    assert pair(strict, "TYO a", "TYO b")["hours_between_closes"] == 24.0


def test_the_flow_of_news_moves_the_clocks_share():
    flow = [1.0] * 6 + [3.0] * 18
    found = spillover_coefficients(frame(5), CLOSES, flow=flow)
    # From New York's close to Tokyo's: 3 evening hours of weight 3, 6 night hours of weight 1.
    assert pair(found, "NYC", "TYO a")["clock_share"] == pytest.approx(1 - 15 / 60)
    quiet = [1.0] * 16 + [0.0] * 5 + [1.0] * 3
    with pytest.raises(SeriesError, match=r"no news comes between the closes at 16\.0"):
        spillover_coefficients(frame(5), CLOSES, flow=quiet)


def test_too_few_rows_are_counted():
    with pytest.raises(SeriesError, match="16 rows, at least 17 are needed"):
        spillover_coefficients(frame(1, 16), CLOSES)
    with pytest.raises(SeriesError, match="LON has no closing time"):
        spillover_coefficients(frame(1), {"TYO a": 6.0, "TYO b": 6.0})
