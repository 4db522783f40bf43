from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from selloff.markets import market_returns
from selloff.returns import MarketModel, abnormal_returns
from warehouse.tables.instruments import INSTRUMENTS
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.returns import ABNORMAL_RETURNS, MARKET_RETURNS

REFERENCE = Path(__file__).parents[2] / "../shared/reference/event_study"
SMALL = MarketModel(first=30, last=3, minimum=20)


def levels(closes, days, **columns):
    """Return the market returns of a market that is a ticker."""
    frame = pd.DataFrame(
        {
            "region": "US",
            "session_date": days,
            "market": "SPY",
            "log_level": np.log(np.asarray(closes, dtype=float)),
            "n_flagged": 0,
            "n_quarantined": 0,
            "is_simulated": False,
            "as_of": pd.Timestamp("2025-01-01"),
            **columns,
        }
    )
    return market_returns(frame)


@pytest.fixture
def fit(bench, make):
    """Return the abnormal returns of these bars against these market returns."""

    def run(bars, market, instruments=None, model=SMALL):
        tickers = dict.fromkeys(bars["ticker"])
        listed = make.listings(*tickers) if instruments is None else instruments
        table = abnormal_returns(
            bench.put(DAILY_PRICES, bars),
            bench.put(MARKET_RETURNS, market),
            bench.put(INSTRUMENTS, listed),
            model,
        )
        return bench.hold(ABNORMAL_RETURNS, table)

    return run


@pytest.fixture
def pair(make):
    """Return 60 bars of a listing and the market it follows."""
    random = np.random.default_rng(7)
    market = 400 * np.exp(np.cumsum(random.normal(0, 0.01, 60)))
    closes = 50 * (market / 400) ** 1.4 * np.exp(np.cumsum(random.normal(0, 0.02, 60)))
    volume = random.integers(1_000, 9_000, 60).astype(float)
    return make.bars("A", closes, volume=volume), levels(market, make.days(60))


def ordinary_least_squares(y, x):
    """Return alpha, beta, sigma, and the design's inverse, by the normal equations' QR."""
    design = np.column_stack([np.ones(len(x)), x])
    solution, _, _, _ = np.linalg.lstsq(design, y, rcond=None)
    residual = y - design @ solution
    sigma = np.sqrt(residual @ residual / (len(x) - 2))
    return *solution, sigma, np.linalg.inv(design.T @ design)


def test_it_is_plain_least_squares_on_the_rows_before(fit, pair):
    bars, market = pair
    found = fit(bars, market)
    y = np.append(np.nan, np.diff(np.log(bars["close"])))
    x = np.append(np.nan, np.diff(market["log_level"]))
    for row in range(34, 60):
        rows = slice(row - 30, row - 2)
        alpha, beta, sigma, inverse = ordinary_least_squares(y[rows], x[rows])
        abnormal = y[row] - alpha - beta * x[row]
        point = np.array([1, x[row]])
        z = abnormal / (sigma * np.sqrt(1 + point @ inverse @ point))
        got = found.loc[row, ["alpha", "beta", "residual_sigma", "abnormal_return", "abnormal_z"]]
        assert got.tolist() == pytest.approx([alpha, beta, sigma, abnormal, z], rel=1e-10)
        assert found.loc[row, "n_estimation"] == 28


def test_volume_is_held_against_its_own_rows_before(fit, pair):
    bars, market = pair
    found = fit(bars, market)
    v = np.log1p(bars["volume"].to_numpy())
    for row in (34, 47, 59):
        before = v[row - 30 : row - 2]
        expected = (v[row] - before.mean()) / (before.std(ddof=1) * np.sqrt(1 + 1 / 28))
        assert found.loc[row, "abnormal_volume_z"] == pytest.approx(expected, rel=1e-10)


def test_a_split_that_becomes_known_moves_no_volume_that_was_judged_before_it(fit, pair):
    bars, market = pair
    bars.loc[[40, 50], "volume"] = 0.0
    prices = bars["close"] / 7
    rebased = bars.assign(close=prices, volume=bars["volume"] * 7, split_ratio_after=7.0)
    one, other = (fit(each, market)["abnormal_volume_z"] for each in (bars, rebased))
    assert one.notna().sum() > 20
    np.testing.assert_allclose(other, one, rtol=1e-12)


def test_a_volume_that_never_changes_is_not_abnormal_after_a_split(fit, pair):
    bars, market = pair
    ratio = np.where(np.arange(60) < 30, 7.0, 1.0)
    found = fit(bars.assign(volume=1e5, split_ratio_after=ratio), market)
    assert found["abnormal_volume_z"].isna().all()


