"""Which moves of a price are splits that nobody told, and which are what we exist to measure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.implied_shares import implied_shares
from selloff.market_values import implied_counts, quarantined_market_values
from selloff.prices import daily_prices
from selloff.proposed_splits import proposed_splits, with_unapplied_splits
from warehouse.columns import SPLIT_RATIO
from warehouse.tables.actions import PROPOSED_SPLITS, SPLITS
from warehouse.tables.instruments import INSTRUMENTS, SESSIONS, SHARES_OUTSTANDING
from warehouse.tables.prices import DAILY_PRICES, PRICE_VINTAGES
from warehouse.tables.quarantine import QUARANTINED_BARS
from warehouse.tables.valuation import IMPLIED_SHARES, QUARANTINED_MARKET_VALUES

# What `implied_counts` gives: share counts that no source stated, with the splits after them.
COUNTS = replace(
    SHARES_OUTSTANDING,
    name="implied_counts",
    columns=(
        *(c for c in SHARES_OUTSTANDING.columns if c.name != "split_ratio_after"),
        SPLIT_RATIO.but(name="split_ratio_after"),
    ),
)
SQL = {}
N, EX = 60, 40
COUNT = 1_000_123.0
DAYS = pd.bdate_range("2024-01-01", periods=N)
# One percent up and down, on a turnover of a million.
CALM = 100 * np.exp(np.cumsum(np.log([1.01, 1 / 1.01] * (N // 2))))


def stepped(ratio: float, at: int = EX) -> np.ndarray:
    """Return factors: 1, and from a row on the ratio."""
    return np.where(np.arange(N) >= at, ratio, 1.0)


@pytest.fixture
def find(bench, make):
    """Return the proposals, the runs and the values left out of a listing's bars."""

    def run(closes, counts, volume=None, splits=(), ticker="A", turnover=1e6, **columns):
        closes = np.asarray(closes, float)
        values = None if counts is None else closes * np.asarray(counts, float)
        volume = turnover / closes if volume is None else volume
        bars = make.bars(
            ticker, closes, volume=volume, market_value=values, basis="as_traded", **columns
        )
        return derived(bench, bars, splits)

    return run


def stored(contract):
    return f"{contract.layer}_{contract.name}"


def derived(bench, bars, splits=()):
    vintages, out = bench.put(PRICE_VINTAGES, bars), bench.empty(QUARANTINED_BARS)
    known = bench.empty(SPLITS)
    if splits:
        known = bench.put(
            SPLITS, pd.DataFrame(splits, columns=["ticker", "ex_date", "split_ratio"])
        )
    runs = held(bench, IMPLIED_SHARES, lambda: implied_shares(vintages, out, known))
    spans = bench.table(IMPLIED_SHARES)
    found = held(bench, PROPOSED_SPLITS, lambda: proposed_splits(vintages, out, known, spans))
    told = (spans, known, bench.table(PROPOSED_SPLITS))
    return {
        "proposed": found,
        "runs": runs,
        "out": held(bench, QUARANTINED_MARKET_VALUES, lambda: quarantined_market_values(*told)),
        "counts": held(bench, COUNTS, lambda: implied_counts(*told)),
    }


def held(bench, contract, compute):
    """Hold a result by contract; its SQL is written once, which takes longer than running it."""
    if contract not in SQL:
        SQL[contract] = bench.engine.compile(compute())
    name = stored(contract)
    bench.sql(f"CREATE OR REPLACE TEMP TABLE computed_rows AS {SQL[contract]}")
    bench.sql(f"DROP TABLE IF EXISTS {name}")
    bench.sql(contract.ddl(name))
    bench.sql(f"INSERT INTO {name} BY NAME FROM computed_rows")
    keys = ", ".join(contract.grain)
    assert bench.sql(f"SELECT {keys} FROM {name} GROUP BY ALL HAVING count(*) > 1").fetchall() == []
    return bench.sql(f"SELECT * FROM {name} ORDER BY {keys}").df()


def proposals(found):
    rows = found["proposed"]
    return [(f"{r.ex_date:%Y-%m-%d}", r.split_ratio, r.evidence) for r in rows.itertuples()]


