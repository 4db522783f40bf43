"""When a session's bar is final: vendors go on correcting it for some minutes after the close."""

from __future__ import annotations

import functools
import threading
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from resources.calendars import is_known, sessions

if TYPE_CHECKING:
    from collections.abc import Iterable

SETTLING = timedelta(minutes=30)

# Workers that all begin with the same exchange would each build its calendar.
_building = threading.Lock()


def unsettled(mic: str | None, dates: Iterable[date], now: datetime) -> list[bool]:
    """Return for each session whether its bar was not final yet at an instant (naive UTC)."""
    return [settled_at(mic, day) > now for day in dates]


def settled_at(mic: str | None, day: date) -> datetime:
    """Return when a session's bar is final: some time after the close, else after the UTC day."""
    end_of_day = datetime.combine(day + timedelta(days=1), datetime.min.time())
    with _building:
        closes = _closes(mic, day.year)
    return closes.get(day, end_of_day) + SETTLING


@functools.lru_cache(maxsize=256)
def _closes(mic: str | None, year: int) -> dict[date, datetime]:
    """Return the closing times of a year's sessions, UTC; nothing for an unknown exchange."""
    if mic is None or not is_known(mic):
        return {}
    table = sessions(mic, date(year, 1, 1), date(year, 12, 31))
    return dict(zip(table["session_date"].to_pylist(), table["closes_at"].to_pylist(), strict=True))