def test_a_first_bar_without_a_volume_takes_none_away_from_the_others(fit, pair):
    bars, market = pair
    whole = fit(bars, market)["abnormal_volume_z"]
    bars.loc[0, "volume"] = np.nan
    found = fit(bars, market)["abnormal_volume_z"]
    assert found[34:].to_numpy() == pytest.approx(whole[34:].to_numpy(), rel=1e-9)


def test_returns_are_against_the_listings_own_previous_bar(fit, make):
    closes = [100, None, None, 80, 90]
    market = levels([400, 410, 420, 430, 440], make.days(5))
    found = fit(make.bars("A", closes), market)
    assert found["simple_return"].iloc[1:].tolist() == pytest.approx([-0.2, 0.125], rel=1e-14)
    assert found["log_return"].iloc[1] == pytest.approx(np.log(0.8), rel=1e-14)
    assert found["market_log_return"].iloc[1] == pytest.approx(np.log(430 / 400), rel=1e-13)
    days = make.days(5)
    assert found["previous_session_date"].tolist() == [pd.NaT, days[0], days[3]]


def test_a_session_that_the_market_lacks_gives_no_market_return(fit, make):
    market = levels([400, 410, 420], make.days(4).delete(1))
    found = fit(make.bars("A", [1, 2, 3, 4]), market)
    assert found["market_log_return"].isna().tolist() == [True, True, True, False]
    assert found["market"].isna().tolist() == [False, True, False, False]


def test_a_market_that_changed_its_construction_gives_no_return(fit, make):
    days = make.days(3)
    market = levels([400, 410, 420], days, market=["a", "a", "b"])
    found = fit(make.bars("A", [1, 2, 3]), market)
    assert found["market_log_return"].isna().tolist() == [True, False, True]


def test_a_listing_without_a_region_is_held_against_the_default(fit, make):
    market = levels([400, 410], make.days(2))
    bars = pd.concat([make.bars(name, [1, 2]) for name in "ABC"], ignore_index=True)
    listed = make.listings("A", "B", region=[None, "EU"])
    found = fit(bars, market, listed)
    seen = found.groupby("ticker")["market"].last()
    assert seen["A"] == seen["C"] == "SPY"
    assert pd.isna(seen["B"])


def test_too_few_pairs_estimate_nothing_but_are_counted(fit, pair):
    bars, market = pair
    found = fit(bars, market)
    # Row 22 has returns 1..19 before it, row 23 has 1..20.
    assert found.loc[22:23, "n_estimation"].tolist() == [19, 20]
    assert found["abnormal_return"].isna().tolist() == [True] * 23 + [False] * 37


def test_a_copy_of_the_market_has_no_abnormal_return_and_no_z(fit, make):
    closes = 400 * np.exp(np.cumsum(np.random.default_rng(3).normal(0, 0.01, 60)))
    found = fit(make.bars("SPY", closes), levels(closes, make.days(60))).iloc[30:]
    assert found["abnormal_return"].abs().max() == pytest.approx(0, abs=1e-15)
    assert found["beta"].tolist() == pytest.approx([1.0] * 30, rel=1e-12)
    assert found["residual_sigma"].tolist() == [0.0] * 30
    assert found["abnormal_z"].isna().all()


def test_constant_growth_is_no_movement(fit, make, pair):
    closes = 100 * 1.01 ** np.arange(60)
    found = fit(make.bars("A", closes, volume=1e6), pair[1]).iloc[30:]
    assert found["residual_sigma"].tolist() == [0.0] * 30
    assert found[["abnormal_z", "abnormal_volume_z"]].isna().all(axis=None)
    assert found["abnormal_return"].abs().max() < 1e-12


def test_a_market_that_stands_still_explains_nothing(fit, make, pair):
    found = fit(pair[0], levels(400 * 1.002 ** np.arange(60), make.days(60)))
    assert found[["beta", "abnormal_return", "abnormal_z"]].isna().all(axis=None)
    assert found["log_return"].notna().sum() == 59


def test_every_row_that_rests_on_a_flagged_bar_says_so(fit, pair):
    bars, market = pair
    bars["quality_flags"] = ["stale" if row == 10 else "" for row in range(60)]
    found = fit(bars, market)
    marked = found.index[found["n_flagged"] > 0].tolist()
    # The bar itself, the next, and rows that estimate on returns from or to it.
    assert marked == [10, 11, *range(13, 42)]
    assert found["n_flagged"].max() == 1


def test_quarantined_bars_count_in_every_row_that_rests_on_the_bar_after_them(fit, pair):
    bars, market = pair
    bars["n_quarantined"] = [2 * (row == 10) + (row == 12) for row in range(60)]
    found = fit(bars, market)["n_quarantined"].tolist()
    # Two before row 10 and one before row 12: rows count those of the row itself, of the one
    # before, and of the 31 up to the third before.
    assert found[9:18] == [0, 2, 2, 1, 2 + 1, 2, 3, 3, 3]
    assert found[40:45] == [3, 3, 1, 1, 0]