def day(row):
    return f"{DAYS[row]:%Y-%m-%d}"


@pytest.mark.parametrize("ratio", [1.5, 2, 3, 4, 10, 20, 50])
def test_a_split_on_its_day_is_proposed_with_its_ratio(find, ratio):
    found = find(CALM / stepped(ratio), COUNT * stepped(ratio))
    assert proposals(found) == [(day(EX), ratio, "shares")]
    (row,) = found["proposed"].itertuples()
    assert row.action == "split"
    assert row.price_ratio == pytest.approx(CALM[EX] / CALM[EX - 1] / ratio, rel=1e-12)
    assert row.share_ratio == pytest.approx(ratio, rel=1e-12)
    assert row.turnover_ratio == pytest.approx(1, rel=1e-12)
    assert row.shares_changed_on == DAYS[EX]


@pytest.mark.parametrize("lag", [-6, -2, 1, 2, 14])
def test_market_values_may_know_of_a_split_early_or_late(find, lag):
    found = find(CALM / stepped(10), COUNT * stepped(10, EX + lag))
    assert proposals(found) == [(day(EX), 10, "shares")]
    assert found["proposed"]["shares_changed_on"].tolist() == [DAYS[EX + lag]]
    # The values between the two days are no counts, and the count changes on the ex-date.
    first, last = sorted((EX, EX + lag))
    (left_out,) = found["out"].itertuples()
    assert (left_out.first_session_date, left_out.reason) == (DAYS[first], "returned")
    assert left_out.last_session_date <= DAYS[last]
    in_force = found["counts"][found["counts"]["known_on"] <= DAYS[EX]].iloc[-1]
    assert in_force["known_on"] == DAYS[EX]
    assert in_force["shares_outstanding"] == pytest.approx(COUNT * 10, rel=1e-9)
    before = found["counts"][found["counts"]["known_on"] < DAYS[EX]]
    assert before["shares_outstanding"].tolist() == pytest.approx([COUNT], rel=1e-9)


@pytest.mark.parametrize("ratio", [2, 5, 16, 30])
def test_a_consolidation_is_proposed_as_a_fraction(find, ratio):
    found = find(CALM * stepped(ratio), COUNT / stepped(ratio))
    assert proposals(found) == [(day(EX), pytest.approx(1 / ratio), "shares")]


@pytest.mark.parametrize("fall", [1.5, 2, 3, 10])
@pytest.mark.parametrize("busy", [1, 30])
def test_a_crash_on_an_unchanged_share_count_is_a_crash(find, fall, busy):
    volume = 1e6 / CALM * np.where(np.arange(N) == EX, busy, 1)
    assert proposals(find(CALM / stepped(fall), np.full(N, COUNT), volume=volume)) == []


def test_a_halving_of_exactly_a_half_is_a_crash(find):
    closes = np.where(np.arange(N) >= EX, 50.0, 100.0)
    assert proposals(find(closes, np.full(N, COUNT))) == []
    assert proposals(find(closes, None)) == []


@pytest.mark.parametrize("lag", [-5, 0, 3])
def test_a_crash_in_which_as_many_shares_are_sold_is_told_by_its_turnover(find, lag):
    # SenesTech sold as many shares as it had on 2023-11-28, and fell to a half on 16 turnovers.
    busy = np.where(np.arange(N) == EX, 16, 1)
    volume = 1e6 / (CALM / stepped(2)) * busy
    assert proposals(find(CALM / stepped(2), COUNT * stepped(2, EX + lag), volume=volume)) == []


@pytest.mark.parametrize("lag", [-25, 25 - N + EX])
def test_a_change_of_the_count_long_before_or_after_explains_nothing(find, lag):
    at = EX + lag if lag < 0 else N - 1
    found = find(CALM / stepped(2, EX if lag < 0 else 10), COUNT * stepped(2, at))
    assert proposals(found) == []


def test_a_ratio_that_is_no_simple_one_is_no_split(find):
    assert proposals(find(CALM / stepped(1.82), COUNT * stepped(1.82))) == []


