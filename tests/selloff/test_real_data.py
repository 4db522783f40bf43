"""Around January 2025, against figures computed with plain numpy from the same file."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

SHARED = Path(__file__).parents[2] / "../shared/data"
DAY, DECEMBER = pd.Timestamp("2025-01-27"), pd.Timestamp("2024-12-18")
FIRST, LAST = pd.Timestamp("2024-12-17"), pd.Timestamp("2025-02-28")

pytestmark = pytest.mark.skipif(
    not SHARED.exists(), reason="needs ../shared/data, not in the clone"
)


def instruments():
    from resources.reference import Reference

    return Reference().instruments().to_pandas(date_as_object=False)


def test_the_constituents_are_those_of_the_index_at_the_end_of_2024():
    listed = instruments()
    entered = listed[listed["constituent_from"] <= pd.Timestamp("2024-12-27")]
    members = pd.read_csv(SHARED / "reference/constituents_2024-12-27.csv")["Symbol"]
    us_equities = listed[(listed["asset_class"] == "equity") & (listed["region"] == "US")]
    assert set(entered["ticker"]) == set(us_equities["ticker"]) & set(members)


def vintages(listed):
    bars = pd.read_parquet(SHARED / "prices/ai_selloff_2025.parquet")
    bars = bars.rename(columns={"date": "session_date"}).drop(
        columns=["source", "basis", "n_sources"]
    )
    bars = bars.merge(listed[["ticker", "listing_id"]], on="ticker")
    return bars.astype({"session_date": "datetime64[s]"})


def shares(listed):
    known = pd.read_csv(SHARED / "reference/us_shares_2025-01-24.csv")
    known = known.rename(columns={"symbol": "ticker"}).assign(known_on=date(2025, 1, 24))
    kept = listed[["ticker", "listing_id"]]
    return known.drop(columns="close").merge(kept, on="ticker")


def sessions(listed):
    import pyarrow as pa

    from resources import calendars

    mics = sorted(set(listed["exchange_mic"].dropna()))
    days = date(2023, 11, 1), date(2025, 3, 31)
    return pa.concat_tables([calendars.sessions(mic, *days) for mic in mics]).to_pandas()


@pytest.fixture(scope="module")
def held(chain):
    listed = instruments()
    world = SimpleNamespace(
        vintages=vintages(listed),
        instruments=listed,
        sessions=sessions(listed),
        shares=shares(listed),
    )
    return chain(world) | {"instruments": listed}


@pytest.fixture(scope="module")
def members(held):
    """Return the abnormal returns of the S&P 500 members in the file."""
    of_index = pd.read_csv(SHARED / "reference/constituents_2024-12-27.csv")["Symbol"]
    listed = held["instruments"][held["instruments"]["ticker"].isin(of_index)]
    return held["abnormal_returns"].merge(listed[["listing_id", "sector"]], on="listing_id")


def test_spy_fell_five_sigmas_in_december_and_not_two_in_january(held):
    spy = held["market_returns"].query("region == 'US'").set_index("session_date")
    assert spy.loc[DECEMBER, "market_z"] == pytest.approx(-5.2376, abs=5e-5)
    assert spy.loc[DAY, "market_z"] == pytest.approx(-1.6529, abs=5e-5)
    window = spy.loc[FIRST:LAST]
    assert window.index[window["market_z"] <= -2.5].tolist() == [DECEMBER]


def test_eleven_of_forty_nine_members_fell_abnormally(members):
    found = members[members["session_date"] == DAY]["abnormal_z"].dropna()
    assert (len(found), (found <= -2).sum()) == (49, 11)
    days = members[members["session_date"].between(FIRST, LAST)].dropna(subset="abnormal_z")
    breadth = (days["abnormal_z"] <= -2).groupby(days["session_date"]).mean()
    assert breadth.drop(DAY).max() < 0.082


def test_utilities_were_hit_hardest_and_technology_lost_most(held):
    found = held["sector_contagion"].query("session_date == @DAY").set_index("sector")
    mean = found["mean_abnormal_return"]
    assert mean["Utilities"] == pytest.approx(-0.1576, abs=5e-5)
    assert mean["Information Technology"] == pytest.approx(-0.0431, abs=5e-5)
    assert found["n_members"][["Utilities", "Information Technology"]].tolist() == [4, 22]
    assert mean.idxmin() == "Utilities"
    assert found["abnormal_market_value_lost_usd"].idxmax() == "Information Technology"


def test_the_two_selloffs_are_found_and_no_other_from_december_to_february(held):
    events = held["selloff_events"].set_index("event_id")
    events = events[events["session_date"].between(FIRST, LAST)]
    assert events["session_date"].to_dict() == {
        "market-us-unknown-2024-12-18": DECEMBER,
        "sector-us-information-technology-2025-01-27": DAY,
    }
    january = events.loc["sector-us-information-technology-2025-01-27"]
    assert january["hardest_hit_sector"] == "Utilities"
    assert january["breadth"] == pytest.approx(11 / 49)
    assert january["started_at"] == pd.Timestamp("2025-01-24 21:00")


@pytest.fixture(scope="module")
def losses(held):
    found = held["selloff_metrics"]
    return found[found["event_id"].str.endswith("2025-01-27")].set_index("ticker")


@pytest.mark.parametrize(
    ("ticker", "expected"),
    [
        ("NVDA", -0.16968),
        ("AVGO", -0.17397),
        ("MU", -0.11707),
        ("AMD", -0.06374),
        ("MSFT", -0.02139),
        ("GOOGL", -0.04196),
        ("ASML.AS", -0.07007),
        ("ASML", -0.05749),
        ("ORCL", -0.13791),
        ("VST", -0.28272),
        ("XLK", -0.04902),
        ("XLP", 0.02709),
        ("^GSPC", -0.01458),
    ],
)
def test_each_listing_fell_as_published(losses, ticker, expected):
    assert losses.loc[ticker, "simple_return"] == pytest.approx(expected, abs=5e-5)
    assert losses.loc[ticker, "session_date"] == DAY


def test_nvidia_lost_nearly_600_billion_from_the_close_before(losses):
    nvidia = losses.loc["NVDA"]
    assert nvidia["simple_return"] <= -0.169
    assert nvidia["drawdown"] <= -0.169
    assert nvidia["market_value_lost_usd"] == pytest.approx(592.66e9, rel=1e-3)
    assert nvidia["shares_outstanding"] == pytest.approx(24.49e9, rel=1e-3)
    assert nvidia["shares_known_on"] == pd.Timestamp("2025-01-24")


def test_a_listing_with_too_short_a_history_has_no_abnormal_return(held):
    found = held["abnormal_returns"].query("ticker == 'GEV' and session_date == @DAY").iloc[0]
    assert found["n_estimation"] < 200
    assert pd.isna(found["abnormal_return"])
    assert found["simple_return"] == pytest.approx(-0.2152, abs=5e-5)


def test_the_stale_fill_of_siemens_energy_is_flagged_and_told(held, losses):
    bars = held["daily_prices"].query("ticker == 'ENR.DE'").set_index("session_date")
    assert bars.loc["2025-01-24", "quality_flags"] == "stale"
    assert bars.loc["2025-01-27", "quality_flags"] == ""
    rests = held["abnormal_returns"].query("ticker == 'ENR.DE'").set_index("session_date")
    assert rests.loc["2025-01-24", "n_flagged"] >= 1
    assert rests.loc["2025-01-27", "n_flagged"] >= 1
    assert losses.loc["ENR.DE", "n_flagged"] >= 1


def test_the_true_crash_is_not_taken_for_a_bad_price(held):
    crash = held["daily_prices"].query("session_date == @DAY")
    assert not crash["quality_flags"].str.contains("jump").any()


@pytest.fixture(scope="module")
def sectors(held):
    return held["sector_contagion"].query("session_date == @DAY").set_index("sector")


@pytest.fixture(scope="module")
def path(held):
    found = held["contagion_paths"]
    return found[found["event_id"].str.endswith("2025-01-27")].set_index("ticker")


# statsmodels 0.15.0: OLS of the members' mean log return on SPY's, rows [-260,-11] of the file's
# closes, and the t of its prediction for 2025-01-27.
STATISTICS = {
    "Utilities": -7.901402615491759,
    "Industrials": -7.845700724235565,
    "Information Technology": -4.623019888408247,
    "Materials": 0.9587724610305641,
    "Energy": 1.499212335450805,
    "Health Care": 3.8612204793482645,
    "Consumer Staples": 4.378874469351334,
}


def test_each_sectors_statistic_is_that_of_statsmodels(sectors):
    for sector, statistic in STATISTICS.items():
        assert sectors.loc[sector, "statistic"] == pytest.approx(statistic, rel=1e-10), sector
    assert sectors.loc["Health Care", "p_value"] == pytest.approx(1.4400245126704617e-4, rel=1e-9)


def test_technology_was_the_source_power_and_industry_were_hit_and_defence_was_not(sectors):
    roles = sectors["role"]
    assert roles[roles.isin(["source", "hit"])].to_dict() == {
        "Information Technology": "source",
        "Utilities": "hit",
        "Industrials": "hit",
    }
    assert sectors["hit_rank"][roles.index].sort_values().index[:3].tolist() == [
        "Utilities",
        "Industrials",
        "Information Technology",
    ]
    assert roles[["Consumer Staples", "Health Care"]].tolist() == ["raised", "raised"]
    assert roles[["Energy", "Materials"]].tolist() == ["spared", "spared"]
    assert sectors.loc["Industrials", "mean_abnormal_return"] == pytest.approx(-0.080, abs=5e-4)
    defence = sectors.loc[["Consumer Staples", "Health Care"], "mean_abnormal_return"]
    assert defence.tolist() == pytest.approx([0.031, 0.035], abs=5e-4)


def test_the_hardest_hit_of_the_sectors_were_vistra_eaton_and_arista(sectors):
    found = sectors.loc[["Utilities", "Industrials", "Information Technology"]]
    assert found["hardest_hit_listing_id"].tolist() == ["XNYS:VST", "XNYS:ETN", "XNYS:ANET"]
    assert found["hardest_hit_abnormal_z"].tolist() == pytest.approx(
        [-9.41, -11.81, -11.84], abs=5e-3
    )


def test_technology_fell_first_in_tokyo_and_power_in_new_york(sectors):
    first = sectors[["first_falling_region", "first_falling_order"]]
    assert first.loc["Information Technology"].tolist() == ["JP", 1]
    assert first.loc["Utilities"].tolist() == ["US", 2]


def test_the_fall_went_from_tokyo_by_frankfurt_to_new_york(path):
    order = {place: set(rows.index) for place, rows in path.groupby("hit_order")}
    assert order[1] == {"6857.T", "9984.T", "5803.T"}
    assert order[2] == {"ENR.DE", "SIE.DE", "ASML.AS"}
    assert {"NVDA", "AVGO", "TSM", "VST", "CEG", "NRG", "ETN", "VRT", "GEV"} <= order[3]
    assert len(order[3]) == 15
    assert path.groupby("hit_order")["hours_after_source"].unique().map(list).to_dict() == {
        1: [-14.5],
        2: [-4.5],
        3: [0.0],
        4: [24.0],
    }
    # Fell on the 27th and on the 28th again, and stands where it fell first.
    assert path.loc["6857.T", ["session_date", "n_falls"]].tolist() == [DAY, 2]


def test_who_rose_and_gave_it_back_on_the_28th_is_not_on_the_path(path):
    assert not {"KO", "PG"} & set(path.index)
    assert set(path.index[path["hit_order"] == 4]) == {"TXN", "NEE"}


def test_the_source_of_the_path_is_nvidia(path):
    assert path.index[path["link"] == "source"].tolist() == ["NVDA"]
    assert path.loc[["6857.T", "AVGO", "ASML.AS"], "link"].tolist() == ["same_sector"] * 3
    assert path.loc[["VST", "9984.T", "ENR.DE"], "link"].tolist() == ["other_sector"] * 3


def test_names_too_young_for_a_model_are_held_against_the_market_and_flagged_bars_count(path):
    young = path[path["model"] == "market_adjusted"]
    assert set(young.index) == {"ENR.DE", "SIE.DE", "ASML.AS", "GEV"}
    # ln(close / close before) less the market's: SPY's of Friday, which Frankfurt saw on Monday.
    assert young.loc["ENR.DE", "abnormal_return"] == pytest.approx(-0.196296 + 0.002923, abs=2e-6)
    assert young.loc["GEV", "abnormal_return"] == pytest.approx(-0.242328 + 0.014246, abs=2e-6)
    assert (young.loc[["ENR.DE", "GEV"], "abnormal_z"] < -7).all()
    assert young.loc["ENR.DE", "n_flagged"] > 0
