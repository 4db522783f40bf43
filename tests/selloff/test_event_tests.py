from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from selloff.event_study.battery import HEADLINES, run
from selloff.event_study.events import Windows
from selloff.event_study.multiplicity import benjamini_hochberg
from selloff.event_study.panels import panel_of_returns
from selloff.event_study.studies import study
from selloff.event_tests import RANKED_AMONG_EVENT_ROWS, event_study_tests
from selloff.observations import dropped_observations
from warehouse.tables.event_studies import DROPPED_OBSERVATIONS, EVENT_STUDY_TESTS
from warehouse.tables.instruments import INSTRUMENTS, SESSIONS
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.returns import ABNORMAL_RETURNS
from warehouse.tables.selloffs import SELLOFF_EVENTS

N_DAYS = 330
EVENT = 300
NAMES = [f"T{number}" for number in range(8)]


@pytest.fixture(scope="module")
def world():
    """Eight names on one market; on day 300 all fall by a twentieth, T0 to T3 by a fifth."""
    rng = np.random.default_rng(11)
    days = pd.bdate_range("2024-01-01", periods=N_DAYS)
    market = pd.Series(rng.normal(0, 0.01, N_DAYS), index=days)
    own = pd.DataFrame(rng.normal(0, 0.015, (N_DAYS, len(NAMES))), index=days, columns=NAMES)
    returns = own.add(1.2 * market, axis=0)
    returns.iloc[EVENT] -= 0.05 + 0.15 * (np.arange(len(NAMES)) < 4) + 0.01 * np.arange(8)
    volume = pd.DataFrame(
        np.exp(rng.normal(13, 0.3, returns.shape)).round(), index=days, columns=NAMES
    )
    return SimpleNamespace(days=days, market=market, returns=returns, volume=volume)


@pytest.fixture
def studied(bench, make, world):
    """Return what a change of the world, and events on some of its days, come to."""

    def run_all(*events, returns=None, until=N_DAYS, markets=None, instruments=None):
        returns = (world.returns if returns is None else returns).iloc[:until]
        long = melted(returns, "log_return")
        market = world.market.rename("market_log_return").rename_axis("session_date")
        long = long.join(market if markets is None else markets, on="session_date")
        bars = melted(world.volume, "volume")
        rows = [
            {
                "event_id": f"event-{number}",
                "session_date": world.days[number],
                "last_session_date": world.days[number],
                "started_at": world.days[number - 1] + pd.Timedelta("21h"),
                "n_falling": 0,
                "n_listings": 0,
                "severity": 1.0,
            }
            for number in events or (EVENT,)
        ]
        tables = (
            bench.put(SELLOFF_EVENTS, pd.DataFrame(rows)),
            bench.put(ABNORMAL_RETURNS, long),
            bench.put(DAILY_PRICES, bars.merge(long[["session_date", "ticker"]]).assign(close=1.0)),
            bench.put(
                INSTRUMENTS,
                make.listings(*returns.columns, sector=["Energy"] * 4 + ["Utilities"] * 4)
                if instruments is None
                else instruments,
            ),
            bench.put(SESSIONS, make.sessions("XNYS", world.days)),
        )
        tests = bench.hold(EVENT_STUDY_TESTS, event_study_tests(*tables).read_all())
        dropped = bench.hold(DROPPED_OBSERVATIONS, dropped_observations(*tables))
        return SimpleNamespace(tests=tests, dropped=dropped)

    return run_all


def melted(wide, name):
    """Return a row per day and name that has a value."""
    long = wide.rename_axis("session_date").reset_index()
    return long.melt("session_date", var_name="ticker", value_name=name).dropna()


def of(tests, **values):
    for name, value in values.items():
        tests = tests[tests[name] == value]
    return tests


def test_a_region_is_tested_as_a_study_of_plain_frames_is(studied, world):
    found = of(studied().tests, grouping="region", measure="return", model="market_model")
    panel = panel_of_returns(world.returns, world.market)
    asked = pd.DataFrame({"listing_id": NAMES, "session_date": world.days[EVENT]})
    plain = study(panel, asked, windows=Windows(minimum=200)).sample
    for span in ((0, 0), (-1, 1), (0, 5)):
        rows = of(found, window_start=span[0], window_end=span[1]).set_index("test")
        for expected in run(plain, *span):
            if expected.test in rows.index:
                row = rows.loc[expected.test]
                assert row["statistic"] == pytest.approx(expected.statistic, rel=1e-12, nan_ok=True)
                assert row["p_value"] == pytest.approx(expected.p_value, rel=1e-12, nan_ok=True)
        assert set(HEADLINES) <= set(rows.index)


def test_a_planted_fall_is_found_by_the_headline_tests_and_by_no_quiet_day(studied):
    tests = of(studied().tests, grouping="region", measure="return", model="market_model")
    headlines = tests[tests["is_headline"]]
    fall = of(headlines, window_start=0, window_end=0)
    assert (fall["p_value"] < 0.01).all()
    assert (fall["mean_abnormal"] < -0.1).all()
    quiet = headlines[headlines["window_start"].eq(headlines["window_end"])]
    quiet = quiet[quiet["window_start"] != 0]
    assert (quiet["adjusted_p_value"] > 0.05).all()


def test_sectors_are_groups_of_their_own_and_their_listings_groups_of_one(studied):
    day = of(studied().tests, measure="return", model="market_model", window_start=0, window_end=0)
    sectors = of(day, grouping="sector", test="cross_sectional").set_index("group_name")
    assert sectors["n"].to_dict() == {"Energy": 4, "Utilities": 4}
    assert sectors.loc["Energy", "mean_abnormal"] < sectors.loc["Utilities", "mean_abnormal"] - 0.1
    singles = of(day, grouping="listing")
    assert sorted(singles["group_name"]) == [f"X:{name}" for name in NAMES]
    assert (singles["degrees_of_freedom"] == 248).all()
    assert (singles.set_index("group_name").loc["X:T3", "statistic"]) < -8


