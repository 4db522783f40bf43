"""What the bars of one listing say under each reading of a claim's words."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

# Judgements after which a close says nothing of the session.
_UNUSABLE = ("stale", "unapplied_split", "off_calendar")
_FAR = 0.02


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of ``core.daily_prices``; the columns of that table, of the same meaning."""

    session_date: date
    open: float | None
    high: float | None
    low: float | None
    close: float
    adj_close: float | None
    volume: float | None
    currency: str | None
    quality_flags: str
    n_quarantined: int
    is_simulated: bool
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Move:
    """Two prices that a reading compares.

    Parameters
    ----------
    reading : str
        As ``mart.claim_checks`` names it.
    start, end : float
        Prices, in the currency of the bars.
    bar, before : Bar
        The session held against the claim, and the one its change is counted from.
    """

    reading: str
    start: float
    end: float
    bar: Bar
    before: Bar


def why_unusable(bars: list[Bar], place: int) -> str | None:
    """Return why a bar's close says nothing of its session; None where it does.

    A session without trades whose close repeats the one before is a fill, whatever its flags: in a
    public file a German listing has one on the day before its largest fall.

    Parameters
    ----------
    bars : list of Bar
        In the order of their sessions.
    place : int
        Which of them.

    Examples
    --------
    >>> from datetime import date, datetime
    >>> rest = (1.0, "USD", "", 0, False, datetime(2025, 2, 1))
    >>> prices = {6: 10.0, 7: 8.0, 8: 9.0}
    >>> bars = [Bar(date(2025, 1, d), p, p, p, p, p, *rest) for d, p in prices.items()]
    >>> why_unusable(bars, 1) is None
    True
    """
    bar = bars[place]
    flags = [flag for flag in _UNUSABLE if flag in bar.quality_flags.split()]
    if flags:
        return f"the bar of {bar.session_date} is flagged {', '.join(flags)}"
    if bar.volume == 0 and place > 0 and bar.close == bars[place - 1].close:
        return f"the bar of {bar.session_date} is a stale fill: no volume, and the close before"
    return None


def start_place(
    bars: list[Bar], place: int, period: str, n_sessions: int | None, claimed_from: date | None
) -> int | None:
    """Return which bar a change over a period is counted from; None where there is none.

    A period starts from the last close before its first day, where that is stated. Without it
    weeks, months, quarters and the year to date are of the calendar, and a year is the twelve
    months up to the session.

    Parameters
    ----------
    bars : list of Bar
        In the order of their sessions.
    place : int
        The session in which the period ends.
    period : str
        As ``core.claims`` has it.
    n_sessions : int or None
        Sessions, for the period of that name.
    claimed_from : date or None
        First day of the period; for ``since``: its close, or the last before it.

    Examples
    --------
    >>> from datetime import date, datetime
    >>> rest = (1.0, "USD", "", 0, False, datetime(2025, 2, 1))
    >>> prices = {6: 10.0, 7: 8.0, 8: 9.0}
    >>> bars = [Bar(date(2025, 1, d), p, p, p, p, p, *rest) for d, p in prices.items()]
    >>> start_place(bars, 2, "day", None, None), start_place(bars, 2, "week", None, None)
    (1, None)
    """
    day = bars[place].session_date
    stated = claimed_from - timedelta(days=1) if claimed_from else None
    last_before = {
        "week": day - timedelta(days=day.weekday() + 1),
        "month": day.replace(day=1) - timedelta(days=1),
        "quarter": day.replace(month=day.month - (day.month - 1) % 3, day=1) - timedelta(days=1),
        "year_to_date": day.replace(month=1, day=1) - timedelta(days=1),
        "year": day - timedelta(days=365),
        "since": claimed_from,
    }
    if period in last_before:
        limit = last_before[period] if period == "since" else stated or last_before[period]
        found = -1 if limit is None else bisect_right([bar.session_date for bar in bars], limit) - 1
    else:
        found = place - ((n_sessions or 1) if period == "sessions" else 1)
    return found if 0 <= found < place else None


def moves(
    bars: list[Bar], place: int, start: int, *, is_extreme: bool, direction: str | None
) -> Iterator[Move]:
    """Yield the readings of a day's change, the nearest to the words first.

    The order is that of distance from the words: the session that they name at other times of its
    day, then its neighbours, then a longer span. The first that fits decides, so that a far reading
    never hides a near one.

    Parameters
    ----------
    bars : list of Bar
        Those known when the article was published, in the order of their sessions.
    place, start : int
        The claimed session and the one its change is counted from.
    is_extreme : bool
        Whether the words speak of the extreme of the session (as much as).
    direction : str or None
        down or up; says which extreme.

    Examples
    --------
    >>> from datetime import date, datetime
    >>> rest = (1.0, "USD", "", 0, False, datetime(2025, 2, 1))
    >>> prices = {6: 10.0, 7: 8.0, 8: 9.0}
    >>> bars = [Bar(date(2025, 1, d), p, p, p, p, p, *rest) for d, p in prices.items()]
    >>> [move.reading for move in moves(bars, 1, 0, is_extreme=False, direction="down")][:3]
    ['as_stated', 'intraday_low', 'at_open']
    """
    bar, before = bars[place], bars[start]
    extreme = bar.low if direction == "down" else bar.high
    name = "intraday_low" if direction == "down" else "intraday_high"
    close = Move("as_stated", before.close, bar.close, bar, before)
    if is_extreme:
        if extreme is not None:
            yield Move("as_stated", before.close, extreme, bar, before)
        return
    yield close
    if start == place - 1:
        if extreme is not None:
            yield Move(name, before.close, extreme, bar, before)
        yield from _other_moves(bars, place)


def is_far(reading: str, magnitude: float) -> bool:
    """Return whether a reading is too far from the words for a move so small to tell by chance.

    Parameters
    ----------
    reading : str
        As ``mart.claim_checks`` names it.
    magnitude : float
        What is claimed, a fraction.

    Examples
    --------
    >>> is_far("next_session", 0.01), is_far("next_session", 0.03)
    (True, False)
    """
    return reading in {"next_session", "five_sessions"} and magnitude < _FAR


def _other_moves(bars: list[Bar], place: int) -> Iterator[Move]:
    """Yield the readings of a day's change that are neither its close nor its extreme."""
    bar, before = bars[place], bars[place - 1]
    if bar.open is not None:
        yield Move("at_open", before.close, bar.open, bar, before)
        yield Move("open_to_close", bar.open, bar.close, bar, bar)
    for reading, end, begin in (
        ("previous_session", place - 1, place - 2),
        ("next_session", place + 1, place),
        ("five_sessions", place, place - 5),
    ):
        if begin >= 0 and end < len(bars) and not _broken(bars, begin, end):
            yield Move(reading, bars[begin].close, bars[end].close, bars[end], bars[begin])
    if bar.adj_close is not None and before.adj_close is not None:
        yield Move("total_return", before.adj_close, bar.adj_close, bar, before)


def _broken(bars: list[Bar], begin: int, end: int) -> bool:
    return any(why_unusable(bars, place) for place in (begin, end))
