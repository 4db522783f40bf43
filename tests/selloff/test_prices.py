from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from selloff.history import from_day
from selloff.prices import daily_prices
from selloff.quality import Judgement
from warehouse.tables.actions import SPLITS
from warehouse.tables.instruments import INSTRUMENTS, SESSIONS
from warehouse.tables.prices import DAILY_PRICES, PRICE_VINTAGES
from warehouse.tables.quarantine import QUARANTINED_BARS

# Small moves of both signs: median absolute log return about 1%, robust sigma about 1.5%.
STEPS = np.log([1.01, 1 / 1.01] * 15)


def closes(*last_returns: float) -> list[float]:
    return list(100 * np.exp(np.cumsum([0.0, *STEPS, *last_returns])))


@pytest.fixture
def judge(bench, make):
    """Return the daily prices of these bars."""

    def run(*bars, instruments=None, sessions=None, thresholds=None, splits=(), out=(), rows=None):
        vintages = bench.put(PRICE_VINTAGES, pd.concat(bars, ignore_index=True))
        if instruments is None:
            tickers = dict.fromkeys(ticker for frame in bars for ticker in frame["ticker"])
            instruments = make.listings(*tickers, sector="Chips")
        if sessions is None:
            sessions = make.sessions("XNYS", make.days(300))
        listed = bench.put(INSTRUMENTS, instruments)
        calendar = bench.put(SESSIONS, sessions)
        actions, kept_out = bench.empty(SPLITS), bench.empty(QUARANTINED_BARS)
        if splits:
            dated = pd.DataFrame(splits, columns=["ticker", "ex_date", "split_ratio"])
            actions = bench.put(SPLITS, dated)
        if out:
            kept_out = bench.put(QUARANTINED_BARS, pd.DataFrame(out), strict=False)
        if rows:
            vintages = from_day(vintages, *rows)
        found = daily_prices(vintages, kept_out, actions, calendar, listed, thresholds)
        return bench.hold(DAILY_PRICES, found)

    return run


def last_flags(prices, ticker):
    return prices[prices["ticker"] == ticker]["quality_flags"].iloc[-1]


def test_the_newest_vintage_of_a_bar_is_kept(judge, make):
    first = make.bars("A", [10, 11], known_from="2025-01-01", row_hash="1")
    restated = make.bars("A", [10.5], known_from="2025-02-01", row_hash="2")
    prices = judge(first, restated)
    assert prices["close"].tolist() == [10.5, 11]
    assert prices["as_of"].tolist() == [pd.Timestamp("2025-02-01"), pd.Timestamp("2025-01-01")]


def test_versions_of_the_same_moment_are_chosen_by_source_then_hash(judge, make):
    rows = [("yahoo", "0", 1.0), ("files", "9", 2.0), ("files", "1", 3.0)]
    bars = [make.bars("A", [c], source=s, row_hash=h) for s, h, c in rows]
    assert judge(*bars)["close"].tolist() == [3.0]
    assert judge(*reversed(bars))["close"].tolist() == [3.0]


def test_the_first_source_is_kept_though_another_is_newer(judge, make):
    files = make.bars("A", [10.0], known_from="2025-01-01", row_hash="1")
    yahoo = make.bars("A", [11.0], known_from="2025-02-01", row_hash="1", source="yahoo")
    prices = judge(files.assign(source="files"), yahoo)
    assert prices["source"].tolist() == ["files"]


def test_a_listing_goes_on_with_the_next_source_where_the_first_has_no_bar(judge, make):
    prices = judge(
        make.bars("A", [10.0], source="files"), make.bars("A", [10.0, 11.0], source="yahoo")
    )
    assert prices["source"].tolist() == ["files", "yahoo"]
    assert prices["n_sources"].tolist() == [2, 1]


def test_sources_count_where_they_agree_within_rounding(judge, make):
    closes = {"files": 10.0, "yahoo": 10.001, "eastmoney": 10.009}
    bars = [make.bars("A", [close], source=source) for source, close in closes.items()]
    assert judge(*bars)["n_sources"].tolist() == [2]


def test_versions_from_before_a_split_are_brought_to_it(judge, make):
    before = make.bars("A", [1200, 1210], known_from="2024-01-02 22:00", adj_close=1100.0)
    before = before.assign(open=1190.0, high=1300.0, low=1100.0, volume=7.0)
    after = make.bars("A", [122.0], start="2024-01-03", known_from="2024-01-03 22:00", volume=70.0)
    prices = judge(before, after, splits=[("A", "2024-01-03", 10.0)])
    assert prices["close"].tolist() == [120, 121, 122]
    names = ["open", "high", "low", "adj_close", "volume"]
    assert prices[names].iloc[0].tolist() == [119, 130, 110, 110, 70]
    assert prices["quality_flags"].tolist() == ["", "", ""]


