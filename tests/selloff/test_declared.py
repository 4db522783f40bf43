"""Declared events: when news reached each market, and what they are beside the detected."""

from __future__ import annotations

import pandas as pd
import pytest

from selloff.declared import first_sessions_after, placed, with_declared
from selloff.episodes import episodes, numbered, with_global_scope
from selloff.markets import region_closes
from warehouse.tables.detection import DECLARED_EVENTS, MARKET_DAYS
from warehouse.tables.instruments import INSTRUMENTS, SESSIONS

FRIDAY, MONDAY, TUESDAY = (pd.Timestamp(f"2025-01-{day}") for day in (24, 27, 28))
PLACES = {"JP": ("XTKS", "06:00"), "EU": ("XETR", "16:30"), "US": ("XNYS", "21:00")}


@pytest.fixture
def closes(bench, make):
    """Return the closes of Tokyo, Frankfurt and New York over three sessions."""
    listings = [
        make.listings(region, region=region, exchange_mic=mic)
        for region, (mic, _) in PLACES.items()
    ]
    days = [make.sessions(mic, [FRIDAY, MONDAY, TUESDAY], at) for mic, at in PLACES.values()]
    instruments = bench.put(INSTRUMENTS, pd.concat(listings, ignore_index=True))
    return region_closes(instruments, bench.put(SESSIONS, pd.concat(days, ignore_index=True)))


@pytest.fixture
def days(bench):
    """Return market days on which New York fell on the Monday and the Tuesday."""
    rows = [
        {"region": region, "session_date": day, "threshold_multiple": 0.0}
        for region in PLACES
        for day in (FRIDAY, MONDAY, TUESDAY)
    ]
    frame = pd.DataFrame(rows)
    frame["scope"] = None
    fell = (frame["region"] == "US") & (frame["session_date"] > FRIDAY)
    frame.loc[fell, "scope"] = ["sector", "market"]
    frame.loc[fell, "threshold_multiple"] = [1.2, 1.1]
    return numbered(bench.put(MARKET_DAYS, frame, strict=False))


@pytest.fixture
def told(bench, closes, days):
    """Return a function that places declared events and gives them as a frame."""

    def place(*events):
        rows = pd.DataFrame(events).reindex(columns=list(DECLARED_EVENTS.column_names))
        rows["scope"] = [event.get("scope", "market") for event in events]
        rows["version"] = 1
        return placed(bench.put(DECLARED_EVENTS, rows), days, closes)

    return place


def of(bench, table):
    frame = bench.sql(bench.engine.compile(table)).df()
    return dict(zip(frame["region"], frame["session_date"], strict=True))


@pytest.mark.parametrize(
    ("moment", "sessions"),
    [
        # A Sunday: Monday everywhere.
        ("2025-01-26 12:00", {"JP": MONDAY, "EU": MONDAY, "US": MONDAY}),
        # After Tokyo's close, before Frankfurt's: Tokyo answers a day later.
        ("2025-01-27 09:00", {"JP": TUESDAY, "EU": MONDAY, "US": MONDAY}),
        # After Frankfurt's close.
        ("2025-01-27 17:00", {"JP": TUESDAY, "EU": TUESDAY, "US": MONDAY}),
        # At New York's very close: what is known at it is not in it.
        ("2025-01-27 21:00", {"JP": TUESDAY, "EU": TUESDAY, "US": TUESDAY}),
        ("2025-01-28 20:59", {"US": TUESDAY}),
    ],
)
def test_news_reaches_each_market_in_its_first_session_that_closes_after_it(
    bench, closes, moment, sessions
):
    bench.sql(f"CREATE OR REPLACE TABLE news AS SELECT TIMESTAMP '{moment}' AS happened_at")
    assert of(bench, first_sessions_after(bench.engine.table("news"), closes)) == sessions


def test_an_event_without_a_region_is_one_in_each(bench, told):
    found = of(bench, told({"declared_id": "a", "happened_at": "2025-01-27 09:00"}))
    assert found == {"JP": TUESDAY, "EU": MONDAY, "US": MONDAY}


def test_a_date_is_the_first_session_on_or_after_it(bench, told):
    found = of(bench, told({"declared_id": "a", "region": "US", "session_date": "2025-01-25"}))
    assert found == {"US": MONDAY}


def test_a_date_or_moment_without_a_session_is_no_event(bench, told):
    late = {"declared_id": "a", "happened_at": "2025-02-10 09:00"}
    early = {"declared_id": "b", "session_date": "2025-01-10"}
    assert of(bench, told(late, early)) == {}


