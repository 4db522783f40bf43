"""Corporate actions as received and as kept, and what vendors did to history."""

from __future__ import annotations

from warehouse import columns as c
from warehouse.contract import Column, Table

CORPORATE_ACTIONS = Table(
    layer="raw",
    name="corporate_actions",
    doc=(
        "One row per listing, ex-date, action, source and version: every split and distribution as "
        "delivered, append-only."
    ),
    columns=(
        c.LISTING_ID,
        c.TICKER,
        c.EX_DATE,
        Column(
            "action",
            "VARCHAR",
            "What happened.",
            one_of=("split", "dividend", "capital_gain", "spin_off"),
        ),
        c.SPLIT_RATIO.but(nullable=True, doc="New shares for each old one; NULL for cash."),
        c.AMOUNT.but(nullable=True),
        c.CURRENCY,
        c.BASIS.but(
            doc="How `amount` is adjusted: split_adjusted for every split up to `known_from`, or "
            "as_traded (as paid)."
        ),
        c.SOURCE,
        c.ROW_HASH,
        c.LOAD_ID,
        c.KNOWN_FROM,
    ),
    grain=("listing_id", "ex_date", "action", "source", "row_hash", "known_from"),
    versions_of=("listing_id", "ex_date", "action", "source"),
)

SPLITS = Table(
    layer="core",
    name="splits",
    doc="One row per listing and ex-date of a split or consolidation.",
    columns=(c.LISTING_ID, c.EX_DATE, c.SPLIT_RATIO, c.SOURCE, c.AS_OF),
    grain=("listing_id", "ex_date"),
    effective_from="ex_date",
    rebases_by="split_ratio",
)

PROPOSED_SPLITS = Table(
    layer="core",
    name="proposed_splits",
    doc=(
        "One row per listing and ex-date of a split or consolidation that prices and market values "
        "speak of and no action explains. Nothing is adjusted by it: a line of "
        "corporate_actions.csv (ticker, ex_date, action, split_ratio) does that."
    ),
    columns=(
        c.LISTING_ID,
        c.TICKER,
        c.EX_DATE.but(doc="Session from which prices are on another basis."),
        Column("action", "VARCHAR", "As corporate_actions.csv has it.", one_of=("split",)),
        c.SPLIT_RATIO,
        Column(
            "price_ratio",
            "DOUBLE",
            "Close over the close before, as delivered.",
            unit="ratio",
            above=0,
        ),
        Column(
            "share_ratio",
            "DOUBLE",
            "Implied share count over the one before; NULL where none moved.",
            unit="ratio",
            nullable=True,
            above=0,
        ),
        Column(
            "shares_changed_on",
            "DATE",
            "Session from which market values imply the new count; NULL where they never do.",
            nullable=True,
        ),
        Column(
            "turnover_ratio",
            "DOUBLE",
            "Value traded in the session over the usual one of the twenty before.",
            unit="ratio",
            nullable=True,
            above=0,
        ),
        Column(
            "evidence",
            "VARCHAR",
            "shares: the share count went by the inverse ratio on a turnover that no crash has; "
            "turnover: no count moved, but the price went by the ratio on usual trading, out of a "
            "calm year.",
            one_of=("shares", "turnover"),
        ),
        c.AS_OF,
    ),
    is_row_wise=True,
    grain=("listing_id", "ex_date"),
    effective_from="ex_date",
    seen_through="ex_date",
    open_where="true",
)

DIVIDENDS = Table(
    layer="core",
    name="dividends",
    doc="One row per listing and ex-date of cash distributions: dividends and capital gains.",
    columns=(
        c.LISTING_ID,
        c.EX_DATE,
        c.AMOUNT.but(doc="Cash per share, in the shares of the ex-date (as paid)."),
        c.CURRENCY,
        c.SOURCE,
        c.AS_OF,
    ),
    grain=("listing_id", "ex_date"),
)

RESTATEMENTS = Table(
    layer="core",
    name="restatements",
    doc="One row per listing, source and load that changed bars already known: what it did.",
    columns=(
        c.LISTING_ID,
        c.TICKER,
        c.SOURCE,
        c.LOAD_ID,
        Column(
            "kind",
            "VARCHAR",
            "restatement: one ratio, as the actions say; unexplained: one ratio, no action; "
            "correction: scattered; revision: one bar.",
            one_of=("restatement", "unexplained", "correction", "revision"),
        ),
        Column("n_changed", "BIGINT", "Bars that changed.", unit="bars", minimum=1),
        Column("n_known", "BIGINT", "Bars known before, up to the last changed one.", unit="bars"),
        Column("first_session_date", "DATE", "First session that changed."),
        Column("last_session_date", "DATE", "Last session that changed."),
        Column("ratio", "DOUBLE", "Median of new close over old close.", unit="fraction", above=0),
        Column(
            "ratio_spread",
            "DOUBLE",
            "Largest less smallest ratio, over the median.",
            unit="fraction",
            minimum=0,
        ),
        Column(
            "expected_ratio",
            "DOUBLE",
            "Product of 1 / split_ratio of the splits that explain it; NULL where none does.",
            unit="fraction",
            nullable=True,
        ),
        c.AS_OF,
    ),
    grain=("listing_id", "source", "load_id"),
    effective_from="first_session_date",
    seen_through="last_session_date",
)
