"""The embedded prices: real where they say so, plausible and repeatable where simulated."""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from resources.batch import Days, Listing
from resources.calendars import sessions
from resources.prices import Prices
from resources.prices.replay import real_figures, simulate
from resources.reference import Reference

DATA = Path(__file__).parents[3] / "resources" / "data" / "replay"
ALL = Days(date(1900, 1, 1), date(2100, 1, 1))
REAL = Days(date(2025, 1, 17), date(2025, 2, 3))
DAYS = [f"2025-01-{day}" for day in (17, 20, 21, 22, 23, 24, 27, 28, 29, 30, 31)] + ["2025-02-03"]

# Lines of the tables that the replay was ordered with.
CLOSES = """\
NVDA 137.71 - 140.83 147.07 147.22 142.62 118.42 128.99 123.70 124.65 120.07 116.66
ENR.DE 50.34 50.34 50.34 55.14 58.80 58.80 48.32 51.96 54.52 56.72 57.84 55.48
9984.T 2270.0 2317.8 2312.0 2557.5 2688.8 2640.0 2420.3 2294.0 2349.8 2324.8 2352.8 2363.8
^VIX 15.97 15.81 15.06 15.10 15.02 14.85 17.90 16.41 16.56 15.84 16.43 18.62
USDJPY 156.30 - 155.49 156.62 156.00 155.58 154.22 155.65 155.22 154.42 154.91 154.68
"""
VOLUMES = """\
NVDA 201.19 - 197.75 237.65 155.92 234.66 818.83 579.67 467.12 392.93 388.16 371.24
ENR.DE 0.00 0.00 0.00 7.28 4.71 0.00 16.21 8.92 4.94 4.65 4.92 3.70
^IXIC 7996.36 - 8015.78 7219.06 6837.70 7708.15 8870.20 7121.74 6497.71 6679.50 7947.37 8272.46
"""


@pytest.fixture(scope="module")
def listings():
    return Reference().listings()


@pytest.fixture(scope="module")
def batch(listings):
    return Prices().fetch(listings, ALL)


@pytest.fixture(scope="module")
def bars(batch):
    """Every row, by ticker."""
    found = defaultdict(list)
    for row in batch.rows.to_pylist():
        found[row["ticker"]].append(row)
    return found


@pytest.fixture(scope="module")
def real(bars):
    return {
        (ticker, row["session_date"]): row
        for ticker, rows in bars.items()
        for row in rows
        if not row["is_simulated"]
    }


@pytest.fixture(scope="module")
def simulated(bars):
    return {ticker: [row for row in rows if row["is_simulated"]] for ticker, rows in bars.items()}


def log_returns(rows):
    return dict(
        zip(
            [row["session_date"] for row in rows[1:]],
            np.diff(np.log([row["close"] for row in rows])),
            strict=True,
        )
    )


def printed(text):
    for line in text.splitlines():
        ticker, *values = line.split()
        for day, value in zip(DAYS, values, strict=True):
            yield ticker, date.fromisoformat(day), value


def test_forty_eight_instruments_are_replayed(batch, bars):
    assert len(bars) == 48
    assert {(a.outcome, a.reason) for a in batch.answers} == {("delivered", None)}
    assert sum(answer.n_rows for answer in batch.answers) == batch.rows.num_rows
    assert not any(row["listing_id"].startswith("FILE:") for rows in bars.values() for row in rows)


def test_real_closes_are_the_printed_ones(real):
    for ticker, day, value in printed(CLOSES):
        if value == "-":
            assert (ticker, day) not in real
        else:
            assert real[ticker, day]["close"] == float(value)


