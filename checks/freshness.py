"""Is what we hold recent? Held against the exchanges' calendars, which Dagster does not know."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from checks._check import table_check
from checks.scan import Finding, rows_of
from resources.batch import naive_utc
from warehouse.tables.instruments import SESSIONS
from warehouse.tables.prices import DAILY_PRICES

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

    from resources.batch import Days

# Vendors settle bars for a while after the close, and the run itself takes its time.
GRACE = timedelta(hours=3)

LATENESS = """
SELECT i.exchange_mic, max(p.session_date) AS last_session,
       (SELECT count(*) FROM core.sessions AS s
        WHERE s.exchange_mic = i.exchange_mic AND s.session_date > max(p.session_date)
          AND s.closes_at <= $settled) AS sessions_behind
FROM core.daily_prices AS p JOIN core.instruments AS i USING (listing_id)
WHERE i.exchange_mic IS NOT NULL
GROUP BY i.exchange_mic ORDER BY i.exchange_mic
"""


@table_check(DAILY_PRICES, reads=(SESSIONS,))
def prices_are_fresh(con: duckdb.DuckDBPyConnection, _days: Days, now: datetime) -> Finding:
    """Every exchange has its last settled session; a replay, being history, is always fresh."""
    if rows_of(con, "SELECT kind FROM meta.warehouse") == [{"kind": "replay"}]:
        return Finding(0, 0, note="this warehouse holds the replay: history cannot be late")
    settled = naive_utc(now - GRACE)
    exchanges = rows_of(con, LATENESS, {"settled": settled})
    late = [row for row in exchanges if row["sessions_behind"]]
    return Finding(len(exchanges), len(late), late)


CHECKS = [prices_are_fresh]
