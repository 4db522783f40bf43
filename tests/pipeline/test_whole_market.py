"""Sixty names of the real whole-market file through the same command: its traps, and their cure."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

pytestmark = pytest.mark.pipeline

FILE = Path(__file__).parents[3] / "shared" / "data" / "prices" / "us_market_2023_2025.parquet"
# The splits of the period, from the firms' own announcements: new shares for an old one.
SPLITS = {
    "NVDA": (date(2024, 6, 10), 10),
    "LRCX": (date(2024, 10, 3), 10),
    "AVGO": (date(2024, 7, 15), 10),
    "SONY": (date(2024, 10, 9), 5),
    "NVO": (date(2023, 9, 20), 2),
    "WMT": (date(2024, 2, 26), 3),
    "SMCI": (date(2024, 10, 1), 10),
    "CMG": (date(2024, 6, 26), 50),
    "MSTR": (date(2024, 8, 8), 10),
    "WRB": (date(2024, 7, 11), 1.5),
    "RUSHA": (date(2023, 8, 29), 1.5),
    "ODC": (date(2025, 1, 6), 2),
}
CONSOLIDATIONS = {"CIM": (date(2024, 5, 22), 3), "WHLR": (date(2024, 11, 19), 2)}
# Falls of 26% to 53% in a day, and one of a half with as many shares sold.
CRASHES = {
    "GL": date(2024, 4, 11),
    "DXCM": date(2024, 7, 26),
    "INTC": date(2024, 8, 2),
    "PDD": date(2024, 8, 26),
    "SNES": date(2023, 11, 28),
}
# fmt: off
OTHERS = (
    "AAPL", "MSFT", "AMZN", "META", "GOOGL", "GOOG", "TSLA", "JPM", "XOM", "JNJ", "PG", "V",
    "MA", "UNH", "HD", "LLY", "BAC", "KO", "PEP", "MRK", "CVX", "WFC", "QCOM", "TXN", "INTC",
    "GE", "T", "TBB", "TBC", "LTM", "RYAAY", "IX", "BA", "AMAT", "ORCL", "CRM", "AMD", "NFLX",
    "ADBE",
)
# fmt: on
NAMES = tuple(dict.fromkeys((*SPLITS, *CONSOLIDATIONS, *CRASHES, *OTHERS)))


@pytest.fixture(scope="module")
def subset(tmp_path_factory):
    """Return a folder with the file's rows of some names."""
    if not FILE.exists():
        pytest.skip("the real prices lie beside the repository, in ../shared, and are not there")
    folder = tmp_path_factory.mktemp("subset")
    names = ", ".join(f"'{name}'" for name in NAMES)
    duckdb.sql(f"FROM read_parquet('{FILE}') WHERE symbol IN ({names})").write_parquet(
        str(folder / "prices.parquet")
    )
    return folder


def run(command, home, prices):
    """Run the whole job; return its release and what it said."""
    result = command(
        home,
        "run",
        SELLOFF_PRICES="files",
        SELLOFF_PRICES_PATH=str(prices),
        SELLOFF_PRICES_BASIS="as_traded",
    )
    assert result.exit_code == 0, result.output[-3000:]
    return home / "current" / "warehouse.duckdb"


@pytest.fixture(scope="module")
def query(subset, command, asked, tmp_path_factory):
    return asked(run(command, tmp_path_factory.mktemp("whole"), subset))


@pytest.fixture(scope="module")
def declared(subset, query, command, asked, tmp_path_factory):
    """The same with the proposals beside the prices, as their check names them."""
    folder = tmp_path_factory.mktemp("declared")
    (folder / "prices.parquet").symlink_to(subset / "prices.parquet")
    lines = query("SELECT ticker, ex_date, action, split_ratio FROM core.proposed_splits")
    text = "\n".join(",".join(map(str, line)) for line in lines)
    (folder / "corporate_actions.csv").write_text(f"ticker,ex_date,action,split_ratio\n{text}\n")
    return asked(run(command, tmp_path_factory.mktemp("cured"), folder))


def returns(query, ticker, day):
    sql = "SELECT simple_return FROM core.abnormal_returns WHERE ticker = ? AND session_date = ?"
    ((value,),) = query(sql, ticker, day)
    return value


@pytest.mark.parametrize("ticker", SPLITS)
def test_every_split_is_proposed_with_its_day_and_ratio(query, ticker):
    sql = "SELECT ex_date, split_ratio FROM core.proposed_splits WHERE ticker = ?"
    assert query(sql, ticker) == [SPLITS[ticker]]
    assert returns(query, ticker, SPLITS[ticker][0]) is None


@pytest.mark.parametrize("ticker", CONSOLIDATIONS)
def test_consolidations_are_proposed_as_fractions(query, ticker):
    day, ratio = CONSOLIDATIONS[ticker]
    sql = "SELECT split_ratio FROM core.proposed_splits WHERE ticker = ? AND ex_date = ?"
    assert query(sql, ticker, day) == [(pytest.approx(1 / ratio),)]


