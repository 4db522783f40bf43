"""Judgements on bars: what is missing, and what looks wrong though it may be true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks._check import judgements, table_check
from checks.catalogue import Check
from checks.scan import SAMPLE_ROWS, Finding, rows_of
from resources.batch import naive_utc
from selloff.sources import TOLERANCE
from warehouse.tables.actions import DIVIDENDS, PROPOSED_SPLITS, SPLITS
from warehouse.tables.instruments import INSTRUMENTS, SESSIONS
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.quarantine import QUARANTINED_BARS

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
    sessions = rows_of(
        con,
        f"""
        SELECT exchange_mic, session_date, count(*) FILTER (is_missing) AS n_missing,
               count(*) AS n_expected,
               session_date = max(session_date) OVER (PARTITION BY exchange_mic) AS is_newest,
               min(ticker, {SAMPLE_ROWS}) FILTER (is_missing) AS missing
        FROM ({_EXPECTED}) GROUP BY exchange_mic, session_date
        ORDER BY session_date DESC, exchange_mic
        """,
        span,
    )
    gaps = [
        {"ticker": ticker, "exchange_mic": row["exchange_mic"], "session_date": row["session_date"]}
        for row in sessions
        for ticker in row.pop("missing") or ()
    ]
    faults = [row for row in sessions if _is_fault(row)]
    is_error = any(row["is_newest"] for row in faults) or (
        len(faults) > SOURCE_FAULT_SESSIONS * len(sessions)
    )
    note = f"{len(faults)} sessions lack half of an exchange or more" if faults else ""
    return Finding(
        sum(row["n_expected"] for row in sessions),
        sum(row["n_missing"] for row in sessions),
        faults or gaps[:SAMPLE_ROWS],
        is_error=is_error,
        note=note,
    )


def _is_fault(session: dict[str, int]) -> bool:
    """Say whether so much of an exchange is absent that the source must have failed."""
    expected, missing = session["n_expected"], session["n_missing"]
    return expected >= SOURCE_FAULT_LISTINGS and missing >= SOURCE_FAULT_SHARE * expected


# What a session is compared with: enough calendar days for the 20 sessions before it. A listing
# that was silent for longer has nothing to be compared with.
LOOK_BACK_DAYS = 45
USUAL_SESSIONS = 20
# Of 1.6 million sessions of US listings with a usual volume above the least, 2,594 lie further off
# than this (2023-07 to 2025-02); of 84 large listings none, squeezes and index days included.
VOLUME_FACTOR = 50
LEAST_USUAL_VOLUME = 100_000
# Two listings had the same close and volume 1,174 times in 3.0 million sessions, 33 times beyond
# this.
LEAST_SHARED_VOLUME = 1_000
# Splits below 5:4 are no larger than the moves of a nervous session; vendors are late by days.
SPLIT_LOG_RATIO = 0.2
SPLIT_LOG_TOLERANCE = 0.1
SPLIT_DAYS = 7
# log10 of 1.02: a unit that changed leaves the session's own move of some percent.
UNIT_TOLERANCE = 0.0086
# A provisional bar is fetched again with the next run, at the latest after a long weekend.
PROVISIONAL_DAYS = 14

_BARS = "(SELECT * FROM core.daily_prices WHERE session_date BETWEEN $start AND $end)"
_MOVES = f"""(
WITH lagged AS (
  SELECT p.*, lag(close) OVER bars AS previous_close, lag(currency) OVER bars AS currency_before,
    exp(avg(ln(nullif(volume, 0))) OVER usual) AS usual_volume,
    count(nullif(volume, 0)) OVER usual AS n_volumes
  FROM core.daily_prices AS p
  WHERE session_date BETWEEN $start::DATE - {LOOK_BACK_DAYS} AND $end
  WINDOW bars AS (PARTITION BY listing_id ORDER BY session_date),
    usual AS (bars ROWS BETWEEN {USUAL_SESSIONS} PRECEDING AND 1 PRECEDING)
), moved AS (
  SELECT *, ln(close / previous_close) AS log_return FROM lagged WHERE session_date >= $start
)
SELECT m.*, i.currency AS registered_currency, s.listing_id IS NOT NULL AS is_by_a_split
FROM moved AS m
LEFT JOIN core.instruments AS i USING (listing_id)
LEFT JOIN (
  SELECT DISTINCT moved.listing_id, moved.session_date
  FROM moved JOIN core.splits AS split ON split.listing_id = moved.listing_id
    AND abs(split.ex_date - moved.session_date) <= {SPLIT_DAYS}
  WHERE abs(ln(split_ratio)) >= {SPLIT_LOG_RATIO}
    AND abs(abs(ln(split_ratio)) - abs(log_return)) <= {SPLIT_LOG_TOLERANCE}
) AS s USING (listing_id, session_date)
)"""
_DECADES = "abs(log_return / ln(10))"
# What core.adjustment_factors does from one bar to the next, for the days of the run alone: asking
# the view for one day of ten million bars takes 7.5 s and 2 GB, since it looks at all of them.
_FACTOR_STEPS = f"""(
WITH lagged AS (
  SELECT listing_id, ticker, session_date, adj_close, lag(session_date) OVER bars AS previous_date,
    lag(close) OVER bars AS previous_close, lag(currency) OVER bars AS currency,
    lag(adj_close / close) OVER bars / (adj_close / close) AS vendor_step
  FROM core.daily_prices
  WHERE session_date BETWEEN $start::DATE - {LOOK_BACK_DAYS} AND $end
  WINDOW bars AS (PARTITION BY listing_id ORDER BY session_date)
), paid AS (
  SELECT listing_id, ex_date, currency, amount / coalesce((
    SELECT product(split_ratio) FROM core.splits AS s
    WHERE s.listing_id = d.listing_id AND s.ex_date > d.ex_date
  ), 1) AS amount
  FROM core.dividends AS d WHERE ex_date BETWEEN $start::DATE - {LOOK_BACK_DAYS} AND $end
)
SELECT b.listing_id, b.ticker, b.session_date, b.adj_close, b.vendor_step,
  coalesce(product(1 - amount / previous_close) FILTER (amount < previous_close), 1) AS our_step
FROM (FROM lagged WHERE session_date >= $start) AS b
LEFT JOIN paid AS d ON d.listing_id = b.listing_id AND d.currency IS NOT DISTINCT FROM b.currency
  AND d.ex_date > b.previous_date AND d.ex_date <= b.session_date
GROUP BY ALL
)"""
_RECENT = f"""(
SELECT p.*, p.session_date < c.last_closed AS is_overdue
FROM core.daily_prices AS p
JOIN core.instruments AS i USING (listing_id)
JOIN (
  SELECT exchange_mic, max(session_date) AS last_closed
  FROM core.sessions WHERE closes_at <= $now GROUP BY exchange_mic
) AS c USING (exchange_mic)
WHERE p.session_date BETWEEN $start::DATE - {PROVISIONAL_DAYS} AND $end
)"""
_DELIVERED = """(
SELECT v.*, p.listing_id IS NOT NULL OR q.listing_id IS NOT NULL AS is_kept
FROM (
  SELECT DISTINCT listing_id, session_date FROM raw.price_vintages
  WHERE session_date BETWEEN $start AND $end
) AS v
LEFT JOIN core.daily_prices AS p USING (listing_id, session_date)
LEFT JOIN core.quarantined_bars AS q USING (listing_id, session_date)
)"""
_ALIKE = f"""(
SELECT session_date, open, high, low, close, volume, count(*) AS n_listings,
  string_agg(ticker, ', ' ORDER BY ticker) AS tickers
FROM core.daily_prices
WHERE session_date BETWEEN $start AND $end AND volume >= {LEAST_SHARED_VOLUME}
GROUP BY session_date, open, high, low, close, volume
)"""


def _has(flag: str) -> str:
    """Return SQL that is true of bars with the flag."""
    return f"list_contains(string_split(quality_flags, ' '), '{flag}')"


def _lacks(flag: str) -> str:
    """Return SQL that is true of bars without the flag."""
    return f"NOT {_has(flag)}"


_FLAGGED = ("ticker", "session_date", "close", "volume", "quality_flags")
_MOVED = ("ticker", "session_date", "previous_close", "close")

JUDGEMENTS = (
    Check(
        name="jumps_are_corroborated",
        table=DAILY_PRICES,
        holds=_lacks("jump"),
        doc="No close moves beyond 8 robust sigmas without a volume or peers that go with it.",
        relation=_BARS,
        named_by=_FLAGGED,
        failure_modes=(7, 8),
    ),
    Check(
        name="bars_are_not_stale",
        table=DAILY_PRICES,
        holds=_lacks("stale"),
        doc="No bar repeats the previous close on no volume.",
        relation=_BARS,
        named_by=_FLAGGED,
        failure_modes=(15, 16),
    ),
    Check(
        name="bars_are_in_the_calendar",
        table=DAILY_PRICES,
        holds=_lacks("off_calendar"),
        doc="No bar lies on a day on which its exchange was closed.",
        relation=_BARS,
        named_by=_FLAGGED,
        failure_modes=(14, 15, 21),
    ),
    Check(
        name="split_is_in_the_prices",
        table=DAILY_PRICES,
        holds="NOT is_by_a_split",
        doc="No close moves by the ratio of a split within a week of it: not applied, or twice.",
        relation=_MOVES,
        named_by=_MOVED,
        reads=(SPLITS, INSTRUMENTS),
        failure_modes=(7, 8),
    ),
    Check(
        name="unit_is_constant",
        table=DAILY_PRICES,
        holds=f"abs({_DECADES} - 2) > {UNIT_TOLERANCE} AND abs({_DECADES} - 3) > {UNIT_TOLERANCE}",
        doc="No close is a hundred or a thousand times the one before, or such a part of it.",
        relation=_MOVES,
        named_by=_MOVED,
        reads=(SPLITS, INSTRUMENTS),
        failure_modes=(9,),
    ),
    Check(
        name="currency_is_constant",
        table=DAILY_PRICES,
        holds="currency = coalesce(currency_before, currency) "
        "AND currency = coalesce(registered_currency, currency)",
        doc="No bar is in another currency than the bar before, or than its listing.",
        relation=_MOVES,
        named_by=("ticker", "session_date", "registered_currency", "currency_before", "currency"),
        reads=(SPLITS, INSTRUMENTS),
        failure_modes=(9, 10),
    ),
    Check(
        name="volume_is_plausible",
        table=DAILY_PRICES,
        # Stale bars have a check of their own.
        holds=f"""{_has("stale")} OR ({_lacks("no_volume")} AND (
          n_volumes < {USUAL_SESSIONS // 2} OR usual_volume < {LEAST_USUAL_VOLUME}
          OR coalesce(volume BETWEEN usual_volume / {VOLUME_FACTOR}
                                 AND usual_volume * {VOLUME_FACTOR}, true)
        ))""",
        doc=f"No volume is missing or off by a factor of {VOLUME_FACTOR} from the sessions before.",
        relation=_MOVES,
        named_by=("ticker", "session_date", "usual_volume", "volume"),
        reads=(SPLITS, INSTRUMENTS),
        failure_modes=(16,),
    ),
    Check(
        name="adjusted_close_agrees_with_our_factor",
        table=DAILY_PRICES,
        # Two decimals of the adjusted close, in both of the bars, come on top.
        holds=f"abs(vendor_step / our_step - 1) <= {TOLERANCE} + 0.01 / adj_close",
        doc="The vendor's adjusted close goes from bar to bar by the distributions that we know.",
        relation=_FACTOR_STEPS,
        named_by=("ticker", "session_date", "vendor_step", "our_step"),
        reads=(SPLITS, DIVIDENDS),
        failure_modes=(11,),
    ),
    Check(
        name="bars_are_settled",
        table=DAILY_PRICES,
        holds=f"{_lacks('provisional')} OR NOT is_overdue",
        doc="No bar is provisional still when a later session of its exchange has closed.",
        relation=_RECENT,
        named_by=_FLAGGED,
        reads=(SESSIONS, INSTRUMENTS),
        failure_modes=(4,),
    ),
    Check(
        name="no_bar_is_lost",
        table=DAILY_PRICES,
        holds="is_kept",
        doc="Every bar that ever came is in core or in quarantine, whatever later answers lack.",
        relation=_DELIVERED,
        named_by=("listing_id", "session_date"),
        reads=(QUARANTINED_BARS,),
        failure_modes=(3,),
    ),
    Check(
        name="bars_are_of_one_listing",
        table=DAILY_PRICES,
        holds="n_listings = 1",
        doc="No two listings have the same prices and the same volume in one session.",
        relation=_ALIKE,
        named_by=("session_date", "tickers", "close", "volume"),
        failure_modes=(21, 22),
    ),
)

# Not one that holds of some rows: each row of the table is a line that corporate_actions.csv lacks.
OF_PROPOSALS = (
    Check(
        name="splits_are_known",
        table=PROPOSED_SPLITS,
        holds="false",
        doc="No price went by a split that no action tells of: its bar has no return until a line "
        "of corporate_actions.csv does.",
        relation=PROPOSED_SPLITS.qualified,
        named_by=("ticker", "ex_date", "action", "split_ratio", "price_ratio", "share_ratio"),
        failure_modes=(7,),
    ),
)

CHECKS = [
    every_session_is_present,
    judgements(DAILY_PRICES, JUDGEMENTS),
    judgements(PROPOSED_SPLITS, OF_PROPOSALS),
]
