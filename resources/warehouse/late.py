"""What a late run has to make anew: the days that are stale, and the events they still concern.

Not here: how it is written (`writing`), and what a measure looks back on (`selloff`).
"""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from resources.batch import Days
from resources.warehouse import writing

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

    from warehouse.contract import Table

CODE = "code"
"""What stands among the inputs of a table for the code that computed it."""
NOTHING = Days(date.max, date.max)
# A listing's own session of an event may lie a week from the event's (`selloff.event_sessions`).
NEARBY_ROWS = 10
_ROOT = Path(__file__).resolve().parents[2]


def versions(
    con: duckdb.DuckDBPyConnection, table: Table, inputs: Iterable[Table]
) -> dict[str, int]:
    """Return the version of all that a table is computed from."""
    found = writing.versions(con, inputs)
    return {**found, CODE: code_version()} if by_staleness(table) else found


def by_staleness(table: Table) -> bool:
    """Say whether what is stale alone decides what of a table is made anew, not what is asked."""
    return table.of_events or table.seen_through is not None


def wanted(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    inputs: Iterable[Table],
    days: Days | None,
    reach: int,
) -> Days | None:
    """Return the days to compute: None for everything.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        The core file.
    table : Table
        What is computed.
    inputs : iterable of Table
        From what.
    days : Days, optional
        The days asked for; every stale session is added. Of a table of events, or one that is
        carried on, nothing is asked: what is stale decides, of events as a range of the sessions in
        which they began. It is empty (`is_nothing`) where nothing is stale, or no event is late.
    reach : int
        Sessions of its own after an event that any row of a table of events has seen.
    """
    stale = writing.stale_from(con, table, inputs)
    if by_staleness(table):
        return _unasked(con, table, stale, reach)
    if days is None or stale is None:
        return days
    return Days(min(days.start, stale), date.max)


def is_nothing(days: Days | None) -> bool:
    """Say whether nothing at all is to be computed."""
    return days == NOTHING


def _unasked(
    con: duckdb.DuckDBPyConnection, table: Table, stale: date | None, reach: int
) -> Days | None:
    """Return the days from which on what is stale may concern rows, or the events of rows."""
    if writing.used(con, table).get(CODE) != code_version() or stale == date.min:
        return None
    if stale is None:
        return NOTHING
    if not table.of_events:
        return Days(stale, date.max)
    days = Days(first_concerned(con, stale, reach + NEARBY_ROWS), date.max)
    return days if _concerns_any(con, table, days) else NOTHING


def _concerns_any(con: duckdb.DuckDBPyConnection, table: Table, days: Days) -> bool:
    """Say whether an event that stands is late, or a row is held that would be replaced.

    Rows of all events together are of no event: where there are such, something is to be done.
    """
    where, bounds = writing.which(table, days)
    events = f"SELECT event_id FROM mart.selloff_events WHERE status <> 'withdrawn' AND {where}"
    held = f"SELECT event_id FROM {table.qualified} WHERE {where}"
    return bool(con.execute(f"{events} UNION ALL {held} LIMIT 1", bounds).fetchall())


def first_concerned(con: duckdb.DuckDBPyConnection, stale: date, rows: int) -> date:
    """Return the earliest session from which any listing has seen fewer than `rows` of its own.

    Of the listings with a bar from `stale` on: what no new bar is of has not changed. One that was
    halted for a year is still within a month of what happened before.
    """
    near = max(stale, date.min + timedelta(days=2 * rows + 31)) - timedelta(days=2 * rows + 31)
    moving = "SELECT DISTINCT listing_id FROM core.daily_prices WHERE session_date >= $stale"
    asked = {"stale": stale, "from": near, "rows": rows}
    counts = con.execute(_BEHIND.format(moving=moving), asked).fetchall()
    if short := [listing for listing, n, _ in counts if n < rows]:
        names = "SELECT unnest($short) AS listing_id"
        asked |= {"from": date.min, "short": short}
        counts += con.execute(_BEHIND.format(moving=names), asked).fetchall()
    return min((first for *_, first in counts if first), default=stale)


_BEHIND = """
WITH moving AS ({moving}), behind AS (
  SELECT listing_id, session_date,
    row_number() OVER (PARTITION BY listing_id ORDER BY session_date DESC) AS age
  FROM core.daily_prices SEMI JOIN moving USING (listing_id)
  WHERE session_date < $stale AND session_date >= $from
)
SELECT listing_id, count(session_date), min(session_date) FILTER (age <= $rows)
FROM moving LEFT JOIN behind USING (listing_id) GROUP BY listing_id
"""


@cache
def code_version() -> int:
    """Return a number that changes with any line of the mathematics or of the assets."""
    digest = hashlib.sha256()
    for path in sorted([*(_ROOT / "selloff").rglob("*.py"), *(_ROOT / "assets").rglob("*.py")]):
        digest.update(path.relative_to(_ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return int.from_bytes(digest.digest()[:7], "big")
