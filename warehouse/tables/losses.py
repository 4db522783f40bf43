"""What sell-offs cost: every loss with its rank, the sums of each event, and the way back."""

from __future__ import annotations

from warehouse import columns as c
from warehouse.contract import Column, Order, Table

_RANK = Column("rank", "BIGINT", "Rank in a history.", unit="rank", minimum=1)
_GROUP_NAME = Column("group_name", "VARCHAR", "Which of them.")
_CAR = c.ABNORMAL_RETURN.but(
    name="cumulative_abnormal_return",
    nullable=False,
    doc="Sum of the abnormal returns since the last close before the event: 0 on day -1, from day "
    "0 on the sum so far, before day -1 less the sum of the days in between.",
)

MARKET_VALUE_LOSSES = Table(
    layer="mart",
    name="market_value_losses",
    doc=(
        "One row per equity and session in which its firm lost market value, with the rank of the "
        "loss as of that day: a record has `rank_in_history_so_far = 1`. Ranks in all of history "
        "are in the view `mart.loss_records`."
    ),
    columns=(
        c.LISTING_ID,
        c.TICKER,
        c.SECTOR,
        c.REGION,
        c.SESSION_DATE,
        Column("previous_session_date", "DATE", "Session of the close before."),
        c.CLOSE,
        c.CLOSE.but(name="previous_close", doc="Close before."),
        c.CURRENCY,
        c.SIMPLE_RETURN.but(
            nullable=False, doc="close / previous close - 1: less the fraction of value lost."
        ),
        c.ABNORMAL_RETURN,
        c.MARKET_VALUE_USD.but(nullable=False),
        c.MARKET_VALUE_LOST_USD.but(nullable=False, above=0),
        c.ABNORMAL_MARKET_VALUE_LOST_USD,
        c.IS_COUNTED,
        c.SHARES_OUTSTANDING.but(
            nullable=False, doc="Share count used, in the shares that the bars quote."
        ),
        c.SHARES_KNOWN_ON.but(nullable=False),
        c.USD_PER_CURRENCY.but(doc="Exchange rate used, from the close before."),
        c.N_FLAGGED,
        c.N_QUARANTINED,
        c.HAS_SIMULATED_INPUTS,
        c.AS_OF,
        _RANK.but(
            name="rank_in_listing_so_far",
            doc="Rank among the losses of the listing up to this session: 1 for a record on its "
            "day.",
        ),
        _RANK.but(
            name="rank_in_region_so_far",
            nullable=True,
            doc="Rank among the losses of firms of the region up to this session; NULL where the "
            "row is not counted.",
        ),
        _RANK.but(
            name="rank_in_history_so_far",
            nullable=True,
            doc="Rank among those of all firms up to this session; NULL where the row is not "
            "counted.",
        ),
    ),
    is_row_wise=True,
    in_todays_shares=True,
    grain=("listing_id", "session_date"),
    partition="session_date",
    orders=(
        Order("shares_known_on", "previous_session_date"),
        Order("previous_session_date", "session_date"),
        Order("market_value_lost_usd", "market_value_usd"),
        Order("rank_in_region_so_far", "rank_in_history_so_far"),
    ),
)

