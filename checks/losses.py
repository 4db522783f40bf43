"""Judgements on losses: those no firm can have had, and sums that ought to be one figure."""

from __future__ import annotations

from checks._check import judgements
from checks.catalogue import Check
from warehouse.tables.losses import LOSS_TOTALS, MARKET_VALUE_LOSSES
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.selloffs import SELLOFF_EVENTS, SELLOFF_METRICS

# No firm was worth 10 trillion USD by 2025. On the US market of 2023-07 to 2025-02 firms above 10
# billion fell by half or more in a session 21 times, and all 21 were splits.
LARGEST_VALUE_USD = 10e12
LARGE_VALUE_USD = 10e9
LARGEST_SHARE_LOST = 0.5
# The largest losses are what is quoted: each must stand on two bars without a doubt.
QUOTED_RANKS = 20
# Sums of some thousand floats, in another order.
TOLERANCE = 1e-9

_FLAGGED = f"""(
SELECT l.listing_id, l.ticker, l.session_date, p.quality_flags,
  p.session_date = l.session_date AS is_own,
  l.is_counted AND l.market_value_lost_usd >= (
    SELECT min(lost) FROM (
      SELECT market_value_lost_usd AS lost FROM mart.market_value_losses WHERE is_counted
      ORDER BY lost DESC LIMIT {QUOTED_RANKS}
    )
  ) AS is_quoted
FROM mart.market_value_losses AS l
JOIN core.daily_prices AS p
  ON p.listing_id = l.listing_id AND p.session_date IN (l.session_date, l.previous_session_date)
WHERE p.quality_flags <> ''
)"""
_TWICE = """(
SELECT m.event_id, m.listing_id, m.session_date, m.market_value_lost_usd AS lost,
  l.market_value_lost_usd AS lost_too
FROM mart.selloff_metrics AS m
JOIN mart.market_value_losses AS l USING (listing_id, session_date)
)"""
_ADDED = """(
SELECT event_id,
  sum(market_value_lost_usd) FILTER (grouping = 'all') AS whole,
  sum(market_value_lost_usd) FILTER (grouping = 'region') AS of_regions,
  sum(market_value_lost_usd) FILTER (grouping = 'sector') AS of_sectors,
  sum(gross_market_value_lost_usd) FILTER (grouping = 'all') AS gross
FROM mart.loss_totals GROUP BY event_id
)"""
_MARKETS = """(
SELECT e.event_id, e.session_date, e.market_value_lost_usd AS lost,
  t.market_value_lost_usd AS lost_too, t.gross_market_value_lost_usd AS gross
FROM mart.selloff_events AS e
JOIN mart.loss_totals AS t USING (event_id)
WHERE t.grouping = 'market' AND e.status = 'detected'
)"""

OF_LOSSES = (
    Check(
        name="values_are_those_of_a_firm",
        table=MARKET_VALUE_LOSSES,
        holds=f"market_value_usd <= {LARGEST_VALUE_USD!r}",
        doc="No firm is worth more than 10 trillion USD.",
        relation=MARKET_VALUE_LOSSES.qualified,
        named_by=("ticker", "session_date", "market_value_usd"),
    ),
    Check(
        name="large_firms_do_not_lose_half",
        table=MARKET_VALUE_LOSSES,
        holds=(
            f"market_value_usd < {LARGE_VALUE_USD!r} OR simple_return > -{LARGEST_SHARE_LOST!r}"
        ),
        doc="No firm above 10 billion USD lost half of its value in a session.",
        relation=MARKET_VALUE_LOSSES.qualified,
        named_by=("ticker", "session_date", "simple_return"),
    ),
    Check(
        name="no_loss_spans_an_unapplied_split",
        table=MARKET_VALUE_LOSSES,
        # The bar before may be the first of the new basis: its own close is comparable to the next.
        holds="quality_flags NOT LIKE '%unapplied_split%' OR NOT is_own",
        doc="No loss is taken between prices before and after a split that is not known.",
        relation=_FLAGGED,
        named_by=("ticker", "session_date"),
        reads=(DAILY_PRICES,),
    ),
    Check(
        name="largest_losses_rest_on_clean_bars",
        table=MARKET_VALUE_LOSSES,
        holds="NOT is_quoted",
        doc="The twenty largest losses on record rest on bars without a flag.",
        relation=_FLAGGED,
        named_by=("ticker", "session_date", "quality_flags"),
        reads=(DAILY_PRICES,),
    ),
)
OF_METRICS = (
    Check(
        name="a_loss_is_the_same_in_both_tables",
        table=SELLOFF_METRICS,
        holds=f"abs(lost - lost_too) <= lost_too * {TOLERANCE!r}",
        doc="What a listing lost in an event is what it lost in that session.",
        relation=_TWICE,
        named_by=("event_id", "listing_id", "session_date"),
        reads=(MARKET_VALUE_LOSSES,),
    ),
)
OF_TOTALS = (
    Check(
        name="groups_add_up",
        table=LOSS_TOTALS,
        holds=(
            f"abs(of_regions - whole) <= gross * {TOLERANCE!r} "
            f"AND abs(of_sectors - whole) <= gross * {TOLERANCE!r}"
        ),
        doc="The regions, and the sectors, of an event lost what all of it lost.",
        relation=_ADDED,
        named_by=("event_id",),
    ),
    Check(
        name="the_market_lost_what_its_event_says",
        table=LOSS_TOTALS,
        holds=f"abs(lost - lost_too) <= gross * {TOLERANCE!r}",
        doc="The members of an event's market lost what the event says.",
        relation=_MARKETS,
        named_by=("event_id", "session_date"),
        reads=(SELLOFF_EVENTS,),
    ),
)
JUDGEMENTS = (*OF_LOSSES, *OF_METRICS, *OF_TOTALS)

CHECKS = [
    judgements(MARKET_VALUE_LOSSES, OF_LOSSES),
    judgements(SELLOFF_METRICS, OF_METRICS),
    judgements(LOSS_TOTALS, OF_TOTALS),
]
