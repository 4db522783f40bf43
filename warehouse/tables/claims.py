"""What articles say of prices, held against the prices, and what that says of their sources."""

from __future__ import annotations

from warehouse import columns as c
from warehouse.contract import Column, Order, Table
from warehouse.tables.articles import ARTICLE_ID, LISTING_FROM, PUBLISHED_AT, PUBLISHER

METRICS = (
    "price_change",
    "index_points",
    "market_value_change",
    "market_value",
    "level",
    "volume",
    "yield",
)
"""What a claim can be about: a relative or absolute change of price, a change in index points, a
change of market value or the value itself, a price or index level, a volume, a yield."""

BOUNDS = ("exact", "about", "nearly", "above", "at_least", "below", "at_most", "extreme")
PERIODS = (
    *("day", "intraday", "open", "premarket", "after_hours", "sessions", "week", "month"),
    *("quarter", "year", "year_to_date", "since", "unstated"),
)

CLAIM_ID = Column("claim_id", "VARCHAR", "Key of the claim: its article, place, metric, listing.")
METRIC = Column("metric", "VARCHAR", "What the claim is about.", one_of=METRICS)
PERIOD = Column(
    "period",
    "VARCHAR",
    "Over what time: a session, its extreme, its opening, before or after hours, a number of "
    "sessions, or longer; unstated where the text does not say.",
    one_of=PERIODS,
)
_UNIT = Column(
    "unit",
    "VARCHAR",
    "Unit of the figures: fraction, points, shares or a currency, ISO 4217.",
)
_PLACE = Column("start_offset", "BIGINT", "Where it begins.", unit="characters", minimum=0)
_CLAIMED_ON = Column(
    "claimed_on",
    "DATE",
    "The last day it speaks of, in the listing's own calendar; NULL where it does not say.",
    nullable=True,
)

CLAIMS = Table(
    layer="core",
    name="claims",
    doc="One row per figure that an article states of a listing's price, value or trading.",
    columns=(
        CLAIM_ID,
        ARTICLE_ID,
        c.LISTING_ID,
        c.TICKER,
        LISTING_FROM,
        Column("alias", "VARCHAR", "The name by which the text speaks of it, as written."),
        METRIC,
        Column(
            "direction",
            "VARCHAR",
            "down or up; NULL for a level.",
            nullable=True,
            one_of=("down", "up"),
        ),
        Column(
            "magnitude_low",
            "DOUBLE",
            "The figure, without sign, in `unit`; of a range, the smaller.",
            minimum=0,
        ),
        Column("magnitude_high", "DOUBLE", "The figure; of a range, the larger.", minimum=0),
        _UNIT,
        Column(
            "resolution",
            "DOUBLE",
            "Worth of the last digit that is written, in `unit`: 0.001 for 17.4%.",
            above=0,
        ),
        Column(
            "qualifier", "VARCHAR", "Its words of vagueness, in lower case (nearly).", nullable=True
        ),
        Column("bound", "VARCHAR", "What those words mean.", one_of=BOUNDS),
        PERIOD,
        Column(
            "n_sessions",
            "BIGINT",
            "Sessions, where a number of them is stated.",
            unit="sessions",
            nullable=True,
            minimum=1,
        ),
        Column(
            "claimed_from",
            "DATE",
            "The first day it speaks of; NULL where it does not say.",
            nullable=True,
        ),
        _CLAIMED_ON,
        _CLAIMED_ON.but(
            name="told_on",
            doc="The day of which its text spoke last, the latest of a sentence: what a figure "
            "without a day of its own most likely speaks of; NULL where there is none.",
        ),
        _PLACE,
        _PLACE.but(name="end_offset", doc="Where it ends."),
        _PLACE.but(name="sentence_start", doc="Where its sentence begins."),
        _PLACE.but(name="sentence_end", doc="Where its sentence ends."),
        Column("pattern", "VARCHAR", "The form of words that states it."),
        Column(
            "confidence",
            "DOUBLE",
            "How sure the reading is.",
            unit="fraction",
            minimum=0,
            maximum=1,
        ),
        Column("is_ambiguous", "BOOLEAN", "Whether it can be read in another way."),
        PUBLISHED_AT,
        c.AS_OF,
    ),
    grain=("claim_id",),
    orders=(
        Order("magnitude_low", "magnitude_high"),
        Order("start_offset", "end_offset"),
        Order("sentence_start", "sentence_end"),
    ),
)

