from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.series import SeriesError
from selloff.spillover.r_squared import (
    genizi,
    r_squared_connectedness,
    rolling_r_squared_connectedness,
)


def moving(seed, rows=120, k=4):
    random = np.random.default_rng(seed)
    values = random.standard_normal((rows, k)) + random.standard_normal((rows, 1))
    values[1:] += 0.3 * values[:-1, ::-1]
    days = pd.bdate_range("2020-01-01", periods=rows)
    return pd.DataFrame(values, days, [f"S{i}" for i in range(k)])


def r_squared(y, x):
    x = np.column_stack([np.ones(len(x)), x])
    residuals = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return 1 - residuals @ residuals / ((y - y.mean()) ** 2).sum()


@pytest.mark.parametrize("lags", [0, 1, 2])
def test_the_parts_sum_to_the_r_squared_of_the_regression(lags):
    values = moving(lags).to_numpy()
    n = len(values) - lags
    rows = [values[lags - j : lags - j + n] for j in (*range(1, lags + 1), 0)]
    parts = genizi(np.corrcoef(np.hstack(rows).T)[None], 4).sum(axis=(0, 3))[0]
    for i in range(4):
        regressors = np.hstack([*rows[:-1], np.delete(rows[-1], i, axis=1)])
        assert parts[i] == pytest.approx(r_squared(rows[-1][:, i], regressors), rel=1e-11)


def test_two_series_explain_the_square_of_their_correlation():
    series = moving(1, k=2)
    found = r_squared_connectedness(series)
    both = np.corrcoef(series.T)[0, 1] ** 2
    assert found.total.shares[0] == pytest.approx(np.array([[1 - both, both], [both, 1 - both]]))
    assert (found.lagged.shares[0] == np.eye(2)).all()


def test_uncorrelated_regressors_have_the_squares_of_their_correlations():
    correlations = np.eye(3)
    correlations[2, :2] = correlations[:2, 2] = 0.3, 0.5
    assert genizi(correlations[None], 3)[0, 0, 2] == pytest.approx([0.09, 0.25, 0])


@pytest.mark.parametrize("lags", [0, 2])
def test_a_window_is_the_static_result_of_its_rows(lags):
    series = moving(3)
    found = rolling_r_squared_connectedness(series, window=60, lags=lags)
    assert len(found.total.dates) == 61
    for place in (0, 31, 60):
        alone = r_squared_connectedness(series.iloc[place : place + 60], lags=lags)
        for part in ("total", "contemporaneous", "lagged"):
            here, there = getattr(found, part), getattr(alone, part)
            assert here.shares[place] == pytest.approx(there.shares[0], abs=1e-12)
            assert here.conventions == there.conventions
            assert here.dates[place] == there.dates[0]


@given(st.integers(0, 2**32 - 1), st.integers(15, 40), st.integers(0, 1), st.data())
@settings(max_examples=15, deadline=None)
def test_neither_the_future_nor_the_days_asked_for_change_a_window(seed, window, lags, data):
    series = moving(seed, rows=80)
    whole = rolling_r_squared_connectedness(series, window=window, lags=lags).total
    end = data.draw(st.integers(window, 80))
    known = rolling_r_squared_connectedness(series.iloc[:end], window=window, lags=lags).total
    assert (known.shares == whole.shares[: len(known.dates)]).all()
    low = data.draw(st.integers(window - 1, 79))
    some = rolling_r_squared_connectedness(
        series, window=window, lags=lags, since=series.index[low]
    ).total
    assert (some.shares == whole.shares[whole.dates >= series.index[low]]).all()


def test_the_two_parts_add_up_between_series():
    found = r_squared_connectedness(moving(5), lags=1)
    between = ~np.eye(4, dtype=bool)
    both = found.contemporaneous.shares[0] + found.lagged.shares[0]
    assert found.total.shares[0][between] == pytest.approx(both[between])
    assert found.total.total == pytest.approx(found.contemporaneous.total + found.lagged.total)
    for part in (found.total, found.contemporaneous, found.lagged):
        assert part.shares.sum(axis=2) == pytest.approx(np.ones((1, 4)))
        assert (part.shares >= 0).all()


def test_windows_that_stand_still_or_repeat_others_are_nothing():
    series = moving(6)
    series.iloc[20:60, 1] = 5.0
    series.iloc[70:, 2] = -series.iloc[70:, 0]
    shares = rolling_r_squared_connectedness(series, window=30).total.shares
    is_lost = np.isnan(shares).all(axis=(1, 2))
    assert np.flatnonzero(is_lost).tolist() == [*range(20, 31), *range(70, 91)]
    assert np.isfinite(shares[~is_lost]).all()


def test_too_few_rows_are_refused_in_numbers():
    with pytest.raises(SeriesError, match="9 rows, at least 10 are needed for 1 lags of 4 series"):
        rolling_r_squared_connectedness(moving(1), window=9, lags=1)
    with pytest.raises(SeriesError, match="-1 lags, at least 0 are needed"):
        r_squared_connectedness(moving(1), lags=-1)