def test_a_version_fetched_since_the_split_is_left_alone(judge, make):
    bars = make.bars("A", [120.0, 121.0], known_from="2024-01-02 22:00")
    assert judge(bars, splits=[("A", "2024-01-02", 10.0)])["close"].tolist() == [120, 121]


def test_a_source_as_traded_is_brought_to_every_split(judge, make):
    bars = make.bars("A", [1200.0, 121.0], basis="as_traded", source="files")
    assert judge(bars, splits=[("A", "2024-01-02", 10.0)])["close"].tolist() == [120, 121]


def kept_out(day, ticker="A"):
    return {"ticker": ticker, "session_date": pd.Timestamp(day)}


def test_a_quarantined_bar_is_absent_and_counted_by_the_next_row(judge, make):
    out = [kept_out(f"2024-01-0{day}") for day in (1, 3, 4)]
    prices = judge(make.bars("A", [10, 11, 12, 13, 14]), make.bars("B", [10.0]), out=out)
    said = prices[["ticker", "close", "n_quarantined"]].to_numpy().tolist()
    assert said == [["A", 11, 1], ["A", 14, 2], ["B", 10, 0]]


def test_a_bar_that_was_refused_counts_though_no_version_of_it_exists(judge, make):
    prices = judge(make.bars("A", [10, None, 12]), out=[kept_out("2024-01-02")])
    assert prices["n_quarantined"].tolist() == [0, 1]


def test_quarantined_bars_after_the_last_row_are_counted_by_none(judge, make):
    out = [kept_out("2024-01-03"), kept_out("2024-01-01", "B")]
    assert judge(make.bars("A", [10, 11]), out=out)["n_quarantined"].tolist() == [0, 0]


def test_a_slice_counts_as_the_whole_history_does(judge, make):
    bars, out = make.bars("A", range(10, 20)), [kept_out("2024-01-02"), kept_out("2024-01-10")]
    whole = judge(bars, out=out)
    late = judge(bars, out=out, rows=(pd.Timestamp("2024-01-09").date(), 3))
    ends = [frame[frame["session_date"] >= "2024-01-09"] for frame in (whole, late)]
    pd.testing.assert_frame_equal(*(end.reset_index(drop=True) for end in ends))
    assert ends[0]["n_quarantined"].tolist() == [0, 1, 0]


def test_a_bar_without_trades_at_the_previous_close_is_stale(judge, make):
    bars = make.bars("A", [10, 10, 10], volume=[5.0, 0.0, 5.0])
    assert judge(bars)["quality_flags"].tolist() == ["", "stale", ""]


@pytest.mark.parametrize(
    ("column", "value", "flags"),
    [("open", 10.0, "stale"), ("open", None, "stale"), ("low", 9.0, ""), ("high", 10.5, "")],
)
def test_every_price_that_exists_must_equal_the_previous_close(judge, make, column, value, flags):
    bars = make.bars("A", [10, 10], volume=[5.0, 0.0], **{column: [10.0, value]})
    assert last_flags(judge(bars), "A") == flags


def test_the_first_bar_of_a_listing_is_never_stale(judge, make):
    assert judge(make.bars("A", [10, 10], volume=0.0))["quality_flags"].tolist() == ["", "stale"]


def test_a_missing_volume_is_flagged_only_where_there_were_volumes(judge, make):
    spoken = make.bars("A", [10, 11, 12], volume=[5.0, None, None])
    silent = make.bars("B", [10, 11, 12])
    prices = judge(spoken, silent)
    expected = ["", "no_volume", "no_volume", "", "", ""]
    assert prices["quality_flags"].tolist() == expected


def test_a_volume_too_long_ago_is_forgotten(judge, make):
    bars = make.bars("A", closes()[:24], volume=[5.0, *[None] * 23])
    flags = judge(bars)["quality_flags"].tolist()
    assert flags == ["", *["no_volume"] * 20, "", "", ""]


def test_a_bar_between_the_sessions_of_its_exchange_is_off_calendar(judge, make):
    days = make.days(5).delete(2)
    prices = judge(make.bars("A", range(1, 8)), sessions=make.sessions("XNYS", days))
    assert prices["quality_flags"].tolist() == ["", "", "off_calendar", "", "", "", ""]


@pytest.mark.parametrize("mic", [None, "XNOWHERE"])
def test_without_a_known_calendar_no_bar_is_off_it(judge, make, mic):
    unknown = make.listings("A", exchange_mic=mic)
    days = make.days(5).delete(2)
    prices = judge(
        make.bars("A", [1, 2, 3]), instruments=unknown, sessions=make.sessions("X", days)
    )
    assert set(prices["quality_flags"]) == {""}


