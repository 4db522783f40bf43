"""Judgements on bars beside others: splits, units, currencies, volumes, factors, lost bars."""

from __future__ import annotations

import math
import random
from datetime import date, timedelta

import pytest

from checks.prices import JUDGEMENTS, UNIT_TOLERANCE, VOLUME_FACTOR
from resources.batch import Days
from warehouse.tables import table

BARS = table("core.daily_prices")
SESSIONS = table("core.sessions")
INSTRUMENTS = table("core.instruments")
SPLITS = table("core.splits")
PROPOSED = table("core.proposed_splits")
DIVIDENDS = table("core.dividends")
VINTAGES = table("raw.price_vintages")
OUT = table("core.quarantined_bars")


def put(tables, day, ticker="NVDA", **values):
    """Put a bar of a listing into core."""
    plain = {"close": 100.0, "adj_close": None, "volume": 1e6, "currency": "USD"}
    names = {"listing_id": f"XNAS:{ticker}", "ticker": ticker, "session_date": day}
    tables.put(BARS, **{**plain, **names, **values})


def named(found):
    """Return ticker and session of the first failing rows."""
    return [(row["ticker"], row["session_date"]) for row in found.first_failing_rows]


@pytest.mark.parametrize(
    ("ratio", "move", "is_caught"),
    [
        (10.0, 0.1, True),  # not applied
        (10.0, 10.0, True),  # applied twice
        (0.1, 10.0, True),  # a consolidation that was not applied
        (2.0, 0.55, True),  # 0.0953 from it, in logarithms
        (2.0, 0.56, False),  # 0.1133
        (1.25, 0.8, True),
        (1.2, 1 / 1.2, False),  # no larger than the moves of a nervous session
        (10.0, 0.83, False),  # Nvidia on 2025-01-27, had it split that week
    ],
)
def test_a_move_as_large_as_a_split_beside_it_is_caught(
    tables, verdict, weekdays, ratio, move, is_caught
):
    days = weekdays(12)
    for day in days:
        put(tables, day, close=100.0 * (move if day >= days[6] else 1))
    tables.put(SPLITS, listing_id="XNAS:NVDA", ex_date=days[6], split_ratio=ratio)
    found = verdict("split_is_in_the_prices", tables)
    assert found.rows_checked == 12
    assert named(found) == ([("NVDA", days[6].isoformat())] if is_caught else [])


@pytest.mark.parametrize(("lag", "is_caught"), [(-7, True), (7, True), (-8, False), (8, False)])
def test_a_split_is_looked_for_within_a_week(tables, verdict, weekdays, lag, is_caught):
    days = weekdays(12)
    for day in days:
        put(tables, day, close=25.0 if day >= days[6] else 100.0)
    on = days[6] + timedelta(days=lag)
    tables.put(SPLITS, listing_id="XNAS:NVDA", ex_date=on, split_ratio=4.0)
    tables.put(SPLITS, listing_id="XNAS:AMD", ex_date=days[6], split_ratio=4.0)
    assert verdict("split_is_in_the_prices", tables).passed is not is_caught


@pytest.mark.parametrize(
    ("factor", "is_caught"),
    [
        (100, True),
        (0.01, True),
        (1000, True),
        (0.001, True),
        (100 * 1.019, True),
        (100 / 1.019, True),
        (100 * 1.021, False),
        (10, False),
        (0.06, False),  # Lehman Brothers on 2008-09-15
    ],
)
def test_a_close_of_another_unit_is_caught(tables, verdict, weekdays, factor, is_caught):
    first, second = weekdays(2)
    put(tables, first)
    put(tables, second, close=100.0 * factor)
    assert verdict("unit_is_constant", tables).passed is not is_caught
    assert math.log10(1.02) == pytest.approx(UNIT_TOLERANCE, abs=1e-6)


@pytest.mark.parametrize(
    ("before", "now", "registered", "is_caught"),
    [
        ("USD", "USD", "USD", False),
        ("GBp", "GBP", None, True),
        ("EUR", "EUR", "USD", True),
        (None, "USD", "USD", False),
        (None, None, None, False),  # an index has no currency
    ],
)
def test_a_currency_that_changes_or_is_not_the_listings_is_caught(
    tables, verdict, weekdays, before, now, registered, is_caught
):
    first, second = weekdays(2)
    tables.put(INSTRUMENTS, listing_id="XNAS:NVDA", ticker="NVDA", currency=registered)
    put(tables, first, currency=before)
    put(tables, second, currency=now)
    assert verdict("currency_is_constant", tables, Days(second, second)).passed is not is_caught