def test_a_simulated_bar_or_market_marks_what_rests_on_it(fit, pair):
    bars, market = pair
    bars["is_simulated"] = [row == 10 for row in range(60)]
    market["is_simulated"] = [row == 50 for row in range(60)]
    found = fit(bars, market)
    marked = found.index[found["has_simulated_inputs"]].tolist()
    assert marked == [10, 11, *range(13, 42), 50, 51, *range(53, 60)]
    assert found.index[found["is_simulated"]].tolist() == [10]


def test_as_of_is_the_newest_vintage_behind_the_row(fit, pair):
    bars, market = pair
    early, late = pd.Timestamp("2025-01-01"), pd.Timestamp("2025-02-01")
    bars["as_of"] = [late if row == 10 else early for row in range(60)]
    found = fit(bars, market)
    assert found.index[found["as_of"] == late].tolist() == [10, 11, *range(13, 42)]
    assert set(found["as_of"]) == {early, late}


def test_a_late_slice_with_enough_history_equals_the_whole(fit, pair):
    bars, market = pair
    whole = fit(bars, market).iloc[-5:].reset_index(drop=True)
    part = fit(bars.iloc[-(5 + SMALL.first + 1) :], market).iloc[-5:].reset_index(drop=True)
    pd.testing.assert_frame_equal(whole, part, rtol=1e-10)


@pytest.mark.parametrize("rows", [(10, 11, 5), (10, 0, 5), (250, 11, 2)])
def test_a_model_that_could_look_ahead_or_fit_nothing_is_refused(rows):
    with pytest.raises(ValueError, match=r"precede|two pairs"):
        MarketModel(*rows)


@pytest.mark.skipif(not REFERENCE.exists(), reason="needs ../shared/reference, not in the clone")
@pytest.mark.parametrize("panel_name", ["clustered", "staggered"])
def test_the_day_of_every_reference_event_equals_the_textbook(fit, panel_name):
    wide = pd.read_csv(REFERENCE / "inputs/prices_wide.csv", parse_dates=["date"])
    index = pd.read_csv(REFERENCE / "inputs/index.csv", parse_dates=["date"])
    bars = wide.melt("date", var_name="ticker", value_name="close")
    bars = bars.rename(columns={"date": "session_date"})
    found = fit(bars, levels(index["MKT"], index["date"]), model=MarketModel())
    found = found.set_index(["ticker", "session_date"])
    events = pd.read_csv(REFERENCE / f"inputs/events_{panel_name}.csv", parse_dates=["event_date"])
    textbook = REFERENCE / "expected/textbook"
    single = pd.read_csv(textbook / f"single_{panel_name}_market.csv")
    model = pd.read_csv(textbook / f"model_{panel_name}_market.csv").set_index("event_id")
    day = single[single["rel"] == 0].set_index("event_id")
    assert len(events) == len(day) >= 12
    for event in events.itertuples():
        got = found.loc[(event.ticker, event.event_date)]
        want, line = day.loc[event.event_id], model.loc[event.event_id]
        expected = [want["ar"], want["ar"] / want["se_ar"], line["c"], line["m"], line["sigma"]]
        columns = ["abnormal_return", "abnormal_z", "alpha", "beta", "residual_sigma"]
        assert got[columns].tolist() == pytest.approx(expected, rel=1e-9)


def test_no_return_leads_to_a_bar_on_another_basis_and_none_is_estimated_on(fit, pair):
    bars, market = pair
    halved = bars.assign(
        close=bars["close"].where(bars.index < 40, bars["close"] / 2),
        quality_flags=["unapplied_split" if row == 40 else "" for row in bars.index],
    )
    clean, flagged = fit(bars, market), fit(halved, market)
    at = flagged.iloc[40]
    assert at[["simple_return", "log_return", "abnormal_return", "abnormal_z"]].isna().all()
    names = ["simple_return", "log_return"]
    pd.testing.assert_frame_equal(
        flagged.drop(40)[names], clean.drop(40)[names], rtol=1e-12, atol=1e-15
    )
    # From the third row on it stands among the estimation rows, as a missing pair.
    assert (flagged["n_estimation"][43:] == clean["n_estimation"][43:] - 1).all()
    before = flagged[:43].drop(40)["abnormal_return"].dropna()
    assert before.tolist() == pytest.approx(
        clean[:43].drop(40)["abnormal_return"].dropna().tolist(), rel=1e-9
    )


def test_a_fall_as_large_without_the_flag_is_a_return(fit, pair):
    bars, market = pair
    fallen = bars.assign(close=bars["close"].where(bars.index < 40, bars["close"] / 2))
    returns = fit(fallen, market)["simple_return"]
    assert returns[40] == pytest.approx(bars["close"][40] / bars["close"][39] / 2 - 1, rel=1e-12)
