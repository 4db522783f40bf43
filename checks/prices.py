"""Judgements on prices: what came, what is missing, what looks wrong though it may be true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks._check import SAMPLE_ROWS, Finding, rows_of, table_check
from resources.batch import naive_utc
from warehouse.tables.instruments import INSTRUMENTS, SESSIONS
from warehouse.tables.prices import DAILY_PRICES, PRICE_VINTAGES

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

    from resources.batch import Days

# One absent listing is a gap; half of an exchange absent is a failure of the source.
SOURCE_FAULT_SHARE = 0.5
SOURCE_FAULT_LISTINGS = 5
# A hole in a long history is a warning (a public file of the whole US market lacks one session in
# 416); the newest session, or more than one in a hundred, stops the run.
SOURCE_FAULT_SESSIONS = 0.01

_EXPECTED = """
WITH lives AS (
  SELECT listing_id, any_value(ticker) AS ticker, min(session_date) AS first_bar,
         max(session_date) AS last_bar
  FROM core.daily_prices GROUP BY listing_id
), reached AS (
  SELECT i.exchange_mic, max(p.session_date) AS last_session
  FROM core.daily_prices AS p JOIN core.instruments AS i USING (listing_id)
  GROUP BY i.exchange_mic
), expected AS (
  SELECT s.exchange_mic, s.session_date, l.listing_id, l.ticker
  FROM lives AS l
  JOIN core.instruments AS i USING (listing_id)
  JOIN core.sessions AS s ON s.exchange_mic = i.exchange_mic
    AND s.session_date BETWEEN greatest(l.first_bar, $start::DATE)
                           AND least(l.last_bar + 14, $end::DATE)
    AND s.closes_at <= $now
  JOIN reached AS r ON r.exchange_mic = s.exchange_mic AND s.session_date <= r.last_session
)
SELECT e.*, p.listing_id IS NULL AS is_missing
FROM expected AS e
LEFT JOIN core.daily_prices AS p USING (listing_id, session_date)
"""


@table_check(DAILY_PRICES, blocking=True, reads=(SESSIONS, INSTRUMENTS))
def every_session_is_present(con: duckdb.DuckDBPyConnection, days: Days, now: datetime) -> Finding:
    """Every listing has a bar in every session of its exchange; blocking where a source failed.

    An exchange is judged up to the last session that any of its listings has: Tokyo's bars make
    nothing due in New York. Whether that session is recent is asked by `prices_are_fresh`.

    A listing counts from its first bar until two weeks after its last one: what stops trading
    is missed for ten sessions and then taken as gone.
    """
    span = {"start": days.start, "end": days.end, "now": naive_utc(now)}
    totals = rows_of(
        con, f"SELECT count(*) AS n, count(*) FILTER (is_missing) AS gaps FROM ({_EXPECTED})", span
    )[0]
    gaps = rows_of(
        con,
        f"""
        SELECT ticker, exchange_mic, session_date FROM ({_EXPECTED}) WHERE is_missing
        ORDER BY session_date DESC, ticker LIMIT {SAMPLE_ROWS}
        """,
        span,
    )
    sessions = rows_of(
        con,
        f"""
        SELECT exchange_mic, session_date, count(*) FILTER (is_missing) AS n_missing,
               count(*) AS n_expected,
               session_date = max(session_date) OVER (PARTITION BY exchange_mic) AS is_newest
        FROM ({_EXPECTED}) GROUP BY exchange_mic, session_date
        ORDER BY session_date DESC, exchange_mic
        """,
        span,
    )
    faults = [row for row in sessions if _is_fault(row)]
    is_error = any(row["is_newest"] for row in faults) or (
        len(faults) > SOURCE_FAULT_SESSIONS * len(sessions)
    )
    note = f"{len(faults)} sessions lack half of an exchange or more" if faults else ""
    return Finding(totals["n"], totals["gaps"], faults or gaps, is_error=is_error, note=note)


def _is_fault(session: dict[str, int]) -> bool:
    """Say whether so much of an exchange is absent that the source must have failed."""
    expected, missing = session["n_expected"], session["n_missing"]
    return expected >= SOURCE_FAULT_LISTINGS and missing >= SOURCE_FAULT_SHARE * expected


def _flagged(con: duckdb.DuckDBPyConnection, days: Days, flag: str) -> Finding:
    """Count the bars that carry a quality flag."""
    span = {"start": days.start, "end": days.end, "flag": flag}
    where = "session_date BETWEEN $start AND $end"
    has = "list_contains(string_split(quality_flags, ' '), $flag)"
    totals = rows_of(
        con,
        f"""
        SELECT count(*) AS n, count(*) FILTER ({has}) AS flagged
        FROM core.daily_prices WHERE {where}
        """,
        span,
    )[0]
    sample = rows_of(
        con,
        f"""
        SELECT ticker, session_date, close, volume, quality_flags
        FROM core.daily_prices WHERE {where} AND {has}
        ORDER BY session_date DESC, ticker LIMIT {SAMPLE_ROWS}
        """,
        span,
    )
    return Finding(totals["n"], totals["flagged"], sample)


@table_check(DAILY_PRICES)
def jumps_are_corroborated(con: duckdb.DuckDBPyConnection, days: Days, _now: datetime) -> Finding:
    """No close moves beyond 8 robust sigmas without a volume or peer move that goes with it."""
    return _flagged(con, days, "jump")


@table_check(DAILY_PRICES)
def bars_are_not_stale(con: duckdb.DuckDBPyConnection, days: Days, _now: datetime) -> Finding:
    """No bar repeats the previous close on no volume."""
    return _flagged(con, days, "stale")


@table_check(DAILY_PRICES)
def bars_are_in_the_calendar(con: duckdb.DuckDBPyConnection, days: Days, _now: datetime) -> Finding:
    """No bar lies on a day on which its exchange was closed."""
    return _flagged(con, days, "off_calendar")


@table_check(PRICE_VINTAGES)
def every_request_was_answered(
    con: duckdb.DuckDBPyConnection, _days: Days, _now: datetime
) -> Finding:
    """No request of the last load failed; a ticker or file without data is no failure."""
    where = (
        "load_id = (SELECT arg_max(load_id, fetched_at) FROM raw.fetches "
        f"WHERE asset = '{PRICE_VINTAGES.name}')"
    )
    counts = rows_of(
        con,
        f"""
        SELECT count(*) AS n, count(*) FILTER (outcome = 'failed') AS failed
        FROM raw.fetches WHERE {where}
        """,
    )[0]
    sample = rows_of(
        con,
        "SELECT requested, reason FROM raw.fetches "
        f"WHERE {where} AND outcome = 'failed' ORDER BY requested",
    )
    return Finding(counts["n"], counts["failed"], sample, is_error=True)


@table_check(PRICE_VINTAGES)
def no_row_was_quarantined(con: duckdb.DuckDBPyConnection, _days: Days, _now: datetime) -> Finding:
    """No delivered row breaks the row contract; those that do wait in raw.quarantine."""
    where = f"table_name = '{PRICE_VINTAGES.qualified}'"
    sample = rows_of(
        con,
        f"""
        SELECT source_file, source_row, reason FROM raw.quarantine WHERE {where}
        ORDER BY quarantined_at DESC, source_file, source_row LIMIT {SAMPLE_ROWS}
        """,
    )
    n_kept = rows_of(con, f"SELECT count(*) AS n FROM {PRICE_VINTAGES.qualified}")[0]["n"]
    n_refused = rows_of(con, f"SELECT count(*) AS n FROM raw.quarantine WHERE {where}")[0]["n"]
    return Finding(n_kept + n_refused, n_refused, sample)


@table_check(INSTRUMENTS)
def every_listing_is_classified(
    con: duckdb.DuckDBPyConnection, _days: Days, _now: datetime
) -> Finding:
    """No ticker is known from prices alone: an instruments.csv beside them gives it a sector."""
    sample = rows_of(
        con,
        "SELECT ticker, listing_id FROM core.instruments WHERE registered_from = 'prices' "
        f"ORDER BY ticker LIMIT {SAMPLE_ROWS}",
    )
    counts = rows_of(
        con,
        "SELECT count(*) AS n, count(*) FILTER (registered_from = 'prices') AS unknown "
        "FROM core.instruments",
    )[0]
    return Finding(counts["n"], counts["unknown"], sample)


CHECKS = [
    every_session_is_present,
    jumps_are_corroborated,
    bars_are_not_stale,
    bars_are_in_the_calendar,
    every_request_was_answered,
    no_row_was_quarantined,
    every_listing_is_classified,
]
