"""Splits, dividends and factors.

Reference: the worked example of Yahoo's help page "What is the adjusted close?" (SLN28256, after
the Center for Research in Security Prices), and closes of NVDA, AAPL and BCAN as exchanges
published them around their splits.
"""

from __future__ import annotations

from math import prod

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff import adjustments
from warehouse.tables.actions import CORPORATE_ACTIONS, DIVIDENDS, SPLITS
from warehouse.tables.prices import DAILY_PRICES, PRICE_VINTAGES


def action(ex_date, *, split=None, cash=None, **columns):
    """Return one row of raw.corporate_actions, known on its ex-date."""
    row = {"ticker": "A", "ex_date": ex_date, "split_ratio": split, "amount": cash}
    usual = {"known_from": f"{ex_date} 21:00", "basis": "split_adjusted", "row_hash": "0"}
    usual |= {"source": "yahoo", "currency": "USD", "action": "split" if split else "dividend"}
    return {**row, **usual, **columns}


def frame(*rows):
    return pd.DataFrame(list(rows)).astype({"split_ratio": float, "amount": float})


@pytest.fixture
def split_of(bench):
    """Return core.splits of these actions."""

    def run(*rows, **options):
        raw = bench.put(CORPORATE_ACTIONS, frame(*rows))
        return bench.hold(SPLITS, adjustments.splits(raw, **options))

    return run


@pytest.fixture
def paid(bench):
    """Return core.dividends of these actions."""

    def run(*rows, **options):
        raw = bench.put(CORPORATE_ACTIONS, frame(*rows))
        bench.hold(SPLITS, adjustments.splits(raw))
        found = adjustments.dividends(raw, bench.table(SPLITS), **options)
        return bench.hold(DIVIDENDS, found)

    return run


@pytest.fixture
def factors(bench):
    """Return the adjustment factors of these split-adjusted bars."""

    def run(bars, splits=(), dividends=()):
        prices = bench.put(DAILY_PRICES, bars)
        known = bench.empty(SPLITS)
        if splits:
            rows = [{"ticker": "A", "ex_date": day, "split_ratio": ratio} for day, ratio in splits]
            known = bench.put(SPLITS, pd.DataFrame(rows).astype({"split_ratio": float}))
        cash = bench.empty(DIVIDENDS)
        if dividends:
            names = ["ex_date", "amount", "currency"]
            cash = bench.put(DIVIDENDS, pd.DataFrame(dividends, columns=names).assign(ticker="A"))
        found = adjustments.adjustment_factors(prices, known, cash)
        return found.order_by("session_date").to_pyarrow().to_pandas()

    return run


def test_the_newest_version_of_a_split_counts(split_of):
    first = action("2024-06-10", split=5, known_from="2024-06-09", row_hash="1")
    assert split_of(first, action("2024-06-10", split=10, row_hash="2"))[
        "split_ratio"
    ].tolist() == [10]


@pytest.mark.parametrize(
    ("sources", "chosen"),
    [
        (("yahoo", "files"), "files"),
        (("replay", "yahoo"), "yahoo"),
        (("zebra", "antler"), "antler"),
        (("antler", "replay"), "replay"),
    ],
)
def test_the_first_source_in_priority_counts_and_unknown_ones_come_last(split_of, sources, chosen):
    rows = [action("2024-06-10", split=2, source=source) for source in sources]
    assert split_of(*rows)["source"].tolist() == [chosen]


def test_another_priority_can_be_given(split_of):
    rows = [action("2024-06-10", split=2, source=source) for source in ("files", "yahoo")]
    assert split_of(*rows, priority=("yahoo",))["source"].tolist() == ["yahoo"]


def test_a_ratio_of_one_says_nothing_and_takes_a_split_back(split_of):
    wrong = action("2024-06-10", split=10, known_from="2024-06-10", row_hash="1")
    back = action("2024-06-10", split=1, known_from="2024-06-11", row_hash="2")
    other = action("2024-06-10", split=4, source="replay")
    assert split_of(wrong, back)["split_ratio"].tolist() == []
    assert split_of(wrong, back, other)["split_ratio"].tolist() == [4]


