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
