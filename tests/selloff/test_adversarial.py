"""The panel on which clean data's luck ends: every expression, every contract check on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from selloff.returns import MarketModel
from selloff.risk_measures import Windows

COUNT = 460
# The market falls by a tenth in a session in which the tied troughs are, once more, at bottom.
CRASH = 425
MODEL = MarketModel(first=60, last=5, minimum=40)
WINDOWS = Windows(20, 60, minimum_returns=40, minimum_falls=20)


def random_walk(seed, start=50.0):
    steps = np.random.default_rng(seed).normal(0, 0.015, COUNT)
    return start * np.exp(np.cumsum(steps))


def market():
    closes = random_walk(0, 400.0)
    closes[CRASH:] *= 0.9
    return closes


@pytest.fixture(scope="module")
def panel(make):
    """Return the bars by their defect."""
    walk = random_walk(1)
    crash = walk.copy()
    crash[-10:] *= 0.5
    pause = pd.Series(random_walk(2))
    pause.iloc[20:420] = np.nan
    exact = np.full(COUNT, 100.0)
    exact[1::2] = 95.0
    trough = np.where(np.arange(COUNT) % 50 == 25, 40.0, 80.0)
    late = [None] * (COUNT - 2)
    silent = [None if row % 3 else 1e5 for row in range(COUNT)]
    return {
        "SPY": make.bars("SPY", market(), volume=1e7),
        "halted": make.bars("halted", [10.0] * COUNT, volume=0.0),
        "halted_too": make.bars("halted_too", [7.0] * COUNT, volume=0.0),
        "pause": make.bars("pause", pause, volume=1e5),
        "one": make.bars("one", [*late, None, 5.0], volume=1e5),
        "two": make.bars("two", [*late, 5.0, 4.0], volume=1e5),
        "silent": make.bars("silent", random_walk(3), volume=silent),
        "never": make.bars("never", random_walk(4)),
        "nothing": make.bars("nothing", random_walk(5), volume=0.0),
        "trough": make.bars("trough", trough, volume=1e5),
        "growth": make.bars("growth", 1.01 ** np.arange(COUNT), volume=1e5),
        "exact": make.bars("exact", exact, volume=1e5),
        "crash": make.bars("crash", crash, volume=1e5),
        "twin": make.bars("twin", crash * 2, volume=1e5),
        "copy": make.bars("copy", market(), volume=1e7),
        "EURUSD": make.bars("EURUSD", [1.1] * COUNT, currency=None),
    }


@pytest.fixture(scope="module")
def world(make, panel):
    names = [name for name in panel if name not in {"SPY", "EURUSD"}]
    sectors = ["Still" if name.startswith("halted") else "Moving" for name in names]
    instruments = pd.concat(
        [
            make.listings("SPY", asset_class="etf"),
            make.listings(*names, sector=sectors),
            make.listings("EURUSD", asset_class="fx", region=None, exchange_mic=None),
        ],
        ignore_index=True,
    )
    sessions = make.sessions("XNYS", make.days(COUNT))
    shares = make.shares(crash=1e9, twin=1e9, halted=1e9, one=1e9, pause=1e9)
    return make.world(list(panel.values()), instruments, sessions, shares)


@pytest.fixture(scope="module")
def held(chain, world):
    return chain(world, model=MODEL, burn_in=30, windows=WINDOWS)


@pytest.fixture(scope="module")
def rows(held):
    """Return a listing's abnormal returns."""
    found = held["abnormal_returns"].sort_values("session_date")
    return lambda name: found[found["ticker"] == name].reset_index(drop=True)


def test_every_bar_has_its_row_and_no_number_is_infinite(held, world):
    # The contracts refuse inf and NaN; what is not known is NULL.
    assert len(held["daily_prices"]) == len(held["abnormal_returns"]) == len(world.vintages)
    for table in held.values():
        numbers = table.select_dtypes("number").to_numpy(float)
        assert not np.isinf(numbers).any()


@pytest.mark.parametrize("name", ["halted", "halted_too"])
def test_a_listing_that_never_moves_has_returns_but_no_z(rows, name):
    found = rows(name).iloc[100:]
    assert set(found["log_return"]) == {0.0}
    assert found["abnormal_return"].abs().max() == 0
    assert found["abnormal_z"].isna().all()
    assert found["abnormal_volume_z"].isna().all()


def test_a_halted_listing_is_stale_every_day_but_the_first(held):
    flags = held["daily_prices"].query("ticker == 'halted'").sort_values("session_date")
    assert flags["quality_flags"].tolist() == ["", *["stale"] * (COUNT - 1)]


def test_a_return_over_a_long_halt_meets_the_markets_over_the_same_time(rows, panel):
    found, spy = rows("pause"), panel["SPY"]["close"]
    assert found["market_log_return"][20] == pytest.approx(np.log(spy[420] / spy[19]), rel=1e-12)
    assert len(found) == 60


@pytest.mark.parametrize(("name", "count"), [("one", 1), ("two", 2)])
def test_a_new_listing_has_rows_without_a_model(rows, name, count):
    found = rows(name)
    assert found["n_estimation"].tolist() == [0] * count
    assert found["simple_return"].isna().tolist() == [True, False][:count]
    assert found[["beta", "abnormal_return", "abnormal_z"]].isna().all(axis=None)


