"""Dates of publication: as a field, page, header line or dateline states them, in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from resources.articles.cleaning import UnreadableArticleError

FIRST_YEAR = 1900
AHEAD = timedelta(days=1)
"""How far a date may lie ahead of the clock: local midnight is up to 14 hours before UTC's."""


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant as UTC without a zone, and the zone it was stated in; None where none was."""

    at: datetime
    zone: str | None = None


def instant(stated: object) -> datetime:
    """Return an ISO 8601 instant as UTC without a zone; one without a zone already is UTC."""
    return moment(stated).at


def moment(stated: object) -> Moment:
    """Return an ISO 8601 instant with its zone (``UTC``, ``+01:00``); raise where it is none."""
    try:
        found = datetime.fromisoformat(str(stated).strip())
        offset = found.utcoffset()
        if offset is None:
            return Moment(found)
        return Moment(found.astimezone(UTC).replace(tzinfo=None), _offset_name(offset))
    except (ValueError, OverflowError) as error:
        cause = f"published_at is not an ISO 8601 date: {str(stated)[:40]!r}"
        raise UnreadableArticleError(cause) from error


def implausible(at: datetime, now: datetime) -> str | None:
    """Say why nothing can have been published at `at`; None where it can. Both naive UTC."""
    if at.year < FIRST_YEAR:
        return f"published_at {at:%Y-%m-%d} lies before {FIRST_YEAR}"
    return f"published_at {at:%Y-%m-%d} lies in the future" if at > now + AHEAD else None


def header(text: str) -> Moment | None:
    """Return the date of a header line: "Published: 27 January 2025 16:05 ET", "Date: ...".

    Looked for in the first ten lines. The first that speaks of publication goes before any that
    speaks of an update. Zones are offsets and the names of `ZONES`; without a zone the time is UTC,
    without a time it is midnight UTC.
    """
    lines = [line[: 2 * _NEAR] for line in text[: 50 * _NEAR].splitlines() if line]
    found = [match for match in map(_HEADER.match, lines[:_TOP_HEADERS]) if match]
    found.sort(key=lambda match: match["update"] is not None)
    return next(filter(None, map(_of_match, found)), None)


ZONES = {
    **dict.fromkeys(("ET", "EST", "EDT"), "America/New_York"),
    **dict.fromkeys(("PT", "PST", "PDT"), "America/Los_Angeles"),
    **dict.fromkeys(("UTC", "GMT", "Z"), "UTC"),
    **dict.fromkeys(("CET", "CEST"), "Europe/Berlin"),
    "BST": "Europe/London",
    "JST": "Asia/Tokyo",
    "HKT": "Asia/Hong_Kong",
}
"""Names of zones in header lines. Papers write EST all summer: ET, EST and EDT are New York's time
on the day. CST and IST are not here, each names two zones or more."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)[a-z]{0,6}\.?"
_DAY_NAME = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}\.?,?\ )?"
_DATE = rf"""
    (?: (?P<year>\d{{4}})-(?P<month>\d\d)-(?P<day>\d\d)
      | (?P<month_us>{_MONTH})\ (?P<day_us>\d{{1,2}})(?:[a-z]{{2}})?,?\ (?P<year_us>\d{{4}})
      | (?P<day_eu>\d{{1,2}})(?:[a-z]{{2}}|\.)?\ (?P<month_eu>{_MONTH}),?\ (?P<year_eu>\d{{4}})
    )
"""
_DATELINE = re.compile(
    rf"""
    (?:[A-Z][\w.'-]{{0,30}}:?,?\ ){{0,4}}?           # Updated: | NEW YORK, | By Jane Doe,
    {_DAY_NAME}
    {_DATE}
    (?=\ ?(?:$|[-\u2013\u2014|(:\u00b7]|,?\ ?(?:at\ )?T?\d{{1,2}}:\d\d))
    """,
    re.VERBOSE | re.MULTILINE,
)
_HEADER = re.compile(
    rf"""
    (?:Published|First\ published|Posted|Date|(?P<update>Last\ updated|Updated))
    (?:\ on|\ at)?:?\ ?
    {_DAY_NAME}
    {_DATE}
    (?: ,?(?:\ at\ |\ |T)(?P<hour>\d{{1,2}}):(?P<minute>\d\d)(?::\d\d)?
        (?:\ ?(?P<half>[AaPp])\.?[Mm]\b\.?)?
        (?:\ ?(?P<zone>[+-]\d\d:?\d\d|[A-Z]{{1,4}}\b))?
    )?
    """,
    re.VERBOSE,
)
_NEAR, _TOP_LINES, _TOP_HEADERS = 80, 5, 10


def dateline(text: str) -> datetime | None:
    """Return the date that begins one of the first five lines and stands for itself.

    "Tuesday, January 28, 2025 - ...", "NEW YORK, Jan 27, 2025 (Reuters) - ..." and "28 January
    2025" are datelines; "On January 20, 2025, the company ..." is not, nor is any date further
    down: bodies speak of other days.
    """
    lines = [line for line in text[: 50 * _NEAR].splitlines() if line][:_TOP_LINES]
    for match in filter(None, (_DATELINE.match(line[: 2 * _NEAR]) for line in lines)):
        if day := _day(match):
            return day
    return None


def is_dateline(line: str) -> bool:
    """Say whether a line begins with a date that stands for itself, real or not."""
    return _DATELINE.match(line) is not None


def _day(match: re.Match[str]) -> datetime | None:
    """Return the day of a match of `_DATE`; None where the calendar has no such day."""
    month = match["month"] or match["month_us"] or match["month_eu"]
    year = match["year"] or match["year_us"] or match["year_eu"]
    day = match["day"] or match["day_us"] or match["day_eu"]
    number = int(month) if month.isdigit() else _MONTHS.index(month[:3].lower()) + 1
    try:
        return datetime(int(year), number, int(day))  # noqa: DTZ001 - tables hold naive UTC
    except ValueError:
        return None


def _of_match(match: re.Match[str]) -> Moment | None:
    """Return the moment of a header line; None where there is no such day or time."""
    if not (day := _day(match)):
        return None
    if match["hour"] is None:
        return Moment(day)
    hour, minute = int(match["hour"]), int(match["minute"])
    if match["half"]:
        hour = hour % 12 + (12 if match["half"] in "Pp" else 0)
    try:
        return _in_utc(day.replace(hour=hour, minute=minute), match["zone"])
    except (ValueError, OverflowError):
        return None


def _in_utc(local: datetime, zone: str | None) -> Moment:
    if zone in ZONES:
        there = local.replace(tzinfo=ZoneInfo(ZONES[zone]))
        return Moment(there.astimezone(UTC).replace(tzinfo=None), ZONES[zone])
    if zone and zone[0] in "+-":
        digits = zone[1:].replace(":", "")
        ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        ahead = ahead if zone[0] == "+" else -ahead
        return Moment(local - ahead, _offset_name(ahead))
    return Moment(local)


def _offset_name(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}" if minutes else "UTC"
