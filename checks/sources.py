"""Judgements on sources: did they answer, do they agree, what did they do to history."""

from __future__ import annotations

from checks._check import judgements
from checks.catalogue import Check
from warehouse.tables.actions import RESTATEMENTS
from warehouse.tables.prices import PRICE_VINTAGES
from warehouse.tables.quarantine import QUARANTINED_BARS

# One ticker without an answer is the ticker's fault; half of them, the source's.
OUTAGE_SHARE = 0.5
OUTAGE_REQUESTS = 5
# Volumes were revised overnight by 7 to 27% (Equibles#4259); what comes late is below that.
VOLUME_REVISION = 0.05
# Vendors' last ten sessions are fetched again each time.
REVISED_DAYS = 20

_LAST_LOAD = (
    f"(SELECT arg_max(load_id, fetched_at) FROM raw.fetches WHERE asset = '{PRICE_VINTAGES.name}')"
)
_ANSWERS = f"(SELECT * FROM raw.fetches WHERE load_id = {_LAST_LOAD})"
_SOURCES = f"""(
SELECT source, count(*) AS n_asked, count(*) FILTER (outcome = 'failed') AS n_failed,
  mode(cause) AS usual_cause
FROM raw.fetches WHERE load_id = {_LAST_LOAD} GROUP BY source
)"""
_REFUSED = f"""(
SELECT *, resolved_at IS NULL AND quarantine_id NOT IN (
  SELECT quarantine_id FROM raw.quarantine_decisions
) AS is_open
FROM raw.quarantine WHERE table_name = '{PRICE_VINTAGES.qualified}'
)"""
# The newest version beside the first settled one. Value traded, since a split moves prices and
# volumes against each other.
_REVISIONS = f"""(
SELECT listing_id, any_value(ticker) AS ticker, session_date, source,
  arg_min(volume, known_from) AS first_volume, arg_max(volume, known_from) AS last_volume,
  arg_min(close * volume, known_from) AS first_traded,
  arg_max(close * volume, known_from) AS last_traded,
  arg_min(currency, known_from) AS first_currency, arg_max(currency, known_from) AS last_currency
FROM raw.price_vintages
WHERE NOT is_provisional AND session_date BETWEEN $start::DATE - {REVISED_DAYS} AND $end
GROUP BY listing_id, session_date, source HAVING count(*) > 1
)"""
_STANDING = """(
SELECT r.*, q.listing_id IS NOT NULL AS is_standing
FROM core.restatements AS r
LEFT JOIN (
  SELECT DISTINCT listing_id FROM core.quarantined_bars
  WHERE kind = 'restatement' AND NOT is_rejected
) AS q USING (listing_id)
)"""
_OF_LAST_LOAD = f"(SELECT * FROM core.restatements WHERE load_id = {_LAST_LOAD})"

_ANSWER = ("requested", "source", "cause", "reason")
_RESTATED = ("ticker", "source", "first_session_date", "last_session_date", "ratio")

OF_ANSWERS = (
    Check(
        name="every_request_was_answered",
        table=PRICE_VINTAGES,
        holds="outcome <> 'failed' OR coalesce(cause, '') IN ('unknown_ticker', 'wrong_symbol')",
        doc="No request of the last load failed; a ticker or file without data is no failure.",
        relation=_ANSWERS,
        named_by=_ANSWER,
        severity="ERROR",
        failure_modes=(17, 18),
    ),
    Check(
        name="every_ticker_is_known",
        table=PRICE_VINTAGES,
        holds="cause <> 'unknown_ticker'",
        doc="No source says that a ticker is none: it is gone, renamed, or the source is out.",
        relation=_ANSWERS,
        named_by=_ANSWER,
        failure_modes=(18, 19),
    ),
    Check(
        name="every_answer_is_of_its_ticker",
        table=PRICE_VINTAGES,
        holds="cause <> 'wrong_symbol'",
        doc="No source answered with another ticker than it was asked for.",
        relation=_ANSWERS,
        named_by=_ANSWER,
        severity="ERROR",
        failure_modes=(19, 21, 22),
    ),
    Check(
        name="every_source_is_up",
        table=PRICE_VINTAGES,
        holds=f"n_asked < {OUTAGE_REQUESTS} OR n_failed < {OUTAGE_SHARE} * n_asked",
        doc="No source left half of the requests or more unanswered, whatever it said.",
        relation=_SOURCES,
        named_by=("source", "n_asked", "n_failed", "usual_cause"),
        severity="ERROR",
        failure_modes=(1, 17, 18),
    ),
    Check(
        name="no_row_was_quarantined",
        table=PRICE_VINTAGES,
        holds="NOT is_open",
        doc="No delivered row breaks the row contract; those that do wait in raw.quarantine.",
        relation=_REFUSED,
        named_by=("source_file", "source_row", "reason"),
    ),
    Check(
        name="settled_volumes_stand",
        table=PRICE_VINTAGES,
        holds=f"abs(last_traded - first_traded) <= {VOLUME_REVISION} * first_traded",
        doc=f"No volume was revised by more than {VOLUME_REVISION:.0%} after it had settled.",
        relation=_REVISIONS,
        named_by=("ticker", "session_date", "source", "first_volume", "last_volume"),
        failure_modes=(5,),
    ),
    Check(
        name="currencies_stand",
        table=PRICE_VINTAGES,
        holds="first_currency = last_currency",
        doc="No bar came again in another currency.",
        relation=_REVISIONS,
        named_by=("ticker", "session_date", "source", "first_currency", "last_currency"),
        failure_modes=(10,),
    ),
)
OF_HISTORY = (
    Check(
        name="restatements_are_explained",
        table=RESTATEMENTS,
        holds="kind <> 'unexplained' OR NOT is_standing",
        doc="No listing's history was multiplied without an action, and is out of core for it.",
        relation=_STANDING,
        named_by=_RESTATED,
        severity="ERROR",
        reads=(QUARANTINED_BARS,),
        failure_modes=(7, 9),
    ),
    Check(
        name="history_is_not_corrected",
        table=RESTATEMENTS,
        holds="kind <> 'correction'",
        doc="The last load did not change scattered bars that were known before.",
        relation=_OF_LAST_LOAD,
        named_by=_RESTATED,
        failure_modes=(5, 6),
    ),
)
OF_CONFLICTS = (
    Check(
        name="sources_agree",
        table=QUARANTINED_BARS,
        holds="kind <> 'conflict' OR is_rejected",
        doc="No bar is out of core because its sources disagree.",
        relation="(SELECT * FROM core.quarantined_bars WHERE session_date BETWEEN $start AND $end)",
        named_by=("ticker", "session_date", "payload"),
        failure_modes=(6, 8, 14, 19),
    ),
)
JUDGEMENTS = (*OF_ANSWERS, *OF_HISTORY, *OF_CONFLICTS)

CHECKS = [
    judgements(PRICE_VINTAGES, OF_ANSWERS),
    judgements(RESTATEMENTS, OF_HISTORY),
    judgements(QUARANTINED_BARS, OF_CONFLICTS),
]
