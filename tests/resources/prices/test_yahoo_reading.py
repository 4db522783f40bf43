"""Whether an answer is read as it is: every value, every date at its exchange, nothing guessed."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.batch import Days, Listing
from resources.prices.yahoo import reading
from resources.web import WebError

NVDA = Listing("XNAS:NVDA", "NVDA", "XNAS", "USD")
DAYS = Days(date(2000, 1, 1), date(2030, 12, 31))


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


NOON = at("2025-01-27T14:30")


def answer(stamps=(NOON,), *, zone="America/New_York", events=None, meta=None, **quote):
    """Return a chart in Yahoo's words: of one bar, unless more is given."""
    usual = {name: [1.0] * len(stamps) for name in ("open", "high", "low", "close", "volume")}
    said = {"symbol": "NVDA", "currency": "USD", "exchangeTimezoneName": zone, **(meta or {})}
    indicators = {"quote": [{**usual, **quote}], "adjclose": [{"adjclose": [0.9] * len(stamps)}]}
    result = {"meta": said, "timestamp": list(stamps), "indicators": indicators}
    return {"chart": {"result": [result | ({"events": events} if events else {})], "error": None}}


def read(document, days=DAYS):
    return reading.bars(json.dumps(document).encode(), NVDA, "NVDA", days)


def cause_of(body, days=DAYS, way=reading.bars):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(WebError) as caught:
        way(body, NVDA, "NVDA", days)
    assert "\n" not in str(caught.value)
    return caught.value.cause


@pytest.mark.parametrize(
    ("zone", "stamp", "day"),
    [
        ("Asia/Tokyo", "2025-01-27T00:00", date(2025, 1, 27)),
        ("America/New_York", "2025-01-27T14:30", date(2025, 1, 27)),
        ("America/New_York", "2024-07-01T13:30", date(2024, 7, 1)),
        # The Mondays after the clocks went forward and back.
        ("America/New_York", "2024-03-11T13:30", date(2024, 3, 11)),
        ("America/New_York", "2024-11-04T14:30", date(2024, 11, 4)),
        ("America/New_York", "2025-01-27T05:00", date(2025, 1, 27)),
        ("Australia/Sydney", "2025-01-26T23:00", date(2025, 1, 27)),
        ("Pacific/Auckland", "2025-01-26T21:00", date(2025, 1, 27)),
        # The clocks went forward at this midnight: it was 01:00 at once.
        ("America/Sao_Paulo", "2018-11-04T03:00", date(2018, 11, 4)),
        # A midnight of the summer, an hour early since Brazil has no summer time any more.
        ("America/Sao_Paulo", "2022-01-04T02:00", date(2022, 1, 4)),
        # Stamped at the close (Bovespa), and at the last trade in place of the opening.
        ("America/Sao_Paulo", "2025-01-27T21:07", date(2025, 1, 27)),
        ("Europe/Berlin", "2025-01-27T21:05:13", date(2025, 1, 27)),
    ],
)
def test_a_session_is_the_date_at_the_exchange(zone, stamp, day):
    assert read(answer([at(stamp)], zone=zone)).rows["session_date"].to_pylist() == [day]


def test_the_running_session_is_not_moved_by_a_trade_on_the_full_hour():
    late = at("2025-01-27T21:00")  # 22:00 in Frankfurt, where trading ends then
    running = answer([late], zone="Europe/Berlin", meta={"regularMarketTime": late})
    assert read(running).rows["session_date"].to_pylist() == [date(2025, 1, 27)]
    midnight = answer([late], zone="Europe/Berlin")
    assert read(midnight).rows["session_date"].to_pylist() == [date(2025, 1, 28)]


@given(st.dates(date(1990, 1, 1), date(2029, 12, 31)), st.sampled_from(["Asia/Tokyo", "UTC"]))
def test_midnight_at_the_exchange_belongs_to_the_day_that_begins(day, zone):
    from zoneinfo import ZoneInfo

    midnight = datetime.combine(day, datetime.min.time(), ZoneInfo(zone))
    found = read(answer([int(midnight.timestamp())], zone=zone), Days(date.min, date.max))
    assert found.rows["session_date"].to_pylist() == [day]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", None])
def test_a_stamp_in_no_zone_is_malformed(zone):
    assert cause_of(answer(zone=zone)) == "malformed"


NUMBER = st.none() | st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(NUMBER, NUMBER, NUMBER, NUMBER, NUMBER), min_size=1, max_size=6))
def test_every_value_is_delivered_null_where_it_is_null(bars):
    names = ("open", "high", "low", "close", "volume")
    columns = {
        name: list(values) for name, values in zip(names, zip(*bars, strict=True), strict=True)
    }
    # All on one date: a date that stands there twice is delivered twice.
    rows = read(answer([NOON + n for n in range(len(bars))], **columns)).rows
    assert {name: rows[name].to_pylist() for name in names} == columns
    assert rows["session_date"].to_pylist() == [date(2025, 1, 27)] * len(bars)


def test_an_infinite_value_comes_as_text_or_as_a_number():
    rows = read(answer(close=["Infinity"], open=[math.inf], low=[-math.inf])).rows
    found = [rows[name].to_pylist()[0] for name in ("close", "open", "low")]
    assert found == [math.inf, math.inf, -math.inf]


def test_what_is_not_stated_is_not_made_up():
    document = answer(volume=[])
    del document["chart"]["result"][0]["indicators"]["adjclose"]
    rows = read(document).rows
    assert not {"volume", "adj_close"} & set(rows.column_names)


def test_the_currency_is_the_answers_own_word():
    assert read(answer(meta={"currency": "GBp"})).rows["currency"].to_pylist() == ["GBp"]
    assert read(answer(meta={"currency": None})).rows["currency"].to_pylist() == [None]


