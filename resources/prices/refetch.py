"""What is asked again: vendors restate what they have delivered, so old sessions are re-fetched.

The last ten sessions every time (Yahoo revises volumes and candles overnight), a listing's whole
history in turn, and that of a listing for which an action is new: vendors restate all of it then.
"""

from __future__ import annotations

import functools
import zlib
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from resources.batch import Days
from resources.calendars import is_known, sessions

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb
    import pyarrow as pa

    from resources.batch import Listing

RECENT_SESSIONS = 10
# Every listing's whole history comes again within so many sessions.
TURNS = 20

Action = tuple[str, date, str]


@dataclass(frozen=True, slots=True)
class Held:
    """What the warehouse holds before a fetch.

    Parameters
    ----------
    first : dict of str to date
        First session of each listing.
    actions : set of tuple
        Listing, ex-date and kind of every corporate action.
    """

    first: dict[str, date] = field(default_factory=dict)
    actions: frozenset[Action] = frozenset()

    @classmethod
    def of(cls, con: duckdb.DuckDBPyConnection) -> Held:
        """Return what the warehouse behind a connection holds."""
        first = con.execute(
            "SELECT listing_id, min(session_date) FROM raw.price_vintages GROUP BY ALL"
        ).fetchall()
        actions = con.execute(
            "SELECT DISTINCT listing_id, ex_date, action FROM raw.corporate_actions"
        ).fetchall()
        return cls(dict(first), frozenset(actions))


def windows(listings: Iterable[Listing], days: Days, held: Held) -> dict[Days, list[Listing]]:
    """Return what to ask for: listings by the days they are asked for.

    A listing that is not held yet is asked for from the first session that any other has: its
    market model looks back on them.
    """
    recent = functools.cache(lambda mic: _recent(mic, days.end))
    earliest = min(held.first.values(), default=days.start)
    found: dict[Days, list[Listing]] = {}
    for listing in listings:
        first = held.first.get(listing.listing_id)
        if first is None or is_turn(listing.listing_id, days.end):
            start = min(days.start, first or earliest)
        else:
            start = min(days.start, max(first, recent(listing.exchange_mic)))
        found.setdefault(Days(start, days.end), []).append(listing)
    return found


def with_new_actions(
    listings: Iterable[Listing], actions: pa.Table | None, held: Held
) -> list[Listing]:
    """Return the held listings of which an action came that was not known."""
    if actions is None:
        return []
    names = ("listing_id", "ex_date", "action")
    came = set(zip(*(actions[name].to_pylist() for name in names), strict=True))
    news = {listing_id for listing_id, *_ in came - held.actions}
    return [each for each in listings if each.listing_id in news & held.first.keys()]


def history(listing: Listing, days: Days, held: Held) -> Days:
    """Return all the days of a held listing."""
    return Days(min(days.start, held.first[listing.listing_id]), days.end)


def is_turn(listing_id: str, day: date) -> bool:
    """Say whether it is a listing's turn: once in `TURNS` weekdays, spread over the universe."""
    weeks, weekday = divmod(day.toordinal() - 1, 7)
    ordinal = weeks * 5 + min(weekday, 4)
    return zlib.crc32(listing_id.encode()) % TURNS == ordinal % TURNS


def _recent(mic: str | None, end: date) -> date:
    """Return the tenth last session of an exchange; without a calendar, two weeks back."""
    start = end - timedelta(days=3 * RECENT_SESSIONS)
    if mic is None or not is_known(mic):
        return end - timedelta(days=14)
    dates = sessions(mic, start, end)["session_date"].to_pylist()
    return dates[-RECENT_SESSIONS:][0] if dates else start
