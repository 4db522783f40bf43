"""When each exchange trades: sessions, half days and closing times, from exchange_calendars."""

from __future__ import annotations

import warnings
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from resources.batch import Days


def is_known(mic: str) -> bool:
    """Say whether `mic` has a trading calendar (its own, or that of the exchange it belongs to)."""
    return mic in _known_mics()


def sessions(mic: str, first: date, last: date) -> pa.Table:
    """Return the trading sessions of an exchange between two dates, both included.

    Parameters
    ----------
    mic : str
        ISO 10383 code that exchange_calendars knows, or ``24/5``.
    first, last : datetime.date
        Dates of the exchange's own calendar. Dates before its first known one (Tokyo: 1997) and,
        where holidays are announced year by year, after its last known one have no session here.

    Returns
    -------
    pyarrow.Table
        `exchange_mic`, `session_date` (date32), `opens_at` and `closes_at` (timestamp[us], UTC
        without a zone) and `is_half_day`: the session closed early. Futures exchanges open
        on the date before the session's own.

    Raises
    ------
    ValueError
        If the exchange is unknown, or `first` lies after `last`.
    """
    import pyarrow as pa

    if first > last:
        raise ValueError(f"first session {first} lies after last session {last}")
    calendar = _calendar(mic, first, last)
    schedule = calendar.schedule.loc[first.isoformat() : last.isoformat(), ["open", "close"]]
    half_days = schedule.index.isin(calendar.early_closes)
    return pa.table(
        {
            "exchange_mic": pa.array([mic] * len(schedule), pa.string()),
            "session_date": pa.array(schedule.index.date, pa.date32()),
            "opens_at": _naive_utc(schedule["open"]),
            "closes_at": _naive_utc(schedule["close"]),
            "is_half_day": pa.array(half_days, pa.bool_()),
        }
    )


class Calendars(dg.ConfigurableResource):
    """Trading calendars, built when first asked for."""

    def sessions(self, mics: Iterable[str], days: Days) -> pa.Table:
        """Return the sessions of several exchanges, one below the other in sorted order of MIC.

        No exchange gives no rows; an unknown one raises ValueError.
        """
        import pyarrow as pa

        tables = [sessions(mic, days.start, days.end) for mic in sorted(set(mics))]
        return pa.concat_tables(tables) if tables else sessions("24/5", days.start, days.end)[:0]

    def is_open(self, mic: str, day: date) -> bool:
        """Say whether the exchange has a session on that date of its own calendar."""
        return sessions(mic, day, day).num_rows > 0

    def closes_at(self, mic: str, day: date) -> datetime | None:
        """Return the UTC instant at which that date's session closes; None if there is none."""
        closes = sessions(mic, day, day)["closes_at"].to_pylist()
        return closes[0].replace(tzinfo=UTC) if closes else None


@lru_cache(maxsize=1)
def _known_mics() -> frozenset[str]:
    import exchange_calendars as xcals

    return frozenset(xcals.get_calendar_names(include_aliases=True))


def _calendar(mic: str, first: date, last: date) -> Any:
    """Return a calendar that covers the dates, as far as the exchange's holidays are recorded.

    One build serves all dates of the last twenty years: a month costs as much as they do (0.1 s).
    """
    recent = _recent(mic)
    if recent.first_session.date() <= first and last <= recent.last_session.date():
        return recent
    return _spanning(mic, first.year // 10, last.year // 10)


@lru_cache(maxsize=64)
def _recent(mic: str) -> Any:
    if not is_known(mic):
        raise ValueError(f"unknown exchange {mic!r}: it has no trading calendar")
    return _build(mic)


@lru_cache(maxsize=64)
def _spanning(mic: str, first_decade: int, last_decade: int) -> Any:
    import pandas as pd

    recent = _recent(mic)
    start, end = pd.Timestamp(f"{first_decade}0-01-01"), pd.Timestamp(f"{last_decade}9-12-31")
    start, end = max(start, recent.bound_min() or start), min(end, recent.bound_max() or end)
    return _build(mic, start=start, end=end) if start < end else recent


def _build(mic: str, **span: Any) -> Any:
    import exchange_calendars as xcals

    with warnings.catch_warnings():
        # exchange_calendars 4.13 still builds with calls that pandas 3.1 deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return xcals.get_calendar(mic, **span)
        except (NotImplementedError, ValueError) as error:
            cause = " ".join(str(error).split())[:80]
            raise ValueError(f"the calendar of {mic} cannot be built: {cause}") from error


def _naive_utc(instants: Any) -> pa.Array:
    import pyarrow as pa

    return pa.array(instants.dt.tz_localize(None), pa.timestamp("us"))
