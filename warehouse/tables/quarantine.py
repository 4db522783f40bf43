"""What was refused, what is kept out of core, and what was decided about it."""

from __future__ import annotations

from warehouse import columns as c
from warehouse.contract import Column, Table

_QUARANTINE_ID = Column(
    "quarantine_id", "VARCHAR", "Names the case: SHA-256 of what was refused and why."
)
_REASON = Column("reason", "VARCHAR", "Every cause of refusal, separated by '; '.")
_PAYLOAD = Column("payload", "VARCHAR", "What was delivered, JSON; for a conflict every value.")
_FIRST_SEEN_AT = Column(
    "first_seen_at", "TIMESTAMP", "When it was first refused.", unit="UTC", default="quarantined_at"
)
_LAST_SEEN_AT = Column(
    "last_seen_at", "TIMESTAMP", "When it last came.", unit="UTC", default="quarantined_at"
)

QUARANTINE = Table(
    layer="raw",
    name="quarantine",
    doc="One row per refused input row: nothing that was delivered is lost silently.",
    columns=(
        _QUARANTINE_ID,
        Column("table_name", "VARCHAR", "The table that the row was meant for."),
        Column("source_file", "VARCHAR", "File or address the row came from.", nullable=True),
        Column(
            "source_row",
            "BIGINT",
            "Line of a text file (the header is 1), else row from 1.",
            nullable=True,
        ),
        _REASON,
        _PAYLOAD,
        Column(
            "listing_id",
            "VARCHAR",
            "Listing that the row spoke of, where it can be read.",
            nullable=True,
        ),
        Column(
            "session_date",
            "DATE",
            "Session that the row spoke of, where it can be read.",
            nullable=True,
        ),
        Column("source", "VARCHAR", "Provider that delivered it, if it is known.", nullable=True),
        c.LOAD_ID,
        _FIRST_SEEN_AT,
        _LAST_SEEN_AT,
        Column(
            "resolved_at",
            "TIMESTAMP",
            "When a later load brought the same thing in order; NULL while it has not.",
            unit="UTC",
            nullable=True,
        ),
    ),
    grain=("quarantine_id",),
    versions_of=("quarantine_id",),
)

QUARANTINE_DECISIONS = Table(
    layer="raw",
    name="quarantine_decisions",
    doc="One row per decision about a quarantined case, by hand; the newest one counts.",
    columns=(
        _QUARANTINE_ID,
        Column(
            "decision",
            "VARCHAR",
            "released: into core after all; rejected: out for good.",
            one_of=("released", "rejected"),
        ),
        Column("note", "VARCHAR", "Why, in the words of who decided."),
        Column("subject", "VARCHAR", "What the case was, in one line."),
        Column("decided_at", "TIMESTAMP", "When.", unit="UTC"),
    ),
    grain=("quarantine_id", "decided_at"),
)

QUARANTINED_BARS = Table(
    layer="core",
    name="quarantined_bars",
    doc="One row per listing and session whose bar is kept out of core.daily_prices.",
    columns=(
        _QUARANTINE_ID,
        c.LISTING_ID,
        c.TICKER,
        c.SESSION_DATE,
        Column(
            "kind",
            "VARCHAR",
            "contract: no row that keeps the contract came; conflict: sources disagree; "
            "restatement: the listing's history changed by a constant ratio without an action.",
            one_of=("contract", "conflict", "restatement"),
        ),
        _REASON,
        _PAYLOAD,
        Column("is_rejected", "BOOLEAN", "True where it was decided that it stays out."),
        _FIRST_SEEN_AT.but(default="NULL"),
        c.AS_OF,
    ),
    grain=("listing_id", "session_date"),
)
