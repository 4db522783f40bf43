"""Events studied a stretch of time at a time, or day by day, are studied as all at once."""

from __future__ import annotations

import contextlib
import datetime as dt
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from selloff import _event_panels, event_tests, observations
from selloff.event_study import dependence, pooled
from selloff.event_tests import BRIEF, event_study_tests, late_event_study_tests
from selloff.observations import dropped_observations
from selloff.pooled_events import ALL_EVENTS
from warehouse.tables.event_studies import DROPPED_OBSERVATIONS, EVENT_STUDY_TESTS
from warehouse.tables.instruments import INSTRUMENTS, SESSIONS
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.returns import ABNORMAL_RETURNS
from warehouse.tables.selloffs import SELLOFF_EVENTS

N_DAYS = 700
# Both countries trade on most days, and each is closed on some that the other is not.
HOMES = {"US": ("XNYS", 7), "JP": ("XTKS", 5)}

some_examples = settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Market:
    """Random returns in two countries, with halts, late listings, and events of any distance."""

    def __init__(self, seed):
        self.random = random = np.random.default_rng(seed)
        self.days = pd.bdate_range("2022-01-03", periods=N_DAYS)
        self.open = {name: random.random(N_DAYS) > 0.02 for name in HOMES}
        parts = [
            self._listing(home, number) for home, (_, n) in HOMES.items() for number in range(n)
        ]
        self.rows = pd.concat(parts, ignore_index=True)
        gaps = random.choice([0, 2, 4, 9, 25, 60, 130], 7)
        places = 300 + np.cumsum(gaps)
        self.events = [self._event(place) for place in np.unique(places[places < N_DAYS - 2])]

    def _listing(self, home, number):
        random = self.random
        name = f"{home}{number}"
        kept = self.open[home] & (random.random(N_DAYS) > 0.01)
        for _ in range(random.integers(0, 3)):
            start, length = random.integers(0, N_DAYS), random.choice([5, 12, 30, 280])
            kept[start : start + length] = False
        kept[: random.choice([0, 0, 0, 200, 310])] = False
        market = np.random.default_rng(7).normal(0, 0.01, N_DAYS)
        frame = pd.DataFrame(
            {
                "ticker": name,
                "session_date": self.days,
                "log_return": market + random.normal(0, 0.02, N_DAYS),
                "market_log_return": np.where(random.random(N_DAYS) < 0.003, np.nan, market),
                "volume": np.exp(random.normal(13, 0.3, N_DAYS)).round(),
                "as_of": pd.Timestamp("2025-03-01") + pd.to_timedelta(np.arange(N_DAYS), "min"),
                "has_simulated_inputs": random.random(N_DAYS) < 0.001,
            }
        )
        return frame[kept]

    def _event(self, place):
        random = self.random
        region = random.choice(["US", "US", "JP"])
        while not self.open[region][place]:
            place += 1
        return {
            "event_id": f"event-{random.integers(1000)}-{place}",
            "region": region,
            "scope": random.choice(["market", "sector", "single_name"]),
            "status": random.choice(["detected"] * 6 + ["withdrawn"]),
            "session_date": self.days[place],
            "last_session_date": self.days[min(place + random.integers(0, 3), N_DAYS - 1)],
            "started_at": self.days[place - 1] + pd.Timedelta("21h"),
            "n_falling": 0,
            "n_listings": 0,
            "severity": 1.0,
        }

    def tables(self, bench, make, until=N_DAYS):
        """Return the tables as they are known on a day."""
        last = self.days[until - 1]
        rows = self.rows[self.rows["session_date"] <= last]
        events = [
            each | {"last_session_date": min(each["last_session_date"], last)}
            for each in self.events
            if each["session_date"] <= last
        ]
        listed = [
            make.listings(
                *(f"{home}{number}" for number in range(n)),
                region=home,
                exchange_mic=mic,
                sector=["Energy", "Utilities"] * (n // 2) + ["Energy"] * (n % 2),
            )
            for home, (mic, n) in HOMES.items()
        ]
        closes = {"XNYS": "21:00", "XTKS": "06:00"}
        sessions = [
            make.sessions(mic, self.days[self.open[home]], closes[mic])
            for home, (mic, _) in HOMES.items()
        ]
        bars = rows[["ticker", "session_date", "volume"]].assign(close=1.0)
        return (
            bench.put(SELLOFF_EVENTS, pd.DataFrame(events)),
            bench.put(ABNORMAL_RETURNS, rows.drop(columns="volume")),
            bench.put(DAILY_PRICES, bars),
            bench.put(INSTRUMENTS, pd.concat(listed)),
            bench.put(SESSIONS, pd.concat(sessions)),
        )


@contextlib.contextmanager
def in_stretches(n_days, n_events, *, of_all_history=False):
    """Judge so many days and events together; add up from ten observations on."""

    def every_session(panel, _first, _last):
        return panel._sessions

    def know(panel, _first, _last):
        panel._sessions = _event_panels._days(panel._moves)

    with (
        mock.patch.multiple(observations, STRETCH_DAYS=n_days, STRETCH_EVENTS=n_events),
        mock.patch.multiple(_event_panels.Panel, dates=every_session, know=know)
        if of_all_history
        else contextlib.nullcontext(),
        mock.patch.object(_event_panels, "ROWS_AT_ONCE", 900),
        mock.patch.object(event_tests, "OF_ONE_DATE", BRIEF),
        mock.patch.object(dependence, "PAIRED_EVENTS", 10),
        mock.patch.object(pooled, "PAIRED_EVENTS", 10),
    ):
        yield


def all_at_once(bench, tables):
    """Return what is said where all of history is one panel."""
    with in_stretches(10_000, 10_000, of_all_history=True):
        tests = bench.hold(EVENT_STUDY_TESTS, event_study_tests(*tables).read_all())
        dropped = bench.hold(DROPPED_OBSERVATIONS, dropped_observations(*tables))
    return SimpleNamespace(tests=tests, dropped=dropped)


def same(found, expected, keys):
    assert len(found) == len(expected)
    found, expected = (each.sort_values(keys, ignore_index=True) for each in (found, expected))
    for name in expected:
        if expected[name].dtype.kind == "f":
            one, other = found[name].to_numpy(float), expected[name].to_numpy()
            close = np.isclose(one, other, rtol=1e-11, atol=1e-13, equal_nan=True)
            assert close.all(), (name, found[~close], expected[~close])
        else:
            pd.testing.assert_series_equal(
                found[name], expected[name], check_dtype=False, check_index=False
            )


@some_examples
@given(st.integers(0, 2**32 - 1), st.sampled_from([(1, 1), (40, 2), (200, 100)]))
def test_however_long_a_stretch_is_it_says_what_all_of_history_does(bench, make, seed, stretch):
    tables = Market(seed).tables(bench, make)
    expected = all_at_once(bench, tables)
    assert len(expected.tests), "nothing tested, nothing shown"
    with in_stretches(*stretch):
        tests = bench.hold(EVENT_STUDY_TESTS, event_study_tests(*tables).read_all())
        dropped = bench.hold(DROPPED_OBSERVATIONS, dropped_observations(*tables))
    same(tests, expected.tests, list(EVENT_STUDY_TESTS.grain))
    same(dropped, expected.dropped, list(DROPPED_OBSERVATIONS.grain))


@some_examples
@given(st.integers(0, 2**32 - 1), st.integers(420, 660), st.sampled_from([1, 2, 5, 30]))
def test_what_comes_later_is_added_as_if_all_had_come_at_once(bench, make, seed, first, step):
    market = Market(seed)
    before = all_at_once(bench, market.tables(bench, make, first))
    tables = market.tables(bench, make, first + step)
    expected = all_at_once(bench, tables)
    import ibis

    previous = ibis.memtable(before.tests)
    start = market.days[first - 30].date()
    with in_stretches(180, 10):
        late = late_event_study_tests(*tables, previous, SimpleNamespace(start=start))
        dropped = dropped_observations(*tables, SimpleNamespace(start=start))
    standing = {
        each["event_id"]
        for each in market.events
        if each["last_session_date"].date() < start and each["status"] != "withdrawn"
    }
    for found, was, wanted, contract in (
        (late, before.tests, expected.tests, EVENT_STUDY_TESTS),
        (dropped, before.dropped, expected.dropped, DROPPED_OBSERVATIONS),
    ):
        kept = was[was["event_id"].isin(standing)]
        added = bench.hold(contract, found)
        assert not set(added["event_id"]) & standing, "made anew for nothing"
        some = [part for part in (kept, added) if len(part)]
        same(pd.concat(some) if some else kept, wanted, list(contract.grain))


@pytest.fixture
def marked(bench, make):
    """Return a market's tables, and its tests with a mark on those of all events together."""
    tables = Market(11).tables(bench, make)
    tests = all_at_once(bench, tables).tests
    tests.loc[tests["event_id"] == ALL_EVENTS, "n"] += 1000
    assert (tests["n"] > 1000).any()
    return tables, tests


def is_marked(tables, previous, start):
    import ibis

    with in_stretches(180, 10):
        found = late_event_study_tests(
            *tables, ibis.memtable(previous), SimpleNamespace(start=start)
        )
    return bool((found["n"] > 1000).any())


def newest(tables):
    """Return an event's first day, of the last that is tested with others."""
    rows = tables[0].to_pyarrow().to_pandas()
    rows = rows[rows["status"] != "withdrawn"]
    return rows.sort_values("session_date").iloc[-1]


def test_what_is_said_of_all_events_stands_while_each_of_them_does(marked):
    tables, tests = marked
    assert is_marked(tables, tests, dt.date(2024, 1, 1))


@pytest.mark.parametrize(
    "change",
    [
        lambda row: {"statistic": row["statistic"] * (1 + 1e-9)},
        lambda row: {"n": row["n"] + 1},
        lambda row: {"as_of": row["as_of"] + pd.Timedelta("1min")},
        lambda row: {"window_end": row["window_end"] - 1, "window_start": 0},
    ],
)
def test_it_is_said_anew_when_a_test_of_one_of_them_says_something_else(marked, change):
    tables, tests = marked
    event = newest(tables)
    at = tests.index[
        (tests["event_id"] == event["event_id"])
        & (tests["group_name"] == event["region"])
        & (tests["model"] == "market_model")
        & (tests["measure"] == "return")
        & (tests["window_start"] == 1)
        & (tests["test"] == "kolari_pynnonen")
    ]
    assert len(at), "the event is not tested"
    for name, value in change(tests.loc[at[0]]).items():
        tests.loc[at[0], name] = value
    assert not is_marked(tables, tests, event["session_date"])
