"""Real broken files: what the files provider makes of each. The contract judges the rows."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import pytest

from resources.batch import Days, Listing
from resources.prices import Prices

SHARED = Path(__file__).parents[4] / "shared" / "data"
ALL = Days(date(1900, 1, 1), date(2100, 1, 1))
LISTINGS = [Listing("ARCX:SPY", "SPY", "ARCX", "USD")]

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the collected data lie outside the repository"
)


def fetched(name, days=ALL, **config):
    path = str(SHARED / name)
    return Prices(provider="files", path=path, **config).fetch(LISTINGS, days)


def incident(name, **config):
    batch = fetched(f"incidents/{name}", **config)
    assert len(batch.answers) == 1
    assert batch.rejects == []
    return batch.answers[0], batch.rows.to_pylist()


def bar(row):
    return [row[name] for name in ("session_date", "open", "high", "low", "close", "volume")]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("alexshch09_XLK_header_only.csv", "only a header, no row"),
        ("fred_DEXUSEU_blank_holidays.csv", "no column 'close'; it has: DATE, DEXUSEU"),
        (
            "growwanalysis_AAPL_14_columns_two_tickers_merged.csv",
            "columns named more than once: Open, High, Low, Close, Adj Close, Volume",
        ),
        (
            "growwanalysis_CTSH_50_columns.csv",
            "columns named more than once: Open, High, Low, Close, Adj Close, Volume",
        ),
        (
            "jhevtech_synthetic_sample_posing_as_prices.csv",
            (
                "no column 'date'; it has: Symbol, Security, GICS Sector, GICS Sub-Industry, "
                "Headquarters Location, Date added, CIK, Founded"
            ),
        ),
        (
            "rreichel3_snapshots_one_day_late.csv",
            (
                "no column 'date'; it has: true_date, snapshot_date, symbol, close, pct_change, "
                "volume, market_cap, match_score"
            ),
        ),
    ],
)
def test_a_file_that_is_no_table_of_prices_is_refused_with_its_cause(name, reason):
    answer, rows = incident(name)
    assert (answer.requested, answer.outcome) == (name, "failed")
    assert answer.reason == f"{name}: {reason}"
    assert rows == []


@pytest.mark.parametrize(
    ("name", "n_rows", "first", "last"),
    [
        ("DerekL1_SIVB_repeated_halted_row.csv", 1, "2024-05-28", "2024-05-28"),
        ("ENR.DE_stale_zero_volume_rows.csv", 58, "2024-12-04", "2025-02-28"),
        ("hjyssg_SMH_header_names_shifted.csv", 20, "2024-12-02", "2024-12-30"),
        ("j-titan_7012_volume_but_no_prices_last_row.csv", 19, "2026-05-01", "2026-06-01"),
        ("johnvb21_as_traded_newest_first_LEHMQ_2008.csv", 42, "2008-09-30", "2008-08-01"),
        ("markb2575_SIVB_open_zero_1987.csv", 47, "1987-10-26", "1987-12-31"),
        ("spooky_SPY_one_venue_200_shares_2018.csv", 5, "2018-11-01", "2020-07-30"),
    ],
)
def test_a_table_of_prices_is_delivered_whole(name, n_rows, first, last):
    answer, rows = incident(name)
    assert (answer.outcome, answer.n_rows, len(rows)) == ("delivered", n_rows, n_rows)
    assert (rows[0]["session_date"], rows[-1]["session_date"]) == (first, last)
    assert {row["ticker"] for row in rows} == {name.removesuffix(".csv")}
    assert [row["source_row"] for row in rows] == list(range(2, n_rows + 2))


def test_the_header_in_three_lines_is_understood():
    _, rows = incident("0Ustinian0_SPY_multiindex_header.csv")
    assert len(rows) == 5
    assert (rows[0]["listing_id"], rows[0]["source_row"]) == ("ARCX:SPY", 4)
    assert bar(rows[0]) == [
        "2017-01-03",
        "194.82578887310643",
        "195.5097296950616",
        "193.82154223916174",
        "194.9989471435547",
        "91366500",
    ]


def test_stale_bars_stay_as_they_are():
    _, rows = incident("ENR.DE_stale_zero_volume_rows.csv")
    stale = next(row for row in rows if row["session_date"] == "2024-12-10")
    assert bar(stale)[1:] == ["51.64", "51.64", "51.64", "51.64", "0"]
    assert sum(row["volume"] == "0" for row in rows) == 12


def test_a_bar_with_a_volume_and_no_price_reaches_the_contract():
    _, rows = incident("j-titan_7012_volume_but_no_prices_last_row.csv")
    assert bar(rows[-1]) == ["2026-06-01", None, None, None, None, "10205600"]


def test_impossible_bars_reach_the_contract():
    _, shifted = incident("hjyssg_SMH_header_names_shifted.csv")
    assert all(float(row["low"]) > float(row["close"]) for row in shifted)
    _, zeros = incident("markb2575_SIVB_open_zero_1987.csv")
    assert bar(zeros[0])[1] == "0.0"


def test_a_column_map_reads_what_the_header_does_not_say():
    rates, rows = incident("fred_DEXUSEU_blank_holidays.csv", columns={"close": "DEXUSEU"})
    assert rates.n_rows == 29
    assert [row["session_date"] for row in rows if row["close"] is None][:2] == [
        "2024-12-25",
        "2025-01-01",
    ]
    name = "rreichel3_snapshots_one_day_late.csv"
    _, rows = incident(name, columns={"session_date": "true_date"})
    assert len(rows) == 69
    found = {(row["session_date"], row["ticker"]): row["close"] for row in rows}
    assert found["2025-03-12", "NVDA"] == "115.74"


def test_the_folder_of_incidents_delivers_what_is_readable():
    batch = fetched("incidents")
    assert sorted(answer.outcome for answer in batch.answers) == ["delivered"] * 8 + ["failed"] * 6
    assert batch.rows.num_rows == 5 + 1 + 58 + 20 + 19 + 42 + 47 + 5


def test_the_real_selloff_is_read_from_parquet():
    batch = fetched("prices/ai_selloff_2025.parquet")
    assert batch.rows.num_rows == 25_250
    closes = {(row["ticker"], row["session_date"]): row["close"] for row in batch.rows.to_pylist()}
    fall = closes["NVDA", date(2025, 1, 27)] / closes["NVDA", date(2025, 1, 24)] - 1
    assert fall == pytest.approx(-0.16968, abs=5e-6)
    by_ticker = dict(zip(*(batch.rows[c].to_pylist() for c in ("ticker", "currency")), strict=True))
    assert (by_ticker["^VIX"], by_ticker["ASML.AS"], by_ticker["6857.T"]) == (None, "EUR", "JPY")
    assert set(batch.rows["source"].to_pylist()) == {"files"}


def test_three_million_rows_are_filtered_in_a_few_seconds_of_processor_time():
    day = date(2025, 1, 27)
    started = time.process_time()
    columns = {"ticker": "symbol"}
    batch = fetched("prices/us_market_2023_2025.parquet", Days(day, day), columns=columns)
    assert time.process_time() - started < 10
    found = {row["ticker"]: row for row in batch.rows.to_pylist()}
    nvidia = found["NVDA"]
    assert (nvidia["close"], nvidia["listing_id"], nvidia["open"]) == (118.42, "FILE:NVDA", None)
