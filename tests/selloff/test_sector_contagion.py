from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from selloff._ibis import looked_up
from selloff.contagion_summary import summarized
from selloff.event_study.multiplicity import benjamini_hochberg
from selloff.portfolio_tests import portfolio_tests
from selloff.returns import MarketModel
from selloff.sector_contagion import Contagion, sector_rows, sector_series, with_roles
from selloff.sector_days import sector_days
from warehouse.tables.contagion import CONTAGION_MEASURES
from warehouse.tables.instruments import INSTRUMENTS, SESSIONS
from warehouse.tables.returns import ABNORMAL_RETURNS
from warehouse.tables.selloffs import SELLOFF_EVENTS, SELLOFF_METRICS
from warehouse.tables.spread import SECTOR_CONTAGION

COUNT, EVENT = 100, 70
USUAL = Contagion()
SHORT = Contagion(model=MarketModel(first=60, last=11, minimum=30))


class Scene:
    """Two chip makers, two utilities and a baker in the US, one chip maker in Tokyo; 100 days."""

    def __init__(self, bench, make):
        self.bench, self.make = bench, make
        self.days = make.days(COUNT + 5)
        self.names = ["C1", "C2", "P1", "P2", "F1", "T1"]
        self.instruments = make.listings(
            *self.names,
            sector=["Chips", "Chips", "Power", "Power", "Food", "Chips"],
            region=["US"] * 5 + ["JP"],
            exchange_mic=["XNYS"] * 5 + ["XTKS"],
        )
        random = np.random.default_rng(11)
        rows = [(name, row) for name in self.names for row in range(COUNT)]
        self.returns = pd.DataFrame(rows, columns=["ticker", "row"])
        self.returns["log_return"] = random.normal(0, 0.02, len(rows))
        market = np.random.default_rng(12).normal(0, 0.01, COUNT)
        self.returns["market_log_return"] = market[self.returns["row"]]
        self.returns["abnormal_return"] = self.returns["abnormal_z"] = 0.0
        self.origin = "Chips"
        self.status = "detected"
        self.losses = {}
        self.values = {}
        self.last = EVENT

    def set(self, row, **values):
        """Give a listing's abnormal return, and z a hundred times that, in the row's session."""
        for name, abnormal in values.items():
            here = (self.returns["ticker"] == name) & (self.returns["row"] == row)
            z = None if abnormal is None else abnormal * 100
            self.returns.loc[here, ["abnormal_return", "abnormal_z"]] = abnormal, z

    def move(self, **returns):
        """Give listings a log return in the event's session, all of it abnormal, z as `set`."""
        self.set(EVENT, **returns)
        for name, value in returns.items():
            here = (self.returns["ticker"] == name) & (self.returns["row"] == EVENT)
            self.returns.loc[here, "log_return"] = value

    def series(self, *names):
        """Return the mean log return of these listings, day by day."""
        own = self.returns[self.returns["ticker"].isin(names)]
        return own.groupby("row")["log_return"].mean()

    def measure(self, chosen=USUAL):
        """Return the sector table of the event, by sector."""
        put, days = self.bench.put, self.days
        event = {
            "event_id": "e",
            "region": "US",
            "session_date": days[EVENT],
            "last_session_date": days[self.last],
            "started_at": days[EVENT - 1] + pd.Timedelta("21h"),
            "origin_sector": self.origin,
            "status": self.status,
            "n_falling": 0,
            "n_listings": 0,
            "severity": 1.0,
        }
        lost = pd.DataFrame(
            {
                "event_id": "e",
                "ticker": self.names,
                "session_date": days[EVENT],
                "close": 1.0,
                "drawdown": 0.0,
                "abnormal_market_value_lost_usd": [self.losses.get(n) for n in self.names],
                "shares_outstanding": [self.values.get(n) for n in self.names],
                "usd_per_currency": 0.5,
                "previous_close": 2.0,
            }
        )
        rows = self.returns.assign(session_date=days[self.returns["row"]]).drop(columns="row")
        sessions = [self.make.sessions("XNYS", days), self.make.sessions("XTKS", days, "06:00")]
        events, fitted = put(SELLOFF_EVENTS, pd.DataFrame([event])), put(ABNORMAL_RETURNS, rows)
        listed = put(INSTRUMENTS, self.instruments)
        metrics = put(SELLOFF_METRICS, lost.astype(dict.fromkeys(lost.columns[5:], float)))
        calendar = put(SESSIONS, pd.concat(sessions, ignore_index=True))
        measures, run = self.bench.empty(CONTAGION_MEASURES), self.bench.run
        series = run(("series", chosen), lambda: sector_series(events, fitted, listed, chosen))
        found = run(
            ("rows", chosen),
            lambda: looked_up(
                sector_rows(
                    events, metrics, fitted, listed, calendar, sector_days(fitted, listed), chosen
                ),
                summarized(events, measures),
                ("event_id", "sector"),
            ),
        )
        found = with_roles(found, portfolio_tests(series, chosen.model), chosen)
        return self.bench.hold(SECTOR_CONTAGION, found).set_index("sector")


