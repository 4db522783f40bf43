"""Files that broke somebody's history, each landed as it is: what catches it, by name.

The files were collected from public repositories and lie outside this one; they are only read.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from checks.prices import every_session_is_present
from resources import calendars
from resources.batch import Days, Listing
from resources.prices import Prices
from resources.warehouse import landing
from warehouse.tables import table

INCIDENTS = Path(__file__).parents[3] / "shared" / "data" / "incidents"
VINTAGES = table("raw.price_vintages")

pytestmark = pytest.mark.skipif(
    not INCIDENTS.is_dir(), reason="the collected files lie outside the repository"
)

ALL = Days(date(1980, 1, 1), date(2030, 12, 31))
# What a file is called, whose bars it holds, and what says that they are no bars.
NO_TABLE = [
    ("alexshch09_XLK_header_only.csv", "only a header, no row"),
    ("fred_DEXUSEU_blank_holidays.csv", "no column 'close'"),
    ("growwanalysis_AAPL_14_columns_two_tickers_merged.csv", "columns named more than once"),
    ("growwanalysis_CTSH_50_columns.csv", "columns named more than once"),
    ("jhevtech_synthetic_sample_posing_as_prices.csv", "no column 'date'"),
    ("rreichel3_snapshots_one_day_late.csv", "no column 'date'"),
]
# Counted in the files: rows that break the rule, and why they are refused.
REFUSED = [
    (
        "DerekL1_SIVB_repeated_halted_row.csv",
        ("SIVB", "XNAS", "USD"),
        1,
        {"open is above high"},
    ),
    (
        "hjyssg_SMH_header_names_shifted.csv",
        ("SMH", "XNAS", "USD"),
        20,
        {"low is above close", "low is above open", "low is above high"},
    ),
    (
        "j-titan_7012_volume_but_no_prices_last_row.csv",
        ("7012.T", "XTKS", "JPY"),
        1,
        {"close is missing"},
    ),
    (
        "markb2575_SIVB_open_zero_1987.csv",
        ("SIVB", "XNAS", "USD"),
        28,
        {"open is not positive", "low is above open"},
    ),
]


@pytest.fixture
def landed(market, tmp_path):
    """Land a file, named after its ticker, as the answer of one source; return its listings."""

    def land(name, tickers, mic, currency, *, source="files", columns=None):
        listings = [Listing(f"{mic}:{ticker}", ticker, mic, currency) for ticker in tickers]
        named = tmp_path / source / f"{tickers[0]}.csv"
        named.parent.mkdir()
        named.symlink_to(INCIDENTS / name)
        batch = Prices(provider="files", path=str(named), columns=columns or {}).fetch(
            listings, ALL
        )
        rows = batch.rows
        if "source" in rows.column_names:
            origin = pa.array([source] * rows.num_rows, pa.string())
            rows = rows.set_column(rows.column_names.index("source"), "source", origin)
        batch = replace(batch, rows=rows)
        landing.land(market.con, VINTAGES, batch, run_id=source, now=market.now)
        return listings

    return land


@pytest.fixture
def judged(market):
    """Put the calendars beside what has landed, compute core, and ask every check."""

    def judge(listings):
        span = market.con.execute(
            "SELECT min(session_date), max(session_date) FROM raw.price_vintages"
        ).fetchall()[0]
        market.con.execute("DELETE FROM core.instruments")
        for mic in {listing.exchange_mic for listing in listings if span[0]}:
            market.con.execute(f"DELETE FROM core.sessions WHERE exchange_mic = '{mic}'")
            market.con.register("days", calendars.sessions(mic, *span))
            market.con.execute("INSERT INTO core.sessions BY NAME FROM days")
        for listing in listings:
            market.list(
                listing.ticker,
                listing_id=listing.listing_id,
                exchange_mic=listing.exchange_mic,
                currency=listing.currency,
            )
        market.compute()
        market.days = [day or market.days[0] for day in span]
        return market.failed()

    return judge


@pytest.mark.parametrize(("name", "reason"), NO_TABLE)
def test_a_file_that_is_no_table_of_bars_is_a_request_without_answer(landed, judged, name, reason):
    found = judged(landed(name, ["AAA"], "XNYS", "USD"))
    (sample,) = found["every_request_was_answered"].sample_keys
    assert sample["reason"].startswith(f"AAA.csv: {reason}")
    assert found["every_request_was_answered"].is_error
    assert set(found) == {"every_request_was_answered"}


@pytest.mark.parametrize(("name", "of", "n_refused", "reasons"), REFUSED)
def test_bars_that_cannot_be_are_quarantined_with_their_cause(
    landed, judged, market, name, of, n_refused, reasons
):
    ticker, mic, currency = of
    found = judged(landed(name, [ticker], mic, currency))
    assert found["no_row_was_quarantined"].n_violations == n_refused
    assert market.refused() == reasons
    kept_out = market.con.execute("SELECT count(*) FROM core.quarantined_bars").fetchall()
    assert kept_out == [(n_refused,)]


def test_a_header_in_three_lines_is_read_and_nothing_is_wrong(landed, judged, market):
    listings = landed("0Ustinian0_SPY_multiindex_header.csv", ["SPY"], "ARCX", "USD")
    assert judged(listings) == {}
    assert market.con.execute("SELECT count(*) FROM core.daily_prices").fetchall() == [(5,)]


def test_fills_without_a_trade_are_stale(landed, judged):
    found = judged(landed("ENR.DE_stale_zero_volume_rows.csv", ["ENR.DE"], "XETR", "EUR"))
    assert found["bars_are_not_stale"].n_violations == 12
    assert not found["bars_are_not_stale"].is_error


def test_a_dividend_that_only_the_adjusted_closes_know_is_missed(landed, judged, market):
    # Lehman Brothers paid 0.17 on 2008-08-07; no file tells of it but through its last column.
    name = "johnvb21_as_traded_newest_first_LEHMQ_2008.csv"
    found = judged(landed(name, ["LEHMQ"], "XNYS", "USD"))
    disagreeing = found["adjusted_close_agrees_with_our_factor"]
    assert [row["session_date"] for row in disagreeing.sample_keys] == [date(2008, 8, 7)]
    closes = market.con.execute("SELECT close FROM core.daily_prices ORDER BY session_date")
    assert closes.fetchall()[::41] == [(18.65,), (0.22,)]  # newest first in the file


def test_the_sessions_that_a_file_leaps_over_are_missing(landed, judged, market, verdicts):
    judged(landed("spooky_SPY_one_venue_200_shares_2018.csv", ["SPY"], "ARCX", "USD"))
    (found,) = verdicts(every_session_is_present, market.tables, days=Days(*market.days)).values()
    # New York traded in 438 sessions from the first bar to the last, and the file has five.
    assert not found.passed
    assert (found.rows_checked, found.rows_failed) == (438, 433)


def test_a_file_whose_days_are_one_late_contradicts_one_whose_days_are_right(landed, judged):
    name = "rreichel3_snapshots_one_day_late.csv"
    of = (["NVDA", "MSFT", "AAPL"], "XNAS", "USD")
    landed(name, *of, source="yahoo", columns={"session_date": "true_date"})
    late = landed(name, *of, source="files", columns={"session_date": "snapshot_date"})
    found = judged(late)
    assert found["sources_agree"].n_violations == 44
    assert not found["sources_agree"].is_error


def test_every_file_of_the_collection_is_told_of_here():
    told = Path(__file__).read_text(encoding="utf-8")
    assert [file.name for file in INCIDENTS.iterdir() if file.name not in told] == []
