from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.series import SeriesError, common_sessions, complete_sets, matrix

SEEDS = st.integers(0, 10_000)


def days(rows, start="2025-01-01"):
    return pd.date_range(start, periods=rows)


def frame(seed, rows=60, columns=4, share=0.15, halt=0):
    """Return log returns with holidays."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 0.01, (rows, columns))
    values[rng.random(values.shape) < share] = np.nan
    if halt:  # and one series away for longer than anybody waits
        values[rows // 3 : rows // 3 + halt, -1] = np.nan
    return pd.DataFrame(values, days(rows), [f"S{number}" for number in range(columns)])


def full(rows=20, columns=3):
    values = np.random.default_rng(1).normal(0, 0.01, (rows, columns))
    return pd.DataFrame(values, days(rows), ["XLK", "XLU", "XLE"][:columns])


@pytest.mark.parametrize("columns", [1, 3])
def test_a_matrix_is_the_values_in_memory_of_its_own(columns):
    series = full(columns=columns)
    values = matrix(series)
    assert (values == series.to_numpy()).all()
    assert values.flags.c_contiguous
    values[0] = 9.0
    assert series.iloc[0, 0] != 9.0


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda s: s.iloc[::-1], "not in ascending order"),
        (lambda s: s.iloc[[0, 1, 1, 2]], "2025-01-02 stands there twice"),
        (lambda s: s.set_axis(["XLK", "XLU", "XLK"], axis=1), "two series are named XLK"),
        (lambda s: s.assign(XLU="n/a"), "XLU holds"),
        (lambda s: s.assign(XLU=pd.Timestamp("2025-01-01")), "XLU holds datetime64"),
        (
            lambda s: s.assign(XLU=s["XLU"].where(np.arange(20) % 10 != 4)),
            "XLU is missing or infinite in 2 of 20 rows, first on 2025-01-05",
        ),
        (lambda s: s.assign(XLU=s["XLU"].replace(s["XLU"].iloc[3], np.inf)), "first on 2025-01-04"),
        (lambda s: s.assign(XLU=0.01), "XLU is constant from 2025-01-01 to 2025-01-20"),
        (lambda s: s.assign(XLE=2 * s["XLU"] - s["XLK"]), "XLE is a linear combination"),
        (lambda s: s.iloc[:9], "to 2025-01-09: 9 rows, at least 10 are needed"),
        (lambda s: s[["XLK"]], "1 series, at least 2 are needed"),
        (lambda s: s.iloc[:0], "without rows: 0 rows"),
    ],
)
def test_what_is_unfit_is_named(spoil, message):
    with pytest.raises(SeriesError, match=message):
        matrix(spoil(full()), n_needed=10, n_columns=2)


def test_every_unfit_column_would_be_named_the_first_is():
    series = full().assign(XLU=np.nan, XLE=0.0)
    with pytest.raises(SeriesError, match="XLU is missing or infinite in 20 of 20 rows"):
        matrix(series)


@given(SEEDS, st.floats(-8, 8))
def test_no_unit_makes_a_column_constant_or_a_twin(seed, power):
    values = np.random.default_rng(seed).normal(size=(30, 3)) * 10.0**power
    assert matrix(pd.DataFrame(values, days(30))).shape == (30, 3)


def test_integers_booleans_and_nullable_numbers_are_numbers():
    series = pd.DataFrame(
        {"n": [1, 2, 4], "is": [True, False, False], "x": pd.array([0.5, 1.5, 0.1], "Float64")},
        days(3),
    )
    assert matrix(series).dtype == float
    series["x"] = pd.array([0.5, None, 0.1], "Float64")
    with pytest.raises(SeriesError, match="x is missing"):
        matrix(series)


@given(SEEDS, st.sampled_from([0, 8, 25]))
def test_no_return_is_lost_between_common_sessions(seed, halt):
    series = frame(seed, halt=halt)
    found = common_sessions(series)
    prices = np.exp(series.fillna(0.0).cumsum())
    for name in series:
        # Between two sessions in common, the sum of the returns is the ratio of the prices.
        known = found[name].dropna()
        ratios = np.log(prices.loc[known.index, name]).diff().iloc[1:]
        between = found.loc[known.index, name].iloc[1:]
        np.testing.assert_allclose(between, ratios, atol=1e-14)


@given(SEEDS)
def test_sessions_in_common_are_those_in_which_all_of_the_time_have_a_return(seed):
    series = frame(seed, share=0.1)
    kept = common_sessions(series)
    complete = series.dropna().index
    # Nobody is absent for ten sessions here (0.1^10), but some may begin late.
    begun = series.apply(pd.Series.first_valid_index).max()
    late = kept.index[kept.index >= begun]
    assert late.tolist() == complete.tolist()


@given(SEEDS, st.integers(1, 59), st.sampled_from([0, 25]))
def test_what_comes_later_changes_no_common_session(seed, rows, halt):
    series = frame(seed, halt=halt)
    whole, early = common_sessions(series), common_sessions(series.iloc[:rows])
    same = {"check_exact": True, "check_freq": False}
    pd.testing.assert_frame_equal(whole.loc[: series.index[rows - 1]], early, **same)


@given(SEEDS)
def test_the_order_of_the_columns_does_not_matter(seed):
    series = frame(seed)
    mixed = series[np.random.default_rng(seed).permutation(series.columns)]
    whole, shuffled = common_sessions(series), common_sessions(mixed)
    pd.testing.assert_frame_equal(whole, shuffled[series.columns], check_exact=True)


def test_a_series_that_ended_is_waited_for_ten_sessions_and_no_longer():
    series = full(40, 2)
    series.iloc[10:, 1] = np.nan
    found = common_sessions(series)
    # Row 9 is its last: after ten absences, from row 19 on, the other goes alone.
    assert found.index.tolist() == [*series.index[:10], *series.index[19:]]
    assert found["XLU"].notna().sum() == 10
    assert found["XLK"].sum() == pytest.approx(series["XLK"].sum(), abs=1e-15)


def test_a_series_that_begins_late_keeps_nobody_waiting_before():
    series = full(30, 2)
    series.iloc[:25, 1] = np.nan
    found = common_sessions(series)
    assert len(found) == 30
    pd.testing.assert_frame_equal(found, series)


def test_a_series_that_comes_back_brings_all_that_happened_to_it():
    series = full(60, 2)
    series.iloc[10:40, 1] = np.nan
    series.iloc[40, 1] = -0.5  # the move since row 9
    found = common_sessions(series)
    assert found["XLU"].loc[series.index[40]] == -0.5
    assert found["XLK"].sum() == pytest.approx(series["XLK"].sum(), abs=1e-15)


def test_the_last_return_before_a_long_absence_is_in_the_first_after_it():
    series = full(40, 2)
    series.iloc[10, 0] = np.nan  # a holiday, on the last session of the other
    series.iloc[11:30, 1] = np.nan
    found = common_sessions(series)
    expected = series["XLU"].iloc[[10, 30]].sum()
    assert found["XLU"].loc[series.index[30]] == pytest.approx(expected, abs=1e-15)


def test_dates_on_which_nobody_has_a_session_are_left_out():
    series = full(12, 2)
    series.iloc[[3, 4]] = np.nan
    assert common_sessions(series).index.tolist() == series.index.delete([3, 4]).tolist()


def test_nothing_in_common_is_an_empty_frame():
    series = full(6, 2)
    series.iloc[::2, 0], series.iloc[1::2, 1] = np.nan, np.nan
    series.iloc[0] = np.nan
    assert common_sessions(series.iloc[:1]).shape == (0, 2)
    assert common_sessions(series.iloc[:0]).shape == (0, 2)


def test_repeated_dates_have_no_common_sessions():
    series = full(4, 2).iloc[[0, 1, 1]]
    with pytest.raises(SeriesError, match="stands there twice"):
        common_sessions(series)


def slow_sets(series, window):
    """Return the names complete and moving in the window that ends at each row."""
    values, found = series.to_numpy(), {}
    for end in range(window - 1, len(series)):
        part = values[end - window + 1 : end + 1]
        found[end] = tuple(
            name
            for name, own in zip(series, part.T, strict=True)
            if np.isfinite(own).all() and own.max() > own.min()
        )
    return found


@given(SEEDS, st.integers(2, 12))
def test_sets_are_those_found_window_by_window(seed, window):
    series = frame(seed, rows=40, share=0.05)
    rng = np.random.default_rng(seed)
    start = int(rng.integers(0, 30))
    series.iloc[start : start + 10, 0] = 0.01  # stands still for a while
    found = {
        end: each.names
        for each in complete_sets(series, window)
        for end in range(each.first, each.last + 1)
    }
    expected = {end: names for end, names in slow_sets(series, window).items() if names}
    assert found == expected


@given(SEEDS, st.integers(2, 12), st.integers(1, 39))
def test_sets_of_the_past_do_not_change(seed, window, rows):
    series = frame(seed, rows=40, share=0.05)

    def by_row(given):
        return {
            end: each.names
            for each in complete_sets(given, window)
            for end in range(each.first, each.last + 1)
        }

    whole, early = by_row(series), by_row(series.iloc[:rows])
    assert early == {end: names for end, names in whole.items() if end < rows}


def test_sets_are_as_long_as_they_stay_the_same():
    found = complete_sets(full(30), 5)
    assert [(each.first, each.last, each.names) for each in found] == [
        (4, 29, ("XLK", "XLU", "XLE"))
    ]
    assert complete_sets(full(4), 5) == []


def test_an_infinite_return_makes_a_series_incomplete():
    series = full(8, 2)
    series.iloc[2:4, 0] = np.inf
    names = [each.names for each in complete_sets(series, 3)]
    assert names == [("XLU",), ("XLK", "XLU")]
    assert np.isinf(series.iloc[2, 0])


def test_a_window_of_one_row_is_refused():
    with pytest.raises(SeriesError, match="window of 1 rows"):
        complete_sets(full(), 1)
