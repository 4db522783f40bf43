"""Which sheets a workbook has: a query each, and the contracts that explain its columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from warehouse.contract import Column
from warehouse.tables.articles import ARTICLES
from warehouse.tables.claims import CLAIM_CHECKS, CLAIMS, SOURCE_RECORDS
from warehouse.tables.event_studies import DROPPED_OBSERVATIONS, EVENT_STUDY_TESTS
from warehouse.tables.instruments import INSTRUMENTS
from warehouse.tables.meta import DQ_RESULTS
from warehouse.tables.selloffs import SELLOFF_EVENTS, SELLOFF_METRICS
from warehouse.tables.spread import CONTAGION_PATHS, SECTOR_CONTAGION

if TYPE_CHECKING:
    from warehouse.contract import Table

_SENTENCE = Column(
    "sentence", "VARCHAR", "The sentence that states the figure, as the article has it. Untrusted."
)


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook.

    Parameters
    ----------
    name : str
        As the tab shows it, at most 31 characters.
    sql : str
        Its rows in their order, a total one; ``$event_id`` stands for the event, if it is of one.
    tables : tuple of Table
        Their contracts explain its columns; the first that knows a column does.
    extra : tuple of Column
        What no table has.
    """

    name: str
    sql: str
    tables: tuple[Table, ...]
    extra: tuple[Column, ...] = ()

    def column(self, name: str) -> Column:
        """Return what the contracts say of a column of the sheet."""
        known = (*self.extra, *(column for table in self.tables for column in table.columns))
        return next(column for column in known if column.name == name)


_CLAIMS = """
SELECT
  k.published_at, k.source, a.title, a.location, k.ticker, i.name, k.metric, c.direction,
  c.magnitude_low, c.magnitude_high, k.unit, c.qualifier, k.period, k.claimed_on, k.verdict,
  k.reading, k.claimed_low, k.claimed_high, k.observed, k.session_date, k.from_session_date,
  k.reason,
  substring(a.text, c.sentence_start + 1, c.sentence_end - c.sentence_start) AS sentence,
  c.confidence, c.is_ambiguous, k.has_simulated_inputs, k.claim_id, k.article_id, k.as_of
FROM {of}mart.claim_checks AS k{joined}
JOIN core.claims AS c USING (claim_id)
JOIN raw.articles AS a ON a.article_id = k.article_id
LEFT JOIN core.instruments AS i ON i.listing_id = k.listing_id
{where}ORDER BY k.published_at, k.article_id, c.start_offset, k.claim_id
"""
_CLAIM_TABLES = (CLAIM_CHECKS, CLAIMS, ARTICLES, INSTRUMENTS)
_INSTRUMENTS = """
SELECT m.ticker, i.name, i.asset_class, m.* EXCLUDE (ticker)
FROM mart.selloff_metrics AS m LEFT JOIN core.instruments AS i USING (listing_id)
{where}ORDER BY m.event_id, m.simple_return, m.listing_id
"""
_INSTRUMENT_TABLES = (SELLOFF_METRICS, INSTRUMENTS)
_OF_EVENT = "WHERE event_id = $event_id "

EVENT = Sheet(
    "event",
    "SELECT * FROM mart.selloff_events WHERE event_id = $event_id",
    (SELLOFF_EVENTS,),
)
OF_EVENT = (
    Sheet("instruments", _INSTRUMENTS.format(where=_OF_EVENT), _INSTRUMENT_TABLES),
    Sheet(
        "sectors",
        f"SELECT * FROM mart.sector_contagion {_OF_EVENT}ORDER BY hit_rank, sector",
        (SECTOR_CONTAGION,),
    ),
    Sheet(
        "spread",
        "SELECT p.hit_order, p.closed_at, p.ticker, i.name, p.* EXCLUDE (hit_order, closed_at, "
        "ticker) FROM mart.contagion_paths AS p LEFT JOIN core.instruments AS i USING (listing_id) "
        f"{_OF_EVENT}ORDER BY p.hit_order, p.abnormal_z, p.listing_id",
        (CONTAGION_PATHS, INSTRUMENTS),
    ),
    Sheet(
        "claims",
        _CLAIMS.format(
            of="mart.event_articles AS e JOIN ",
            joined=" USING (article_id)",
            where="WHERE e.event_id = $event_id\n",
        ),
        _CLAIM_TABLES,
        (_SENTENCE,),
    ),
    Sheet(
        "tests",
        f"SELECT * FROM mart.event_study_tests {_OF_EVENT}ORDER BY is_headline DESC, measure, "
        "grouping DESC, group_name, window_start, window_end, model, test",
        (EVENT_STUDY_TESTS,),
    ),
    Sheet(
        "left out of tests",
        f"SELECT * FROM mart.dropped_observations {_OF_EVENT}ORDER BY reason, listing_id",
        (DROPPED_OBSERVATIONS,),
    ),
)
# Of a check that was held against several days or runs, what it found last.
DATA_QUALITY = Sheet(
    "data quality",
    "SELECT * FROM meta.dq_results "
    "QUALIFY row_number() OVER (PARTITION BY table_name, check_name ORDER BY checked_at DESC, "
    "run_id DESC) = 1 ORDER BY is_passed, severity, table_name, check_name",
    (DQ_RESULTS,),
)
OF_RELEASE = (
    Sheet(
        "events",
        "SELECT * FROM mart.selloff_events ORDER BY session_date DESC, event_id",
        (SELLOFF_EVENTS,),
    ),
    Sheet("instruments", _INSTRUMENTS.format(where=""), _INSTRUMENT_TABLES),
    Sheet("claims", _CLAIMS.format(of="", joined="", where=""), _CLAIM_TABLES, (_SENTENCE,)),
    Sheet(
        "sources",
        "SELECT * FROM mart.source_records ORDER BY n_claims DESC, source, metric",
        (SOURCE_RECORDS,),
    ),
    DATA_QUALITY,
)


def tables(*which: Sheet) -> set[Table]:
    """Return the contracts that explain some sheets."""
    return {table for sheet in which for table in sheet.tables}
