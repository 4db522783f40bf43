"""What every market and group did in every session, and which events a user declared."""

from __future__ import annotations

from warehouse import columns as c
from warehouse import measures as m
from warehouse.contract import Column, Table

_SIGMA = Column("group_sigma", "DOUBLE", "", unit="log points", nullable=True, above=0)
_Z = Column("group_z", "DOUBLE", "", unit="standard deviations", nullable=True)

GROUP_RETURNS = Table(
    layer="core",
    name="group_returns",
    doc="One row per region, group of its members (all, a sector, an industry) and session.",
    columns=(
        c.REGION.but(nullable=False),
        Column(
            "grouping",
            "VARCHAR",
            "What the group is; market: all members of the region.",
            one_of=("market", "sector", "industry"),
        ),
        Column("group_name", "VARCHAR", "The sector, the industry, or the region."),
        c.SESSION_DATE,
        Column("n_members", "BIGINT", "Members with a return.", unit="listings", minimum=0),
        c.SIMPLE_RETURN.but(
            name="group_return",
            doc="Return of the members, by market value where half of them have one, else equally.",
        ),
        c.SIMPLE_RETURN.but(
            name="value_weighted_return",
            doc="Weighted by the firms' market value at the close before.",
        ),
        c.SIMPLE_RETURN.but(name="equal_weighted_return", doc="Mean over the members."),
        Column("is_value_weighted", "BOOLEAN", "How `group_return` is weighted."),
        _SIGMA.but(doc="EWMA volatility (lambda 0.94) of its log up to the session before."),
        _Z.but(doc="Log of `group_return` over yesterday's `group_sigma`."),
        c.ABNORMAL_RETURN.but(
            name="group_abnormal_return", doc="Mean over the members, weighted as `group_return`."
        ),
        c.ABNORMAL_RETURN.but(name="equal_weighted_abnormal_return", doc="Mean over the members."),
        _SIGMA.but(
            name="residual_sigma",
            doc="EWMA volatility of `group_abnormal_return` up to the session before.",
        ),
        _Z.but(name="residual_z", doc="`group_abnormal_return` over yesterday's `residual_sigma`."),
        m.SEVERITY.but(doc="Share of the group's sessions so far in which it fell no deeper."),
        m.N_LISTINGS.but(doc="Members with an abnormal z."),
        m.N_FALLING,
        m.BREADTH,
        m.BREADTH_BY_VALUE,
        m.SHARE_DOWN,
        m.SHARE_DOWN_BY_VALUE,
        m.MARKET_VALUE_USD,
        c.MARKET_VALUE_LOST_USD.but(doc="Sum over the members, each firm counted once."),
        m.GROSS_VALUE_LOST_USD,
        m.TOP_SHARE_OF_LOSS,
        m.TOP_5_SHARE_OF_LOSS,
        m.LOSS_HERFINDAHL,
        m.ABNORMAL_MARKET_VALUE_LOST_USD.but(
            doc="Sum over the members beyond what the market explains, each firm counted once."
        ),
        m.FALLING_VALUE_LOST_USD,
        m.FALLING_VALUE_LOST_USD.but(
            name="largest_falling_value_lost_usd", doc="The same of one firm, the largest."
        ),
        m.WORST_LISTING_ID,
        m.WORST_ABNORMAL_Z,
        m.VOLUME_Z,
        Column(
            "pair_product",
            "DOUBLE",
            "Mean over all pairs of members of the product of their standardized returns.",
            nullable=True,
        ),
        Column(
            "mean_square",
            "DOUBLE",
            "Mean of the squared standardized returns: `pair_product` over it, summed over a "
            "window, is the mean pairwise correlation.",
            nullable=True,
            minimum=0,
        ),
        c.N_FLAGGED,
        c.N_QUARANTINED,
        c.HAS_SIMULATED_INPUTS,
        c.IS_SIMULATED.but(doc="True where a member's own bar is simulated."),
        c.AS_OF,
    ),
    grain=("region", "grouping", "group_name", "session_date"),
    partition="session_date",
)

DECLARED_EVENTS = Table(
    layer="core",
    name="declared_events",
    doc="One row per event that the user's events.csv declares, in its newest version.",
    columns=(
        m.DECLARED_ID,
        Column("version", "BIGINT", "Version of the statement; the highest counts.", minimum=1),
        Column("declared_on", "DATE", "Date of that version.", nullable=True),
        c.REGION.but(doc="Region whose market it struck; NULL: every region."),
        c.SESSION_DATE.but(
            nullable=True, doc="First session, or a day before it; NULL where a moment is known."
        ),
        Column(
            "happened_at",
            "TIMESTAMP",
            "Moment of the news; each market's event begins in the first session that closes "
            "after it.",
            unit="UTC",
            nullable=True,
        ),
        Column(
            "scope",
            "VARCHAR",
            "How far it reached, as the user sees it.",
            one_of=("single_name", "industry", "sector", "market", "global"),
        ),
        m.EVENT_NAME,
        m.NOTE,
    ),
    grain=("declared_id",),
)

