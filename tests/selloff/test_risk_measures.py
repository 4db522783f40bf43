"""The measures of a panel: each listing's own, whatever stands beside it and comes after."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selloff import history, volatility
from selloff import range_volatility as ranges
from selloff import risk_measures as module
from selloff._ibis import fetched
from selloff.risk_measures import Windows, risk_measures
from warehouse.tables.drawdowns import RISK_MEASURES
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.returns import ABNORMAL_RETURNS

SMALL = Windows(5, 20, minimum_returns=10, minimum_falls=5, burn_in=8)
PRICES = ["open", "high", "low", "close"]
MEASURES = list(module._MEASURES)


def candles(make, ticker, count, seed, **columns):
    random = np.random.default_rng(seed)
    closes = 50 * np.exp(np.cumsum(random.normal(0, 0.02, count)))
    opens = closes * np.exp(random.normal(0, 0.01, count))
    highs = np.maximum(opens, closes) * np.exp(np.abs(random.normal(0, 0.01, count)))
    lows = np.minimum(opens, closes) * np.exp(-np.abs(random.normal(0, 0.01, count)))
    prices = {"open": opens, "high": highs, "low": lows}
    return make.bars(ticker, closes, **{**prices, **columns})


def returns_of(bars, seed=9):
    """Return the bars' returns, and those of a market, as ``core.abnormal_returns`` has them."""
    market = np.random.default_rng(seed).normal(0, 0.01, len(bars))
    logs = np.log(bars["close"]).groupby(bars["ticker"]).diff()
    return bars[["ticker", "session_date"]].assign(log_return=logs, market_log_return=market)


@pytest.fixture
def measure(bench):
    """Return the measures of these bars, stored by contract."""

    def run(bars, returns=None, first=None, windows=SMALL):
        known = returns_of(bars) if returns is None else returns
        reader = risk_measures(
            bench.put(DAILY_PRICES, bars), bench.put(ABNORMAL_RETURNS, known), first, windows
        )
        return bench.hold(RISK_MEASURES, reader.read_all().to_pandas(date_as_object=False))

    return run


def test_they_are_those_of_the_plain_arrays(measure, make):
    bars = candles(make, "A", 60, 1)
    returns = returns_of(bars)
    found = measure(bars, returns)
    o, h, low, c = (bars[name].to_numpy() for name in PRICES)
    r, x = (returns[name].to_numpy() for name in ("log_return", "market_log_return"))
    sigma = volatility.ewma_volatility(r)
    expected = {
        "overnight_log_return": ranges.overnight_returns(o, c),
        "intraday_log_return": ranges.intraday_returns(o, c),
        "close_volatility": ranges.close_volatility(r, 5),
        "parkinson_volatility": ranges.parkinson_volatility(h, low, 5),
        "garman_klass_volatility": ranges.garman_klass_volatility(o, h, low, c, 5),
        "rogers_satchell_volatility": ranges.rogers_satchell_volatility(o, h, low, c, 5),
        "garman_klass_yang_zhang_volatility": ranges.garman_klass_yang_zhang_volatility(
            o, h, low, c, 5
        ),
        "yang_zhang_volatility": ranges.yang_zhang_volatility(o, h, low, c, 5),
        "ewma_sigma": np.append(np.nan, sigma[:-1]),
        "extreme_move_z": volatility.extreme_move_z(r, burn_in=8),
        "robust_z": volatility.robust_z(r, 20, 10),
        "downside_beta": volatility.downside_beta(r, x, 20, 5),
    }
    assert list(expected) == MEASURES
    for name, values in expected.items():
        assert np.array_equal(found[name], values, equal_nan=True), name
        assert np.isfinite(values).sum() > 30, name
    assert found["drawdown"].tolist() == (c / np.maximum.accumulate(c) - 1).tolist()


def test_gap_and_day_make_the_whole_move(measure, make):
    bars = candles(make, "A", 10, 2)
    found = measure(bars)
    whole = found["overnight_log_return"] + found["intraday_log_return"]
    expected = np.diff(np.log(bars["close"]))
    assert whole[1:].tolist() == pytest.approx(expected, rel=1e-10)


def test_closes_alone_have_no_range_figures_but_all_others(measure, make):
    bars = candles(make, "A", 60, 3).drop(columns=["open", "high", "low"])
    found = measure(bars)
    ranged = [name for name in MEASURES if name.endswith("volatility")][1:]
    nothing = found[["overnight_log_return", "intraday_log_return", *ranged]]
    assert nothing.isna().all(axis=None)
    others = ["close_volatility", "ewma_sigma", "extreme_move_z", "robust_z", "downside_beta"]
    assert found.loc[30:, others].notna().all(axis=None)


