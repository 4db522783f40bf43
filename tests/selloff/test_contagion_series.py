from __future__ import annotations

from math import log

import pandas as pd
import pytest

from selloff.contagion_series import contagion_series
from warehouse.tables.contagion import CONTAGION_SERIES
from warehouse.tables.detection import GROUP_RETURNS
from warehouse.tables.instruments import INSTRUMENTS, SESSIONS
from warehouse.tables.returns import ABNORMAL_RETURNS, MARKET_RETURNS
from warehouse.tables.valuation import FX_RATES

TABLES = (
    GROUP_RETURNS,
    MARKET_RETURNS,
    ABNORMAL_RETURNS,
    INSTRUMENTS,
    SESSIONS,
    FX_RATES,
)
FRIDAY, MONDAY = pd.Timestamp("2025-01-24"), pd.Timestamp("2025-01-27")
LISTED = pd.DataFrame(
    [
        ("NVDA", "equity", "Information Technology", "US", "XLK", "USD", "XNAS"),
        ("XLK", "etf", "Information Technology", "US", None, "USD", "ARCX"),
        ("SMH", "etf", "Information Technology", "US", None, "USD", "XNAS"),
        ("6857.T", "equity", "Information Technology", "JP", None, "JPY", "XTKS"),
        ("ASML.AS", "equity", "Information Technology", "EU", None, "EUR", "XAMS"),
    ],
    columns=[
        "ticker",
        "asset_class",
        "sector",
        "region",
        "sector_proxy",
        "currency",
        "exchange_mic",
    ],
)


@pytest.fixture
def lined_up(bench):
    """Two sessions of a technology sector, its fund, and three markets, one of them borrowed."""
    bench.put(INSTRUMENTS, LISTED)
    calendar = [
        (mic, day, f"{day.date()} {close}")
        for mic, close in (("XNAS", "21:00"), ("ARCX", "21:00"), ("XTKS", "06:30"))
        for day in (FRIDAY, MONDAY)
    ]
    sessions = pd.DataFrame(calendar, columns=["exchange_mic", "session_date", "closes_at"])
    bench.put(SESSIONS, sessions.assign(opens_at=sessions["closes_at"]), strict=False)
    groups = pd.DataFrame(
        {
            "region": "US",
            "grouping": ["sector", "industry"],
            "group_name": ["Information Technology", "Semiconductors"],
            "session_date": MONDAY,
            "n_members": 49,
            "group_return": [-0.056, -0.156],
            "equal_weighted_return": [-0.02, -0.1],
            "value_weighted_return": [-0.056, -0.156],
            "is_value_weighted": True,
            "market_value_usd": [15e12, 5e12],
            "n_listings": 49,
            "n_falling": 9,
            "is_simulated": False,
        }
    )
    bench.put(GROUP_RETURNS, groups)
    levels = pd.DataFrame(
        [
            ("US", FRIDAY, "SPY", None),
            ("US", MONDAY, "SPY", -0.014),
            ("JP", FRIDAY, "^N225", None),
            ("JP", MONDAY, "^N225", -0.01),
            ("EU", MONDAY, "SPY, previous close", 0.002),
        ],
        columns=["region", "session_date", "market", "market_return"],
    ).assign(log_level=4.6, is_simulated=False)
    bench.put(MARKET_RETURNS, levels)
    rows = pd.DataFrame(
        {
            "ticker": ["NVDA", "XLK", "SMH"],
            "session_date": MONDAY,
            "log_return": [-0.186, -0.05, -0.1],
            "market_log_return": -0.0141,
            "is_simulated": False,
        }
    )
    bench.put(ABNORMAL_RETURNS, rows)
    rates = pd.DataFrame(
        [("JPY", "2025-01-23", 0.0064), ("JPY", "2025-01-27", 0.00645)],
        columns=["currency", "rate_date", "usd_per_currency"],
    )
    bench.put(FX_RATES, rates)
    held = bench.hold(CONTAGION_SERIES, contagion_series(*map(bench.table, TABLES)))
    return held.set_index(["series_set", "series_name"])


def test_a_sector_is_there_by_value_and_equally_weighted(lined_up):
    by_value = lined_up.loc[("US sectors by value", "Information Technology")]
    equally = lined_up.loc[("US sectors", "Information Technology")]
    assert by_value["log_return"] == pytest.approx(log(1 - 0.056))
    assert equally["log_return"] == pytest.approx(log(1 - 0.02))
    assert by_value["market_log_return"] == pytest.approx(log(1 - 0.014))
    assert by_value["closed_at"] == pd.Timestamp("2025-01-27 21:00")
    assert (by_value["weighting"], equally["weighting"]) == ("by_value", "equal")
    assert "Semiconductors" in lined_up.loc["US industries"].index


def test_only_funds_that_stand_for_a_sector_count(lined_up):
    funds = lined_up.loc["US sector funds"]
    assert funds.index.tolist() == ["XLK"]
    assert funds["log_return"].tolist() == [-0.05]


def test_regions_are_there_with_a_market_of_their_own_in_their_currency_and_in_usd(lined_up):
    assert sorted(lined_up.loc["regions"].index) == ["JP", "US"]
    local = lined_up.loc[("regions", "JP"), "log_return"]
    in_usd = lined_up.loc[("regions in USD", "JP"), "log_return"]
    assert local == pytest.approx(log(0.99))
    # Friday's rate is Thursday's, the last known; the yen rose by ln(645/640).
    assert in_usd == pytest.approx(log(0.99) + log(0.00645 / 0.0064))
    assert lined_up.loc["regions", "region"].isna().all()
    local, in_usd = lined_up.xs("US", level="series_name")["log_return"]
    assert local == in_usd


@pytest.mark.usefixtures("lined_up")
def test_a_region_without_rates_is_in_its_own_currency_alone(bench):
    bench.put(FX_RATES, pd.DataFrame(columns=["currency", "rate_date", "usd_per_currency"]))
    held = bench.hold(CONTAGION_SERIES, contagion_series(*map(bench.table, TABLES)))
    assert held.loc[held["series_set"] == "regions in USD", "series_name"].tolist() == ["US"]


@pytest.mark.usefixtures("lined_up")
def test_a_session_without_market_values_is_in_no_set_by_value(bench):
    rows = bench.table(GROUP_RETURNS).to_pandas().assign(is_value_weighted=False)
    bench.put(GROUP_RETURNS, rows)
    held = bench.hold(CONTAGION_SERIES, contagion_series(*map(bench.table, TABLES)))
    assert "US sectors by value" not in set(held["series_set"])
    assert "US sectors" in set(held["series_set"])