@pytest.fixture
def scene(bench, make):
    return Scene(bench, make)


def test_members_are_the_regions_equities_with_an_abnormal_return(scene):
    scene.set(EVENT, C1=-0.05, C2=-0.01, P1=-0.03, P2=None, T1=-0.5)
    scene.losses = {"C1": 5.0, "C2": 2.0}
    found = scene.measure()
    assert found["n_members"].to_dict() == {"Chips": 2, "Food": 1, "Power": 1}
    chips = found.loc["Chips"]
    assert chips["mean_abnormal_return"] == pytest.approx(-0.03)
    assert chips["median_abnormal_return"] == pytest.approx(-0.03)
    assert chips["share_falling"] == 0.5
    assert chips["abnormal_market_value_lost_usd"] == 7.0
    assert pd.isna(found.loc["Power", "abnormal_market_value_lost_usd"])


@pytest.mark.parametrize(("primary", "lost"), [("C1", 5.0), ("C2", 7.0), ("T1", 7.0)])
def test_a_sector_counts_each_firm_once(scene, primary, lost):
    scene.losses = {"C1": 5.0, "C2": 7.0, "T1": 6.0}
    scene.values = {"C1": 50.0, "C2": 70.0, "T1": 90.0}
    firm = scene.instruments["ticker"].isin(scene.losses)
    scene.instruments["issuer_id"] = firm.map({True: "chips", False: None})
    scene.instruments["is_primary"] = ~firm | (scene.instruments["ticker"] == primary)
    # Tokyo's listing is no member: without a primary one in New York the more valuable counts.
    assert scene.measure().loc["Chips", "abnormal_market_value_lost_usd"] == lost


def test_correlations_are_those_of_the_sessions_around_the_event(scene):
    found = scene.measure()
    chips, power = scene.series("C1", "C2"), scene.series("P1", "P2")
    before = np.corrcoef(chips[EVENT - 60 : EVENT], power[EVENT - 60 : EVENT])[0, 1]
    after = np.corrcoef(chips[EVENT + 1 : EVENT + 21], power[EVENT + 1 : EVENT + 21])[0, 1]
    got = found.loc["Power", ["correlation_before", "correlation_after"]]
    assert got.tolist() == pytest.approx([before, after], rel=1e-12)
    assert set(found["n_before"]) == {60}
    assert set(found["n_after"]) == {20}
    assert set(found["observed_through"]) == {scene.days[EVENT + 20]}
    origin = found.loc["Chips", ["correlation_before", "correlation_after"]]
    assert origin.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(("sessions", "is_known"), [(4, False), (5, True)])
def test_fewer_than_five_pairs_give_no_correlation(scene, sessions, is_known):
    scene.returns = scene.returns[scene.returns["row"] <= EVENT + sessions]
    found = scene.measure()
    assert found["n_after"].tolist() == [sessions] * 3
    assert found["correlation_after"].notna().tolist() == [is_known] * 3
    assert set(found["observed_through"]) == {scene.days[EVENT + sessions]}


