"""Of which days expressions of time speak, read on the day of publication."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.claims.times import local_day, when

TUESDAY = date(2025, 1, 28)


def day(text):
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "period", "first", "last"),
    [
        ("Monday", "day", "2025-01-27", "2025-01-27"),
        ("Tuesday", "day", "2025-01-28", "2025-01-28"),
        ("last Friday", "day", "2025-01-24", "2025-01-24"),
        ("yesterday", "day", "2025-01-27", "2025-01-27"),
        ("today", "day", "2025-01-28", "2025-01-28"),
        ("January 27, 2025", "day", "2025-01-27", "2025-01-27"),
        ("27 January", "day", "2025-01-27", "2025-01-27"),
        ("Jan. 27", "day", "2025-01-27", "2025-01-27"),
        ("December 18", "day", "2024-12-18", "2024-12-18"),
        ("last week", "week", "2025-01-20", "2025-01-24"),
        ("this week", "week", "2025-01-27", "2025-01-28"),
        ("last month", "month", "2024-12-01", "2024-12-31"),
        ("in December", "month", "2024-12-01", "2024-12-31"),
        ("last quarter", "quarter", "2024-10-01", "2024-12-31"),
        ("in 2024", "year", "2024-01-01", "2024-12-31"),
        ("last year", "year", "2024-01-01", "2024-12-31"),
        ("this year", "year_to_date", "2025-01-01", "2025-01-28"),
        ("since the start of the year", "since", None, None),
        ("so far this year", "year_to_date", "2025-01-01", "2025-01-28"),
        ("over the past month", "month", "2024-12-29", "2025-01-28"),
        ("since Friday", "since", "2025-01-24", "2025-01-28"),
    ],
)
def test_an_expression_speaks_of_these_days(text, period, first, last):
    found = when(text, TUESDAY)
    if text != "since the start of the year":
        assert found.period == period
        assert (found.first, found.last) == (day(first), day(last))
    else:
        assert found.period in {"since", "year_to_date"}


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("pre-market", "premarket"),
        ("before the bell", "premarket"),
        ("after hours", "after_hours"),
        ("extended trading", "after_hours"),
        ("early trading", "intraday"),
        ("at one point", "intraday"),
        ("at the open", "open"),
    ],
)
def test_a_part_of_a_day_names_no_day(text, period):
    found = when(text, TUESDAY)
    assert (found.period, found.first, found.last) == (period, None, None)


@pytest.mark.parametrize(("text", "n"), [("two-day", 2), ("5-day", 5), ("in five sessions", 5)])
def test_a_number_of_sessions_is_counted(text, n):
    found = when(text, TUESDAY)
    assert (found.period, found.n_sessions) == ("sessions", n)


@pytest.mark.parametrize("text", ["next Monday", "in 2026"])
def test_what_lies_ahead_is_no_time_of_a_claim(text):
    assert when(text, TUESDAY).period == "future"


@given(st.dates(date(1990, 1, 1), date(2030, 12, 31)), st.integers(0, 6))
def test_a_weekday_is_the_last_such_day_up_to_publication(published, weekday):
    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    found = when(names[weekday], published).last
    assert found.weekday() == weekday
    assert 0 <= (published - found).days < 7


@pytest.mark.parametrize(
    ("published_at", "mic", "expected"),
    [
        # Half past eight in the evening in New York is the next day in Europe.
        ("2025-01-28T01:30", "XNAS", "2025-01-27"),
        ("2025-01-28T01:30", "XETR", "2025-01-28"),
        ("2025-01-27T23:30", "XTKS", "2025-01-28"),
        # A date without a time of day is that date everywhere.
        ("2025-01-28T00:00", "XNAS", "2025-01-28"),
        ("2025-01-28T01:30", "", "2025-01-28"),
    ],
)
def test_the_day_of_publication_is_that_of_the_listings_zone(published_at, mic, expected):
    assert local_day(datetime.fromisoformat(published_at), mic) == day(expected)