def test_only_the_days_asked_for_are_delivered():
    stamps = [at(f"2025-01-{day}T14:30") for day in (23, 24, 27, 28)]
    days = Days(date(2025, 1, 24), date(2025, 1, 27))
    events = {"dividends": {str(stamp): {"amount": 1.0, "date": stamp} for stamp in stamps}}
    found = read(answer(stamps, events=events), days)
    assert found.rows["session_date"].to_pylist() == [days.start, days.end]
    assert [action["ex_date"] for action in found.actions] == [days.start, days.end]
    assert cause_of(answer(stamps), Days(date(2025, 2, 3), date(2025, 2, 7))) == "no_data"


def test_an_action_is_told_with_its_own_currency():
    events = {
        "capitalGains": {"1": {"amount": 0.3, "date": NOON}},
        "dividends": {"1": {"amount": 500, "date": NOON, "currency": "VND"}},
        "splits": {"1": {"numerator": 1.0, "denominator": 10.0, "date": NOON}},
    }
    told = ("action", "split_ratio", "amount", "currency")
    assert [tuple(row[name] for name in told) for row in read(answer(events=events)).actions] == [
        ("split", 0.1, None, "USD"),
        ("dividend", None, 500.0, "VND"),
        ("capital_gain", None, 0.3, "USD"),
    ]


def test_a_split_by_nothing_is_told_without_its_ratio_and_costs_no_bar():
    events = {"splits": {"1": {"numerator": 10, "denominator": 0, "date": NOON}}}
    found = read(answer(events=events))
    assert [action["split_ratio"] for action in found.actions] == [None]
    assert found.rows.num_rows == 1


def refusal(code, description, part="chart"):
    return {part: {"result": None, "error": {"code": code, "description": description}}}


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (refusal("Not Found", "No data found, symbol may be delisted"), "unknown_ticker"),
        (refusal("Not Found", "Quote not found", "finance"), "unknown_ticker"),
        (refusal("Bad Request", "Data doesn't exist for startDate = 1, endDate = 2"), "no_data"),
        (refusal("Unauthorized", "Invalid Crumb", "finance"), "refused"),
        ({"chart": {"result": [], "error": None}}, "no_data"),
        (b"<html>Will be right back...</html>", "outage"),
        (b"", "outage"),
        (b'{"chart": {"result": [{"meta"', "truncated"),
        ({}, "malformed"),
        ([1, 2], "malformed"),
        ({"chart": {"result": [{"meta": {}}], "error": None}}, "malformed"),
        (answer(close=[1.0, 2.0]), "malformed"),
        (answer(close=["a lot"]), "malformed"),
        (answer([10**20]), "malformed"),
        (answer(meta={"symbol": "FB"}), "wrong_symbol"),
        (answer([]), "no_data"),
    ],
)
def test_an_answer_without_bars_says_why(body, cause):
    assert cause_of(body) == cause


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["meta", "events", "timestamp", "indicators", "quote"]), inner
        )
    ),
    max_leaves=8,
)


@given(JSON, st.sampled_from([reading.bars, reading.counts]))
def test_whatever_comes_ends_under_a_name(result, way):
    part = "chart" if way is reading.bars else "timeseries"
    for document in (result, {part: result}, {part: {"error": None, "result": [result]}}):
        assert cause_of(document, way=way) in {"malformed", "no_data", "wrong_symbol", "refused"}


def counted(*counts, symbol="NVDA"):
    stamps, numbers = zip(*counts, strict=True) if counts else ((), ())
    result = {"meta": {"symbol": [symbol]}, "timestamp": stamps, "shares_out": numbers}
    return {"timeseries": {"result": [result], "error": None}}


def test_counts_are_delivered_all_of_them():
    day = at("2025-01-24T00:00")
    body = json.dumps(counted((day, 7.43e9), (day, 7.7e9))).encode()
    rows = reading.counts(body, NVDA, "NVDA", DAYS).rows
    assert rows.column_names == list(reading.COUNTS)
    assert rows.to_pylist()[1] == {
        "listing_id": "XNAS:NVDA",
        "ticker": "NVDA",
        "share_class": "all",
        "measured_on": date(2025, 1, 24),
        "filed_on": None,
        "shares_outstanding": 7.7e9,
        "source": "yahoo",
        "source_file": None,
        "source_row": None,
    }
    assert rows["shares_outstanding"].to_pylist() == [7.43e9, 7.7e9]


def test_only_the_counts_of_the_days_are_delivered():
    stamps = [at(f"2025-01-{day}T00:00") for day in (23, 24, 27, 28)]
    body = json.dumps(counted(*((stamp, 1e9) for stamp in stamps))).encode()
    days = Days(date(2025, 1, 24), date(2025, 1, 27))
    rows = reading.counts(body, NVDA, "NVDA", days).rows
    assert rows["measured_on"].to_pylist() == [days.start, days.end]


@pytest.mark.parametrize(
    ("document", "cause"),
    [
        (counted(), "no_data"),
        (counted((NOON, 1.0), symbol="FB"), "wrong_symbol"),
        (refusal("Not Found", "No fundamentals data found", "timeseries"), "unknown_ticker"),
        ({"timeseries": {"result": [{"meta": {"symbol": ["NVDA"]}}], "error": None}}, "no_data"),
    ],
)
def test_an_answer_without_counts_says_why(document, cause):
    assert cause_of(document, way=reading.counts) == cause


def test_a_table_without_rows_has_its_columns():
    for names in (reading.ACTIONS, reading.COUNTS):
        empty = reading.table([], names)
        assert (empty.num_rows, empty.column_names) == (0, list(names))