def test_two_declared_for_one_session_are_the_first(bench, told):
    pair = [{"declared_id": name, "region": "EU", "session_date": MONDAY} for name in "ba"]
    frame = bench.sql(bench.engine.compile(told(*pair))).df()
    assert frame["declared_id"].tolist() == ["a"]


@pytest.fixture
def beside(bench, told, days):
    def put(*events):
        table = with_declared(episodes(days, 1), told(*events), days)
        return bench.sql(bench.engine.compile(table)).df().set_index("region")

    return put


def test_a_declared_event_in_a_detected_episode_is_that_episode(beside):
    found = beside({"declared_id": "a", "event_name": "A", "region": "US", "session_date": TUESDAY})
    event = found.loc["US"]
    assert (event["status"], event["declared_id"], event["event_name"]) == ("detected", "a", "A")
    assert (event["session_date"], event["last_session_date"]) == (MONDAY, TUESDAY)
    assert event["scope"] == "market"


def test_news_in_the_middle_of_an_episode_does_not_move_its_beginning(beside):
    late = beside({"declared_id": "a", "region": "US", "happened_at": "2025-01-28 12:00"})
    assert pd.isna(late.loc["US", "happened_at"])
    first = beside({"declared_id": "a", "region": "US", "happened_at": "2025-01-27 12:00"})
    assert first.loc["US", "happened_at"] == pd.Timestamp("2025-01-27 12:00")


def test_a_declared_event_that_nothing_shows_stands_with_the_figures_of_its_session(beside):
    found = beside(
        {"declared_id": "a", "region": "JP", "session_date": MONDAY, "scope": "single_name"}
    )
    event = found.loc["JP"]
    assert (event["status"], event["scope"]) == ("declared", "single_name")
    assert event["session_date"] == event["last_session_date"] == MONDAY
    assert pd.isna(event["threshold_multiple"])
    assert pd.isna(event["detected_by"])
    assert found.loc["US", "status"] == "detected"


def test_an_episode_reaches_as_far_as_its_widest_session_and_began_with_its_first(bench, days):
    frame = bench.sql(bench.engine.compile(episodes(days, 1))).df()
    (event,) = frame.to_dict("records")
    assert (event["first_scope"], event["scope"]) == ("sector", "market")
    assert (event["worst_session_date"], event["n_sessions"]) == (MONDAY, 2)


def test_falls_of_a_single_name_are_joined_name_by_name(bench):
    rows = [
        ("2025-01-24", "single_name", "X:A"),
        ("2025-01-27", "single_name", "X:B"),
        ("2025-01-28", "single_name", "X:A"),
        ("2025-01-29", "market", "X:A"),
    ]
    frame = pd.DataFrame(rows, columns=["session_date", "scope", "worst_listing_id"])
    table = bench.put(MARKET_DAYS, frame.assign(region="US", threshold_multiple=1.0), strict=False)
    found = bench.sql(bench.engine.compile(episodes(numbered(table), 1))).df()
    spans = found[["scope", "worst_listing_id", "session_date", "last_session_date"]]
    day = pd.Timestamp
    assert sorted(spans.itertuples(index=False, name=None)) == [
        ("market", "X:A", day("2025-01-29"), day("2025-01-29")),
        ("single_name", "X:A", day("2025-01-24"), day("2025-01-28")),
        ("single_name", "X:B", day("2025-01-27"), day("2025-01-27")),
    ]


def markets(*rows):
    frame = pd.DataFrame(rows, columns=["region", "scope", "started_at", "closed_at"])
    return frame.assign(
        started_at=pd.to_datetime(frame["started_at"]), closed_at=pd.to_datetime(frame["closed_at"])
    )


def test_markets_that_fell_between_the_same_closes_are_global():
    # New York on Friday, Tokyo on Monday: what struck the one after Tokyo's Friday struck both.
    new_york = ("US", "market", "2024-08-01 20:00", "2024-08-02 20:00")
    tokyo = ("JP", "market", "2024-08-02 06:00", "2024-08-05 06:00")
    later = ("EU", "market", "2024-08-05 15:30", "2024-08-06 15:30")
    found = with_global_scope(markets(new_york, tokyo, later))
    assert found["scope"].tolist() == ["global", "global", "market"]


def test_a_sector_elsewhere_or_a_second_fall_at_home_makes_nothing_global():
    here = ("US", "market", "2024-08-01 20:00", "2024-08-02 20:00")
    sector = ("JP", "sector", "2024-08-01 06:00", "2024-08-02 06:00")
    assert with_global_scope(markets(here, here, sector))["scope"].tolist() == [
        "market",
        "market",
        "sector",
    ]