def test_p_values_are_adjusted_over_all_names_and_windows_asked(studied):
    singles = of(studied().tests, grouping="listing", test="scar")
    expected = benjamini_hochberg(singles["p_value"].to_numpy())
    assert singles["adjusted_p_value"].to_numpy() == pytest.approx(expected)
    assert len(singles) == 3 * len(NAMES)


def test_those_who_take_events_for_independent_carry_the_warning(studied):
    day = of(studied().tests, grouping="region", measure="return", window_start=0, window_end=0)
    day = of(day, model="market_model").set_index("test")
    assert "share dates" in day.loc["cross_sectional", "note"]
    assert day.loc["kolari_pynnonen", "note"] == ""


def test_a_window_is_tested_when_it_is_over_and_nothing_later_changes_it(studied, world):
    until = EVENT + 2
    early, late = studied(until=until).tests, studied().tests
    assert early["window_end"].max() == 1
    assert late["window_end"].max() == 5
    keys = list(EVENT_STUDY_TESTS.grain)
    both = early.merge(late, on=keys, suffixes=("", "_later"))
    assert len(both) == len(early)
    # Corrado ranks a day among all event rows: what it has seen says so.
    has_moved = both["observed_through"] != both["observed_through_later"]
    assert set(both[has_moved]["test"]) == RANKED_AMONG_EVENT_ROWS
    assert (both[has_moved]["observed_through"] == world.days[until - 1]).all()
    both = both[~has_moved]
    for name in ("statistic", "p_value", "mean_abnormal", "mean_residual_correlation"):
        assert both[name].to_numpy() == pytest.approx(
            both[f"{name}_later"].to_numpy(), rel=1e-9, nan_ok=True
        )


def test_volume_and_volatility_are_tested_alike(studied):
    day = of(studied().tests, grouping="region", window_start=0, window_end=0)
    wild = of(day, measure="volatility", test="grank_t")
    assert wild["p_value"].item() < 0.01
    assert wild["statistic"].item() > 0
    calm = of(day, measure="volume", test="grank_t")
    assert calm["p_value"].item() > 0.05
    assert len(of(day, measure="volume")) == len(of(day, measure="volatility"))


def test_each_observation_left_out_has_its_reason_and_the_rest_is_computed(studied, world):
    returns = world.returns.copy()
    returns.loc[: world.days[250], "T0"] = np.nan  # listed late
    returns.loc[world.days[EVENT], "T1"] = np.nan  # halted
    returns.loc[: world.days[EVENT - 1], "T2"] = 0.0  # constant
    returns.loc[: world.days[EVENT + 3], "T3"] = np.nan  # listed after the event
    found = studied(returns=returns)
    reasons = found.dropped.set_index("ticker")["reason"].to_dict()
    assert reasons == {
        "T0": "too_few_estimation_rows",
        "T1": "halted_on_the_event_day",
        "T2": "constant_prices",
        "T3": "before_listing",
    }
    day = of(found.tests, grouping="region", measure="return", window_start=0, window_end=0)
    assert set(of(day, model="market_model", test="kolari_pynnonen")["n"]) == {4}


def test_without_a_market_there_is_no_benchmark(studied):
    found = studied(markets=pd.Series(dtype=float, name="market_log_return"))
    assert set(found.dropped["reason"]) == {"no_benchmark"}
    assert set(of(found.tests, measure="return")["model"]) == {"constant_mean"}


def test_a_name_that_was_never_delivered_is_no_observation(studied, make):
    listed = make.listings(*NAMES, "GHOST", sector=["Energy"] * 4 + ["Utilities"] * 5)
    assert studied(instruments=listed).dropped.empty


def test_windows_that_hold_another_event_are_left_out_and_said(studied):
    found = studied(EVENT - 2, EVENT)
    regions = of(found.tests, grouping="region", measure="return", model="market_model")
    spans = set(
        zip(
            *(of(regions, event_id="event-300")[f"window_{end}"] for end in ("start", "end")),
            strict=True,
        )
    )
    assert (0, 0) in spans
    assert (0, 5) in spans
    assert not {(-2, -2), (-5, -1)} & spans
    detail = found.dropped.set_index(["event_id", "ticker"]).loc[("event-298", "T5")]
    assert detail["reason"] == "overlapping_events"
    assert "[0, 5]" in detail["detail"]
    assert "[0, 0]" not in detail["detail"]


def test_all_events_together_are_tested_away_from_their_falls(studied):
    together = of(studied(EVENT - 20, EVENT).tests, event_id="all")
    spans = set(zip(together["window_start"], together["window_end"], strict=True))
    assert spans == {(-5, -1), (1, 1), (1, 5)}
    assert {"wild_bootstrap", "calendar_time"} <= set(together["test"])
    counted = of(together, test="cross_sectional", measure="return", model="market_model")
    assert set(counted["n"]) == {16}


def test_too_short_a_history_leaves_nothing_and_says_of_everyone_why(studied):
    found = studied(EVENT - 120)
    assert found.tests.empty
    assert set(found.dropped["reason"]) == {"too_few_estimation_rows"}
    assert len(found.dropped) == len(NAMES)


def test_the_order_of_the_names_changes_nothing(studied, world):
    shuffled = world.returns[NAMES[::-1]]
    instruments_free = of(studied(returns=shuffled).tests, grouping="region")
    straight = of(studied().tests, grouping="region")
    assert instruments_free["statistic"].to_numpy() == pytest.approx(
        straight["statistic"].to_numpy(), rel=1e-9, nan_ok=True
    )
