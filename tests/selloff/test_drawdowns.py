"""Drawdown episodes of a panel: what they say, what they cost, and what they may not know."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from selloff import drawdown_series
from selloff._ibis import fetched
from selloff.drawdowns import drawdown_episodes, with_highs
from warehouse.tables.drawdowns import DRAWDOWN_EPISODES
from warehouse.tables.instruments import INSTRUMENTS, SHARES_OUTSTANDING
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.valuation import FX_RATES

FACTS = ["ticker", "peak_date", "trough_date", "recovery_date", "depth", "sessions_under_water"]


@pytest.fixture(scope="module")
def find(bench, make):
    """Return the episodes of these bars, stored by contract."""

    def run(*bars, shares=None, rates=None, instruments=None):
        frame = pd.concat(bars, ignore_index=True)
        listed = make.listings(*dict.fromkeys(frame["ticker"]))
        table = drawdown_episodes(
            bench.put(DAILY_PRICES, frame),
            bench.put(INSTRUMENTS, listed if instruments is None else instruments),
            bench.put(SHARES_OUTSTANDING, make.shares() if shares is None else shares),
            bench.put(FX_RATES, make.rates("EUR", []) if rates is None else rates),
        )
        return bench.hold(DRAWDOWN_EPISODES, table)

    return run


def test_nvidias_fall_is_seeded_with_the_close_before_it(find, make):
    found = find(make.bars("NVDA", [147.22, 142.62, 118.42, 128.99], "2025-01-23"))
    row = found.iloc[0]
    assert len(found) == 1
    assert row["depth"] == pytest.approx(118.42 / 147.22 - 1, rel=1e-14)
    assert row["depth"] <= -0.169
    assert (row["peak_date"], row["trough_date"]) == tuple(make.days(3, "2025-01-23")[[0, 2]])
    assert (row["sessions_to_trough"], row["sessions_under_water"]) == (2, 3)
    assert row["outcome"] == "open"
    assert pd.isna(row["recovery_date"])
    assert row["observed_through"] == pd.Timestamp("2025-01-28")


def test_a_close_at_the_peak_again_ends_an_episode_and_can_begin_the_next(find, make):
    days = make.days(7)
    found = find(make.bars("A", [9, 3, 4, 3, 9, 8, 10]))
    assert found["peak_date"].tolist() == [days[0], days[4]]
    assert found["trough_date"].tolist() == [days[1], days[5]]
    assert found["recovery_date"].tolist() == [days[4], days[6]]
    assert found["sessions_to_recover"].tolist() == [3, 1]
    assert found["outcome"].tolist() == ["recovered"] * 2
    assert found["observed_through"].tolist() == [days[4], days[6]]


def test_sessions_are_the_listings_own(find, make):
    found = find(make.bars("A", [10, None, None, 5, None, 10]))
    assert found[["sessions_to_trough", "sessions_to_recover"]].to_numpy().tolist() == [[1, 1]]


@pytest.mark.parametrize("closes", [[5.0], [5.0, 5.0], [5.0, 6.0], [3.0] * 40])
def test_what_never_falls_has_no_episode(find, make, closes):
    assert len(find(make.bars("A", closes))) == 0


def test_highs_do_not_reach_across_a_change_of_basis(find, make):
    days = make.days(6)
    bars = make.bars("NVDA", [1200, 1100, 121, 118, 110, 125])
    bars["quality_flags"] = ["", "", "jump unapplied_split", "", "", ""]
    found = find(bars)
    assert found["depth"].tolist() == pytest.approx([1100 / 1200 - 1, 110 / 121 - 1])
    assert found["outcome"].tolist() == ["broken_off", "recovered"]
    assert found["observed_through"].tolist() == [days[1], days[5]]
    assert found["peak_date"].tolist() == [days[0], days[2]]
    # The last bar before the change, and the one that recovered.
    assert found["sessions_under_water"].tolist() == [1, 3]
    assert found["n_flagged"].tolist() == [0, 1]


def test_every_change_of_basis_begins_a_history(bench, make):
    bars = make.bars("A", [8, 4, 2, 1, 3, 2])
    bars["quality_flags"] = ["", "unapplied_split", "", "unapplied_split", "", ""]
    found = fetched(with_highs(bench.put(DAILY_PRICES, bars)).order_by("session_date"))
    assert found["drawdown"].tolist() == pytest.approx([0, 0, -0.5, 0, 0, -1 / 3])
    assert found["highest_close"].tolist() == [8, 4, 4, 1, 3, 3]


def test_the_loss_is_shares_and_rate_of_the_peak_times_the_fall(find, make):
    bars = make.bars("A", [10, 12, 9, 8, 11], currency="EUR")
    shares = pd.concat([make.shares(A=100), make.shares(A=500)])
    shares["known_on"] = pd.to_datetime(["2024-01-02", "2024-01-03"])
    found = find(bars, shares=shares, rates=make.rates("EUR", [1.0, 1.5, 2.0, 2.0, 2.0]))
    row = found.iloc[0]
    assert row["market_value_lost_usd"] == 100 * (12 - 8) * 1.5
    assert (row["shares_outstanding"], row["usd_per_currency"]) == (100, 1.5)
    assert row["shares_known_on"] == pd.Timestamp("2024-01-02")


def test_an_unknown_share_count_or_rate_means_an_unknown_loss(find, make):
    bars = make.bars("A", [10, 5]), make.bars("B", [10, 5], currency="CHF")
    found = find(*bars, shares=make.shares(B=1)).set_index("ticker")
    assert found["market_value_lost_usd"].isna().all()
    assert found["shares_outstanding"].isna().tolist() == [True, False]
    assert found["usd_per_currency"].isna().tolist() == [False, True]


def test_a_firm_is_counted_on_one_listing_in_all_its_episodes(find, make):
    listed = make.listings("C", "L", "X", issuer_id=["firm", "firm", None], is_primary=[0, 1, 1])
    listed["is_primary"] = listed["is_primary"].astype(bool)
    bars = [
        make.bars(name, closes)
        for name, closes in (("C", [9, 8, 9, 7, 9]), ("L", [9, 9, 8, 8, 9]), ("X", [2, 1, 1, 1, 1]))
    ]
    found = find(*bars, shares=make.shares(C=100, L=100, X=1), instruments=listed)
    counted = found.groupby("ticker")["is_counted"].agg(["sum", "size"])
    assert counted.to_numpy().tolist() == [[0, 2], [1, 1], [1, 1]]
    # Without a value of the primary listing the other one carries the firm.
    found = find(*bars, shares=make.shares(C=100), instruments=listed)
    assert set(found.loc[found["is_counted"], "ticker"]) == {"C", "X"}


def test_what_an_episode_rests_on_is_counted_up_to_its_end(find, make):
    bars = make.bars("A", [7, 9, 5, 9, 8])
    bars["quality_flags"] = ["stale", "jump", "stale", "", "jump"]
    bars["n_quarantined"] = [1, 0, 2, 3, 0]
    bars["is_simulated"] = [True, False, False, False, False]
    bars["as_of"] = pd.to_datetime(
        ["2025-01-01", "2025-01-01", "2025-02-01", "2025-03-01", "2025-04-01"]
    )
    found = find(bars)
    assert found["n_flagged"].tolist() == [2, 1]
    assert found["n_quarantined"].tolist() == [5, 3]
    # A simulated bar before the peak is one that the peak was higher than.
    assert found["has_simulated_inputs"].tolist() == [True, True]
    assert found["as_of"].dt.date.tolist() == [date(2025, 3, 1), date(2025, 4, 1)]


def test_closes_that_are_missing_or_zero_are_survived_where_no_contract_stood_in_their_way(
    bench, make
):
    bars = make.bars("A", [10.0, 5, 4, 0, 8])
    bars.loc[1, "close"] = np.nan
    table = drawdown_episodes(
        bench.put(DAILY_PRICES, bars, strict=False),
        bench.put(INSTRUMENTS, make.listings("A")),
        bench.empty(SHARES_OUTSTANDING),
        bench.empty(FX_RATES),
    )
    row = fetched(table).iloc[0]
    assert (row["depth"], row["sessions_to_trough"], row["sessions_under_water"]) == (-1, 2, 3)


def test_no_bars_have_no_episodes(find, make):
    assert len(find(make.bars("A", []).assign(ticker=pd.Series(dtype=str)))) == 0


@pytest.fixture(scope="module")
def walks(make):
    """Return a hundred listings of few prices, so that highs and lows are often equal."""
    random = np.random.default_rng(11)
    lengths = [1, 2, 3, *random.integers(4, 60, 97)]
    return [
        make.bars(f"L{number:02}", random.integers(1, 12, count).astype(float))
        for number, count in enumerate(lengths)
    ]


@pytest.fixture(scope="module")
def fallen(find, walks):
    return find(*walks)


def test_the_panel_finds_what_each_series_holds(fallen, walks, make):
    for bars in walks:
        closes = bars["close"].to_numpy()
        days = make.days(len(closes))
        own = fallen[fallen["ticker"] == bars["ticker"][0]]
        expected = drawdown_series.episodes(closes)
        assert own["peak_date"].tolist() == days[expected.peak].tolist()
        assert own["trough_date"].tolist() == days[expected.trough].tolist()
        assert own["depth"].tolist() == expected.depth.tolist()
        is_over = expected.recovery >= 0
        over = own["recovery_date"].dropna().tolist()
        assert over == days[expected.recovery[is_over]].tolist()
    assert len(fallen) > 400


def test_the_order_of_the_listings_and_their_scale_change_no_episode(find, fallen, walks):
    turned = [bars.assign(close=bars["close"] * 4) for bars in reversed(walks)]
    pd.testing.assert_frame_equal(find(*turned)[FACTS], fallen[FACTS])


def test_an_episode_that_was_over_is_never_told_differently_later(find, fallen, walks, make):
    end = make.days(30)[-1]
    known = find(*(bars[bars["session_date"] <= end] for bars in walks))
    over = known[known["outcome"] == "recovered"].reset_index(drop=True)
    same = fallen[fallen["recovery_date"] <= end].reset_index(drop=True)
    assert len(same) > 200
    pd.testing.assert_frame_equal(over, same)
    # An open one keeps its peak; its trough may deepen.
    still = known[known["outcome"] == "open"].merge(fallen, on=["ticker", "peak_date"])
    assert len(still) == (known["outcome"] == "open").sum() > 50
    assert (still["depth_y"] <= still["depth_x"]).all()


@pytest.mark.parametrize("cut", [1, 4, 6, 8])
@pytest.mark.parametrize("rows", [0, 2])
def test_a_late_slice_stands_against_the_highs_before_it(bench, make, cut, rows):
    a = make.bars("A", [9, 3, 4, 12, 9, 8, 10, 11, 7])
    a["quality_flags"] = ["", "", "", "", "", "unapplied_split", "", "", ""]
    a["is_simulated"] = [False, False, True, *[False] * 6]
    b = make.bars("B", [1, 2, 3]).assign(quality_flags="", is_simulated=False)
    bars = bench.put(DAILY_PRICES, pd.concat([a, b]))
    first = a["session_date"].iloc[cut]
    order = ["listing_id", "session_date"]
    whole = fetched(with_highs(bars)).sort_values(order)
    late = fetched(with_highs(bars, first.date(), rows)).sort_values(order)
    expected = whole.merge(late[order], on=order)
    assert (late["session_date"] < first).sum() == sum(
        min(rows, (part["session_date"] < first).sum())
        for _, part in whole.groupby("listing_id")
        if (part["session_date"] >= first).any()
    )
    pd.testing.assert_frame_equal(late[whole.columns].reset_index(drop=True), expected)
