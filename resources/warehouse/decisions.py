"""Decisions by hand about quarantined cases."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from resources.batch import Batch
from resources.warehouse import landing
from resources.warehouse.files import WarehouseError
from resources.warehouse.writing import append, record_change, transaction
from warehouse.tables import table as contract_of
from warehouse.tables.quarantine import QUARANTINE_DECISIONS

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

# A row of the landing has a payload to land; a case of core has only values to let through.
_CASES = """
SELECT quarantine_id, table_name, listing_id, session_date, reason, payload
FROM raw.quarantine WHERE starts_with(quarantine_id, $id)
UNION ALL
SELECT quarantine_id, NULL, any_value(listing_id), min(session_date), any_value(reason), NULL
FROM core.quarantined_bars
WHERE starts_with(quarantine_id, $id)
  AND quarantine_id NOT IN (SELECT quarantine_id FROM raw.quarantine)
GROUP BY quarantine_id
"""


def decide(
    con: duckdb.DuckDBPyConnection, given_id: str, decision: str, note: str, *, now: datetime
) -> str:
    """Record a decision, and land a released row; return what the case was, in one line.

    The sessions it is about become stale: the next run computes them again.
    """
    case_id, table_name, listing_id, session, reason, payload = _case(con, given_id)
    subject = " ".join(str(part) for part in (listing_id, session) if part)
    subject = f"{subject}: {reason}" if subject else reason
    if decision == "released" and table_name:
        _land(con, table_name, payload, reason, case_id, now)
    with transaction(con):
        append(con, QUARANTINE_DECISIONS, [(case_id, decision, note, subject, now)])
        record_change(con, QUARANTINE_DECISIONS, session, run_id="by hand", now=now)
    return subject


def _case(con: duckdb.DuckDBPyConnection, given_id: str) -> tuple[Any, ...]:
    """Return the one case whose id begins so."""
    cases = con.execute(_CASES, {"id": given_id}).fetchall()
    if not given_id or not cases:
        raise WarehouseError(f"no quarantined case '{given_id}'; `selloff quarantine list` has all")
    if len(cases) > 1:
        raise WarehouseError(f"{len(cases)} quarantined cases begin with '{given_id}': say more")
    return cases[0]


def _land(
    con: duckdb.DuckDBPyConnection,
    table_name: str,
    payload: str,
    reason: str,
    case_id: str,
    now: datetime,
) -> None:
    """Land a refused row alone: a duplicate keeps the contract then, a broken row never does."""
    import pyarrow as pa

    try:
        row = json.loads(payload)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise WarehouseError(f"{case_id[:12]}: no row that could be landed: {reason}")
    table = contract_of(table_name)
    batch = Batch(pa.Table.from_pylist([row]), [])
    if broken := landing.faults(con, table, batch.rows):
        raise WarehouseError(f"{case_id[:12]}: still refused: {broken}; deliver it corrected")
    landing.land(con, table, batch, run_id=f"released {case_id[:12]}", now=now)
