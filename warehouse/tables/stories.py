"""Articles and sell-offs together: which belong to which, who was first, what is known."""

from __future__ import annotations

from warehouse import columns as c
from warehouse.contract import Column, Table
from warehouse.tables.articles import ARTICLE_ID

_SCORE = Column(
    "score",
    "DOUBLE",
    "How well the article fits the event: time, names and words together.",
    unit="fraction",
    minimum=0,
    maximum=1,
)
_ARTICLES = Column("n_articles", "BIGINT", "Articles.", unit="articles", minimum=0)

EVENT_ARTICLES = Table(
    layer="mart",
    name="event_articles",
    doc="One row per event and article that tells of it.",
    columns=(
        c.EVENT_ID,
        ARTICLE_ID,
        _SCORE,
        _SCORE.but(name="time_score", doc="1 while the event lasts, less with every day around."),
        _SCORE.but(name="name_score", doc="Share of its names that fell in the event."),
        _SCORE.but(name="word_score", doc="How much of its wording speaks of a fall."),
        Column(
            "n_names", "BIGINT", "Listings of the event that it names.", unit="listings", minimum=0
        ),
        Column(
            "hours_after_start",
            "DOUBLE",
            "From the event's start to its publication; negative before.",
            unit="hours",
        ),
        c.AS_OF,
    ),
    grain=("event_id", "article_id"),
)

MENTION_BURSTS = Table(
    layer="mart",
    name="mention_bursts",
    doc=(
        "One row per listing and session with an article that names it: how many did, against what "
        "was usual in the sessions before."
    ),
    columns=(
        c.LISTING_ID,
        c.TICKER,
        c.SESSION_DATE.but(doc="Session in whose day it was published: up to its close."),
        _ARTICLES.but(name="n_articles", doc="Articles that name it, near copies counted once."),
        Column(
            "expected_articles",
            "DOUBLE",
            "What its rate in the 60 sessions before says; NULL before ten of them.",
            unit="articles",
            nullable=True,
            minimum=0,
        ),
        Column(
            "p_value",
            "DOUBLE",
            "Chance of so many or more at that rate; NULL without one.",
            unit="fraction",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column("is_burst", "BOOLEAN", "Whether so many come by chance once in a thousand."),
        c.AS_OF,
    ),
    grain=("listing_id", "session_date"),
)

EVENT_COVERAGE = Table(
    layer="mart",
    name="event_coverage",
    doc="One row per event that articles tell of: how many, who was first, what they agree on.",
    columns=(
        c.EVENT_ID,
        _ARTICLES,
        Column(
            "n_independent_sources",
            "BIGINT",
            "Sources, copies of one text counted as one.",
            unit="sources",
            minimum=1,
        ),
        ARTICLE_ID.but(name="first_article_id", doc="The first to name one of its listings."),
        Column("first_mentioned_at", "TIMESTAMP", "When that was published.", unit="UTC"),
        Column(
            "hours_before_start",
            "DOUBLE",
            "From then to the event's start; negative where it came after.",
            unit="hours",
        ),
        Column(
            "mean_tone",
            "DOUBLE",
            "Mean of the articles' tones; NULL where none is known.",
            unit="ratio",
            nullable=True,
            minimum=-1,
            maximum=1,
        ),
        Column("n_claims", "BIGINT", "Claims of its articles.", unit="claims", minimum=0),
        Column("n_supported", "BIGINT", "Supported as stated.", unit="claims", minimum=0),
        Column(
            "summary",
            "VARCHAR",
            "One paragraph of facts, each from a claim that the prices support, with the number of "
            "its reference; NULL without any.",
            nullable=True,
        ),
        Column(
            "summary_references",
            "VARCHAR",
            "Its references: number, source, address and claim, a line each; NULL without any.",
            nullable=True,
        ),
        c.AS_OF,
    ),
    grain=("event_id",),
)