def test_a_dividend_is_no_split(split_of, paid):
    assert len(split_of(action("2024-06-11", cash=0.01))) == 0
    assert len(paid(action("2024-06-11", split=2))) == 0


def test_a_dividend_stated_in_later_shares_is_brought_back_to_those_of_its_ex_date(paid):
    # NVDA paid 0.04 with ex-date 2024-03-05; after 10:1 on 2024-06-10 vendors say 0.004.
    split = action("2024-06-10", split=10)
    later = action("2024-03-05", cash=0.004, known_from="2024-07-01")
    assert paid(split, later)["amount"].tolist() == [0.04]


@pytest.mark.parametrize(
    "told", [{"known_from": "2024-06-09 23:59"}, {"basis": "as_traded", "known_from": "2024-07-01"}]
)
def test_a_dividend_stated_in_its_own_shares_stays(paid, told):
    split = action("2024-06-10", split=10)
    assert paid(split, action("2024-03-05", cash=0.04, **told))["amount"].tolist() == [0.04]


def test_a_split_on_the_ex_date_does_not_touch_the_dividend(paid):
    cash = action("2024-06-10", cash=0.3, known_from="2024-07-01")
    assert paid(action("2024-06-10", split=10), cash)["amount"].tolist() == [0.3]


def test_dividends_and_capital_gains_of_a_day_are_summed_within_one_source(paid):
    # VWILX, yfinance#2666: the capital gain is a distribution as the dividend is.
    rows = [
        action("2024-12-20", cash=1.5),
        action("2024-12-20", cash=6.25, action="capital_gain"),
        action("2024-12-20", cash=9, source="zebra"),
        action("2024-12-20", cash=5, action="spin_off"),
    ]
    assert paid(*rows)["amount"].tolist() == [7.75]


def test_amounts_in_different_currencies_are_not_summed(paid):
    rows = [
        action("2024-12-20", cash=1, currency="USD"),
        action("2024-12-20", cash=2, currency="CAD", action="capital_gain"),
    ]
    found = paid(*rows)
    assert found[["amount", "currency"]].to_numpy().tolist() == [[2, "CAD"]]


def test_the_factor_of_the_published_example_is_met(factors):
    days = ["2003-02-13", "2003-02-14", "2003-02-18", "2003-02-19"]
    bars = pd.DataFrame(
        {
            "ticker": "A",
            "session_date": pd.to_datetime(days),
            "close": [46.99 / 2, 48.30 / 2, 24.96, 24.53],
        }
    )
    found = factors(bars, [("2003-02-18", 2)], [("2003-02-19", 0.08, "USD")])
    as_traded = np.array([46.99, 48.30, 24.96, 24.53])
    assert found["split_ratio_after"].tolist() == [2, 2, 1, 1]
    assert found["dividend_factor"].round(4).tolist() == [0.9968, 0.9968, 0.9968, 1]
    adjusted = as_traded * found["total_return_factor"]
    assert adjusted.round(2).tolist() == [23.42, 24.07, 24.88, 24.53]


def test_the_vendors_factor_stands_beside_ours(factors, make):
    found = factors(make.bars("A", [100, 98.0], adj_close=[98.0, None]))
    assert found["vendor_factor"].iloc[0] == 0.98
    assert found["vendor_factor"].isna().tolist() == [False, True]


def test_a_dividend_and_a_split_of_one_day_are_both_in_the_new_shares(factors, make):
    # 100 before 2:1 is 50; 5 in new shares is a tenth of that.
    found = factors(make.bars("A", [50, 45.0]), [("2024-01-02", 2)], [("2024-01-02", 5.0, "USD")])
    assert found["dividend_factor"].tolist() == [0.9, 1]


@pytest.mark.parametrize(
    ("dividend", "why"),
    [
        (("2024-01-02", 1.0, "EUR"), "another currency"),
        (("2024-01-02", 50.0, "USD"), "not smaller than the close"),
        (("2024-01-01", 1.0, "USD"), "no bar before"),
        (("2024-01-09", 1.0, "USD"), "no bar has reached the ex-date"),
    ],
)
def test_a_dividend_that_says_nothing_about_the_bars_is_left_out(factors, make, dividend, why):
    found = factors(make.bars("A", [50, 45.0]), dividends=[dividend])
    assert found["dividend_factor"].tolist() == [1, 1], why


