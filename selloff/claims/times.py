"""Times: the day, session or span of which a claim speaks, in the listing's own calendar."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from selloff.claims.quantities import NUMBER_WORDS

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = (
    r"(?:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?|July?|Aug(?:ust|\.)?"
    r"|Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)
_COUNT = r"(?:\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|twelve)"
DATED = (
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}(?:,? \d{{4}})?\b"
    r"|\b\d{1,2}-(?:day|session|week|month)\b"
)
"""What a date or span looks like that begins with a digit."""
TIME = "|".join(
    (
        rf"\bsince (?:last )?(?:\w+day|{_MONTH}(?: \d{{1,2}})?|\d{{4}})\b",
        (
            r"\b(?:so far this (?:year|month|week)|year[- ]to[- ]date|\bytd\b"
            r"|since the start of the year|for the year|(?:this|last) (?:year|month|week|quarter)"
            r"|on the (?:week|month|year|quarter)|for the (?:week|month|quarter))\b"
            r"|\byear[- ]on[- ]year\b"
        ),
        (
            rf"\b(?:over|in|during|for|within) the (?:past|last|previous) (?:{_COUNT} )?"
            r"(?:trading )?(?:day|session|week|month|quarter|year)s?\b"
        ),
        rf"\b(?:over|in) {_COUNT} (?:trading )?(?:days|sessions)\b",
        rf"\b(?!one)(?!single){_COUNT}-(?:day|session|week|month)\b",
        r"\b(?:last |this |next )?(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b",
        r"\b(?:on )?(?:Mon|Tue|Wed|Thu|Fri)\b(?=[,.;]|$)",
        rf"\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?\b(?![\d,]*%)",
        r"\b(?:in|during|throughout) (?:19|20)\d{2}\b",
        rf"\bin {_MONTH}(?: (?:19|20)\d{{2}})?\b",
        r"\b(?:yesterday|today|earlier in the day|this morning|this afternoon)\b",
        r"\b(?:in )?pre-?market(?: trad(?:ing|e)| session)?\b|\bbefore the (?:bell|open|opening)\b",
        (
            r"\b(?:in )?(?:after-hours|extended|post-?market)(?: trad(?:ing|e)| session)?\b"
            r"|\bafter (?:hours|the bell|the close)\b"
        ),
        (
            r"\b(?:in |during )?(?:early|morning|intraday|midday|mid-morning|midmorning|lunchtime"
            r"|afternoon|late)(?: trad(?:ing|e)| deals?| session)\b|\bintraday\b|\bat midday\b"
            r"|\bat one (?:point|stage)\b|\bsession low\b"
            r"|\bat (?:its|their|the day's) (?:lowest|lows?|worst|session low)\b"
        ),
        r"\bat the open(?:ing)?\b|\bin opening (?:trade|deals|trading)\b|\bopened\b",
    )
)
"""What an expression of time looks like."""

_ZONES = {
    "XNAS": "America/New_York",
    "XNYS": "America/New_York",
    "ARCX": "America/New_York",
    "XETR": "Europe/Berlin",
    "XFRA": "Europe/Berlin",
    "XAMS": "Europe/Amsterdam",
    "XPAR": "Europe/Paris",
    "XLON": "Europe/London",
    "XSWX": "Europe/Zurich",
    "XCSE": "Europe/Copenhagen",
    "XTKS": "Asia/Tokyo",
    "XHKG": "Asia/Hong_Kong",
    "XKRX": "Asia/Seoul",
    "XTAI": "Asia/Taipei",
    "XNSE": "Asia/Kolkata",
    "XBOM": "Asia/Kolkata",
}
_UNITS = {"day": "sessions", "session": "sessions"}
WEEK = 7


@dataclass(frozen=True, slots=True)
class When:
    """Of what time a claim speaks.

    Parameters
    ----------
    period : str
        As core.claims has it.
    first, last : datetime.date, optional
        The days it speaks of; None where the text does not say.
    n_sessions : int, optional
        Where a number of sessions is stated.
    """

    period: str = "unstated"
    first: date | None = None
    last: date | None = None
    n_sessions: int | None = None


def local_day(published_at: datetime | None, mic: str) -> date | None:
    """Return the date on which an article was published, where a listing trades.

    An instant that is midnight UTC is a date without a time of day: the date itself.
    """
    if published_at is None:
        return None
    if published_at.time() == datetime.min.time() or mic not in _ZONES:
        return published_at.date()
    return published_at.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(_ZONES[mic])).date()  # noqa: UP017 - the name says what is meant


def when(text: str, published: date | None) -> When:
    """Return the time of which an expression speaks, for an article published on a date.

    A weekday is the last such day, the day of publication included. What lies after the day of
    publication is none (``next Monday``): `period` is then ``future``.

    Parameters
    ----------
    text : str
        As `TIME` matches it.
    published : datetime.date, optional
        Day of publication in the listing's own zone; None: days stay unknown.

    Examples
    --------
    >>> when("Monday", date(2025, 1, 28)).last
    datetime.date(2025, 1, 27)
    >>> when("this year", date(2025, 1, 28)).period
    'year_to_date'
    """
    lower = text.lower()
    for form, read in _READERS:
        if found := form.search(lower):
            return read(found, published)
    return When()


def _weekday(found: re.Match[str], published: date | None) -> When:
    if found[1] == "next ":
        return When("future")
    if published is None:
        return When("day")
    index = next(i for i, day in enumerate(_DAYS) if day.startswith(found[2]))
    back = (published.weekday() - index) % WEEK
    day = published - timedelta(days=back)
    return When("day", day, day)


def _dated(found: re.Match[str], published: date | None) -> When:
    """Read a day of a month, with or without its year."""
    month = _MONTHS.index(found["month"][:3]) + 1
    year = int(found["year"]) if found["year"] else None
    if year is None and published is None:
        return When("day")
    number = min(int(found["day"]), monthrange(year or 2024, month)[1])
    if year is None and published is not None:
        year = (
            published.year
            if (month, number) <= (published.month, published.day)
            else (published.year - 1)
        )
    day = date(year or 1, month, min(number, monthrange(year or 1, month)[1]))
    return When("future") if published and day > published else When("day", day, day)


def _of_month(found: re.Match[str], published: date | None) -> When:
    month = _MONTHS.index(found["month"][:3]) + 1
    if not found["year"] and published is None:
        return When("month")
    year = int(found["year"]) if found["year"] else (published or date.max).year
    if not found["year"] and published and month > published.month:
        year -= 1
    last = date(year, month, monthrange(year, month)[1])
    return When("month", last.replace(day=1), min(last, published or last))


def _of_year(found: re.Match[str], published: date | None) -> When:
    year = int(found[1])
    if published and year > published.year:
        return When("future")
    return When("year", date(year, 1, 1), min(date(year, 12, 31), published or date.max))


def _this(found: re.Match[str], published: date | None) -> When:
    """Read this or last week, month, quarter or year."""
    is_last, unit = found[1] == "last", found[2]
    if unit == "year" and not is_last:
        first = published.replace(month=1, day=1) if published else None
        return When("year_to_date", first, published)
    if published is None:
        return When(unit)
    first, last = _span(unit, published)
    if is_last:
        first, last = _span(unit, first - timedelta(days=1))
    return When(unit, first, min(last, published))


def _span(unit: str, day: date) -> tuple[date, date]:
    """Return the calendar week, month, quarter or year of a day."""
    if unit == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=4)
    if unit == "year":
        return date(day.year, 1, 1), date(day.year, 12, 31)
    month = day.month if unit == "month" else 3 * ((day.month - 1) // 3) + 3
    last = date(day.year, month, monthrange(day.year, month)[1])
    return last.replace(day=1, month=month if unit == "month" else month - 2), last


def _past(found: re.Match[str], published: date | None) -> When:
    """Read the past so many days, weeks, months or years."""
    unit = found["unit"]
    number = _number(found["count"])
    if unit in _UNITS:
        period = "day" if number == 1 else "sessions"
        return When(period, None, None, number if number > 1 else None)
    if published is None:
        return When(unit)
    days = {"week": WEEK, "month": 30, "quarter": 91, "year": 365}[unit] * number
    return When(unit, published - timedelta(days=days), published)


def _number(text: str | None) -> int:
    if not text:
        return 1
    return int(text) if text.isdigit() else NUMBER_WORDS.get(text, 1)


def _since(found: re.Match[str], published: date | None) -> When:
    inner = when(found[1], published)
    if found[1].isdigit():
        return When("since", date(int(found[1]), 1, 1), published)
    return When("since", inner.first, published if inner.first else None)


def _relative(days: int, published: date | None) -> When:
    if published is None:
        return When("day")
    day = published - timedelta(days=days)
    return When("day", day, day)


_M = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_READERS = (
    (re.compile(r"since (?:last )?(.+)"), _since),
    (re.compile(r"year[- ]to|ytd|start of the year|for the year"), lambda _f, p: _year_to(p)),
    (re.compile(r"(this|last|the) (week|month|quarter|year)$"), _this),
    (
        re.compile(
            rf"(?:past|last|previous|over|in)(?: (?P<count>{_COUNT}))? (?:trading )?"
            r"(?P<unit>day|session|week|month|quarter|year)"
        ),
        _past,
    ),
    (re.compile(rf"(?P<count>{_COUNT})-(?P<unit>day|session|week|month)"), _past),
    (re.compile(r"yesterday"), lambda _f, p: _relative(1, p)),
    (re.compile(r"today|earlier in|this (?:morning|afternoon)"), lambda _f, p: _relative(0, p)),
    (re.compile(r"pre-?market|before the"), lambda _f, _p: When("premarket")),
    (re.compile(r"after|extended|post-?market"), lambda _f, _p: When("after_hours")),
    (re.compile(r"open"), lambda _f, _p: When("open")),
    (
        re.compile(r"trad|deal|session|intraday|midday|at one|low"),
        lambda _f, _p: When("intraday"),
    ),
    (re.compile(rf"^{_M} (?P<day>\d{{1,2}})\D{{0,4}}(?P<year>\d{{4}})?$"), _dated),
    (re.compile(rf"^(?P<day>\d{{1,2}})\D{{0,6}}{_M},? ?(?P<year>\d{{4}})?$"), _dated),
    (re.compile(r"\b((?:19|20)\d\d)$"), _of_year),
    (re.compile(rf"in {_M} ?(?P<year>\d{{4}})?$"), _of_month),
    (
        re.compile(r"(next |last |this )?(mon|tue|wed|thu|fri|sat|sun)(?:[a-z]{0,6})$"),
        _weekday,
    ),
)


def _year_to(published: date | None) -> When:
    return When("year_to_date", published.replace(month=1, day=1) if published else None, published)
