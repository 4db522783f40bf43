"""Sell-off events, and what each listing lost in them."""

from __future__ import annotations

from warehouse import columns as c
from warehouse import measures as m
from warehouse.contract import Column, Order, Table

_SEVERITY = Column(
    "severity",
    "DOUBLE",
    "Share of a history that was no worse; 1 for the worst so far.",
    unit="fraction",
    nullable=True,
    above=0,
    maximum=1,
)
_DAYS_TO_RECOVER = Column(
    "days_to_recover",
    "BIGINT",
    "Sessions until the close was back at `previous_close`; 0 if it never fell below, NULL while "
    "open.",
    unit="sessions",
    nullable=True,
    minimum=0,
)
_MARKET_SEVERITY = (
    "Share of the market's sessions so far in which it fell no deeper; NULL before 60 of them."
)

SELLOFF_EVENTS = Table(
    layer="mart",
    name="selloff_events",
    doc=(
        "One row per sell-off, found in the data or declared by the user: neighbouring detected "
        "sessions of a region are one event, figures those of the first."
    ),
    columns=(
        c.EVENT_ID,
        c.SESSION_DATE.but(doc="First session, in the calendar of the event's region."),
        Column("last_session_date", "DATE", "Last detected session."),
        Column("worst_session_date", "DATE", "Session with the largest `threshold_multiple`."),
        Column("n_sessions", "BIGINT", "Detected sessions.", unit="sessions", minimum=1),
        Column(
            "started_at",
            "TIMESTAMP",
            "The region's close before the event, or the moment of declared news: the shock lies "
            "between it and the next close.",
            unit="UTC",
        ),
        Column(
            "scope",
            "VARCHAR",
            "How far it reached, the widest of its sessions: single_name, industry, sector: a "
            "concentrated fall; market: the market itself fell beyond its threshold; global: "
            "markets of several regions did between the same closes.",
            one_of=("single_name", "industry", "sector", "market", "global"),
        ),
        c.REGION.but(nullable=False),
        c.SECTOR.but(
            name="origin_sector",
            doc="Sector with the largest abnormal market value lost; NULL where no share count "
            "was known by then.",
        ),
        c.INDUSTRY.but(name="origin_industry", doc="The same of the industries."),
        c.SECTOR.but(name="hardest_hit_sector", doc="Sector with the lowest mean abnormal return."),
        m.WORST_LISTING_ID,
        Column(
            "first_listing_id",
            "VARCHAR",
            "Of the origin sector's listings in all regions, the one that was falling at the "
            "earliest close after `started_at`; of equals the lowest abnormal z.",
            nullable=True,
        ),
        c.REGION.but(name="first_region", doc="Its region."),
        Column("first_fell_at", "TIMESTAMP", "That close.", unit="UTC", nullable=True),
        c.MARKET.but(nullable=False),
        c.SIMPLE_RETURN.but(name="market_return", doc="The market's return, first session."),
        m.MARKET_Z,
        m.SEVERITY.but(name="market_severity", doc=_MARKET_SEVERITY),
        m.SEVERITY.but(
            name="sector_severity",
            doc="Share of the origin sector's sessions so far in which it fell no deeper.",
        ),
        m.BREADTH,
        m.BREADTH_BY_VALUE,
        m.N_FALLING,
        m.N_LISTINGS,
        c.MARKET_VALUE_LOST_USD.but(
            doc="Sum over the members with a share count, each firm counted once."
        ),
        m.ABNORMAL_MARKET_VALUE_LOST_USD.but(doc="The same beyond what the market explains."),
        m.ABNORMAL_SHARE_LOST,
        m.THRESHOLD_MULTIPLE.but(
            nullable=True,
            minimum=1,
            doc="Worst multiple of a detection threshold reached by any of its sessions (1 = "
            "just); NULL where it was declared alone.",
        ),
        m.DETECTED_BY.but(doc="The rules met by the first session, separated by spaces."),
        Column(
            "status",
            "VARCHAR",
            "detected: found in the data; declared: by the user alone; withdrawn: no longer either "
            "(a later restatement took it away).",
            one_of=("detected", "declared", "withdrawn"),
        ),
        m.DECLARED_ID.but(
            nullable=True, doc="Its name in the user's events.csv; NULL where it is not there."
        ),
        m.EVENT_NAME,
        m.NOTE,
        c.N_FLAGGED,
        c.N_QUARANTINED,
        c.HAS_SIMULATED_INPUTS,
        c.AS_OF,
    ),
    grain=("event_id",),
    orders=(Order("session_date", "last_session_date"), Order("n_falling", "n_listings")),
)