VERDICTS = ("supported", "supported_other_reading", "contradicted", "not_verifiable")
READINGS = (
    *("as_stated", "intraday_low", "intraday_high", "at_open", "open_to_close"),
    *("previous_session", "next_session", "five_sessions", "total_return"),
    *("other_listing", "other_currency", "other_share_count"),
)
_BOUND = Column(
    "claimed_low",
    "DOUBLE",
    "Least value that the words allow, signed: negative for a fall; NULL where there is none.",
    nullable=True,
)

CLAIM_CHECKS = Table(
    layer="mart",
    name="claim_checks",
    doc=(
        "One row per claim: whether the prices bear it out, and under which reading of its words. "
        "Made anew whenever a bar changes."
    ),
    columns=(
        CLAIM_ID,
        ARTICLE_ID,
        PUBLISHER,
        c.LISTING_ID,
        c.TICKER,
        METRIC,
        Column("verdict", "VARCHAR", "What the prices say of it.", one_of=VERDICTS),
        Column(
            "reading",
            "VARCHAR",
            "The reading under which it was held against them; NULL where it could not be.",
            nullable=True,
            one_of=READINGS,
        ),
        _BOUND,
        _BOUND.but(name="claimed_high", doc="Largest value that the words allow, signed."),
        Column(
            "observed",
            "DOUBLE",
            "What the prices say under that reading, in `unit`, signed; of a contradicted claim, "
            "under the reading as stated.",
            nullable=True,
        ),
        _UNIT,
        PERIOD,
        _CLAIMED_ON.but(
            doc="The day it speaks of, or of which its text spoke last; NULL where neither is said."
        ),
        c.SESSION_DATE.but(nullable=True, doc="Session held against it; NULL where there is none."),
        Column(
            "from_session_date",
            "DATE",
            "Session whose close the change is counted from; NULL where there is none.",
            nullable=True,
        ),
        c.SHARES_OUTSTANDING.but(
            nullable=True, doc="Share count used for a market value; NULL for other metrics."
        ),
        c.SHARES_KNOWN_ON.but(nullable=True),
        c.USD_PER_CURRENCY.but(nullable=True, doc="Exchange rate used; NULL where none was."),
        Column("reason", "VARCHAR", "Why, in words a reader can check."),
        c.HAS_SIMULATED_INPUTS,
        PUBLISHED_AT,
        c.AS_OF,
    ),
    grain=("claim_id",),
)

_CLAIMS_COUNT = Column("n_claims", "BIGINT", "Claims.", unit="claims", minimum=0)
_SHARE = Column(
    "share_supported",
    "DOUBLE",
    "Share of the verifiable claims that are supported as stated; NULL without any.",
    unit="fraction",
    nullable=True,
    minimum=0,
    maximum=1,
)

SOURCE_RECORDS = Table(
    layer="mart",
    name="source_records",
    doc="One row per source and metric: how far its claims were borne out.",
    columns=(
        PUBLISHER,
        Column("metric", "VARCHAR", "What the claims are about, or all.", one_of=("all", *METRICS)),
        _CLAIMS_COUNT,
        _CLAIMS_COUNT.but(name="n_supported", doc="Supported as stated."),
        _CLAIMS_COUNT.but(name="n_supported_other_reading", doc="Supported under another reading."),
        _CLAIMS_COUNT.but(name="n_contradicted", doc="Contradicted."),
        _CLAIMS_COUNT.but(name="n_not_verifiable", doc="Not verifiable."),
        _SHARE,
        _SHARE.but(
            name="share_supported_low", doc="Lower end of its 95% interval, by Wilson's score."
        ),
        _SHARE.but(name="share_supported_high", doc="Upper end of that interval."),
        c.AS_OF,
    ),
    grain=("source", "metric"),
)