@pytest.mark.parametrize(
    ("volume", "is_caught"),
    [
        (1e6 * VOLUME_FACTOR * 0.99, False),
        (1e6 * VOLUME_FACTOR * 1.01, True),
        (1e6 / VOLUME_FACTOR / 0.99, False),
        (1e6 / VOLUME_FACTOR / 1.01, True),
        (0.0, True),
    ],
)
def test_a_volume_far_from_the_usual_one_is_caught(tables, verdict, weekdays, volume, is_caught):
    days = weekdays(11)
    for day in days[:-1]:
        put(tables, day)
    put(tables, days[-1], volume=volume)
    found = verdict("volume_is_plausible", tables, Days(days[-1], days[-1]))
    assert found.rows_checked == 1
    assert found.passed is not is_caught


def test_volumes_are_not_judged_where_nothing_is_usual(tables, verdict, weekdays):
    days = weekdays(12)
    for day in days[:9]:
        put(tables, day)
    put(tables, days[9], volume=1.0)
    for day in days:
        put(tables, day, ticker="^VIX", volume=0.0)
        put(tables, day, ticker="TINY", volume=9e4 if day < days[-1] else 1.0)
        put(tables, day, ticker="USDJPY", volume=None)
    assert verdict("volume_is_plausible", tables).passed


def test_a_session_without_a_trade_says_nothing_of_the_usual_volume(tables, verdict, weekdays):
    days = weekdays(21)
    for number, day in enumerate(days[:-1]):
        put(tables, day, volume=1e6 * (number % 2), quality_flags="stale")
    put(tables, days[-1], volume=1e3)
    found = verdict("volume_is_plausible", tables)
    assert named(found) == [("NVDA", days[-1].isoformat())]


def test_a_squeeze_before_does_not_make_the_next_volume_implausible(tables, verdict, weekdays):
    days = weekdays(12)
    for day in days:
        put(tables, day, volume=4e7 if day == days[10] else 1e6)
    assert verdict("volume_is_plausible", tables).passed


def test_a_listing_that_was_silent_for_long_has_nothing_to_be_compared_with(tables, verdict):
    put(tables, date(2025, 1, 2))
    put(tables, date(2025, 2, 17), close=1.0)
    put(tables, date(2025, 1, 2), ticker="AMD")
    put(tables, date(2025, 2, 16), ticker="AMD", close=1.0)
    day = Days(date(2025, 2, 17), date(2025, 2, 17))
    assert verdict("unit_is_constant", tables, day).passed
    earlier = Days(date(2025, 2, 16), date(2025, 2, 16))
    assert named(verdict("unit_is_constant", tables, earlier)) == [("AMD", "2025-02-16")]


@pytest.mark.parametrize(
    ("adjusted", "is_caught"),
    [
        (100.0, True),  # the dividend is missing
        (98.0, False),
        (97.91, False),  # within 10 bp and the rounding of two cents
        (97.85, True),
        (None, False),
    ],
)
def test_an_adjusted_close_that_goes_another_way_than_ours_is_caught(
    tables, verdict, weekdays, adjusted, is_caught
):
    first, second = weekdays(2)
    put(tables, first, adj_close=adjusted)
    put(tables, second, close=99.0, adj_close=99.0)
    payment = {"amount": 2.0, "currency": "USD"}
    tables.put(DIVIDENDS, listing_id="XNAS:NVDA", ex_date=second, **payment)
    found = verdict("adjusted_close_agrees_with_our_factor", tables)
    assert found.passed is not is_caught
    if is_caught:
        (row,) = found.first_failing_rows
        assert row["our_step"] == pytest.approx(0.98)
        assert row["vendor_step"] == pytest.approx(adjusted / 100)


