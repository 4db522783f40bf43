"""A calm market into which a fall of each kind was planted: found where it is, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from selloff.events import selloff_events
from selloff.returns import MarketModel
from warehouse.tables.detection import DECLARED_EVENTS, GROUP_RETURNS, MARKET_DAYS
from warehouse.tables.instruments import INSTRUMENTS, SESSIONS
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.returns import ABNORMAL_RETURNS
from warehouse.tables.selloffs import SELLOFF_EVENTS

COUNT = 330
SECTORS = ("Chips", "Power", "Food", "Banks", "Homes")
SECTOR, MARKET, NAME = 220, 260, 300
SETTINGS = {"model": MarketModel(first=100, last=5, minimum=60)}


@pytest.fixture(scope="module")
def world(make):
    """Forty US equities of five sectors; noise is bounded, so that nothing happens by chance."""
    random = np.random.default_rng(11)
    market = random.uniform(-0.012, 0.012, COUNT)
    market[SECTOR] = -0.004
    market[MARKET] = -0.06
    market[NAME] = -0.003
    bars = [make.bars("SPY", 400 * np.exp(np.cumsum(market)), volume=1e7)]
    names = [f"E{number:02d}" for number in range(40)]
    for number, name in enumerate(names):
        own = random.uniform(0.8, 1.2) * market + random.uniform(-0.02, 0.02, COUNT)
        if number // 8 == 0:
            own[SECTOR] -= 0.12
        if number == 17:
            own[NAME] -= 0.5
        bars.append(make.bars(name, 50 * np.exp(np.cumsum(own)), volume=1e6))
    listed = make.listings(*names, sector=[SECTORS[number // 8] for number in range(40)])
    instruments = pd.concat(
        [make.listings("SPY", asset_class="etf", exchange_mic="XNYS"), listed], ignore_index=True
    )
    sessions = make.sessions("XNYS", make.days(COUNT))
    return make.world(bars, instruments, sessions, make.shares(**dict.fromkeys(names, 1e9)))


@pytest.fixture(scope="module")
def held(chain, world):
    return chain(world, **SETTINGS)


@pytest.fixture(scope="module")
def events(held, make):
    """Return the events by the number of their first session."""
    found = held["selloff_events"]
    number = {day: row for row, day in enumerate(make.days(COUNT))}
    return found.set_index(found["session_date"].map(number))


def test_each_planted_fall_is_one_event_and_there_are_no_others(events):
    assert sorted(events.index) == [SECTOR, MARKET, NAME]


@pytest.mark.parametrize(
    ("row", "scope", "rules"),
    [(SECTOR, "sector", {"breadth", "sector"}), (MARKET, "market", {"market"})],
)
def test_how_far_a_fall_reached_is_seen_in_the_data(events, row, scope, rules):
    event = events.loc[row]
    assert event["scope"] == scope
    assert rules <= set(event["detected_by"].split())
    assert event["threshold_multiple"] > 1


def test_the_crash_of_one_firm_is_its_own(events):
    event = events.loc[NAME]
    assert (event["scope"], event["detected_by"]) == ("single_name", "single_name")
    assert event["worst_listing_id"] == event["first_listing_id"] == "X:E17"
    assert event["event_id"].startswith("single-name-us-x-e17-")


def test_the_sector_that_fell_is_the_origin_and_its_day_the_worst_so_far(events):
    event = events.loc[SECTOR]
    assert event["origin_sector"] == event["hardest_hit_sector"] == "Chips"
    assert event["sector_severity"] == 1
    assert 0 < event["market_severity"] < 1
    assert event["n_falling"] >= 8
    assert event["first_listing_id"] in {f"X:E0{number}" for number in range(8)}
    assert event["first_fell_at"] == event["session_date"] + pd.Timedelta("21h")


def test_the_crash_of_the_market_is_its_worst_day_so_far(events):
    assert events.loc[MARKET, "market_severity"] == 1
    assert events.loc[MARKET, "market_return"] == pytest.approx(np.expm1(-0.06))


def test_what_all_have_in_common_shows_in_the_correlation(held, make):
    days = held["market_days"].set_index("session_date")
    jump = days["correlation_jump"]
    assert jump[make.days(COUNT)[MARKET]] > jump[make.days(COUNT)[MARKET - 1]] + 0.05


def test_one_call_on_the_tables_gives_the_same(bench, chain, world):
    expected = chain(world, **SETTINGS)["selloff_events"]
    tables = (MARKET_DAYS, GROUP_RETURNS, ABNORMAL_RETURNS, DAILY_PRICES, INSTRUMENTS, SESSIONS)
    stored = [bench.table(each) for each in (*tables, DECLARED_EVENTS)]
    found = bench.hold(SELLOFF_EVENTS, selloff_events(*stored, pd.DataFrame()))
    pd.testing.assert_frame_equal(found, expected)


def test_the_order_of_bars_and_listings_changes_nothing(chain, world, held):
    shuffled = replace(
        world,
        vintages=world.vintages.sample(frac=1, random_state=1),
        instruments=world.instruments[::-1],
    )
    again = chain(shuffled, **SETTINGS)
    for name in ("market_days", "selloff_events"):
        pd.testing.assert_frame_equal(again[name], held[name], rtol=1e-9)


def test_a_declared_event_is_measured_beside_the_detected(chain, world, make):
    day, calm = make.days(COUNT)[[SECTOR, SECTOR + 20]]
    declared = pd.DataFrame(
        {
            "declared_id": ["chips", "rumour"],
            "event_name": ["The chips", "A rumour"],
            "region": "US",
            "session_date": [day, calm],
            "happened_at": None,
            "scope": ["market", "sector"],
        }
    )
    found = chain(world, declared=declared, **SETTINGS)
    events = found["selloff_events"].set_index("session_date")
    assert len(events) == 4
    both, alone = events.loc[day], events.loc[calm]
    assert (both["status"], both["scope"], both["declared_id"]) == ("detected", "sector", "chips")
    assert (alone["status"], alone["event_name"]) == ("declared", "A rumour")
    assert alone["event_id"].startswith("sector-us-rumour-")
    measured = found["selloff_metrics"].groupby("event_id").size()
    assert measured[alone["event_id"]] == measured[both["event_id"]] == 41