def test_missing_and_zero_volumes_have_no_volume_z(rows):
    for name in ("never", "nothing"):
        found = rows(name).iloc[100:]
        assert found["abnormal_volume_z"].isna().all()
        assert found["abnormal_z"].notna().all()
    # A third of the volumes is too few of the 56 estimation rows.
    assert rows("silent")["abnormal_volume_z"].isna().all()


def test_constant_growth_is_not_mistaken_for_a_signal(rows):
    found = rows("growth").iloc[100:]
    assert set(found["residual_sigma"]) == {0.0}
    assert found["abnormal_z"].isna().all()


def test_a_copy_of_the_market_has_exactly_nothing_abnormal(rows):
    for name in ("SPY", "copy"):
        found = rows(name).iloc[100:]
        assert found["abnormal_return"].abs().max() < 1e-15
        assert found["abnormal_z"].isna().all()


def test_returns_are_exact_where_the_arithmetic_is(rows):
    found = rows("exact")["simple_return"].iloc[1:5].tolist()
    assert found == pytest.approx([-0.05, 100 / 95 - 1, -0.05, 100 / 95 - 1], rel=1e-14)


def test_tied_troughs_are_half_way_down_and_one_session_from_recovery(held, make):
    found = held["selloff_metrics"].query("ticker == 'trough'").set_index("session_date")
    trough = found.loc[make.days(COUNT)[CRASH]]
    assert trough["drawdown"] == -0.5
    assert trough["days_to_recover"] == 1


@pytest.fixture(scope="module")
def moves(held):
    """Return a listing's measures of risk."""
    found = held["risk_measures"].sort_values("session_date")
    return lambda name: found[found["ticker"] == name].reset_index(drop=True)


@pytest.mark.parametrize("name", ["halted", "halted_too", "EURUSD"])
def test_what_never_moves_has_no_volatility_no_z_and_no_drawdown(held, moves, name):
    found = moves(name)
    assert set(found["close_volatility"].iloc[19:]) == set(found["drawdown"]) == {0.0}
    z = found[["ewma_sigma", "extreme_move_z", "robust_z"]]
    assert z.isna().all(axis=None)
    assert name not in set(held["drawdown_episodes"]["ticker"])


def test_constant_growth_is_robustly_and_exactly_nothing_unusual(moves):
    found = moves("growth")
    assert set(found["close_volatility"].iloc[19:]) == {0.0}
    assert found["robust_z"].isna().all()
    assert found["extreme_move_z"].iloc[40:].tolist() == pytest.approx([1.0] * (COUNT - 40))


def test_every_bar_has_its_measures_and_closes_alone_no_ranges(held, world):
    found = held["risk_measures"]
    assert len(found) == len(world.vintages)
    assert found["parkinson_volatility"].isna().all()
    assert found["drawdown"].between(-1, 0).all()


def test_a_new_listing_has_measures_without_a_figure(moves, held):
    for name, count in (("one", 1), ("two", 2)):
        found = moves(name)
        assert len(found) == count
        assert found[["close_volatility", "ewma_sigma", "robust_z"]].isna().all(axis=None)
    (fall,) = held["drawdown_episodes"].query("ticker == 'two'").to_dict("records")
    assert (fall["depth"], fall["outcome"]) == (pytest.approx(-0.2), "open")


def test_tied_troughs_are_episodes_of_two_sessions(held):
    found = held["drawdown_episodes"].query("ticker == 'trough'")
    assert len(found) == COUNT // 50
    assert set(found["depth"]) == {-0.5}
    assert set(found["sessions_under_water"]) == {2}


def test_the_downside_beta_of_the_market_itself_is_one(moves):
    for name in ("SPY", "copy"):
        found = moves(name)["downside_beta"].dropna()
        assert len(found) > 300
        assert found.tolist() == pytest.approx([1.0] * len(found), rel=1e-9)


def test_a_zero_price_is_survived_where_no_contract_stood_in_its_way(bench, make, panel):
    from selloff.markets import market_levels
    from selloff.prices import daily_prices
    from selloff.returns import abnormal_returns
    from warehouse.tables.actions import SPLITS
    from warehouse.tables.instruments import INSTRUMENTS, SESSIONS, SHARES_OUTSTANDING
    from warehouse.tables.prices import PRICE_VINTAGES
    from warehouse.tables.quarantine import QUARANTINED_BARS
    from warehouse.tables.returns import MARKET_RETURNS

    worthless = panel["crash"].copy()
    worthless.loc[[200, 300], "close"] = 0.0
    vintages = pd.concat([worthless, panel["twin"]], ignore_index=True)
    listed = bench.put(INSTRUMENTS, make.listings("crash", "twin", region="JP"))
    calendar = bench.put(SESSIONS, make.sessions("XNYS", make.days(COUNT)))
    shares = bench.put(SHARES_OUTSTANDING, make.shares(crash=1.0, twin=1.0))
    raw = bench.put(PRICE_VINTAGES, vintages, strict=False)
    bars = daily_prices(raw, bench.empty(QUARANTINED_BARS), bench.empty(SPLITS), calendar, listed)
    levels = market_levels(bars, listed, calendar, shares, {}, "JP").to_pyarrow()
    assert np.isfinite(levels["log_level"].to_numpy()).all()
    market = bench.put(MARKET_RETURNS, make.listings().assign(session_date=None))
    found = abnormal_returns(bars, market, listed).to_pyarrow()
    simple = found.to_pandas().query("ticker == 'crash'")["simple_return"]
    assert simple.isna().sum() == 3
    assert np.isfinite(simple.dropna()).all()