@pytest.mark.parametrize("ticker", CRASHES)
def test_a_crash_is_a_return(query, ticker):
    assert returns(query, ticker, CRASHES[ticker]) < -0.25


def test_the_check_names_what_is_proposed(query):
    ((severity, passed, failed),) = query(
        "SELECT severity, is_passed, n_violations FROM meta.dq_results "
        "WHERE check_name = 'splits_are_known'"
    )
    ((proposed,),) = query("SELECT count(*) FROM core.proposed_splits")
    assert (severity, passed, failed) == ("WARN", False, proposed)


@pytest.mark.parametrize(
    ("ticker", "day", "ratio"),
    [
        ("NVDA", date(2023, 12, 5), 12),
        ("AMZN", date(2023, 12, 6), 12),
        ("JPM", date(2023, 12, 5), 48),
        ("AMAT", date(2023, 12, 5), 288),
        ("LLY", date(2023, 12, 5), 2),
        ("WMT", date(2023, 8, 2), 16),
    ],
)
def test_a_broken_market_value_is_quarantined(query, ticker, day, ratio):
    sql = (
        "SELECT count_ratio, reason FROM core.quarantined_market_values "
        "WHERE ticker = ? AND first_session_date = ?"
    )
    assert query(sql, ticker, day) == [(pytest.approx(ratio, rel=0.02), "returned")]


def test_values_of_0_are_counted_and_none_of_them_is_kept(query):
    assert query("SELECT count(*) FROM raw.price_vintages WHERE market_value <= 0") == [(0,)]
    ((reason,),) = query("SELECT reason FROM raw.fetches WHERE asset = 'price_vintages'")
    assert reason is None or reason.startswith("taken as not known: market_value '0' in ")


def test_a_name_that_only_the_file_knows_has_its_exchange_and_currency(query):
    sql = "SELECT exchange_mic, region, currency FROM core.instruments WHERE ticker = 'WMT'"
    assert query(sql) == [("XNYS", "US", "USD")]


def test_notes_of_a_firm_are_counted_with_it(query):
    sql = (
        "SELECT ticker, is_primary FROM core.instruments "
        "WHERE issuer_id = (SELECT issuer_id FROM core.instruments WHERE ticker = 'TBB') ORDER BY 1"
    )
    assert query(sql) == [("T", True), ("TBB", False), ("TBC", False)]


LARGEST = """
WITH bars AS (
  SELECT *, lag(close) OVER w AS before, lag(session_date) OVER w AS day_before
  FROM core.daily_prices WINDOW w AS (PARTITION BY listing_id ORDER BY session_date)
)
SELECT b.ticker, b.session_date, round(s.shares_outstanding * (before - close) / 1e9, 2) AS lost
FROM bars AS b
JOIN core.abnormal_returns AS r USING (listing_id, session_date)
ASOF JOIN core.shares_outstanding AS s
  ON s.listing_id = b.listing_id AND b.day_before >= s.known_on
WHERE r.simple_return IS NOT NULL ORDER BY lost DESC LIMIT 3
"""


def test_the_largest_losses_are_those_of_nvidia(query):
    assert query(LARGEST) == [
        ("NVDA", date(2025, 1, 27), 592.66),
        ("NVDA", date(2024, 9, 3), 278.91),
        ("NVDA", date(2025, 2, 27), 272.57),
    ]


def test_the_market_is_that_of_the_members_and_the_check_says_so(query):
    assert query("SELECT DISTINCT market FROM core.market_returns WHERE region = 'US'") == [
        ("capitalisation-weighted",)
    ]
    ((passed, sample),) = query(
        "SELECT is_passed, sample_keys FROM meta.dq_results "
        "WHERE check_name = 'configured_markets_are_in_the_data'"
    )
    assert not passed
    assert "SPY" in sample
    ((worst, best),) = query(
        "SELECT min(market_return), max(market_return) FROM core.market_returns"
    )
    assert -0.05 < worst < best < 0.05


def test_once_declared_a_split_has_its_return_and_no_flag(query, declared):
    left = declared("SELECT ticker FROM core.proposed_splits")
    flagged = declared(
        "SELECT ticker FROM core.daily_prices WHERE quality_flags LIKE '%unapplied_split%'"
    )
    assert (left, flagged) == ([], [])
    for ticker, (day, ratio) in SPLITS.items():
        sql = (
            "SELECT close FROM raw.price_vintages WHERE ticker = ? AND session_date <= ? "
            "ORDER BY session_date DESC LIMIT 2"
        )
        (close,), (before,) = query(sql, ticker, day)
        assert returns(declared, ticker, day) == pytest.approx(close * ratio / before - 1, rel=1e-9)