def test_real_volumes_are_the_printed_millions(real):
    for ticker, day, value in printed(VOLUMES):
        if value != "-":
            assert real[ticker, day]["volume"] == pytest.approx(float(value) * 1e6, rel=1e-12)
    assert real["NVDA", date(2025, 1, 27)]["volume"] == 818_830_000
    for ticker in ("^VIX", "EURUSD", "USDJPY"):
        assert real[ticker, date(2025, 1, 27)]["volume"] is None


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("closes.csv", "0c16ec2b4b099594"),
        ("volumes.csv", "1b580f8d5d473f50"),
        ("exposures.csv", "e2a9eef398f294b4"),
    ],
)
def test_the_tables_are_untouched(name, digest):
    assert hashlib.sha256((DATA / name).read_bytes()).hexdigest()[:16] == digest


def test_every_printed_close_is_in_the_batch(real):
    with (DATA / "closes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    figures = {
        (row["ticker"], date.fromisoformat(day)): float(value)
        for row in rows
        for day, value in row.items()
        if day != "ticker" and value
    }
    assert figures == {key: row["close"] for key, row in real.items()}
    # Only the three European, the four Japanese lines and the VIX have a bar on 20 January.
    assert len(figures) == 48 * 12 - 40


def test_nvidia_falls_as_it_did(real):
    fall = real["NVDA", date(2025, 1, 27)]["close"] / real["NVDA", date(2025, 1, 24)]["close"] - 1
    assert fall == pytest.approx(-0.16968, abs=5e-6)


def test_the_united_states_rest_on_20_january(real):
    open_that_day = {ticker for ticker, day in real if day == date(2025, 1, 20)}
    assert open_that_day == {
        "ASML.AS",
        "SIE.DE",
        "ENR.DE",
        "6857.T",
        "8035.T",
        "9984.T",
        "5803.T",
        "^VIX",
    }


def test_real_bars_have_a_close_alone_unless_nothing_traded(real):
    still = {key for key, row in real.items() if row["volume"] == 0}
    assert still == {("ENR.DE", date(2025, 1, day)) for day in (17, 20, 21, 24)}
    for key, row in real.items():
        expected = row["close"] if key in still else None
        assert [row["open"], row["high"], row["low"]] == [expected] * 3
        assert row["adj_close"] is None


def test_each_instrument_has_300_simulated_sessions_of_its_own_calendar(simulated, listings):
    mics = {listing.ticker: listing.exchange_mic for listing in listings}
    for ticker, rows in simulated.items():
        dates = [row["session_date"] for row in rows]
        assert len(dates) == 300
        assert dates[-1] < date(2025, 1, 17)
        assert (
            dates == sessions(mics[ticker], dates[0], date(2025, 1, 16))["session_date"].to_pylist()
        )


def test_simulated_bars_are_possible(simulated):
    for rows in simulated.values():
        for row in rows:
            assert 0 < row["low"] <= min(row["open"], row["close"])
            assert row["high"] >= max(row["open"], row["close"])
            assert row["volume"] is None or row["volume"] > 0


def test_simulated_volume_is_missing_where_the_instrument_has_none(simulated, real):
    without = {ticker for ticker, rows in simulated.items() if rows[0]["volume"] is None}
    assert without == {"^VIX", "EURUSD", "USDJPY"}
    median = np.median([row["volume"] for row in simulated["NVDA"]])
    actual = np.median([row["volume"] for (ticker, _), row in real.items() if ticker == "NVDA"])
    assert median == pytest.approx(actual, rel=0.15)


def test_the_simulated_market_has_the_given_sigma(simulated):
    moves = list(log_returns(simulated["SPY"]).values())
    assert np.std(moves, ddof=1) == pytest.approx(0.0079, rel=0.15)


@pytest.mark.parametrize(("ticker", "beta"), [("NVDA", 2.59), ("XLP", 0.24), ("^GSPC", 1.0)])
def test_simulated_betas_are_near_the_given_ones(simulated, ticker, beta):
    market, own = log_returns(simulated["SPY"]), log_returns(simulated[ticker])
    assert market.keys() == own.keys()
    slope = np.polyfit(list(market.values()), list(own.values()), 1)[0]
    assert slope == pytest.approx(beta, abs=0.25)