@pytest.mark.parametrize("seed", range(4))
def test_the_factor_from_bar_to_bar_is_that_of_the_view(tables, weekdays, seed):
    chance = random.Random(seed)  # noqa: S311 - a market, not a secret
    days = weekdays(30)
    for ticker in ("NVDA", "AMD"):
        for day in chance.sample(days, 20):
            paid_in = chance.choice(["USD", "EUR"])
            close = chance.uniform(1, 9)
            put(tables, day, ticker=ticker, close=close, adj_close=1.0, currency=paid_in)
        for day in chance.sample(days, 6):
            paid = {"amount": chance.uniform(0, 4), "currency": chance.choice(["USD", "EUR"])}
            tables.put(DIVIDENDS, listing_id=f"XNAS:{ticker}", ex_date=day, **paid)
        for day in chance.sample(days, 3):
            ratio = chance.choice([0.1, 2.0, 10.0])
            tables.put(SPLITS, listing_id=f"XNAS:{ticker}", ex_date=day, split_ratio=ratio)
    check = next(each for each in JUDGEMENTS if "our_step" in each.named_by)
    steps = f"SELECT listing_id, session_date, our_step FROM {check.relation} ORDER BY ALL"
    view = """
    SELECT listing_id, session_date, coalesce(lag(dividend_factor) OVER (
      PARTITION BY listing_id ORDER BY session_date) / dividend_factor, 1) AS step
    FROM core.adjustment_factors ORDER BY ALL
    """
    span = {"start": days[0], "end": days[-1]}
    found = tables.con.execute(steps, span).fetchall()
    expected = tables.con.execute(view).fetchall()
    assert [row[:2] for row in found] == [row[:2] for row in expected]
    assert [row[2] for row in found] == pytest.approx([row[2] for row in expected])
    assert min(row[2] for row in found) < 1


def test_a_provisional_bar_is_overdue_when_a_later_session_has_closed(tables, verdict):
    put(tables, date(2025, 1, 27), quality_flags="provisional")
    tables.put(INSTRUMENTS, listing_id="XNAS:NVDA", ticker="NVDA", exchange_mic="XNAS")
    for day in (27, 28):
        hours = {"opens_at": f"2025-01-{day} 14:30", "closes_at": f"2025-01-{day} 21:00"}
        tables.put(SESSIONS, exchange_mic="XNAS", session_date=date(2025, 1, day), **hours)
    later = Days(date(2025, 1, 28), date(2025, 1, 28))
    for now, is_passed in (("2025-01-28T20:59", True), ("2025-01-28T21:00", False)):
        assert verdict("bars_are_settled", tables, later, now=now).passed is is_passed


def test_a_bar_that_came_is_in_core_or_in_quarantine(tables, verdict, weekdays):
    kept, out, gone = weekdays(3)
    for day in (kept, out, gone):
        for source in ("files", "yahoo"):
            names = {"listing_id": "XNAS:NVDA", "ticker": "NVDA", "source": source}
            tables.put(VINTAGES, session_date=day, **names)
    put(tables, kept)
    tables.put(OUT, listing_id="XNAS:NVDA", ticker="NVDA", session_date=out)
    found = verdict("no_bar_is_lost", tables)
    assert (found.rows_checked, found.rows_failed) == (3, 1)
    assert found.first_failing_rows == [
        {"listing_id": "XNAS:NVDA", "session_date": gone.isoformat()}
    ]


def test_the_same_bar_of_two_listings_is_caught_unless_little_was_traded(tables, verdict, weekdays):
    first, second = weekdays(2)
    for ticker in ("NVDA", "AMD"):
        put(tables, first, ticker=ticker, volume=999.0)
        put(tables, second, ticker=ticker, volume=1000.0)
    (row,) = verdict("bars_are_of_one_listing", tables).first_failing_rows
    assert (row["session_date"], row["tickers"]) == (second.isoformat(), "AMD, NVDA")


def test_every_judgement_is_a_sentence_that_is_true_when_it_passes():
    for check in JUDGEMENTS:
        assert set(check.name.split("_")) & {"is", "are", "agrees"}
        assert check.doc[0].isupper()
        assert check.doc.endswith(".")


def test_a_proposed_split_is_named_as_the_line_that_is_missing(tables, verdict):
    assert verdict("splits_are_known", tables).passed
    row = {"listing_id": "XNAS:NVDA", "ticker": "NVDA", "ex_date": date(2024, 6, 10)}
    ratios = {"split_ratio": 10.0, "price_ratio": 0.1007, "share_ratio": 9.999}
    tables.put(PROPOSED, **row, **ratios)
    found = verdict("splits_are_known", tables)
    assert (found.severity, found.rows_failed) == ("WARN", 1)
    assert found.first_failing_rows == [
        {"ticker": "NVDA", "ex_date": "2024-06-10", "action": "split", **ratios}
    ]