def test_before_any_session_follows_nothing_is_observed(scene):
    scene.returns = scene.returns[scene.returns["row"] <= EVENT]
    found = scene.measure()
    assert found["observed_through"].isna().all()
    assert found["n_after"].tolist() == [0, 0, 0]
    assert found["correlation_before"].notna().all()


def test_without_an_origin_there_is_no_correlation(scene):
    scene.origin = None
    found = scene.measure()
    assert found[["correlation_before", "correlation_after"]].isna().all(axis=None)
    assert found["n_before"].tolist() == [0, 0, 0]


def test_a_sector_that_stood_still_has_no_correlation(scene):
    scene.returns.loc[scene.returns["ticker"] == "F1", "log_return"] = 0.001
    found = scene.measure()
    assert pd.isna(found.loc["Food", "correlation_before"])
    assert found.loc["Food", "n_before"] == 60


def test_sectors_are_ranked_by_the_close_at_which_they_first_fell(scene):
    scene.set(EVENT, T1=-0.03, P1=-0.02, P2=-0.02, C1=-0.05, C2=-0.05)
    scene.set(EVENT + 1, F1=-0.09)
    found = scene.measure()
    tokyo = scene.days[EVENT] + pd.Timedelta("6h")
    new_york = scene.days[EVENT] + pd.Timedelta("21h")
    assert found.loc["Chips", "first_falling_at"] == tokyo
    assert found.loc["Chips", "first_falling_region"] == "JP"
    assert found.loc["Power", "first_falling_at"] == new_york
    assert found.loc["Food", "first_falling_at"] == new_york + pd.Timedelta("1D")
    ranks = found["first_falling_order"].to_dict()
    assert ranks == {"Chips": 1, "Power": 2, "Food": 3}


def test_equal_closes_share_a_rank_and_the_next_follows_without_a_gap(scene):
    scene.set(EVENT, P1=-0.02, P2=-0.02, C1=-0.05, C2=-0.05)
    scene.set(EVENT + 1, F1=-0.09)
    ranks = scene.measure()["first_falling_order"].to_dict()
    assert ranks == {"Chips": 1, "Power": 1, "Food": 2}


@pytest.mark.parametrize("row", [EVENT - 1, EVENT + 2])
def test_falls_before_the_start_or_after_the_next_session_do_not_count(scene, row):
    scene.set(row, F1=-0.09)
    found = scene.measure()
    assert found["first_falling_at"].isna().all()
    assert found["first_falling_order"].isna().all()


def test_a_longer_event_is_watched_longer(scene):
    scene.set(EVENT + 2, F1=-0.09)
    scene.last = EVENT + 1
    fallen = scene.measure()["first_falling_at"].dropna()
    assert fallen.to_dict() == {"Food": scene.days[EVENT + 2] + pd.Timedelta("21h")}


def test_a_mean_above_the_threshold_is_no_fall_of_the_sector(scene):
    scene.set(EVENT, C1=-0.05, C2=0.02)
    found = scene.measure()
    assert pd.isna(found.loc["Chips", "first_falling_at"])
    assert found.loc["Chips", "share_falling"] == 0.5


def test_provenance_covers_members_and_windows(scene):
    scene.returns["n_flagged"] = (scene.returns["ticker"] == "P1").astype(int)
    scene.returns["n_quarantined"] = (scene.returns["ticker"] == "C2") * 3
    scene.returns["has_simulated_inputs"] = scene.returns["ticker"] == "C2"
    late = (scene.returns["row"] == EVENT + 20) & (scene.returns["ticker"] == "F1")
    scene.returns["as_of"] = pd.Timestamp("2025-03-02")
    scene.returns.loc[late, "as_of"] = pd.Timestamp("2025-04-01")
    found = scene.measure()
    assert found["n_flagged"].to_dict() == {"Chips": 0, "Food": 0, "Power": 1}
    assert found["n_quarantined"].to_dict() == {"Chips": 3, "Food": 0, "Power": 0}
    assert found["has_simulated_inputs"].to_dict() == {"Chips": True, "Food": False, "Power": False}
    assert set(found["as_of"]) == {pd.Timestamp("2025-04-01")}