def test_semiconductors_are_the_market_and_the_chip_residual_alone(simulated):
    market, chips = log_returns(simulated["SPY"]), log_returns(simulated["SMH"])
    residual = [chips[day] - 2.12 * market[day] for day in market]
    assert np.std(residual, ddof=1) == pytest.approx(0.0134, rel=0.15)
    assert abs(np.corrcoef(residual, list(market.values()))[0, 1]) < 0.15


def test_tokyo_moves_alone_on_an_american_holiday(simulated):
    dates = [row["session_date"] for row in simulated["8035.T"]]
    open_in_new_york = frozenset(
        sessions("XNYS", dates[0], date(2025, 1, 17))["session_date"].to_pylist()
    )
    figures = real_figures()["8035.T"]
    alone, together = (
        log_returns(simulate("8035.T", figures, dates, us_dates).to_pylist())
        for us_dates in (frozenset(), open_in_new_york)
    )
    alike = {day for day in alone if together[day] == pytest.approx(alone[day], abs=1e-7)}
    assert date(2024, 11, 28) in alike
    assert alike == set(alone) - open_in_new_york


def test_the_last_simulated_close_leads_into_the_first_real_one(bars):
    steps = {ticker: log_returns(rows)[date(2025, 1, 17)] for ticker, rows in bars.items()}
    assert all(step != 0 for step in steps.values())
    assert abs(steps["SPY"]) < 0.03
    # What ties an index to the market is its small residual sigma, on this day as on others.
    assert steps["^GSPC"] == pytest.approx(steps["SPY"], abs=0.005)


def test_two_fetches_are_identical(listings, batch):
    assert Prices().fetch(listings, ALL).rows.equals(batch.rows)


def test_an_instrument_more_changes_no_other(listings, batch):
    alone = Prices(tickers=["NVDA"]).fetch(listings, ALL).rows
    among = [row for row in batch.rows.to_pylist() if row["ticker"] == "NVDA"]
    assert alone.to_pylist() == among


def test_a_range_gives_the_same_bars_as_the_whole(listings, bars):
    days = Days(date(2025, 1, 15), date(2025, 1, 21))
    part = Prices(tickers=["6857.T"]).fetch(listings, days).rows.to_pylist()
    assert part == [row for row in bars["6857.T"] if days.start <= row["session_date"] <= days.end]
    assert [row["is_simulated"] for row in part] == [True, True, False, False, False]


def test_coverage_is_from_the_first_simulated_to_the_last_real_date(batch):
    dates = batch.rows["session_date"].to_pylist()
    assert Prices().coverage() == Days(min(dates), max(dates))
    assert max(dates) == date(2025, 2, 3)


def test_a_closed_day_and_an_unknown_ticker_are_answered(listings):
    day = Days(date(2025, 1, 20), date(2025, 1, 20))
    batch = Prices(tickers=["NVDA", "NOPE", "SIE.DE"]).fetch(listings, day)
    assert [(a.requested, a.outcome, a.reason, a.n_rows) for a in batch.answers] == [
        ("NVDA", "no_data", "no session of the replay between 2025-01-20 and 2025-01-20", 0),
        ("NOPE", "failed", "unknown_ticker: NOPE is not in the replay", 0),
        ("SIE.DE", "delivered", None, 1),
    ]
    assert batch.rows["close"].to_pylist() == [193.08]


def test_a_listing_without_a_calendar_keeps_that_of_new_york():
    listings = [Listing("OTC:NVDA", "NVDA", "NOWHERE", "USD")]
    batch = Prices(tickers=["NVDA"]).fetch(listings, REAL)
    assert batch.rows.num_rows == 11
    simulated = Prices(tickers=["NVDA"]).fetch(listings, Days(date(2024, 7, 4), date(2024, 7, 5)))
    assert simulated.rows["session_date"].to_pylist() == [date(2024, 7, 5)]
