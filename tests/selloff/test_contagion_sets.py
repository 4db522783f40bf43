from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.contagion_sets import series_sets
from selloff.omitted_series import omitted_series

DAYS = pd.bdate_range("2025-01-01", periods=40)


def series(wide, name="US sector funds", market=None, **columns):
    """Return rows of core.contagion_series from a frame of one column per series."""
    frame = wide.rename_axis("session_date").reset_index()
    frame = frame.melt("session_date", var_name="series_name", value_name="log_return").dropna()
    own = {
        "series_set": name,
        "level": "sector_fund",
        "region": "US",
        "sector": None,
        "market_log_return": 0.001 if market is None else frame["session_date"].map(market),
        "market_value_usd": 1e9,
        "closed_at": frame["session_date"] + pd.Timedelta(hours=21),
        "n_flagged": 0,
        "n_quarantined": 0,
        "has_simulated_inputs": False,
        "as_of": pd.Timestamp("2025-03-01"),
    }
    return frame.assign(**(own | columns))


def noise(*names, n=40, seed=7):
    random = np.random.default_rng(seed)
    return pd.DataFrame(random.normal(0, 0.01, (n, len(names))), DAYS[:n], list(names))


def test_a_session_that_one_series_lacks_is_left_out_and_nothing_is_lost():
    wide = noise("XLK", "XLU")
    wide.loc[DAYS[5], "XLU"] = np.nan
    vintages = pd.Series(pd.Timestamp("2025-03-01"), DAYS)
    vintages[DAYS[5]] = pd.Timestamp("2025-04-01")
    rows = series(wide, market=pd.Series(np.arange(40.0), DAYS))
    rows["as_of"] = rows["session_date"].map(vintages)
    (held,) = series_sets(rows)
    assert DAYS[5] not in held.returns.index
    assert held.returns["XLK"].sum() == pytest.approx(wide["XLK"].sum(), abs=1e-15)
    assert held.market[DAYS[6]] == 5 + 6
    # What the session rests on is carried along.
    assert held.provenance["as_of"][DAYS[6]] == pd.Timestamp("2025-04-01")
    behind = held.behind(held.returns.index[[5, 12]], 6)
    assert behind["as_of"].tolist() == [pd.Timestamp("2025-04-01"), pd.Timestamp("2025-03-01")]
    assert behind["window_from"].tolist() == [DAYS[0], DAYS[8]]


def test_a_market_that_is_missing_in_a_step_is_missing_over_it():
    market = pd.Series(np.arange(40.0), DAYS)
    market[DAYS[5]] = np.nan
    (held,) = series_sets(series(noise("XLK", "XLU"), market=market))
    assert held.market.isna().sum() == 1


def test_simulated_rows_mark_the_windows_that_hold_them():
    rows = series(noise("XLK", "XLU"))
    rows["has_simulated_inputs"] = rows["session_date"] == DAYS[10]
    (held,) = series_sets(rows)
    marked = held.behind(DAYS[[9, 10, 14, 15]], 5)["has_simulated_inputs"]
    assert marked.tolist() == [False, True, True, False]


def test_sets_are_held_apart():
    both = pd.concat([series(noise("XLK", "XLU")), series(noise("US", "JP"), "regions")])
    assert [each.name for each in series_sets(both)] == ["US sector funds", "regions"]


def test_a_late_series_leaves_the_windows_that_begin_before_it():
    wide = noise("XLK", "XLU", "XLC")
    wide.loc[: DAYS[19], "XLC"] = np.nan
    (held,) = series_sets(series(wide))
    assert [(list(each.columns), len(each)) for each in held.complete(10)] == [
        (["XLK", "XLU"], 29),
        (["XLC", "XLK", "XLU"], 20),
    ]
    _, row = omitted_series(series(wide), (10,)).sort_values("session_date").to_dict("records")
    assert (row["series_name"], row["reason"]) == ("XLC", "late")
    assert (row["session_date"], row["last_session_date"]) == (DAYS[9], DAYS[28])
    assert (row["n_windows"], row["detail"]) == (20, "0 of 10 returns")


def test_every_reason_is_told():
    wide = noise("a", "constant", "ended", "moves")
    wide["constant"] = 0.0
    wide.loc[DAYS[20] :, "ended"] = np.nan
    found = omitted_series(series(wide), (15,)).set_index("series_name")
    assert found["reason"].to_dict() == {
        "": "too_few_rows",
        "constant": "constant",
        "ended": "ended",
    }
    # Ten sessions are waited for before the others go on without it.
    assert found.loc["ended", "session_date"] == DAYS[29]
    assert found.loc["constant", "n_windows"] == len(held_rows(wide)) - 14


def held_rows(wide):
    (held,) = series_sets(series(wide))
    return held.returns


def test_a_set_with_too_few_rows_or_series_is_told_with_its_figures():
    short = omitted_series(series(noise("XLK", "XLU", n=8)), (10,)).iloc[0]
    assert (short["series_name"], short["reason"]) == ("", "too_few_rows")
    assert short["detail"] == "8 common sessions, the first window needs 10"
    alone = omitted_series(series(noise("XLK")), (10,)).iloc[1]
    assert (alone["reason"], alone["detail"]) == ("too_few_series", "1 complete series")


def test_a_series_that_follows_from_the_others_leaves_its_windows_out_with_a_reason():
    wide = noise("XLK", "XLU", "XLC").assign(sum=lambda each: each["XLK"] + each["XLU"])
    _, row = omitted_series(series(wide), (10,)).sort_values("session_date").to_dict("records")
    assert (row["reason"], row["n_windows"]) == ("dependent", 31)
    assert "linear combination" in row["detail"]
    (held,) = series_sets(series(wide))
    assert not list(held.complete(10))


def test_windows_without_a_market_are_told():
    market = pd.Series(np.arange(40.0), DAYS)
    market[DAYS[5]] = np.nan
    told = omitted_series(series(noise("XLK", "XLU"), market=market), (10,))
    row = told[told["reason"] == "no_market"].iloc[0]
    assert (row["session_date"], row["last_session_date"]) == (DAYS[9], DAYS[14])
    assert row["detail"] == "the market is missing in 1 of 10 sessions"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 39), st.integers(0, 2)), max_size=25, unique=True),
    st.integers(15, 39),
)
def test_every_window_has_each_series_or_says_why_it_lacks_it(gaps, cut):
    wide = noise("XLK", "XLU", "XLC")
    for row, column in gaps:
        wide.iloc[row, column] = np.nan
    (held,) = series_sets(series(wide))
    in_windows = sum(
        len(part.columns) * (len(part) - 9) for part in held.complete(10) if len(part) >= 10
    )
    told = omitted_series(series(wide), (10,))
    told = told[told["series_name"] != ""]["n_windows"].sum()
    n_windows = max(len(held.returns) - 9, 0)
    never = 3 - held.returns.shape[1]
    assert told <= n_windows * 3
    if held.returns.notna().all(axis=None):
        assert in_windows + told == n_windows * (3 - never)
    # Truncating the future changes no return and no window that ended before.
    earlier = wide.iloc[:cut].dropna(axis=1, how="all")
    if earlier.notna().any(axis=None):
        (before,) = series_sets(series(earlier))
        shared = before.returns.index
        now = held.returns.loc[shared, before.returns.columns]
        assert now.equals(before.returns)
