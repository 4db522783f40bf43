"""Rolling tails from rows of `core.contagion_series`, against plain numpy on single windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from selloff import systemic_risk as subject
from selloff.systemic_risk import systemic_risk
from tests.selloff.contagion_rows import DAYS, moving, rows_of, same, swing
from warehouse.tables.connectedness import SYSTEMIC_RISK

WINDOW, N = 60, 120
FIRST, LAST = DAYS[0], DAYS[N - 1]
KEYS = list(SYSTEMIC_RISK.grain)
OF_SERIES = {
    "beta",
    "delta_covar",
    "downside_beta",
    "exposure_delta_covar",
    "long_run_loss",
    "long_run_marginal_expected_shortfall",
    "marginal_expected_shortfall",
    "value_at_risk",
}
OF_SET = {
    "absorption_ratio",
    "absorption_shift",
    "correlation_surprise",
    "magnitude_surprise",
    "turbulence",
}


@pytest.fixture(autouse=True, scope="module")
def _small_windows():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subject, "WINDOW", WINDOW)
        yield


@pytest.fixture(scope="module")
def wide():
    return moving("XLE", "XLF", "XLK", "XLU", n=N)


@pytest.fixture(scope="module")
def market(wide):
    return wide.mean(axis=1) + 0.002 * swing(wide)


@pytest.fixture(scope="module")
def measured(wide):
    return systemic_risk(rows_of(wide, market_value_usd={"XLK": 3e12, "XLF": 2e12}), FIRST, LAST)


@pytest.fixture(scope="module", params=[WINDOW - 1, 83, N - 1])
def end(request):
    return request.param


@pytest.fixture(scope="module")
def window(wide, market, end):
    """The rows of one window: its series, and the market."""
    rows = slice(end - WINDOW + 1, end + 1)
    return wide.iloc[rows], market.iloc[rows].to_numpy()


@pytest.fixture(scope="module")
def value(measured, end):
    """Look up what the table says of a series at the end of that window."""
    found = measured[measured["session_date"] == DAYS[end]]
    found = found.set_index(["measure", "series_name"])

    def of(measure, name="", column="value"):
        return found.loc[(measure, name), column]

    return of


def test_the_rows_are_those_of_the_contract(bench, measured):
    held = bench.hold(SYSTEMIC_RISK, measured)
    assert set(held["measure"]) >= OF_SERIES | OF_SET
    one = held[held["measure"].isin(OF_SERIES)].groupby("measure")["series_name"].nunique()
    assert set(one.drop("long_run_loss")) == {4}
    assert set(held.loc[held["measure"].isin(OF_SET), "series_name"]) == {""}


def test_betas_are_slopes_of_straight_lines(window, value):
    returns, market = window
    falls = market < market.mean()
    for name, own in returns.items():
        slope, _ = np.polyfit(market, own, 1)
        assert value("beta", name) == pytest.approx(slope, abs=1e-12)
        slope, _ = np.polyfit(market[falls], own[falls], 1)
        assert value("downside_beta", name) == pytest.approx(slope, abs=1e-12)
        assert value("downside_beta", name, "n_observations") == falls.sum()


def test_the_shortfall_is_the_mean_over_the_markets_worst_sessions(window, value):
    returns, market = window
    # Type 7: with 60 rows the quantile lies above the third of the ordered rows, and n is 3.
    worst = np.argsort(market)[:3]
    for name, own in returns.items():
        assert value("marginal_expected_shortfall", name) == pytest.approx(own.iloc[worst].mean())
        error = own.iloc[worst].std() / np.sqrt(3)
        found = value("marginal_expected_shortfall", name, "value_standard_error")
        assert found == pytest.approx(error)
        assert value("marginal_expected_shortfall", name, "n_observations") == 3
        ordered = np.sort(own)
        at = 0.05 * (WINDOW - 1)
        low = ordered[2] + (at - 2) * (ordered[3] - ordered[2])
        assert value("value_at_risk", name) == pytest.approx(low, abs=1e-15)


def slope_of_quantile(y, x, quantile):
    """Return the slope of the quantile regression as a linear programme finds it."""
    n = len(y)
    costs = np.concatenate([[0, 0], np.full(n, quantile), np.full(n, 1 - quantile)])
    fits = np.hstack([np.ones((n, 1)), x[:, None], np.eye(n), -np.eye(n)])
    bounds = [(None, None)] * 2 + [(0, None)] * (2 * n)
    return linprog(costs, A_eq=fits, b_eq=y, bounds=bounds).x[1]


def test_delta_covar_is_the_slope_of_a_linear_programme_times_the_fall(window, value):
    returns, market = window
    own = returns["XLK"].to_numpy()
    fall = np.quantile(own, 0.05) - np.median(own)
    found = value("delta_covar", "XLK")
    assert found == pytest.approx(slope_of_quantile(market, own, 0.05) * fall, abs=1e-9)
    fall = np.quantile(market, 0.05) - np.median(market)
    found = value("exposure_delta_covar", "XLK")
    assert found == pytest.approx(slope_of_quantile(own, market, 0.05) * fall, abs=1e-9)


def test_long_run_losses_follow_from_beta_and_are_positive(value, measured):
    for name, worth in (("XLK", 3e12), ("XLF", 2e12)):
        share = 1 - 0.6 ** value("beta", name)
        found = value("long_run_marginal_expected_shortfall", name)
        assert found == pytest.approx(share, abs=1e-14)
        assert value("long_run_loss", name) == pytest.approx(share * worth)
    assert set(measured.loc[measured["measure"] == "long_run_loss", "series_name"]) == {
        "XLF",
        "XLK",
    }
    assert set(measured.loc[measured["horizon"] > 0, "horizon"]) == {126}


def test_the_absorption_ratio_is_the_share_of_the_largest_eigenvalue(window, value):
    returns, _ = window
    spectrum = np.linalg.eigvalsh(np.cov(returns.T))
    assert value("absorption_ratio") == pytest.approx(spectrum[-1] / spectrum.sum(), abs=1e-13)


def test_turbulence_is_the_distance_from_the_window_before_the_session(wide, end, value):
    if end < WINDOW:
        with pytest.raises(KeyError):
            value("turbulence")
        return
    before, own = wide.iloc[end - WINDOW : end], wide.iloc[end]
    away = (own - before.mean()).to_numpy()
    spread = np.cov(before.T)
    distance = away @ np.linalg.solve(spread, away)
    alone = away @ (away / np.diag(spread))
    assert value("turbulence") == pytest.approx(distance / 4, rel=1e-11)
    assert value("magnitude_surprise") == pytest.approx(alone / 4, rel=1e-11)
    assert value("correlation_surprise") == pytest.approx(distance / alone, rel=1e-11)


def test_the_shift_is_the_recent_mean_in_deviations_of_a_year():
    wide = moving("XLF", "XLK", "XLU", n=WINDOW + 260)
    rows, last = rows_of(wide), DAYS[WINDOW + 259]
    found = systemic_risk(rows, FIRST, last)
    of_set = found[found["measure"].str.startswith("absorption")]
    table = of_set.pivot_table(index="session_date", columns="measure", values="value")
    ratio = table["absorption_ratio"].to_numpy()
    shift = table["absorption_shift"].to_numpy()
    assert np.isnan(shift[:251]).all()
    expected = (ratio[-15:].mean() - ratio[-252:].mean()) / ratio[-252:].std(ddof=1)
    assert shift[-1] == pytest.approx(expected, rel=1e-10)
    for day in (last, DAYS[WINDOW + 250]):
        same(systemic_risk(rows, day, day), found[found["session_date"] == day], KEYS)


def measures_of(found):
    return set(found["measure"])


def test_without_a_market_only_what_the_set_does_is_measured(wide):
    found = systemic_risk(rows_of(wide, market_log_return=np.nan), FIRST, LAST)
    assert measures_of(found) >= OF_SET
    assert not measures_of(found) & OF_SERIES
    found = systemic_risk(rows_of(wide, market_log_return=None), FIRST, LAST)
    assert not measures_of(found) & OF_SERIES


def test_without_market_values_no_loss_in_usd_is_told(wide):
    found = systemic_risk(rows_of(wide, market_value_usd=np.nan), FIRST, LAST)
    assert measures_of(found) >= (OF_SERIES | OF_SET) - {"long_run_loss"}
    assert "long_run_loss" not in measures_of(found)


@pytest.mark.parametrize("gap", [None, 0.0])
def test_a_market_that_is_missing_or_still_for_a_while_costs_the_windows_that_hold_it(
    wide, market, gap
):
    spoilt = market.copy()
    length = 1 if gap is None else WINDOW
    spoilt[DAYS[30 : 30 + length]] = np.nan if gap is None else gap
    found = systemic_risk(rows_of(wide, market_log_return=spoilt), FIRST, LAST)
    betas = set(found.loc[found["measure"] == "beta", "session_date"])
    if gap is None:
        assert betas == set(DAYS[30 + WINDOW : N])
    else:
        assert betas == set(DAYS[WINDOW - 1 : N]) - {DAYS[30 + WINDOW - 1]}
    whole = found.loc[found["measure"] == "absorption_ratio", "session_date"]
    assert set(whole) == set(DAYS[WINDOW - 1 : N])


def test_series_measures_have_the_sign_of_returns_and_their_units(measured):
    lowest = measured[measured["measure"].isin({"value_at_risk", "marginal_expected_shortfall"})]
    assert (lowest["value"] < 0).all()
    units = measured.groupby("measure")["unit"].unique().str.join(" ")
    assert units["delta_covar"] == "log points"
    assert units["long_run_loss"] == "USD"
    assert (measured["quantile"].dropna() == subject.QUANTILE).all()


def test_industries_and_sets_of_one_series_are_not_measured(bench, wide):
    for rows in (rows_of(wide, level="industry"), rows_of(wide[["XLK"]]), rows_of(wide).iloc[:0]):
        assert bench.hold(SYSTEMIC_RISK, systemic_risk(rows, FIRST, LAST)).empty


def world(gaps, begins, ends, copies, market_gap):
    """Return rows with holes, a late series, one that ends, a copy, and a market that may fail."""
    wide = moving("a", "b", "c", "d", n=N)
    market = wide.mean(axis=1) + 0.002 * swing(wide)
    for row, column in gaps:
        wide.iloc[row, column] = np.nan
    wide.iloc[:begins, 0] = np.nan
    wide.iloc[ends:, 1] = np.nan
    wide.iloc[: copies or 0, 3] = wide.iloc[: copies or 0, 2]
    first, length, level = market_gap
    market.iloc[first : first + length] = level
    return rows_of(wide, market_log_return=market)


WORLDS = st.builds(
    world,
    st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, 3)), max_size=4, unique=True),
    st.integers(0, 40),
    st.integers(80, N),
    st.sampled_from([0, 0, 70]),
    st.tuples(
        st.integers(0, N - 1), st.sampled_from([0, 1, WINDOW]), st.sampled_from([np.nan, 0.0])
    ),
)


@settings(max_examples=15, deadline=None)
@given(WORLDS, st.integers(WINDOW - 5, N - 1), st.integers(0, 20))
def test_any_days_equal_those_of_the_whole_and_nothing_later_counts(rows, last, n_days):
    start, end = DAYS[last - n_days], DAYS[last]
    whole = systemic_risk(rows, FIRST, LAST)
    asked = whole[whole["session_date"].between(start, end)]
    same(systemic_risk(rows, start, end), asked, KEYS)
    known = rows[rows["session_date"] <= end]
    same(systemic_risk(known, FIRST, LAST), whole[whole["session_date"] <= end], KEYS)
    same(systemic_risk(known, end, end), whole[whole["session_date"] == end], KEYS)
