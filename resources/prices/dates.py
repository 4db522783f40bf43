"""Which exchange date a delivered stamp means."""

# pyright: reportAttributeAccessIssue=false
# (pyarrow.compute makes its functions at run time, which no type checker sees)

from __future__ import annotations

import functools
import re
import warnings
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from resources.calendars import is_known

if TYPE_CHECKING:
    import pyarrow as pa

    from resources.batch import Days

MIDNIGHT = time()
_ISO = re.compile(r"\d{4}-\d\d-\d\d([ T].+)?")


def session_of(stamp: str, mic: str | None, zone: str = "") -> str:
    """Return the exchange's calendar date of a stamp, as ``YYYY-MM-DD``.

    Parameters
    ----------
    stamp : str
        A date, or a date and time with or without an offset.
    mic : str or None
        The listing's exchange, for stamps in UTC.
    zone : str
        Time zone of stamps that state a time and no offset; empty: the exchange's own.

    Returns
    -------
    str
        A local stamp's own date; a UTC stamp's date at the exchange, unless it stands at
        midnight (then it is a date that somebody gave a zone) or the exchange is not known.
        What is no ISO date comes back as it is: the contract refuses it.
    """
    text = stamp.strip()
    if not _ISO.fullmatch(text):
        return stamp
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return stamp
    if zone and moment.tzinfo is None and moment.time() != MIDNIGHT:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
        local = mic and _zone(mic)
    else:
        local = mic and moment.utcoffset() == timedelta(0) and moment.hour and _zone(mic)
    return (moment.astimezone(local) if local else moment).date().isoformat()


def sessions_of(
    stamps: pa.ChunkedArray, mics: pa.Array, zone: str = ""
) -> pa.ChunkedArray | pa.Array:
    """Return `session_of` for a column: dates stay dates, everything else becomes text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_date(stamps.type):
        return stamps
    if pa.types.is_timestamp(stamps.type):
        form = "%Y-%m-%d %H:%M:%S" + ("%z" if stamps.type.tz else "")
        stamps = pc.strftime(stamps, form)
    # Dates repeat over tickers: each pair of stamp and exchange is read once.
    pairs = pc.binary_join_element_wise(stamps, pc.fill_null(mics, ""), "|")
    coded = pc.dictionary_encode(pairs).combine_chunks()
    split = (pair.rpartition("|") for pair in coded.dictionary.to_pylist())
    sessions = [session_of(stamp, mic or None, zone) for stamp, _, mic in split]
    return pa.array(sessions, pa.string()).take(coded.indices)


def is_within(sessions: pa.ChunkedArray | pa.Array, days: Days) -> pa.Array:
    """Return which rows lie in the range or have no readable date (the contract judges those)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    coded = pc.dictionary_encode(sessions)
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    inside = [_inside(value, days) for value in coded.dictionary.to_pylist()]
    return pc.fill_null(pa.array(inside, pa.bool_()).take(coded.indices), fill_value=True)


def readable(value: str | date | None) -> date | None:
    """Return the date that a session is, None where it is none."""
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value) if _ISO.fullmatch(value) else None
    except ValueError:
        return None


def _inside(value: str | date | None, days: Days) -> bool:
    found = readable(value)
    return found is None or days.start <= found <= days.end


@functools.cache
def _zone(mic: str) -> ZoneInfo | None:
    """Return the exchange's time zone, None where there is no calendar for it."""
    import exchange_calendars as xcals

    if not is_known(mic):
        return None
    with warnings.catch_warnings():
        # exchange_calendars 4.13 still builds with calls that pandas 3.1 deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        return ZoneInfo(str(xcals.get_calendar(mic).tz))
