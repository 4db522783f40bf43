"""Paths of cumulative abnormal returns: against least squares and the exact covariance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from selloff.car_paths import car_paths
from selloff.paths import PathWindow, car_path
from selloff.returns import MarketModel
from warehouse.tables.instruments import INSTRUMENTS
from warehouse.tables.losses import CAR_PATHS
from warehouse.tables.returns import ABNORMAL_RETURNS
from warehouse.tables.selloffs import SELLOFF_EVENTS, SELLOFF_METRICS

MODEL = MarketModel(first=40, last=6, minimum=20)
WINDOW = PathWindow(before=3, after=8)
EVENT = 60


def walk(seed, count=80, missing=()):
    random = np.random.default_rng(seed)
    x = random.normal(0, 0.01, count)
    y = 0.001 + 1.4 * x + random.normal(0, 0.02, count)
    y[list(missing)] = np.nan
    return y, x


def textbook(y, x, event=EVENT):
    """Return days, cumulative abnormal returns and their errors by the full covariance matrix."""
    rows = [r for r in range(event - 40, event - 5) if np.isfinite(y[r])]
    design = np.column_stack([np.ones(len(rows)), x[rows]])
    coefficients, _, _, _ = np.linalg.lstsq(design, y[rows], rcond=None)
    residuals = y[rows] - design @ coefficients
    variance = residuals @ residuals / (len(rows) - 2)
    found = {}
    for day in range(-3, 9):
        span = range(event, event + day + 1) if day >= 0 else range(event + day + 1, event)
        span = [r for r in span if np.isfinite(y[r])]
        ahead = np.column_stack([np.ones(len(span)), x[span]])
        total = (y[span] - ahead @ coefficients).sum()
        inner = np.linalg.inv(design.T @ design)
        covariance = variance * (np.eye(len(span)) + ahead @ inner @ ahead.T)
        found[day] = (total if day >= 0 else -total, np.sqrt(covariance.sum()), len(rows) - 2)
    return found


@pytest.mark.parametrize("missing", [(), (30, 45), (62, 63), (58,)])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_path_and_its_bands_are_those_of_the_textbook(seed, missing):
    y, x = walk(seed, missing=missing)
    path, expected = car_path(y, x, EVENT, MODEL, WINDOW), textbook(y, x)
    assert path.days.tolist() == list(expected)
    totals, errors, freedom = zip(*expected.values(), strict=True)
    np.testing.assert_allclose(path.car, totals, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(path.standard_error, errors, rtol=1e-9, atol=1e-14)
    half = stats.t.ppf(0.975, freedom[0]) * np.array(errors)
    np.testing.assert_allclose(path.high - path.car, half, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(path.car - path.low, half, rtol=1e-9, atol=1e-14)
    assert np.isnan(path.abnormal[[day in missing for day in EVENT + path.days]]).all()


def test_a_path_starts_at_the_close_before_the_event():
    path = car_path(*walk(3), EVENT, MODEL, WINDOW)
    before = path.days.tolist().index(-1)
    assert (path.car[before], path.standard_error[before]) == (0, 0)
    assert path.car[before + 1] == path.abnormal[before + 1]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 7), st.floats(0.1, 10))
def test_the_future_changes_no_day_of_a_path_and_the_scale_only_scales(seed, cut, scale):
    y, x = walk(seed)
    whole = car_path(y, x, EVENT, MODEL, WINDOW)
    known = slice(None, EVENT + cut + 1)
    part = car_path(y[known], x[known], EVENT, MODEL, WINDOW)
    for name in ("days", "car", "standard_error"):
        assert getattr(part, name).tolist() == getattr(whole, name)[: len(part.days)].tolist()
    scaled = car_path(y * scale, x, EVENT, MODEL, WINDOW)
    np.testing.assert_allclose(scaled.car, whole.car * scale, rtol=1e-9, atol=1e-12)


def test_what_cannot_be_estimated_has_no_path():
    y, x = walk(4)
    assert car_path(y, x, 20, MODEL) is None  # 15 rows, not 20
    assert car_path(y, np.full(80, 0.001), EVENT, MODEL) is None
    halted = y.copy()
    halted[EVENT] = np.nan
    assert car_path(halted, x, EVENT, MODEL) is None
    assert car_path(np.full(80, np.nan), x, EVENT, MODEL) is None


def test_a_copy_of_the_market_has_a_path_without_width():
    _, x = walk(5)
    path = car_path(x, x, EVENT, MODEL)
    assert np.abs(path.car).max() < 1e-15
    assert set(path.standard_error) == {0.0}


@pytest.mark.parametrize("wrong", [{"before": -1}, {"after": -1}, {"most": -1}, {"level": 1.0}])
def test_a_window_counts_days_and_listings(wrong):
    with pytest.raises(ValueError, match="days and listings are counted"):
        PathWindow(**wrong)


@pytest.fixture(scope="module")
def follow(bench, make):
    """Return the paths of one event of listings of two sectors, given their returns."""

    def run(returns, x, window=WINDOW, until=None):
        days = make.days(len(x))[:until]
        names = list(returns)
        panel = pd.concat(
            [
                pd.DataFrame(
                    {
                        "ticker": name,
                        "session_date": days,
                        "log_return": returns[name][:until],
                        "market_log_return": x[:until],
                    }
                )
                for name in names
            ]
        ).dropna()
        event = {"event_id": "e", "session_date": days[EVENT], "last_session_date": days[EVENT]}
        more = {"started_at": days[EVENT], "n_falling": 0, "n_listings": 0, "severity": 1.0}
        rows = pd.DataFrame({"ticker": names}).assign(
            event_id="e", session_date=days[EVENT], close=1.0, drawdown=0.0
        )
        rows["market_value_lost_usd"] = [float(n) for n in range(len(names), 0, -1)]
        listed = make.listings(*names, sector=["Chips" if n < "C" else "Power" for n in names])
        found = car_paths(
            bench.put(SELLOFF_EVENTS, pd.DataFrame([{**event, **more}])),
            bench.put(SELLOFF_METRICS, rows),
            bench.put(ABNORMAL_RETURNS, panel),
            bench.put(INSTRUMENTS, listed),
            MODEL,
            window,
        )
        return bench.hold(CAR_PATHS, found)

    return run


def of(found, grouping, name):
    rows = found[(found["grouping"] == grouping) & (found["group_name"] == name)]
    return rows.sort_values("day", ignore_index=True)


def some(*seeds):
    _, x = walk(0)
    names = "ABCDEFGH"
    random = [np.random.default_rng(seed) for seed in seeds]
    return {
        name: (0.5 + n) * x + one.normal(0, 0.02, len(x))
        for n, (name, one) in enumerate(zip(names, random, strict=False))
    }, x


def test_a_portfolio_falls_by_the_mean_of_its_members(follow):
    returns, x = some(1, 2, 3, 4)
    found = follow(returns, x)
    for grouping, name, inside in (
        ("sector", "Chips", "AB"),
        ("sector", "Power", "CD"),
        ("region", "US", "ABCD"),
        ("all", "all", "ABCD"),
    ):
        rows = of(found, grouping, name)
        members = [of(found, "listing", f"X:{one}") for one in inside]
        for figure in ("abnormal_return", "cumulative_abnormal_return"):
            mean = np.mean([one[figure] for one in members], axis=0)
            np.testing.assert_allclose(rows[figure], mean, rtol=1e-9, atol=1e-14)
        assert set(rows["n_listings"]) == {len(inside)}
        assert set(rows["method"]) == {"portfolio"}


def test_members_that_move_together_do_not_narrow_the_band(follow):
    returns, x = some(1)
    twins = dict.fromkeys("ABCD", returns["A"])
    found = follow(twins, x)
    alone, together = of(found, "listing", "X:A"), of(found, "region", "US")
    np.testing.assert_allclose(together["standard_error"], alone["standard_error"], rtol=1e-9)


def test_only_the_listings_that_lost_most_have_paths_of_their_own(follow):
    returns, x = some(1, 2, 3)
    found = follow(returns, x, PathWindow(before=1, after=1, most=2))
    listings = found[found["grouping"] == "listing"]
    assert sorted(set(listings["group_name"])) == ["X:A", "X:B"]
    assert set(found["day"]) == {-1, 0, 1}


def test_days_that_have_not_come_have_no_row_and_change_nothing(follow):
    returns, x = some(1, 2)
    whole, part = follow(returns, x), follow(returns, x, until=EVENT + 3)
    assert set(part["day"]) == set(range(-3, 3))
    kept = whole[whole["day"] <= 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, kept, rtol=1e-12)


def test_a_day_on_which_few_members_trade_is_none_of_the_portfolio(follow, make):
    returns, x = some(1, 2, 3)
    for name in "AB":
        returns[name][EVENT + 1] = np.nan
    region = of(follow(returns, x), "region", "US")
    assert make.days(80)[EVENT + 1] not in set(region["session_date"])
    assert region["day"].tolist() == list(range(-3, 9))


def test_an_event_that_nothing_can_be_estimated_for_is_an_empty_table(follow):
    still = {"A": np.full(80, 0.01), "B": np.full(80, 0.02)}
    assert follow(still, np.zeros(80)).empty


def test_an_event_of_a_market_without_equities_has_no_path(bench):
    event = {"event_id": "e", "session_date": "2025-01-27", "last_session_date": "2025-01-27"}
    event |= {"started_at": "2025-01-24", "n_falling": 0, "n_listings": 0, "severity": 1.0}
    found = car_paths(
        bench.put(SELLOFF_EVENTS, pd.DataFrame([event])),
        *(bench.empty(each) for each in (SELLOFF_METRICS, ABNORMAL_RETURNS, INSTRUMENTS)),
    )
    assert bench.hold(CAR_PATHS, found).empty
