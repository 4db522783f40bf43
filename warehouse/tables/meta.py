"""Bookkeeping of the warehouse itself: contracts, changes, inputs used, results, releases."""

from __future__ import annotations

from warehouse.columns import AS_OF, LISTING_ID
from warehouse.contract import Column, Table

_TABLE_NAME = Column("table_name", "VARCHAR", "layer.name of the table.")
_CONTRACT_HASH = Column("contract_hash", "VARCHAR", "Hash of DDL, comments and grain.")
_RELEASE_ID = Column("release_id", "VARCHAR", "Folder name of the release.")

WAREHOUSE = Table(
    layer="meta",
    name="warehouse",
    doc="One row: what this file is.",
    columns=(
        Column(
            "kind",
            "VARCHAR",
            "replay and real data are never mixed in one file.",
            one_of=("replay", "real"),
        ),
        Column("created_at", "TIMESTAMP", "When the file was first filled.", unit="UTC"),
    ),
    grain=("kind",),
)

CONTRACTS = Table(
    layer="meta",
    name="contracts",
    doc="One row per table: the contract it was written under.",
    columns=(
        _TABLE_NAME,
        _CONTRACT_HASH,
        Column("applied_at", "TIMESTAMP", "When the table took this form.", unit="UTC"),
    ),
    grain=("table_name",),
)

CHANGES = Table(
    layer="meta",
    name="changes",
    doc="One row per write that changed a table: what downstream tables must catch up with.",
    columns=(
        _TABLE_NAME,
        Column("version", "BIGINT", "Counts the changing writes of the table, from 1.", minimum=1),
        Column(
            "from_session",
            "DATE",
            "Earliest session that changed; NULL where the table has no sessions.",
            nullable=True,
        ),
        Column("run_id", "VARCHAR", "Dagster run that wrote."),
        Column("written_at", "TIMESTAMP", "When.", unit="UTC"),
    ),
    grain=("table_name", "version"),
)

REBASINGS = Table(
    layer="meta",
    name="rebasings",
    doc=(
        "One row per change of the known splits and listing: by how much all that is counted in "
        "shares of the listing was multiplied, before the session from which the change counts."
    ),
    columns=(
        _TABLE_NAME,
        Column("version", "BIGINT", "The write, as in meta.changes.", minimum=1),
        LISTING_ID,
        Column(
            "ratio",
            "DOUBLE",
            "Shares for each one before: below 1 after a consolidation, or a split taken back.",
            unit="ratio",
            above=0,
        ),
    ),
    grain=("table_name", "version", "listing_id"),
)

INPUTS = Table(
    layer="meta",
    name="inputs",
    doc="One row per derived table and input: the version of the input it was last computed from.",
    columns=(
        _TABLE_NAME,
        Column(
            "input_name",
            "VARCHAR",
            "layer.name of the input, or `code` for what computed it.",
        ),
        Column(
            "version",
            "BIGINT",
            "Version used; 0 for an input never written, of `code` a digest.",
            minimum=0,
        ),
    ),
    grain=("table_name", "input_name"),
)

DQ_RESULTS = Table(
    layer="meta",
    name="dq_results",
    doc="One row per check and run: what it found.",
    columns=(
        Column("run_id", "VARCHAR", "Dagster run of the check."),
        _TABLE_NAME,
        Column("check_name", "VARCHAR", "The statement that was held against the table."),
        Column("is_passed", "BOOLEAN", "Whether it was true."),
        Column("severity", "VARCHAR", "Of a failure.", one_of=("ERROR", "WARN")),
        Column("n_rows", "BIGINT", "Rows examined.", unit="rows", minimum=0, default="n_checked"),
        Column(
            "n_violations",
            "BIGINT",
            "Rows that contradict it.",
            unit="rows",
            minimum=0,
            default="n_failed",
        ),
        Column(
            "sample_keys",
            "VARCHAR",
            "What names the newest of them, at most five, JSON.",
            nullable=True,
            default="sample",
        ),
        AS_OF.but(
            doc="Newest vintage in the table when it was examined; NULL where its rows have none.",
            nullable=True,
        ),
        Column("checked_at", "TIMESTAMP", "When.", unit="UTC"),
    ),
    grain=("run_id", "table_name", "check_name"),
)

RELEASES = Table(
    layer="meta",
    name="releases",
    doc="One row per published release, in the release itself and in every later one.",
    columns=(
        _RELEASE_ID,
        Column("published_at", "TIMESTAMP", "When.", unit="UTC"),
        Column("run_id", "VARCHAR", "Dagster run that published it."),
        Column("is_backfill", "BOOLEAN", "True where the run covered a range: it raises no alert."),
        Column("code_version", "VARCHAR", "Commit of the repository.", nullable=True),
        Column("duckdb_version", "VARCHAR", "Engine that wrote it."),
        Column("n_rows", "BIGINT", "Rows in core and mart.", unit="rows", minimum=0),
        AS_OF.but(
            doc="Newest vintage in core and mart: what was known when it was published; NULL where "
            "no row has one.",
            nullable=True,
        ),
    ),
    grain=("release_id",),
)

RELEASE_TABLES = Table(
    layer="meta",
    name="release_tables",
    doc="One row per release and table: what was published of it, and under which contract.",
    columns=(
        _RELEASE_ID,
        _TABLE_NAME,
        Column("n_rows", "BIGINT", "Rows.", unit="rows", minimum=0),
        _CONTRACT_HASH,
        AS_OF.but(doc="Newest vintage in the table; NULL where its rows have none.", nullable=True),
    ),
    grain=("release_id", "table_name"),
)
