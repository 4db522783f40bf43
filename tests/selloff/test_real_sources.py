"""Many sources of the S&P 500 side by side, on the day of the sell-off.

Reference: 23 public files of daily prices, 2024-06-01 to 2025-02-28 (`../shared`, not part of the
repository). The figures were counted from them by a query of its own: of 628 tickers 597 have a
return of 2025-01-27 in two sources or more, and three of these are further apart than 10 bp. The
trades of one venue alone (IEX) are no consolidated close, and are left out.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from selloff.adjustments import split_adjusted
from selloff.sources import reconciled, return_spreads
from warehouse.tables.actions import SPLITS

FILE = Path(__file__).parents[2] / "../shared/data/prices/sp500_by_source_2024_2025.parquet"
pytestmark = pytest.mark.skipif(not FILE.exists(), reason="needs ../shared/data, not in the clone")
TEN_BASIS_POINTS = 0.001


@pytest.fixture(scope="module")
def told(bench):
    """Every source's bars of the two sessions."""
    bench.sql(f"""
        CREATE TABLE told AS
        SELECT 'X:' || ticker AS listing_id, ticker, date AS session_date, open, high, low, close,
          adj_close, volume, 'USD' AS currency, source || ' ' || basis AS source, basis,
          false AS is_provisional, TIMESTAMP '2025-03-01' AS known_from
        FROM '{FILE}'
        WHERE date IN ('2025-01-24', '2025-01-27') AND basis <> 'iex_fully_adjusted'
    """)
    return bench.engine.table("told")


@pytest.fixture(scope="module")
def spread(told):
    return return_spreads(told).to_pyarrow().to_pandas().set_index("listing_id")


def test_of_597_tickers_in_several_sources_three_disagree_on_the_return(told, spread):
    assert told.ticker.nunique().execute() == 628
    assert len(spread) == 597
    apart = spread[spread["spread"] > TEN_BASIS_POINTS]
    assert sorted(apart.index) == ["X:BK", "X:BNY", "X:CAG"]


@pytest.mark.parametrize(
    ("ticker", "dividend", "close_before"), [("CAG", 0.35, 25.78), ("BK", 0.47, 85.79)]
)
def test_conagra_and_bank_of_new_york_went_ex_dividend_and_one_source_tells(
    spread, ticker, dividend, close_before
):
    row = spread.loc[f"X:{ticker}"]
    without = (1 + row["lowest_return"]) / (1 - dividend / close_before) - 1
    assert row["highest_return"] == pytest.approx(without, abs=2e-6)


def test_bny_is_a_fund_to_one_source_and_the_bank_under_its_later_symbol_to_another(spread):
    fund, bank = spread.loc["X:BNY"], spread.loc["X:BK"]
    assert fund["lowest_return"] == pytest.approx(0, abs=1e-12)  # 10.31 on both days
    assert fund["highest_return"] == pytest.approx(bank["highest_return"], abs=2e-5)


# What the companies did between the makings of the files: splits, a consolidation (LCID), and
# spin-offs, which Yahoo counts as splits (CMCSA, HON, WDC).
SINCE = {
    "BKNG": 25,
    "CMCSA": 1.067,
    "FAST": 2,
    "HON": 1.061,
    "LCID": 0.1,
    "NFLX": 10,
    "ORLY": 15,
    "WDC": 1.323,
    **dict.fromkeys(("XLB", "XLE", "XLK", "XLU", "XLY"), 2),
}


@pytest.fixture(scope="module")
def closes(told, bench):
    """Sources of the day whose closes are in one basis, but for what was done since."""
    day = told.filter(
        told.basis.isin(["split_adjusted", "as_traded"]),
        told.session_date == "2025-01-27",
        told.close.notnull(),
    )
    return reconciled(split_adjusted(day, bench.empty(SPLITS))).to_pyarrow().to_pandas()


def test_in_one_basis_the_closes_conflict_only_where_one_file_has_a_later_split(closes):
    assert (closes["place"] > 0).sum() > 500
    assert sorted(set(closes[closes["conflicts"]]["ticker"])) == sorted(SINCE)
    others = closes[~closes["ticker"].isin(SINCE)]
    assert others["agrees"].all()


@pytest.mark.parametrize("ticker", sorted(SINCE))
def test_the_closes_that_conflict_are_apart_by_the_split(closes, ticker):
    found = closes[closes["ticker"] == ticker]["close"]
    ratio = SINCE[ticker] if SINCE[ticker] > 1 else 1 / SINCE[ticker]
    assert found.max() / found.min() == pytest.approx(ratio, rel=2e-6)
