"""The way of a sell-off through a week-end, three closes and a firm with two listings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from selloff.contagion_paths import contagion_paths
from selloff.returns import MarketModel
from warehouse.tables.instruments import INSTRUMENTS, SESSIONS, SHARES_OUTSTANDING
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.returns import ABNORMAL_RETURNS
from warehouse.tables.selloffs import SELLOFF_EVENTS
from warehouse.tables.spread import CONTAGION_PATHS
from warehouse.tables.valuation import FX_RATES

# Fridays end at row 4, 9 ...: the event is on Monday, row 40, after a week-end of news.
COUNT, EVENT = 45, 40
CLOSES = {"XTKS": "06:30", "XETR": "16:30", "XNYS": "21:00"}
LISTED = {
    # ticker: exchange, region, sector, industry, firm
    "T1": ("XTKS", "JP", "Chips", "Testers", None),
    "T2": ("XTKS", "JP", "Food", "Soup", None),
    "G1": ("XETR", "EU", "Power", "Turbines", None),
    "N1": ("XNYS", "US", "Chips", "Designers", "n"),
    "N2": ("XETR", "EU", "Chips", "Designers", "n"),
    "N3": ("XNYS", "US", "Chips", "Designers", None),
    "N4": ("XNYS", "US", "Chips", "Testers", None),
    "P1": ("XNYS", "US", "Power", "Grids", None),
    "U1": ("XNYS", "US", None, None, None),
}
SHORT = MarketModel(first=30, last=2, minimum=20)


class Way:
    """Nine equities of three exchanges, quiet until something is put in."""

    def __init__(self, bench, make):
        self.bench, self.make = bench, make
        self.days = make.days(COUNT)
        places = pd.DataFrame(
            LISTED.values(), columns=["exchange_mic", "region", "sector", "industry", "issuer_id"]
        )
        self.instruments = make.listings(*LISTED).assign(**places, currency="USD")
        rows = [(name, row) for name in LISTED for row in range(COUNT)]
        self.returns = pd.DataFrame(rows, columns=["ticker", "row"])
        noise = np.random.default_rng(3).normal(0, 0.01, len(rows))
        self.returns = self.returns.assign(
            log_return=noise, market_log_return=0.0, abnormal_return=0.0, abnormal_z=0.0
        )
        self.event = {
            "event_id": "e",
            "region": "US",
            "session_date": self.days[EVENT],
            "last_session_date": self.days[EVENT],
            "started_at": self.days[EVENT - 1] + pd.Timedelta("21h"),
            "origin_sector": "Chips",
            "origin_industry": "Designers",
            "worst_listing_id": "X:N1",
            "n_falling": 0,
            "n_listings": 0,
        }
        self.sessions = pd.concat(
            [make.sessions(mic, self.days, at) for mic, at in CLOSES.items()], ignore_index=True
        )
        self.shares = make.shares(N1=100.0)

    def at(self, name, row):
        return (self.returns["ticker"] == name) & (self.returns["row"] == row)

    def fall(self, row=EVENT, **returns):
        """Give listings an abnormal return in a row, z a hundred times that."""
        for name, value in returns.items():
            self.returns.loc[self.at(name, row), ["abnormal_return", "abnormal_z"]] = (
                value,
                value * 100,
            )

    def unmodelled(self, *names):
        """Take the market model from listings."""
        some = self.returns["ticker"].isin(names)
        self.returns.loc[some, ["abnormal_return", "abnormal_z"]] = None

    def follow(self):
        """Return the path of the event, by ticker."""
        put, days = self.bench.put, self.days
        dated = self.returns.assign(session_date=days[self.returns["row"]])
        previous = {row: days[row - 1] for row in range(1, COUNT)}
        dated["previous_session_date"] = dated["row"].map(previous)
        bars = dated[["ticker", "session_date"]].assign(close=10.0)
        tables = [
            put(SELLOFF_EVENTS, pd.DataFrame([self.event])),
            put(DAILY_PRICES, bars),
            put(ABNORMAL_RETURNS, dated.drop(columns="row")),
            put(INSTRUMENTS, self.instruments),
            put(SESSIONS, self.sessions),
            put(SHARES_OUTSTANDING, self.shares),
            self.bench.empty(FX_RATES),
        ]
        found = self.bench.run("paths", lambda: contagion_paths(*tables, estimation=SHORT))
        return self.bench.hold(CONTAGION_PATHS, found).set_index("ticker")


@pytest.fixture
def way(bench, make):
    return Way(bench, make)


def test_the_order_is_that_of_the_closes_in_utc_not_of_the_regions_of_the_news(way):
    way.fall(T1=-0.05, G1=-0.04, N1=-0.10, P1=-0.20)
    found = way.follow()
    assert found["hit_order"].to_dict() == {"T1": 1, "G1": 2, "N1": 3, "P1": 3}
    assert found["hours_after_source"].to_dict() == {"T1": -14.5, "G1": -4.5, "N1": 0, "P1": 0}
    monday = way.days[EVENT]
    assert found.loc["T1", "closed_at"] == monday + pd.Timedelta("6h30min")
    assert monday.day_name() == "Monday"


def test_a_listing_that_falls_twice_stands_where_it_fell_first_and_says_so(way):
    way.fall(T1=-0.05, N1=-0.10)
    way.fall(EVENT + 1, T1=-0.06)
    found = way.follow()
    assert found.loc["T1", ["hit_order", "n_falls", "abnormal_return"]].tolist() == [1, 2, -0.05]
    assert found.loc["T1", "session_date"] == way.days[EVENT]
    assert found.loc["N1", "n_falls"] == 1


def test_tokyos_next_close_still_belongs_to_the_event(way):
    way.fall(N1=-0.10)
    way.fall(EVENT + 1, T1=-0.06, P1=-0.03)
    found = way.follow()
    assert found["hit_order"].to_dict() == {"N1": 1, "P1": 3, "T1": 2}
    assert found["hours_after_source"].to_dict() == {"N1": 0, "P1": 24, "T1": 9.5}


@pytest.mark.parametrize(("name", "row"), [("T1", EVENT + 2), ("P1", EVENT + 2), ("N3", EVENT - 1)])
def test_what_closes_before_the_start_or_after_the_next_close_is_not_of_the_event(way, name, row):
    way.fall(N1=-0.10)
    way.fall(row, **{name: -0.09})
    assert set(way.follow().index) == {"N1"}


def test_a_longer_event_has_a_longer_path(way):
    way.fall(N1=-0.10)
    way.fall(EVENT + 2, P1=-0.09)
    way.event["last_session_date"] = way.days[EVENT + 1]
    assert way.follow()["hit_order"].to_dict() == {"N1": 1, "P1": 2}


def test_a_fridays_close_in_the_east_precedes_the_news_and_is_not_asked(way):
    # New York's Friday ends after Tokyo's: what Tokyo lost on Friday was not of this event.
    way.fall(N1=-0.10)
    way.fall(EVENT - 1, T1=-0.10)
    assert set(way.follow().index) == {"N1"}


def test_a_venue_of_the_region_that_closes_later_on_the_day_before_is_before(way):
    way.instruments.loc[way.instruments["ticker"] == "P1", "exchange_mic"] = "XCBF"
    late = way.make.sessions("XCBF", way.days, "22:00")
    way.sessions = pd.concat([way.sessions, late], ignore_index=True)
    way.fall(N1=-0.10)
    way.fall(EVENT - 1, P1=-0.10)
    assert set(way.follow().index) == {"N1"}


def test_a_foreign_close_at_the_very_start_knows_nothing_of_the_news(way):
    way.instruments.loc[way.instruments["ticker"] == "P1", ["exchange_mic", "region"]] = (
        "BVMF",
        "BR",
    )
    together = way.make.sessions("BVMF", way.days, "21:00")
    way.sessions = pd.concat([way.sessions, together], ignore_index=True)
    way.fall(N1=-0.10)
    way.fall(EVENT - 1, P1=-0.10)
    assert set(way.follow().index) == {"N1"}


def test_a_holiday_moves_a_market_to_its_next_close(way):
    closed = (way.sessions["exchange_mic"] == "XTKS") & (
        way.sessions["session_date"] == way.days[EVENT]
    )
    way.sessions = way.sessions[~closed]
    way.returns = way.returns[~way.at("T1", EVENT) & ~way.at("T2", EVENT)]
    way.fall(N1=-0.10)
    way.fall(EVENT + 1, T1=-0.06)
    assert way.follow()["hit_order"].to_dict() == {"N1": 1, "T1": 2}


def test_the_link_is_the_closest_that_holds(way):
    way.fall(T1=-0.05, T2=-0.05, N1=-0.10, N2=-0.05, N3=-0.05, N4=-0.05, P1=-0.05, U1=-0.05)
    assert way.follow()["link"].to_dict() == {
        "T1": "same_sector",
        "T2": "other_sector",
        "N1": "source",
        "N2": "same_firm",
        "N3": "same_industry",
        "N4": "same_sector",
        "P1": "other_sector",
        "U1": "unknown",
    }


def test_without_a_source_nothing_is_after_it(way):
    way.event |= {"worst_listing_id": None, "origin_sector": None, "origin_industry": None}
    way.fall(T1=-0.05, N1=-0.10)
    found = way.follow()
    assert found["hours_after_source"].isna().all()
    assert set(found["link"]) == {"unknown"}
    assert found["hit_order"].to_dict() == {"T1": 1, "N1": 2}


def test_only_who_is_at_or_below_its_threshold_is_on_the_path(way):
    way.fall(T1=-0.0199, G1=-0.02, N1=-0.10, P1=0.3)
    assert set(way.follow().index) == {"G1", "N1"}


def test_who_gives_back_a_gain_of_the_event_has_not_fallen_in_it(way):
    way.fall(N1=-0.10, P1=0.05, N3=0.05)
    way.fall(EVENT + 1, P1=-0.04, N3=-0.06)
    found = way.follow()
    assert set(found.index) == {"N1", "N3"}
    assert found.loc["N3", "abnormal_return_since_start"] == pytest.approx(-0.01)


def test_without_a_model_a_listing_is_held_against_the_market(way):
    way.unmodelled("G1")
    way.returns.loc[way.at("G1", EVENT), ["log_return", "market_log_return"]] = -0.196, -0.003
    way.fall(N1=-0.10)
    found = way.follow().loc["G1"]
    past = way.returns[way.returns["ticker"] == "G1"].set_index("row")
    past = (past["log_return"] - past["market_log_return"]).loc[EVENT - 30 : EVENT - 2]
    assert len(past) == 29
    assert found["model"] == "market_adjusted"
    assert found["abnormal_return"] == pytest.approx(-0.193, abs=1e-15)
    assert found["abnormal_z"] == pytest.approx(-0.193 / np.std(past, ddof=1), rel=1e-12)


@pytest.mark.parametrize(("known", "is_there"), [(19, False), (20, True)])
def test_fewer_than_twenty_returns_say_of_nobody_how_far_it_strays(way, known, is_there):
    way.unmodelled("G1")
    early = (way.returns["ticker"] == "G1") & (way.returns["row"] < EVENT - 1 - known)
    way.returns.loc[early, "log_return"] = None
    way.returns.loc[way.at("G1", EVENT), "log_return"] = -0.2
    way.fall(N1=-0.10)
    assert ("G1" in way.follow().index) is is_there


def test_a_listing_that_never_left_the_market_has_no_threshold(way):
    way.unmodelled("G1")
    way.returns.loc[way.returns["ticker"] == "G1", "log_return"] = 0.0
    way.returns.loc[way.at("G1", EVENT), "log_return"] = -0.2
    way.fall(N1=-0.10)
    assert set(way.follow().index) == {"N1"}


def test_the_market_that_it_was_held_against_stands_beside_it(way):
    way.fall(N1=-0.10)
    way.returns.loc[way.at("N1", EVENT), ["market_log_return", "simple_return"]] = -0.014, -0.17
    found = way.follow().loc["N1"]
    assert (found["market"], found["market_log_return"]) == ("SPY", -0.014)
    assert (found["simple_return"], found["model"]) == (-0.17, "market_model")


def test_losses_are_of_firms_each_counted_once(way):
    way.returns["simple_return"] = -0.1
    way.shares = way.make.shares(N1=100.0, N2=100.0)
    way.fall(N1=-0.10, N2=-0.05, P1=-0.05)
    found = way.follow()
    lost = found["abnormal_market_value_lost_usd"]
    assert lost[["N1", "N2"]].tolist() == pytest.approx(
        [1000 * -np.expm1(-0.1), 1000 * -np.expm1(-0.05)]
    )
    assert pd.isna(lost["P1"])
    assert found["is_counted"].sum() == 2
    assert found.loc["P1", "is_counted"]


def test_funds_and_exchanges_without_a_calendar_have_no_place(way):
    way.instruments.loc[way.instruments["ticker"] == "N3", "asset_class"] = "etf"
    way.instruments.loc[way.instruments["ticker"] == "N4", "exchange_mic"] = "XXXX"
    way.fall(N1=-0.10, N3=-0.05, N4=-0.05)
    assert set(way.follow().index) == {"N1"}


def test_a_withdrawn_event_has_no_path(way):
    way.event["status"] = "withdrawn"
    way.fall(N1=-0.10)
    assert way.follow().empty


def test_provenance_is_that_of_the_fall(way):
    way.fall(N1=-0.10, P1=-0.05)
    way.returns["as_of"] = pd.Timestamp("2025-03-02")
    here = way.at("N1", EVENT)
    way.returns["n_flagged"] = here.astype(int) * 2
    way.returns["n_quarantined"] = here.astype(int)
    way.returns["has_simulated_inputs"] = here
    found = way.follow()
    told = ["n_flagged", "n_quarantined", "has_simulated_inputs"]
    assert found.loc["N1", told].tolist() == [2, 1, True]
    assert found.loc["P1", told].tolist() == [0, 0, False]
    assert set(found["as_of"]) == {pd.Timestamp("2025-03-02")}


def test_what_follows_the_path_changes_nothing_on_it(way):
    way.fall(T1=-0.05, G1=-0.04, N1=-0.10)
    way.fall(EVENT + 1, T2=-0.05, P1=-0.05)
    whole = way.follow()
    day = way.days[EVENT]
    way.returns = way.returns[way.returns["row"] <= EVENT]
    pd.testing.assert_frame_equal(way.follow(), whole[whole["session_date"] <= day])
