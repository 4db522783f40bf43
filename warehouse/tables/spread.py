"""How a sell-off spread: from sector to sector, and from listing to listing."""

from __future__ import annotations

from warehouse import columns as c
from warehouse.contract import Column, Table

_HARDEST_HIT = c.LISTING_ID.but(
    name="hardest_hit_listing_id",
    nullable=True,
    doc="The member with the lowest abnormal z; NULL where none has one.",
)
_CORRELATION = Column(
    "correlation",
    "DOUBLE",
    "Correlation with the origin sector.",
    unit="correlation",
    nullable=True,
    minimum=-1,
    maximum=1,
)
_P_VALUE = Column(
    "p_value",
    "DOUBLE",
    "Two-sided probability of such a statistic on a day like those before the event.",
    unit="fraction",
    nullable=True,
    minimum=0,
    maximum=1,
)
_N_SESSIONS = Column("n", "BIGINT", "Sessions behind it.", unit="sessions", minimum=0)

_SHARE_OF_SOURCE = Column(
    "spillover_from_source",
    "DOUBLE",
    "",
    unit="fraction",
    nullable=True,
    minimum=0,
    maximum=1,
)
_NET = Column("net_spillover", "DOUBLE", "", unit="fraction", nullable=True)

SECTOR_CONTAGION = Table(
    layer="mart",
    name="sector_contagion",
    doc=(
        "One row per event and sector of its region: whether it was the source or was hit, how "
        "hard, when first, and how it moved with the origin."
    ),
    columns=(
        c.EVENT_ID,
        c.SECTOR.but(nullable=False),
        c.SESSION_DATE.but(doc="First session of the event."),
        Column(
            "role",
            "VARCHAR",
            "source: the event's origin sector; hit, raised: its members fell, or rose, beyond "
            "what the market and their own past explain; spared: neither; untested: too few "
            "sessions to say.",
            one_of=("source", "hit", "spared", "raised", "untested"),
        ),
        Column(
            "is_source",
            "BOOLEAN",
            "True for the event's `origin_sector`: the largest abnormal market value lost.",
        ),
        Column(
            "is_hit",
            "BOOLEAN",
            "True where `statistic` is negative and `adjusted_p_value` at most 0.05, for the "
            "source too; NULL where untested.",
            nullable=True,
        ),
        Column(
            "hit_rank",
            "BIGINT",
            "Rank among the event's sectors by `mean_abnormal_return`; 1 for the lowest.",
            unit="rank",
            minimum=1,
        ),
        Column(
            "n_members",
            doc="Members of the region's market in the sector with an abnormal return.",
            type="BIGINT",
            unit="listings",
            minimum=0,
        ),
        c.ABNORMAL_RETURN.but(name="mean_abnormal_return", doc="Mean over the members."),
        c.ABNORMAL_RETURN.but(name="median_abnormal_return", doc="Median over the members."),
        c.ABNORMAL_RETURN.but(
            name="value_weighted_abnormal_return",
            doc="Mean weighted by market value at the close before, each firm counted once; NULL "
            "where fewer than half of the members have one.",
        ),
        c.ABNORMAL_Z.but(name="mean_abnormal_z", doc="Mean of the members' abnormal z."),
        Column(
            "share_falling",
            "DOUBLE",
            "Share of the members with abnormal z at or below -2.",
            unit="fraction",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        _HARDEST_HIT,
        c.ABNORMAL_Z.but(name="hardest_hit_abnormal_z", doc="Its abnormal z."),
        c.MARKET_VALUE_LOST_USD.but(
            name="abnormal_market_value_lost_usd",
            doc="Sum over the members with a share count, each firm counted once; positive when "
            "value was lost.",
        ),
        Column(
            "statistic",
            "DOUBLE",
            "t of the members' portfolio: its abnormal return over the prediction error of the "
            "market model of its own returns on rows [-260,-11]; NULL where they are too few.",
            unit="statistic",
            nullable=True,
        ),
        _P_VALUE,
        _P_VALUE.but(
            name="adjusted_p_value",
            doc="The same for the false discovery rate (Benjamini-Hochberg) among the event's "
            "sectors.",
        ),
        _N_SESSIONS.but(
            name="n_estimation", nullable=True, doc="Sessions behind the portfolio's model."
        ),
        _CORRELATION.but(
            name="correlation_before",
            doc="Correlation of the members' mean log return with the origin sector's, up to 60 "
            "sessions before the event.",
        ),
        _N_SESSIONS.but(name="n_before"),
        _CORRELATION.but(
            name="correlation_after",
            doc="The same over up to 20 sessions after the event's first session; NULL below 5.",
        ),
        _N_SESSIONS.but(name="n_after"),
        Column(
            "first_falling_at",
            "TIMESTAMP",
            "First close, in any region, at which the sector fell and had lost since the start: "
            "its members' mean abnormal z, over the standard deviation of that mean on rows "
            "[-260,-11], at or below -2; NULL where there was none.",
            unit="UTC",
            nullable=True,
        ),
        Column(
            "first_falling_region",
            "VARCHAR",
            "Region of that close.",
            nullable=True,
        ),
        Column(
            "first_falling_order",
            "BIGINT",
            "Rank of the sector by `first_falling_at`.",
            unit="rank",
            nullable=True,
            minimum=1,
        ),
        Column(
            "correlation_shift",
            "DOUBLE",
            "Correlation with the origin sector over 21 sessions from the event's first on, "
            "adjusted for the rise of the origin's variance, less that of up to 250 sessions "
            "before (Forbes and Rigobon 2002). This and what follows sums up "
            "mart.contagion_measures, sectors equally weighted; NULL without an origin or "
            "where too little is known.",
            unit="correlation",
            nullable=True,
            minimum=-2,
            maximum=2,
        ),
        _P_VALUE.but(
            name="correlation_shift_p_value",
            doc="One-sided probability of such a rise, for the false discovery rate among all "
            "pairs of the event's sectors; NULL where the source's variance did not rise.",
        ),
        Column(
            "correlation_shift_detectable",
            "DOUBLE",
            "Rise that the test finds in four cases of five: a smaller one passes unseen.",
            unit="correlation",
            nullable=True,
            minimum=0,
        ),
        Column(
            "delta_covar_of_source",
            "DOUBLE",
            "How much lower the sector's 5% quantile lies when the origin sector falls from its "
            "median to its own 5% quantile (Adrian and Brunnermeier 2016), before the event.",
            unit="log points",
            nullable=True,
        ),
        _SHARE_OF_SOURCE.but(
            name="spillover_from_source_before",
            doc="Share of the sector's forecast error variance that comes from the origin sector, "
            "100 sessions before the event (Diebold and Yilmaz 2012).",
        ),
        _SHARE_OF_SOURCE.but(
            name="spillover_from_source_after",
            doc="The same over the 100 sessions that end with the event's 21st, or the newest.",
        ),
        _NET.but(
            name="net_spillover_before",
            doc="What the sector sends to all others less what it receives, before the event.",
        ),
        _NET.but(name="net_spillover_after", doc="The same after it."),
        c.OBSERVED_THROUGH,
        c.N_FLAGGED,
        c.N_QUARANTINED,
        c.HAS_SIMULATED_INPUTS,
        c.AS_OF,
    ),
    of_events=True,
    grain=("event_id", "sector"),
)

CONTAGION_PATHS = Table(
    layer="mart",
    name="contagion_paths",
    doc=(
        "One row per event and equity, of all regions, that fell beyond its own threshold: the way "
        "the sell-off took, in the order of the closes in UTC."
    ),
    columns=(
        c.EVENT_ID,
        Column(
            "hit_order",
            "BIGINT",
            "Rank by `closed_at` among the event's equities; those of one close share it.",
            unit="rank",
            minimum=1,
        ),
        Column(
            "closed_at",
            "TIMESTAMP",
            "Close of the first session in which it fell, after the event's `started_at` and up to "
            "the event region's next close after its last session.",
            unit="UTC",
        ),
        c.SESSION_DATE.but(doc="That session."),
        c.LISTING_ID,
        c.TICKER,
        c.REGION,
        c.SECTOR,
        c.INDUSTRY,
        Column(
            "link",
            "VARCHAR",
            "What it has in common with the origin, the closest that holds: source: the event's "
            "`worst_listing_id`; same_firm: another listing of its firm; same_industry, "
            "same_sector: as the event's origin; other_sector; unknown where either is not known.",
            one_of=(
                "source",
                "same_firm",
                "same_industry",
                "same_sector",
                "other_sector",
                "unknown",
            ),
        ),
        Column(
            "hours_after_source",
            "DOUBLE",
            "`closed_at` less that of the source; negative where a market further east had closed "
            "before. NULL without a source.",
            unit="hours",
            nullable=True,
        ),
        c.SIMPLE_RETURN,
        c.MARKET,
        c.LOG_RETURN.but(
            name="market_log_return", doc="The market's log return over the same two sessions."
        ),
        Column(
            "model",
            "VARCHAR",
            "What was expected: market_model, as in core.abnormal_returns; market_adjusted, the "
            "market's return itself, where the listing has too few sessions (20 to 199) for one.",
            one_of=("market_model", "market_adjusted"),
        ),
        c.ABNORMAL_RETURN.but(
            nullable=False, doc="Log return less what was expected; negative in a fall."
        ),
        c.ABNORMAL_Z.but(
            nullable=False,
            doc="Abnormal return over its prediction error, or the standard deviation of the "
            "returns beyond the market on rows [-260,-11]: at or below -2.",
        ),
        c.ABNORMAL_RETURN.but(
            name="abnormal_return_since_start",
            nullable=False,
            doc="Sum of its abnormal returns from `started_at` to `closed_at`, negative: who only "
            "gives back a gain of the days before has not fallen in the event.",
        ),
        Column(
            "n_falls",
            "BIGINT",
            "Sessions of the event in which it fell so.",
            unit="sessions",
            minimum=1,
        ),
        c.ABNORMAL_MARKET_VALUE_LOST_USD,
        c.IS_COUNTED,
        c.N_FLAGGED,
        c.N_QUARANTINED,
        c.HAS_SIMULATED_INPUTS,
        c.AS_OF,
    ),
    of_events=True,
    grain=("event_id", "listing_id"),
)