@pytest.mark.parametrize("cells", [1, 100, 10_000])
def test_a_listing_is_measured_alike_alone_and_in_company(measure, make, monkeypatch, cells):
    lengths = {"A": 60, "B": 1, "C": 2, "D": 35, "E": 60}
    bars = [candles(make, name, n, seed) for seed, (name, n) in enumerate(lengths.items())]
    returns = [returns_of(each, seed) for seed, each in enumerate(bars)]
    monkeypatch.setattr(module, "CHUNK_CELLS", cells)
    together = measure(
        pd.concat(reversed(bars), ignore_index=True), pd.concat(returns, ignore_index=True)
    )
    for own, known in zip(bars, returns, strict=True):
        alone = measure(own, known)
        company = together[together["ticker"] == own["ticker"][0]].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, company)


def test_many_listings_are_asked_for_in_parts_and_none_is_lost(measure, make, monkeypatch):
    bars = [candles(make, f"L{n}", 12, n) for n in range(12)]
    whole = pd.concat(bars, ignore_index=True)
    expected = measure(whole)
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 40)
    pd.testing.assert_frame_equal(measure(whole), expected)
    assert len(expected) == 144


def test_frames_of_single_listings_have_the_measures_of_all(bench, measure, make):
    rows = pd.concat([candles(make, name, 60, seed) for seed, name in enumerate("ABC")])
    tables = bench.put(DAILY_PRICES, rows), bench.put(ABNORMAL_RETURNS, returns_of(rows))
    first = make.days(60)[40].date()
    known = fetched(module.bars(*tables, first, SMALL)).sample(frac=1, random_state=1)
    parts = [module.of_bars(part, first, SMALL) for _, part in known.groupby("listing_id")]
    found = bench.hold(RISK_MEASURES, pd.concat(parts))
    pd.testing.assert_frame_equal(found, measure(rows, first=first))
    assert len(found) == 60


def test_a_late_slice_equals_the_whole(measure, make):
    bars = pd.concat([candles(make, "A", 90, 4), candles(make, "B", 40, 5)], ignore_index=True)
    whole = measure(bars)
    day = make.days(70)[-1]
    part = measure(bars, first=day.date())
    expected = whole[whole["session_date"] >= day].reset_index(drop=True)
    assert len(expected) == 21
    pd.testing.assert_frame_equal(part, expected, rtol=1e-12)


def test_a_late_slice_forgets_no_more_than_rounding(measure, make):
    # A crash of 90% is the worst that an EWMA can have to forget.
    count = module.EWMA_ROWS + 60
    returns = np.random.default_rng(6).normal(0, 0.01, count)
    returns[10] = -2.3
    bars = make.bars("A", 50 * np.exp(np.cumsum(returns)))
    whole = measure(bars).iloc[-5:].reset_index(drop=True)
    part = measure(bars, first=make.days(count)[-5].date())
    pd.testing.assert_frame_equal(part, whole, rtol=1e-12)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), cut=st.integers(0, 89))
def test_late_slices_of_any_market_equal_the_whole(measure, make, monkeypatch, seed, cut):
    # So few rows and days behind that halted listings are looked for further back.
    monkeypatch.setattr(module, "EWMA_ROWS", 24)
    monkeypatch.setattr(module, "LATE_ROWS", 200)
    monkeypatch.setattr(module, "LISTINGS_AT_ONCE", 3)
    monkeypatch.setattr(history, "CLOSED_DAYS", 2)
    random, days = np.random.default_rng(seed), make.days(90)
    bars, returns = (pd.concat(each) for each in zip(*market(make, random), strict=True))
    windows = Windows(5, 20, 10, 5, decay=0.2, burn_in=4)
    whole = measure(bars, returns, None, windows)
    expected = whole[whole["session_date"] >= days[cut]].reset_index(drop=True)
    found = measure(bars, returns, days[cut].date(), windows)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-12, atol=1e-13)