def test_the_source_is_the_origin_and_others_are_hit_spared_or_raised(scene):
    scene.move(C1=-0.10, C2=-0.08, P1=-0.25, P2=-0.15, F1=0.2)
    found = scene.measure(SHORT)
    assert found["role"].to_dict() == {"Chips": "source", "Food": "raised", "Power": "hit"}
    assert found["is_source"].to_dict() == {"Chips": True, "Food": False, "Power": False}
    assert found["is_hit"].to_dict() == {"Chips": True, "Food": False, "Power": True}
    assert found["hit_rank"].to_dict() == {"Power": 1, "Chips": 2, "Food": 3}
    assert (np.sign(found["statistic"]) == [-1, 1, -1]).all()
    expected = benjamini_hochberg(found["p_value"].to_numpy())
    assert found["adjusted_p_value"].to_numpy() == pytest.approx(expected, rel=1e-15)
    assert set(found["n_estimation"]) == {50}


def test_a_sector_that_moves_as_on_other_days_is_spared(scene):
    scene.move(C1=-0.10, C2=-0.08, P1=-0.01, P2=0.01, F1=0.005)
    found = scene.measure(SHORT)
    assert found["role"].to_dict() == {"Chips": "source", "Food": "spared", "Power": "spared"}
    assert not found.loc[["Food", "Power"], "is_hit"].any()


def test_the_portfolio_of_the_test_is_that_of_the_events_members(scene):
    scene.set(EVENT, P2=None)
    found = scene.measure(SHORT)
    of_both = scene.measure(SHORT).loc["Power", "statistic"]
    pair = scene.returns[scene.returns["ticker"] == "P1"].set_index("row")
    y, x = pair["log_return"], pair["market_log_return"]
    rows = slice(EVENT - 60, EVENT - 11)
    design = np.column_stack([np.ones(50), x.loc[rows]])
    fit, *_ = np.linalg.lstsq(design, y.loc[rows].to_numpy(), rcond=None)
    residual = y.loc[rows].to_numpy() - design @ fit
    today = np.array([1.0, x[EVENT]])
    spread = 1 + today @ np.linalg.inv(design.T @ design) @ today
    t = (y[EVENT] - today @ fit) / np.sqrt(residual @ residual / 48 * spread)
    assert found.loc["Power", "n_members"] == 1
    assert of_both == pytest.approx(t, rel=1e-10)


def test_with_too_few_sessions_nothing_is_called_hit_or_not(scene):
    scene.move(C1=-0.10, C2=-0.08, P1=-0.25, P2=-0.15)
    found = scene.measure(Contagion(model=MarketModel(first=60, last=11, minimum=51)))
    assert found["role"].to_dict() == {"Chips": "source", "Food": "untested", "Power": "untested"}
    tested = ["is_hit", "statistic", "p_value", "adjusted_p_value", "n_estimation"]
    assert found[tested].isna().all(axis=None)
    assert found["hit_rank"].to_dict() == {"Power": 1, "Chips": 2, "Food": 3}


def test_without_an_origin_no_sector_is_the_source(scene):
    scene.origin = None
    found = scene.measure()
    assert not found["is_source"].any()
    assert "source" not in set(found["role"])


def test_equal_means_share_a_rank_and_the_next_leaves_a_gap(scene):
    scene.set(EVENT, C1=-0.02, C2=-0.02, P1=-0.02, P2=-0.02)
    assert scene.measure()["hit_rank"].to_dict() == {"Chips": 1, "Power": 1, "Food": 3}