def test_a_bar_fetched_too_early_is_provisional_and_words_are_sorted(judge, make):
    bars = make.bars("A", [10, 10], volume=[1.0, 0.0], is_provisional=[False, True])
    assert last_flags(judge(bars), "A") == "provisional stale"


def test_a_lonely_jump_is_flagged(judge, make):
    bars = make.bars("A", closes(-0.5), volume=100.0)
    assert last_flags(judge(bars), "A") == "jump"


@pytest.mark.parametrize(("sigmas", "flags"), [(7.99, ""), (8.01, "jump"), (-8.01, "jump")])
def test_a_jump_begins_at_eight_robust_sigmas(judge, make, sigmas, flags):
    move = sigmas * 1.4826 * np.log(1.01)
    assert last_flags(judge(make.bars("A", closes(move), volume=1.0)), "A") == flags


def test_a_jump_is_measured_on_the_rows_before_it_alone(judge, make):
    # Ten moves of 1% and ten of 5%: the median is 3%, and one more large move makes it 5%.
    moves = np.array([0.01, -0.05] * 10)
    jump = 9 * 1.4826 * 0.03
    levels = 100 * np.exp(np.cumsum([0.0, *moves, jump, 0.3, -0.3]))
    flags = judge(make.bars("A", levels, volume=1.0))["quality_flags"].tolist()
    assert flags == [*[""] * 21, "jump", "", ""]


def test_the_thresholds_are_configuration(judge, make):
    bars = make.bars("A", closes(5 * 1.4826 * np.log(1.01)), volume=1.0)
    assert last_flags(judge(bars, thresholds=Judgement(jump_sigmas=4)), "A") == "jump"


def test_twice_the_usual_volume_corroborates_a_jump(judge, make):
    quiet = make.bars("A", closes(-0.5), volume=[*[100.0] * 31, 199.9])
    loud = make.bars("B", closes(-0.5), volume=[*[100.0] * 31, 200.0])
    mute = make.bars("C", closes(-0.5), volume=[*[0.0] * 31, 0.0])
    strangers = make.listings("A", "B", "C", sector=["Chips", "Power", "Food"])
    prices = judge(quiet, loud, mute, instruments=strangers)
    assert [last_flags(prices, ticker) for ticker in "ABC"] == ["jump", "", "jump"]


@pytest.mark.parametrize(
    ("peers", "flags"),
    [
        ((-0.126, -0.126), ""),
        ((-0.124, -0.124), "jump"),
        ((0.2, 0.2), "jump"),
        ((-0.2,), "jump"),
        ((-0.2, -0.2, 0.0), ""),
    ],
)
def test_two_peers_that_moved_a_quarter_along_corroborate_a_jump(judge, make, peers, flags):
    jumper = make.bars("A", closes(-0.5), volume=100.0)
    others = [make.bars(f"P{n}", closes(move), volume=100.0) for n, move in enumerate(peers)]
    assert last_flags(judge(jumper, *others), "A") == flags


@pytest.mark.parametrize(
    "strangers",
    [{"sector": "Power"}, {"region": "EU"}, {"asset_class": "etf"}, {"sector": None}],
)
def test_only_equities_of_the_same_sector_and_region_are_peers(judge, make, strangers):
    bars = [make.bars(name, closes(-0.5), volume=100.0) for name in ("A", "B", "C")]
    me = make.listings("A", sector="Chips")
    others = make.listings("B", "C", **{"sector": "Chips", **strangers})
    prices = judge(*bars, instruments=pd.concat([me, others], ignore_index=True))
    assert last_flags(prices, "A") == "jump"


def test_without_twenty_returns_there_is_no_scale(judge, make):
    short = make.bars("A", [*closes()[:20], 50.0], volume=1.0)
    enough = make.bars("B", [*closes()[:21], 50.0], volume=1.0)
    prices = judge(short, enough, instruments=make.listings("A", "B"))
    assert last_flags(prices, "A") == ""
    assert last_flags(prices, "B") == "jump"


def test_a_listing_that_never_moved_has_no_scale_either(judge, make):
    prices = judge(make.bars("A", [*[10.0] * 40, 5.0], volume=1.0))
    assert set(prices["quality_flags"]) == {""}


def test_a_listing_unknown_to_the_instruments_keeps_its_bars(judge, make):
    prices = judge(make.bars("A", closes(-0.5)), instruments=make.listings("B"))
    assert len(prices) == 32
    assert last_flags(prices, "A") == "jump"