LOSS_TOTALS = Table(
    layer="mart",
    name="loss_totals",
    doc=(
        "One row per event and group of firms: what the event cost in all, each firm once across "
        "its share classes and depositary receipts."
    ),
    columns=(
        c.EVENT_ID,
        Column(
            "grouping",
            "VARCHAR",
            "all: every firm; region, sector: the same firms by the listing that carries their "
            "value, adding up to all; market: the members of the event's own market, counted among "
            "themselves.",
            one_of=("all", "region", "sector", "market"),
        ),
        _GROUP_NAME,
        Column("n_firms", "BIGINT", "Firms whose loss is known.", unit="firms", minimum=0),
        Column(
            "n_unknown",
            "BIGINT",
            "Firms whose loss is not: no share count, exchange rate or return.",
            unit="firms",
            minimum=0,
        ),
        c.MARKET_VALUE_USD.but(doc="Value of the firms at the close before."),
        c.MARKET_VALUE_LOST_USD.but(doc="Gross loss less gross gain; positive when lost."),
        c.ABNORMAL_MARKET_VALUE_LOST_USD.but(doc="Sum over the firms with an abnormal return."),
        c.MARKET_VALUE_LOST_USD.but(
            name="gross_market_value_lost_usd", minimum=0, doc="Sum over the firms that lost."
        ),
        c.MARKET_VALUE_LOST_USD.but(
            name="gross_market_value_gained_usd", minimum=0, doc="Sum over the firms that gained."
        ),
        c.MARKET_VALUE_LOST_USD.but(
            name="peak_to_trough_market_value_lost_usd",
            minimum=0,
            doc="Sum of the firms' losses down to the lowest close of each within 20 sessions.",
        ),
        c.LISTING_ID.but(
            name="largest_listing_id",
            nullable=True,
            doc="Listing of the firm that lost most; NULL where none lost.",
        ),
        Column(
            "largest_share_of_loss",
            "DOUBLE",
            "Its share of the gross loss.",
            unit="fraction",
            nullable=True,
            above=0,
            maximum=1,
        ),
        c.OBSERVED_THROUGH,
        c.N_FLAGGED,
        c.N_QUARANTINED,
        c.HAS_SIMULATED_INPUTS,
        c.AS_OF,
    ),
    grain=("event_id", "grouping", "group_name"),
)

CAR_PATHS = Table(
    layer="mart",
    name="car_paths",
    doc=(
        "One row per event, series and day: the cumulative abnormal return from the close before "
        "the event on, against a market model frozen before it, with its confidence band."
    ),
    columns=(
        c.EVENT_ID,
        Column(
            "grouping",
            "VARCHAR",
            "What the series is: a listing (the hundred that lost the most value), or the "
            "equal-weighted portfolio of the members of a sector of the event's region, of a "
            "region's market, or of all.",
            one_of=("listing", "sector", "region", "all"),
        ),
        _GROUP_NAME.but(doc="Which of them; a listing by its key."),
        Column(
            "day", "BIGINT", "Row of the series relative to its event, which is 0.", unit="sessions"
        ),
        c.SESSION_DATE.but(
            doc="Session of that row; nothing after it, and after the event, is in it."
        ),
        Column("n_listings", "BIGINT", "Listings in it that day.", unit="listings", minimum=1),
        c.ABNORMAL_RETURN.but(
            doc="Log return less the frozen model's expectation (a portfolio's: the mean over its "
            "members); NULL without a market return."
        ),
        _CAR,
        Column(
            "standard_error",
            "DOUBLE",
            "Of the cumulative abnormal return, the prediction's error and its covariance over the "
            "days included; 0 on day -1.",
            unit="log points",
            minimum=0,
        ),
        _CAR.but(name="band_low", doc="Lower end of its 95% band, t on n - 2 degrees of freedom."),
        _CAR.but(name="band_high", doc="Upper end."),
        Column(
            "n_estimation",
            "BIGINT",
            "Valid pairs among the 250 estimation rows before the event.",
            unit="sessions",
            minimum=3,
        ),
        Column(
            "method",
            "VARCHAR",
            "market_model: the listing's own; portfolio: the portfolio's own, whose residuals hold "
            "the correlation of members that fall on one date.",
            one_of=("market_model", "portfolio"),
        ),
        c.N_FLAGGED,
        c.HAS_SIMULATED_INPUTS,
        c.AS_OF,
    ),
    of_events=True,
    grain=("event_id", "grouping", "group_name", "day"),
    orders=(
        Order("band_low", "cumulative_abnormal_return"),
        Order("cumulative_abnormal_return", "band_high"),
    ),
)
