"""Judgements on drawdowns and measures of risk: what is possible, and yet more likely wrong."""

from __future__ import annotations

from checks._check import judgements
from checks.catalogue import Check
from warehouse.tables.drawdowns import DRAWDOWN_EPISODES, RISK_MEASURES
from warehouse.tables.prices import DAILY_PRICES

# Who lost more is bankrupt and delisted, or was consolidated and nobody told us.
DEEPEST_OPEN = -0.99
# Half of the value lost and regained within days is a print that nobody took back.
SPIKE_DEPTH, SPIKE_SESSIONS = -0.5, 3
# The window of the volatilities, and the stale bars in it that make them too small to believe.
WINDOW_ROWS, MOST_STALE = 20, 9
# Ranges of a continuous price agree with its closes within a factor of 2; of another unit, never.
RANGE_FACTOR = 5

_RECENT = f"""(
SELECT r.*, p.n_stale FROM core.risk_measures AS r
JOIN (
  SELECT listing_id, session_date,
    count(*) FILTER (list_contains(string_split(quality_flags, ' '), 'stale')) OVER (
      PARTITION BY listing_id ORDER BY session_date
      ROWS BETWEEN {WINDOW_ROWS - 1} PRECEDING AND CURRENT ROW
    ) AS n_stale
  FROM core.daily_prices WHERE session_date BETWEEN $start::DATE - 60 AND $end
) AS p USING (listing_id, session_date)
WHERE r.session_date BETWEEN $start AND $end
)"""
_EPISODES = "mart.drawdown_episodes"
_FALL = ("ticker", "peak_date", "trough_date", "recovery_date", "peak_close", "trough_close")

_OF_MEASURES = (
    Check(
        name="volatility_is_of_prices_that_trade",
        table=RISK_MEASURES,
        holds=f"close_volatility IS NULL OR n_stale <= {MOST_STALE}",
        doc=f"No volatility rests on more than {MOST_STALE} stale bars: it would be too small.",
        relation=_RECENT,
        named_by=("ticker", "session_date", "close_volatility", "n_stale"),
        reads=(DAILY_PRICES,),
    ),
    Check(
        name="ranges_agree_with_closes",
        table=RISK_MEASURES,
        holds=f"""n_stale > 0 OR close_volatility < 0.05 OR coalesce(
          parkinson_volatility BETWEEN close_volatility / {RANGE_FACTOR}
                                   AND close_volatility * {RANGE_FACTOR}, true)""",
        doc=f"No volatility of highs and lows is off by {RANGE_FACTOR} times from that of closes.",
        relation=_RECENT,
        named_by=("ticker", "session_date", "close_volatility", "parkinson_volatility"),
        reads=(DAILY_PRICES,),
    ),
)
_OF_EPISODES = (
    Check(
        name="open_drawdowns_are_believable",
        table=DRAWDOWN_EPISODES,
        holds=f"outcome <> 'open' OR depth > {DEEPEST_OPEN}",
        doc=f"No open drawdown is beyond {-DEEPEST_OPEN:.0%}: prices of two bases look like that.",
        relation=_EPISODES,
        named_by=_FALL,
    ),
    Check(
        name="no_drawdown_is_a_spike",
        table=DRAWDOWN_EPISODES,
        holds=f"""outcome <> 'recovered' OR depth > {SPIKE_DEPTH}
          OR sessions_under_water > {SPIKE_SESSIONS}""",
        doc=f"No listing loses {-SPIKE_DEPTH:.0%} and has it back in {SPIKE_SESSIONS} sessions.",
        relation=_EPISODES,
        named_by=_FALL,
    ),
)

JUDGEMENTS = (*_OF_MEASURES, *_OF_EPISODES)

CHECKS = [judgements(RISK_MEASURES, _OF_MEASURES), judgements(DRAWDOWN_EPISODES, _OF_EPISODES)]
