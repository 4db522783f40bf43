"""Whether a bar is final only when its exchange has closed and vendors have corrected it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.prices import settling
from resources.prices.settling import SETTLING, settled_at, unsettled

MONDAY = date(2025, 1, 27)


# Closing times in UTC, from the exchanges' own pages; half an hour is ours.
@pytest.mark.parametrize(
    ("mic", "day", "settled"),
    [
        ("XNYS", MONDAY, "2025-01-27T21:30"),
        ("XNYS", date(2024, 7, 1), "2024-07-01T20:30"),
        ("XNYS", date(2024, 11, 29), "2024-11-29T18:30"),
        ("XTKS", MONDAY, "2025-01-27T07:00"),
        ("XNYS", date(2025, 1, 26), "2025-01-27T00:30"),
        (None, MONDAY, "2025-01-28T00:30"),
        ("XXXX", MONDAY, "2025-01-28T00:30"),
    ],
)
def test_a_bar_settles_half_an_hour_after_the_close(mic, day, settled):
    assert settled_at(mic, day) == datetime.fromisoformat(settled)


@pytest.mark.parametrize(("minute", "early"), [(29, [False, True]), (30, [False, False])])
def test_only_the_running_session_is_unsettled(minute, early):
    now = datetime(2025, 1, 27, 21, minute)  # noqa: DTZ001 - naive UTC
    assert unsettled("XNAS", [date(2025, 1, 24), MONDAY], now) == early


@given(st.dates(date(2020, 1, 1), date(2025, 12, 31)), st.sampled_from(["XNYS", "XTKS", None]))
def test_nothing_settles_before_its_day_has_begun_or_long_after_it(mic_day, mic):
    midnight = datetime.combine(mic_day, datetime.min.time())
    assert midnight < settled_at(mic, mic_day) <= midnight + timedelta(days=1) + SETTLING


def test_workers_that_begin_together_build_a_calendar_once(monkeypatch):
    built = []
    real = settling.sessions

    def counted(mic, first, last):
        built.append(mic)
        return real(mic, first, last)

    monkeypatch.setattr(settling, "sessions", counted)
    settling._closes.cache_clear()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: settled_at("XNAS", MONDAY), range(64)))
    assert built == ["XNAS"]