def test_a_known_split_is_not_proposed_again(find):
    known = [("A", DAYS[EX], 10.0)]
    found = find(CALM / stepped(10), COUNT * stepped(10), splits=known)
    assert proposals(found) == []
    assert found["runs"]["n_sessions"].tolist() == [N]
    assert found["runs"]["adjusted_shares"].tolist() == pytest.approx([COUNT * 10], rel=1e-9)


@pytest.mark.parametrize("lag", [-6, 1])
def test_a_known_split_whose_values_come_early_or_late_spoils_no_count(find, lag):
    known = [("A", DAYS[EX], 10.0)]
    found = find(CALM / stepped(10), COUNT * stepped(10, EX + lag), splits=known)
    assert proposals(found) == []
    assert found["out"]["reason"].tolist() == ["returned"]
    aligned = [
        row.shares_outstanding * (10 if row.known_on < DAYS[EX] else 1)
        for row in found["counts"].itertuples()
    ]
    assert aligned == pytest.approx([COUNT * 10] * len(aligned), rel=1e-9)


@pytest.mark.parametrize("factor", [2, 12, 288, 0.05])
@pytest.mark.parametrize("length", [1, 2])
def test_a_broken_market_value_is_left_out_and_named(find, factor, length):
    counts = np.full(N, COUNT)
    counts[EX : EX + length] *= factor
    found = find(CALM, counts)
    assert proposals(found) == []
    (row,) = found["out"].itertuples()
    assert (row.first_session_date, row.reason) == (DAYS[EX], "returned")
    assert row.last_session_date == DAYS[EX + length - 1]
    assert row.count_ratio == pytest.approx(factor, rel=1e-9)
    assert row.usual_shares == pytest.approx(COUNT, rel=1e-9)
    assert row.market_value == pytest.approx(COUNT * CALM[EX] * factor, rel=1e-9)
    assert found["counts"]["shares_outstanding"].tolist() == pytest.approx([COUNT] * 2, rel=1e-9)


def test_the_newest_count_is_believed_at_its_third_statement(find):
    for age, reasons in ((1, ["unconfirmed"]), (2, ["unconfirmed"]), (3, [])):
        found = find(CALM, COUNT * stepped(4, N - age))
        assert found["out"]["reason"].tolist() == reasons


def test_a_first_count_that_the_lasting_one_denies_is_none(find):
    found = find(CALM, COUNT * np.where(np.arange(N) < 3, 2000, 1))
    assert found["out"][["first_session_date", "reason"]].to_numpy().tolist() == [
        [DAYS[0], "unconfirmed"]
    ]
    assert found["counts"]["shares_outstanding"].tolist() == pytest.approx([COUNT], rel=1e-9)


def test_a_lasting_new_count_is_one(find):
    found = find(CALM, COUNT * stepped(1.4, 20))
    assert found["out"].empty
    assert found["counts"]["shares_outstanding"].tolist() == pytest.approx(
        [COUNT, COUNT * 1.4], rel=1e-9
    )


def test_sessions_without_a_market_value_are_passed_over(find):
    counts = np.full(N, COUNT)
    counts[5:9] = np.nan
    found = find(CALM / stepped(2), counts * stepped(2))
    assert found["runs"]["n_sessions"].tolist() == [EX - 4, N - EX]
    assert proposals(found) == [(day(EX), 2, "shares")]


def test_a_halted_name_that_repeats_its_close_is_no_split(find):
    closes = CALM.copy()
    closes[EX - 20 : EX] = closes[EX - 20]
    volume = np.where((np.arange(N) >= EX - 20) & (np.arange(N) < EX), 0.0, 1e6 / CALM)
    assert proposals(find(closes / stepped(2), np.full(N, COUNT), volume=volume)) == []


def test_without_volume_nothing_tells_a_split_from_an_offering(find):
    found = find(CALM / stepped(2), COUNT * stepped(2), volume=np.full(N, np.nan))
    assert proposals(found) == []


