from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from selloff.detection import Detection
from warehouse.tables.instruments import INSTRUMENTS, SESSIONS, SHARES_OUTSTANDING
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.returns import ABNORMAL_RETURNS, MARKET_RETURNS
from warehouse.tables.valuation import FX_RATES

NOTHING = pd.DataFrame()


class Scene:
    """Twenty US equities of five sectors over ten sessions in which nothing happens, until told."""

    sectors = ("Chips", "Power", "Food", "Banks", "Homes")

    def __init__(self, bench, make):
        self.bench, self.make = bench, make
        self.days = make.days(10)
        names = [f"E{n:02d}" for n in range(20)]
        sectors = [self.sectors[n // 4] for n in range(20)]
        spy = make.listings("SPY", asset_class="etf", exchange_mic="ARCX")
        self.instruments = pd.concat(
            [spy, make.listings(*names, sector=sectors)], ignore_index=True
        )
        rows = [(name, day) for name in names for day in range(1, 10)]
        self.returns = pd.DataFrame(rows, columns=["ticker", "row"])
        self.returns["abnormal_return"] = self.returns["abnormal_z"] = 0.0
        bars = pd.DataFrame([(n, d) for n in names for d in range(10)], columns=["ticker", "row"])
        self.bars = bars.assign(close=100.0)
        self.market = pd.DataFrame({"row": range(10), "market_z": 0.0, "market_return": 0.0})
        self.market["region"] = "US"
        self.shares = make.shares()
        self.declared = None
        self.rates = make.rates("USD", [])
        self.sessions = pd.concat(
            [make.sessions("ARCX", self.days), make.sessions("XNYS", self.days, "20:00")],
            ignore_index=True,
        )

    def fall(self, row, count, z=-3.0, abnormal=-0.1, sector=None, close=90.0):
        """Let the first `count` equities (of a sector) fall in the session of that row."""
        names = self.instruments.query("asset_class == 'equity'")
        names = names if sector is None else names[names["sector"] == sector]
        fallen = names["ticker"].head(count)
        hit = self.returns["ticker"].isin(fallen) & (self.returns["row"] == row)
        self.returns.loc[hit, ["abnormal_z", "abnormal_return"]] = z, abnormal
        hit = self.bars["ticker"].isin(fallen) & (self.bars["row"] == row)
        self.bars.loc[hit, "close"] = close

    def crash(self, row, z, **columns):
        """Let the market fall in the session of that row."""
        self.market.loc[self.market["row"] == row, "market_z"] = z
        for name, value in columns.items():
            self.market.loc[self.market["row"] == row, name] = value

    def find(self, previous=NOTHING, thresholds=None, *, instruments=None):
        """Return the events, checked by contract."""
        dated = []
        steps = self.bars.sort_values(["ticker", "row"], ignore_index=True)
        before = steps.groupby("ticker")["close"].shift()
        steps = steps[["ticker", "row"]].assign(simple_return=steps["close"] / before - 1)
        returns = self.returns.merge(steps, on=["ticker", "row"], how="left")
        for frame in (returns, self.market, self.bars):
            rows = frame.assign(session_date=self.days[frame["row"]])
            dated.append(rows.drop(columns="row"))
        before = self.days[self.returns["row"] - 1]
        put = self.bench.put
        put(ABNORMAL_RETURNS, dated[0].assign(previous_session_date=before))
        put(MARKET_RETURNS, dated[1].assign(log_level=0.0))
        put(DAILY_PRICES, dated[2])
        put(INSTRUMENTS, self.instruments if instruments is None else instruments)
        put(SESSIONS, self.sessions)
        put(SHARES_OUTSTANDING, self.shares)
        put(FX_RATES, self.rates)
        self.held = self.bench.detect(previous, thresholds, self.declared)
        return self.held["selloff_events"]


@pytest.fixture
def scene(bench, make):
    return Scene(bench, make)


def test_a_quiet_market_has_no_events(scene):
    assert scene.find().empty


@pytest.mark.parametrize(("z", "count"), [(-2.5, 1), (-2.4999999, 0)])
def test_a_market_at_its_threshold_is_a_selloff(scene, z, count):
    scene.crash(5, z)
    assert len(scene.find()) == count


@pytest.mark.parametrize(
    ("falling", "z", "count"), [(5, -2.0, 1), (4, -9.0, 0), (5, -1.9999999, 0)]
)
def test_five_falling_listings_are_a_selloff_and_four_are_not(scene, falling, z, count):
    scene.fall(5, falling, z)
    assert len(scene.find()) == count


@pytest.mark.parametrize(("listings", "count"), [(20, 1), (21, 0)])
def test_the_share_of_falling_listings_counts_at_fifteen_percent_exactly(scene, listings, count):
    extra = scene.make.listings(*(f"F{n}" for n in range(listings - 20)), sector="Food")
    more = pd.DataFrame({"ticker": extra["ticker"], "row": 5, "abnormal_z": 0.0})
    scene.instruments = pd.concat([scene.instruments, extra], ignore_index=True)
    scene.returns = pd.concat([scene.returns, more], ignore_index=True)
    scene.bars = pd.concat([scene.bars, more.assign(close=1.0)[["ticker", "row", "close"]]])
    scene.fall(5, 3)
    found = scene.find(thresholds=Detection(min_falling=3))
    assert len(found) == count


def test_only_equities_with_a_z_count(scene):
    scene.fall(5, 5)
    unknown = (scene.returns["row"] == 5) & (scene.returns["ticker"] >= "E10")
    scene.returns.loc[unknown, "abnormal_z"] = None
    found = scene.find()
    assert found[["n_falling", "n_listings", "breadth"]].iloc[0].tolist() == [5, 10, 0.5]
    funds = scene.instruments.assign(asset_class="etf")
    assert scene.find(instruments=funds).empty


def test_the_figures_are_those_of_the_first_session(scene):
    scene.shares = scene.make.shares(E00=1e6, E04=3e6)
    scene.crash(5, -1.5, market_return=-0.014)
    scene.fall(5, 2, abnormal=-0.2, sector="Chips")
    scene.fall(5, 4, abnormal=-0.1, sector="Power")
    scene.fall(6, 8, close=10.0)
    event = scene.find().iloc[0]
    assert event["session_date"] == scene.days[5]
    assert event["last_session_date"] == scene.days[6]
    assert event["scope"] == "sector"
    assert event["market"] == "SPY"
    assert (event["market_z"], event["market_return"]) == (-1.5, -0.014)
    assert (event["n_falling"], event["n_listings"], event["breadth"]) == (6, 20, 0.3)
    # Each lost 10 of 100; the abnormal loss is larger in Power: 3e8 (1 - e^-0.1) > 1e8 (1 - e^-0.2)
    assert event["market_value_lost_usd"] == pytest.approx(4e7)
    assert event["origin_sector"] == "Power"
    # Mean abnormal return: Chips -0.1 (two of four at -0.2), Power -0.1; the tie goes by name.
    assert event["hardest_hit_sector"] == "Chips"
    # 8 of 20 in the second session, over 15%.
    assert event["threshold_multiple"] == pytest.approx(0.4 / 0.15)
    assert event["worst_session_date"] == scene.days[6]
    assert event["n_sessions"] == 2


def test_a_firm_with_two_listings_loses_its_market_value_once(scene):
    scene.shares = scene.make.shares(E00=1e6, E01=1e6, E04=1.5e6)
    scene.instruments["issuer_id"] = None
    scene.instruments["is_primary"] = True
    dual = scene.instruments["ticker"].isin(["E00", "E01"])
    scene.instruments.loc[dual, "issuer_id"] = "dual"
    scene.instruments.loc[dual, "is_primary"] = [False, True]
    scene.fall(5, 6)
    event = scene.find().iloc[0]
    # E01 alone of E00 and E01: (1.0 + 1.5) million shares x 10. So Power, not Chips, lost most.
    assert event["market_value_lost_usd"] == pytest.approx(2.5e7)
    assert event["origin_sector"] == "Power"


def test_losses_abroad_are_in_usd_at_the_rate_of_the_close_before(scene):
    scene.shares = scene.make.shares(E00=1e6, E01=1e6)
    scene.bars["currency"] = np.where(scene.bars["ticker"] == "E01", "EUR", "USD")
    scene.rates = scene.make.rates("EUR", [9, 9, 9, 9, 1.2, 9])
    scene.fall(5, 6)
    assert scene.find()["market_value_lost_usd"].tolist() == [pytest.approx(1e7 + 1.2e7)]


def test_the_event_starts_at_the_close_of_the_markets_exchange_before_it(scene):
    scene.crash(5, -3.0)
    assert scene.find()["started_at"].tolist() == [scene.days[4] + pd.Timedelta("21h")]


@pytest.mark.parametrize(("mic", "expected"), [(None, "20:00"), ("XNOWHERE", "20:00")])
def test_without_that_exchange_the_regions_first_close_counts(scene, mic, expected):
    scene.crash(5, -3.0)
    unknown = scene.instruments["ticker"] == "SPY"
    listed = scene.instruments.assign(exchange_mic=lambda t: t["exchange_mic"].mask(unknown, mic))
    start = scene.find(instruments=listed)["started_at"].iloc[0]
    assert start == scene.days[4] + pd.Timedelta(f"{expected}:00")


def test_without_any_calendar_the_day_of_the_session_before_is_over(scene):
    scene.crash(5, -3.0)
    start = scene.find(instruments=scene.instruments.assign(exchange_mic=None))["started_at"]
    assert start.tolist() == [scene.days[4] + pd.Timedelta("1D")]


@pytest.mark.parametrize(
    ("gap", "firsts", "lasts"),
    [(0, [2, 5, 8], [3, 5, 8]), (1, [2, 8], [5, 8]), (2, [2], [8])],
)
def test_sessions_with_no_more_than_the_gap_between_them_are_one_event(scene, gap, firsts, lasts):
    for row in (2, 3, 5, 8):
        scene.crash(row, -3.0)
    found = scene.find(thresholds=Detection(gap=gap)).sort_values("session_date")
    assert found["session_date"].tolist() == [scene.days[row] for row in firsts]
    assert found["last_session_date"].tolist() == [scene.days[row] for row in lasts]


def test_neighbours_are_sessions_of_the_region_not_days(scene):
    scene.market = scene.market[scene.market["row"] != 4]
    scene.crash(3, -3.0)
    scene.crash(5, -4.0)
    found = scene.find()
    assert found["last_session_date"].tolist() == [scene.days[5]]
    assert found["threshold_multiple"].tolist() == [pytest.approx(1.6)]


def test_a_market_fall_gives_a_market_event_of_unknown_origin(scene):
    scene.crash(5, -5.0)
    event = scene.find().iloc[0]
    assert event["event_id"] == f"market-us-unknown-{scene.days[5].date()}"
    assert pd.isna(event["origin_sector"])
    assert pd.isna(event["market_value_lost_usd"])
    assert event["threshold_multiple"] == 2.0


def test_the_identity_tells_scope_region_origin_and_day(scene):
    scene.shares = scene.make.shares(E00=1e6)
    scene.instruments = scene.instruments.replace({"sector": {"Chips": "Information Technology"}})
    scene.fall(5, 6)
    expected = f"sector-us-information-technology-{scene.days[5].date()}"
    assert scene.find()["event_id"].tolist() == [expected]


def test_a_share_count_learned_later_makes_no_origin(scene):
    scene.shares = scene.make.shares(E00=1e6).assign(known_on=scene.days[5])
    scene.fall(5, 6)
    assert scene.find()["origin_sector"].isna().all()


def test_a_sector_that_gained_is_no_origin(scene):
    scene.shares = scene.make.shares(E00=1e6)
    scene.crash(5, -3.0)
    scene.fall(5, 1, z=2.0, abnormal=0.1)
    assert scene.find()["origin_sector"].isna().all()


def test_a_sector_of_one_listing_is_hardest_hit_only_where_there_is_no_other(scene):
    scene.fall(5, 1, abnormal=-0.9, sector="Homes")
    scene.fall(5, 4, abnormal=-0.2, sector="Power")
    lonely = scene.instruments["ticker"].isin(["E17", "E18", "E19"])
    listed = scene.instruments.assign(sector=lambda t: t["sector"].mask(lonely))
    assert scene.find(instruments=listed)["hardest_hit_sector"].tolist() == ["Power"]


@pytest.mark.parametrize("simulated", ["market", "bar"])
def test_a_simulated_session_yields_no_event(scene, simulated):
    scene.crash(5, -5.0)
    scene.fall(5, 10)
    frame = scene.market if simulated == "market" else scene.returns
    frame["is_simulated"] = frame["row"] == 5
    if simulated == "bar":
        frame["is_simulated"] &= frame["ticker"] == "E19"
    assert scene.find().empty


def test_a_real_session_on_simulated_history_says_so(scene):
    scene.crash(5, -5.0)
    scene.returns["has_simulated_inputs"] = scene.returns["ticker"] == "E07"
    assert scene.find()["has_simulated_inputs"].tolist() == [True]


def test_a_market_borrowed_from_elsewhere_makes_no_event_but_its_listings_do(scene):
    scene.market["market"] = "SPY, previous close"
    scene.crash(5, -5.0)
    assert scene.find().empty
    scene.fall(7, 6)
    found = scene.find()
    assert found["session_date"].tolist() == [scene.days[7]]
    assert found["threshold_multiple"].tolist() == [pytest.approx(2.0)]


def test_flagged_bars_behind_the_first_session_are_counted(scene):
    scene.fall(5, 6)
    scene.fall(6, 6)
    scene.bars["quality_flags"] = ""
    here = scene.bars["ticker"].isin(["E00", "E01"]) & scene.bars["row"].isin([3, 4, 5, 6])
    scene.bars.loc[here, "quality_flags"] = "stale"
    scene.bars["n_quarantined"] = here * scene.bars["row"]
    found = scene.find()
    assert found["n_flagged"].tolist() == [4]
    # Of two listings, in the event's first session and in the one before.
    assert found["n_quarantined"].tolist() == [2 * (5 + 4)]


def test_a_bar_is_doubtful_for_either_reason_and_so_is_the_one_before(scene):
    scene.fall(5, 6)
    bars = scene.bars.assign(quality_flags="", n_quarantined=0)
    bars.loc[(bars["ticker"] == "E00") & (bars["row"] == 5), "n_quarantined"] = 3
    bars.loc[(bars["ticker"] == "E01") & (bars["row"] == 4), "n_quarantined"] = 2
    bars.loc[(bars["ticker"] == "E02") & (bars["row"] == 4), "quality_flags"] = "stale"
    scene.bars = bars
    found = scene.find()
    assert found[["n_flagged", "n_quarantined"]].to_numpy().tolist() == [[1, 5]]


def test_as_of_is_the_newest_vintage_of_its_sessions_and_of_those_they_are_held_against(scene):
    scene.crash(5, -3.0)
    scene.crash(6, -3.0)
    stamps = {4: "2025-06-01", 6: "2025-05-01", 7: "2025-07-01"}
    scene.returns["as_of"] = scene.returns["row"].map(stamps).fillna("2025-01-01")
    scene.market["as_of"] = "2025-01-01"
    assert scene.find()["as_of"].tolist() == [pd.Timestamp("2025-06-01")]


def test_an_event_keeps_its_name_when_its_origin_becomes_known(scene):
    scene.fall(5, 6)
    first = scene.find()
    scene.shares = scene.make.shares(E00=1e6)
    scene.fall(6, 6)
    second = scene.find(first)
    assert second["event_id"].tolist() == first["event_id"].tolist()
    assert second["origin_sector"].tolist() == ["Chips"]
    assert second["last_session_date"].tolist() == [scene.days[6]]


def test_an_event_that_is_no_longer_found_is_withdrawn_and_can_return(scene):
    scene.crash(5, -3.0)
    first = scene.find()
    scene.crash(5, 0.0)
    gone = scene.find(first)
    assert gone["status"].tolist() == ["withdrawn"]
    assert gone.drop(columns="status").equals(first.drop(columns="status"))
    assert scene.find(gone)["status"].tolist() == ["withdrawn"]
    scene.crash(5, -3.0)
    again = scene.find(gone)
    pd.testing.assert_frame_equal(again, first)


def test_new_events_stand_beside_withdrawn_ones(scene):
    scene.crash(5, -3.0)
    first = scene.find()
    scene.crash(5, 0.0)
    scene.crash(8, -3.0)
    found = scene.find(first).sort_values("session_date")
    assert found["status"].tolist() == ["withdrawn", "detected"]


@pytest.mark.parametrize(
    "wrong", [{"market_z": 2.5}, {"breadth": 0.0}, {"breadth": 15.0}, {"listing_z": 2.0}]
)
def test_thresholds_of_the_wrong_sign_or_in_percent_are_refused(wrong):
    with pytest.raises(ValueError, match="thresholds"):
        Detection(**wrong)


def test_the_multiple_of_a_rising_market_is_its_breadth_alone(scene):
    scene.crash(5, 4.0)
    scene.fall(5, 6)
    assert math.isclose(scene.find()["threshold_multiple"].iloc[0], 0.3 / 0.15)
