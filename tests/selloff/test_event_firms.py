"""The firms of an event: who lost most beyond the market, each firm once, in its own sessions."""

from __future__ import annotations

import pandas as pd
import pytest

from selloff.contagion_measures import contagion_measures
from selloff.event_firms import MOST, event_firms
from warehouse.tables.instruments import INSTRUMENTS, SESSIONS
from warehouse.tables.returns import ABNORMAL_RETURNS
from warehouse.tables.selloffs import SELLOFF_EVENTS, SELLOFF_METRICS

TABLES = (SELLOFF_EVENTS, SELLOFF_METRICS, ABNORMAL_RETURNS, INSTRUMENTS, SESSIONS)
FRIDAY, MONDAY = pd.Timestamp("2025-01-24"), pd.Timestamp("2025-01-27")
# What each lost in USD beyond the market; the last is another class of shares of the first.
LOST = {
    **{f"U{place:02}": 1e11 - 1e9 * place for place in range(12)},
    "GAIN": -5e10,
    "UNKNOWN": None,
    "6857.T": 9.95e10,
    "U00B": 2e11,
}
PLACES = {"6857.T": "XTKS"}


@pytest.fixture
def firms(bench):
    """Two events, one of them withdrawn, in which the same sixteen listings fell."""
    names = list(LOST)
    listed = pd.DataFrame(
        {
            "ticker": names,
            "exchange_mic": [PLACES.get(name, "XNAS") for name in names],
            "region": ["JP" if name in PLACES else "US" for name in names],
            "sector": "Information Technology",
        }
    )
    bench.put(INSTRUMENTS, listed)
    sessions = pd.DataFrame(
        [
            (mic, day, day + pd.Timedelta(hour))
            for mic, hour in (("XNAS", "21h"), ("XTKS", "6h30min"))
            for day in (FRIDAY, MONDAY)
        ],
        columns=["exchange_mic", "session_date", "closes_at"],
    )
    bench.put(SESSIONS, sessions.assign(opens_at=sessions["closes_at"]), strict=False)
    events = pd.DataFrame({"event_id": ["e", "gone"], "status": ["detected", "withdrawn"]})
    bench.put(SELLOFF_EVENTS, events, strict=False)
    lost = pd.DataFrame(
        {
            "ticker": names,
            "sector": listed["sector"],
            "region": listed["region"],
            "abnormal_market_value_lost_usd": list(LOST.values()),
            "is_counted": [name != "U00B" for name in names],
        }
    )
    both = pd.concat([lost.assign(event_id=each) for each in ("e", "gone")])
    bench.put(SELLOFF_METRICS, both, strict=False)
    rows = pd.DataFrame(
        [(name, day) for name in names for day in (FRIDAY, MONDAY)],
        columns=["ticker", "session_date"],
    )
    rows = rows.assign(log_return=-0.1, market_log_return=-0.01)
    rows.loc[rows["ticker"].eq("U01") & rows["session_date"].eq(FRIDAY), "log_return"] = None
    bench.put(ABNORMAL_RETURNS, rows, strict=False)
    return bench.engine.compile(event_firms(*map(bench.table, TABLES)))


@pytest.fixture
def held(bench, firms):
    return bench.sql(firms).df()


def test_the_ten_that_lost_most_are_there_in_order_each_firm_once(held):
    places = held.groupby("series_name")["place"].first().sort_values()
    assert places.index.tolist() == ["U00", "6857.T", *(f"U{place:02}" for place in range(1, 9))]
    assert places.tolist() == list(range(MOST))


def test_a_withdrawn_event_has_no_firms(held):
    assert set(held["event_id"]) == {"e"}


def test_every_firm_has_its_own_sessions_and_closes(held):
    closes = held.groupby(["series_name", "session_date"])["closed_at"].first()
    assert closes["6857.T", MONDAY] == pd.Timestamp("2025-01-27 06:30")
    assert closes["U00", MONDAY] == pd.Timestamp("2025-01-27 21:00")
    # A session without a return has no row.
    assert held.groupby("series_name").size().to_dict() == {
        name: 1 if name == "U01" else 2 for name in set(held["series_name"])
    }


def test_the_set_is_that_of_firms_of_all_regions(held):
    assert set(held["series_set"]) == {"firms"}
    assert set(held["level"]) == {"listing"}
    assert set(held["region"]) == {"US", "JP"}


def test_an_event_without_known_losses_has_no_firms_and_is_measured_without(bench, firms):
    bench.sql("UPDATE mart_selloff_metrics SET abnormal_market_value_lost_usd = NULL")
    nobody = bench.sql(firms).df()
    assert nobody.empty
    event = pd.DataFrame({"event_id": ["e"], "status": "detected", "region": "US"})
    event = event.assign(started_at=FRIDAY, origin_sector=None, origin_industry=None)
    no_series = pd.DataFrame(columns=["series_set", "session_date", "series_name"])
    assert contagion_measures(event, no_series, nobody).empty
