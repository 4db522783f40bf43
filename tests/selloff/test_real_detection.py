"""Detection on the large firms of the real US market, 2023-07 to 2025-02, as traded."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from selloff import markets, returns
from selloff._ibis import fetched
from warehouse.tables.instruments import INSTRUMENTS, SESSIONS, SHARES_OUTSTANDING
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.returns import ABNORMAL_RETURNS, MARKET_RETURNS
from warehouse.tables.valuation import FX_RATES

DATA = Path(__file__).parents[3] / "shared" / "data"
PRICES = DATA / "prices" / "us_market_2023_2025.parquet"
SECTORS = DATA / "reference" / "constituents_2024-12-27.csv"
# The file's closes are as traded: a split is a jump by 3:2 or more that the share count follows
# within seven sessions (NVO's never does). Closes and counts are put on the last basis.
LARGE = """
WITH large AS (
  SELECT symbol FROM read_parquet($file) WHERE date <> '2023-12-05'
  GROUP BY symbol HAVING max(market_cap) >= 3e10 AND min(market_cap) > 0
), bars AS (
  SELECT symbol, date, close, volume::DOUBLE AS volume, lag(close) OVER w AS before,
    CASE WHEN date <> '2023-12-05' THEN market_cap / close END AS shares
  FROM read_parquet($file) SEMI JOIN large USING (symbol) WHERE close > 0
  WINDOW w AS (PARTITION BY symbol ORDER BY date)
), near AS (
  SELECT *, max(shares) OVER w / min(shares) OVER w AS grown, abs(ln(close / before)) AS jump
  FROM bars
  WINDOW w AS (PARTITION BY symbol ORDER BY date ROWS BETWEEN 7 PRECEDING AND 7 FOLLOWING)
), split AS (
  SELECT *, CASE
    WHEN coalesce(jump < 0.35, true) THEN 1
    WHEN abs(ln(grown) - jump) > 0.2 AND NOT (symbol = 'NVO' AND date = '2023-09-20') THEN 1
    WHEN close < before THEN round(2 * before / close) / 2
    ELSE 2 / round(2 * close / before) END AS factor
  FROM near
), based AS (
  SELECT *, coalesce(product(factor) OVER w, 1) AS later FROM split
  WINDOW w AS (PARTITION BY symbol ORDER BY date ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)
), counted AS (
  SELECT *, shares * later AS count, median(shares * later) OVER w AS usual FROM based
  WINDOW w AS (PARTITION BY symbol ORDER BY date ROWS BETWEEN 7 PRECEDING AND 7 FOLLOWING)
)
SELECT symbol AS ticker, date AS session_date, close / later AS close, volume * later AS volume,
  CASE WHEN count / usual BETWEEN 0.5 AND 2 THEN count END AS shares
FROM counted ORDER BY ticker, session_date
"""


@pytest.fixture(scope="module")
def market(bench, make):
    """Put the large firms' bars, shares and sessions on the bench; return their tickers."""
    if not PRICES.exists():
        pytest.skip("the real prices lie beside the repository, in ../shared, and are not there")
    bars = bench.sql(LARGE, {"file": str(PRICES)}).df()
    days = bars["session_date"].drop_duplicates().sort_values()
    counts = bars.dropna(subset="shares")
    is_new = counts.groupby("ticker")["shares"].pct_change().abs().fillna(1) > 1e-3
    counts = counts[is_new].rename(columns={"session_date": "known_on"})
    bench.put(SHARES_OUTSTANDING, counts.rename(columns={"shares": "shares_outstanding"}))
    bench.put(DAILY_PRICES, bars.drop(columns="shares"))
    bench.put(SESSIONS, make.sessions("XNYS", days))
    bench.put(FX_RATES, make.rates("USD", []))
    return bars["ticker"].unique()


@pytest.fixture(scope="module", params=["sectors", "nothing"])
def events(request, bench, make, market):
    """Return the events, with the S&P's sectors given and without any."""
    listed = make.listings(*market, currency="USD")
    if request.param == "sectors":
        known = pd.read_csv(SECTORS).set_index("Symbol")
        listed["sector"] = listed["ticker"].map(known["GICS Sector"])
        listed["industry"] = listed["ticker"].map(known["GICS Sub-Industry"])
    firms = {"GOOG": "alphabet", "GOOGL": "alphabet"}
    listed["issuer_id"] = listed["ticker"].map(firms)
    listed["is_primary"] = listed["ticker"] != "GOOG"
    names = (DAILY_PRICES, SESSIONS, SHARES_OUTSTANDING)
    bars, calendar, shares = (bench.table(each) for each in names)
    instruments = bench.put(INSTRUMENTS, listed)
    levels = markets.market_levels(bars, instruments, calendar, shares, {})
    bench.hold(MARKET_RETURNS, markets.market_returns(fetched(levels)))
    fitted = returns.abnormal_returns(bars, bench.table(MARKET_RETURNS), instruments)
    bench.hold(ABNORMAL_RETURNS, fitted)
    held = bench.detect(pd.DataFrame())
    position = {day: row for row, day in enumerate(sorted(held["market_days"]["session_date"]))}
    found = held["selloff_events"]
    return found.assign(
        position=found["session_date"].map(position), day=found["session_date"].dt.strftime("%F")
    )


@pytest.mark.parametrize(
    ("day", "scope"), [("2024-08-05", "market"), ("2024-12-18", "market"), ("2025-01-27", "sector")]
)
def test_the_known_sell_offs_are_found_in_their_scope(events, day, scope):
    assert events.set_index("day").loc[day, "scope"] == scope


def test_the_origin_of_27_january_is_technology_and_its_worst_loss_nvidias(events):
    event = events.set_index("day").loc["2025-01-27"]
    assert event["worst_listing_id"] == "X:NVDA"
    assert event["origin_sector"] == "Information Technology" or pd.isna(event["origin_sector"])
    assert event["abnormal_share_lost"] >= 0.015


def test_no_250_sessions_have_more_than_twelve_events(events):
    at = events["position"].to_numpy()
    assert max(((at > last - 250) & (at <= last)).sum() for last in at) <= 12


def test_the_calm_weeks_before_december_have_no_market_sell_off(events):
    calm = events["day"].between("2024-11-18", "2024-12-06")
    assert not (calm & events["scope"].isin(["market", "global"])).any()


def test_no_split_is_the_fall_of_a_single_name(events):
    splits = ("2024-06-10", "2024-10-03", "2024-07-15", "2024-10-09", "2023-09-20", "2024-02-26")
    assert not events["day"].isin(splits).any()