def market(make, random):
    """Return bars and returns of listings that begin late, end early, or are halted for weeks."""
    flags = np.array(["", "", "", "", "", "", "", "stale", "unapplied_split"])
    for number in range(5):
        bars = candles(make, f"L{number}", 90, random.integers(2**32))
        bars["quality_flags"] = random.choice(flags, 90) if number % 2 else ""
        bars["n_quarantined"] = random.integers(0, 2, 90)
        bars["is_simulated"] = random.random(90) < 0.02
        bars["as_of"] = pd.Timestamp("2025-01-01") + pd.to_timedelta(
            random.integers(0, 99, 90), "D"
        )
        begin, end = np.sort(random.integers(0, 91, 2))
        place = np.arange(90)
        kept = [place >= begin, place < end, (place < begin) | (place >= end), place % 4 == 1]
        bars = bars[kept[random.integers(4)] & (random.random(90) < 0.95)].reset_index(drop=True)
        returns = returns_of(bars, number).assign(has_simulated_inputs=bars["is_simulated"])
        returns["as_of"] = bars["as_of"] + pd.Timedelta("1D")
        yield bars, returns[random.random(len(bars)) < 0.97]


def test_nothing_is_measured_across_a_change_of_basis(measure, make):
    bars = candles(make, "A", 60, 7)
    cut = 40
    bars.loc[cut:, PRICES] /= 10
    bars["quality_flags"] = ["unapplied_split" if row == cut else "" for row in range(60)]
    found = measure(bars)
    assert pd.isna(found.loc[cut, "overnight_log_return"])
    assert found.loc[cut, "intraday_log_return"] == pytest.approx(
        np.log(bars["close"][cut] / bars["open"][cut]), rel=1e-12
    )
    assert found.loc[cut, ["extreme_move_z", "robust_z"]].isna().all()
    missing = {
        name: found.index[found[name].isna()].tolist()[-1]
        for name in ("close_volatility", "yang_zhang_volatility", "garman_klass_volatility")
    }
    # Four returns and five gaps look across; the bars' own prices agree with one another.
    assert missing == {
        "close_volatility": cut + 3,
        "yang_zhang_volatility": cut + 4,
        "garman_klass_volatility": 3,
    }
    assert found["extreme_move_z"].abs().max() < 6
    assert found["ewma_sigma"].max() < 0.05
    assert found.loc[cut, "drawdown"] == 0


def test_what_a_row_rests_on_is_counted_over_its_bars(measure, make):
    bars = candles(make, "A", 12, 8)
    bars["quality_flags"] = ["stale" if row == 3 else "" for row in range(12)]
    bars["n_quarantined"] = [2 * (row == 4) for row in range(12)]
    bars["is_simulated"] = [row == 5 for row in range(12)]
    early, late, model = (pd.Timestamp(f"2025-0{n}-01") for n in (1, 2, 3))
    bars["as_of"] = [late if row == 6 else early for row in range(12)]
    returns = returns_of(bars)
    returns["as_of"] = [model if row == 7 else early for row in range(12)]
    returns["has_simulated_inputs"] = [row == 2 for row in range(12)]
    found = measure(bars, returns)
    assert found.index[found["n_flagged"] == 1].tolist() == [3, 4, 5, 6, 7]
    assert found.index[found["n_quarantined"] == 2].tolist() == [4, 5, 6, 7, 8]
    assert found.index[found["has_simulated_inputs"]].tolist() == [2, *range(5, 12)]
    assert found["as_of"].tolist() == [early] * 6 + [late, model] + [late] * 4


def test_no_bars_have_no_measures(measure, make):
    empty = make.bars("A", []).assign(ticker=pd.Series(dtype=str))
    assert len(measure(empty, returns_of(empty))) == 0


def test_a_missing_close_is_survived_where_no_contract_stood_in_its_way(bench, make):
    bars = candles(make, "A", 40, 10)
    bars.loc[20, "close"] = np.nan
    bars.loc[22, "close"] = 0.0
    known = returns_of(bars.assign(close=bars["close"].replace(0.0, np.nan)))
    found = risk_measures(
        bench.put(DAILY_PRICES, bars, strict=False),
        bench.put(ABNORMAL_RETURNS, known),
        windows=SMALL,
    )
    frame = found.read_all().to_pandas()
    assert len(frame) == 40
    assert np.isinf(frame[MEASURES].to_numpy(float)).sum() == 0
    assert pd.isna(frame["drawdown"][20])
    assert frame["drawdown"][22] == -1


@pytest.mark.parametrize(
    "windows", [{"range_rows": 2}, {"minimum_falls": 1}, {"minimum_returns": 2}]
)
def test_windows_without_a_spread_are_refused(windows):
    with pytest.raises(ValueError, match="three rows"):
        Windows(**windows)
