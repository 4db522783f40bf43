"""The fake Yahoo's charts and the faults in them, as the real yfinance reads them."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, time
from itertools import pairwise
from statistics import stdev
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tests.fake_yahoo as fake
from tests.fake_yahoo import faults

NEW_YORK = ZoneInfo("America/New_York")
# Round numbers: what a fault makes of them can be said without arithmetic.
PRICES = {
    "2025-01-29": (100.0, 104.0, 96.0, 102.0, 1000, 102.0),
    "2025-01-30": (102.0, 106.0, 98.0, 104.0, 2000, 104.0),
    "2025-01-31": (104.0, 108.0, 100.0, 106.0, 3000, 106.0),
    "2025-02-03": (106.0, 110.0, 102.0, 108.0, 4000, 108.0),
}
FAULTY = "2025-01-31"  # a Friday
NULL = None


def stamp(day, at="09:30"):
    return int(datetime.fromisoformat(f"{day}T{at}").replace(tzinfo=NEW_YORK).timestamp())


SERIES = fake.chart("X", [(stamp(day), *prices) for day, prices in PRICES.items()])


@pytest.fixture
def read(real_yfinance, fake_yahoo):
    """What yfinance makes of a series: (date, prices, volume, adjusted, dividend, split)."""

    def rows(series):
        fake_yahoo.charts[series.symbol] = series
        bars = real_yfinance.Ticker(series.symbol).history(
            start="2025-01-01", end="2025-12-31", auto_adjust=False, keepna=True
        )
        names = ["Open", "High", "Low", "Close", "Volume", "Adj Close", "Dividends", "Stock Splits"]
        return [
            (at.date().isoformat(), *(NULL if math.isnan(each) else each for each in values))
            for at, *values in bars[names].itertuples()
        ]

    return rows


def expected(**changed):
    """The clean rows, but for the rows of some dates: `on_2025_01_31=` none or many."""
    rows = {day: [(*prices, 0.0, 0.0)] for day, prices in PRICES.items()}
    rows.update({name[3:].replace("_", "-"): given for name, given in changed.items()})
    return [(day, *row) for day in sorted(rows) for row in rows[day]]


def test_a_clean_series_arrives_as_it_is(read):
    assert read(SERIES) == expected()


@pytest.mark.parametrize(
    ("fault", "rows"),
    [
        ("absent_row", []),
        # yfinance makes 0 of a volume that is null.
        ("null_row", [(NULL, NULL, NULL, NULL, 0, NULL, 0.0, 0.0)]),
        ("null_prices", [(NULL, NULL, NULL, NULL, 3000, NULL, 0.0, 0.0)]),
        ("hundredfold", [(10400.0, 10800.0, 10000.0, 10600.0, 3000, 10600.0, 0.0, 0.0)]),
        ("phantom_split", [(*PRICES[FAULTY], 0.0, 10.0)]),
        ("infinite_adj_close", [(104.0, 108.0, 100.0, 106.0, 3000, math.inf, 0.0, 0.0)]),
        ("zero_open_and_low", [(0.0, 108.0, 0.0, 106.0, 3000, 106.0, 0.0, 0.0)]),
        ("low_above_close", [(104.0, 108.0, 111.3, 106.0, 3000, 106.0, 0.0, 0.0)]),
        ("negative_volume", [(104.0, 108.0, 100.0, 106.0, -5, 106.0, 0.0, 0.0)]),
        ("zero_volume", [(104.0, 108.0, 100.0, 106.0, 0, 106.0, 0.0, 0.0)]),
        ("stale_bar", [(*PRICES["2025-01-30"], 0.0, 0.0)]),
        ("unadjusted_dividend", [(*PRICES[FAULTY], 2.08, 0.0)]),
    ],
)
def test_a_fault_befalls_one_row_and_passes_through_yfinance(read, fault, rows):
    assert read(SERIES.having(getattr(faults, fault), FAULTY)) == [
        pytest.approx(row) for row in expected(on_2025_01_31=rows)
    ]


@pytest.mark.parametrize("day", ["2025-01-29", FAULTY])
def test_a_row_on_a_weekend_passes_through_yfinance(read, day):
    copied = [(*PRICES[day], 0.0, 0.0)]
    assert read(SERIES.having(faults.weekend_row, day)) == expected(on_2025_02_01=copied)


def test_a_switch_of_the_unit_lasts(read):
    rows = read(SERIES.having(faults.unit_switch, FAULTY))
    assert [row[4] for row in rows] == pytest.approx([102.0, 104.0, 1.06, 1.08])
    assert rows[2][1:4] == pytest.approx((1.04, 1.08, 1.0))
    assert [row[5] for row in rows] == [1000, 2000, 3000, 4000]


def test_a_split_that_was_not_applied_shows_in_prices_and_events(read):
    rows = read(SERIES.having(faults.unapplied_split, FAULTY))
    assert [row[4] for row in rows] == pytest.approx([102.0, 104.0, 10.6, 10.8])
    assert [row[-1] for row in rows] == [0.0, 0.0, 10.0, 0.0]


def test_a_date_that_stands_there_twice_is_sent_twice_and_read_once(read):
    doubled = SERIES.having(faults.duplicated_date, FAULTY)
    assert sent(doubled)["timestamp"].count(stamp(FAULTY)) == 2
    assert read(doubled) == expected()


def sent(series, **query):
    """The result inside the JSON that a client gets."""
    asked = {name: [value] for name, value in query.items()}
    return json.loads(series(asked, 1).body)["chart"]["result"][0]


def test_infinity_is_sent_as_a_string_as_yahoo_does():
    adjusted = sent(SERIES.having(faults.infinite_adj_close, FAULTY))["indicators"]["adjclose"]
    assert adjusted == [{"adjclose": [102.0, 104.0, "Infinity", 108.0]}]


def test_there_are_sixteen_faults_in_data_and_none_leaves_the_series_as_it_was():
    assert len(set(faults.IN_DATA)) == 16
    assert [
        fault.__name__ for fault in faults.IN_DATA if SERIES.having(fault, FAULTY) == SERIES
    ] == []
    assert sent(SERIES)["timestamp"] == [stamp(day) for day in PRICES]


def test_faults_are_put_on_one_after_the_other():
    series = SERIES.having(faults.hundredfold, "2025-01-30").having(faults.zero_volume, FAULTY)
    closes, volumes = zip(*((bar.close, bar.volume) for bar in series.bars), strict=True)
    assert closes == (102.0, 10400.0, 106.0, 108.0)
    assert volumes == (1000, 2000, 0, 4000)


def test_a_dividend_lowers_the_adjusted_closes_before_it_and_nothing_else():
    paying = SERIES.paying(FAULTY, 5.2)  # 5% of the close before
    assert [bar.adj_close for bar in paying.bars] == pytest.approx([96.9, 98.8, 106.0, 108.0])
    assert [bar.close for bar in paying.bars] == [102.0, 104.0, 106.0, 108.0]
    paid = sent(paying)["events"]["dividends"]
    assert paid == {str(stamp(FAULTY)): {"date": stamp(FAULTY), "amount": 5.2}}


def test_events_outside_the_asked_period_are_not_sent():
    series = SERIES.paying("2025-01-30", 1.0).splitting("2025-02-03", 2)
    assert list(sent(series, period1=stamp(FAULTY))["events"]) == ["splits"]
    assert list(sent(series, period2=stamp(FAULTY))["events"]) == ["dividends"]
    assert "events" not in sent(series, period1=stamp(FAULTY), period2=stamp("2025-02-03"))


def test_a_date_that_the_series_does_not_hold_is_an_error():
    with pytest.raises(ValueError, match="2025-02-01"):
        SERIES.having(faults.absent_row, "2025-02-01")


@pytest.mark.parametrize(
    ("zone", "opens", "stamps"),
    [
        ("America/New_York", time(9, 30), ["2025-03-07T14:30", "2025-03-10T13:30"]),
        ("Asia/Tokyo", time(9), ["2025-03-07T00:00", "2025-03-10T00:00"]),
        ("America/Sao_Paulo", time(0), ["2025-03-07T03:00", "2025-03-10T03:00"]),
        ("Australia/Sydney", time(10), ["2025-03-06T23:00", "2025-03-09T23:00"]),
    ],
)
def test_bars_are_stamped_at_the_opening_on_the_exchanges_clock(zone, opens, stamps):
    days = fake.sessions("2025-03-07", "2025-03-10")
    series = fake.walk("X", days, zone=zone, opens=opens)
    assert [bar.at for bar in series.bars] == [
        int(datetime.fromisoformat(f"{each}+00:00").timestamp()) for each in stamps
    ]
    assert [series.date(bar) for bar in series.bars] == days
    assert sent(series)["meta"]["exchangeTimezoneName"] == zone


def test_the_meta_data_give_the_offset_of_the_last_bar():
    assert sent(SERIES)["meta"]["gmtoffset"] == -18_000
    assert sent(SERIES)["meta"]["timezone"] == "EST"
    summer = fake.chart("X", [(stamp("2025-07-01"), *PRICES[FAULTY])])
    assert sent(summer)["meta"]["gmtoffset"] == -14_400


def test_the_meta_data_can_say_what_a_series_cannot_be():
    odd = fake.walk("X", [], meta={"exchangeTimezoneName": "Nowhere/Land", "currency": None})
    meta = sent(odd)["meta"]
    assert (meta["exchangeTimezoneName"], meta["currency"]) == ("Nowhere/Land", None)
    assert meta["symbol"] == "X"


def test_sessions_are_those_of_new_york():
    """Reference: exchange_calendars, XNYS."""
    from resources.calendars import sessions

    known = sessions("XNYS", date(2015, 1, 1), date(2026, 12, 31))["session_date"].to_pylist()
    assert fake.sessions("2015-01-01", "2026-12-31") == known


@pytest.mark.parametrize(
    "given_range", [("2014-12-31", "2015-01-02"), ("2026-12-31", "2027-01-04")]
)
def test_sessions_of_other_years_are_refused(given_range):
    with pytest.raises(ValueError, match="2015 to 2026"):
        fake.sessions(*given_range)


@given(st.text(min_size=1))
def test_a_walk_is_possible_and_always_the_same(symbol):
    days = fake.sessions("2025-01-02", "2025-03-31")
    series = fake.walk(symbol, days, start=50.0, currency="EUR")
    assert series == fake.walk(symbol, days, start=50.0, currency="EUR")
    assert len(series.bars) == len(days)
    for bar in series.bars:
        assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert bar.volume > 0
        assert bar.adj_close == bar.close
    assert all(before.at < after.at for before, after in pairwise(series.bars))


def test_walks_of_two_symbols_differ_and_move_one_percent_a_day():
    days = fake.sessions("2016-01-04", "2025-12-31")
    one, other = (fake.walk(symbol, days).bars for symbol in ("ONE", "OTHER"))
    assert one != other
    moves = [after.close / before.close - 1 for before, after in pairwise(one)]
    assert stdev(moves) == pytest.approx(0.01, rel=0.1)
    assert abs(one[0].close / 100 - 1) < 0.06