MARKET_DAYS = Table(
    layer="mart",
    name="market_days",
    doc="One row per region and session: what its market did, and whether it was a sell-off.",
    columns=(
        c.REGION.but(nullable=False),
        c.SESSION_DATE,
        c.MARKET.but(nullable=False),
        c.SIMPLE_RETURN.but(name="market_return", doc="Return since the market's last level."),
        m.MARKET_Z,
        m.SEVERITY.but(
            name="market_severity",
            doc="Share of the market's sessions so far in which it fell no deeper; NULL before 60 "
            "of them, and where the market is another region's.",
        ),
        m.N_LISTINGS,
        m.N_FALLING,
        m.BREADTH,
        m.BREADTH_BY_VALUE,
        m.SHARE_DOWN,
        m.SHARE_DOWN_BY_VALUE,
        m.MARKET_VALUE_USD,
        c.MARKET_VALUE_LOST_USD.but(doc="Sum over the members, each firm counted once."),
        m.GROSS_VALUE_LOST_USD,
        m.TOP_SHARE_OF_LOSS,
        m.TOP_5_SHARE_OF_LOSS,
        m.LOSS_HERFINDAHL,
        m.ABNORMAL_MARKET_VALUE_LOST_USD.but(
            doc="Sum over the members beyond what the market explains, each firm counted once."
        ),
        m.FALLING_VALUE_LOST_USD,
        m.ABNORMAL_SHARE_LOST,
        m.SEVERITY.but(
            name="abnormal_share_lost_severity",
            doc="Share of the region's sessions so far in which that share was no larger.",
        ),
        m.WORST_LISTING_ID,
        m.WORST_ABNORMAL_Z,
        m.TOP_SHARE_OF_LOSS.but(
            name="worst_share_of_loss", doc="Its firm's share of `falling_value_lost_usd`."
        ),
        m.ABNORMAL_SHARE_LOST.but(
            name="worst_share_lost", doc="Its firm's loss as a share of what the market was worth."
        ),
        m.SEVERITY.but(
            name="worst_share_lost_severity",
            doc="Share of the region's sessions so far whose largest was no larger.",
        ),
        m.ABNORMAL_SHARE_LOST.but(
            name="industry_share_of_loss",
            doc="Share of `falling_value_lost_usd` in the industry that lost most.",
        ),
        Column(
            "correlation",
            "DOUBLE",
            "Mean pairwise correlation of the members' standardized returns, last 20 sessions.",
            unit="correlation",
            nullable=True,
            minimum=-1,
            maximum=1,
        ),
        Column(
            "correlation_before",
            "DOUBLE",
            "The same over the 250 sessions before those; NULL below 120.",
            unit="correlation",
            nullable=True,
            minimum=-1,
            maximum=1,
        ),
        Column(
            "correlation_jump",
            "DOUBLE",
            "`correlation` less `correlation_before`.",
            unit="correlation",
            nullable=True,
        ),
        m.VOLUME_Z,
        Column(
            "grouping",
            "VARCHAR",
            "What sold off worst, a sector or an industry; NULL where none did.",
            one_of=("sector", "industry"),
            nullable=True,
        ),
        Column("group_name", "VARCHAR", "Its name.", nullable=True),
        _Z.but(doc="Log of its return over yesterday's sigma."),
        _Z.but(name="group_residual_z", doc="The same beyond what the market explains."),
        m.SEVERITY.but(
            name="group_severity",
            doc="Share of its sessions so far in which it fell no deeper.",
        ),
        Column(
            "scope",
            "VARCHAR",
            "How far the sell-off of this session reached; NULL where there was none.",
            one_of=("single_name", "industry", "sector", "market"),
            nullable=True,
        ),
        m.DETECTED_BY,
        m.THRESHOLD_MULTIPLE,
        c.N_FLAGGED,
        c.N_QUARANTINED,
        c.HAS_SIMULATED_INPUTS,
        c.IS_SIMULATED.but(doc="True where the market's level or a member's bar is simulated."),
        c.AS_OF,
    ),
    grain=("region", "session_date"),
)