SELLOFF_METRICS = Table(
    layer="mart",
    name="selloff_metrics",
    doc="One row per event and listing: how it fell in its own first session after the start.",
    columns=(
        c.EVENT_ID,
        c.LISTING_ID,
        c.TICKER,
        c.SECTOR,
        c.REGION,
        c.SESSION_DATE.but(doc="The listing's first session that closed after `started_at`."),
        Column(
            "previous_session_date",
            "DATE",
            "Session of the last close before the event.",
            nullable=True,
        ),
        c.CLOSE,
        c.CLOSE.but(name="previous_close", doc="Last close before the event.", nullable=True),
        c.CURRENCY,
        c.SIMPLE_RETURN,
        c.LOG_RETURN.but(
            name="overnight_log_return",
            doc="ln(open / previous close): the part of the fall that no one could trade; NULL "
            "without an open.",
        ),
        c.LOG_RETURN.but(
            name="intraday_log_return",
            doc="ln(close / open): the part of the fall in the session; NULL without an open.",
        ),
        c.ABNORMAL_RETURN,
        c.ABNORMAL_Z,
        c.ABNORMAL_VOLUME_Z,
        _SEVERITY.but(
            name="return_severity",
            doc="Share of the listing's returns up to this session, it included, that were no "
            "lower: 1 for its worst so far; NULL below 60.",
        ),
        _SEVERITY.but(
            name="abnormal_severity",
            doc="The same of its abnormal z.",
        ),
        c.DRAWDOWN,
        c.MARKET_VALUE_USD,
        c.MARKET_VALUE_LOST_USD,
        c.ABNORMAL_MARKET_VALUE_LOST_USD,
        c.IS_COUNTED,
        c.SHARES_OUTSTANDING.but(
            doc="Share count used, in the shares that the bars quote; NULL where unknown."
        ),
        c.SHARES_KNOWN_ON,
        c.USD_PER_CURRENCY.but(
            nullable=True, doc="Exchange rate used, from the close before the event."
        ),
        c.SIMPLE_RETURN.but(
            name="rebound_return",
            doc="Return of the listing's next session; positive where it rebounded.",
        ),
        Column(
            "trough_date",
            "DATE",
            "First session with the lowest close, from the event's on, up to 20 sessions later and "
            "before the recovery; NULL where the listing did not fall.",
            nullable=True,
        ),
        c.SIMPLE_RETURN.but(
            name="trough_return", doc="That lowest close / `previous_close` - 1; negative."
        ),
        c.MARKET_VALUE_LOST_USD.but(
            name="peak_to_trough_market_value_lost_usd",
            doc="Shares x (previous close - lowest close) in USD at the rate before the event; "
            "positive.",
        ),
        _DAYS_TO_RECOVER.but(
            name="days_to_recover_half",
            doc="Sessions until the close was back at the middle between `previous_close` and "
            "`close`; 0 if it never fell below, NULL while open.",
        ),
        _DAYS_TO_RECOVER,
        c.OBSERVED_THROUGH,
        c.N_FLAGGED,
        c.N_QUARANTINED,
        c.HAS_SIMULATED_INPUTS,
        c.AS_OF.but(
            name="fall_as_of",
            doc="Newest vintage of the fall's own figures, without what followed.",
        ),
        c.AS_OF,
    ),
    is_row_wise=True,
    outcomes=(
        "rebound_return",
        "trough_date",
        "trough_return",
        "peak_to_trough_market_value_lost_usd",
        "days_to_recover_half",
        "days_to_recover",
        "observed_through",
        "as_of",
    ),
    seen_through="observed_through",
    open_where="observed_through IS NULL",
    in_todays_shares=True,
    grain=("event_id", "listing_id"),
    orders=(
        Order("shares_known_on", "previous_session_date"),
        Order("previous_session_date", "session_date"),
        Order("session_date", "trough_date"),
        Order("trough_return", "simple_return"),
        Order("days_to_recover_half", "days_to_recover"),
    ),
)