def test_the_hardest_hit_member_is_that_with_the_lowest_z(scene):
    scene.set(EVENT, C1=-0.05, C2=-0.01, P1=-0.03, P2=-0.03)
    found = scene.measure()
    assert found["hardest_hit_listing_id"].to_dict() == {
        "Chips": "X:C1",
        "Food": "X:F1",
        "Power": "X:P1",
    }
    assert found["hardest_hit_abnormal_z"].to_dict() == {"Chips": -5, "Food": 0, "Power": -3}
    assert found["mean_abnormal_z"].to_dict() == {"Chips": -3, "Food": 0, "Power": -3}


def test_the_mean_by_value_counts_each_firm_once_and_needs_half_of_the_members(scene):
    scene.set(EVENT, C1=-0.05, C2=-0.01, P1=-0.03, P2=-0.02)
    scene.values = {"C1": 30.0, "C2": 10.0, "P1": 5.0}
    found = scene.measure()["value_weighted_abnormal_return"]
    assert found["Chips"] == pytest.approx(-0.04)
    assert found["Power"] == pytest.approx(-0.03)
    assert pd.isna(found["Food"])
    scene.instruments["issuer_id"] = (
        scene.instruments["ticker"].isin(["C1", "C2"]).map({True: "chips", False: None})
    )
    scene.instruments["is_primary"] = scene.instruments["ticker"] != "C1"
    assert scene.measure()["value_weighted_abnormal_return"]["Chips"] == pytest.approx(-0.01)
    scene.values = {"C1": 30.0}
    scene.instruments = scene.instruments.drop(columns=["issuer_id", "is_primary"])
    scene.instruments.loc[scene.instruments["ticker"] == "F1", "sector"] = "Chips"
    assert pd.isna(scene.measure()["value_weighted_abnormal_return"]["Chips"])


def test_a_sector_of_many_is_falling_at_a_smaller_mean_than_a_listing_alone(scene):
    calm = scene.returns["row"] < EVENT
    z = np.random.default_rng(5).normal(size=len(scene.returns))
    scene.returns.loc[calm, "abnormal_z"] = z[calm]
    scene.set(EVENT, C1=-0.03, C2=-0.008)
    means = scene.returns[calm & scene.returns["ticker"].isin(["C1", "C2"])]
    means = means.groupby("row")["abnormal_z"].mean()[: EVENT - 10]
    # -1.9 is above -2, and 2.7 times as far as the mean of two usually strays.
    assert -1.9 / means.std() < -2.4
    assert scene.measure()["first_falling_order"].dropna().to_dict() == {"Chips": 1}


def test_a_sector_that_gives_back_a_gain_of_the_event_has_not_fallen(scene):
    scene.set(EVENT, F1=0.05)
    scene.set(EVENT + 1, F1=-0.03)
    assert scene.measure()["first_falling_at"].isna().all()
    scene.set(EVENT + 1, F1=-0.06)
    assert scene.measure()["first_falling_order"].dropna().to_dict() == {"Food": 1}


def test_what_follows_the_event_changes_neither_roles_nor_tests(scene):
    scene.move(C1=-0.10, C2=-0.08, P1=-0.25, P2=-0.15, F1=0.2)
    outcomes = ["correlation_after", "n_after", "observed_through", "as_of"]
    whole = scene.measure(SHORT).drop(columns=outcomes)
    scene.returns = scene.returns[scene.returns["row"] <= EVENT]
    pd.testing.assert_frame_equal(scene.measure(SHORT).drop(columns=outcomes), whole)


def test_a_withdrawn_event_has_no_sectors(scene):
    scene.status = "withdrawn"
    assert scene.measure().empty


@pytest.mark.parametrize(
    "wrong", [{"window_after": -1}, {"minimum": 1}, {"false_discovery_rate": 0.0}]
)
def test_settings_that_cannot_be_meant_are_refused(wrong):
    with pytest.raises(ValueError, match=r"two at least|between 0 and 1"):
        Contagion(**wrong)