def year(ratio, n=300, at=280, sigma=0.01):
    closes = 100 * np.exp(np.cumsum(np.log([1 + sigma, 1 / (1 + sigma)] * (n // 2))))
    return closes / np.where(np.arange(n) >= at, ratio, 1.0)


def test_a_calm_price_that_goes_by_a_ratio_on_usual_trading_was_not_traded_down(find):
    # Ryanair's receipts, 2024-09-30: five shares each became two, and no market value told.
    found = find(year(5), None)
    assert [(r.split_ratio, r.evidence) for r in found["proposed"].itertuples()] == [
        (5, "turnover")
    ]
    assert found["proposed"]["share_ratio"].isna().all()


@pytest.mark.parametrize(
    "closes",
    [year(2), year(4.3), year(5, sigma=0.1), year(5, n=200, at=180)],
    ids=["a half", "no ratio", "not calm", "no year"],
)
def test_short_of_that_a_fall_without_a_count_is_a_crash(find, closes):
    assert proposals(find(closes, None)) == []


def test_a_fall_on_three_times_the_usual_trading_is_a_crash(find):
    closes = year(5)
    volume = 1e6 / closes * np.where(np.arange(300) == 280, 3, 1)
    assert proposals(find(closes, None, volume=volume)) == []


@given(
    ratio=st.sampled_from([1.5, 2, 3, 4, 5, 10]),
    lag=st.integers(-5, 5),
    own=st.floats(-0.03, 0.03),
)
@settings(max_examples=15, deadline=None)
def test_whatever_the_price_did_of_its_own_the_ratio_is_found(bench, make, ratio, lag, own):
    closes = CALM / stepped(ratio) * np.exp(stepped(1 + own) - 1)
    counts = COUNT * stepped(ratio, EX + lag)
    bars = make.bars(
        "A", closes, volume=1e6 / closes, market_value=closes * counts, basis="as_traded"
    )
    assert proposals(derived(bench, bars)) == [(day(EX), ratio, "shares")]


@given(fall=st.floats(1.2, 50), count=st.floats(1e5, 1e11), busy=st.floats(0.1, 100))
@settings(max_examples=15, deadline=None)
def test_no_fall_on_an_unchanged_count_within_a_year_is_a_split(bench, make, fall, count, busy):
    closes = CALM / stepped(fall)
    volume = 1e6 / closes * np.where(np.arange(N) == EX, busy, 1)
    bars = make.bars("A", closes, volume=volume, market_value=closes * count, basis="as_traded")
    assert proposals(derived(bench, bars)) == []


def test_listings_do_not_mix(bench, make):
    split = CALM / stepped(2)
    bars = [
        make.bars("A", split, volume=1e6 / split, market_value=split * COUNT * stepped(2)),
        make.bars("B", split, volume=1e6 / split, market_value=split * COUNT),
    ]
    found = derived(bench, pd.concat(bars, ignore_index=True).assign(basis="as_traded"))
    assert found["proposed"]["listing_id"].tolist() == ["X:A"]


def test_a_flagged_bar_keeps_its_words_and_knows_its_evidence(bench, make):
    bars = make.bars(
        "A",
        CALM / stepped(2),
        volume=1e6 / (CALM / stepped(2)),
        market_value=CALM * COUNT,
        basis="as_traded",
        known_from="2024-01-01",
    )
    bars.loc[bars["session_date"] >= DAYS[EX + 2], "known_from"] = "2024-05-01"
    bars.loc[EX : EX + 1, "market_value"] /= 2
    derived(bench, bars)
    listed = bench.put(INSTRUMENTS, make.listings("A"))
    calendar = bench.put(SESSIONS, make.sessions("XNYS", DAYS))
    daily = daily_prices(
        bench.table(PRICE_VINTAGES),
        bench.table(QUARANTINED_BARS),
        bench.table(SPLITS),
        calendar,
        listed,
    )
    flagged = bench.hold(DAILY_PRICES, with_unapplied_splits(daily, bench.table(PROPOSED_SPLITS)))
    words = flagged["quality_flags"].tolist()
    assert [n for n, text in enumerate(words) if "unapplied_split" in text.split()] == [EX]
    assert flagged["as_of"][EX] == pd.Timestamp("2024-05-01")
    assert flagged["as_of"][EX - 1] == pd.Timestamp("2024-01-01")
    assert words[EX] == "jump unapplied_split"
