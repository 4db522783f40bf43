"""Measures of a market or a group of listings in a session, each defined once."""

from __future__ import annotations

from warehouse import columns
from warehouse.contract import Column

MARKET_Z = Column(
    "market_z",
    "DOUBLE",
    "The market's log return over yesterday's EWMA sigma.",
    unit="standard deviations",
    nullable=True,
)
SEVERITY = Column(
    "severity",
    "DOUBLE",
    "Share of the sessions so far, this one included, that were no worse: 1 is the worst yet. NULL "
    "before 60 sessions.",
    unit="fraction",
    nullable=True,
    above=0,
    maximum=1,
)
N_LISTINGS = Column(
    "n_listings",
    "BIGINT",
    "Members with an abnormal z: constituents of the index, else all equities.",
    unit="listings",
    minimum=0,
)
N_FALLING = Column(
    "n_falling",
    "BIGINT",
    "Members with abnormal z at or below -2.",
    unit="listings",
    minimum=0,
)
BREADTH = Column(
    "breadth",
    "DOUBLE",
    "Share of the members with abnormal z at or below -2.",
    unit="fraction",
    nullable=True,
    minimum=0,
    maximum=1,
)
BREADTH_BY_VALUE = Column(
    "breadth_by_value",
    "DOUBLE",
    "The same by market value: what the falling members were worth of all that have a z.",
    unit="fraction",
    nullable=True,
    minimum=0,
    maximum=1,
)
SHARE_DOWN = Column(
    "share_down",
    "DOUBLE",
    "Share of the members whose price fell at all.",
    unit="fraction",
    nullable=True,
    minimum=0,
    maximum=1,
)
SHARE_DOWN_BY_VALUE = Column(
    "share_down_by_value",
    "DOUBLE",
    "The same by market value.",
    unit="fraction",
    nullable=True,
    minimum=0,
    maximum=1,
)
MARKET_VALUE_USD = Column(
    "market_value_usd",
    "DOUBLE",
    "What the members were worth at the close before, each firm counted once.",
    unit="USD",
    nullable=True,
    above=0,
)
GROSS_VALUE_LOST_USD = Column(
    "gross_value_lost_usd",
    "DOUBLE",
    "Value lost by the firms that lost, what others gained left aside.",
    unit="USD",
    nullable=True,
    minimum=0,
)
TOP_SHARE_OF_LOSS = Column(
    "top_share_of_loss",
    "DOUBLE",
    "Share of the gross value lost that one firm lost, the largest.",
    unit="fraction",
    nullable=True,
    minimum=0,
    maximum=1,
)
TOP_5_SHARE_OF_LOSS = Column(
    "top_5_share_of_loss",
    "DOUBLE",
    "Share of the gross value lost that the largest five lost.",
    unit="fraction",
    nullable=True,
    minimum=0,
    maximum=1,
)
LOSS_HERFINDAHL = Column(
    "loss_herfindahl",
    "DOUBLE",
    "Sum of the squared shares of the gross value lost: 1 where one firm lost all.",
    unit="fraction",
    nullable=True,
    minimum=0,
    maximum=1,
)
FALLING_VALUE_LOST_USD = Column(
    "falling_value_lost_usd",
    "DOUBLE",
    "Value that the falling members lost beyond what the market explains.",
    unit="USD",
    nullable=True,
    minimum=0,
)
ABNORMAL_SHARE_LOST = Column(
    "abnormal_share_lost",
    "DOUBLE",
    "`falling_value_lost_usd` of the firms as a share of what the market was worth.",
    unit="fraction",
    nullable=True,
    minimum=0,
)
WORST_LISTING_ID = Column(
    "worst_listing_id",
    "VARCHAR",
    "The falling member whose firm lost most beyond what the market explains; NULL where none has "
    "a known value.",
    nullable=True,
)
WORST_ABNORMAL_Z = Column(
    "worst_abnormal_z",
    "DOUBLE",
    "Its abnormal z.",
    unit="standard deviations",
    nullable=True,
)
VOLUME_Z = Column(
    "volume_z",
    "DOUBLE",
    "Mean of the members' abnormal volume z.",
    unit="standard deviations",
    nullable=True,
)
THRESHOLD_MULTIPLE = Column(
    "threshold_multiple",
    "DOUBLE",
    "Largest multiple of a detection threshold that was reached (1 = just).",
    unit="multiples",
    minimum=0,
)
DETECTED_BY = Column(
    "detected_by",
    "VARCHAR",
    "The rules that were met, separated by spaces: market, breadth, share_lost, sector, industry, "
    "single_name.",
    nullable=True,
)
ABNORMAL_MARKET_VALUE_LOST_USD = columns.MARKET_VALUE_LOST_USD.but(
    name="abnormal_market_value_lost_usd",
    doc="-(exp(abnormal return) - 1) x market value before the session; positive when lost.",
)
DECLARED_ID = Column("declared_id", "VARCHAR", "Name of the event in the user's events.csv.")
EVENT_NAME = Column("event_name", "VARCHAR", "What the user calls the event.", nullable=True)
NOTE = Column("note", "VARCHAR", "What the user says of it.", nullable=True)