def test_the_close_before_is_that_of_the_last_bar_however_long_ago(factors, make):
    found = factors(make.bars("A", [50, None, None, 45]), dividends=[("2024-01-04", 5.0, "USD")])
    assert found["dividend_factor"].tolist() == [0.9, 1]


def test_the_actions_of_one_listing_leave_the_others_alone(factors, make):
    bars = pd.concat([make.bars("A", [50, 45.0]), make.bars("B", [50, 45.0])])
    found = factors(bars, [("2024-01-02", 2)], [("2024-01-02", 5.0, "USD")])
    other = found[found["ticker"] == "B"]
    assert other[["split_ratio_after", "dividend_factor"]].to_numpy().tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize(
    ("before", "as_traded", "ex_date", "ratio", "adjusted"),
    [
        ("2024-06-07", 1208.88, "2024-06-10", 10.0, 120.888),  # NVDA 10:1
        ("2020-08-28", 499.23, "2020-08-31", 4.0, 124.8075),  # AAPL 4:1
        ("2024-01-12", 0.05, "2024-01-16", 1 / 190, 9.5),  # BCAN 1:190
    ],
)
def test_a_real_split_is_exact_in_either_direction(
    bench, before, as_traded, ex_date, ratio, adjusted
):
    columns = ["close", "volume", "basis", "known_from", "row_hash"]
    told = [
        (as_traded, 1000.0, "as_traded", "2026-01-01", "1"),
        (as_traded, 1000.0, "split_adjusted", f"{before} 21:00", "2"),
        (adjusted, 1000 * ratio, "split_adjusted", ex_date, "3"),
    ]
    rows = pd.DataFrame(told, columns=columns).assign(ticker="A", session_date=before)
    versions = bench.put(PRICE_VINTAGES, rows)
    split = pd.DataFrame({"ticker": ["A"], "ex_date": [ex_date], "split_ratio": [ratio]})
    found = adjustments.split_adjusted(versions, bench.put(SPLITS, split)).to_pyarrow().to_pandas()
    assert found["close"].tolist() == pytest.approx([adjusted] * 3, rel=1e-15)
    assert found["volume"].tolist() == pytest.approx([1000 * ratio] * 3, rel=1e-15)
    assert found["later_ratio"].tolist() == [ratio] * 3


DAYS = pd.bdate_range("2024-01-01", periods=12)
ratios = st.sampled_from([2.0, 3.0, 10.0, 0.1, 0.5, 1 / 190, 1.5])


@settings(deadline=None, max_examples=40)
@given(
    st.dictionaries(st.integers(1, 11), ratios, max_size=3),
    st.lists(st.tuples(st.integers(0, 15), st.booleans()), min_size=12, max_size=12),
)
def test_a_split_moves_no_return_wherever_the_versions_were_fetched(bench, splits, fetches):
    worth = 100 * 1.01 ** np.arange(12)  # in the shares of the last day
    rows = []
    for day, (delay, is_raw) in enumerate(fetches):
        later = prod(ratio for ex, ratio in splits.items() if ex > day)
        fetched = DAYS[day] + pd.Timedelta(days=delay, hours=22)
        held = prod(r for ex, r in splits.items() if day < ex and DAYS[ex].date() <= fetched.date())
        basis = "as_traded" if is_raw else "split_adjusted"
        close = worth[day] * later / (1 if is_raw else held)
        rows.append((DAYS[day], close, basis, fetched))
    names = ["session_date", "close", "basis", "known_from"]
    versions = bench.put(PRICE_VINTAGES, pd.DataFrame(rows, columns=names).assign(ticker="A"))
    known = bench.empty(SPLITS)
    if splits:
        dated = [{"ticker": "A", "ex_date": DAYS[ex], "split_ratio": r} for ex, r in splits.items()]
        known = bench.put(SPLITS, pd.DataFrame(dated))
    found = adjustments.split_adjusted(versions, known).order_by("session_date")
    assert found.to_pyarrow()["close"].to_pylist() == pytest.approx(list(worth), rel=1e-12)
